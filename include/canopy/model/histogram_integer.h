#pragma once

#include <cstdint>

#include "canopy/base/status.h"
#include "canopy/model/histogram.h"

// What histograms go through on their way into a store. Some of it is in histogram_math.h for those
// of floats.

namespace canopy::model {

// Takes empty buckets out; spans that touch become one. REQUIRES: valid.
void Compact(Histogram& h);

// REQUIRES: valid, exponential, schema <= h.schema <= schema + 31.
void ReduceResolution(Histogram& h, int32_t schema);

// Validates what came from outside. Schemas that are finer than ours, of later versions, are made
// ours first.
Status ValidateForeign(Histogram& h);
Status ValidateForeign(FloatHistogram& h);

}  // namespace canopy::model
