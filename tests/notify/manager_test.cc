#include "canopy/notify/manager.h"

#include "tests/notify/node.h"

namespace canopy::notify {
namespace {

struct Small : Node {
  Small() : Node(Options()) {}
  static ManagerOptions Options() {
    ManagerOptions small;
    small.queue_capacity = 4;
    small.batch_size = 2;
    return small;
  }
};

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out.append(out.empty() ? "" : " ").append(w);
  return out;
}

}  // namespace

// --- what is sent ---

// But for the escapes of < and & this is what Prometheus 2.42 sends.
BOOST_FIXTURE_TEST_CASE(a_request_is_as_prometheus_sends_it, Node) {
  auto config = Static({"one"});
  config.timeout = std::chrono::seconds(7);
  config.http.basic_auth = net::BasicAuth{"u", "", "p", ""};
  Apply(Alerting({config}), {{"zone", "z"}});
  std::vector<model::Alert> alerts(2);
  alerts[0].labels = {{"alertname", "A"}};
  alerts[0].annotations = {{"b", "x<y & \"q\"\n\xff"}, {"empty", ""}};
  alerts[0].starts_at = Timestamp::FromMs(1795629480730);
  alerts[0].ends_at = Timestamp::FromMs(1795629781070);
  alerts[0].generator_url = "http://vm:19090/graph?g0.expr=vector%281%29+%3E+0&g0.tab=1";
  alerts[1].labels = {{"alertname", "B"}};
  alerts[1].starts_at = Timestamp::FromMs(1795629480000);
  alerts[1].ends_at = Timestamp::FromMs(1795629781700);
  manager->Send(alerts);
  manager->RunDue();
  const auto& sent = client.Find(kOne);
  BOOST_TEST(sent.request.method == "POST");
  BOOST_TEST((sent.request.headers == net::Headers{{"Content-Type", "application/json"}}));
  BOOST_TEST(sent.request.body ==
             R"([{"annotations":{"b":"x<y & \"q\"\n\ufffd","empty":""},)"
             R"("endsAt":"2026-11-25T18:03:01.070Z","startsAt":"2026-11-25T17:58:00.730Z",)"
             R"("generatorURL":"http://vm:19090/graph?g0.expr=vector%281%29+%3E+0&g0.tab=1",)"
             R"("labels":{"alertname":"A","zone":"z"}},)"
             R"({"endsAt":"2026-11-25T18:03:01.700Z","startsAt":"2026-11-25T17:58:00.000Z",)"
             R"("labels":{"alertname":"B","zone":"z"}}])");
  BOOST_TEST((sent.options.timeout == std::chrono::seconds(7)));
  BOOST_TEST((*sent.options.config == config.http));
}

BOOST_FIXTURE_TEST_CASE(external_labels_come_first_then_relabelling_then_each_entrys_own, Node) {
  config::AlertingConfig alerting;
  alerting.alert_relabel_configs = Rules(
      {{.regex = "replica", .action = model::RelabelAction::kLabelDrop},
       {.source_labels = {"alertname"}, .regex = "quiet", .action = model::RelabelAction::kDrop}});
  alerting.alertmanagers = {Static({"one"}), Static({"two"})};
  alerting.alertmanagers[1].alert_relabel_configs =
      Rules({{.source_labels = {"zone"}, .regex = "mine", .action = model::RelabelAction::kKeep},
             {.target_label = "to", .replacement = "two"}});
  Apply(alerting, {{"zone", "z"}, {"replica", "1"}});
  std::vector<model::Alert> alerts(3);
  alerts[0].labels = {{"alertname", "a"}};
  alerts[1].labels = {{"alertname", "a"}, {"zone", "mine"}};  // its own label wins
  alerts[2].labels = {{"alertname", "quiet"}, {"zone", "mine"}};
  manager->Send(alerts);
  manager->RunDue();
  const std::string times =
      R"("endsAt":"1970-01-01T00:00:00.000Z","startsAt":"1970-01-01T00:00:00.000Z",)";
  BOOST_TEST(Sent(kOne) == "[{" + times + R"("labels":{"alertname":"a","zone":"z"}},{)" + times +
                               R"("labels":{"alertname":"a","zone":"mine"}}])");
  BOOST_TEST(Sent(kTwo) ==
             "[{" + times + R"("labels":{"alertname":"a","to":"two","zone":"mine"}}])");
}

BOOST_FIXTURE_TEST_CASE(what_relabelling_leaves_nothing_of_is_not_sent, Node) {
  config::AlertingConfig alerting;
  alerting.alert_relabel_configs =
      Rules({{.regex = "alertname", .action = model::RelabelAction::kLabelDrop}});
  alerting.alertmanagers = {Static({"one"})};
  Apply(alerting);
  Send("a@2000 a!900");
  BOOST_TEST(Sent() == "");
  BOOST_TEST(Metric("queue_length") == "0");
}

BOOST_FIXTURE_TEST_CASE(entries_that_name_the_same_alertmanager_share_a_queue, Node) {
  config::AlertingConfig alerting;
  alerting.alertmanagers = {Static({"one"}), Static({"one"})};
  alerting.alertmanagers[0].alert_relabel_configs = Rules(
      {{.source_labels = {"alertname"}, .regex = "b", .action = model::RelabelAction::kKeep}});
  alerting.alertmanagers[0].timeout = std::chrono::seconds(3);
  Apply(alerting);
  Send("a@2000 b@2000");
  BOOST_TEST(Sent() == Body("b@2000 a@2000"));
  BOOST_TEST((client.Find(kOne).options.timeout == std::chrono::seconds(3)));
  BOOST_TEST(Metric("alertmanagers_discovered", "") == "1");
}

// --- how it gets there ---

BOOST_FIXTURE_TEST_CASE(batches_go_in_order_one_at_a_time, Small) {
  Use({"one", "two"});
  Send("a@2000 b@2000 c@2000");
  BOOST_TEST(Sent() == Body("a@2000 b@2000"));
  BOOST_TEST(Metric("queue_length") == "1");
  Send("d@2000");
  BOOST_TEST(client.Waiting().size() == 2U);  // one for each
  Answer(200);
  BOOST_TEST(Sent() == Body("c@2000 d@2000"));
  BOOST_TEST(Sent(kTwo) == Body("a@2000 b@2000"));  // nobody waits for another
  Answer(204);
  BOOST_TEST(Sent() == "");
  BOOST_TEST(Metric("sent_total") == "4");
  BOOST_TEST(Metric("errors_total") == "0");
  BOOST_TEST(Metric("dropped_total") == "0");
  BOOST_TEST(Metric("queue_length") == "0");
}

BOOST_FIXTURE_TEST_CASE(a_batch_is_tried_again_later_and_later_until_it_is_taken, Node) {
  Use({"one"});
  Send("a@2000 b@2000");
  for (const int wait : {500, 1000, 2000, 4000, 8000, 10000, 10000}) {
    BOOST_TEST_CONTEXT(wait) {
      BOOST_TEST(Sent() == Body("a@2000 b@2000"));
      if (wait % 1000 == 0) {
        Refuse();
      } else {
        Answer(503);
      }
      BOOST_TEST(Sent() == "");
      BOOST_TEST((manager->RunDue() == Duration(wait)));
      Advance(Duration(wait - 1));
      BOOST_TEST(Sent() == "");
      Advance(Duration(1));
    }
  }
  Send("c@2000");
  Answer(200);
  BOOST_TEST(Sent() == Body("c@2000"));
  BOOST_TEST(Metric("errors_total") == "14");
  BOOST_TEST(Metric("dropped_total") == "0");
  BOOST_TEST(Metric("sent_total") == "2");
  Refuse();  // after one that was taken, it begins anew
  BOOST_TEST((manager->RunDue() == Duration(500)));
}

BOOST_FIXTURE_TEST_CASE(of_an_alertmanager_that_is_away_the_last_state_and_each_end_is_kept, Node) {
  Use({"one"});
  Send("a@1240 b@1240 c!990");
  Refuse();
  Send("a@1300 c@1300");
  Send("b!1000");
  BOOST_TEST(Sent() == "");  // it is not yet time
  Advance(Duration(500));
  BOOST_TEST(Sent() == Body("a@1300 b!1000 c!990 c@1300"));
}

BOOST_FIXTURE_TEST_CASE(when_a_queue_is_full_the_oldest_go, Small) {
  Use({"one", "two"});
  Send("a@2000 b@2000 c@2000 d@2000 e@2000 f@2000");
  BOOST_TEST(Metric("dropped_total") == "2");
  BOOST_TEST(Sent() == Body("c@2000 d@2000"));
  Send("g@2000 h@2000");
  BOOST_TEST(Metric("queue_length") == "4");
  BOOST_TEST(Metric("dropped_total") == "2");
  Answer(500);
  BOOST_TEST(Metric("dropped_total") == "4");  // c and d have no place to go back to
  Advance(std::chrono::seconds(1));
  BOOST_TEST(Sent() == Body("e@2000 f@2000"));
  BOOST_TEST(Metric("queue_capacity", "") == "4");
}

BOOST_FIXTURE_TEST_CASE(one_bad_alert_takes_no_other_with_it, Node) {
  Use({"one"});
  Send("a@2000 b@2000 bad!990 c@2000 d@2000 e@2000 f@2000 g@2000");
  std::vector<std::string> taken;
  while (!Sent().empty()) {
    const std::string body = Sent();
    if (body.find("bad") != std::string::npos) {
      Answer(400, kOne, "invalid label set");
    } else {
      taken.push_back(body);
      Answer(200);
    }
    if (Sent().empty()) Advance(std::chrono::seconds(1));
  }
  // 8, 4 with the bad one, its 2, 2 again, it alone, then the rest, more and more.
  const std::vector<std::string> want = {Body("a@2000 b@2000"), Body("c@2000"),
                                         Body("d@2000 e@2000"), Body("f@2000 g@2000")};
  BOOST_TEST(taken == want, boost::test_tools::per_element());
  BOOST_TEST(Metric("dropped_total") == "1");
  BOOST_TEST(Metric("sent_total") == "7");
  Restart();
  Use({"one"});
  manager->RunDue();
  BOOST_TEST(Sent() == "");  // it is not kept either
}

BOOST_FIXTURE_TEST_CASE(latency_is_that_of_what_was_taken, Node) {
  Use({"one"});
  Send("a@2000");
  clock.Advance(std::chrono::seconds(3));
  Answer(200);
  Send("a@2000");
  clock.Advance(std::chrono::seconds(5));
  Answer(500);
  BOOST_TEST(Metric("latency_seconds_sum") == "3");
  BOOST_TEST(Metric("latency_seconds_count") == "1");
  BOOST_TEST(Metric("latency_histogram_seconds_sum") == "3");
}

// --- ends of alerts, over restarts ---

BOOST_FIXTURE_TEST_CASE(an_end_is_told_after_a_restart, Node) {
  Use({"one", "two"});
  Send("a!990 b!980 c@2000");
  Answer(200, kTwo);
  Refuse();
  Restart();
  Use({"two", "one"});
  manager->RunDue();
  BOOST_TEST(Sent() == Body("b!980 a!990"));  // c is told of by rules again
  BOOST_TEST(Sent(kTwo) == "");
  Restart();  // while it is being told
  Use({"one"});
  manager->RunDue();
  BOOST_TEST(Sent() == Body("b!980 a!990"));
  Answer(200);
  Restart();
  Use({"one"});
  manager->RunDue();
  BOOST_TEST(Sent() == "");
}

BOOST_FIXTURE_TEST_CASE(an_end_that_had_no_room_is_told_after_a_restart, Small) {
  Use({"one"});
  Send("a!990");
  Send("b!990 c@2000 d@2000 e@2000 f@2000");
  BOOST_TEST(Metric("dropped_total") == "1");  // b
  Restart();
  Use({"one"});
  manager->RunDue();
  BOOST_TEST(Sent() == Body("a!990 b!990"));
}

BOOST_FIXTURE_TEST_CASE(an_end_that_is_old_is_not_worth_telling, Node) {
  Use({"one"});
  Send("a!990 b!1000");
  Refuse();
  Advance(Duration(900'000));
  BOOST_TEST(Sent() == Body("b!1000"));
  BOOST_TEST(Metric("dropped_total") == "1");
  Refuse();
  clock.Advance(std::chrono::minutes(2));
  Restart();
  Use({"one"});
  manager->RunDue();
  BOOST_TEST(Sent() == "");
}

BOOST_FIXTURE_TEST_CASE(a_later_end_is_not_forgotten_with_an_earlier_one, Node) {
  Use({"one"});
  Send("a!990");
  Send("a@1500");
  Send("a!995");
  Answer(200);
  BOOST_TEST(Sent() == Body("a!995"));
  Restart();
  Use({"one"});
  manager->RunDue();
  BOOST_TEST(Sent() == Body("a!995"));
}

// --- reload ---

BOOST_FIXTURE_TEST_CASE(queues_survive_a_reload, Node) {
  Use({"one"});
  Send("a@2000");
  Refuse();
  // Nothing that discovery sees has changed: the new settings count without it.
  config::AlertingConfig alerting = Alerting({Static({"one"})});
  alerting.alertmanagers[0].timeout = std::chrono::seconds(3);
  manager->ApplyConfig(alerting, {});
  Advance(std::chrono::seconds(1));
  BOOST_TEST(Sent() == Body("a@2000"));
  BOOST_TEST((client.Find(kOne).options.timeout == std::chrono::seconds(3)));
  Refuse();
  // Its entry has moved and has one more target.
  alerting.alertmanagers = {Static({"two"}), Static({"three", "one"})};
  manager->ApplyConfig(alerting, {});
  BOOST_TEST(Join(manager->Known().active) == kOne);  // until discovery has spoken
  manager->Send(Alerts("b@2000"));
  manager->SetTargets(Groups(alerting));
  Advance(std::chrono::seconds(1));
  BOOST_TEST(Sent() == Body("a@2000 b@2000"));
  BOOST_TEST(Sent(kTwo) == "");
  Refuse();
  // One file of many is not the whole: discovery has not spoken of the second entry.
  alerting.alertmanagers = {Static({"two"}), Static({"one"})};
  manager->ApplyConfig(alerting, {});
  manager->SetTargets({{"config-0", Groups(alerting)["config-0"]}});
  BOOST_TEST(Join(manager->Known().active) ==
             "http://one/api/v2/alerts http://three/api/v2/alerts http://two/api/v2/alerts");
  manager->SetTargets(Groups(alerting));
  BOOST_TEST(Join(manager->Known().active) == "http://one/api/v2/alerts http://two/api/v2/alerts");
  Advance(std::chrono::seconds(2));
  BOOST_TEST(Sent() == Body("a@2000 b@2000"));
}

BOOST_FIXTURE_TEST_CASE(an_alertmanager_that_goes_takes_its_queue_with_it, Node) {
  Use({"one", "two"});
  Send("a@2000 b!990");
  Use({"two"});
  BOOST_TEST(client.canceled == 1);
  BOOST_TEST(Join(client.Waiting()) == kTwo);
  BOOST_TEST(Metric("sent_total") == "none");
  BOOST_TEST(Metric("queue_length") == "none");
  BOOST_TEST(Metric("alertmanagers_discovered", "") == "1");
  Use({"two", "one"});  // it comes back: what had ended is still to be told
  manager->RunDue();
  BOOST_TEST(Sent() == Body("b!990"));
  Apply({});
  BOOST_TEST(client.Waiting().empty());
  BOOST_TEST(Metric("alertmanagers_discovered", "") == "0");
  Send("c@2000");
  BOOST_TEST(client.Waiting().empty());
}

BOOST_FIXTURE_TEST_CASE(known_alertmanagers_are_shown, Node) {
  config::AlertingConfig alerting;
  alerting.alertmanagers = {Static({"two", "old"}), Static({"one"})};
  alerting.alertmanagers[0].relabel_configs = Rules(
      {{.source_labels = {"__address__"}, .regex = "old", .action = model::RelabelAction::kDrop}});
  alerting.alertmanagers[0].path_prefix = "/am";
  Apply(alerting);
  BOOST_TEST(Join(manager->Known().active) ==
             "http://one/api/v2/alerts http://two/am/api/v2/alerts");
  BOOST_TEST(Join(manager->Known().dropped) == "http://old/am/api/v2/alerts");
}

BOOST_AUTO_TEST_CASE(jobs_of_discovery_are_numbered) {
  const auto alerting = Node::Alerting({Node::Static({"a"}), Node::Static({"b"})});
  const auto jobs = DiscoveryJobs(alerting);
  BOOST_TEST(jobs.size() == 2U);
  BOOST_TEST((jobs.at("config-0") == alerting.alertmanagers[0].discovery));
  BOOST_TEST((jobs.at("config-1") == alerting.alertmanagers[1].discovery));
}

BOOST_FIXTURE_TEST_CASE(an_outbox_that_cannot_be_opened_is_an_error, Node) {
  options.outbox_path = folder / "no/such/outbox.db";
  const auto created = Manager::Create({clock, client, metrics}, options);
  BOOST_TEST_REQUIRE(!created.ok());
  BOOST_TEST((created.status().code() == Code::kIo));
  BOOST_TEST(created.status().message() ==
             "outbox " + options.outbox_path + ": unable to open database file");
}

}  // namespace canopy::notify
