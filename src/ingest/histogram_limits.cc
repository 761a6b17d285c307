#include "histogram_limits.h"

#include <algorithm>
#include <cmath>

#include "canopy/model/histogram_integer.h"
#include "canopy/model/histogram_math.h"

namespace canopy::ingest {
namespace {

// The finest schema whose buckets grow by `factor` at least.
int32_t SchemaOfFactor(double factor) {
  if (factor <= 1) return model::kMaxExponentialSchema;
  const double floor = std::floor(std::log2(std::log2(factor)));
  const double lowest = -static_cast<double>(model::kMaxExponentialSchema);
  const double highest = -static_cast<double>(model::kMinExponentialSchema);
  return -static_cast<int32_t>(std::clamp(floor, lowest, highest));
}

}  // namespace

// Source: prometheus 3.14 scrape/target.go bucketLimitAppender, maxSchemaAppender.
Status LimitBuckets(const PageRules& rules, storage::HistogramValue& value) {
  const uint64_t limit = rules.native_histogram_bucket_limit;
  const int32_t finest = SchemaOfFactor(rules.native_histogram_min_bucket_factor);
  return std::visit(
      [&](auto& h) -> Status {
        if (!h.custom_buckets() && h.schema > finest) model::ReduceResolution(h, finest);
        while (limit != 0 && h.positive.buckets.size() + h.negative.buckets.size() > limit) {
          // Custom ones are as coarse as they get.
          if (h.custom_buckets() || h.schema == model::kMinExponentialSchema)
            return Status::Limit("histogram bucket limit exceeded");
          model::ReduceResolution(h, h.schema - 1);
        }
        return {};
      },
      value);
}

}  // namespace canopy::ingest
