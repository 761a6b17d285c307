#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>
#include <vector>

#include "block_writer.h"
#include "chunk_builder.h"
#include "head.h"
#include "series_order.h"

namespace canopy::tsdb {

// Out-of-order samples of the head as the content of a block.
class OutOfOrderSource final : public BlockSource {
 public:
  // Those of the block that begins at `start`. kCanceled from NextSeries() once `stop` is
  // requested. REQUIRES: the head keeps their series.
  OutOfOrderSource(Head& head, std::shared_ptr<const OutOfOrderSamples> samples, int64_t start,
                   std::stop_token stop);

  Result<bool> NextSymbol(std::string_view& symbol) override { return order_.NextSymbol(symbol); }
  Result<bool> NextSeries(BlockSource::Series& series) override;

 private:
  const std::shared_ptr<const OutOfOrderSamples> samples_;
  const int64_t start_;
  const int64_t block_range_;
  const std::stop_token stop_;
  SeriesOrder order_;
  size_t next_ = 0;  // entry

  // Of the series that was returned last.
  std::vector<model::SymbolPair> labels_;
  std::vector<StoredSample> stored_;
  ChunkBuilder builder_;
  std::vector<SourceChunk> chunks_;
};

}  // namespace canopy::tsdb
