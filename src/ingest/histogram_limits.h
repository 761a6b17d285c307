#pragma once

#include "canopy/base/status.h"
#include "canopy/ingest/page.h"
#include "canopy/storage/appender.h"

namespace canopy::ingest {

// Makes a histogram as coarse as the rules want it. kLimit when it has too many buckets even so.
Status LimitBuckets(const PageRules& rules, storage::HistogramValue& value);

}  // namespace canopy::ingest
