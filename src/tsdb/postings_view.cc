#include "tsdb/postings_view.h"

#include <algorithm>
#include <array>
#include <bit>

namespace canopy::tsdb {

void PostingsView::UniteInto(Roaring& out) const {
  std::array<uint32_t, 1024> piece;
  for (size_t i = 0; i < size();) {
    const size_t count = std::min(piece.size(), size() - i);
    for (size_t k = 0; k < count; ++k) piece[k] = (*this)[i + k];
    out.addMany(count, piece.data());
    i += count;
  }
}

void PostingsView::SubtractFrom(Roaring& out) const {
  Roaring list;
  UniteInto(list);
  out -= list;
}

bool PostingsView::Intersects(const Roaring& others) const {
  for (size_t i = 0; i < size(); ++i)
    if (others.contains((*this)[i])) return true;
  return false;
}

size_t PostingsView::LowerBound(size_t first, SeriesId id) const {
  // Steps of growing length, then halves: what is looked for is mostly near.
  size_t step = 1;
  size_t last = first;
  while (last < size() && (*this)[last] < id) {
    first = last + 1;
    last += step;
    step *= 2;
  }
  last = std::min(last, size());
  while (first < last) {
    const size_t middle = first + (last - first) / 2;
    if ((*this)[middle] < id)
      first = middle + 1;
    else
      last = middle;
  }
  return first;
}

void PostingsView::IntersectInto(Roaring& out) const {
  const uint64_t wanted = out.cardinality();
  if (wanted * std::bit_width(size()) >= size()) {
    Roaring list;
    UniteInto(list);
    out &= list;
    return;
  }
  Roaring kept;
  size_t place = 0;
  for (const SeriesId id : out) {
    place = LowerBound(place, id);
    if (place == size()) break;
    if ((*this)[place] == id) kept.add(id);
  }
  out = std::move(kept);
}

}  // namespace canopy::tsdb
