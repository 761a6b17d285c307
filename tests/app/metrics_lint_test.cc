#include "app/metrics_lint.h"

#include <boost/test/unit_test.hpp>

// What is expected was printed by promtool 2.42 for the same page.

namespace canopy::app {
namespace {

std::string Lint(std::string_view page) {
  const auto problems = LintMetrics(page);
  if (!problems.ok()) return problems.status().message();
  std::string out;
  for (const LintProblem& problem : *problems) out += problem.metric + " " + problem.text + "\n";
  return out;
}

BOOST_AUTO_TEST_CASE(a_page_that_follows_the_conventions) {
  BOOST_TEST(Lint(R"(# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200"} 1
# HELP latency_seconds Latency.
# TYPE latency_seconds histogram
latency_seconds_bucket{le="1"} 1
latency_seconds_bucket{le="+Inf"} 1
latency_seconds_sum 1
latency_seconds_count 1
# HELP size_bytes Sizes.
# TYPE size_bytes summary
size_bytes{quantile="0.5"} 1
size_bytes_sum 1
size_bytes_count 1
)") == "");
}

BOOST_AUTO_TEST_CASE(every_remark) {
  BOOST_TEST(Lint(R"(a_bytes 1
b_milliseconds 2
# TYPE c counter
c 1
# TYPE myHist histogram
myHist_bucket{le="+Inf"} 1
myHist_sum 1
myHist_count 1
# TYPE x_gauge gauge
x_gauge{aB="1",le="1"} 1
d_ms 1
a:b 1
# TYPE q_total gauge
q_total{quantile="1"} 1
len_metres 1
len_kilometers 1
# TYPE z_sum counter
z_sum 1
)") == R"(a:b metric names should not contain ':'
a:b no help text
a_bytes no help text
b_milliseconds no help text
b_milliseconds use base unit "seconds" instead of "milliseconds"
c counter metrics should have "_total" suffix
c no help text
d_ms metric names should not contain abbreviated units
d_ms no help text
len_kilometers no help text
len_kilometers use base unit "meters" instead of "kilometers"
len_metres no help text
myHist metric names should be written in 'snake_case' not 'camelCase'
myHist no help text
q_total no help text
q_total non-counter metrics should not have "_total" suffix
q_total non-summary metrics should not have "quantile" label
x_gauge label names should be written in 'snake_case' not 'camelCase'
x_gauge metric name should not include type 'gauge'
x_gauge no help text
x_gauge non-histogram metrics should not have "le" label
z_sum counter metrics should have "_total" suffix
z_sum no help text
z_sum non-histogram and non-summary metrics should not have "_sum" suffix
)");
}

BOOST_AUTO_TEST_CASE(a_series_that_comes_twice) {
  BOOST_TEST(Lint("# HELP a A.\na{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"1\"} 2\n") ==
             "a metric not unique\n");
}

BOOST_AUTO_TEST_CASE(a_page_that_cannot_be_parsed) {
  BOOST_TEST(Lint("a 1\nb{ 2\n").starts_with("line 2: "));
}

}  // namespace
}  // namespace canopy::app
