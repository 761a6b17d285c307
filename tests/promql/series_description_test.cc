#include "canopy/promql/series_description.h"

#include <boost/test/unit_test.hpp>

#include "canopy/base/number.h"
#include "canopy/model/sample.h"

namespace canopy::promql {
namespace {

std::string Show(const SeriesDescription& s) {
  std::string out = s.labels.ToString();
  for (const auto& value : s.values) {
    out.push_back(' ');
    if (!value)
      out.push_back('_');
    else if (model::IsStale(*value))
      out.append("stale");
    else
      base::AppendFloatPlain(out, *value);
  }
  return out;
}

BOOST_AUTO_TEST_CASE(values_are_written_out) {
  const auto f = [](std::string_view text, std::string_view want) {
    const auto got = ParseSeriesDescription(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST_REQUIRE(got.ok(), got.status().message());
      BOOST_TEST(Show(*got) == want);
    }
  };
  f("{} 1 2 3", "{} 1 2 3");
  f("my_metric 1 2 3", "my_metric 1 2 3");
  f(R"(my_metric{a="b"} -1 +2 _ 3.5 .5)", R"(my_metric{a="b"} -1 2 _ 3.5 0.5)");
  f("m 0+10x3", "m 0 10 20 30");
  f("m 1-3x3 _x2 7", "m 1 -2 -5 -8 _ _ 7");
  f("m -2+0.5x2", "m -2 -1.5 -1");
  f("m 1x3", "m 1 1 1 1");
  f("m 3 stale 4", "m 3 stale 4");
  f("m NaN -Inf Inf 1e3 1e-3+1e+2x1", "m NaN -Inf +Inf 1000 0.001 100.001");
  f("m _x0 5x0", "m 5");
  f("  m   1   2  ", "m 1 2");
  f("m", "m");
  f("sum 1", "sum 1");
}

BOOST_AUTO_TEST_CASE(what_is_no_value_is_pointed_at) {
  const auto f = [](std::string_view text, std::string_view want) {
    const auto got = ParseSeriesDescription(text, 100);
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST_REQUIRE(!got.ok());
      BOOST_TEST(got.status().message() == want);
    }
  };
  f("m 1 foo",
    R"(1:5: parse error: unexpected "foo" in series values, expected number or "stale")");
  f("m 1+2", R"(1:3: parse error: unexpected "1+2" in series values, expected number or "stale")");
  f("m 1x", R"(1:3: parse error: invalid repetition in series values: "")");
  f("m 1x2x3", R"(1:3: parse error: invalid repetition in series values: "2x3")");
  f("m 1 2x99", "1:5: parse error: more than 100 values in one series");
  f("m _x18446744073709551615",
    R"(1:3: parse error: invalid repetition in series values: "18446744073709551615")");
  f("m{a=\"b\"}1", "1:9: parse error: expected a space before the series values");
  f("m {{schema:0}}",
    "1:3: parse error: native histograms in series descriptions are not supported yet");
}

}  // namespace
}  // namespace canopy::promql
