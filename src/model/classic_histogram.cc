#include "canopy/model/classic_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

namespace canopy::model {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// Empty buckets between populated ones that are listed rather than skipped: as many as Prometheus
// lists. Of floats it lists none.
template <class H>
constexpr size_t kMaxGap = std::is_same_v<H, Histogram> ? 2 : 0;

// Neither is NaN, nor what no difference can be made of.
bool IsCount(double count) { return count >= 0 && count < kInf; }

bool IsInteger(double count) { return count < 0x1p63 && count == std::floor(count); }

// Puts the buckets of a histogram, in their order, into runs.
template <class H>
class SideWriter {
 public:
  // Both as differences of what is cumulative: beyond 2^53 those of integers are no floats.
  using Count = std::conditional_t<std::is_same_v<H, Histogram>, int64_t, double>;

  explicit SideWriter(HistogramSide<Count>& side) : side_(side) {}

  void Add(double cumulative) {
    const Count count = static_cast<Count>(cumulative) - before_;
    before_ = static_cast<Count>(cumulative);
    if (count == 0) {
      ++skipped_;
      return;
    }
    if (side_.spans.empty() || skipped_ > kMaxGap<H>) {
      side_.spans.push_back({static_cast<int32_t>(skipped_), 0});
    } else {
      for (; skipped_ > 0; --skipped_) List(0);
    }
    skipped_ = 0;
    List(count);
  }

 private:
  void List(Count count) {
    if constexpr (std::is_same_v<H, Histogram>) {
      side_.buckets.push_back(count - listed_);
      listed_ = count;
    } else {
      side_.buckets.push_back(count);
    }
    ++side_.spans.back().length;
  }

  HistogramSide<Count>& side_;
  Count before_ = 0;
  Count listed_ = 0;
  size_t skipped_ = 0;
};

}  // namespace

ClassicName SplitClassicName(std::string_view name) {
  constexpr std::pair<std::string_view, ClassicPart> kSuffixes[] = {
      {"_bucket", ClassicPart::kBucket},
      {"_sum", ClassicPart::kSum},
      {"_count", ClassicPart::kCount}};
  for (const auto& [suffix, part] : kSuffixes)
    if (name.ends_with(suffix)) return {part, name.substr(0, name.size() - suffix.size())};
  return {ClassicPart::kNone, name};
}

void ClassicHistogram::AddBucket(double bound, double count) {
  if (std::isnan(bound)) {
    has_nan_bound_ = true;
  } else if (buckets_.empty() || buckets_.back().bound < bound) {
    buckets_.push_back({bound, count});
  } else {
    const auto at = std::ranges::lower_bound(buckets_, bound, {}, &Bucket::bound);
    if (at->bound != bound) buckets_.insert(at, {bound, count});
  }
}

void ClassicHistogram::SetCount(double count) {
  count_ = count;
  has_count_ = true;
}

void ClassicHistogram::Clear() {
  buckets_.clear();
  sum_ = count_ = 0;
  has_count_ = has_nan_bound_ = false;
}

Result<std::variant<Histogram, FloatHistogram>> ClassicHistogram::Convert() const {
  if (has_nan_bound_) return Status::Invalid("bucket boundary must not be NaN");
  if (buckets_.empty() && !has_count_)
    return Status::Invalid("count must be provided when no buckets are present");
  const double count = has_count_ ? count_ : buckets_.back().count;
  const bool has_inf = !buckets_.empty() && buckets_.back().bound == kInf;
  double below = 0;
  bool integers = IsInteger(count);
  for (const Bucket& bucket : buckets_) {
    if (!IsCount(bucket.count)) return Status::Invalid("bucket count must be non-negative");
    if (bucket.count < below) return Status::Invalid("count is not cumulative");
    below = bucket.count;
    integers = integers && IsInteger(bucket.count);
  }
  if (!IsCount(count)) return Status::Invalid("count must be non-negative");
  if (has_inf && count != below) return Status::Invalid("count mismatch");
  if (count < below) return Status::Invalid("count is not cumulative");

  const auto fill = [&](auto h) {
    h.schema = kCustomBucketsSchema;
    h.count = static_cast<decltype(h.count)>(count);
    h.sum = sum_;
    h.custom_values.reserve(buckets_.size() - (has_inf ? 1 : 0));
    h.positive.buckets.reserve(buckets_.size() + 1);
    SideWriter<decltype(h)> side(h.positive);
    for (const Bucket& bucket : buckets_) {
      side.Add(bucket.count);
      if (bucket.bound != kInf) h.custom_values.push_back(bucket.bound);
    }
    if (!has_inf) side.Add(count);
    return h;
  };
  using Out = std::variant<Histogram, FloatHistogram>;
  return integers ? Out(fill(Histogram())) : Out(fill(FloatHistogram()));
}

}  // namespace canopy::model
