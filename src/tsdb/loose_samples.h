#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/chunk/xor.h"
#include "canopy/model/labels.h"
#include "canopy/model/symbols.h"
#include "tsdb/block_writer.h"

namespace canopy::tsdb {

// Samples of many series, compressed in memory, for whoever has no head to put them into: pages
// that are to become blocks, a log that is looked at from outside. Those of a series may come in
// any order; ones that come in order of time cost two or three bytes, others sixteen. Not
// thread-safe while it grows; const methods are.
class LooseSamples {
 public:
  static constexpr uint16_t kChunkSamples = 120;

  LooseSamples();
  LooseSamples(const LooseSamples&) = delete;
  LooseSamples& operator=(const LooseSamples&) = delete;

  // The number of the series, counted from 0; a new one when there is none with these labels.
  // REQUIRES: sorted by name, names unique.
  uint32_t Series(std::span<const model::LabelView> labels);
  void Add(uint32_t series, int64_t t, double v);

  size_t size() const { return series_.size(); }
  uint64_t sample_count() const { return samples_; }
  // The newest sample's time; INT64_MIN when there is none.
  int64_t newest(uint32_t series) const { return series_[series].newest; }
  std::span<const model::SymbolPair> labels(uint32_t series) const;
  const model::SymbolSource& symbols() const { return symbols_; }

  // All samples of the series by time. Of several at one time the one that was added first is
  // shown; `conflict`, unless null, is then set to that time if another had a different value.
  void Read(uint32_t series, std::vector<int64_t>& times, std::vector<double>& values,
            std::optional<int64_t>* conflict = nullptr) const;
  // All series, by labels as blocks have them.
  std::vector<uint32_t> Sorted() const;
  // All symbols, by their texts.
  std::vector<model::Symbol> SortedSymbols() const;

 private:
  // Strings, each once.
  class Strings final : public model::SymbolSource {
   public:
    model::Symbol Intern(std::string_view text);
    uint32_t size() const { return static_cast<uint32_t>(texts_.size()); }
    std::string_view Lookup(model::Symbol symbol) const override { return texts_[symbol]; }
    std::optional<model::Symbol> Find(std::string_view text) const override;

   private:
    std::deque<std::string> texts_;  // which stay where they are
    absl::flat_hash_map<std::string_view, model::Symbol> numbers_;
  };
  struct Entry {
    uint64_t first_label = 0;
    uint32_t label_count = 0;
    int64_t newest = INT64_MIN;
    chunk::XorEncoder open;
    std::vector<std::string> full;
    std::vector<std::pair<int64_t, double>> late;
  };
  // Series by their labels; looked up by a candidate that stands behind the labels of all.
  struct ByLabels {
    const LooseSamples* all;
    size_t operator()(uint32_t series) const;
    bool operator()(uint32_t a, uint32_t b) const;
  };

  Strings symbols_;
  std::vector<model::SymbolPair> labels_;  // of all series, one after the other
  std::deque<Entry> series_;
  absl::flat_hash_set<uint32_t, ByLabels, ByLabels> by_labels_;
  uint64_t samples_ = 0;
};

// All of them as the content of a block. kInvalid from NextSeries() when a series has two values at
// one time.
class LooseBlockSource final : public BlockSource {
 public:
  // `samples` must outlive it, and must not grow meanwhile.
  explicit LooseBlockSource(const LooseSamples& samples);

  Result<bool> NextSymbol(std::string_view& symbol) override;
  Result<bool> NextSeries(BlockSource::Series& series) override;

 private:
  const LooseSamples& samples_;
  const std::vector<model::Symbol> symbols_;
  const std::vector<uint32_t> series_;
  std::vector<model::Symbol> rank_;  // of a symbol among the sorted ones
  size_t next_symbol_ = 0;
  size_t next_series_ = 0;

  // Of the series that was returned last.
  std::vector<int64_t> times_;
  std::vector<double> values_;
  std::vector<model::SymbolPair> labels_;
  std::vector<std::string> bytes_;
  std::vector<SourceChunk> chunks_;
  chunk::XorEncoder encoder_;
};

}  // namespace canopy::tsdb
