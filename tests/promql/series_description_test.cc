#include "canopy/promql/series_description.h"

#include <boost/test/unit_test.hpp>

#include "canopy/base/number.h"
#include "canopy/model/histogram_buckets.h"
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
  f("m {{schema:0", "1:3: parse error: expected }} behind a histogram");
  f("m {{schema:x}}", R"(1:12: parse error: expected an integer in a histogram, got "x")");
  f("m {{sum:1 size:2}}",
    R"(1:11: parse error: unknown field "size" in a histogram, expected one such as buckets:[5 10 7])");
  f("m {{buckets:[1 2}}", "1:17: parse error: expected ] in a histogram");
  f("m {{counter_reset_hint:maybe}}", R"(1:24: parse error: unknown counter reset hint "maybe")");
  f("m {{schema:9}}",
    "1:13: parse error: histogram has an invalid schema, which must be between -4 and 8 for "
    "exponential buckets, or -53 for custom buckets, got schema 9");
  f("m {{schema:1}}+{{schema:0}}x3",
    "1:3: parse error: error combining histograms: cannot merge from schema 0 to 1");
  f("m {{}}x", R"(1:3: parse error: invalid repetition in series values: "")");
}

BOOST_AUTO_TEST_CASE(histograms_are_values_too) {
  auto f = [](std::string_view text, std::string_view want) {
    const auto got = ParseSeriesDescription(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(got.ok());
      std::string out;
      for (size_t i = 0; i < got->values.size(); ++i) {
        const auto* h = got->histogram(i);
        out += h ? model::ToTestExpression(*h->histogram) + (h->hint_given ? "! " : " ")
               : got->values[i] ? std::to_string(static_cast<int>(*got->values[i])) + " "
                                : "_ ";
      }
      BOOST_TEST(out == want);
    }
  };
  f("m {{}} 1 _", "{{}} 1 _ ");
  f("m{a=\"{{\"} 1 {{schema:1 sum:-2.5 count:6 z_bucket:1 z_bucket_w:0.5 offset:-2 buckets:[1 2 ] "
    "n_offset:3 n_buckets:[2]}} 2",
    "1 {{schema:1 count:6 sum:-2.5 z_bucket:1 z_bucket_w:0.5 offset:-2 buckets:[1 2] n_offset:3 "
    "n_buckets:[2]}} 2 ");
  f("m {{schema:-53 custom_values:[1 2] buckets:[1 2 3] counter_reset_hint:gauge}}x1",
    "{{schema:-53 custom_values:[1 2] counter_reset_hint:gauge buckets:[1 2 3]}}! "
    "{{schema:-53 custom_values:[1 2] counter_reset_hint:gauge buckets:[1 2 3]}}! ");
  f("m {{count:1 buckets:[1]}}+{{count:2 buckets:[1 1]}}x2",
    "{{count:1 buckets:[1]}} {{count:3 buckets:[2 1]}} {{count:5 buckets:[3 2]}} ");
  f("m {{count:5 sum:1}}-{{count:2 counter_reset_hint:reset}}x1",
    "{{count:5 sum:1}}! {{count:3 sum:1}}! ");
}

}  // namespace
}  // namespace canopy::promql
