#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/promql/ast.h"

namespace canopy::promql {

// What went oddly in a query without failing it: shown beside its result. Texts and merging as
// prometheus/prometheus@d15adb9ad7 util/annotations/annotations.go. Thread-safe.
class Annotations {
 public:
  Annotations() : mu_(LockRank::kLeaf) {}

  void InvalidQuantile(double q, PositionRange pos);
  void InvalidRatio(double ratio, double capped, PositionRange pos);
  // `metric` may be empty, here and below.
  void BadBucketLabel(std::string_view metric, std::string_view label, PositionRange pos);
  void SortInRangeQuery(PositionRange pos);
  void PossibleNonCounter(std::string_view metric, PositionRange pos);
  void PossibleNonCounterLabel(std::string_view metric, std::string_view type, PositionRange pos);

  // Native histograms where floats are, or the other way round.
  void MixedFloatsHistograms(std::string_view metric, PositionRange pos);
  void MixedFloatsHistogramsInAggregation(PositionRange pos);
  void MixedClassicNativeHistograms(std::string_view metric, PositionRange pos);
  void HistogramIgnoredInAggregation(std::string_view aggregation, PositionRange pos);
  void HistogramIgnoredInMixedRange(std::string_view metric, PositionRange pos);
  // Sides are "float" or "histogram".
  void IncompatibleTypes(std::string_view lhs, std::string_view op, std::string_view rhs,
                         PositionRange pos);
  // Native histograms that do not go together, or are not what a function wants.
  void MixedExponentialCustomHistograms(std::string_view metric, PositionRange pos);
  void IncompatibleBucketLayout(std::string_view op, PositionRange pos);
  void HistogramNotCounter(std::string_view metric, PositionRange pos);
  void HistogramNotGauge(std::string_view metric, PositionRange pos);
  // `operation` is "addition", "subtraction" or "aggregation".
  void CounterResetCollision(std::string_view operation, PositionRange pos);
  void MismatchedCustomBuckets(std::string_view operation, PositionRange pos);
  // Observations that are NaN: the result is NaN, or too high; or a fraction leaves them out.
  void QuantileIsNan(std::string_view metric, PositionRange pos);
  void QuantileIsSkewed(std::string_view metric, PositionRange pos);
  void FractionWithoutNans(std::string_view metric, PositionRange pos);
  // Occurrences are counted.
  void StartTimeOverlap(std::string_view metric, PositionRange pos);

  // Buckets of a classic histogram that had to be made monotonic at one step. Those of all steps
  // become one annotation.
  struct ForcedMonotonicity {
    double min_bucket;
    double max_bucket;
    double max_diff;
  };
  void ForcedMonotonic(std::string_view metric, PositionRange pos, int64_t time_ms,
                       const ForcedMonotonicity& what);

  void Clear();

  // Sorted texts with positions: line and column of `query`, whose bytes the positions count.
  std::vector<std::string> Warnings(std::string_view query) const;
  std::vector<std::string> Infos(std::string_view query) const;

 private:
  enum class Kind : uint8_t { kWarning, kInfo };
  struct Note {
    Kind kind = Kind::kWarning;
    PositionRange pos;
    // Of forced monotonicity.
    bool is_forced = false;
    ForcedMonotonicity forced{};
    int64_t min_time = 0;
    int64_t max_time = 0;
    // Of that, and of overlapping start times; 0 for all others.
    int64_t count = 0;
  };

  void Add(Kind kind, std::string text, PositionRange pos);
  std::vector<std::string> Render(Kind kind, std::string_view query) const;

  mutable Mutex mu_;
  // By text, as Prometheus does: of equal texts the position of the last stays.
  std::map<std::string, Note> notes_ CANOPY_GUARDED_BY(mu_);
};

}  // namespace canopy::promql
