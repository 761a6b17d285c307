#include "canopy/federation/page.h"

#include <string>
#include <vector>

#include "canopy/base/number.h"
#include "federation/classic_buckets.h"
#include "federation/external_labels.h"
#include "federation/series_line.h"

namespace canopy::federation {
namespace {

// Large enough that a write costs little beside rendering what is in it, small enough for the
// cache.
constexpr size_t kPieceBytes = 64 << 10;

// Which runs of samples share a TYPE line.
enum class Kind : uint8_t { kNone, kFloat, kHistogram, kGaugeHistogram };

Kind KindOf(const NewestSample& sample) {
  if (!sample.histogram) return Kind::kFloat;
  return sample.gauge_histogram() ? Kind::kGaugeHistogram : Kind::kHistogram;
}

void AppendClassic(SeriesLine& line, const model::SeriesLabelsView& labels,
                   const NewestSample& sample, std::string& out) {
  const model::FloatHistogram& h = *sample.histogram;
  std::string bound;
  ForEachClassicBucket(h, [&](double upper, double cumulative) {
    bound.clear();
    base::AppendFloatShortest(bound, upper);
    line.AppendPart(labels, "_bucket", bound, sample.time, cumulative, out);
  });
  line.AppendPart(labels, "_bucket", "+Inf", sample.time, h.count, out);
  line.AppendPart(labels, "_sum", "", sample.time, h.sum, out);
  line.AppendPart(labels, "_count", "", sample.time, h.count, out);
}

}  // namespace

Result<PageReport> WriteTextPage(const Selection& selection, const PageOptions& options,
                                 const PageSink& sink) {
  PageReport report;
  SeriesLine line(MissingLabels(options.external_labels), options.escaping);
  storage::ColumnBuffer buffer;
  std::string piece;
  piece.reserve(kPieceBytes + (4 << 10));
  for (const Selection::Family& family : selection.families()) {
    if (!line.StartFamily(family.name)) {
      ++report.failed_families;
      continue;
    }
    Kind run = Kind::kNone;
    const auto add = [&](const model::SeriesLabelsView& labels,
                         const NewestSample& sample) -> Status {
      if (sample.histogram && !sample.histogram->custom_buckets()) return {};
      const Kind kind = KindOf(sample);
      if (kind != run) line.AppendTypeLine(kind == Kind::kFloat ? "untyped" : "histogram", piece);
      run = kind;
      if (sample.histogram)
        AppendClassic(line, labels, sample, piece);
      else
        line.Append(labels, sample.time, sample.value, piece);
      ++report.samples;
      if (piece.size() < kPieceBytes) return {};
      const Status sent = sink(piece);
      piece.clear();
      return sent;
    };
    CANOPY_RETURN_IF_ERROR(selection.ForEachNewest(family, buffer, add));
  }
  if (!piece.empty()) CANOPY_RETURN_IF_ERROR(sink(piece));
  return report;
}

}  // namespace canopy::federation
