#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "canopy/model/symbols.h"
#include "label_index.h"

namespace canopy::tsdb {

// Series of the head as a block lists them: sorted by labels, their symbols numbered in the order
// of the texts. Holds 16 bytes for each series and 8 for each string. The labels must stay.
class SeriesOrder {
 public:
  struct Entry {
    const SeriesLabels* labels;
    Slot slot;
  };

  explicit SeriesOrder(const model::SymbolSource& symbols) : texts_(symbols) {}

  void Add(Slot slot, const SeriesLabels* labels) { entries_.push_back({labels, slot}); }
  // Once all have been added.
  void Sort();

  const std::vector<Entry>& entries() const { return entries_; }
  // False when there are no more.
  bool NextSymbol(std::string_view& symbol);
  // As numbers of this order; sets `out`.
  void LabelsOf(const Entry& entry, std::vector<model::SymbolPair>& out) const;

 private:
  void RankSymbols();
  bool Earlier(const SeriesLabels& a, const SeriesLabels& b) const;

  const model::SymbolSource& texts_;
  std::vector<Entry> entries_;
  std::vector<model::Symbol> symbols_;  // in the order of their texts
  std::vector<uint32_t> rank_;          // of a symbol among them
  size_t next_symbol_ = 0;
};

}  // namespace canopy::tsdb
