#include "canopy/model/histogram_math.h"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/histogram_sum.h"
#include "canopy/model/sample.h"

namespace canopy::model {
namespace {

using enum CounterResetHint;

FloatHistogram Exponential(int32_t schema, double threshold, double zero_count,
                           HistogramSide<double> positive, HistogramSide<double> negative = {}) {
  FloatHistogram h;
  h.schema = schema;
  h.zero_threshold = threshold;
  h.zero_count = zero_count;
  h.positive = std::move(positive);
  h.negative = std::move(negative);
  h.count = zero_count;
  for (const double count : h.positive.buckets) h.count += count;
  for (const double count : h.negative.buckets) h.count += count;
  h.sum = 10;
  return h;
}

FloatHistogram Custom(std::vector<double> bounds, std::vector<double> buckets) {
  FloatHistogram h;
  h.schema = kCustomBucketsSchema;
  h.custom_values = std::move(bounds);
  h.positive = {{{0, static_cast<uint32_t>(buckets.size())}}, std::move(buckets)};
  for (const double count : h.positive.buckets) h.count += count;
  h.sum = 10;
  return h;
}

std::string Sum(FloatHistogram a, const FloatHistogram& b) {
  const HistogramMerge merge = Add(a, b);
  if (!merge.compatible) return "incompatible";
  Compact(a);
  return (merge.bounds_reconciled ? "reconciled " : "") + ToTestExpression(a);
}

std::string Difference(FloatHistogram a, const FloatHistogram& b) {
  BOOST_TEST(Subtract(a, b).compatible);
  Compact(a);
  return ToTestExpression(a);
}

}  // namespace

BOOST_AUTO_TEST_CASE(buckets_are_added_where_they_belong) {
  const FloatHistogram a = Exponential(0, 0.01, 1, {{{0, 2}, {2, 1}}, {1, 2, 3}}, {{{1, 1}}, {5}});
  BOOST_TEST(Sum(a, a) ==
             "{{count:24 sum:20 z_bucket:2 z_bucket_w:0.01 buckets:[2 4 0 0 6] n_offset:1 "
             "n_buckets:[10]}}");
  // Before, between and behind what is there.
  const FloatHistogram b = Exponential(0, 0.01, 0, {{{-2, 1}, {3, 2}, {3, 1}}, {7, 8, 9, 1}});
  const std::string both =
      "{{count:37 sum:20 z_bucket:1 z_bucket_w:0.01 offset:-2 buckets:[7 0 1 2 8 9 3 0 0 1] "
      "n_offset:1 n_buckets:[5]}}";
  BOOST_TEST(Sum(a, b) == both);
  BOOST_TEST(Sum(b, a) == both);
  BOOST_TEST(Difference(a, b) ==
             "{{count:-13 z_bucket:1 z_bucket_w:0.01 offset:-2 buckets:[-7 0 1 2 -8 -9 3 0 0 -1] "
             "n_offset:1 n_buckets:[5]}}");
  BOOST_TEST(Difference(a, a) == "{{z_bucket_w:0.01}}");
}

BOOST_AUTO_TEST_CASE(the_lower_schema_counts) {
  const FloatHistogram fine = Exponential(1, 0, 0, {{{-2, 6}}, {1, 2, 3, 4, 5, 6}});
  const FloatHistogram coarse = Exponential(0, 0, 0, {{{0, 2}}, {10, 20}});
  // Indexes -2 to 3 of schema 1 are -1, 0, 0, 1, 1, 2 of schema 0.
  const std::string sum = "{{count:51 sum:20 offset:-1 buckets:[1 15 29 6]}}";
  BOOST_TEST(Sum(fine, coarse) == sum);
  BOOST_TEST(Sum(coarse, fine) == sum);
  FloatHistogram h = fine;
  ReduceResolution(h, -1);
  BOOST_TEST(ToTestExpression(h) == "{{schema:-1 count:21 sum:10 buckets:[6 15]}}");
}

BOOST_AUTO_TEST_CASE(the_wider_zero_bucket_counts) {
  // Buckets (0.25, 0.5], (0.5, 1], (1, 2]; the other's zero bucket ends within the second.
  const FloatHistogram narrow = Exponential(0, 0.001, 1, {{{-1, 3}}, {2, 3, 4}});
  const FloatHistogram wide = Exponential(0, 0.75, 10, {{{1, 1}}, {5}});
  const std::string sum = "{{count:25 sum:20 z_bucket:16 z_bucket_w:1 offset:1 buckets:[9]}}";
  BOOST_TEST(Sum(narrow, wide) == sum);
  BOOST_TEST(Sum(wide, narrow) == sum);
  // Where that bucket is empty, the threshold stays.
  const FloatHistogram gap = Exponential(0, 0.001, 1, {{{-1, 3}}, {2, 0, 4}});
  BOOST_TEST(Sum(gap, wide) ==
             "{{count:22 sum:20 z_bucket:13 z_bucket_w:0.75 offset:1 "
             "buckets:[9]}}");
  // Below zero as well, and one may push the other.
  const FloatHistogram below = Exponential(0, 0.001, 1, {{{1, 1}}, {7}}, {{{0, 1}}, {3}});
  BOOST_TEST(Sum(below, wide) ==
             "{{count:26 sum:20 z_bucket:14 z_bucket_w:1 offset:1 buckets:[12]}}");
}

BOOST_AUTO_TEST_CASE(custom_bounds_meet_where_both_have_them) {
  const FloatHistogram a = Custom({1, 2, 3, 4}, {1, 2, 3, 4, 5});
  BOOST_TEST(Sum(a, a) ==
             "{{schema:-53 count:30 sum:20 custom_values:[1 2 3 4] buckets:[2 4 6 8 "
             "10]}}");
  const FloatHistogram b = Custom({2, 4, 8}, {10, 20, 30, 40});
  const std::string sum =
      "reconciled {{schema:-53 count:115 sum:20 custom_values:[2 4] buckets:[13 27 75]}}";
  BOOST_TEST(Sum(a, b) == sum);
  BOOST_TEST(Sum(b, a) == sum);
  BOOST_TEST(Sum(a, Custom({9}, {1, 1})) ==
             "reconciled {{schema:-53 count:17 sum:20 custom_values:[] buckets:[17]}}");
  BOOST_TEST(Sum(a, Exponential(0, 0, 0, {})) == "incompatible");
  BOOST_TEST(Sum(Exponential(0, 0, 0, {}), a) == "incompatible");
}

BOOST_AUTO_TEST_CASE(hints_are_merged) {
  struct Case {
    CounterResetHint a, b, sum;
    bool collision;
  };
  for (const Case c : {Case{kUnknown, kUnknown, kUnknown, false},
                       {kReset, kReset, kReset, false},
                       {kNotReset, kNotReset, kNotReset, false},
                       {kGauge, kGauge, kGauge, false},
                       {kGauge, kReset, kGauge, false},
                       {kNotReset, kGauge, kGauge, false},
                       {kUnknown, kReset, kUnknown, false},
                       {kNotReset, kUnknown, kUnknown, false},
                       {kReset, kNotReset, kUnknown, true},
                       {kNotReset, kReset, kUnknown, true}}) {
    FloatHistogram a;
    FloatHistogram b;
    a.hint = c.a;
    b.hint = c.b;
    BOOST_TEST(Add(a, b).reset_collision == c.collision);
    BOOST_TEST((a.hint == c.sum));
  }
}

BOOST_AUTO_TEST_CASE(multiples) {
  FloatHistogram h = Exponential(0, 0.01, 1, {{{0, 2}}, {1, 2}}, {{{1, 1}}, {5}});
  Multiply(h, 2);
  BOOST_TEST(ToTestExpression(h) ==
             "{{count:18 sum:20 z_bucket:2 z_bucket_w:0.01 buckets:[2 4] n_offset:1 "
             "n_buckets:[10]}}");
  Divide(h, -4);
  BOOST_TEST(ToTestExpression(h) ==
             "{{count:-4.5 sum:-5 z_bucket:-0.5 z_bucket_w:0.01 counter_reset_hint:gauge "
             "buckets:[-0.5 -1] n_offset:1 n_buckets:[-2.5]}}");
  Divide(h, 0);
  BOOST_TEST(ToTestExpression(h) ==
             "{{count:-Inf sum:-Inf z_bucket:-Inf z_bucket_w:0.01 "
             "counter_reset_hint:gauge}}");
  BOOST_TEST(HasOverflow(h));
}

BOOST_AUTO_TEST_CASE(compacting) {
  const auto f = [](int64_t max_gap, std::vector<HistogramSpan> spans, std::vector<double> buckets,
                    std::vector<HistogramSpan> want_spans, std::vector<double> want_buckets) {
    FloatHistogram h = Exponential(0, 0, 0, {std::move(spans), std::move(buckets)});
    Compact(h, max_gap);
    BOOST_TEST((h.positive.spans == want_spans));
    BOOST_TEST(h.positive.buckets == want_buckets, boost::test_tools::per_element());
  };
  f(0, {{-2, 3}}, {1, 2, 3}, {{-2, 3}}, {1, 2, 3});
  f(0, {{-2, 3}}, {0, 2, 0}, {{-1, 1}}, {2});
  f(0, {{-2, 3}}, {1, 0, 3}, {{-2, 1}, {1, 1}}, {1, 3});
  f(1, {{-2, 3}}, {1, 0, 3}, {{-2, 3}}, {1, 0, 3});
  f(1, {{-2, 1}, {1, 1}}, {1, 3}, {{-2, 3}}, {1, 0, 3});
  f(1, {{-2, 1}, {1, 2}}, {1, 0, 3}, {{-2, 1}, {2, 1}}, {1, 3});
  f(0, {{1, 1}, {0, 2}}, {1, 2, 3}, {{1, 3}}, {1, 2, 3});
  f(0, {{1, 0}, {2, 0}, {3, 1}}, {1}, {{6, 1}}, {1});
  f(0, {{1, 2}}, {0, 0}, {}, {});
  f(0, {{1, 0}}, {}, {}, {});
}

BOOST_AUTO_TEST_CASE(sameness_is_that_of_data) {
  const FloatHistogram a = Exponential(0, 0, 0, {{{0, 2}, {1, 1}}, {1, 2, 3}});
  FloatHistogram b = a;
  b.hint = kGauge;
  b.positive.spans = {{0, 1}, {0, 1}, {0, 0}, {1, 1}, {5, 0}};
  BOOST_TEST(SameHistogram(a, b));
  b.positive.spans = {{0, 2}, {2, 1}};
  BOOST_TEST(!SameHistogram(a, b));
  b = a;
  b.sum = NormalNan();
  BOOST_TEST(!SameHistogram(a, b));
  b.sum = -a.sum;
  BOOST_TEST(!SameHistogram(a, b));
}

BOOST_AUTO_TEST_CASE(resets) {
  const FloatHistogram before = Exponential(1, 0.01, 2, {{{0, 3}}, {1, 0, 3}}, {{{0, 1}}, {1}});
  const auto reset = [&](const FloatHistogram& now) { return DetectReset(now, before); };
  BOOST_TEST(!reset(before));
  FloatHistogram now = before;
  now.count = 6;
  BOOST_TEST(reset(now));
  // The sum may fall: observations may be negative.
  now = before;
  now.sum = -5;
  BOOST_TEST(!reset(now));
  now.zero_count = 1;
  BOOST_TEST(reset(now));
  now = before;
  now.positive.buckets[0] = 0.5;
  BOOST_TEST(reset(now));
  now.hint = kNotReset;
  BOOST_TEST(!reset(now));
  now = before;
  now.hint = kReset;
  BOOST_TEST(reset(now));
  // An empty bucket may go, a populated one may not.
  now = before;
  now.positive = {{{0, 1}, {1, 2}}, {1, 3, 9}};
  BOOST_TEST(!reset(now));
  now.positive = {{{1, 2}}, {1, 30}};
  BOOST_TEST(reset(now));
  now = before;
  now.negative.Clear();
  BOOST_TEST(reset(now));
  // Resolution may fall, not rise.
  now = before;
  ReduceResolution(now, 0);
  BOOST_TEST(!reset(now));
  BOOST_TEST(DetectReset(before, now));
  // The zero bucket may grow over whole buckets: (-1, 0.01] is all that it takes here.
  now = before;
  now.zero_threshold = 1;
  now.zero_count = 4;
  now.positive = {{{2, 1}}, {3}};
  now.negative.Clear();
  BOOST_TEST(!reset(now));
  BOOST_TEST(DetectReset(before, now));
  now.zero_threshold = 0.9;
  BOOST_TEST(reset(now));
}

BOOST_AUTO_TEST_CASE(resets_with_custom_buckets) {
  const FloatHistogram before = Custom({1, 2, 3}, {1, 2, 3, 4});
  BOOST_TEST(!DetectReset(Custom({1, 2, 3}, {1, 3, 3, 4}), before));
  BOOST_TEST(DetectReset(Custom({1, 2, 3}, {9, 1, 3, 4}), before));
  // Other bounds: what lies between those that both have must not fall.
  BOOST_TEST(!DetectReset(Custom({2, 3}, {3, 3, 4}), before));
  BOOST_TEST(!DetectReset(Custom({0.5, 2}, {0, 3, 7}), before));
  BOOST_TEST(DetectReset(Custom({0.5, 2}, {0, 2, 9}), before));
  BOOST_TEST(DetectReset(Exponential(0, 0, 20, {}), before));
  BOOST_TEST(DetectReset(before, Exponential(0, 0, 1, {})));
}

BOOST_AUTO_TEST_CASE(trimming) {
  const auto f = [](FloatHistogram h, double bound, TrimSide side, std::string_view want) {
    Trim(h, bound, side);
    BOOST_TEST(ToString(h) == want);
  };
  const FloatHistogram h = Exponential(0, 0.5, 2, {{{1, 2}}, {3, 4}}, {{{1, 1}}, {1}});
  // Nothing is cut: the observed sum stays.
  f(h, 4, TrimSide::kUpper, ToString(h));
  f(h, -2, TrimSide::kLower, ToString(h));
  // At a bound of buckets: whole buckets go, and each is taken to lie at its geometric mean.
  f(h, 2, TrimSide::kUpper, "{count:6, sum:2.8284271247461907, [-2,-1):1, [-0.5,0.5]:2, (1,2]:3}");
  f(h, 2, TrimSide::kLower, "{count:4, sum:11.313708498984761, (2,4]:4}");
  // Half of a bucket on the scale of logarithms.
  FloatHistogram one = Exponential(0, 0, 0, {{{2, 1}}, {4}});
  f(one, 0x1.6a09e667f3bcdp1, TrimSide::kUpper, "{count:2, sum:4.756828460010884, (2,4]:2}");
  // Half of the zero bucket, linearly.
  f(h, 0, TrimSide::kUpper, "{count:2, sum:-1.6642135623730951, [-2,-1):1, [-0.5,0.5]:1}");
  // Custom buckets: linear; from zero on where there is no lower end; all or nothing without an
  // upper one.
  const FloatHistogram custom = Custom({10, 20}, {4, 2, 6});
  f(custom, 5, TrimSide::kUpper, "{count:2, sum:5, [-Inf,10]:2}");
  f(custom, 15, TrimSide::kUpper, "{count:5, sum:32.5, [-Inf,10]:4, (10,20]:1}");
  f(custom, 15, TrimSide::kLower, "{count:7, sum:137.5, (10,20]:1, (20,+Inf]:6}");
  f(custom, 30, TrimSide::kUpper, "{count:6, sum:50, [-Inf,10]:4, (10,20]:2}");
  f(custom, 30, TrimSide::kLower, "{count:6, sum:180, (20,+Inf]:6}");
}

BOOST_AUTO_TEST_CASE(sums_lose_nothing_to_rounding) {
  FloatHistogram large = Exponential(0, 0, 0, {{{0, 1}}, {1e16}});
  FloatHistogram small = Exponential(0, 0, 0, {{{0, 1}}, {1}});
  HistogramSum sum(large);
  for (int i = 0; i < 10; ++i) BOOST_TEST(sum.Add(small).compatible);
  BOOST_TEST(sum.Total().count == 1e16 + 10);
  BOOST_TEST(sum.Total().positive.buckets[0] == 1e16 + 10);
  // A sum of plain floats does.
  for (int i = 0; i < 10; ++i) Add(large, small);
  BOOST_TEST(large.count == 1e16);
  BOOST_TEST(!sum.Add(Custom({1}, {1, 1})).compatible);
  BOOST_TEST(sum.Total().count == 1e16 + 10);
}

BOOST_AUTO_TEST_CASE(means_do_not_overflow) {
  const double kMax = std::numeric_limits<double>::max();
  FloatHistogram h = Exponential(0, 0, 0, {{{0, 1}}, {kMax}});
  h.sum = kMax;
  HistogramMean mean(h);
  for (int i = 0; i < 3; ++i) BOOST_TEST(mean.Add(h).compatible);
  BOOST_TEST(mean.Mean().count / kMax == 1, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(mean.Mean().sum / kMax == 1, boost::test_tools::tolerance(1e-12));
  HistogramMean plain(Exponential(0, 0, 0, {{{0, 1}}, {1}}));
  plain.Add(Exponential(0, 0, 0, {{{1, 1}}, {4}}));
  BOOST_TEST(ToTestExpression(plain.Mean()) == "{{count:2.5 sum:10 buckets:[0.5 2]}}");
}

}  // namespace canopy::model
