#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tsdb/block.h"
#include "tsdb/block_writer.h"

namespace canopy::tsdb {

struct RawChunk {
  int64_t mint;
  int64_t maxt;
  ChunkEncoding encoding;
  std::string data;
  friend bool operator==(const RawChunk&, const RawChunk&) = default;
};

// One series {__name__="a"} with chunks as given.
class RawSource final : public BlockSource {
 public:
  explicit RawSource(std::vector<RawChunk> chunks) : chunks_(std::move(chunks)) {
    for (const RawChunk& c : chunks_) views_.push_back({c.mint, c.maxt, c.encoding, c.data});
  }

  Result<bool> NextSymbol(std::string_view& symbol) override {
    symbol = symbols_ == 0 ? "__name__" : "a";
    return symbols_++ < 2;
  }
  Result<bool> NextSeries(Series& series) override {
    series = {labels_, views_};
    return !std::exchange(done_, true);
  }

 private:
  const std::vector<RawChunk> chunks_;
  std::vector<SourceChunk> views_;
  const std::vector<model::SymbolPair> labels_ = {{0, 1}};
  int symbols_ = 0;
  bool done_ = false;
};

// The chunks of a block's i-th series.
inline std::vector<RawChunk> ChunksOf(const Block& block, size_t i) {
  std::vector<model::SymbolPair> labels;
  std::vector<ChunkMeta> metas;
  const auto all = block.index().AllPostings();
  BOOST_REQUIRE(block.index().ReadSeries((*all)[i], labels, &metas).ok());
  std::vector<RawChunk> out;
  for (const ChunkMeta& meta : metas) {
    const auto view = block.chunks().Read(meta.ref);
    BOOST_REQUIRE(view.ok());
    out.push_back({meta.mint, meta.maxt, view->encoding, std::string(view->data)});
  }
  return out;
}

}  // namespace canopy::tsdb
