#pragma once

#include <map>
#include <vector>

#include "script_store.h"

namespace canopy::promql {

// Classic histograms of a load_with_nhcb command (series _bucket, _sum and _count) as native ones
// with custom buckets, as Prometheus's scraper converts them. A histogram that makes no sense is
// kInvalid.
using LoadedSeries = std::map<model::Labels, std::vector<ScriptSample>>;
Result<LoadedSeries> ConvertClassicHistograms(const LoadedSeries& loaded);

}  // namespace canopy::promql
