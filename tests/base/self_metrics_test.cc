#include "canopy/base/self_metrics.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <thread>

#include "tests/support/manual_clock.h"

namespace canopy {
namespace {

BOOST_AUTO_TEST_CASE(metrics_are_written_as_text) {
  SelfMetrics metrics;
  metrics.AddGauge("b_gauge", "A gauge.").Set(2.5);
  metrics.AddCounter("a_total", "With \\ and\nnewline.", {{"code", "200"}, {"a", "q\"\\\n"}})
      .Add(3);
  metrics.AddCounter("a_total", "With \\ and\nnewline.", {{"code", "400"}, {"a", ""}});
  HistogramMetric& h = metrics.AddHistogram("c_seconds", "Time.", {0.1, 1, 10}, {{"x", "y"}});
  for (const double v : {0.05, 0.1, 0.5, 100.0}) h.Observe(v);
  metrics.AddGaugeFn("d", "", [] { return 7.0; });
  BOOST_TEST(metrics.RenderText() ==
             "# HELP a_total With \\\\ and\\nnewline.\n"
             "# TYPE a_total counter\n"
             "a_total{a=\"\",code=\"400\"} 0\n"
             "a_total{a=\"q\\\"\\\\\\n\",code=\"200\"} 3\n"
             "# HELP b_gauge A gauge.\n"
             "# TYPE b_gauge gauge\n"
             "b_gauge 2.5\n"
             "# HELP c_seconds Time.\n"
             "# TYPE c_seconds histogram\n"
             "c_seconds_bucket{x=\"y\",le=\"0.1\"} 2\n"
             "c_seconds_bucket{x=\"y\",le=\"1\"} 3\n"
             "c_seconds_bucket{x=\"y\",le=\"10\"} 3\n"
             "c_seconds_bucket{x=\"y\",le=\"+Inf\"} 4\n"
             "c_seconds_sum{x=\"y\"} 100.65\n"
             "c_seconds_count{x=\"y\"} 4\n"
             "# HELP d \n"
             "# TYPE d gauge\n"
             "d 7\n");
}

BOOST_AUTO_TEST_CASE(the_same_name_and_labels_are_the_same_metric) {
  SelfMetrics metrics;
  Counter& a = metrics.AddCounter("x_total", "", {{"a", "1"}, {"b", "2"}});
  Counter& b = metrics.AddCounter("x_total", "", {{"b", "2"}, {"a", "1"}});
  BOOST_TEST(&a == &b);
  BOOST_TEST(&a != &metrics.AddCounter("x_total", "", {{"a", "1"}}));
}

BOOST_AUTO_TEST_CASE(metrics_are_removed_by_their_labels) {
  SelfMetrics metrics;
  for (const char* job : {"a", "b"})
    for (const char* code : {"1", "2"}) metrics.AddGauge("g", "h", {{"job", job}, {"code", code}});
  metrics.Remove("g", {{"job", "a"}});
  BOOST_TEST(metrics.RenderText() ==
             "# HELP g h\n# TYPE g gauge\n"
             "g{code=\"1\",job=\"b\"} 0\ng{code=\"2\",job=\"b\"} 0\n");
  metrics.Remove("g", {});
  metrics.Remove("unknown", {});
  BOOST_TEST(metrics.RenderText() == "");
}

BOOST_AUTO_TEST_CASE(a_removed_function_is_not_called_again) {
  SelfMetrics metrics;
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) (void)metrics.RenderText();
  });
  for (int i = 0; i < 200; ++i) {
    auto value = std::make_unique<std::atomic<double>>(1);
    metrics.AddGaugeFn("g", "", [v = value.get()] { return v->load(); });
    metrics.Remove("g", {});
    value.reset();  // the sanitizers see a call that comes now
  }
  stop = true;
  reader.join();
}

BOOST_AUTO_TEST_CASE(a_summary_forgets_after_ten_minutes) {
  testing::ManualClock clock;
  SummaryMetric summary(clock);
  for (const auto& [q, v] : summary.Read().quantiles) BOOST_TEST(std::isnan(v), q);
  for (int i = 1; i <= 1000; ++i) summary.Observe(i);
  auto near = [&](size_t index, double want) {
    const double v = summary.Read().quantiles[index].second;
    BOOST_TEST(std::abs(v - want) <= want * 0.011, v << " is not " << want);
  };
  near(0, 10);
  near(1, 50);
  near(2, 500);
  near(3, 900);
  near(4, 990);
  BOOST_TEST(summary.Read().count == 1000u);
  BOOST_TEST(summary.Read().sum == 500500.0);
  clock.Advance(std::chrono::minutes(7));
  summary.Observe(5000);
  near(2, 501);
  clock.Advance(std::chrono::minutes(4));
  near(0, 5000);
  near(4, 5000);
  clock.Advance(std::chrono::minutes(60));
  BOOST_TEST(std::isnan(summary.Read().quantiles[0].second));
  BOOST_TEST(summary.Read().count == 1001u);
}

BOOST_AUTO_TEST_CASE(a_summary_of_anything_stays_small) {
  testing::ManualClock clock;
  SummaryMetric summary(clock);
  for (const double v : {0.0, -1.0, 1e-300, 1e300, HUGE_VAL, -HUGE_VAL, std::nan("")})
    summary.Observe(v);
  const auto read = summary.Read();
  BOOST_TEST(read.quantiles[0].second < 0);
  BOOST_TEST(read.quantiles[2].second == 0.0);
  BOOST_TEST(read.count == 7u);
}

BOOST_AUTO_TEST_CASE(counts_from_many_threads_are_all_there) {
  SelfMetrics metrics;
  Counter& counter = metrics.AddCounter("c", "");
  HistogramMetric& histogram = metrics.AddHistogram("h", "", {1, 2});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        counter.Add();
        histogram.Observe(1.5);
      }
    });
  for (std::thread& t : threads) t.join();
  BOOST_TEST(counter.value() == 40'000.0);
  BOOST_TEST(histogram.count(1) == 40'000u);
  BOOST_TEST(histogram.sum() == 60'000.0);
}

BOOST_AUTO_TEST_CASE(the_process_shows_itself) {
  SelfMetrics metrics;
  metrics.AddProcessMetrics();
  const std::string text = metrics.RenderText();
  auto value = [&](std::string_view name) {
    const size_t at = text.find("\n" + std::string(name) + " ");
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, name);
    return std::stod(text.substr(at + name.size() + 2));
  };
  BOOST_TEST(value("process_resident_memory_bytes") > 1e6);
  BOOST_TEST(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
  BOOST_TEST(value("process_cpu_seconds_total") >= 0);
  BOOST_TEST(value("process_open_fds") >= 3);
  BOOST_TEST(value("process_max_fds") >= value("process_open_fds"));
  BOOST_TEST(value("process_start_time_seconds") > 1.6e9);
}

}  // namespace
}  // namespace canopy
