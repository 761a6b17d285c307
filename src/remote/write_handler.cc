#include <algorithm>
#include <optional>
#include <protozero/pbf_reader.hpp>
#include <vector>

#include "canopy/base/log.h"
#include "canopy/base/quote.h"
#include "canopy/model/histogram_integer.h"
#include "canopy/model/labels.h"
#include "canopy/model/sample.h"
#include "canopy/net/compress.h"
#include "canopy/remote/write.h"
#include "histogram_message.h"

namespace canopy::remote {
namespace {

constexpr std::string_view kProtobuf = "application/x-protobuf";
constexpr std::string_view kVersion1 = "prometheus.WriteRequest";
constexpr std::string_view kVersion2 = "io.prometheus.write.v2.Request";
// Senders stay below a few megabytes; this is what a hostile one may make us hold.
constexpr size_t kMaxMessageBytes = size_t{256} << 20;
// As scrapes: a sample further ahead would keep everything older out of the store.
constexpr Duration kMaxAhead = std::chrono::minutes(10);

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// protozero asserts that a field is read as what it is; input from outside has to be asked first.
void RequireType(const pbf_reader& message, pbf_wire_type type) {
  if (message.wire_type() != type) throw protozero::unknown_pbf_wire_type_exception{};
}
pbf_reader Message(pbf_reader& message) {
  RequireType(message, pbf_wire_type::length_delimited);
  return message.get_message();
}
std::string_view String(pbf_reader& message) {
  RequireType(message, pbf_wire_type::length_delimited);
  const protozero::data_view v = message.get_view();
  return {v.data(), v.size()};
}
double Double(pbf_reader& message) {
  RequireType(message, pbf_wire_type::fixed64);
  return message.get_double();
}
int64_t Int64(pbf_reader& message) {
  RequireType(message, pbf_wire_type::varint);
  return message.get_int64();
}

std::string_view Trim(std::string_view s) {
  while (s.starts_with(' ')) s.remove_prefix(1);
  while (s.ends_with(' ')) s.remove_suffix(1);
  return s;
}

// Empty when the type is one that this receiver takes.
std::string ContentTypeError(std::string_view content_type) {
  content_type = Trim(content_type);
  if (content_type.empty()) return "";
  const std::string whole(content_type);
  size_t semicolon = std::min(content_type.find(';'), content_type.size());
  if (content_type.substr(0, semicolon) != kProtobuf) {
    return "expected " + std::string(kProtobuf) + " as the first (media) part, got " + whole +
           " content-type";
  }
  while (semicolon < content_type.size()) {
    content_type.remove_prefix(semicolon + 1);
    semicolon = std::min(content_type.find(';'), content_type.size());
    const std::string_view parameter = content_type.substr(0, semicolon);
    const size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || parameter.find('=', equals + 1) != parameter.npos) {
      return "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be "
             "key-values, got " +
             std::string(parameter) + " in " + whole + " content-type";
    }
    if (parameter.substr(0, equals) != "proto") continue;
    const std::string_view message = parameter.substr(equals + 1);
    if (message == kVersion1) return "";
    if (message == kVersion2) {
      return std::string(kVersion2) + " protobuf message is not accepted by this server; only " +
             "accepts " + std::string(kVersion1);
    }
    return "got " + whole + " content type; unknown type for remote write protobuf message " +
           std::string(message) + ", supported: " + std::string(kVersion1) + ", " +
           std::string(kVersion2);
  }
  return "";
}

struct Sample {
  Timestamp time;
  double value = 0;
};

// One TimeSeries. Views into the message.
struct Series {
  std::vector<model::LabelView> labels;
  std::vector<Sample> samples;
  std::vector<ReceivedHistogram> histograms;
  std::vector<model::Exemplar> exemplars;

  void Clear() {
    labels.clear();
    samples.clear();
    histograms.clear();
    exemplars.clear();
  }
};

model::LabelView ReadLabel(pbf_reader message) {
  model::LabelView label;
  while (message.next()) {
    if (message.tag() == 1)
      label.name = String(message);
    else if (message.tag() == 2)
      label.value = String(message);
    else
      message.skip();
  }
  return label;
}

// Why these are no labels; empty when they are. Sorts them.
std::string PairsError(std::vector<model::LabelView>& labels) {
  std::sort(labels.begin(), labels.end());
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto& [name, value] = labels[i];
    if (name.empty() || !model::IsValidUtf8(name) || !model::IsValidUtf8(value))
      return "invalid label " + base::Quoted(name) + "=" + base::Quoted(value);
    if (i > 0 && labels[i - 1].name == name) return "duplicated label " + base::Quoted(name);
  }
  return "";
}

// Why a series cannot be stored; empty when it can.
std::string LabelsError(std::vector<model::LabelView>& labels) {
  if (std::string error = PairsError(labels); !error.empty()) return error;
  const bool named = std::ranges::any_of(labels, [](const model::LabelView& l) {
    return l.name == model::kMetricName && !l.value.empty();
  });
  return named ? "" : "no metric name";
}

Sample ReadSample(pbf_reader message) {
  Sample sample;
  while (message.next()) {
    if (message.tag() == 1)
      sample.value = Double(message);
    else if (message.tag() == 2)
      sample.time = Timestamp::FromMs(Int64(message));
    else
      message.skip();
  }
  return sample;
}

// Left out when its labels are none.
void ReadExemplar(pbf_reader message, std::vector<model::Exemplar>& out) {
  std::vector<model::LabelView> labels;
  model::Exemplar exemplar;
  while (message.next()) {
    if (message.tag() == 1)
      labels.push_back(ReadLabel(Message(message)));
    else if (message.tag() == 2)
      exemplar.value = Double(message);
    else if (message.tag() == 3)
      exemplar.time = Timestamp::FromMs(Int64(message));
    else
      message.skip();
  }
  if (!PairsError(labels).empty()) return;
  std::erase_if(labels, [](const model::LabelView& l) { return l.value.empty(); });
  exemplar.labels = model::Labels::FromSorted(labels);
  exemplar.has_time = exemplar.time.ms() != 0;
  out.push_back(std::move(exemplar));
}

void ReadSeries(pbf_reader message, Series& out) {
  out.Clear();
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        out.labels.push_back(ReadLabel(Message(message)));
        break;
      case 2:
        out.samples.push_back(ReadSample(Message(message)));
        break;
      case 3:
        ReadExemplar(Message(message), out.exemplars);
        break;
      case 4:
        out.histograms.push_back(ReadHistogram(String(message)));
        break;
      default:
        message.skip();
    }
  }
}

std::string_view Reason(storage::AppendResult result) {
  switch (result) {
    case storage::AppendResult::kConflict:
      return "duplicate sample for timestamp";
    case storage::AppendResult::kOutOfBounds:
      return "out of bounds";
    case storage::AppendResult::kTooOld:
      return "too old sample";
    default:
      return "out of order sample";
  }
}

// A request on its way into a batch. The message must outlive it.
class Collector {
 public:
  explicit Collector(Timestamp newest) : newest_(newest) {}

  void Read(std::string_view message) {
    pbf_reader reader(message.data(), message.size());
    Series series;
    while (reader.next()) {
      if (reader.tag() == 1) {
        ReadSeries(Message(reader), series);
        Take(series);
      } else {
        reader.skip();  // metadata
      }
    }
  }

  const storage::Batch& batch() const { return batch_; }
  // Series that were left out because of their labels.
  uint64_t invalid_series() const { return invalid_series_; }
  const std::string& first_invalid() const { return first_invalid_; }

  // The first thing that was refused is what the sender is told.
  void Refuse(std::string_view why, const model::Labels& labels) {
    ++refused_;
    if (error_.empty()) error_ = std::string(why) + " for series " + labels.ToString();
  }
  // What only another sample of the request was in the way of is left out without a word, as in
  // Prometheus, which finds that out when it has taken the samples.
  void RefuseRejected(const storage::AppendReport& report) {
    for (const auto& rejected : report.rejected) {
      if (rejected.result == storage::AppendResult::kDuplicate || rejected.within_batch) continue;
      const size_t samples = batch_.new_samples.size();
      Refuse(Reason(rejected.result), rejected.index < samples
                                          ? batch_.new_samples[rejected.index].labels
                                          : batch_.new_histograms[rejected.index - samples].labels);
    }
  }
  uint64_t refused() const { return refused_; }
  const std::string& error() const { return error_; }

 private:
  void Take(Series& series) {
    if (const std::string why = LabelsError(series.labels); !why.empty()) {
      if (invalid_series_++ == 0) first_invalid_ = why;
      return;
    }
    std::erase_if(series.labels, [](const model::LabelView& l) { return l.value.empty(); });
    const model::Labels labels = model::Labels::FromSorted(series.labels);
    for (const Sample& sample : series.samples) TakeSample(labels, sample);
    for (ReceivedHistogram& histogram : series.histograms) TakeHistogram(labels, histogram);
    for (model::Exemplar& exemplar : series.exemplars) {
      if (exemplar.time <= newest_) batch_.new_exemplars.push_back({labels, std::move(exemplar)});
    }
  }

  void TakeSample(const model::Labels& labels, const Sample& sample) {
    if (!IsTooFarAhead(sample.time, labels))
      batch_.new_samples.push_back({labels, sample.time, sample.value});
  }
  void TakeHistogram(const model::Labels& labels, ReceivedHistogram& histogram) {
    const auto check = [](auto& h) {
      return model::IsStale(h.sum) ? Status() : model::ValidateForeign(h);
    };
    if (const Status valid = std::visit(check, histogram.value); !valid.ok())
      return Refuse(valid.message(), labels);
    if (!IsTooFarAhead(histogram.time, labels))
      batch_.new_histograms.push_back({labels, histogram.time, std::move(histogram.value)});
  }
  bool IsTooFarAhead(Timestamp time, const model::Labels& labels) {
    if (time <= newest_) return false;
    Refuse("out of bounds: timestamp is too far in the future", labels);
    return true;
  }

  const Timestamp newest_;
  storage::Batch batch_;
  uint64_t invalid_series_ = 0;
  std::string first_invalid_;
  uint64_t refused_ = 0;
  std::string error_;
};

}  // namespace

WriteReceiver::WriteReceiver(storage::Appender& appender, const Clock& clock, SelfMetrics& metrics)
    : appender_(appender),
      clock_(clock),
      invalid_labels_(metrics.AddCounter(
          "prometheus_api_remote_write_invalid_labels_samples_total",
          "The total number of received remote write samples and histogram samples which were "
          "rejected due to invalid labels.")) {}

WriteResult WriteReceiver::Write(std::string_view content_type, std::string_view content_encoding,
                                 std::string_view body) {
  if (std::string error = ContentTypeError(content_type); !error.empty()) return {415, error};
  if (!content_encoding.empty() && content_encoding != "snappy") {
    return {415, std::string(content_encoding) +
                     " encoding (compression) is not accepted by this server; only snappy is "
                     "acceptable"};
  }
  std::string message;
  if (const Status status =
          net::Decompress(net::Encoding::kSnappy, body, kMaxMessageBytes, message);
      !status.ok()) {
    return {400, status.code() == Code::kCorrupt ? "snappy: corrupt input" : status.message()};
  }

  Collector collector(clock_.Now() + kMaxAhead);
  try {
    collector.Read(message);
  } catch (const protozero::exception& e) {
    return {400, std::string("proto: ") + e.what()};
  }
  if (collector.invalid_series() > 0) {
    invalid_labels_.Add(static_cast<double>(collector.invalid_series()));
    LOG_WARN("Series from remote write have invalid labels", {"series", collector.invalid_series()},
             {"first", collector.first_invalid()});
  }
  if (collector.batch().size() > 0) {
    const Result<storage::AppendReport> report = appender_.Append(collector.batch());
    if (!report.ok()) {
      LOG_ERROR("Error while storing a remote write request", {"err", report.status().message()});
      return {500, report.status().message()};
    }
    collector.RefuseRejected(*report);
  }
  if (collector.refused() == 0) return {};
  LOG_WARN("Samples from remote write were not stored", {"samples", collector.refused()},
           {"first", collector.error()});
  return {400, collector.error()};
}

}  // namespace canopy::remote
