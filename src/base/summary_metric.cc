#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "canopy/base/mutex.h"
#include "canopy/base/self_metrics.h"

namespace canopy {
namespace {

constexpr double kQuantiles[] = {0.01, 0.05, 0.5, 0.9, 0.99};

// Values fall into bins whose bounds grow by 2 %, so that a quantile is off by 1 % at most and a
// summary's memory depends on the spread of its values, not on their number. (A sample of the
// stream, as client libraries keep, is exact at the ends and costs a sort per flush.)
constexpr double kGrowth = 1.02;

// The window moves in steps of a fifth of its length: it is between eight and ten minutes long.
constexpr int kSlices = 5;
constexpr int64_t kSliceNanos = int64_t{10} * 60 * 1'000'000'000 / kSlices;

struct Slice {
  int64_t number = -1;           // time / kSliceNanos; -1: never used
  std::map<int, uint64_t> bins;  // see BinOf
  uint64_t count = 0;
};

// Zero has a bin of its own; negative values mirror the positive ones below it.
constexpr int kBinOfOne = 20'000;
int BinOf(double v) {
  if (v == 0 || std::isnan(v)) return 0;
  const double size = std::clamp(std::abs(v), 1e-12, 1e300);
  const int bin = kBinOfOne + static_cast<int>(std::ceil(std::log(size) / std::log(kGrowth)));
  return v > 0 ? bin : -bin;
}

double MiddleOf(int bin) {
  if (bin == 0) return 0;
  const double size = std::pow(kGrowth, std::abs(bin) - kBinOfOne - 0.5);
  return bin > 0 ? size : -size;
}

}  // namespace

struct SummaryMetric::Rep {
  explicit Rep(const Clock& c) : clock(c) {}

  const Clock& clock;
  mutable Mutex mu{LockRank::kLeaf};
  std::array<Slice, kSlices> slices CANOPY_GUARDED_BY(mu);
  double sum CANOPY_GUARDED_BY(mu) = 0;
  uint64_t count CANOPY_GUARDED_BY(mu) = 0;

  int64_t SliceNumber() const { return clock.MonotonicNanos() / kSliceNanos; }
};

SummaryMetric::SummaryMetric(const Clock& clock) : rep_(std::make_unique<Rep>(clock)) {}
SummaryMetric::~SummaryMetric() = default;

void SummaryMetric::Observe(double v) {
  const int64_t number = rep_->SliceNumber();
  const int bin = BinOf(v);
  MutexLock lock(rep_->mu);
  Slice& slice = rep_->slices[static_cast<size_t>(number % kSlices)];
  if (slice.number != number) slice = Slice{number, {}, 0};
  ++slice.bins[bin];
  ++slice.count;
  rep_->sum += v;
  ++rep_->count;
}

SummaryMetric::Snapshot SummaryMetric::Read() const {
  const int64_t number = rep_->SliceNumber();
  Snapshot out;
  std::map<int, uint64_t> bins;
  uint64_t in_window = 0;
  {
    MutexLock lock(rep_->mu);
    for (const Slice& slice : rep_->slices) {
      if (slice.number < 0 || slice.number <= number - kSlices) continue;
      for (const auto& [bin, n] : slice.bins) bins[bin] += n;
      in_window += slice.count;
    }
    out.sum = rep_->sum;
    out.count = rep_->count;
  }
  auto it = bins.begin();
  uint64_t seen = 0;
  for (const double q : kQuantiles) {
    if (in_window == 0) {
      out.quantiles.emplace_back(q, NAN);
      continue;
    }
    const auto rank = static_cast<uint64_t>(std::ceil(q * static_cast<double>(in_window)));
    while (seen + it->second < rank) seen += (it++)->second;
    out.quantiles.emplace_back(q, MiddleOf(it->first));
  }
  return out;
}

}  // namespace canopy
