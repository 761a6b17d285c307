#include "canopy/federation/selection.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "canopy/model/sample.h"

namespace canopy::federation {

Result<Selection> Selection::Resolve(storage::Queryable& store,
                                     std::span<const model::Matchers> selectors, Timestamp now,
                                     Duration lookback) {
  Selection selection;
  selection.from_ = now - lookback;
  selection.until_ = now;
  if (selectors.empty()) return selection;
  CANOPY_ASSIGN_OR_RETURN(selection.querier_, store.NewQuerier(selection.from_, selection.until_));
  CANOPY_ASSIGN_OR_RETURN(selection.set_,
                          selection.querier_->SelectAny(selectors, {.newest_only = true}));
  selection.GroupByName();
  return selection;
}

// Sorting the few names instead of the many series keeps this linear in series. A name is told by
// its symbol; sets that join several stores have several symbol sources.
void Selection::GroupByName() {
  using NameKey = std::pair<const model::SymbolSource*, model::Symbol>;
  absl::flat_hash_map<NameKey, uint32_t> family_of_symbol;
  absl::flat_hash_map<std::string, uint32_t> family_of_name;
  const model::SymbolSource* source = nullptr;
  std::optional<model::Symbol> name_label;
  std::optional<std::pair<model::Symbol, uint32_t>> last;  // a name of this source, its family
  for (uint32_t i = 0; i < set_->size(); ++i) {
    const model::SeriesLabelsView labels = set_->labels(i);
    if (&labels.symbols() != source) {
      source = &labels.symbols();
      name_label = source->Find(model::kMetricName);
      last.reset();
    }
    const model::SymbolPairs pairs = labels.pairs();
    const auto pair = std::find_if(pairs.begin(), pairs.end(), [&](const model::SymbolPair& p) {
      return name_label && p.name == *name_label;
    });
    if (pair == pairs.end()) {
      ++nameless_;
      continue;
    }
    const model::Symbol name_symbol = (*pair).value;
    // Series of one target come one after the other, those of one name among them as well.
    if (!last || last->first != name_symbol) {
      const auto [it, is_new] = family_of_symbol.try_emplace(NameKey(source, name_symbol), 0);
      if (is_new) {
        const std::string name(source->Lookup(name_symbol));
        const auto family = family_of_name.try_emplace(name, families_.size());
        if (family.second) families_.push_back({name, {}});
        it->second = family.first->second;
      }
      last.emplace(name_symbol, it->second);
    }
    families_[last->second].series.push_back(i);
  }
  std::ranges::sort(families_, {}, &Family::name);
}

Result<bool> Selection::Newest(uint32_t series, storage::ColumnBuffer& buffer,
                               NewestSample& newest) const {
  const Result<storage::Columns> columns = set_->Read(series, from_, until_, buffer);
  if (!columns.ok()) return columns.status();
  if (columns->times.empty() || model::IsStale(columns->values.back())) return false;
  newest.time = Timestamp::FromMs(columns->times.back());
  newest.value = columns->values.back();
  newest.histogram = columns->histograms.empty() ? nullptr : columns->histograms.back();
  return true;
}

}  // namespace canopy::federation
