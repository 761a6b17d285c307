#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <utility>

#include "canopy/storage/merge.h"
#include "tsdb/block.h"
#include "tsdb/index_match.h"

namespace canopy::tsdb {
namespace {

using model::Symbol;
using storage::ColumnBuffer;
using storage::Columns;
using storage::SelectHints;
using storage::SeriesSet;

std::span<const ChunkMeta> Slice(const std::vector<ChunkMeta>& all, uint64_t begin, uint64_t end) {
  return std::span(all).subspan(begin, end - begin);
}

// Labels and places of chunks of the found series; samples are decoded as they are asked for.
class BlockSeriesSet final : public SeriesSet {
 public:
  BlockSeriesSet(std::shared_ptr<const Block> block, int64_t mint, int64_t maxt, bool newest_only)
      : block_(std::move(block)), mint_(mint), maxt_(maxt), newest_only_(newest_only) {}

  void Reserve(size_t series) { entries_.reserve(series); }

  // Takes the series unless it has nothing in the range.
  Status Add(SeriesId id) {
    const Entry entry{id, labels_.size(), chunks_.size()};
    CANOPY_RETURN_IF_ERROR(block_->index().ReadSeries(id, labels_, &chunks_, mint_, maxt_));
    DropDeletedChunks(entry);
    if (chunks_.size() == entry.first_chunk)
      labels_.resize(entry.first_label);
    else
      entries_.push_back(entry);
    return {};
  }

  size_t size() const override { return entries_.size(); }
  model::SeriesLabelsView labels(size_t i) const override {
    const size_t first = entries_[i].first_label;
    const size_t last = i + 1 < entries_.size() ? entries_[i + 1].first_label : labels_.size();
    return {block_->index().symbols(), std::span(labels_).subspan(first, last - first)};
  }
  Result<Columns> Read(size_t i, Timestamp from, Timestamp until,
                       ColumnBuffer& buffer) const override {
    buffer.Clear();
    if (newest_only_) return ReadNewest(i, from.ms(), until.ms(), buffer);
    const int64_t first = std::max(from.ms(), mint_);
    const int64_t last = std::min(until.ms(), maxt_);
    for (const ChunkMeta& chunk : ChunksOf(i))
      if (chunk.Overlaps(first, last)) CANOPY_RETURN_IF_ERROR(Decode(entries_[i], chunk, buffer));
    return storage::PartOf(buffer.View(), first, last);
  }

 private:
  struct Entry {
    SeriesId id;
    size_t first_label;
    size_t first_chunk;
  };

  std::span<const ChunkMeta> ChunksOf(size_t i) const {
    return Slice(chunks_, entries_[i].first_chunk,
                 i + 1 < entries_.size() ? entries_[i + 1].first_chunk : chunks_.size());
  }

  void DropDeletedChunks(const Entry& entry) {
    const std::span<const TimeRange> deleted = block_->tombstones().Get(entry.id);
    if (deleted.empty()) return;
    const auto gone = [&](const ChunkMeta& chunk) {
      return CoversAll(deleted, std::max(chunk.mint, mint_), std::min(chunk.maxt, maxt_));
    };
    const auto begin = chunks_.begin() + static_cast<std::ptrdiff_t>(entry.first_chunk);
    chunks_.erase(std::remove_if(begin, chunks_.end(), gone), chunks_.end());
  }

  Status Decode(const Entry& entry, const ChunkMeta& chunk, ColumnBuffer& buffer) const {
    const size_t before = buffer.times.size();
    CANOPY_ASSIGN_OR_RETURN(const ChunkView view, block_->chunks().Read(chunk.ref));
    Status status = DecodeChunk(view.encoding, view.data, buffer);
    const bool overlaps = before > 0 && buffer.times.size() > before &&
                          buffer.times[before] <= buffer.times[before - 1];
    if (status.ok() && overlaps) status = Status::Corrupt("overlaps with the chunk before it");
    if (!status.ok()) {
      return status
          .In("chunk " + std::to_string(chunk.ref) + " of series " + std::to_string(entry.id))
          .In(block_->dir());
    }
    const std::span<const TimeRange> deleted = block_->tombstones().Get(entry.id);
    if (!deleted.empty()) EraseDeleted(deleted, before, buffer);
    return {};
  }

  // The newest of the querier's range, if it lies within that of the call.
  Result<Columns> ReadNewest(size_t i, int64_t from, int64_t until, ColumnBuffer& buffer) const {
    const std::span<const ChunkMeta> chunks = ChunksOf(i);
    for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk) {
      buffer.Clear();
      CANOPY_RETURN_IF_ERROR(Decode(entries_[i], *chunk, buffer));
      const Columns found = storage::PartOf(buffer.View(), mint_, maxt_);
      if (found.times.empty()) continue;
      if (found.times.back() < from || found.times.back() > until) break;
      return storage::PartOf(found, found.times.back(), found.times.back());
    }
    return Columns{};
  }

  const std::shared_ptr<const Block> block_;
  const int64_t mint_;
  const int64_t maxt_;
  const bool newest_only_;
  std::vector<model::SymbolPair> labels_;
  std::vector<ChunkMeta> chunks_;
  std::vector<Entry> entries_;
};

class BlockQuerier final : public storage::Querier {
 public:
  BlockQuerier(std::shared_ptr<const Block> block, Timestamp mint, Timestamp maxt)
      : block_(std::move(block)), mint_(mint), maxt_(maxt) {}

  Result<std::unique_ptr<SeriesSet>> Select(std::span<const model::Matcher> matchers,
                                            const SelectHints& hints) override {
    if (!InRange()) return Collect({}, hints);
    CANOPY_ASSIGN_OR_RETURN(const Roaring found,
                            MatchIndex(block_->index(), matchers, hints.interrupt));
    return Collect(found, hints);
  }
  Result<std::unique_ptr<SeriesSet>> SelectAny(std::span<const model::Matchers> selectors,
                                               const SelectHints& hints) override {
    Roaring found;
    if (InRange()) {
      for (const model::Matchers& matchers : selectors) {
        CANOPY_ASSIGN_OR_RETURN(const Roaring part,
                                MatchIndex(block_->index(), matchers, hints.interrupt));
        found |= part;
      }
    }
    return Collect(found, hints);
  }
  Result<std::vector<std::string>> LabelNames(std::span<const model::Matcher> matchers,
                                              uint64_t limit) override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               std::span<const model::Matcher> matchers,
                                               uint64_t limit) override;

 private:
  bool InRange() const { return block_->meta().Overlaps(mint_, maxt_); }

  Result<std::unique_ptr<SeriesSet>> Collect(const Roaring& found, const SelectHints& hints) const {
    auto set = std::make_unique<BlockSeriesSet>(block_, mint_.ms(), maxt_.ms(), hints.newest_only);
    if (hints.max_series == 0) set->Reserve(found.cardinality());
    storage::Patience patience(hints.interrupt);
    for (const SeriesId id : found) {
      CANOPY_RETURN_IF_ERROR(patience.Step());
      CANOPY_RETURN_IF_ERROR(set->Add(id));
      if (hints.max_series != 0 && set->size() > hints.max_series) {
        return Status::Limit("the selector matches more than " + std::to_string(hints.max_series) +
                             " series");
      }
    }
    return std::unique_ptr<SeriesSet>(std::move(set));
  }
  // Calls fn(pair) for each label of the series.
  template <class Fn>
  Status ForEachLabel(const Roaring& series, Fn fn) const {
    std::vector<model::SymbolPair> labels;
    for (const SeriesId id : series) {
      labels.clear();
      CANOPY_RETURN_IF_ERROR(block_->index().ReadSeries(id, labels, nullptr));
      for (const model::SymbolPair pair : labels) fn(pair);
    }
    return {};
  }
  // Numbers sort as their texts.
  std::vector<std::string> Texts(const absl::flat_hash_set<Symbol>& symbols, uint64_t limit) const {
    std::vector<Symbol> sorted(symbols.begin(), symbols.end());
    std::ranges::sort(sorted);
    if (limit != 0 && sorted.size() > limit) sorted.resize(limit);
    std::vector<std::string> out;
    out.reserve(sorted.size());
    for (const Symbol symbol : sorted) out.emplace_back(block_->index().symbols().Lookup(symbol));
    return out;
  }

  const std::shared_ptr<const Block> block_;
  const Timestamp mint_;
  const Timestamp maxt_;
};

Result<std::vector<std::string>> BlockQuerier::LabelNames(std::span<const model::Matcher> matchers,
                                                          uint64_t limit) {
  std::vector<std::string> out;
  if (!InRange()) return out;
  if (matchers.empty()) {
    for (const std::string_view name : block_->index().LabelNames()) {
      if (limit != 0 && out.size() == limit) break;
      out.emplace_back(name);
    }
    return out;
  }
  CANOPY_ASSIGN_OR_RETURN(const Roaring found, MatchIndex(block_->index(), matchers));
  absl::flat_hash_set<Symbol> names;
  CANOPY_RETURN_IF_ERROR(
      ForEachLabel(found, [&](model::SymbolPair pair) { names.insert(pair.name); }));
  return Texts(names, limit);
}

Result<std::vector<std::string>> BlockQuerier::LabelValues(std::string_view name,
                                                           std::span<const model::Matcher> matchers,
                                                           uint64_t limit) {
  std::vector<std::string> out;
  const IndexReader& index = block_->index();
  if (!InRange() || index.ValueCount(name) == 0) return out;
  const auto full = [&] { return limit != 0 && out.size() == limit; };
  if (matchers.empty()) {
    index.ForEachValue(name, "", [&](std::string_view value, uint64_t) {
      out.emplace_back(value);
      return !full();
    });
    return out;
  }
  CANOPY_ASSIGN_OR_RETURN(const Roaring found, MatchIndex(index, matchers));
  if (found.cardinality() < index.ValueCount(name)) {
    const auto symbol = index.symbols().Find(name);
    absl::flat_hash_set<Symbol> values;
    CANOPY_RETURN_IF_ERROR(ForEachLabel(found, [&](model::SymbolPair pair) {
      if (pair.name == symbol) values.insert(pair.value);
    }));
    return Texts(values, limit);
  }
  Status status;
  index.ForEachValue(name, "", [&](std::string_view value, uint64_t at) {
    const auto list = index.ListAt(at);
    status = list.status();
    if (status.ok() && list->Intersects(found)) out.emplace_back(value);
    return status.ok() && !full();
  });
  if (!status.ok()) return status;
  return out;
}

}  // namespace

std::unique_ptr<storage::Querier> NewBlockQuerier(std::shared_ptr<const Block> block,
                                                  Timestamp mint, Timestamp maxt) {
  return std::make_unique<BlockQuerier>(std::move(block), mint, maxt);
}

}  // namespace canopy::tsdb
