#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "block_writer.h"
#include "canopy/chunk/float_encoder.h"
#include "chunk_builder.h"
#include "graveyard.h"
#include "head.h"
#include "head_deletions.h"
#include "series_order.h"
#include "start_times.h"

namespace canopy::tsdb {

// A part of the head as the content of a block. Locks are held for one series at a time.
class HeadBlockSource final : public BlockSource {
 public:
  HeadBlockSource(Head& head, Timestamp start, Timestamp end, std::stop_token stop);
  ~HeadBlockSource() override;

  Result<bool> NextSymbol(std::string_view& symbol) override { return order_.NextSymbol(symbol); }
  Result<bool> NextSeries(BlockSource::Series& series) override;

 private:
  void FindSeries();
  Status AddClosed(const ClosedChunk& chunk);
  void AddValues(const Timeline& times, uint32_t start, const chunk::ValuesView& values);
  // A chunk in the form that it has on disk.
  Status AddEncoded(int64_t mint, int64_t maxt, ChunkEncoding encoding, std::string_view data);
  Status AddPartOf(ChunkEncoding encoding, std::string_view data);
  // How much of the times is wanted: all, something, or nothing. Chunks of the head do not cross
  // blocks, so that a block wants all of one that is its own, unless something was deleted.
  enum class Share : uint8_t { kAll, kPart, kNone };
  Share ShareOf(int64_t mint, int64_t maxt) const;
  bool IsWanted(int64_t t) const;
  // Where the bytes of the next chunk go.
  std::string& NextBytes();

  Head& head_;
  const int64_t start_;
  const int64_t end_;  // excluded
  const std::stop_token stop_;
  const Graveyard::Reader reader_;

  SeriesOrder order_;
  size_t next_entry_ = 0;
  uint32_t read_from_files_ = 0;  // chunks

  // Of the series that was returned last.
  std::vector<model::SymbolPair> labels_;
  HeadDeletions::Ranges deleted_;
  StartTimes::View starts_;
  std::vector<SourceChunk> chunks_;
  std::vector<std::string> bytes_;
  chunk::FloatEncoder encoder_;
  ChunkBuilder builder_;
  std::vector<StoredSample> samples_;
};

}  // namespace canopy::tsdb
