#include "histogram_message.h"

#include <protozero/pbf_reader.hpp>
#include <vector>

#include "canopy/model/sample.h"

namespace canopy::remote {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// protozero asserts that a field is read as what it is; input from outside has to be asked first.
void RequireType(const pbf_reader& message, pbf_wire_type type) {
  if (message.wire_type() != type) throw protozero::unknown_pbf_wire_type_exception{};
}
double Double(pbf_reader& message) {
  RequireType(message, pbf_wire_type::fixed64);
  return message.get_double();
}
uint64_t Uint(pbf_reader& message) {
  RequireType(message, pbf_wire_type::varint);
  return message.get_uint64();
}
int64_t Sint(pbf_reader& message) {
  RequireType(message, pbf_wire_type::varint);
  return message.get_sint64();
}
// A repeated number, packed or not.
void AddSints(pbf_reader& message, std::vector<int64_t>& out) {
  if (message.wire_type() != pbf_wire_type::length_delimited) return out.push_back(Sint(message));
  for (const int64_t v : message.get_packed_sint64()) out.push_back(v);
}
void AddDoubles(pbf_reader& message, std::vector<double>& out) {
  if (message.wire_type() != pbf_wire_type::length_delimited) return out.push_back(Double(message));
  for (const double v : message.get_packed_double()) out.push_back(v);
}
void AddSpan(pbf_reader& message, std::vector<model::HistogramSpan>& out) {
  RequireType(message, pbf_wire_type::length_delimited);
  pbf_reader span = message.get_message();
  model::HistogramSpan& to = out.emplace_back();
  while (span.next()) {
    if (span.tag() == 1)
      to.offset = static_cast<int32_t>(Sint(span));
    else if (span.tag() == 2)
      to.length = static_cast<uint32_t>(Uint(span));
    else
      span.skip();
  }
}

// All that a message may say, of both kinds.
struct Fields {
  bool floats = false;
  model::Histogram h;  // what both kinds have, and the counts of integers
  double count = 0;
  double zero_count = 0;
  std::vector<double> positive_counts;
  std::vector<double> negative_counts;
  Timestamp time;
};

void ReadField(pbf_reader& message, Fields& out) {
  switch (message.tag()) {
    case 1:
      out.h.count = Uint(message);
      break;
    case 2:
      out.count = Double(message);
      out.floats = true;
      break;
    case 3:
      out.h.sum = Double(message);
      break;
    case 4:
      out.h.schema = static_cast<int32_t>(Sint(message));
      break;
    case 5:
      out.h.zero_threshold = Double(message);
      break;
    case 6:
      out.h.zero_count = Uint(message);
      break;
    case 7:
      out.zero_count = Double(message);
      break;
    case 8:
      AddSpan(message, out.h.negative.spans);
      break;
    case 9:
      AddSints(message, out.h.negative.buckets);
      break;
    case 10:
      AddDoubles(message, out.negative_counts);
      break;
    case 11:
      AddSpan(message, out.h.positive.spans);
      break;
    case 12:
      AddSints(message, out.h.positive.buckets);
      break;
    case 13:
      AddDoubles(message, out.positive_counts);
      break;
    case 14: {
      const uint64_t hint = Uint(message);
      if (hint <= static_cast<uint64_t>(model::CounterResetHint::kGauge))
        out.h.hint = static_cast<model::CounterResetHint>(hint);
      break;
    }
    case 15:
      out.time = Timestamp::FromMs(static_cast<int64_t>(Uint(message)));
      break;
    case 16:
      AddDoubles(message, out.h.custom_values);
      break;
    default:
      message.skip();
  }
}

model::FloatHistogram FloatsOf(Fields& from) {
  model::FloatHistogram out;
  out.hint = from.h.hint;
  out.schema = from.h.schema;
  out.zero_threshold = from.h.zero_threshold;
  out.zero_count = from.zero_count;
  out.count = from.count;
  out.sum = from.h.sum;
  out.positive = {std::move(from.h.positive.spans), std::move(from.positive_counts)};
  out.negative = {std::move(from.h.negative.spans), std::move(from.negative_counts)};
  out.custom_values = std::move(from.h.custom_values);
  return out;
}

template <class H>
H Marker() {
  H out;
  out.sum = model::StaleNan();
  return out;
}

}  // namespace

ReceivedHistogram ReadHistogram(std::string_view bytes) {
  Fields fields;
  pbf_reader message(bytes.data(), bytes.size());
  while (message.next()) ReadField(message, fields);
  const bool stale = model::IsStale(fields.h.sum);
  if (fields.floats)
    return {fields.time, stale ? Marker<model::FloatHistogram>() : FloatsOf(fields)};
  return {fields.time, stale ? Marker<model::Histogram>() : std::move(fields.h)};
}

}  // namespace canopy::remote
