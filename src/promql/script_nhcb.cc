#include "script_nhcb.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "canopy/base/number.h"
#include "canopy/model/histogram_math.h"

namespace canopy::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

enum class Part : uint8_t { kBucket, kSum, kCount };

// What is known of a histogram at one time.
struct Classic {
  std::map<double, double> buckets;  // cumulative counts by upper bound
  std::optional<double> count;
  double sum = 0;
};

std::optional<std::pair<Part, std::string_view>> PartOf(std::string_view name) {
  for (const auto& [suffix, part] : {std::pair(std::string_view("_bucket"), Part::kBucket),
                                     {"_sum", Part::kSum},
                                     {"_count", Part::kCount}}) {
    if (name.ends_with(suffix)) return std::pair(part, name.substr(0, name.size() - suffix.size()));
  }
  return std::nullopt;
}

Result<HistogramPtr> Convert(const Classic& classic) {
  model::FloatHistogram h;
  h.schema = model::kCustomBucketsSchema;
  h.sum = classic.sum;
  std::map<double, double> buckets = classic.buckets;
  h.count = classic.count ? *classic.count : buckets.empty() ? 0 : buckets.rbegin()->second;
  buckets.try_emplace(kInf, h.count);
  double below = 0;
  for (const auto& [bound, count] : buckets) {
    if (count < below) return Status::Invalid("count is not cumulative");
    h.positive.buckets.push_back(count - below);
    if (bound != kInf) h.custom_values.push_back(bound);
    below = count;
  }
  if (below != h.count) return Status::Invalid("count mismatch");
  h.positive.spans = {{0, static_cast<uint32_t>(h.positive.buckets.size())}};
  model::Compact(h);
  CANOPY_RETURN_IF_ERROR(model::Validate(h));
  return HistogramPtr(std::make_shared<const model::FloatHistogram>(std::move(h)));
}

}  // namespace

Result<LoadedSeries> ConvertClassicHistograms(const LoadedSeries& loaded) {
  std::map<model::Labels, std::map<Timestamp, Classic>> classics;
  for (const auto& [labels, samples] : loaded) {
    const auto part = PartOf(labels.metric_name());
    if (!part) continue;
    const auto bound = base::ParseFloat(labels.Get(model::kBucketBound));
    if (part->first == Part::kBucket && (!bound || std::isnan(*bound))) continue;
    model::LabelsBuilder builder(labels);
    builder.Set(model::kMetricName, part->second);
    builder.Del(model::kBucketBound);
    std::map<Timestamp, Classic>& by_time = classics[builder.Build()];
    for (const ScriptSample& sample : samples) {
      if (sample.histogram) continue;
      Classic& classic = by_time[sample.time];
      if (part->first == Part::kBucket) {
        classic.buckets.try_emplace(*bound, sample.value);
      } else if (part->first == Part::kSum) {
        classic.sum = sample.value;
      } else {
        classic.count = sample.value;
      }
    }
  }
  LoadedSeries out;
  for (const auto& [labels, by_time] : classics) {
    for (const auto& [time, classic] : by_time) {
      CANOPY_ASSIGN_OR_RETURN(HistogramPtr h, Convert(classic));
      out[labels].push_back({time, 0, std::move(h), 0});
    }
  }
  return out;
}

}  // namespace canopy::promql
