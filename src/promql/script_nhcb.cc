#include "script_nhcb.h"

#include <cmath>

#include "canopy/base/number.h"
#include "canopy/model/classic_histogram.h"
#include "canopy/model/histogram_math.h"

namespace canopy::promql {
namespace {

using model::ClassicPart;

Result<HistogramPtr> Convert(const model::ClassicHistogram& classic) {
  CANOPY_ASSIGN_OR_RETURN(const auto value, classic.Convert());
  model::FloatHistogram h;
  model::ToFloat(value, h);
  model::Compact(h);
  return HistogramPtr(std::make_shared<const model::FloatHistogram>(std::move(h)));
}

}  // namespace

Result<LoadedSeries> ConvertClassicHistograms(const LoadedSeries& loaded) {
  std::map<model::Labels, std::map<Timestamp, model::ClassicHistogram>> classics;
  for (const auto& [labels, samples] : loaded) {
    const auto [part, family] = model::SplitClassicName(labels.metric_name());
    if (part == ClassicPart::kNone) continue;
    const auto bound = base::ParseFloat(labels.Get(model::kBucketBound));
    if (part == ClassicPart::kBucket && (!bound || std::isnan(*bound))) continue;
    model::LabelsBuilder builder(labels);
    builder.Set(model::kMetricName, family);
    builder.Del(model::kBucketBound);
    auto& by_time = classics[builder.Build()];
    for (const ScriptSample& sample : samples) {
      if (sample.histogram) continue;
      model::ClassicHistogram& classic = by_time[sample.time];
      if (part == ClassicPart::kBucket) {
        classic.AddBucket(*bound, sample.value);
      } else if (part == ClassicPart::kSum) {
        classic.SetSum(sample.value);
      } else {
        classic.SetCount(sample.value);
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
