#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "canopy/base/bytes.h"
#include "canopy/federation/page.h"
#include "federation/classic_buckets.h"
#include "federation/external_labels.h"

// Fields are those of prometheus/client_model io/prometheus/client/metrics.proto.

namespace canopy::federation {
namespace {

using protozero::pbf_tag_type;
using protozero::pbf_writer;

// A family's length stands before it, so it is written when it is whole; a longer one goes on in
// another message.
constexpr size_t kFamilyBytes = 256 << 10;

enum class Type : int32_t { kUntyped = 3, kHistogram = 4, kGaugeHistogram = 5 };

Type TypeOf(const NewestSample& sample) {
  if (!sample.histogram) return Type::kUntyped;
  return sample.gauge_histogram() ? Type::kGaugeHistogram : Type::kHistogram;
}

void AddSide(pbf_writer& out, const model::HistogramSide<double>& side, pbf_tag_type spans,
             pbf_tag_type counts) {
  for (const model::HistogramSpan span : side.spans) {
    pbf_writer message(out, spans);
    message.add_sint32(1, span.offset);
    message.add_uint32(2, span.length);
  }
  if (!side.buckets.empty())
    out.add_packed_double(counts, side.buckets.begin(), side.buckets.end());
}

void AddHistogram(pbf_writer& metric, const model::FloatHistogram& h) {
  pbf_writer out(metric, 7);
  out.add_double(2, h.sum);
  out.add_double(4, h.count);
  if (h.custom_buckets()) {
    ForEachClassicBucket(h, [&](double upper, double cumulative) {
      pbf_writer bucket(out, 3);
      bucket.add_double(2, upper);
      bucket.add_double(4, cumulative);
    });
    return;
  }
  out.add_sint32(5, h.schema);
  out.add_double(6, h.zero_threshold);
  out.add_double(8, h.zero_count);
  AddSide(out, h.negative, 9, 11);
  AddSide(out, h.positive, 12, 14);
}

// One page on its way out.
class ProtoPage {
 public:
  ProtoPage(const PageOptions& options, const PageSink& sink)
      : escaping_(options.escaping), extras_(MissingLabels(options.external_labels)), sink_(sink) {}

  void StartName(std::string_view name) { name_ = exposition::EscapeName(name, escaping_); }

  Status Add(const model::SeriesLabelsView& labels, const NewestSample& sample) {
    const Type type = TypeOf(sample);
    if (type != type_ || family_.size() >= kFamilyBytes) {
      CANOPY_RETURN_IF_ERROR(EndFamily());
      type_ = type;
    }
    pbf_writer family(family_);
    if (family_.empty()) {
      family.add_string(1, name_);
      family.add_enum(3, static_cast<int32_t>(type));
    }
    pbf_writer metric(family, 4);
    AddLabels(labels, metric);
    if (sample.histogram) {
      AddHistogram(metric, *sample.histogram);
    } else {
      pbf_writer untyped(metric, 5);
      untyped.add_double(1, sample.value);
    }
    metric.add_int64(6, sample.time.ms());
    return {};
  }

  Status EndFamily() {
    if (family_.empty()) return {};
    prefix_.clear();
    base::PutUvarint(prefix_, family_.size());
    CANOPY_RETURN_IF_ERROR(sink_(prefix_));
    const Status status = sink_(family_);
    family_.clear();
    return status;
  }

 private:
  void AddLabels(const model::SeriesLabelsView& labels, pbf_writer& metric) const {
    const auto add = [&](std::string_view name, std::string_view value) {
      pbf_writer pair(metric, 1);
      pair.add_string(1, exposition::EscapeName(name, escaping_));
      pair.add_string(2, value.data(), value.size());
    };
    for (const model::SymbolPair pair : labels.pairs()) {
      const std::string_view name = labels.symbols().Lookup(pair.name);
      const std::string_view value = labels.symbols().Lookup(pair.value);
      if (name != model::kMetricName && !value.empty()) add(name, value);
    }
    for (const model::LabelView& extra : extras_)
      if (labels.Get(extra.name).empty()) add(extra.name, extra.value);
  }

  const exposition::Escaping escaping_;
  const std::vector<model::LabelView> extras_;
  const PageSink& sink_;
  std::string name_;
  Type type_ = Type::kUntyped;
  std::string family_;  // the message so far
  std::string prefix_;
};

}  // namespace

Result<PageReport> WriteProtoPage(const Selection& selection, const PageOptions& options,
                                  const PageSink& sink) {
  PageReport report;
  ProtoPage page(options, sink);
  storage::ColumnBuffer buffer;
  for (const Selection::Family& family : selection.families()) {
    if (!model::IsValidUtf8(family.name)) {
      ++report.failed_families;
      continue;
    }
    page.StartName(family.name);
    const auto add = [&](const model::SeriesLabelsView& labels, const NewestSample& sample) {
      ++report.samples;
      return page.Add(labels, sample);
    };
    CANOPY_RETURN_IF_ERROR(selection.ForEachNewest(family, buffer, add));
    CANOPY_RETURN_IF_ERROR(page.EndFamily());
  }
  return report;
}

}  // namespace canopy::federation
