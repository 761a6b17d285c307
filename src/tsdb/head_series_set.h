#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "canopy/storage/queryable.h"
#include "head_deletions.h"
#include "out_of_order.h"
#include "series.h"
#include "start_times.h"
#include "symbol_table.h"

namespace canopy::tsdb {

class HeadChunkFiles;

// Copies of series' records.
class RecordSet final : public storage::SeriesSet {
 public:
  // The open chunks of histograms, as they were when the records were copied.
  using OpenChunks = absl::flat_hash_map<const SeriesLabels*, std::string>;
  // What the head keeps beside its series, of those of which there is anything.
  struct Beside {
    absl::flat_hash_map<const SeriesLabels*, HeadDeletions::Ranges> deleted;
    // In one or two lots, shown from `out_of_order_from` on. Came after the deletions.
    absl::flat_hash_map<const SeriesLabels*, std::vector<OutOfOrderSeries>> out_of_order;
    int64_t out_of_order_from = 0;
    absl::flat_hash_map<const SeriesLabels*, StartTimes::View> starts;
  };

  // `files` may be null while no chunk is in one.
  RecordSet(const model::SymbolSource& symbols, const HeadChunkFiles* files,
            std::vector<Series> records, OpenChunks open, Beside beside, int64_t mint, int64_t maxt)
      : symbols_(symbols),
        files_(files),
        records_(std::move(records)),
        open_(std::move(open)),
        beside_(std::move(beside)),
        mint_(mint),
        maxt_(maxt) {}

  size_t size() const override { return records_.size(); }
  model::SeriesLabelsView labels(size_t i) const override {
    return {symbols_, records_[i].labels->pairs()};
  }
  Result<storage::Columns> Read(size_t i, Timestamp from, Timestamp until,
                                storage::ColumnBuffer& buffer) const override;

 private:
  struct Reading {
    int64_t from;
    int64_t until;
    storage::ColumnBuffer& buffer;
    StartTimes::View starts = {};
    uint64_t times_id = 0;
    bool has_encoded = false;
  };

  static void AddFloats(const Timeline& times, uint32_t start, const chunk::ValuesView& values,
                        Reading& reading);
  Status AddClosed(const ClosedChunk& chunk, Reading& reading) const;
  Status AddOpen(const Series& series, Reading& reading) const;
  Result<storage::Columns> ReadInOrder(size_t i, Timestamp from, Timestamp until,
                                       storage::ColumnBuffer& buffer) const;

  const model::SymbolSource& symbols_;
  const HeadChunkFiles* const files_;
  const std::vector<Series> records_;
  const OpenChunks open_;
  const Beside beside_;
  const int64_t mint_;
  const int64_t maxt_;
};

// The newest sample of each series.
class NewestSet final : public storage::SeriesSet {
 public:
  struct Entry {
    const SeriesLabels* labels;
    int64_t time;
    double value;
    const model::FloatHistogram* histogram;  // or null
    int64_t start;
  };

  NewestSet(const SymbolTable& symbols, std::vector<Entry> entries)
      : symbols_(symbols), entries_(std::move(entries)) {}

  size_t size() const override { return entries_.size(); }
  model::SeriesLabelsView labels(size_t i) const override {
    return {symbols_, entries_[i].labels->pairs()};
  }
  Result<storage::Columns> Read(size_t i, Timestamp from, Timestamp until,
                                storage::ColumnBuffer&) const override {
    const Entry& entry = entries_[i];
    if (entry.time < from.ms() || entry.time > until.ms()) return storage::Columns{};
    storage::Columns columns{{&entry.time, 1}, {&entry.value, 1}};
    if (entry.histogram != nullptr) columns.histograms = {&entry.histogram, 1};
    if (entry.start != chunk::kNoStart) columns.start_times = {&entry.start, 1};
    return columns;
  }
  void Prefetch(std::span<const uint32_t> series) const override;

 private:
  const SymbolTable& symbols_;
  const std::vector<Entry> entries_;
};

}  // namespace canopy::tsdb
