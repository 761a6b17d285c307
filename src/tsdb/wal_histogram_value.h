#pragma once

#include "canopy/model/histogram.h"
#include "canopy/storage/appender.h"
#include "wal_histogram_record.h"

namespace canopy::tsdb {

// Rows of the log as the histograms that they stand for.
RefHistogram ToRow(SeriesRef ref, Timestamp time, int64_t start, const model::Histogram& h);
RefFloatHistogram ToRow(SeriesRef ref, Timestamp time, int64_t start,
                        const model::FloatHistogram& h);

// kCorrupt for what no histogram can be. Of a staleness marker nothing but the sum is taken.
Result<storage::HistogramValue> FromRow(const RefHistogram& row);
Result<storage::HistogramValue> FromRow(const RefFloatHistogram& row);

}  // namespace canopy::tsdb
