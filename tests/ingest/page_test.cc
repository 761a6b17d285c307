#include "canopy/ingest/page.h"

#include <boost/test/unit_test.hpp>

#include "target.h"

namespace canopy::ingest {
namespace {

model::RelabelRules Rules(std::vector<model::RelabelConfig> configs) {
  auto rules = model::RelabelRules::Compile(configs);
  BOOST_TEST_REQUIRE(rules.ok());
  return *rules;
}

model::RelabelConfig Drop(std::string regex) {
  model::RelabelConfig c;
  c.source_labels = {"__name__"};
  c.regex = std::move(regex);
  c.action = model::RelabelAction::kDrop;
  return c;
}

BOOST_AUTO_TEST_CASE(labels_of_page_and_target_meet) {
  auto f = [](bool honor, std::string_view page, std::string_view want) {
    PageRules rules;
    rules.honor_labels = honor;
    TestTarget t(std::move(rules));
    BOOST_TEST_CONTEXT(page << " honor " << honor) {
      BOOST_TEST(t.Text(page).error.ok());
      BOOST_TEST(t.store.Text() == want);
    }
  };
  f(false, "a 1", "a{instance=\"i\", job=\"j\"} 1@1000\n");
  f(true, "a 1", "a{instance=\"i\", job=\"j\"} 1@1000\n");
  f(false, "a{job=\"x\"} 1", "a{exported_job=\"x\", instance=\"i\", job=\"j\"} 1@1000\n");
  f(true, "a{job=\"x\"} 1", "a{instance=\"i\", job=\"x\"} 1@1000\n");
  // An explicit empty value counts as present: what federation's instance="" is for.
  f(false, "a{instance=\"\"} 1", "a{instance=\"i\", job=\"j\"} 1@1000\n");
  f(true, "a{instance=\"\"} 1", "a{job=\"j\"} 1@1000\n");
  f(true, "a{instance=\"\",job=\"\",b=\"\"} 1", "a 1@1000\n");
  // Labels that are in the way get the prefix as often as needed, the shorter names first.
  f(false, "a{job=\"x\",exported_job=\"y\"} 1",
    "a{exported_exported_job=\"x\", exported_job=\"y\", instance=\"i\", job=\"j\"} 1@1000\n");
  f(false, "{\"a.b\",\"c.d\"=\"e\"} 1",
    "{\"a.b\", \"c.d\"=\"e\", instance=\"i\", job=\"j\"} 1@1000\n");
}

BOOST_AUTO_TEST_CASE(displaced_labels_do_not_displace_exposed_ones) {
  TestTarget t({}, {{"exported_job", "t"}, {"job", "j"}});
  BOOST_TEST(t.Text("a{job=\"x\",exported_job=\"y\"} 1").error.ok());
  BOOST_TEST(t.store.Text() ==
             "a{exported_exported_exported_job=\"y\", exported_exported_job=\"x\", "
             "exported_job=\"t\", job=\"j\"} 1@1000\n");
}

BOOST_AUTO_TEST_CASE(what_vanishes_ends) {
  TestTarget t;
  (void)t.Text("a 1\nb 1\nc 1\n");
  (void)t.Text("a 2\nc 2\n");
  (void)t.Text("a 3\nb 3\nc 3\n");
  (void)t.Text("a 4\n");
  (void)t.Text("");
  (void)t.Text("");
  const std::string rest = "{instance=\"i\", job=\"j\"} ";
  BOOST_TEST(t.store.Text() == "a" + rest + "1@1000 2@2000 3@3000 4@4000 stale@5000\n" +  //
                                   "b" + rest + "1@1000 stale@2000 3@3000 stale@4000\n" + "c" +
                                   rest + "1@1000 2@2000 3@3000 stale@4000\n");
}

BOOST_AUTO_TEST_CASE(a_series_in_other_words_goes_on) {
  TestTarget t;
  (void)t.Text("a{b=\"1\",c=\"2\"} 1\n");
  const ScrapeReport second = t.Text("a{c=\"2\",b=\"1\"} 2\n");
  (void)t.Text("a{b=\"1\",c=\"2\"} 3\na{c=\"2\",b=\"1\"} 3\n");
  (void)t.Text("a{b=\"1\", c=\"2\"} 4\n");
  BOOST_TEST(t.store.Text() ==
             "a{b=\"1\", c=\"2\", instance=\"i\", job=\"j\"} 1@1000 2@2000 3@3000 4@4000\n");
  BOOST_TEST(second.added == 1u);
}

BOOST_AUTO_TEST_CASE(a_failed_scrape_ends_everything_once) {
  TestTarget t;
  (void)t.Text("a 1\n");
  BOOST_TEST(t.Fail().error.message() == "refused");
  (void)t.Fail();
  const ScrapeReport back = t.Text("a 4\n");
  (void)t.Text("a 5\nb{\n");
  (void)t.Text("a 6\n");
  BOOST_TEST(t.store.Text() ==
             "a{instance=\"i\", job=\"j\"} 1@1000 stale@2000 4@4000 stale@5000 6@6000\n");
  BOOST_TEST(back.added == 0u);
  const auto& up = t.store.series[{{"__name__", "up"}, {"instance", "i"}, {"job", "j"}}];
  std::string values;
  for (const model::Sample& s : up) values.append(s.value == 1 ? "1" : "0");
  BOOST_TEST(values == "100101");
}

BOOST_AUTO_TEST_CASE(a_scrape_is_one_append) {
  TestTarget t;
  (void)t.Text("a 1\nb 1\n");
  (void)t.Text("a 2\nc 2\n");
  (void)t.Fail();
  (void)t.Text("a 2\nc{\n");
  BOOST_TEST(t.store.batches == 4);
}

BOOST_AUTO_TEST_CASE(reports_say_what_happened) {
  PageRules rules;
  rules.metric_relabel = Rules({Drop("b")});
  rules.extra_scrape_metrics = true;
  rules.sample_limit = 100;
  TestTarget t(std::move(rules));
  const Scrape scrape = t.Now();
  t.clock.Advance(std::chrono::milliseconds(250));
  const ScrapeReport report =
      t.pages.Store(scrape, "a 1\nb 1\nc 1\nc 2\n", exposition::PageFormat::kText, t.scratch);
  BOOST_TEST(report.scraped == 4u);
  BOOST_TEST(report.kept == 3u);
  BOOST_TEST(report.added == 2u);
  BOOST_TEST(report.duration_seconds == 0.25);
  const std::string l = "{instance=\"i\", job=\"j\"} ";
  BOOST_TEST(t.store.Text(true, true) ==
             "a" + l + "1@1000\n" +  //
                 "c" + l + "1@1000\n" + "scrape_body_size_bytes" + l + "16@1000\n" +
                 "scrape_duration_seconds" + l + "0.25@1000\n" + "scrape_sample_limit" + l +
                 "100@1000\n" + "scrape_samples_post_metric_relabeling" + l + "3@1000\n" +
                 "scrape_samples_scraped" + l + "4@1000\n" + "scrape_series_added" + l +
                 "2@1000\n" + "scrape_timeout_seconds" + l + "10@1000\n" + "up" + l + "1@1000\n");
  BOOST_TEST(t.counters.duplicate_timestamp.value() == 1);
}

BOOST_AUTO_TEST_CASE(own_timestamps) {
  auto f = [](PageRules rules, std::string_view want) {
    TestTarget t(std::move(rules), {});
    (void)t.Text("a 1 500\nb 1\n");
    (void)t.Text("b 2\n");
    (void)t.Text("b 3\na 3 2500\n");
    BOOST_TEST(t.store.Text() == want);
  };
  PageRules rules;
  f(rules, "a 1@500 3@2500\nb 1@1000 2@2000 3@3000\n");
  rules.track_timestamps_staleness = true;
  f(rules, "a 1@500 stale@2000 3@2500\nb 1@1000 2@2000 3@3000\n");
  rules.honor_timestamps = false;
  f(rules, "a 1@1000 stale@2000 3@3000\nb 1@1000 2@2000 3@3000\n");
}

BOOST_AUTO_TEST_CASE(refused_samples_are_counted_under_prometheuss_names) {
  TestTarget t({}, {});
  t.store.min_time = Timestamp::FromMs(100);
  (void)t.Text("a 1 900\nb 1\nc 1 50\nd 1 601000\ne 1 601001\n");
  BOOST_TEST(t.counters.out_of_bounds.value() == 2);  // c too old, e too far ahead
  (void)t.Text("a 2 800\na 3 900\nb 1 900\n");
  BOOST_TEST(t.counters.out_of_order.value() == 2);
  BOOST_TEST(t.counters.duplicate_timestamp.value() == 1);  // a at 900 again, another value
  (void)t.Text("a 1 900\n");  // the same sample again: not worth a word
  BOOST_TEST(t.counters.out_of_order.value() == 2);
  BOOST_TEST(t.counters.duplicate_timestamp.value() == 1);
  BOOST_TEST(t.store.Text() == "a 1@900\nb 1@1000\nd 1@601000\n");
}

BOOST_AUTO_TEST_CASE(the_first_of_two_equal_lines_counts) {
  TestTarget t({}, {});
  for (int i = 0; i < 3; ++i) (void)t.Text("a 1\nb 1\na 2\n");
  BOOST_TEST(t.counters.duplicate_timestamp.value() == 3);
  (void)t.Text("b 1\na 2\n");  // the second one alone is the first
  BOOST_TEST(t.counters.duplicate_timestamp.value() == 3);
  BOOST_TEST(t.store.Text() == "a 1@1000 1@2000 1@3000 2@4000\nb 1@1000 1@2000 1@3000 1@4000\n");
}

BOOST_AUTO_TEST_CASE(a_series_may_come_at_several_times) {
  TestTarget t({}, {});
  for (int i = 0; i < 2; ++i) (void)t.Text("a 1 100\na 2 200\na 3 300\n");
  BOOST_TEST(t.store.Text() == "a 1@100 2@200 3@300\n");
}

BOOST_AUTO_TEST_CASE(limits_fail_the_page) {
  auto f = [](PageRules rules, std::string_view page, std::string_view error) {
    TestTarget t(std::move(rules));
    const ScrapeReport report = t.Text(page);
    BOOST_TEST(report.error.message() == error);
    BOOST_TEST(t.store.Text() == "");
  };
  PageRules rules;
  rules.sample_limit = 2;
  f(rules, "a 1\nb 1\nc 1\n", "sample limit exceeded");
  rules = {};
  rules.label_limit = 4;
  f(rules, "a{b=\"1\",c=\"2\"} 1\n",
    "label_limit exceeded (metric: a, number of labels: 5, limit: 4)");
  rules = {};
  rules.label_name_length_limit = 8;
  f(rules, "a{long_name=\"1\"} 1\n",
    "label_name_length_limit exceeded (metric: a, label name: long_name, length: 9, limit: 8)");
  rules = {};
  rules.label_value_length_limit = 3;
  f(rules, "a{b=\"1234\"} 1\n",
    "label_value_length_limit exceeded (metric: a, label name: b, value: \"1234\", length: 4, "
    "limit: 3)");
  rules = {};
  rules.names = model::NameValidation::kLegacy;
  f(rules, "{\"a.b\"} 1\n",
    "invalid metric name or label names: {\"a.b\", instance=\"i\", job=\"j\"}");
  rules = {};
  model::RelabelConfig drop_name;
  drop_name.regex = "__name__";
  drop_name.action = model::RelabelAction::kLabelDrop;
  rules.metric_relabel = Rules({drop_name});
  f(rules, "a 1\n", "missing metric name (__name__ label)");
}

BOOST_AUTO_TEST_CASE(the_sample_limit_counts_what_relabelling_leaves) {
  PageRules rules;
  rules.sample_limit = 2;
  rules.metric_relabel = Rules({Drop("b|c")});
  TestTarget t(std::move(rules), {});
  BOOST_TEST(t.Text("a 1\nb 1\nc 1\nd 1\n").error.ok());
  const ScrapeReport report = t.Text("a 1\nb 1\nc 1\nd 1\ne 1\nf 1");
  BOOST_TEST(report.error.message() == "sample limit exceeded");
  BOOST_TEST(report.scraped == 6u);
  BOOST_TEST(report.kept == 4u);
  BOOST_TEST(t.counters.exceeded_sample_limit.value() == 1);
  BOOST_TEST(t.store.Text() == "a 1@1000 stale@2000\nd 1@1000 stale@2000\n");
}

BOOST_AUTO_TEST_CASE(a_malformed_page_leaves_no_trace) {
  TestTarget t({}, {});
  (void)t.Text("a 1\n");
  const ScrapeReport report = t.Text("a 2\nb 2\nc{d=\n");
  BOOST_TEST(report.error.message() ==
             "line 3: expected label value, got \"\\n\" (\"INVALID\") while parsing: \"c{d=\\n\"");
  BOOST_TEST(t.store.Text() == "a 1@1000 stale@2000\n");
  BOOST_TEST(t.Text("a 3\nb{x=\"1\",x=\"2\"} 3\n").error.message().find("is not unique") !=
             std::string::npos);
  BOOST_TEST(t.OpenMetrics("a 4\n").error.message() == "line 2: data does not end with # EOF");
}

BOOST_AUTO_TEST_CASE(a_store_that_fails_fails_the_scrape) {
  TestTarget t({}, {});
  (void)t.Text("a 1\n");
  t.store.failure = Status::Io("write wal: no space left on device");
  BOOST_TEST(t.Text("b 2\n").error.message() == "append: write wal: no space left on device");
  t.store.failure = {};
  (void)t.Text("b 3\n");
  BOOST_TEST(t.store.Text() == "a 1@1000 stale@3000\nb 3@3000\n");
}

BOOST_AUTO_TEST_CASE(series_that_the_store_dropped_come_back_by_their_labels) {
  TestTarget t({}, {{"job", "j"}});
  (void)t.Text("a 1\nb 1\nc 1 700\n");
  t.store.Forget();
  BOOST_TEST(t.Text("a 2\nb 2\nc 2 1700\n").error.ok());
  (void)t.Text("a 3\nb 3\nc 3 2700\n");
  BOOST_TEST(t.store.Text() ==
             "a{job=\"j\"} 1@1000 2@2000 3@3000\nb{job=\"j\"} 1@1000 2@2000 3@3000\n"
             "c{job=\"j\"} 1@700 2@1700 3@2700\n");
  const auto& up = t.store.series[{{"__name__", "up"}, {"job", "j"}}];
  BOOST_TEST(up.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_target_that_goes_ends_its_series_and_its_report) {
  TestTarget t({}, {});
  (void)t.Text("a 1\nb 1 500\n");
  t.pages.End(Timestamp::FromMs(9000), t.scratch);
  t.pages.End(Timestamp::FromMs(9500), t.scratch);
  BOOST_TEST(t.store.Text() == "a 1@1000 stale@9000\nb 1@500\n");
  BOOST_TEST(t.store.Text(true, true).find("up 1@1000 stale@9000\n") != std::string::npos);
  BOOST_TEST(t.store.Text(true, true).find("scrape_series_added 2@1000 stale@9000\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(new_rules_end_the_series_of_the_old_ones) {
  TestTarget t({}, {});
  (void)t.Text("a 1\nb 1\n");
  auto rules = std::make_shared<PageRules>();
  rules->metric_relabel = Rules({Drop("b")});
  t.pages.SetRules(rules, false);
  (void)t.Text("a 2\nb 2\n");
  (void)t.Text("a 3\nb 3\n");
  BOOST_TEST(t.store.Text() == "a 1@1000 2@2000 3@3000\nb 1@1000 stale@2000\n");
  auto limited = std::make_shared<PageRules>(*rules);
  limited->sample_limit = 5;
  t.pages.SetRules(limited, true);
  BOOST_TEST(t.Text("a 4\nb 4\n").added == 0u);
}

BOOST_AUTO_TEST_CASE(a_name_that_another_begins_with_is_not_taken_for_it) {
  TestTarget t({}, {});
  (void)t.Text("a 1\n");
  (void)t.Text("ab 2\n");
  (void)t.Text("ab{c=\"d\"} 3\n");
  (void)t.Text("ab {c=\"d\"} 4\n");
  (void)t.Text("ab+5\n");
  BOOST_TEST(t.store.Text() ==
             "a 1@1000 stale@2000\nab 2@2000 stale@3000 5@5000\nab{c=\"d\"} 3@3000 4@4000 "
             "stale@5000\n");
}

BOOST_AUTO_TEST_CASE(bounds_follow_the_type_of_each_page) {
  TestTarget t({}, {});
  (void)t.Text("# TYPE h histogram\nh_bucket{le=\"1\"} 1\n");
  (void)t.Text("# TYPE h gauge\nh_bucket{le=\"1\"} 2\n");
  (void)t.Text("h_bucket{le=\"1\"} 3\n");
  (void)t.Text("# TYPE h histogram\nh_bucket{le=\"1\"} 4\n");
  BOOST_TEST(t.store.Text() ==
             "h_bucket{le=\"1\"} 2@2000 3@3000 stale@4000\nh_bucket{le=\"1.0\"} 1@1000 stale@2000 "
             "4@4000\n");
}

BOOST_AUTO_TEST_CASE(long_series_are_remembered_too) {
  TestTarget t({}, {});
  const std::string page = "a{b=\"" + std::string(100'000, 'x') + "\"} ";
  BOOST_TEST(t.Text(page + "1\n").added == 1u);
  BOOST_TEST(t.Text(page + "2\n").added == 0u);
  BOOST_TEST(t.store.series.begin()->second.size() == 2u);
}

BOOST_AUTO_TEST_CASE(metadata_is_read_once_and_shared) {
  TestTarget t({}, {});
  BOOST_TEST(t.pages.metadata() == nullptr);
  (void)t.OpenMetrics(
      "# HELP a_s some \\\"text\\\"\n# TYPE a_s counter\n# UNIT a_s s\na_s_total 1\n"
      "# TYPE b gauge\nb 1\n# EOF\n");
  const auto first = t.pages.metadata();
  BOOST_TEST_REQUIRE(first->families.size() == 2u);
  const FamilyMetadata* a = first->Find("a_s");
  BOOST_TEST_REQUIRE(a != nullptr);
  BOOST_TEST(a->metadata.help == "some \"text\"");
  BOOST_TEST(a->metadata.unit == "s");
  BOOST_TEST((a->metadata.type == model::MetricType::kCounter));
  BOOST_TEST(first->Find("c") == nullptr);

  // Another target with the same words has the same set; the same target keeps it.
  TargetPages other("other", {}, t.rules, t.store, t.clock, t.counters, t.pool);
  (void)other.Store(t.Now(),
                    "# HELP a_s some \\\"text\\\"\n# TYPE a_s counter\n# UNIT a_s s\na_s_total 7\n"
                    "# TYPE b gauge\nb 9\n# EOF\n",
                    exposition::PageFormat::kOpenMetrics, t.scratch);
  BOOST_TEST(other.metadata() == first);
  (void)t.OpenMetrics(
      "# HELP a_s some \\\"text\\\"\n# TYPE a_s counter\n# UNIT a_s s\na_s_total 2\n"
      "# TYPE b histogram\nb 1\n# EOF\n");
  const auto second = t.pages.metadata();
  BOOST_TEST(second->families[0] == first->families[0]);  // shared though the set differs
  BOOST_TEST((second->Find("b")->metadata.type == model::MetricType::kHistogram));
  (void)t.Fail();
  BOOST_TEST(t.pages.metadata() == second);
}

}  // namespace
}  // namespace canopy::ingest
