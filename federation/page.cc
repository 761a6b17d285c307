#include "canopy/federation/page.h"

#include <algorithm>
#include <string>
#include <vector>

#include "federation/series_line.h"

namespace canopy::federation {
namespace {

// Large enough that a write costs little beside rendering what is in it, small enough for the
// cache.
constexpr size_t kPieceBytes = 64 << 10;

std::vector<model::LabelView> MissingLabels(const model::Labels& external) {
  std::vector<model::LabelView> extras(external.begin(), external.end());
  if (!external.Has(model::kInstance)) {
    const auto at = std::ranges::lower_bound(extras, model::kInstance, {}, &model::LabelView::name);
    extras.insert(at, {model::kInstance, ""});
  }
  return extras;
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
    bool typed = false;
    for (const uint32_t series : family.series) {
      CANOPY_ASSIGN_OR_RETURN(const std::optional<model::Sample> sample,
                              selection.Newest(series, buffer));
      if (!sample) continue;
      if (!typed) line.AppendTypeLine(piece);
      typed = true;
      line.Append(selection.labels(series), *sample, piece);
      ++report.samples;
      if (piece.size() >= kPieceBytes) {
        CANOPY_RETURN_IF_ERROR(sink(piece));
        piece.clear();
      }
    }
  }
  if (!piece.empty()) CANOPY_RETURN_IF_ERROR(sink(piece));
  return report;
}

}  // namespace canopy::federation
