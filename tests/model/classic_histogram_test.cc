#include "canopy/model/classic_histogram.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/histogram_math.h"

namespace canopy::model {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
using Buckets = std::vector<std::pair<double, double>>;

ClassicHistogram Of(const Buckets& buckets, std::optional<double> count, double sum) {
  ClassicHistogram out;
  for (const auto& [bound, cumulative] : buckets) out.AddBucket(bound, cumulative);
  if (count) out.SetCount(*count);
  out.SetSum(sum);
  return out;
}

FloatHistogram Floats(const std::variant<Histogram, FloatHistogram>& value) {
  FloatHistogram out;
  ToFloat(value, out);
  return out;
}

BOOST_AUTO_TEST_CASE(classic_histograms_become_ones_with_custom_buckets) {
  auto f = [](const Buckets& buckets, std::optional<double> count, bool integers,
              std::string_view want) {
    const auto got = Of(buckets, count, 7.5).Convert();
    BOOST_TEST_CONTEXT(want) {
      BOOST_TEST_REQUIRE(got.ok(), got.status().message());
      BOOST_TEST(std::holds_alternative<Histogram>(*got) == integers);
      std::visit([](const auto& h) { BOOST_TEST(Validate(h).ok()); }, *got);
      BOOST_TEST(ToTestExpression(Floats(*got)) == want);
    }
  };
  f({{1, 2}, {5, 3}, {kInf, 6}}, 6, true,
    "{{schema:-53 count:6 sum:7.5 custom_values:[1 5] buckets:[2 1 3]}}");
  // No bucket up to +Inf: what is left is in it; and no count: the highest bucket has it.
  f({{1, 2}, {5, 3}}, 6, true,
    "{{schema:-53 count:6 sum:7.5 custom_values:[1 5] buckets:[2 1 3]}}");
  f({{1, 2}, {5, 3}}, std::nullopt, true,
    "{{schema:-53 count:3 sum:7.5 custom_values:[1 5] buckets:[2 1]}}");
  f({}, 4, true, "{{schema:-53 count:4 sum:7.5 custom_values:[] buckets:[4]}}");
  f({{kInf, 0}}, 0, true, "{{schema:-53 sum:7.5 custom_values:[]}}");
  // In any order; the first of equal bounds counts.
  f({{kInf, 6}, {5, 3}, {1, 2}, {5, 99}}, 6, true,
    "{{schema:-53 count:6 sum:7.5 custom_values:[1 5] buckets:[2 1 3]}}");
  f({{-1, 0.5}, {0, 0.5}, {kInf, 1}}, 1, false,
    "{{schema:-53 count:1 sum:7.5 custom_values:[-1 0] buckets:[0.5 0 0.5]}}");
  f({{1, 2}, {kInf, 0x1p63}}, 0x1p63, false,
    "{{schema:-53 count:9.223372036854776e+18 sum:7.5 custom_values:[1] "
    "buckets:[2 9.223372036854776e+18]}}");
}

BOOST_AUTO_TEST_CASE(empty_buckets_are_listed_in_small_gaps_of_integers_only) {
  const Buckets buckets = {{1, 1}, {2, 1}, {3, 1}, {4, 2}, {5, 2}, {6, 2}, {7, 2}, {8, 3}};
  const auto integers = std::get<Histogram>(*Of(buckets, 3, 0).Convert());
  BOOST_CHECK((integers.positive.spans == std::vector<HistogramSpan>{{0, 4}, {3, 1}}));
  BOOST_CHECK((integers.positive.buckets == std::vector<int64_t>{1, -1, 0, 1, 0}));
  Buckets halves = buckets;
  for (auto& [bound, count] : halves) count /= 2;
  const auto floats = std::get<FloatHistogram>(*Of(halves, 1.5, 0).Convert());
  BOOST_CHECK((floats.positive.spans == std::vector<HistogramSpan>{{0, 1}, {2, 1}, {3, 1}}));
  BOOST_CHECK((floats.positive.buckets == std::vector<double>{0.5, 0.5, 0.5}));
}

BOOST_AUTO_TEST_CASE(those_that_make_no_sense_are_refused) {
  auto f = [](const Buckets& buckets, std::optional<double> count, std::string_view want) {
    BOOST_TEST(Of(buckets, count, 1).Convert().status().message() == want);
  };
  f({}, std::nullopt, "count must be provided when no buckets are present");
  f({{1, 2}, {2, 1}, {kInf, 3}}, 3, "count is not cumulative");
  f({{1, 2}, {kInf, 1}, {2, 3}}, 1, "count is not cumulative");
  f({{1, -1}, {kInf, 3}}, 3, "bucket count must be non-negative");
  f({{1, kNan}, {kInf, 3}}, 3, "bucket count must be non-negative");
  f({{1, 1}, {kInf, kInf}}, kInf, "bucket count must be non-negative");
  f({{1, 1}}, -3, "count must be non-negative");
  f({{1, 1}}, kNan, "count must be non-negative");
  f({{kNan, 1}, {kInf, 1}}, 1, "bucket boundary must not be NaN");
  f({{1, 2}, {kInf, 3}}, 4, "count mismatch");
  f({{1, 5}}, 4, "count is not cumulative");
}

BOOST_AUTO_TEST_CASE(a_cleared_one_knows_nothing) {
  ClassicHistogram h = Of({{kNan, 1}, {1, 2}}, 9, 3);
  h.Clear();
  h.AddBucket(1, 2);
  BOOST_TEST(ToTestExpression(Floats(*h.Convert())) ==
             "{{schema:-53 count:2 custom_values:[1] buckets:[2]}}");
}

// Bucket by bucket, in whatever order they come; beyond 2^53 too.
BOOST_AUTO_TEST_CASE(counts_are_kept_to_the_last_observation) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    Buckets buckets;
    uint64_t total = 0;
    const int size = static_cast<int>(random() % 12);
    for (int i = 0; i < size; ++i) {
      if (random() % 2 == 0) total += uint64_t{random()} << (random() % 20);
      total = static_cast<uint64_t>(static_cast<double>(total));  // what a page can say
      buckets.emplace_back(i == size - 1 ? kInf : i, static_cast<double>(total));
    }
    const Buckets in_order = buckets;
    std::ranges::shuffle(buckets, random);
    const auto got = Of(buckets, static_cast<double>(total), 1).Convert();
    BOOST_TEST_REQUIRE(got.ok(), got.status().message());
    const auto& h = std::get<Histogram>(*got);
    BOOST_TEST_REQUIRE(Validate(h).ok());
    BOOST_TEST(h.count == total);
    std::vector<int64_t> counts(in_order.size() + 1, 0);
    int64_t count = 0;
    ForEachBucket(h.positive, [&](int32_t index, int64_t difference) {
      counts[static_cast<size_t>(index)] = count += difference;
    });
    int64_t below = 0;
    for (size_t i = 0; i < in_order.size(); ++i)
      BOOST_TEST((below += counts[i]) == static_cast<int64_t>(in_order[i].second));
  }
}

BOOST_AUTO_TEST_CASE(names_of_parts) {
  auto f = [](std::string_view name, ClassicPart part, std::string_view family) {
    const ClassicName got = SplitClassicName(name);
    BOOST_TEST((got.part == part));
    BOOST_TEST(got.family == family);
  };
  f("a_bucket", ClassicPart::kBucket, "a");
  f("a_sum", ClassicPart::kSum, "a");
  f("a_count", ClassicPart::kCount, "a");
  f("a_bucket_sum", ClassicPart::kSum, "a_bucket");
  f("_sum", ClassicPart::kSum, "");
  f("a_created", ClassicPart::kNone, "a_created");
  f("", ClassicPart::kNone, "");
}

}  // namespace
}  // namespace canopy::model
