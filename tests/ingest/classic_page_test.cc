// Classic histograms of text pages that become native ones.

#include <boost/test/unit_test.hpp>

#include "target.h"

namespace canopy::ingest {
namespace {

TestTarget Converting(bool classic_too = false) {
  PageRules rules;
  rules.convert_classic_histograms = true;
  rules.classic_histograms_too = classic_too;
  rules.exemplars = true;
  return TestTarget(std::move(rules), {});
}

// One whose buckets hold n observations each.
std::string Page(int n, const std::string& labels = "") {
  const auto at = [&](const std::string& bound) {
    return "h_bucket{" + labels + "le=\"" + bound + "\"} ";
  };
  const std::string rest = labels.empty() ? " " : "{" + labels + "} ";
  return at("0.5") + std::to_string(n) + "\n" + at("2") + std::to_string(2 * n) + "\n" +
         at("+Inf") + std::to_string(3 * n) + "\nh_sum" + rest + std::to_string(n) + "\nh_count" +
         rest + std::to_string(3 * n) + "\n";
}
std::string Want(int n) {
  const std::string c = std::to_string(n);
  return "i{count:" + std::to_string(3 * n) + ", sum:" + c + ", [-Inf,0.5]:" + c +
         ", (0.5,2]:" + c + ", (2,+Inf]:" + c + "}";
}
const std::string kType = "# TYPE h histogram\n";

BOOST_AUTO_TEST_SUITE(classic_pages)

BOOST_AUTO_TEST_CASE(a_classic_histogram_becomes_one_series) {
  TestTarget t = Converting();
  const ScrapeReport first = t.Text(kType + Page(1) + "a 1\n");
  BOOST_TEST(first.scraped == 2u);
  BOOST_TEST(first.kept == 2u);
  BOOST_TEST(first.added == 2u);
  const ScrapeReport second = t.Text(kType + Page(2) + "a 2\n");
  BOOST_TEST(second.scraped == 2u);
  BOOST_TEST(second.added == 0u);
  (void)t.Text("# HELP h now with help\n" + kType + Page(3) + "a 3\n");
  (void)t.Text("a 4\n" + kType + Page(4));
  BOOST_TEST(t.store.Text() == "a 1@1000 2@2000 3@3000 4@4000\nh " + Want(1) + "@1000 " + Want(2) +
                                   "@2000 " + Want(3) + "@3000 " + Want(4) + "@4000\n");
}

BOOST_AUTO_TEST_CASE(classic_series_may_be_kept) {
  TestTarget t = Converting(true);
  BOOST_TEST(t.Text(kType + Page(1)).scraped == 6u);
  const ScrapeReport second = t.Text(kType + Page(2));
  BOOST_TEST(second.scraped == 6u);
  BOOST_TEST(second.kept == 6u);
  BOOST_TEST(second.added == 0u);
  BOOST_TEST(t.store.Text() == "h " + Want(1) + "@1000 " + Want(2) + "@2000\n" +
                                   "h_bucket{le=\"+Inf\"} 3@1000 6@2000\n"
                                   "h_bucket{le=\"0.5\"} 1@1000 2@2000\n"
                                   "h_bucket{le=\"2.0\"} 2@1000 4@2000\n"
                                   "h_count 3@1000 6@2000\nh_sum 1@1000 2@2000\n");
}

BOOST_AUTO_TEST_CASE(only_what_the_type_names_is_converted) {
  auto f = [](const std::string& page, const std::string& want) {
    TestTarget t = Converting();
    for (int i = 0; i < 2; ++i) BOOST_TEST(t.Text(page).error.ok());
    const std::string got = t.store.Text();
    BOOST_TEST_CONTEXT(page) { BOOST_TEST(got.substr(0, got.find(' ')) == want); }
  };
  f("h_count 1\n", "h_count");
  f("# TYPE h counter\nh_count 1\n", "h_count");
  f("# TYPE hh histogram\nh_count 1\n", "h_count");
  f("# TYPE h histogram\n# TYPE i gauge\nh_count 1\n", "h_count");
  f("# TYPE h histogram\nh_created 1\n", "h_created");
  f("# TYPE h histogram\nh_bucket{le=\"x\"} 1\n", "h_bucket{le=\"x\"}");
  f("# TYPE h histogram\nh_count 1\n", "h");
  f("# TYPE \"h.i\" histogram\n{\"h.i_count\"} 1\n", "{\"h.i\"}");
}

BOOST_AUTO_TEST_CASE(another_type_changes_what_lines_are) {
  TestTarget t = Converting();
  (void)t.Text("# TYPE h histogram\nh_count 1\n");
  (void)t.Text("# TYPE i histogram\nh_count 2\n");
  (void)t.Text("h_count 3\n");
  (void)t.Text("# TYPE h histogram\nh_count 4\n");
  BOOST_TEST(t.store.Text() ==
             "h i{count:1, sum:0, [-Inf,+Inf]:1}@1000 stale@2000 "
             "i{count:4, sum:0, [-Inf,+Inf]:4}@4000\n"
             "h_count 2@2000 3@3000 stale@4000\n");
}

BOOST_AUTO_TEST_CASE(those_that_make_no_sense_are_passed_over) {
  TestTarget t = Converting();
  (void)t.Text(kType + Page(1));
  // Falling counts; then no count at all.
  const ScrapeReport bad =
      t.Text(kType + "h_bucket{le=\"0.5\"} 3\nh_bucket{le=\"2\"} 1\nh_count 3\na 1\n");
  BOOST_TEST(bad.error.ok());
  BOOST_TEST(bad.scraped == 1u);
  (void)t.Text(kType + "h_sum 3\na 2\n");
  BOOST_TEST(t.Text(kType + Page(4) + "a 3\n").added == 1u);
  // The first of equal bounds counts, and without +Inf the rest is in it.
  (void)t.Text(kType + "h_bucket{le=\"0.5\"} 1\nh_bucket{le=\"0.50\"} 9\nh_count 3\na 4\n");
  BOOST_TEST(t.store.Text() == "a 1@2000 2@3000 3@4000 4@5000\nh " + Want(1) + "@1000 stale@2000 " +
                                   Want(4) +
                                   "@4000 i{count:3, sum:0, [-Inf,0.5]:1, (0.5,+Inf]:2}@5000\n");
}

BOOST_AUTO_TEST_CASE(histograms_come_and_go_and_buckets_too) {
  TestTarget t = Converting();
  (void)t.Text(kType + Page(1, "a=\"1\",") + Page(1, "a=\"2\","));
  (void)t.Text(kType + Page(2, "a=\"2\",") + Page(2, "a=\"3\","));
  (void)t.Text(kType + Page(3, "a=\"3\",") + Page(3, "a=\"2\","));
  (void)t.Text(kType + "h_bucket{a=\"2\",le=\"7\"} 1\nh_count{a=\"2\"} 1\n" + Page(4, "a=\"3\","));
  (void)t.Fail();
  (void)t.Text(kType + Page(6, "a=\"3\","));
  t.pages.End(Timestamp::FromMs(7000), t.scratch);
  BOOST_TEST(t.store.Text() ==
             "h{a=\"1\"} " + Want(1) + "@1000 stale@2000\nh{a=\"2\"} " + Want(1) + "@1000 " +
                 Want(2) + "@2000 " + Want(3) + "@3000 i{count:1, sum:0, [-Inf,7]:1}@4000 " +
                 "stale@5000\nh{a=\"3\"} " + Want(2) + "@2000 " + Want(3) + "@3000 " + Want(4) +
                 "@4000 stale@5000 " + Want(6) + "@6000 stale@7000\n");
}

BOOST_AUTO_TEST_CASE(an_empty_label_that_is_honoured_makes_another_histogram) {
  PageRules rules;
  rules.honor_labels = true;
  rules.convert_classic_histograms = true;
  TestTarget t(rules, {{"job", "j"}});
  for (int i = 0; i < 2; ++i)
    (void)t.Text(kType + "h_count 1\nh_count{job=\"\"} 2\nh_bucket{job=\"\",le=\"1\"} 2\n");
  const std::string one = "i{count:1, sum:0, [-Inf,+Inf]:1}";
  const std::string two = "i{count:2, sum:0, [-Inf,1]:2}";
  BOOST_TEST(t.store.Text() == "h " + two + "@1000 " + two + "@2000\nh{job=\"j\"} " + one +
                                   "@1000 " + one + "@2000\n");
}

BOOST_AUTO_TEST_CASE(the_same_histogram_twice_counts_once) {
  TestTarget t = Converting();
  for (int i = 0; i < 2; ++i)
    BOOST_TEST(t.Text(kType + Page(1) + "# again\n" + Page(2)).kept == 2u);
  BOOST_TEST(t.counters.duplicate_timestamp.value() == 2);
  BOOST_TEST(t.store.Text() == "h " + Want(1) + "@1000 " + Want(1) + "@2000\n");
}

BOOST_AUTO_TEST_CASE(times_of_its_own_are_those_of_its_lines) {
  TestTarget t = Converting();
  const std::string page = kType + "h_bucket{le=\"1\"} 1 500\nh_count 1 500\n";
  for (int i = 0; i < 2; ++i) (void)t.Text(page);
  (void)t.Text("");
  BOOST_TEST(t.store.Text() == "h i{count:1, sum:0, [-Inf,1]:1}@500\n");
}

BOOST_AUTO_TEST_CASE(relabelling_and_limits_see_the_histogram) {
  model::RelabelConfig drop;
  drop.source_labels = {"__name__"};
  drop.regex = "h|i_bucket";
  drop.action = model::RelabelAction::kDrop;
  PageRules rules;
  rules.convert_classic_histograms = true;
  rules.metric_relabel = *model::RelabelRules::Compile(std::vector{drop});
  const std::string other = "# TYPE i histogram\ni_bucket{le=\"1\"} 2\n";
  {
    TestTarget t(rules, {{"job", "j"}});
    for (int i = 0; i < 2; ++i) {
      const ScrapeReport report = t.Text(kType + Page(1) + other);
      BOOST_TEST(report.scraped == 2u);
      BOOST_TEST(report.kept == 1u);
    }
    const std::string i = "i{count:2, sum:0, [-Inf,1]:2}";
    BOOST_TEST(t.store.Text() == "i{job=\"j\"} " + i + "@1000 " + i + "@2000\n");
  }
  PageRules limited;
  limited.convert_classic_histograms = true;
  limited.native_histogram_bucket_limit = 2;
  {
    TestTarget t(limited, {});
    BOOST_TEST(t.Text(other).error.ok());
    BOOST_TEST(t.Text(kType + Page(1)).error.message() == "histogram bucket limit exceeded");
    BOOST_TEST(t.counters.exceeded_bucket_limit.value() == 1);
  }
  limited = {};
  limited.convert_classic_histograms = true;
  limited.sample_limit = 1;
  {
    TestTarget t(limited, {});
    BOOST_TEST(t.Text(kType + Page(1)).error.ok());
    BOOST_TEST(t.Text(kType + Page(1) + other).error.message() == "sample limit exceeded");
  }
}

BOOST_AUTO_TEST_CASE(exemplars_with_a_time_go_with_the_histogram) {
  TestTarget t = Converting();
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(t.OpenMetrics("# TYPE h histogram\nh_bucket{le=\"1.0\"} 1 # {a=\"b\"} 0.5 7\n"
                             "h_bucket{le=\"+Inf\"} 2 # {a=\"c\"} 3\nh_count 2\nh_sum 3.5\n"
                             "h_created 1\n# EOF\n")
                   .error.ok());
  }
  BOOST_TEST(t.store.exemplars == 2);
  BOOST_TEST(t.store.Text() ==
             "h i{count:2, sum:3.5, [-Inf,1]:1, (1,+Inf]:1}@1000 "
             "i{count:2, sum:3.5, [-Inf,1]:1, (1,+Inf]:1}@2000\nh_created 1@1000 1@2000\n");
}

BOOST_AUTO_TEST_CASE(a_store_that_dropped_it_gets_it_again) {
  TestTarget t = Converting();
  (void)t.Text(kType + Page(1));
  t.store.Forget();
  BOOST_TEST(t.Text(kType + Page(2)).error.ok());
  (void)t.Text(kType + Page(3));
  BOOST_TEST(t.store.Text() ==
             "h " + Want(1) + "@1000 " + Want(2) + "@2000 " + Want(3) + "@3000\n");
}

BOOST_AUTO_TEST_CASE(new_rules_end_it) {
  TestTarget t = Converting();
  (void)t.Text(kType + "h_count 1\n");
  t.pages.SetRules(std::make_shared<PageRules>(), false);
  (void)t.Text(kType + "h_count 2\n");
  BOOST_TEST(t.store.Text() ==
             "h i{count:1, sum:0, [-Inf,+Inf]:1}@1000 stale@2000\nh_count 2@2000\n");
}

BOOST_AUTO_TEST_CASE(what_is_no_longer_shown_takes_no_memory) {
  TestTarget t = Converting();
  size_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    (void)t.Text(kType + Page(1, "a=\"" + n + "\",") + "h_bucket{le=\"" + n + "\"} 1\n");
    most = std::max(most, t.pages.cache_bytes());
  }
  BOOST_TEST(most < 20'000u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::ingest
