#include "head_querier.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "match.h"

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

// Copies of the series' records.
class RecordSet final : public SeriesSet {
 public:
  RecordSet(const model::SymbolSource& symbols, std::vector<Series> records, int64_t mint,
            int64_t maxt)
      : symbols_(symbols), records_(std::move(records)), mint_(mint), maxt_(maxt) {}

  size_t size() const override { return records_.size(); }
  model::SeriesLabelsView labels(size_t i) const override {
    return {symbols_, records_[i].labels->pairs()};
  }
  Result<storage::Columns> Read(size_t i, Timestamp from, Timestamp until,
                                storage::ColumnBuffer& buffer) const override {
    buffer.times.clear();
    buffer.values.clear();
    Reading reading{std::max(from.ms(), mint_), std::min(until.ms(), maxt_), buffer};
    const Series& series = records_[i];
    if (series.closed != nullptr) {
      for (uint32_t c = 0; c < series.closed->size; ++c) {
        const ClosedChunk& chunk = *series.closed->chunks[c];
        AddChunk(*chunk.times, chunk.start, chunk.values(), reading);
      }
    }
    if (series.count > 0) AddChunk(*series.times, series.start, series.values(), reading);
    return storage::Columns{buffer.times, buffer.values, reading.times_id};
  }

 private:
  struct Reading {
    int64_t from;
    int64_t until;
    storage::ColumnBuffer& buffer;
    uint64_t times_id = 0;
  };

  // The part of the chunk that lies within the range.
  static void AddChunk(const Timeline& times, uint32_t start, const chunk::ValuesView& values,
                       Reading& reading) {
    const uint32_t end = start + values.count;
    if (times.at(end - 1) < reading.from || times.at(start) > reading.until) return;
    const uint32_t* const offsets = times.offsets();
    const int64_t base = times.base();
    const auto before = [&](uint32_t offset, int64_t t) { return base + offset < t; };
    const auto after = [&](int64_t t, uint32_t offset) { return t < base + offset; };
    const uint32_t* const first =
        std::lower_bound(offsets + start, offsets + end, reading.from, before);
    const uint32_t* const last = std::upper_bound(first, offsets + end, reading.until, after);
    if (first == last) return;
    storage::ColumnBuffer& buffer = reading.buffer;
    const size_t old = buffer.times.size();
    const auto count = static_cast<size_t>(last - first);
    buffer.times.resize(old + count);
    buffer.values.resize(old + count);
    for (size_t i = 0; i < count; ++i) buffer.times[old + i] = base + first[i];
    const auto place = static_cast<size_t>(first - (offsets + start));
    chunk::DecodeValues(values, place, place + count, buffer.values.data() + old);
    reading.times_id =
        Mix(reading.times_id, times.id(),
            static_cast<uint64_t>(first - offsets) << 32 | static_cast<uint64_t>(last - offsets));
  }
  // Of the pieces of timelines that were read, in 64 bits that no two different rows share but by
  // a chance of 2^-64. The steps are those of splitmix64.
  static uint64_t Mix(uint64_t id, uint64_t timeline, uint64_t piece) {
    for (const uint64_t part : {timeline, piece}) {
      id += part + 0x9e3779b97f4a7c15;
      id = (id ^ id >> 30) * 0xbf58476d1ce4e5b9;
      id = (id ^ id >> 27) * 0x94d049bb133111eb;
      id ^= id >> 31;
    }
    return id | 1;
  }

  const model::SymbolSource& symbols_;
  const std::vector<Series> records_;
  const int64_t mint_;
  const int64_t maxt_;
};

// The newest sample of each series.
class NewestSet final : public SeriesSet {
 public:
  struct Entry {
    const SeriesLabels* labels;
    int64_t time;
    double value;
  };

  NewestSet(const model::SymbolSource& symbols, std::vector<Entry> entries)
      : symbols_(symbols), entries_(std::move(entries)) {}

  size_t size() const override { return entries_.size(); }
  model::SeriesLabelsView labels(size_t i) const override {
    return {symbols_, entries_[i].labels->pairs()};
  }
  Result<storage::Columns> Read(size_t i, Timestamp from, Timestamp until,
                                storage::ColumnBuffer&) const override {
    const Entry& entry = entries_[i];
    if (entry.time < from.ms() || entry.time > until.ms()) return storage::Columns{};
    return storage::Columns{{&entry.time, 1}, {&entry.value, 1}};
  }

 private:
  const model::SymbolSource& symbols_;
  const std::vector<Entry> entries_;
};

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
      // What has been dropped is no longer shown, though the rest of its chunk is there.
      mint_(std::max<int64_t>(mint.ms(), head.dropped_before_)),
      maxt_(maxt.ms()),
      reader_(head.graveyard_) {}

Result<std::unique_ptr<SeriesSet>> HeadQuerier::Select(std::span<const model::Matcher> matchers,
                                                       const SelectHints& hints) {
  const ReaderLock lock(head_.mu_);
  return Copy(Match(head_.index_, head_.table_, matchers), hints);
}

Result<std::unique_ptr<SeriesSet>> HeadQuerier::SelectAny(
    std::span<const model::Matchers> selectors, const SelectHints& hints) {
  const ReaderLock lock(head_.mu_);
  Roaring found;
  for (const model::Matchers& matchers : selectors)
    found |= Match(head_.index_, head_.table_, matchers);
  return Copy(found, hints);
}

Result<std::unique_ptr<SeriesSet>> HeadQuerier::Copy(const Roaring& found,
                                                     const SelectHints& hints) {
  const auto in_range = [&](const Series& series) {
    return series.newest_time >= mint_ && series.oldest_time() <= maxt_;
  };
  const uint64_t limit = hints.max_series != 0 ? hints.max_series : found.cardinality();
  if (hints.newest_only || hints.labels_only) {
    std::vector<NewestSet::Entry> entries;
    entries.reserve(std::min(found.cardinality(), limit));
    bool newest_in_range = true;
    for (const Slot slot : found) {
      const Series& series = head_.table_.at(slot);
      if (series.count == 0 || !in_range(series)) continue;
      if (entries.size() == limit) return TooMany(limit);
      newest_in_range &= series.newest_time <= maxt_;
      entries.push_back({series.labels, series.newest_time, series.newest_value});
    }
    if (newest_in_range || hints.labels_only) {
      if (hints.sorted) SortByLabels(head_.symbols_, entries);
      return std::unique_ptr<SeriesSet>(
          std::make_unique<NewestSet>(head_.symbols_, std::move(entries)));
    }
  }
  std::vector<Series> records;
  records.reserve(std::min(found.cardinality(), limit));
  for (const Slot slot : found) {
    const Series& series = head_.table_.at(slot);
    if (series.count == 0 || !in_range(series)) continue;
    if (records.size() == limit) return TooMany(limit);
    records.push_back(series);
  }
  if (hints.sorted) SortByLabels(head_.symbols_, records);
  return std::unique_ptr<SeriesSet>(
      std::make_unique<RecordSet>(head_.symbols_, std::move(records), mint_, maxt_));
}

bool HeadQuerier::OutsideOfHead() const {
  return head_.max_time_ < mint_ || head_.min_time_ > maxt_;
}

Result<std::vector<std::string>> HeadQuerier::LabelNames(std::span<const model::Matcher> matchers,
                                                         uint64_t limit) {
  if (OutsideOfHead()) return std::vector<std::string>();
  const ReaderLock lock(head_.mu_);
  absl::flat_hash_set<Symbol> names;
  if (matchers.empty()) {
    for (const auto& [name, values] : head_.index_.names()) names.insert(name);
  } else {
    absl::flat_hash_set<const NameSet*> sets;
    for (const Slot slot : Match(head_.index_, head_.table_, matchers))
      sets.insert(head_.table_.at(slot).labels->names);
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
  const LabelIndex::Values* const all = symbol ? head_.index_.ValuesOf(*symbol) : nullptr;
  std::vector<std::string> texts;
  if (all == nullptr) return texts;
  if (matchers.empty()) {
    for (const auto& [value, list] : *all) texts.emplace_back(head_.symbols_.Lookup(value));
    return Sorted(std::move(texts), limit);
  }
  absl::flat_hash_set<Symbol> values;
  for (const Slot slot : Match(head_.index_, head_.table_, matchers))
    for (const model::SymbolPair pair : head_.table_.at(slot).labels->pairs())
      if (pair.name == *symbol) values.insert(pair.value);
  for (const Symbol value : values) texts.emplace_back(head_.symbols_.Lookup(value));
  return Sorted(std::move(texts), limit);
}

}  // namespace canopy::tsdb
