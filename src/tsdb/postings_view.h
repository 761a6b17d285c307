#pragma once

#include <cstddef>
#include <cstdint>
#include <roaring/roaring.hh>
#include <string_view>

#include "canopy/base/bytes.h"
#include "tsdb/index_format.h"

namespace canopy::tsdb {

// A list of series as it stands in an index: sorted numbers of four bytes, big endian. A view.
class PostingsView {
 public:
  PostingsView() = default;
  // REQUIRES: a multiple of four bytes.
  explicit PostingsView(std::string_view bytes) : bytes_(bytes) {}

  size_t size() const { return bytes_.size() / sizeof(SeriesId); }
  bool empty() const { return bytes_.empty(); }
  SeriesId operator[](size_t i) const {
    return base::LoadBe32(bytes_.data() + i * sizeof(SeriesId));
  }

  void UniteInto(Roaring& out) const;
  void SubtractFrom(Roaring& out) const;
  bool Intersects(const Roaring& others) const;
  // Looks up each of a few, or goes through the list once.
  void IntersectInto(Roaring& out) const;

 private:
  // The place of the first that is not below `id`, from place `first` on.
  size_t LowerBound(size_t first, SeriesId id) const;

  std::string_view bytes_;
};

}  // namespace canopy::tsdb
