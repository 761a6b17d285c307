#include "tests/rules/node.h"

namespace canopy::rules {
namespace {

using model::Labels;
using std::chrono::hours;
using std::chrono::minutes;

Labels M(std::string_view instance) { return Labels{{"__name__", "m"}, {"instance", instance}}; }

constexpr char kRules[] = R"(
groups:
  - name: g
    rules:
      - alert: High
        expr: m > 10
        for: 1m
        labels:
          severity: page
          where: '{{ $labels.instance | toUpper }}'
        annotations:
          summary: '{{ $labels.instance }} has {{ $value | humanize }} in {{ $externalLabels.zone }}'
          broken: '{{ $labels.instance.foo }}'
          empty: ''
)";

std::string Sent(const model::Alert& alert) {
  return alert.labels.ToString() + (alert.resolved ? " resolved" : " firing");
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_alert_from_its_first_result_to_its_end) {
  Node node;
  node.MustUpdate(kRules);
  BOOST_TEST(AlertStateText(node.Rule(0).state) == "unknown");
  // A new process first reads back what an earlier one knew: two evaluations without series.
  node.Tick({{M("a"), 1}});
  node.Tick({{M("a"), 1}});
  BOOST_TEST(AlertStateText(node.Rule(0).state) == "inactive");

  node.Tick({{M("a"), 2000}});
  const Timestamp active_at = node.clock.Now();
  BOOST_TEST(AlertStateText(node.Rule(0).state) == "pending");
  BOOST_TEST(
      node.Query("ALERTS") ==
      R"(ALERTS{alertname="High", alertstate="pending", instance="a", severity="page", where="A"} 1)");
  BOOST_TEST(node.Query("ALERTS_FOR_STATE") ==
             R"(ALERTS_FOR_STATE{alertname="High", instance="a", severity="page", where="A"} )" +
                 std::to_string(active_at.ms() / 1000));
  BOOST_TEST(node.sent.empty());

  node.Tick({{M("a"), 3000}});
  BOOST_TEST(AlertStateText(node.Rule(0).state) == "firing");
  BOOST_TEST(
      node.Query("ALERTS") ==
      R"(ALERTS{alertname="High", alertstate="firing", instance="a", severity="page", where="A"} 1)");
  BOOST_REQUIRE(node.sent.size() == 1u);
  const model::Alert firing = node.sent[0];
  BOOST_TEST(Sent(firing) ==
             R"({alertname="High", instance="a", severity="page", where="A"} firing)");
  BOOST_TEST((firing.starts_at == node.clock.Now()));
  BOOST_TEST((firing.ends_at == node.clock.Now() + minutes(4)));
  BOOST_TEST(firing.generator_url == "http://canopy:9090/graph?g0.expr=m+%3E+10&g0.tab=1");
  const model::Annotations want = {
      {"broken",
       "<error expanding template: error executing template __alert_High: template: "
       "__alert_High:1:122: executing \"__alert_High\" at <$labels.instance.foo>: can't evaluate "
       "field foo in type string>"},
      {"empty", ""},
      {"summary", "a has 3k in a"}};
  BOOST_TEST((firing.annotations == want));

  const auto alerts = node.manager->Alerts();
  BOOST_REQUIRE(alerts.size() == 1u);
  BOOST_TEST((alerts[0].active_at == active_at));
  BOOST_TEST(alerts[0].value == 3000);
  BOOST_TEST((alerts[0].annotations == want));

  node.Tick({{M("a"), 5}});
  BOOST_TEST(AlertStateText(node.Rule(0).state) == "inactive");
  BOOST_TEST(node.Query("ALERTS") == "");
  BOOST_TEST(node.Query("ALERTS_FOR_STATE") == "");
  BOOST_TEST(node.manager->Alerts().empty());
  BOOST_REQUIRE(node.sent.size() == 2u);
  BOOST_TEST(Sent(node.sent[1]) ==
             R"({alertname="High", instance="a", severity="page", where="A"} resolved)");
  BOOST_TEST((node.sent[1].ends_at == node.clock.Now()));
  BOOST_TEST((node.sent[1].starts_at == firing.starts_at));
}

BOOST_AUTO_TEST_CASE(templates_may_query) {
  Node node;
  node.MustUpdate(R"yaml(
groups:
  - name: g
    rules:
      - alert: A
        expr: m > 10
        annotations:
          others: '{{ range query "sort(m)" }}{{ .Labels.instance }}={{ .Value }} {{ end }}'
          bad: '{{ query "m[" }}'
)yaml");
  node.Tick({{M("a"), 20}, {M("b"), 3}});
  const auto alerts = node.manager->Alerts();
  BOOST_REQUIRE(alerts.size() == 1u);
  BOOST_TEST(alerts[0].annotations[1].second == "b=3 a=20 ");
  BOOST_TEST(alerts[0].annotations[0].second.find("parse error") != std::string::npos);
  BOOST_TEST(node.MetricLine("prometheus_template_text_expansion_failures_total") ==
             "prometheus_template_text_expansion_failures_total 1");
}

BOOST_AUTO_TEST_CASE(keep_firing_for_bridges_gaps) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - alert: A
        expr: m > 10
        keep_firing_for: 90s
)");
  node.Tick({{M("a"), 20}});
  node.Tick({{M("a"), 2}});
  auto alerts = node.manager->Alerts();
  BOOST_REQUIRE(alerts.size() == 1u);
  BOOST_TEST(AlertStateText(alerts[0].state) == "firing");
  BOOST_TEST((alerts[0].keep_firing_since == node.clock.Now()));
  node.Tick({{M("a"), 2}});
  BOOST_TEST(node.manager->Alerts().size() == 1u);
  node.Tick({{M("a"), 2}});
  BOOST_TEST(node.manager->Alerts().empty());
}

BOOST_AUTO_TEST_CASE(the_state_of_a_pending_alert_outlives_a_restart) {
  constexpr char kLong[] = R"(
groups:
  - name: g
    rules:
      - alert: Slow
        expr: m > 10
        for: 30m
        labels: {severity: page, i: '{{ $labels.instance }}'}
)";
  Node node;
  node.MustUpdate(kLong);
  for (int i = 0; i < 14; ++i) node.Tick({{M("a"), 20}});
  const auto before = node.manager->Alerts();
  BOOST_REQUIRE(before.size() == 1u);
  BOOST_TEST(node.Query("ALERTS_FOR_STATE") != "");
  const Timestamp down_at = node.clock.Now();

  node.clock.Advance(minutes(10));
  node.Restart();
  node.MustUpdate(kLong);
  const std::string written = node.Query("last_over_time(ALERTS_FOR_STATE[15m])");
  node.Tick({{M("a"), 20}});
  // Until the state is back, nothing is written over it.
  BOOST_TEST(node.Query("ALERTS") == "");
  BOOST_TEST(node.Query("last_over_time(ALERTS_FOR_STATE[15m])") == written);
  node.Tick({{M("a"), 20}});
  auto after = node.manager->Alerts();
  BOOST_REQUIRE(after.size() == 1u);
  // The outage does not count: it moves the beginning (whole seconds are stored).
  const Duration outage = node.clock.Now() - down_at;
  const Timestamp want = Timestamp::FromMs(before[0].active_at.ms() / 1000 * 1000) + outage;
  BOOST_TEST((after[0].active_at == want));
  node.Tick({{M("a"), 20}});
  BOOST_TEST(node.Query("ALERTS") != "");
}

BOOST_AUTO_TEST_CASE(state_that_is_too_old_is_not_believed) {
  constexpr char kLong[] = "groups: [{name: g, rules: [{alert: Slow, expr: m > 10, for: 30m}]}]";
  Node node;
  node.MustUpdate(kLong);
  for (int i = 0; i < 14; ++i) node.Tick({{M("a"), 20}});
  node.clock.Advance(minutes(61));
  node.Restart();
  node.MustUpdate(kLong);
  node.Tick({{M("a"), 20}});
  const Timestamp began = node.clock.Now();
  node.Tick({{M("a"), 20}});
  BOOST_REQUIRE(node.manager->Alerts().size() == 1u);
  BOOST_TEST((node.manager->Alerts()[0].active_at == began));
}

BOOST_AUTO_TEST_CASE(an_alert_that_had_ended_is_not_restored) {
  constexpr char kLong[] = "groups: [{name: g, rules: [{alert: Slow, expr: m > 10, for: 30m}]}]";
  Node node;
  node.MustUpdate(kLong);
  for (int i = 0; i < 14; ++i) node.Tick({{M("a"), 20}});
  node.Tick({{M("a"), 1}});
  node.Restart();
  node.MustUpdate(kLong);
  node.Tick({{M("a"), 20}});
  const Timestamp began = node.clock.Now();
  node.Tick({{M("a"), 20}});
  BOOST_REQUIRE(node.manager->Alerts().size() == 1u);
  BOOST_TEST((node.manager->Alerts()[0].active_at == began));
}

BOOST_AUTO_TEST_CASE(a_store_that_cannot_be_read_costs_the_state_and_no_more) {
  constexpr char kLong[] = "groups: [{name: g, rules: [{alert: Slow, expr: vector(1), for: 30m}]}]";
  Node node;
  node.MustUpdate(kLong);
  node.Tick();
  node.store.FailWith(Status::Io("broken"));
  node.Tick();
  node.store.FailWith({});
  node.Tick();
  BOOST_TEST(node.Query("ALERTS") == R"(ALERTS{alertname="Slow", alertstate="pending"} 1)");
}

BOOST_AUTO_TEST_CASE(alerts_of_a_limited_group) {
  Node node;
  node.MustUpdate("groups: [{name: g, limit: 1, rules: [{alert: A, expr: m > 10}]}]");
  node.Tick({{M("a"), 20}, {M("b"), 20}});
  BOOST_TEST(node.Rule(0).last_error == "exceeded limit of 1 with 2 alerts");
  BOOST_TEST(node.sent.empty());
  node.Tick({{M("a"), 20}, {M("b"), 2}});
  BOOST_TEST(node.Rule(0).last_error == "");
  BOOST_TEST(node.sent.size() == 1u);
}

}  // namespace canopy::rules
