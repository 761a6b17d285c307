#include "canopy/model/histogram.h"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/histogram_math.h"

namespace canopy::model {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

FloatHistogram Custom(std::vector<double> bounds, std::vector<HistogramSpan> spans,
                      std::vector<double> buckets) {
  FloatHistogram h;
  h.schema = kCustomBucketsSchema;
  h.custom_values = std::move(bounds);
  h.positive = {std::move(spans), std::move(buckets)};
  for (const double count : h.positive.buckets) h.count += count;
  return h;
}

// Schema 0, buckets on both sides and around zero.
FloatHistogram Both() {
  FloatHistogram h;
  h.zero_threshold = 0.001;
  h.zero_count = 2;
  h.count = 11;
  h.sum = 3.5;
  h.positive = {{{0, 1}, {1, 2}}, {1, 3, 2}};
  h.negative = {{{-1, 2}}, {0, 3}};
  return h;
}

}  // namespace

BOOST_AUTO_TEST_CASE(bounds_of_buckets) {
  // Powers of two in schema 0, and every lower schema has each second bound of the next.
  BOOST_TEST(BucketBound(0, 0, {}) == 1.0);
  BOOST_TEST(BucketBound(3, 0, {}) == 8.0);
  BOOST_TEST(BucketBound(-1, 0, {}) == 0.5);
  BOOST_TEST(BucketBound(1, -1, {}) == 4.0);
  BOOST_TEST(BucketBound(-1, -4, {}) == 0x1p-16);
  BOOST_TEST(BucketBound(1, 1, {}) == 1.414213562373095);
  BOOST_TEST(BucketBound(1, 8, {}) == 1.0027112750502025);
  for (int32_t schema = kMinExponentialSchema; schema < kMaxExponentialSchema; ++schema)
    for (int32_t index = -60; index < 60; ++index)
      BOOST_TEST(BucketBound(index, schema, {}) == BucketBound(2 * index, schema + 1, {}));
  // The largest float ends the last bucket; infinity has its own.
  BOOST_TEST(BucketBound(1024, 0, {}) == std::numeric_limits<double>::max());
  BOOST_TEST(BucketBound(1025, 0, {}) == kInf);
  BOOST_TEST(BucketBound(64, -4, {}) == std::numeric_limits<double>::max());
  BOOST_TEST(BucketBound(1024 << 8, 8, {}) == std::numeric_limits<double>::max());
  BOOST_TEST(BucketBound(-1, kCustomBucketsSchema, std::vector{5.0}) == -kInf);
  BOOST_TEST(BucketBound(0, kCustomBucketsSchema, std::vector{5.0}) == 5.0);
  BOOST_TEST(BucketBound(1, kCustomBucketsSchema, std::vector{5.0}) == kInf);
}

BOOST_AUTO_TEST_CASE(all_buckets_in_order) {
  const auto texts = [](const FloatHistogram& h) {
    std::vector<HistogramBucket> buckets;
    AllBuckets(h, buckets);
    std::string out;
    for (const HistogramBucket& b : buckets) {
      AppendText(out, b);
      out += ' ';
    }
    return out;
  };
  BOOST_TEST(texts(Both()) ==
             "[-1,-0.5):3 [-0.5,-0.25):0 [-0.001,0.001]:2 (0.5,1]:1 (2,4]:3 "
             "(4,8]:2 ");
  // What the zero bucket overlaps with is cut.
  FloatHistogram h = Both();
  h.zero_threshold = 0.75;
  BOOST_TEST(texts(h) == "[-1,-0.75):3 [-0.5,-0.75):0 [-0.75,0.75]:2 (0.75,1]:1 (2,4]:3 (4,8]:2 ");
  BOOST_TEST(texts(Custom({5, 10}, {{0, 1}, {1, 1}}, {1, 2})) == "[-Inf,5]:1 (10,+Inf]:2 ");
  BOOST_TEST(texts(FloatHistogram{}) == "");
}

BOOST_AUTO_TEST_CASE(text_of_histograms) {
  BOOST_TEST(ToString(Both()) ==
             "{count:11, sum:3.5, [-1,-0.5):3, [-0.001,0.001]:2, (0.5,1]:1, (2,4]:3, (4,8]:2}");
  BOOST_TEST(ToString(FloatHistogram{}) == "{count:0, sum:0}");
  BOOST_TEST(ToString(Custom({5, 10}, {{1, 2}}, {4, 0})) == "{count:4, sum:0, (5,10]:4}");
  BOOST_TEST(ToTestExpression(Both()) ==
             "{{count:11 sum:3.5 z_bucket:2 z_bucket_w:0.001 buckets:[1 0 3 2] n_buckets:[3]}}");
  FloatHistogram h = Custom({5, 10}, {{1, 1}}, {4});
  h.hint = CounterResetHint::kGauge;
  h.sum = 1e6;
  BOOST_TEST(ToTestExpression(h) ==
             "{{schema:-53 count:4 sum:1e+06 custom_values:[5 10] counter_reset_hint:gauge "
             "offset:1 buckets:[4]}}");
  FloatHistogram far;
  far.negative = {{{-822'441'610, 1}}, {1}};
  BOOST_TEST(ToTestExpression(far) == "{{n_offset:-822441610 n_buckets:[1]}}");
}

BOOST_AUTO_TEST_CASE(integers_become_floats) {
  Histogram h;
  h.hint = CounterResetHint::kReset;
  h.schema = 2;
  h.zero_count = 3;
  h.count = 18;
  h.sum = 4;
  h.positive = {{{-2, 2}, {1, 1}}, {4, -1, 5}};
  BOOST_TEST(Validate(h).ok());
  FloatHistogram f = Both();  // what it held before is gone
  ToFloat(h, f);
  BOOST_TEST(ToTestExpression(f) ==
             "{{schema:2 count:18 sum:4 z_bucket:3 counter_reset_hint:reset offset:-2 buckets:[4 3 "
             "0 8]}}");
  BOOST_TEST(Validate(f).ok());
}

BOOST_AUTO_TEST_CASE(broken_histograms_are_refused) {
  const auto f = [](FloatHistogram h, std::string_view want) {
    BOOST_TEST(Validate(h).message() == want);
  };
  BOOST_TEST(Validate(Both()).ok());
  BOOST_TEST(Validate(Custom({5, 10}, {{0, 3}}, {1, 2, 3})).ok());
  FloatHistogram h = Both();
  h.positive.buckets.pop_back();
  f(h,
    "positive side: spans need 3 buckets, have 2 buckets: histogram spans specify different number "
    "of buckets than provided");
  h = Both();
  h.negative.buckets[0] = -1;
  f(h,
    "negative side: bucket number 1 has observation count of -1: histogram has a bucket whose "
    "observation count is negative");
  h = Both();
  h.positive.spans[1].offset = -1;
  f(h,
    "positive side: span number 2 with offset -1: histogram has a span whose offset is negative");
  h.positive.spans = {{0, 1}, {INT32_MAX, 2}};
  f(h, "positive side: histogram has a span that is out of range");
  h = Both();
  h.schema = 9;
  f(h,
    "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or "
    "-53 for custom buckets, got schema 9");
  h = Both();
  h.custom_values = {1};
  f(h, "histogram with exponential schema must not have custom bounds");
  f(Custom({5, 10}, {{0, 4}}, {1, 2, 3, 4}),
    "custom buckets: only 2 custom bounds defined which is insufficient to cover total span length "
    "of 4: histogram custom bounds are too few");
  f(Custom({5, 5}, {}, {}),
    "custom buckets: previous bound is 5.000000 and current is 5.000000: histogram custom bounds "
    "must be in strictly increasing order");
  f(Custom({5, kInf}, {}, {}),
    "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds must "
    "be finite");
  f(Custom({kNan}, {}, {}), "custom buckets: histogram custom bounds must not be NaN");
  h = Custom({5}, {}, {});
  h.zero_threshold = 1;
  f(h, "custom buckets: must have zero threshold of 0");

  Histogram i;
  i.count = 3;
  i.positive = {{{0, 1}}, {2}};
  BOOST_TEST(Validate(i).message() ==
             "2 observations found in buckets, but the Count field is 3: histogram's observation "
             "count should equal the number of observations found in the buckets (in absence of "
             "NaN)");
  i.sum = kNan;  // one observation was NaN
  BOOST_TEST(Validate(i).ok());
  i.positive.buckets[0] = 4;
  BOOST_TEST(Validate(i).message() ==
             "4 observations found in buckets, but the Count field is 3: histogram's observation "
             "count should be at least the number of observations found in the buckets");
  i.positive = {{{0, 2}}, {INT64_MAX, INT64_MAX}};
  BOOST_TEST(Validate(i).message() ==
             "positive side: histogram has a bucket whose observation count is too large");
}

}  // namespace canopy::model
