#include "canopy/promql/explain.h"

#include <boost/test/unit_test.hpp>

#include "canopy/promql/parser.h"

namespace canopy::promql {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);

std::string Plan(std::string_view query, RangeSpec range) {
  const auto expr = ParseExpr(query);
  BOOST_REQUIRE(expr.ok());
  const auto text = Explain(**expr, range, {});
  return text.ok() ? *text : "error: " + text.status().message();
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_instant_query_is_explained) {
  const RangeSpec at{{}, Timestamp() + kMinute * 100, {}};
  BOOST_TEST(Plan("topk(3, rate(m{a=\"b\"}[5m])) > 1", at) ==
             ">\n"
             "  topk\n"
             "    3\n"
             "    rate\n"
             "      m{a=\"b\"}[5m]  reads (1970-01-01T01:35:00Z, 1970-01-01T01:40:00Z]\n"
             "  1\n"
             "\n"
             "evaluated at 1 step at 1970-01-01T01:40:00Z\n"
             "reads the series of 1 selector, samples of (1970-01-01T01:35:00Z, "
             "1970-01-01T01:40:00Z]\n");
  BOOST_TEST(Plan("1 + 2", at) ==
             "+\n  1\n  2\n\nevaluated at 1 step at 1970-01-01T01:40:00Z\nreads no data\n");
}

BOOST_AUTO_TEST_CASE(a_range_query_is_explained) {
  const RangeSpec range{Timestamp() + kMinute * 60, Timestamp() + kMinute * 120, kMinute * 30};
  BOOST_TEST(
      Plan("sum by (job) (m) / on (job) group_left sum by (job) (n @ end() offset 1m)", range) ==
      "/ on (job) group_left ()\n"
      "  sum by (job)\n"
      "    m                     reads (1970-01-01T00:55:00Z, 1970-01-01T02:00:00Z]\n"
      "  sum by (job)            once for all steps\n"
      "    n @ end() offset 1m   reads (1970-01-01T01:54:00Z, 1970-01-01T01:59:00Z]\n"
      "\n"
      "evaluated at 3 steps from 1970-01-01T01:00:00Z to 1970-01-01T02:00:00Z every 30m\n"
      "reads the series of 2 selectors, samples of (1970-01-01T00:55:00Z, "
      "1970-01-01T02:00:00Z]\n");
  BOOST_TEST(
      Plan("max_over_time(rate(m[2m])[10m:5m])", range) ==
      "max_over_time\n"
      "  subquery [10m:5m]  14 steps from 1970-01-01T00:55:00Z to 1970-01-01T02:00:00Z every 5m\n"
      "    rate\n"
      "      m[2m]          reads (1970-01-01T00:53:00Z, 1970-01-01T02:00:00Z]\n"
      "\n"
      "evaluated at 3 steps from 1970-01-01T01:00:00Z to 1970-01-01T02:00:00Z every 30m\n"
      "reads the series of 1 selector, samples of (1970-01-01T00:48:00Z, "
      "1970-01-01T02:00:00Z]\n");
}

BOOST_AUTO_TEST_CASE(durations_without_a_value_are_errors) {
  BOOST_TEST(Plan("rate(m[step()])", {{}, Timestamp(), {}}).starts_with("error: "));
}

}  // namespace canopy::promql
