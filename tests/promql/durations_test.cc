#include "canopy/promql/durations.h"

#include <boost/test/unit_test.hpp>

#include "canopy/promql/parser.h"

namespace canopy::promql {
namespace {

constexpr QueryTimes kTimes{Duration(10'000), Duration(3'600'000)};

// The range of `query`, or what is wrong with it.
std::string RangeText(const std::string& query) {
  const auto tree = ParseExpr(query);
  if (!tree.ok()) return tree.status().message();
  const auto range = RangeOf((*tree)->As<MatrixSelector>(), kTimes);
  return range.ok() ? FormatDuration(*range) : range.status().message();
}

std::string OffsetText(const std::string& query) {
  const auto tree = ParseExpr(query);
  if (!tree.ok()) return tree.status().message();
  const auto offset = OffsetOf((*tree)->As<VectorSelector>().modifiers, kTimes);
  return offset.ok() ? FormatDuration(*offset) : offset.status().message();
}

BOOST_AUTO_TEST_CASE(ranges) {
  const auto f = [](const std::string& range, std::string_view want) {
    BOOST_TEST_CONTEXT(range) { BOOST_TEST(RangeText("foo[" + range + "]") == want); }
  };
  f("5m", "5m");
  f("5m*2", "10m");
  f("1m + 30", "1m30s");
  f("1h - 10m * 2", "40m");
  f("2^3^2", "8m32s");
  f("-2^2 + 5", "1s");
  f("7 % 4", "3s");
  f("10s / 4", "2s500ms");
  f("step()", "10s");
  f("range() / 2", "30m");
  f("min_of(step(), 5s)", "5s");
  f("max_of(step(), 5s)", "10s");
  f("(1m)", "1m");
  f("-(step()) + 1m", "50s");
  f("1m - 1m", "4:11: duration must be greater than 0");
  f("1m / (step() - 10)", "4:22: division by zero");
  f("1m % (step() - 10)", "4:22: modulo by zero");
  f("10^40", "4:9: duration is out of range");
  f("(0-1)^0.5", "4:13: duration is NaN or infinite");
}

BOOST_AUTO_TEST_CASE(offsets_may_be_negative) {
  BOOST_TEST(OffsetText("foo") == "0s");
  BOOST_TEST(OffsetText("foo offset 5m") == "5m");
  BOOST_TEST(OffsetText("foo offset -step()") == "-10s");
  BOOST_TEST(OffsetText("foo offset (1m - 2m)") == "-1m");
  BOOST_TEST(OffsetText("foo offset -(-5)") == "5s");
}

BOOST_AUTO_TEST_CASE(subqueries) {
  const auto tree = ParseExpr("foo[step()*6:step()/2]");
  BOOST_TEST_REQUIRE(tree.ok());
  const auto& subquery = (*tree)->As<Subquery>();
  BOOST_TEST(RangeOf(subquery, kTimes)->count() == 60'000);
  BOOST_TEST(StepOf(subquery, kTimes)->count() == 5'000);
}

}  // namespace
}  // namespace canopy::promql
