#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/exemplar.h"
#include "canopy/model/histogram.h"
#include "canopy/model/labels.h"
#include "canopy/model/metadata.h"

// Reads pages in protobuf: messages io.prometheus.client.MetricFamily, each behind its length as a
// varint. What becomes of a family is as in prometheus 3.14 model/textparse/protobufparse.go; the
// fields are those of prometheus/client_model io/prometheus/client/metrics.proto.

namespace canopy::exposition {

struct ProtoFamily {
  std::string_view name;
  std::string_view help;
  std::string_view unit;
  model::MetricType type = model::MetricType::kUnknown;
};

// One series and what comes with its sample. Views are valid during the call.
struct ProtoSeries {
  std::string_view family;
  std::string_view suffix;  // of the name: "", "_count", "_sum" or "_bucket"
  // LabelPair messages as they are on the page.
  std::span<const std::string_view> labels;
  // `le` or `quantile`, which no LabelPair says; no name: neither.
  std::string_view extra_name;
  std::string_view extra_value;
  // Bytes that no other series of any page has.
  std::string_view key;
  std::optional<Timestamp> time;
  int64_t start_time = 0;  // of the counter, Unix ms; 0: not known
  // Where they were asked for. Without a time of its own one has that of the epoch.
  std::span<const model::Exemplar> exemplars;
};
// Adds name and labels, empty values kept. kInvalid when a name comes twice or is none, and for
// values that are no UTF-8.
Status AddLabels(const ProtoSeries& series, model::LabelsBuilder& labels);

class ProtoSink {
 public:
  virtual ~ProtoSink() = default;
  // Before its series. An error of any of these ends the page.
  virtual void Family(const ProtoFamily& family) = 0;
  virtual Status Sample(const ProtoSeries& series, double value) = 0;
  // A valid one, without empty buckets.
  virtual Status Histogram(const ProtoSeries& series,
                           std::variant<model::Histogram, model::FloatHistogram> value) = 0;
};

struct ProtoOptions {
  // Whether native histograms are taken as such; otherwise, their classic buckets are.
  bool native_histograms = false;
  // Classic buckets also of what is taken as a native histogram, or becomes one.
  bool classic_too = false;
  bool exemplars = false;
  // What would be taken as a classic histogram becomes a native one with custom buckets. One that
  // makes no sense then ends the page, as in Prometheus.
  bool convert_classic = false;
};

// kInvalid when the page is malformed: what came before has reached the sink.
Status ParseProto(std::string_view page, const ProtoOptions& options, ProtoSink& sink);

}  // namespace canopy::exposition
