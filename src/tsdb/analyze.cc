#include "canopy/tsdb/analyze.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <utility>

#include "tsdb/block.h"
#include "tsdb/index_match.h"

namespace canopy::tsdb {
namespace {

using model::Symbol;
using model::SymbolPair;

struct Use {
  uint64_t series = 0;
  uint64_t uncovered_ms = 0;
};

// Keeps the largest, in order.
void KeepTop(std::vector<NamedCount>& counts, size_t limit) {
  std::ranges::sort(counts, [](const NamedCount& a, const NamedCount& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  });
  if (counts.size() > limit) counts.resize(limit);
}

class Analyzer {
 public:
  Analyzer(const Block& block, const AnalyzeOptions& options, BlockAnalysis& out)
      : block_(block),
        options_(options),
        out_(out),
        range_ms_(static_cast<uint64_t>((block.meta().max_time - block.meta().min_time).count())) {}

  Status Run() {
    CANOPY_ASSIGN_OR_RETURN(const Roaring found, MatchIndex(block_.index(), options_.matchers));
    out_.series = found.cardinality();
    uint64_t done = 0;
    for (const SeriesId id : found) {
      if (options_.progress && done % 1024 == 0) options_.progress(done, out_.series);
      CANOPY_RETURN_IF_ERROR(TakeSeries(id));
      ++done;
    }
    ListPairs();
    ListNames();
    return {};
  }

 private:
  static uint64_t Key(SymbolPair pair) { return uint64_t{pair.name} << 32 | pair.value; }
  std::string Text(uint64_t symbol) const {
    return std::string(block_.index().symbols().Lookup(static_cast<Symbol>(symbol)));
  }

  Status TakeSeries(SeriesId id) {
    labels_.clear();
    chunks_.clear();
    CANOPY_RETURN_IF_ERROR(block_.index().ReadSeries(id, labels_, &chunks_));
    uint64_t uncovered = range_ms_;
    if (!chunks_.empty())
      uncovered -=
          static_cast<uint64_t>(chunks_.back().maxt) - static_cast<uint64_t>(chunks_.front().mint);
    for (const SymbolPair pair : labels_) {
      Use& use = pairs_[Key(pair)];
      ++use.series;
      use.uncovered_ms += uncovered;
      ++out_.entries;
    }
    if (!options_.chunks) return {};
    for (const ChunkMeta& chunk : chunks_) CANOPY_RETURN_IF_ERROR(TakeChunk(chunk));
    return {};
  }

  Status TakeChunk(const ChunkMeta& chunk) {
    CANOPY_ASSIGN_OR_RETURN(const ChunkView view, block_.chunks().Read(chunk.ref));
    const bool histograms = HoldsHistograms(view.encoding);
    (histograms ? out_.histogram_chunk_samples : out_.float_chunk_samples)
        .push_back(static_cast<uint32_t>(ChunkSampleCount(view.encoding, view.data)));
    (histograms ? out_.histogram_chunk_bytes : out_.float_chunk_bytes)
        .push_back(static_cast<uint32_t>(view.data.size()));
    if (!histograms) return {};
    samples_.Clear();
    CANOPY_RETURN_IF_ERROR(DecodeChunk(view.encoding, view.data, samples_).In(block_.dir()));
    size_t buckets = 0;
    for (const model::FloatHistogram* histogram : samples_.histograms)
      if (histogram != nullptr)
        buckets += histogram->positive.buckets.size() + histogram->negative.buckets.size();
    out_.histogram_chunk_buckets.push_back(static_cast<uint32_t>(buckets));
    return {};
  }

  uint64_t Ranges(uint64_t ms) const {
    if (range_ms_ == 0) return 0;
    return static_cast<uint64_t>(static_cast<double>(ms) / static_cast<double>(range_ms_));
  }

  void ListPairs() {
    out_.pairs = pairs_.size();
    const auto name = model::kMetricName;
    const auto metric = block_.index().symbols().Find(name);
    for (const auto& [key, use] : pairs_) {
      const std::string value = Text(key & 0xffffffff);
      const std::string pair = Text(key >> 32) + "=" + value;
      out_.pairs_by_churn.push_back({pair, Ranges(use.uncovered_ms)});
      out_.pairs_by_series.push_back({pair, use.series});
      if (metric == static_cast<Symbol>(key >> 32))
        out_.metrics_by_series.push_back({value, use.series});
    }
    for (auto* list : {&out_.pairs_by_churn, &out_.pairs_by_series, &out_.metrics_by_series})
      KeepTop(*list, options_.limit);
  }

  void ListNames() {
    struct Name {
      uint64_t uncovered_ms = 0;
      uint64_t values = 0;
      uint64_t bytes = 0;
    };
    absl::flat_hash_map<Symbol, Name> names;
    for (const auto& [key, use] : pairs_) {
      Name& name = names[static_cast<Symbol>(key >> 32)];
      name.uncovered_ms += use.uncovered_ms;
      ++name.values;
      name.bytes += block_.index().symbols().Lookup(static_cast<Symbol>(key)).size();
    }
    out_.label_names = names.size();
    for (const auto& [symbol, name] : names) {
      const std::string text = Text(symbol);
      out_.names_by_churn.push_back({text, Ranges(name.uncovered_ms)});
      out_.names_by_value_bytes.push_back({text, name.bytes});
      out_.names_by_values.push_back({text, name.values});
    }
    for (auto* list : {&out_.names_by_churn, &out_.names_by_value_bytes, &out_.names_by_values})
      KeepTop(*list, options_.limit);
  }

  const Block& block_;
  const AnalyzeOptions& options_;
  BlockAnalysis& out_;
  const uint64_t range_ms_;
  absl::flat_hash_map<uint64_t, Use> pairs_;  // by Key()
  std::vector<SymbolPair> labels_;
  std::vector<ChunkMeta> chunks_;
  storage::ColumnBuffer samples_;
};

// Names are ULIDs: the last in their order.
Result<std::string> NewestBlock(Fs& fs, const std::string& dir) {
  CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  for (auto name = names.rbegin(); name != names.rend(); ++name)
    if (Ulid::Parse(*name)) return *name;
  return Status::NotFound("there is no block in " + dir);
}

}  // namespace

Result<BlockAnalysis> AnalyzeBlock(Fs& fs, const std::string& dir, const AnalyzeOptions& options) {
  BlockAnalysis out;
  std::string name = options.block;
  if (name.empty()) {
    CANOPY_ASSIGN_OR_RETURN(name, NewestBlock(fs, dir));
  }
  CANOPY_ASSIGN_OR_RETURN(out.block, ReadBlockInfo(fs, dir, name));
  CANOPY_ASSIGN_OR_RETURN(const auto block, Block::Open(fs, JoinPath(dir, name)));
  CANOPY_RETURN_IF_ERROR(Analyzer(*block, options, out).Run());
  return out;
}

}  // namespace canopy::tsdb
