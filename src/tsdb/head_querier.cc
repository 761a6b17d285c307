#include "head_querier.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "head_series_set.h"
#include "match.h"
#include "open_histogram.h"

namespace canopy::tsdb {
namespace {

using model::Symbol;
using storage::SelectHints;
using storage::SeriesSet;

// Series that are sorted as texts are compared as numbers: each symbol's place among all symbols
// that occur.
class LabelOrder {
 public:
  explicit LabelOrder(const model::SymbolSource& symbols) : symbols_(symbols) {}

  void Note(const SeriesLabels& labels) {
    for (const model::SymbolPair pair : labels.pairs()) {
      rank_.try_emplace(pair.name, 0);
      rank_.try_emplace(pair.value, 0);
    }
  }
  void Rank() {
    std::vector<std::pair<std::string_view, Symbol>> texts;
    texts.reserve(rank_.size());
    for (const auto& [symbol, rank] : rank_) texts.emplace_back(symbols_.Lookup(symbol), symbol);
    std::ranges::sort(texts);
    for (uint32_t i = 0; i < texts.size(); ++i) rank_[texts[i].second] = i;
  }
  std::vector<uint32_t> Key(const SeriesLabels& labels) const {
    std::vector<uint32_t> key;
    key.reserve(2 * labels.size());
    for (const model::SymbolPair pair : labels.pairs()) {
      key.push_back(rank_.at(pair.name));
      key.push_back(rank_.at(pair.value));
    }
    return key;
  }

 private:
  const model::SymbolSource& symbols_;
  absl::flat_hash_map<Symbol, uint32_t> rank_;
};

// Entries have a member `labels`.
template <class Entry>
void SortByLabels(const model::SymbolSource& symbols, std::vector<Entry>& entries) {
  LabelOrder order(symbols);
  for (const Entry& entry : entries) order.Note(*entry.labels);
  order.Rank();
  std::vector<std::pair<std::vector<uint32_t>, uint32_t>> keys;
  keys.reserve(entries.size());
  for (uint32_t i = 0; i < entries.size(); ++i) keys.emplace_back(order.Key(*entries[i].labels), i);
  std::ranges::sort(keys);
  std::vector<Entry> sorted;
  sorted.reserve(entries.size());
  for (const auto& [key, i] : keys) sorted.push_back(entries[i]);
  entries = std::move(sorted);
}

Status TooMany(uint64_t limit) {
  return Status::Limit("the selector matches more than " + std::to_string(limit) + " series");
}

std::vector<std::string> Sorted(std::vector<std::string> texts, uint64_t limit) {
  std::ranges::sort(texts);
  if (limit != 0 && texts.size() > limit) texts.resize(limit);
  return texts;
}

}  // namespace

HeadQuerier::HeadQuerier(Head& head, Timestamp mint, Timestamp maxt)
    : head_(head),
      asked_mint_(mint.ms()),
      // What has been dropped is no longer shown, though the rest of its chunk is there.
      mint_(std::max<int64_t>(mint.ms(), head.dropped_before_)),
      maxt_(maxt.ms()),
      reader_(head.graveyard_) {}

Result<std::unique_ptr<SeriesSet>> HeadQuerier::Select(std::span<const model::Matcher> matchers,
                                                       const SelectHints& hints) {
  const ReaderLock lock(head_.mu_);
  CANOPY_ASSIGN_OR_RETURN(const Roaring found, Find(matchers, hints.interrupt));
  return Copy(found, hints);
}

Result<std::unique_ptr<SeriesSet>> HeadQuerier::SelectAny(
    std::span<const model::Matchers> selectors, const SelectHints& hints) {
  const ReaderLock lock(head_.mu_);
  Roaring found;
  for (const model::Matchers& matchers : selectors) {
    CANOPY_ASSIGN_OR_RETURN(const Roaring part, Find(matchers, hints.interrupt));
    found |= part;
  }
  return Copy(found, hints);
}

Result<Roaring> HeadQuerier::Find(std::span<const model::Matcher> matchers,
                                  const storage::Interrupt* interrupt) const {
  return Match(head_.index_, head_.table_, head_.known_matches_, matchers, interrupt);
}

Result<std::unique_ptr<SeriesSet>> HeadQuerier::Copy(const Roaring& found,
                                                     const SelectHints& hints) {
  storage::Patience patience(hints.interrupt);
  const uint64_t limit = hints.max_series != 0 ? hints.max_series : found.cardinality();
  if (hints.newest_only || hints.labels_only) {
    std::vector<NewestSet::Entry> entries;
    entries.reserve(std::min(found.cardinality(), limit));
    bool newest_in_range = true;
    for (const Slot slot : found) {
      CANOPY_RETURN_IF_ERROR(patience.Step());
      const Series& series = head_.table_.at(slot);
      const HeadDeletions::Ranges deleted = head_.deletions_.Find(slot);
      if (!InRange(slot, series, deleted)) continue;
      if (entries.size() == limit) return TooMany(limit);
      newest_in_range &= NewestInRange(slot, series, deleted);
      const bool histogram = series.has_histogram;
      entries.push_back({series.labels, series.newest_time, series.newest_value,
                         histogram ? series.histogram->newest() : nullptr,
                         histogram ? series.histogram->start() : head_.start_times_.Newest(slot)});
    }
    if (newest_in_range || hints.labels_only) {
      if (hints.sorted) SortByLabels(head_.symbols_, entries);
      return std::unique_ptr<SeriesSet>(
          std::make_unique<NewestSet>(head_.symbols_, std::move(entries)));
    }
  }
  std::vector<Series> records;
  RecordSet::OpenChunks open;
  RecordSet::Beside beside;
  beside.out_of_order_from = asked_mint_;
  records.reserve(std::min(found.cardinality(), limit));
  for (const Slot slot : found) {
    CANOPY_RETURN_IF_ERROR(patience.Step());
    const Series& series = head_.table_.at(slot);
    HeadDeletions::Ranges deleted = head_.deletions_.Find(slot);
    if (!InRange(slot, series, deleted)) continue;
    if (records.size() == limit) return TooMany(limit);
    records.push_back(series);
    if (const auto starts = head_.start_times_.Of(slot); !starts.empty())
      beside.starts.emplace(series.labels, starts);
    if (deleted != nullptr) beside.deleted.emplace(series.labels, std::move(deleted));
    if (series.has_out_of_order) {
      for (const OutOfOrderSeries* const samples : head_.OutOfOrderOf(slot))
        if (samples != nullptr) beside.out_of_order[series.labels].push_back(*samples);
    }
    if (series.has_histogram) {
      std::string& copy = open[series.labels];
      copy.push_back(static_cast<char>(series.histogram->encoding()));
      copy.append(series.histogram->bytes());
    }
  }
  if (hints.sorted) SortByLabels(head_.symbols_, records);
  return std::unique_ptr<SeriesSet>(std::make_unique<RecordSet>(head_.symbols_, head_.chunk_files_,
                                                                std::move(records), std::move(open),
                                                                std::move(beside), mint_, maxt_));
}

bool HeadQuerier::InRange(Slot slot, const Series& series,
                          const HeadDeletions::Ranges& deleted) const {
  if (series.count > 0 && series.newest_time >= mint_) {
    const int64_t oldest = series.oldest_time();
    if (oldest <= maxt_ && !(deleted != nullptr && CoversAll(*deleted, std::max(oldest, mint_),
                                                             std::min(series.newest_time, maxt_))))
      return true;
  }
  if (!series.has_out_of_order) return false;
  return std::ranges::any_of(head_.OutOfOrderOf(slot), [&](const OutOfOrderSeries* samples) {
    return samples != nullptr && samples->max_time() >= asked_mint_ && samples->min_time() <= maxt_;
  });
}

bool HeadQuerier::NewestInRange(Slot slot, const Series& series,
                                const HeadDeletions::Ranges& deleted) const {
  const int64_t newest = series.newest_time;
  if (newest > maxt_ || (deleted != nullptr && CoversAll(*deleted, newest, newest))) return false;
  if (!series.has_out_of_order) return true;
  return series.count > 0 && newest >= mint_ &&
         std::ranges::all_of(head_.OutOfOrderOf(slot), [&](const OutOfOrderSeries* samples) {
           return samples == nullptr || samples->max_time() <= newest;
         });
}

bool HeadQuerier::OutsideOfHead() const {
  return (head_.max_time_ < mint_ || head_.min_time_ > maxt_) &&
         (head_.out_of_order_max_ < asked_mint_ || head_.out_of_order_min_ > maxt_);
}

Result<std::vector<std::string>> HeadQuerier::LabelNames(std::span<const model::Matcher> matchers,
                                                         uint64_t limit) {
  if (OutsideOfHead()) return std::vector<std::string>();
  const ReaderLock lock(head_.mu_);
  absl::flat_hash_set<Symbol> names;
  if (matchers.empty()) {
    for (const auto& [name, label] : head_.index_.labels()) names.insert(name);
  } else {
    absl::flat_hash_set<const NameSet*> sets;
    CANOPY_ASSIGN_OR_RETURN(const Roaring found, Find(matchers));
    for (const Slot slot : found) sets.insert(head_.table_.at(slot).labels->names);
    for (const NameSet* set : sets) names.insert(set->names.begin(), set->names.end());
  }
  std::vector<std::string> texts;
  for (const Symbol name : names) texts.emplace_back(head_.symbols_.Lookup(name));
  return Sorted(std::move(texts), limit);
}

Result<std::vector<std::string>> HeadQuerier::LabelValues(std::string_view name,
                                                          std::span<const model::Matcher> matchers,
                                                          uint64_t limit) {
  if (OutsideOfHead()) return std::vector<std::string>();
  const ReaderLock lock(head_.mu_);
  const auto symbol = head_.symbols_.Find(name);
  const LabelIndex::Label* const label = symbol ? head_.index_.FindLabel(*symbol) : nullptr;
  std::vector<std::string> texts;
  if (label == nullptr) return texts;
  if (matchers.empty()) {
    for (const auto& [value, list] : label->values)
      texts.emplace_back(head_.symbols_.Lookup(value));
    return Sorted(std::move(texts), limit);
  }
  absl::flat_hash_set<Symbol> values;
  CANOPY_ASSIGN_OR_RETURN(const Roaring found, Find(matchers));
  for (const Slot slot : found)
    for (const model::SymbolPair pair : head_.table_.at(slot).labels->pairs())
      if (pair.name == *symbol) values.insert(pair.value);
  for (const Symbol value : values) texts.emplace_back(head_.symbols_.Lookup(value));
  return Sorted(std::move(texts), limit);
}

}  // namespace canopy::tsdb
