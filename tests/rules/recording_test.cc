#include "canopy/model/sample.h"
#include "tests/rules/node.h"

namespace canopy::rules {
namespace {

using model::Labels;

Labels L(std::initializer_list<model::LabelView> labels) { return Labels(labels); }

}  // namespace

BOOST_AUTO_TEST_CASE(results_are_stored_under_the_rules_name_and_labels) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    labels: {team: infra, level: group}
    rules:
      - record: job:m:sum
        expr: sum by (job) (m)
        labels: {level: rule, job2: x, gone: ""}
      - record: one
        expr: "1"
)");
  node.Tick({{L({{"__name__", "m"}, {"job", "a"}, {"i", "1"}}), 1},
             {L({{"__name__", "m"}, {"job", "a"}, {"i", "2"}}), 2},
             {L({{"__name__", "m"}, {"job", "b"}}), 5}});
  BOOST_TEST(node.Query("job:m:sum") ==
             R"(job:m:sum{job="a", job2="x", level="rule", team="infra"} 3, )"
             R"(job:m:sum{job="b", job2="x", level="rule", team="infra"} 5)");
  BOOST_TEST(node.Query("one") == R"(one{level="group", team="infra"} 1)");
  const auto all = node.store.All();
  const Labels one = L({{"__name__", "one"}, {"level", "group"}, {"team", "infra"}});
  BOOST_TEST((all.at(one).at(0).time == node.clock.Now()));
}

BOOST_AUTO_TEST_CASE(a_rule_sees_what_the_rules_before_it_made) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - record: a
        expr: m * 2
      - record: b
        expr: a + 1
      - record: c
        expr: sum(b)
)");
  node.Tick({{L({{"__name__", "m"}}), 10}});
  BOOST_TEST(node.Query("c") == "c 21");
  node.Tick({{L({{"__name__", "m"}}), 20}});
  BOOST_TEST(node.Query("c") == "c 41");
}

BOOST_AUTO_TEST_CASE(a_series_that_is_no_longer_made_ends) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - record: big
        expr: m > 5
)");
  const Labels a = L({{"__name__", "m"}, {"i", "a"}});
  const Labels b = L({{"__name__", "m"}, {"i", "b"}});
  node.Tick({{a, 10}, {b, 10}});
  BOOST_TEST(node.Query("big") == R"(big{i="a"} 10, big{i="b"} 10)");
  node.Tick({{a, 10}, {b, 1}});
  BOOST_TEST(node.Query("big") == R"(big{i="a"} 10)");
  node.Tick({{a, 10}, {b, 7}});
  BOOST_TEST(node.Query("big") == R"(big{i="a"} 10, big{i="b"} 7)");
  // The marker stands where the sample would have been.
  const auto all = node.store.All();
  const auto& samples = all.at(L({{"__name__", "big"}, {"i", "b"}}));
  BOOST_REQUIRE(samples.size() == 3u);
  BOOST_TEST(model::IsStale(samples[1].value));
  BOOST_TEST((samples[1].time - samples[0].time == std::chrono::minutes(1)));
}

BOOST_AUTO_TEST_CASE(histograms_are_recorded_beside_floats) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - record: doubled
        expr: m * 2
      - record: counted
        expr: histogram_count(doubled)
)");
  const auto histogram = [](double count) {
    auto h = std::make_shared<model::FloatHistogram>();
    h->count = h->sum = count;
    h->positive = {{{0, 1}}, {count}};
    return h;
  };
  const Labels h1 = L({{"__name__", "m"}, {"i", "h1"}});
  const Labels f = L({{"__name__", "m"}, {"i", "f"}});
  for (int round = 1; round <= 3; ++round) {
    const Timestamp next = node.NextSlot();
    if (round < 3) node.store.Add(h1, next, histogram(10.0 * round));
    if (round == 2) node.store.Add(L({{"__name__", "m"}, {"i", "h2"}}), next, histogram(7));
    if (round == 3) node.store.Add(h1, next, model::StaleNan());
    node.store.Add(f, next, round);
    node.Tick();
  }
  const auto at = [&](std::string_view i, size_t n) {
    return node.store.All().at(L({{"__name__", "doubled"}, {"i", i}})).at(n);
  };
  BOOST_TEST(at("f", 2).value == 6);
  const auto kept =
      node.store.HistogramAt(L({{"__name__", "doubled"}, {"i", "h1"}}), at("h1", 1).time);
  BOOST_REQUIRE(kept != nullptr);
  BOOST_TEST(std::get<model::FloatHistogram>(*kept).count == 40);
  BOOST_TEST(model::IsStale(at("h1", 2).value));
  BOOST_TEST(node.Query("counted") == R"(counted{i="h2"} 14)");
}

BOOST_AUTO_TEST_CASE(a_failed_evaluation_ends_no_series) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - record: r
        expr: a * on() group_left() b
)");
  const Labels a = L({{"__name__", "a"}});
  node.Tick({{a, 2}, {L({{"__name__", "b"}}), 3}});
  BOOST_TEST(node.Query("r") == "r 6");
  BOOST_TEST(node.Rule(0).last_error == "");
  node.Tick({{a, 2}, {L({{"__name__", "b"}}), 3}, {L({{"__name__", "b"}, {"x", "y"}}), 3}});
  BOOST_TEST(RuleHealthText(node.Rule(0).health) == "err");
  BOOST_TEST(node.Rule(0).last_error.starts_with("found duplicate series for the match group"));
  BOOST_TEST(node.Query("r") == "r 6");
  BOOST_TEST(node.MetricLine("prometheus_rule_evaluation_failures_total") ==
             "prometheus_rule_evaluation_failures_total{rule_group=\"r.yml;g\"} 1");
}

BOOST_AUTO_TEST_CASE(labels_must_tell_the_results_apart) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - record: r
        expr: m
        labels: {i: ""}
)");
  node.Tick({{L({{"__name__", "m"}, {"i", "a"}}), 1}, {L({{"__name__", "m"}, {"i", "b"}}), 1}});
  BOOST_TEST(node.Rule(0).last_error ==
             "vector contains metrics with the same labelset after applying rule labels");
  BOOST_TEST(node.Query("r") == "");
}

BOOST_AUTO_TEST_CASE(a_limit_bounds_the_series_of_each_rule) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    limit: 1
    rules:
      - record: one
        expr: sum(m)
      - record: two
        expr: m
)");
  node.Tick({{L({{"__name__", "m"}, {"i", "a"}}), 1}, {L({{"__name__", "m"}, {"i", "b"}}), 1}});
  BOOST_TEST(node.Query("one") == "one 2");
  BOOST_TEST(node.Rule(1).last_error == "exceeded limit of 1 with 2 series");
  BOOST_TEST(node.Query("two") == "");
}

BOOST_AUTO_TEST_CASE(results_that_are_no_vector_are_errors) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - record: r
        expr: "'text'"
)");
  node.Tick();
  BOOST_TEST(node.Rule(0).last_error == "rule result is not a vector or scalar");
}

BOOST_AUTO_TEST_CASE(a_query_offset_shifts_data_and_results) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    query_offset: 30s
    rules:
      - record: r
        expr: m
)");
  const Timestamp slot = node.NextSlot();
  const Timestamp data = slot - std::chrono::seconds(30);
  node.store.Add(L({{"__name__", "m"}}), data, 7);
  node.store.Add(L({{"__name__", "m"}}), data + Duration(1), 8);
  node.Tick();
  const auto all = node.store.All();
  const auto& samples = all.at(L({{"__name__", "r"}}));
  BOOST_REQUIRE(samples.size() == 1u);
  BOOST_TEST(samples[0].value == 7);
  BOOST_TEST((samples[0].time == data));
}

BOOST_AUTO_TEST_CASE(what_the_store_refuses_is_the_rules_error) {
  Node node;
  node.MustUpdate(R"(
groups:
  - name: g
    rules:
      - record: r
        expr: m
)");
  const Labels m = L({{"__name__", "m"}});
  const Labels r = L({{"__name__", "r"}});
  // Somebody else has written the series, later than the rule is about to.
  node.store.Add(r, node.NextSlot() + std::chrono::minutes(5), 1);
  node.Tick({{m, 1}});
  BOOST_TEST(node.Rule(0).last_error == "out of order sample");
  BOOST_TEST(RuleHealthText(node.Rule(0).health) == "err");

  Node other;
  other.MustUpdate("groups: [{name: g, rules: [{record: r, expr: m}]}]");
  other.store.Add(m, other.NextSlot(), 1);
  other.store.Add(r, other.NextSlot(), 2);
  other.Tick();
  BOOST_TEST(other.Rule(0).last_error == "duplicate sample for timestamp");

  Node failing;
  failing.MustUpdate("groups: [{name: g, rules: [{record: r, expr: '1'}]}]");
  failing.Tick();
  failing.store.FailWith(Status::Io("disk full"));
  failing.Tick();
  BOOST_TEST(failing.Rule(0).last_error == "disk full");
  failing.store.FailWith({});
  failing.Tick();
  BOOST_TEST(failing.Rule(0).last_error == "");
  BOOST_TEST(failing.Query("r") == "r 1");
}

}  // namespace canopy::rules
