#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "annotations.h"
#include "canopy/model/histogram.h"

// The line between two samples: what `smoothed` puts where there is none.

namespace canopy::promql {

// The share of the way from one sample to the next. REQUIRES: from < at < to.
inline double ShareOfWay(int64_t from, int64_t to, int64_t at) {
  return static_cast<double>(at - from) / static_cast<double>(to - from);
}

// Between two floats. A counter that fell started again from zero, at the first of them.
inline double Interpolate(double before, double after, int64_t from, int64_t to, int64_t at,
                          bool counter) {
  if (counter && after < before) before = 0;
  return before +
         (after - before) * static_cast<double>(at - from) / static_cast<double>(to - from);
}

// For which metric, and where in the query, it is noted that histograms do not go together.
struct NotePlace {
  Annotations& notes;
  std::string_view metric;
  PositionRange pos;
};

// Between two histograms, likewise. Nothing, and a note, where they do not go together.
std::optional<model::FloatHistogram> Interpolate(const model::FloatHistogram& before,
                                                 const model::FloatHistogram& after, double share,
                                                 bool counter, const NotePlace& place);

// h += other, h -= other. False, and a note, where they do not go together.
bool AddNoted(model::FloatHistogram& h, const model::FloatHistogram& other, const NotePlace& place);
bool SubtractNoted(model::FloatHistogram& h, const model::FloatHistogram& other,
                   const NotePlace& place);

}  // namespace canopy::promql
