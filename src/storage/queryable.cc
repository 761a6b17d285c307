#include "canopy/storage/queryable.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace canopy::storage {
namespace {

// Several sets seen as one: entry i is series `index` of set `set`.
class UnionSeriesSet final : public SeriesSet {
 public:
  struct Entry {
    uint32_t set;
    uint32_t index;
  };

  UnionSeriesSet(std::vector<std::unique_ptr<SeriesSet>> sets, std::vector<Entry> entries)
      : sets_(std::move(sets)), entries_(std::move(entries)) {}

  size_t size() const override { return entries_.size(); }
  model::SeriesLabelsView labels(size_t i) const override {
    return sets_[entries_[i].set]->labels(entries_[i].index);
  }
  Result<Columns> Read(size_t i, Timestamp from, Timestamp until,
                       ColumnBuffer& buffer) const override {
    CANOPY_ASSIGN_OR_RETURN(Columns columns,
                            sets_[entries_[i].set]->Read(entries_[i].index, from, until, buffer));
    // Ids are promises within one set only.
    columns.times_id = 0;
    return columns;
  }

 private:
  const std::vector<std::unique_ptr<SeriesSet>> sets_;
  const std::vector<Entry> entries_;
};

}  // namespace

Result<std::unique_ptr<SeriesSet>> Querier::SelectAny(std::span<const model::Matchers> selectors,
                                                      const SelectHints& hints) {
  if (selectors.size() == 1) return Select(selectors[0], hints);
  std::vector<std::unique_ptr<SeriesSet>> sets;
  std::vector<UnionSeriesSet::Entry> entries;
  std::vector<model::Labels> entry_labels;  // for the order, when asked for
  std::unordered_set<model::Labels> seen;
  for (const model::Matchers& matchers : selectors) {
    CANOPY_ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> set, Select(matchers, hints));
    for (size_t i = 0; i < set->size(); ++i) {
      model::Labels labels = set->labels(i).ToLabels();
      if (hints.sorted) entry_labels.push_back(labels);
      if (!seen.insert(std::move(labels)).second) {
        if (hints.sorted) entry_labels.pop_back();
        continue;
      }
      entries.push_back({static_cast<uint32_t>(sets.size()), static_cast<uint32_t>(i)});
      if (hints.max_series != 0 && entries.size() > hints.max_series) {
        return Status::Limit("the selectors match more than " + std::to_string(hints.max_series) +
                             " series");
      }
    }
    sets.push_back(std::move(set));
  }
  if (hints.sorted) {
    std::vector<uint32_t> order(entries.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {},
                      [&](uint32_t i) -> const model::Labels& { return entry_labels[i]; });
    std::vector<UnionSeriesSet::Entry> sorted;
    sorted.reserve(entries.size());
    for (const uint32_t i : order) sorted.push_back(entries[i]);
    entries = std::move(sorted);
  }
  return std::make_unique<UnionSeriesSet>(std::move(sets), std::move(entries));
}

}  // namespace canopy::storage
