#pragma once

#include <string_view>

#include "canopy/base/time.h"
#include "canopy/storage/appender.h"

// prompb.Histogram of prometheus/prometheus@d15adb9ad7 prompb/types.proto:
//   count_int <uint64> = 1 or count_float <double> = 2; sum <double> = 3; schema <sint32> = 4;
//   zero_threshold <double> = 5; zero_count_int <uint64> = 6 or zero_count_float <double> = 7;
//   negative_spans = 8, negative_deltas <sint64> = 9, negative_counts <double> = 10;
//   positive_spans = 11, positive_deltas = 12, positive_counts = 13; reset_hint <enum> = 14;
//   timestamp <int64> = 15; custom_values <double> = 16
//   span: offset <sint32> = 1, length <uint32> = 2

namespace canopy::remote {

struct ReceivedHistogram {
  Timestamp time;
  storage::HistogramValue value;
};

// Of floats when its count is one. A staleness marker has nothing but its sum. Not validated.
// Throws protozero::exception for bytes that are no such message.
ReceivedHistogram ReadHistogram(std::string_view bytes);

}  // namespace canopy::remote
