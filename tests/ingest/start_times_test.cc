// When counters started, as OpenMetrics pages say it.

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "target.h"

namespace canopy::ingest {
namespace {

PageRules Rules(bool convert = false) {
  PageRules rules;
  rules.start_times = true;
  rules.convert_classic_histograms = convert;
  return rules;
}

BOOST_AUTO_TEST_SUITE(start_times)

BOOST_AUTO_TEST_CASE(created_lines_are_of_the_lines_before_them) {
  auto f = [](const std::string& page, const std::string& want, bool convert = false) {
    TestTarget t(Rules(convert), {});
    BOOST_TEST_CONTEXT(page) {
      for (int i = 0; i < 3; ++i) {
        BOOST_TEST(t.OpenMetrics(page + "# EOF\n").error.ok());
        BOOST_TEST(t.Starts() == want);
      }
      BOOST_TEST(t.store.Text().find("_created{") == std::string::npos);
    }
  };
  f("# TYPE a counter\na_total 1\na_created 1.5\n", "a_total 1500\n");
  f("# TYPE a counter\na_total{x=\"1\"} 1\na_created{x=\"1\"} 2\na_total{x=\"2\"} 1\n"
    "a_created{x=\"2\"} 3\n",
    "a_total{x=\"1\"} 2000\na_total{x=\"2\"} 3000\n");
  // All counters first, and one that says nothing.
  f("# TYPE a counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 1\na_total{x=\"3\"} 1\n"
    "a_created{x=\"1\"} 2\na_created{x=\"3\"} 3\na_created{x=\"4\"} 9\n",
    "a_total{x=\"1\"} 2000\na_total{x=\"3\"} 3000\n");
  const std::string histogram =
      "# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\n"
      "h_created 4\n";
  f(histogram, "h_bucket{le=\"+Inf\"} 4000\nh_bucket{le=\"1.0\"} 4000\nh_count 4000\nh_sum 4000\n");
  f(histogram, "h 4000\n", true);
  f("# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 2\ns_sum 3\ns_created 4\n",
    "s{quantile=\"0.5\"} 4000\ns_count 4000\ns_sum 4000\n");
  f("# TYPE a counter\na_created 1\n", "");
  f("# TYPE a counter\na_total 1\na_created NaN\n", "");
  // Another family.
  f("# TYPE a counter\na_total 1\n# TYPE b counter\na_created 1\n", "");
}

BOOST_AUTO_TEST_CASE(created_lines_are_series_where_nobody_asks) {
  const std::string page = "# TYPE a counter\na_total 1\na_created 1.5\n";
  {
    TestTarget t({}, {});
    (void)t.OpenMetrics(page + "# EOF\n");
    BOOST_TEST(t.store.Text() == "a_created 1.5@1000\na_total 1@1000\n");
    BOOST_TEST(t.Starts() == "");
  }
  {
    // In the text format they mean nothing; nor does a gauge have a start.
    TestTarget t(Rules(), {});
    (void)t.Text(page);
    BOOST_TEST(t.store.Text() == "a_created 1.5@1000\na_total 1@1000\n");
    (void)t.OpenMetrics("# TYPE b gauge\nb_created 2\n# EOF\n");
    BOOST_TEST(t.store.Text() ==
               "a_created 1.5@1000 stale@2000\na_total 1@1000 stale@2000\nb_created 2@2000\n");
  }
}

BOOST_AUTO_TEST_CASE(created_lines_are_no_samples) {
  TestTarget t(Rules(), {});
  const ScrapeReport report =
      t.OpenMetrics("# TYPE a counter\na_total 1\na_created 1\nnext 1\n# EOF\n");
  BOOST_TEST(report.scraped == 2u);
  BOOST_TEST(report.added == 2u);
}

// Lines come, go and move; a target that has seen the pages before must read the same out of each
// as one that has not.
BOOST_AUTO_TEST_CASE(memory_of_the_last_page_does_not_change_starts) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&](size_t n) { return random() % n; };
  const std::vector<std::string> kLines = {"# TYPE a counter",
                                           "# TYPE h histogram",
                                           "# TYPE s summary",
                                           "# HELP a text",
                                           "a_total",
                                           "a_total{x=\"1\"}",
                                           "a_total{x=\"2\"}",
                                           "a_created",
                                           "a_created{x=\"1\"}",
                                           "a_created{x=\"2\"}",
                                           "h_bucket{le=\"1.0\"}",
                                           "h_bucket{x=\"1\",le=\"1.0\"}",
                                           "h_count",
                                           "h_count{x=\"1\"}",
                                           "h_created",
                                           "h_created{x=\"1\"}",
                                           "s{quantile=\"0.5\"}",
                                           "s_sum",
                                           "s_created",
                                           "dropped_total"};
  for (int target = 0; target < 300; ++target) {
    PageRules rules = Rules(below(2) == 0);
    rules.classic_histograms_too = below(2) == 0;
    model::RelabelConfig drop;
    drop.source_labels = {"__name__"};
    drop.regex = "dropped.*";
    drop.action = model::RelabelAction::kDrop;
    rules.metric_relabel = *model::RelabelRules::Compile(std::vector{drop});
    TestTarget t(rules, {});
    std::vector<std::string> lines;
    for (int round = 0; round < 40; ++round) {
      for (size_t changes = below(3) == 0 ? 1 + below(4) : 0; changes > 0 || lines.size() < 8;) {
        if (changes > 0) --changes;
        const size_t at = below(lines.size() + 1);
        const auto it = lines.begin() + static_cast<std::ptrdiff_t>(at);
        if (below(3) == 0 && it != lines.end())
          lines.erase(it);
        else
          lines.insert(it, kLines[below(kLines.size())]);
      }
      std::string page;
      for (const std::string& line : lines)
        page += line + (line[0] == '#' ? "\n" : " " + std::to_string(1 + below(50)) + "\n");
      page += "# EOF\n";
      BOOST_TEST_CONTEXT("round " << round << " page\n" << page) {
        TestTarget fresh(rules, {});
        BOOST_TEST_REQUIRE(t.OpenMetrics(page).error.ok());
        BOOST_TEST_REQUIRE(fresh.OpenMetrics(page).error.ok());
        BOOST_TEST_REQUIRE(t.Starts() == fresh.Starts());
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::ingest
