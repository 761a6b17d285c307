#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/model/histogram.h"

// Classic histograms, which are some series of floats, as native ones with custom buckets.

namespace canopy::model {

// Which part of a classic histogram a series is, by its name.
enum class ClassicPart : uint8_t { kNone, kBucket, kSum, kCount };
struct ClassicName {
  ClassicPart part = ClassicPart::kNone;
  std::string_view family;  // the name without the suffix
};
ClassicName SplitClassicName(std::string_view name);

// The samples of one classic histogram at one time, in any order. Keeps its memory when it is
// cleared. Not thread-safe.
class ClassicHistogram {
 public:
  // Observations up to `bound`. Of several that name the same bound the first counts.
  void AddBucket(double bound, double count);
  void SetCount(double count);
  void SetSum(double sum) { sum_ = sum; }
  void Clear();

  // Of integers where all counts are; otherwise of floats. Without +Inf among the bounds the count
  // is that of the last bucket, without a count the highest bucket has it. kInvalid when counts are
  // negative, fall as bounds rise, or do not agree, when a bound is NaN, or nothing says how many
  // observations there are. What is kInvalid, and how: prometheus 3.14 util/convertnhcb.
  Result<std::variant<Histogram, FloatHistogram>> Convert() const;

 private:
  struct Bucket {
    double bound = 0;
    double count = 0;  // cumulative
  };

  std::vector<Bucket> buckets_;  // by rising bound
  double sum_ = 0;
  double count_ = 0;
  bool has_count_ = false;
  bool has_nan_bound_ = false;
};

}  // namespace canopy::model
