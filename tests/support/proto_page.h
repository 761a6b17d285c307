#pragma once

#include <cstdint>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "canopy/model/histogram.h"

// Pages in protobuf, part by part.

namespace canopy::testing {

// Fields of io.prometheus.client, by the words of its schema.
inline std::string LabelPair(const std::string& name, const std::string& value) {
  std::string out;
  protozero::pbf_writer pair(out);
  pair.add_string(1, name);
  pair.add_string(2, value);
  return out;
}
inline std::string ProtoTime(int64_t seconds, int32_t nanos) {
  std::string out;
  protozero::pbf_writer time(out);
  time.add_int64(1, seconds);
  time.add_int32(2, nanos);
  return out;
}
inline std::string ProtoExemplar(const std::string& trace, double value, int64_t seconds) {
  std::string out;
  protozero::pbf_writer exemplar(out);
  exemplar.add_message(1, LabelPair("trace_id", trace));
  exemplar.add_double(2, value);
  if (seconds != 0) exemplar.add_message(3, ProtoTime(seconds, 250'000'000));
  return out;
}

enum ProtoType : int {
  kProtoCounter,
  kProtoGauge,
  kProtoSummary,
  kProtoUntyped,
  kProtoHistogram,
  kProtoGaugeHistogram
};

// A Metric whose value is the message `value`: its place says of which type.
inline std::string ProtoMetric(ProtoType type, const std::map<std::string, std::string>& labels,
                               const std::string& value, int64_t time_ms = 0) {
  constexpr protozero::pbf_tag_type kTags[] = {3, 2, 4, 5, 7, 7};
  std::string out;
  protozero::pbf_writer metric(out);
  for (const auto& [name, text] : labels) metric.add_message(1, LabelPair(name, text));
  metric.add_message(kTags[type], value);
  if (time_ms != 0) metric.add_int64(6, time_ms);
  return out;
}

// A whole page may be several of these.
inline std::string ProtoFamilyOf(const std::string& name, ProtoType type,
                                 const std::vector<std::string>& metrics,
                                 const std::string& help = "", const std::string& unit = "") {
  std::string out;
  protozero::pbf_writer family(out);
  family.add_string(1, name);
  family.add_string(2, help);
  family.add_enum(3, type);
  for (const std::string& metric : metrics) family.add_message(4, metric);
  if (!unit.empty()) family.add_string(5, unit);
  std::string page;
  for (uint64_t size = out.size(); true; size >>= 7) {
    page.push_back(static_cast<char>(size < 0x80 ? size : (size & 0x7f) | 0x80));
    if (size < 0x80) break;
  }
  return page + out;
}

// Counter, Gauge or Untyped.
inline std::string ProtoValue(double value) {
  std::string out;
  protozero::pbf_writer(out).add_double(1, value);
  return out;
}

inline void AddSpans(protozero::pbf_writer& out, protozero::pbf_tag_type tag,
                     const std::vector<model::HistogramSpan>& spans) {
  for (const model::HistogramSpan span : spans) {
    std::string bytes;
    protozero::pbf_writer message(bytes);
    message.add_sint32(1, span.offset);
    message.add_uint32(2, span.length);
    out.add_message(tag, bytes);
  }
}
inline std::string ProtoNative(const model::Histogram& h) {
  std::string out;
  protozero::pbf_writer message(out);
  message.add_uint64(1, h.count);
  message.add_double(2, h.sum);
  message.add_sint32(5, h.schema);
  message.add_double(6, h.zero_threshold);
  message.add_uint64(7, h.zero_count);
  AddSpans(message, 9, h.negative.spans);
  message.add_packed_sint64(10, h.negative.buckets.begin(), h.negative.buckets.end());
  AddSpans(message, 12, h.positive.spans);
  message.add_packed_sint64(13, h.positive.buckets.begin(), h.positive.buckets.end());
  return out;
}
inline std::string ProtoNative(const model::FloatHistogram& h) {
  std::string out;
  protozero::pbf_writer message(out);
  message.add_double(4, h.count);
  message.add_double(2, h.sum);
  message.add_sint32(5, h.schema);
  message.add_double(6, h.zero_threshold);
  message.add_double(8, h.zero_count);
  AddSpans(message, 9, h.negative.spans);
  message.add_packed_double(11, h.negative.buckets.begin(), h.negative.buckets.end());
  AddSpans(message, 12, h.positive.spans);
  message.add_packed_double(14, h.positive.buckets.begin(), h.positive.buckets.end());
  return out;
}
// Classic buckets, to be put behind either of them, or alone.
inline std::string ProtoClassic(uint64_t count, double sum,
                                const std::vector<std::pair<double, uint64_t>>& buckets,
                                const std::string& exemplar = "") {
  std::string out;
  protozero::pbf_writer message(out);
  message.add_uint64(1, count);
  message.add_double(2, sum);
  for (const auto& [upper, cumulative] : buckets) {
    std::string bytes;
    protozero::pbf_writer bucket(bytes);
    bucket.add_uint64(1, cumulative);
    bucket.add_double(2, upper);
    if (!exemplar.empty()) bucket.add_message(3, exemplar);
    message.add_message(3, bytes);
  }
  return out;
}

}  // namespace canopy::testing
