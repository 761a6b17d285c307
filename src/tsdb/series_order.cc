#include "series_order.h"

#include <algorithm>

namespace canopy::tsdb {

using model::Symbol;
using model::SymbolPair;

void SeriesOrder::RankSymbols() {
  constexpr uint32_t kUsed = 1;
  const auto use = [&](Symbol symbol) {
    if (symbol >= rank_.size()) rank_.resize(symbol + size_t{1});
    if (rank_[symbol] == kUsed) return;
    rank_[symbol] = kUsed;
    symbols_.push_back(symbol);
  };
  for (const Entry& entry : entries_) {
    for (const SymbolPair pair : entry.labels->pairs()) {
      use(pair.name);
      use(pair.value);
    }
  }
  std::ranges::sort(symbols_, {}, [&](Symbol symbol) { return texts_.Lookup(symbol); });
  for (uint32_t i = 0; i < symbols_.size(); ++i) rank_[symbols_[i]] = i;
}

bool SeriesOrder::Earlier(const SeriesLabels& a, const SeriesLabels& b) const {
  const model::SymbolPairs left = a.pairs();
  const model::SymbolPairs right = b.pairs();
  const size_t common = std::min(left.size(), right.size());
  for (size_t i = 0; i < common; ++i) {
    const SymbolPair l = left[i];
    const SymbolPair r = right[i];
    if (l.name != r.name) return rank_[l.name] < rank_[r.name];
    if (l.value != r.value) return rank_[l.value] < rank_[r.value];
  }
  return left.size() < right.size();
}

void SeriesOrder::Sort() {
  RankSymbols();
  std::ranges::sort(entries_,
                    [&](const Entry& a, const Entry& b) { return Earlier(*a.labels, *b.labels); });
}

bool SeriesOrder::NextSymbol(std::string_view& symbol) {
  if (next_symbol_ == symbols_.size()) return false;
  symbol = texts_.Lookup(symbols_[next_symbol_++]);
  return true;
}

void SeriesOrder::LabelsOf(const Entry& entry, std::vector<SymbolPair>& out) const {
  out.clear();
  for (const SymbolPair pair : entry.labels->pairs())
    out.push_back({rank_[pair.name], rank_[pair.value]});
}

}  // namespace canopy::tsdb
