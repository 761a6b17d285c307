#include <atomic>
#include <thread>

#include "tests/rules/node.h"
#include "tests/support/wait_for.h"

namespace canopy::rules {
namespace {

using model::Labels;
using std::chrono::minutes;
using std::chrono::seconds;

Labels M(std::string_view instance) { return Labels{{"__name__", "m"}, {"instance", instance}}; }

}  // namespace

BOOST_AUTO_TEST_CASE(each_group_is_evaluated_at_its_own_interval) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: fast
    interval: 10s
    rules: [{record: fast, expr: '1'}]
  - name: slow
    rules: [{record: slow, expr: '1'}]
)");
  for (int i = 0; i < 300; ++i) {
    node.clock.Advance(seconds(1));
    node.manager->RunDue();
  }
  const auto all = node.store.All();
  const auto& fast = all.at(Labels{{"__name__", "fast"}});
  const auto& slow = all.at(Labels{{"__name__", "slow"}});
  BOOST_TEST(fast.size() == 30u);
  BOOST_TEST(slow.size() == 5u);
  for (size_t i = 1; i < fast.size(); ++i) {
    BOOST_TEST((fast[i].time - fast[i - 1].time == seconds(10)));
  }
  BOOST_TEST((slow[1].time - slow[0].time == minutes(1)));
  // Results stand at the slot, not at the time when somebody got round to it.
  BOOST_TEST(fast[0].time.ms() % 10'000 == fast[7].time.ms() % 10'000);
}

BOOST_AUTO_TEST_CASE(slots_that_pass_unseen_are_missed) {
  Node node;
  node.MustUpdate("groups: [{name: g, interval: 10s, rules: [{record: r, expr: '1'}]}]");
  node.Tick();
  const Timestamp last = node.clock.Now();
  node.clock.Advance(seconds(45));
  node.manager->RunDue();
  BOOST_TEST(node.MetricLine("prometheus_rule_group_iterations_missed_total") ==
             "prometheus_rule_group_iterations_missed_total{rule_group=\"r.yml;g\"} 3");
  BOOST_TEST(node.MetricLine("prometheus_rule_group_iterations_total") ==
             "prometheus_rule_group_iterations_total{rule_group=\"r.yml;g\"} 5");
  const auto samples = node.store.All().at(Labels{{"__name__", "r"}});
  BOOST_REQUIRE(samples.size() == 2u);
  BOOST_TEST((samples[1].time == last + seconds(40)));
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_back_stops_nothing) {
  Node node;
  node.MustUpdate("groups: [{name: g, interval: 10s, rules: [{record: r, expr: '1'}]}]");
  node.Tick();
  node.clock.Set(node.clock.Now() - std::chrono::hours(5));
  const Timestamp next = node.NextSlot();
  BOOST_TEST((next > node.clock.Now()));
  BOOST_TEST((next <= node.clock.Now() + seconds(10)));
}

BOOST_AUTO_TEST_CASE(a_reload_leaves_unchanged_groups_alone) {
  Node node;
  const std::string rules =
      "groups: [{name: g, rules: [{alert: A, expr: m > 1, for: 5m}, {record: r, expr: m}]}]";
  node.MustUpdate(rules);
  node.Tick({{M("a"), 5}});
  const auto before = node.manager->Groups();
  node.MustUpdate(rules);
  const auto after = node.manager->Groups();
  BOOST_TEST((after[0].last_evaluation == before[0].last_evaluation));
  BOOST_TEST(after[0].rules[0].alerts.size() == 1u);
  BOOST_TEST(RuleHealthText(after[0].rules[1].health) == "ok");
  node.Tick({{M("a"), 6}});
  BOOST_TEST(node.Query("r") == R"(r{instance="a"} 6)");
}

BOOST_AUTO_TEST_CASE(a_changed_group_keeps_the_state_of_rules_with_the_same_name_and_labels) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - {alert: A, expr: m > 1, for: 3m}
      - {alert: B, expr: m > 1, for: 3m, labels: {x: a}}
)");
  for (int i = 0; i < 3; ++i) node.Tick({{M("a"), 5}});
  const Timestamp a_since = node.Rule(0).alerts.at(0).active_at;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - {alert: New, expr: m > 100}
      - {alert: A, expr: m > 2, for: 3m}
      - {alert: B, expr: m > 1, for: 3m, labels: {x: b}}
)");
  BOOST_TEST((node.Rule(1).alerts.at(0).active_at == a_since));
  BOOST_TEST(node.Rule(2).alerts.empty());
  node.Tick({{M("a"), 5}});
  BOOST_TEST(AlertStateText(node.Rule(1).state) == "firing");
  BOOST_TEST(AlertStateText(node.Rule(2).state) == "pending");
}

BOOST_AUTO_TEST_CASE(series_of_a_rule_that_went_away_end_at_the_next_evaluation) {
  Node node;
  node.MustUpdate("groups: [{name: g, rules: [{record: a, expr: m}, {record: b, expr: m}]}]");
  node.Tick({{M("a"), 5}});
  BOOST_TEST(node.Query("a") != "");
  node.MustUpdate("groups: [{name: g, rules: [{record: b, expr: m}]}]");
  node.Tick({{M("a"), 5}});
  BOOST_TEST(node.Query("a") == "");
  BOOST_TEST(node.Query("b") == R"(b{instance="a"} 5)");
}

BOOST_AUTO_TEST_CASE(series_of_a_group_that_went_away_end_unless_another_group_writes_them) {
  Node node;
  node.MustUpdate(R"(
groups:
  - {name: old, rules: [{record: moved, expr: m}, {record: gone, expr: m}]}
  - {name: stays, rules: [{record: s, expr: '1'}]}
)");
  node.Tick({{M("a"), 5}});
  while (node.Query("gone") == "") node.Tick();
  node.MustUpdate(R"(
groups:
  - {name: new, rules: [{record: moved, expr: m}]}
  - {name: stays, rules: [{record: s, expr: '1'}]}
)");
  BOOST_TEST(node.MetricLine("prometheus_rule_group_rules{rule_group=\"r.yml;old\"") == "");
  BOOST_TEST(node.Query("gone") != "");
  for (int i = 0; i < 6; ++i) node.Tick();
  BOOST_TEST(node.Query("gone") == "");
  BOOST_TEST(node.Query("moved") == R"(moved{instance="a"} 5)");
}

BOOST_AUTO_TEST_CASE(a_bad_reload_changes_nothing) {
  Node node;
  node.MustUpdate("groups: [{name: g, rules: [{record: r, expr: m}]}]");
  const Status status = node.Update(R"(
groups:
  - name: g
    rules:
      - record: r
        expr: m +
      - alert: A
        expr: up == 0
        annotations:
          a: '{{ nofunc }}'
          b: '{{ $labels.x }}'
        labels:
          c: '{{ if }}'
)");
  BOOST_TEST(status.message() ==
             "r.yml:6: group \"g\", rule 1, \"r\": could not parse expression: 1:4: parse error: "
             "unexpected end of input\n"
             "r.yml:7: group \"g\", rule 2, \"A\": label \"c\": template: __alert_A:1: missing "
             "value for if\n"
             "r.yml:7: group \"g\", rule 2, \"A\": annotation \"a\": template: __alert_A:1: "
             "function \"nofunc\" not defined");
  BOOST_TEST(node.manager->Groups().at(0).rules.size() == 1u);
  node.Tick({{M("a"), 5}});
  BOOST_TEST(node.Query("r") == R"(r{instance="a"} 5)");
}

BOOST_AUTO_TEST_CASE(lint_finds_twins_and_types) {
  const auto file = ParseRules(R"(
groups:
  - name: g
    labels: {x: a}
    rules:
      - {record: r, expr: m}
      - {record: r, expr: m2, labels: {x: a}}
      - {record: r, expr: m2, labels: {x: b}}
      - {alert: r, expr: "m[5m]"}
)");
  const std::vector<std::string> want = {
      "r.yml:7: record \"r\" has the name and labels of the rule at r.yml:6",
      "r.yml:9: alert \"r\" has an expression of type range vector, which no rule can be "
      "evaluated to"};
  BOOST_TEST(LintRuleFiles({file}) == want, boost::test_tools::per_element());
  BOOST_TEST(CheckRuleFiles({file}).empty());
}

BOOST_AUTO_TEST_CASE(groups_are_shown_by_file_and_name) {
  Node node;
  RuleSet set;
  set.files.push_back(ParseRules("groups: [{name: z, rules: []}, {name: a, rules: []}]", "b.yml"));
  set.files.push_back(ParseRules(
      "groups: [{name: m, interval: 7s, limit: 3, rules: [{record: r, expr: 'sum(  x)', labels: "
      "{l: v}}]}]",
      "a.yml"));
  BOOST_REQUIRE(node.manager->Update(set).ok());
  const auto groups = node.manager->Groups();
  BOOST_REQUIRE(groups.size() == 3u);
  BOOST_TEST(groups[0].file + ";" + groups[0].name == "a.yml;m");
  BOOST_TEST(groups[1].file + ";" + groups[1].name == "b.yml;a");
  BOOST_TEST(groups[2].file + ";" + groups[2].name == "b.yml;z");
  BOOST_TEST((groups[0].interval == seconds(7)));
  BOOST_TEST(groups[0].limit == 3u);
  BOOST_TEST(!groups[0].last_evaluation.has_value());
  const RuleSnapshot& rule = groups[0].rules.at(0);
  BOOST_TEST(rule.query == "sum(x)");
  BOOST_TEST(RuleKindText(rule.kind) == "recording");
  BOOST_TEST(RuleHealthText(rule.health) == "unknown");
  BOOST_TEST((rule.labels == model::Annotations{{"l", "v"}}));
}

BOOST_AUTO_TEST_CASE(threads_evaluate_reload_and_show_at_the_same_time) {
  Node node;
  const auto rules = [](int version) {
    std::string out = "groups:\n";
    for (int g = 0; g < 8; ++g) {
      out += "  - {name: g" + std::to_string(g) + ", interval: 1s, rules: [{record: r" +
             std::to_string(g) + ", expr: '" + std::to_string(g % 2 == 0 ? 1 : version) +
             "'}, {alert: A" + std::to_string(g) + ", expr: 'vector(1)'}]}\n";
    }
    return out;
  };
  node.MustUpdate(rules(0));
  node.manager->Start();
  std::atomic<bool> done{false};
  std::thread turner([&] {
    while (!done) {
      node.clock.Advance(Duration(100));
      std::this_thread::sleep_for(Duration(1));
    }
  });
  for (int version = 1; version <= 30; ++version) {
    node.MustUpdate(rules(version));
    BOOST_TEST(node.manager->Groups().size() == 8u);
    node.manager->Alerts();
  }
  // Every group has been evaluated with the last version in force.
  const bool evaluated = testing::WaitFor([&] {
    for (int g = 0; g < 8; ++g) {
      const auto all = node.store.All();
      const auto it = all.find(Labels{{"__name__", "r" + std::to_string(g)}});
      if (it == all.end() || it->second.back().value != (g % 2 == 0 ? 1 : 30)) return false;
    }
    return true;
  });
  BOOST_TEST(evaluated);
  node.manager->Stop();
  done = true;
  turner.join();
  const size_t samples = node.store.All().begin()->second.size();
  node.clock.Advance(minutes(1));
  node.manager->RunDue();
  BOOST_TEST(node.store.All().begin()->second.size() == samples);
}

}  // namespace canopy::rules
