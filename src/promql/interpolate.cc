#include "interpolate.h"

#include "canopy/model/histogram_math.h"

namespace canopy::promql {
namespace {

bool Note(const model::HistogramMerge& merge, std::string_view operation, const NotePlace& place) {
  if (!merge.compatible) place.notes.MixedExponentialCustomHistograms(place.metric, place.pos);
  if (merge.bounds_reconciled) place.notes.MismatchedCustomBuckets(operation, place.pos);
  return merge.compatible;
}

}  // namespace

bool AddNoted(model::FloatHistogram& h, const model::FloatHistogram& other,
              const NotePlace& place) {
  return Note(model::Add(h, other), "addition", place);
}

bool SubtractNoted(model::FloatHistogram& h, const model::FloatHistogram& other,
                   const NotePlace& place) {
  return Note(model::Subtract(h, other), "subtraction", place);
}

std::optional<model::FloatHistogram> Interpolate(const model::FloatHistogram& before,
                                                 const model::FloatHistogram& after, double share,
                                                 bool counter, const NotePlace& place) {
  model::FloatHistogram out = after;
  if (counter && model::DetectReset(after, before)) {
    model::Multiply(out, share);
    return out;
  }
  if (!SubtractNoted(out, before, place)) return std::nullopt;
  model::Multiply(out, share);
  if (!AddNoted(out, before, place)) return std::nullopt;
  return out;
}

}  // namespace canopy::promql
