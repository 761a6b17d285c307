#include "canopy/exposition/proto.h"

#include <algorithm>
#include <cmath>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <utility>
#include <vector>

#include "canopy/base/bytes.h"
#include "canopy/base/quote.h"
#include "canopy/exposition/format.h"
#include "canopy/model/classic_histogram.h"
#include "canopy/model/histogram_integer.h"
#include "canopy/model/histogram_math.h"

namespace canopy::exposition {
namespace {

using model::HistogramSpan;
using protozero::pbf_reader;
using protozero::pbf_wire_type;

// protozero asserts that a field is read as what it is; input from outside has to be asked first.
void RequireType(const pbf_reader& message, pbf_wire_type type) {
  if (message.wire_type() != type) throw protozero::unknown_pbf_wire_type_exception{};
}
std::string_view Bytes(pbf_reader& message) {
  RequireType(message, pbf_wire_type::length_delimited);
  const protozero::data_view v = message.get_view();
  return {v.data(), v.size()};
}
pbf_reader Reader(std::string_view bytes) { return pbf_reader(bytes.data(), bytes.size()); }
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

// google.protobuf.Timestamp, in Unix ms. Wraps around when it is out of range.
int64_t ReadTime(std::string_view bytes) {
  pbf_reader message = Reader(bytes);
  uint64_t seconds = 0;
  int64_t nanos = 0;
  while (message.next()) {
    if (message.tag() == 1)
      seconds = Uint(message);
    else if (message.tag() == 2)
      nanos = static_cast<int32_t>(Uint(message));
    else
      message.skip();
  }
  return static_cast<int64_t>(seconds * 1000 + static_cast<uint64_t>(nanos / 1'000'000));
}

model::LabelView ReadLabel(std::string_view bytes) {
  pbf_reader message = Reader(bytes);
  model::LabelView label;
  while (message.next()) {
    if (message.tag() == 1)
      label.name = Bytes(message);
    else if (message.tag() == 2)
      label.value = Bytes(message);
    else
      message.skip();
  }
  return label;
}

struct Bucket {
  double upper = 0;
  double count = 0;
  std::string_view exemplar;  // the message; none: empty
};
struct Quantile {
  double quantile = 0;
  double value = 0;
};

// Metric.summary or Metric.histogram; counters, gauges and untyped ones are just `value`.
struct Metric {
  std::vector<std::string_view> labels;
  std::optional<Timestamp> time;
  int64_t start_time = 0;
  double value = 0;
  uint64_t count = 0;
  double float_count = 0;
  double sum = 0;
  std::vector<Quantile> quantiles;
  std::vector<Bucket> buckets;
  int32_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  double float_zero_count = 0;
  std::vector<HistogramSpan> spans[2];  // positive, negative
  std::vector<int64_t> deltas[2];
  std::vector<double> counts[2];
  std::vector<std::string_view> exemplars;

  double Count() const { return float_count != 0 ? float_count : static_cast<double>(count); }
  // A native one without observations says so by an empty span.
  bool native() const {
    return !spans[0].empty() || !spans[1].empty() || zero_threshold > 0 || zero_count > 0;
  }
};

void ReadValue(std::string_view bytes, bool counter, Metric& out) {
  pbf_reader message = Reader(bytes);
  while (message.next()) {
    if (message.tag() == 1)
      out.value = Double(message);
    else if (counter && message.tag() == 2)
      out.exemplars.push_back(Bytes(message));
    else if (counter && message.tag() == 3)
      out.start_time = ReadTime(Bytes(message));
    else
      message.skip();
  }
}

void ReadSummary(std::string_view bytes, Metric& out) {
  pbf_reader message = Reader(bytes);
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        out.count = Uint(message);
        break;
      case 2:
        out.sum = Double(message);
        break;
      case 3: {
        pbf_reader part = Reader(Bytes(message));
        Quantile quantile;
        while (part.next()) {
          if (part.tag() == 1)
            quantile.quantile = Double(part);
          else if (part.tag() == 2)
            quantile.value = Double(part);
          else
            part.skip();
        }
        out.quantiles.push_back(quantile);
        break;
      }
      case 4:
        out.start_time = ReadTime(Bytes(message));
        break;
      default:
        message.skip();
    }
  }
}

Bucket ReadBucket(std::string_view bytes) {
  pbf_reader message = Reader(bytes);
  Bucket out;
  uint64_t integers = 0;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        integers = Uint(message);
        break;
      case 2:
        out.upper = Double(message);
        break;
      case 3:
        out.exemplar = Bytes(message);
        break;
      case 4:
        out.count = Double(message);
        break;
      default:
        message.skip();
    }
  }
  if (out.count == 0) out.count = static_cast<double>(integers);
  return out;
}

HistogramSpan ReadSpan(std::string_view bytes) {
  pbf_reader message = Reader(bytes);
  HistogramSpan out;
  while (message.next()) {
    if (message.tag() == 1)
      out.offset = static_cast<int32_t>(Sint(message));
    else if (message.tag() == 2)
      out.length = static_cast<uint32_t>(Uint(message));
    else
      message.skip();
  }
  return out;
}

void ReadHistogram(std::string_view bytes, Metric& out) {
  pbf_reader message = Reader(bytes);
  while (message.next()) {
    // Of both sides the three fields follow each other, the negative ones first.
    const size_t side = message.tag() >= 12 ? 0 : 1;
    switch (message.tag()) {
      case 1:
        out.count = Uint(message);
        break;
      case 2:
        out.sum = Double(message);
        break;
      case 3:
        out.buckets.push_back(ReadBucket(Bytes(message)));
        break;
      case 4:
        out.float_count = Double(message);
        break;
      case 5:
        out.schema = static_cast<int32_t>(Sint(message));
        break;
      case 6:
        out.zero_threshold = Double(message);
        break;
      case 7:
        out.zero_count = Uint(message);
        break;
      case 8:
        out.float_zero_count = Double(message);
        break;
      case 9:
      case 12:
        out.spans[side].push_back(ReadSpan(Bytes(message)));
        break;
      case 10:
      case 13:
        AddSints(message, out.deltas[side]);
        break;
      case 11:
      case 14:
        AddDoubles(message, out.counts[side]);
        break;
      case 15:
        out.start_time = ReadTime(Bytes(message));
        break;
      case 16:
        out.exemplars.push_back(Bytes(message));
        break;
      default:
        message.skip();
    }
  }
}

// Only what the family's type says is looked at.
enum class Kind : uint8_t { kCounter, kGauge, kSummary, kUntyped, kHistogram, kGaugeHistogram };

Metric ReadMetric(std::string_view bytes, Kind kind) {
  pbf_reader message = Reader(bytes);
  Metric out;
  const bool histogram = kind == Kind::kHistogram || kind == Kind::kGaugeHistogram;
  while (message.next()) {
    const auto tag = message.tag();
    if (tag == 1) {
      out.labels.push_back(Bytes(message));
    } else if (tag == 6) {
      const auto time = static_cast<int64_t>(Uint(message));
      if (time != 0) out.time = Timestamp::FromMs(time);
    } else if (tag == 2 && kind == Kind::kGauge) {
      ReadValue(Bytes(message), false, out);
    } else if (tag == 3 && kind == Kind::kCounter) {
      ReadValue(Bytes(message), true, out);
    } else if (tag == 5 && kind == Kind::kUntyped) {
      ReadValue(Bytes(message), false, out);
    } else if (tag == 4 && kind == Kind::kSummary) {
      ReadSummary(Bytes(message), out);
    } else if (tag == 7 && histogram) {
      ReadHistogram(Bytes(message), out);
    } else {
      message.skip();
    }
  }
  return out;
}

model::MetricType TypeOf(Kind kind) {
  constexpr model::MetricType kTypes[] = {
      model::MetricType::kCounter,   model::MetricType::kGauge,
      model::MetricType::kSummary,   model::MetricType::kUnknown,
      model::MetricType::kHistogram, model::MetricType::kGaugeHistogram};
  return kTypes[static_cast<size_t>(kind)];
}

// False for one that cannot be kept: with a label twice or of no text, or without a time where it
// needs one.
bool ReadExemplar(std::string_view bytes, bool need_time, model::Exemplar& out) {
  pbf_reader message = Reader(bytes);
  std::vector<model::LabelView> labels;
  out.has_time = false;
  while (message.next()) {
    if (message.tag() == 1) {
      labels.push_back(ReadLabel(Bytes(message)));
    } else if (message.tag() == 2) {
      out.value = Double(message);
    } else if (message.tag() == 3) {
      out.time = Timestamp::FromMs(ReadTime(Bytes(message)));
      out.has_time = true;
    } else {
      message.skip();
    }
  }
  if (need_time && !out.has_time) return false;
  std::erase_if(labels, [](const auto& label) { return label.value.empty(); });
  std::ranges::sort(labels);
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto& [name, value] = labels[i];
    if (!model::IsValidLabelName(name, model::NameValidation::kUtf8) || !model::IsValidUtf8(value))
      return false;
    if (i > 0 && labels[i - 1].name == name) return false;
  }
  out.labels = model::Labels::FromSorted(labels);
  return true;
}

template <class H, class Count>
Status Finish(H& h, const Metric& metric, bool gauge, const std::vector<Count> (&buckets)[2]) {
  h.hint = gauge ? model::CounterResetHint::kGauge : model::CounterResetHint::kUnknown;
  h.schema = metric.schema;
  h.zero_threshold = metric.zero_threshold;
  h.sum = metric.sum;
  h.positive = {metric.spans[0], buckets[0]};
  h.negative = {metric.spans[1], buckets[1]};
  CANOPY_RETURN_IF_ERROR(model::ValidateForeign(h));
  model::Compact(h);
  return {};
}

Result<std::variant<model::Histogram, model::FloatHistogram>> NativeOf(const Metric& metric,
                                                                       bool gauge) {
  if (metric.float_count > 0 || metric.float_zero_count > 0) {
    model::FloatHistogram h;
    h.count = metric.float_count;
    h.zero_count = metric.float_zero_count;
    CANOPY_RETURN_IF_ERROR(Finish(h, metric, gauge, metric.counts));
    return std::variant<model::Histogram, model::FloatHistogram>(std::move(h));
  }
  model::Histogram h;
  h.count = metric.count;
  h.zero_count = metric.zero_count;
  CANOPY_RETURN_IF_ERROR(Finish(h, metric, gauge, metric.deltas));
  return std::variant<model::Histogram, model::FloatHistogram>(std::move(h));
}

// The series of one metric, one after the other.
class MetricSeries {
 public:
  MetricSeries(std::string_view family, const Metric& metric, const ProtoOptions& options,
               ProtoSink& sink)
      : metric_(metric), options_(options), sink_(sink) {
    series_.family = family;
    series_.labels = metric.labels;
    series_.time = metric.time;
    series_.start_time = metric.start_time;
    base::PutString(key_, family);
    for (const std::string_view label : metric.labels) base::PutString(key_, label);
    labels_end_ = key_.size();
  }

  Status Value() {
    SetExemplars(metric_.exemplars, false);
    return Sample("", metric_.value);
  }
  Status Summary() {
    CANOPY_RETURN_IF_ERROR(Sample("_count", metric_.Count()));
    CANOPY_RETURN_IF_ERROR(Sample("_sum", metric_.sum));
    for (const Quantile& q : metric_.quantiles)
      CANOPY_RETURN_IF_ERROR(Sample("", q.value, model::kQuantile, q.quantile));
    return {};
  }
  Status Classic() {
    SetExemplars({}, false);
    CANOPY_RETURN_IF_ERROR(Sample("_count", metric_.Count()));
    CANOPY_RETURN_IF_ERROR(Sample("_sum", metric_.sum));
    constexpr double kInf = std::numeric_limits<double>::infinity();
    for (const Bucket& bucket : metric_.buckets) {
      SetExemplars({bucket.exemplar}, false);
      CANOPY_RETURN_IF_ERROR(Sample("_bucket", bucket.count, model::kBucketBound, bucket.upper));
      if (bucket.upper == kInf) return {};
    }
    SetExemplars({}, false);
    return Sample("_bucket", metric_.Count(), model::kBucketBound, kInf);
  }
  Status Native(bool gauge) {
    auto histogram = NativeOf(metric_, gauge);
    if (!histogram.ok()) {
      return Status::Invalid("histogram " + base::Quoted(series_.family) + ": " +
                             histogram.status().message());
    }
    return Histogram(*std::move(histogram));
  }
  // The classic one as one with custom buckets.
  Status Converted(bool gauge) {
    model::ClassicHistogram classic;
    classic.SetCount(metric_.Count());
    classic.SetSum(metric_.sum);
    for (const Bucket& bucket : metric_.buckets) classic.AddBucket(bucket.upper, bucket.count);
    auto histogram = classic.Convert();
    if (!histogram.ok()) {
      return Status::Invalid("histogram " + base::Quoted(series_.family) + ": " +
                             histogram.status().message());
    }
    if (gauge) std::visit([](auto& h) { h.hint = model::CounterResetHint::kGauge; }, *histogram);
    return Histogram(*std::move(histogram));
  }

 private:
  void SetKey(std::string_view suffix, std::string_view extra) {
    key_.resize(labels_end_);
    // No label pair is this long.
    base::PutUvarint(key_, UINT64_MAX);
    base::PutString(key_, suffix);
    key_.append(extra);
    series_.key = key_;
  }
  Status Histogram(std::variant<model::Histogram, model::FloatHistogram> value) {
    std::vector<std::string_view> exemplars = metric_.exemplars;
    if (exemplars.empty())
      for (const Bucket& bucket : metric_.buckets) exemplars.push_back(bucket.exemplar);
    SetExemplars(exemplars, true);
    SetKey("h", "");
    return sink_.Histogram(series_, std::move(value));
  }
  Status Sample(std::string_view suffix, double value) {
    series_.suffix = suffix;
    series_.extra_name = series_.extra_value = {};
    SetKey(suffix, "");
    return sink_.Sample(series_, value);
  }
  Status Sample(std::string_view suffix, double value, std::string_view name, double extra) {
    const std::string text = FormatOpenMetricsFloat(extra);
    series_.suffix = suffix;
    series_.extra_name = name;
    series_.extra_value = text;
    SetKey(suffix, text);
    return sink_.Sample(series_, value);
  }
  void SetExemplars(const std::vector<std::string_view>& messages, bool need_time) {
    exemplars_.clear();
    for (const std::string_view message : messages) {
      if (!options_.exemplars || message.empty()) continue;
      model::Exemplar exemplar;
      if (ReadExemplar(message, need_time, exemplar)) exemplars_.push_back(std::move(exemplar));
    }
    series_.exemplars = exemplars_;
  }

  const Metric& metric_;
  const ProtoOptions& options_;
  ProtoSink& sink_;
  ProtoSeries series_;
  std::string key_;
  size_t labels_end_ = 0;
  std::vector<model::Exemplar> exemplars_;
};

Status TakeMetric(const ProtoFamily& family, Kind kind, std::string_view bytes,
                  const ProtoOptions& options, ProtoSink& sink) {
  const Metric metric = ReadMetric(bytes, kind);
  MetricSeries series(family.name, metric, options, sink);
  switch (kind) {
    case Kind::kSummary:
      return series.Summary();
    case Kind::kHistogram:
    case Kind::kGaugeHistogram: {
      const bool gauge = kind == Kind::kGaugeHistogram;
      if (options.native_histograms && metric.native()) {
        CANOPY_RETURN_IF_ERROR(series.Native(gauge));
        return options.classic_too && !metric.buckets.empty() ? series.Classic() : Status();
      }
      if (!options.convert_classic) return series.Classic();
      CANOPY_RETURN_IF_ERROR(series.Converted(gauge));
      return options.classic_too ? series.Classic() : Status();
    }
    default:
      return series.Value();
  }
}

Status TakeFamily(std::string_view bytes, const ProtoOptions& options, ProtoSink& sink) {
  ProtoFamily family;
  uint64_t type = 0;
  std::vector<std::string_view> metrics;
  pbf_reader message = Reader(bytes);
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        family.name = Bytes(message);
        break;
      case 2:
        family.help = Bytes(message);
        break;
      case 3:
        type = Uint(message);
        break;
      case 4:
        metrics.push_back(Bytes(message));
        break;
      case 5:
        family.unit = Bytes(message);
        break;
      default:
        message.skip();
    }
  }
  if (metrics.empty()) return {};
  if (!model::IsValidMetricName(family.name, model::NameValidation::kUtf8))
    return Status::Invalid("invalid metric name: " + std::string(family.name));
  if (!model::IsValidUtf8(family.help)) {
    return Status::Invalid("invalid help for metric " + base::Quoted(family.name) + ": " +
                           base::Quoted(family.help));
  }
  if (type > static_cast<uint64_t>(Kind::kGaugeHistogram)) {
    return Status::Invalid("unknown metric type for metric " + base::Quoted(family.name) + ": " +
                           std::to_string(type));
  }
  const auto kind = static_cast<Kind>(type);
  family.type = TypeOf(kind);
  sink.Family(family);
  for (const std::string_view metric : metrics)
    CANOPY_RETURN_IF_ERROR(TakeMetric(family, kind, metric, options, sink));
  return {};
}

}  // namespace

Status AddLabels(const ProtoSeries& series, model::LabelsBuilder& labels) {
  labels.SetKeepEmpty(model::kMetricName, std::string(series.family).append(series.suffix));
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!model::IsValidLabelName(name, model::NameValidation::kUtf8))
      return Status::Invalid("invalid label name: " + base::Quoted(name));
    if (!model::IsValidUtf8(value))
      return Status::Invalid("invalid label value: " + base::Quoted(value));
    if (labels.Has(name)) return Status::Invalid("label name " + base::Quoted(name) + " twice");
    labels.SetKeepEmpty(name, value);
    return Status();
  };
  try {
    for (const std::string_view message : series.labels) {
      const model::LabelView label = ReadLabel(message);
      CANOPY_RETURN_IF_ERROR(add(label.name, label.value));
    }
  } catch (const protozero::exception& e) {
    return Status::Invalid(std::string("proto: ") + e.what());
  }
  if (series.extra_name.empty()) return {};
  return add(series.extra_name, series.extra_value);
}

Status ParseProto(std::string_view page, const ProtoOptions& options, ProtoSink& sink) {
  base::ByteReader in(page);
  try {
    while (!in.empty()) {
      const std::string_view family = in.String();
      if (!in.ok()) return Status::Invalid("proto: the page ends within a message");
      CANOPY_RETURN_IF_ERROR(TakeFamily(family, options, sink));
    }
  } catch (const protozero::exception& e) {
    return Status::Invalid(std::string("proto: ") + e.what());
  }
  return {};
}

}  // namespace canopy::exposition
