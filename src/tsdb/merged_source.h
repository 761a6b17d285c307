#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/model/symbols.h"
#include "tsdb/block.h"
#include "tsdb/block_writer.h"
#include "tsdb/chunk_merger.h"
#include "tsdb/postings_view.h"

namespace canopy::tsdb {

// Several blocks as the source of one: series with equal labels become one, and what tombstones
// delete is left out. Of samples at the same time the one of the later block in the list wins, as
// in storage::MergeQueriers. In memory are one number for each symbol of each block, and the chunks
// of one series. Not thread-safe.
class MergedSource final : public BlockSource {
 public:
  // `encodings`: of what is encoded anew. kCanceled from NextSeries() once a stop is requested.
  static Result<std::unique_ptr<MergedSource>> Open(
      std::vector<std::shared_ptr<const Block>> blocks, const chunk::Encodings& encodings,
      std::stop_token stop);

  Result<bool> NextSymbol(std::string_view& symbol) override;
  Result<bool> NextSeries(Series& series) override;

 private:
  struct Input {
    Input(std::shared_ptr<const Block> from, PostingsView all)
        : block(std::move(from)), series(all), symbols(block->index().symbols()) {}

    // Reads the next series; false when there is none.
    Result<bool> NextSeries();

    std::shared_ptr<const Block> block;
    PostingsView series;
    IndexSymbols::Cursor symbols;
    // By symbol of the block, the one of the result.
    std::vector<model::Symbol> renumbered;
    // The current series, and the place in `series` of the next.
    size_t next = 0;
    uint64_t released = 0;  // its chunks up to there are out of memory
    SeriesId id = 0;
    std::vector<model::SymbolPair> labels;  // renumbered
    std::vector<ChunkMeta> chunks;
  };

  MergedSource(const chunk::Encodings& encodings, std::stop_token stop)
      : stop_(std::move(stop)), merger_(encodings) {}

  // Orders of heaps: whether input `a` comes after `b`.
  bool SymbolAfter(uint32_t a, uint32_t b) const;
  bool SeriesAfter(uint32_t a, uint32_t b) const;
  Status StartSeries();

  const std::stop_token stop_;
  std::vector<Input> inputs_;
  // Places of the inputs that are not at their end, the one with the lowest symbol, later with the
  // lowest series, at the front.
  std::vector<uint32_t> heap_;
  model::Symbol symbols_ = 0;
  bool in_series_ = false;
  std::vector<model::SymbolPair> labels_;
  ChunkMerger merger_;
};

}  // namespace canopy::tsdb
