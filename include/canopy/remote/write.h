#pragma once

#include <string>
#include <string_view>

#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/storage/appender.h"

// The receiver of Prometheus's remote write 1.0: snappy-compressed protobuf,
// prometheus.WriteRequest of prometheus/prometheus@d15adb9ad7 prompb/remote.proto:
//   WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
//   TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar
//                  exemplars = 3; repeated Histogram histograms = 4; }
//   Label        { string name = 1; string value = 2; }
//   Sample       { double value = 1; int64 timestamp = 2; }
//   Exemplar     { repeated Label labels = 1; double value = 2; int64 timestamp = 3; }
//   Histogram    is in src/remote/histogram_message.h

namespace canopy::remote {

// What the sender is answered.
struct WriteResult {
  int code = 204;
  std::string error;  // the body, without its newline; empty when all went well
};

// Thread-safe.
class WriteReceiver {
 public:
  // All borrowed.
  WriteReceiver(storage::Appender& appender, const Clock& clock, SelfMetrics& metrics);

  // One request as it came. Samples that the store cannot take (too old, out of bounds, out of
  // order, another value at the same time) are answered 400, so that senders do not try again, in
  // Prometheus's words, and "for series ..." behind them; the rest has been stored by then, where
  // Prometheus stores nothing. No error are samples that the store has, and those that only others
  // of the request keep out. Series without a valid name or with labels twice are left out and
  // counted; when the store fails, nothing is stored and the answer is 500. Histograms that are not
  // valid are refused like samples that the store cannot take. Metadata is not kept.
  WriteResult Write(std::string_view content_type, std::string_view content_encoding,
                    std::string_view body);

 private:
  storage::Appender& appender_;
  const Clock& clock_;
  Counter& invalid_labels_;
};

}  // namespace canopy::remote
