#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "canopy/base/time.h"
#include "canopy/model/classic_histogram.h"
#include "canopy/model/exemplar.h"
#include "series_cache.h"

namespace canopy::ingest {

// The native histograms that a target's classic ones become. Lines of the page name them by place
// (Entry::Part), so that a page like the last one gives values to histograms without reading a
// label. Places stay from page to page.
struct ClassicGroups {
  // Of each histogram the hash of its labels, what becomes of it, and its ref: none while it is not
  // stored. 16 bytes each.
  Entries series;
  // Upper bounds of buckets, each of them once.
  std::vector<double> bounds;

  void Clear();
  // Gives up what no line of the page names any more, once that is most of it.
  void DropUnused(Entries& page);
  size_t bytes() const {
    return series.capacity() * sizeof(Entry) + bounds.capacity() * sizeof(double);
  }
};

// The classic histogram whose lines are being read.
struct ClassicRun {
  bool open = false;
  uint32_t group = 0;
  std::string_view series;        // its first line, up to the value
  std::string_view unit;          // of its family
  std::optional<Timestamp> time;  // its own, of the last line
  model::ClassicHistogram histogram;
  std::vector<model::Exemplar> exemplars;
};

}  // namespace canopy::ingest
