#include "tsdb/chunk_merger.h"

#include <algorithm>
#include <tuple>

#include "canopy/storage/merge.h"

namespace canopy::tsdb {
namespace {

// Narrows the chunk's times to what the ranges may have left, and says in `cut` whether they touch
// it. False when they cover all of it.
bool CutDeleted(std::span<const TimeRange> deleted, SourceChunk& chunk, bool& cut) {
  for (const TimeRange& range : deleted) {
    if (range.maxt < chunk.mint || range.mint > chunk.maxt) continue;
    cut = true;
    const bool from_first = range.mint <= chunk.mint;
    const bool to_last = range.maxt >= chunk.maxt;
    if (from_first && to_last) return false;
    if (from_first) chunk.mint = range.maxt + 1;
    if (to_last) chunk.maxt = range.mint - 1;
  }
  return true;
}

bool SameChunk(const SourceChunk& a, const SourceChunk& b) {
  return a.mint == b.mint && a.maxt == b.maxt && a.encoding == b.encoding && a.data == b.data;
}

}  // namespace

void ChunkMerger::Clear() {
  parts_.clear();
  rank_ = 0;
  out_.clear();
  encoded_.clear();
}

Status ChunkMerger::Add(const Block& block, SeriesId id, std::span<const ChunkMeta> chunks) {
  const std::span<const TimeRange> deleted = block.tombstones().Get(id);
  for (const ChunkMeta& meta : chunks) {
    Part part{{meta.mint, meta.maxt, {}, {}}, &block, id, rank_, false};
    if (!CutDeleted(deleted, part.chunk, part.cut)) continue;
    const auto view = block.chunks().Read(meta.ref);
    if (!view.ok()) return view.status().In("series " + std::to_string(id)).In(block.dir());
    part.chunk.encoding = view->encoding;
    part.chunk.data = view->data;
    parts_.push_back(part);
  }
  ++rank_;
  return {};
}

Result<std::span<const SourceChunk>> ChunkMerger::Merge() {
  const auto key = [](const Part& p) {
    // Of equal chunks the one that wins comes first.
    return std::tuple(p.chunk.mint, p.chunk.maxt, ~p.rank);
  };
  std::ranges::sort(parts_, {}, key);
  // Blocks that were written twice, or have a chunk in common, are no reason to decode.
  const auto twice = std::ranges::unique(parts_, [](const Part& a, const Part& b) {
    return !a.cut && !b.cut && SameChunk(a.chunk, b.chunk);
  });
  parts_.erase(twice.begin(), twice.end());
  for (size_t begin = 0; begin < parts_.size();) {
    int64_t maxt = parts_[begin].chunk.maxt;
    size_t end = begin + 1;
    for (; end < parts_.size() && parts_[end].chunk.mint <= maxt; ++end)
      maxt = std::max(maxt, parts_[end].chunk.maxt);
    if (end - begin == 1 && !parts_[begin].cut)
      out_.push_back(parts_[begin].chunk);
    else
      CANOPY_RETURN_IF_ERROR(MergeParts(std::span(parts_).subspan(begin, end - begin)));
    begin = end;
  }
  return std::span<const SourceChunk>(out_);
}

// A block's chunks are strung together before they are merged with those of the others: chains of
// overlaps can be as long as the block.
Status ChunkMerger::MergeParts(std::span<Part> parts) {
  std::ranges::stable_sort(parts, {}, &Part::rank);
  merged_.times.clear();
  merged_.values.clear();
  for (size_t begin = 0; begin < parts.size();) {
    size_t end = begin + 1;
    while (end < parts.size() && parts[end].rank == parts[begin].rank) ++end;
    CANOPY_RETURN_IF_ERROR(DecodeBlock(parts.subspan(begin, end - begin)));
    storage::MergeColumns(merged_, {column_.times, column_.values}, scratch_);
    begin = end;
  }
  Encode();
  return {};
}

Status ChunkMerger::DecodeBlock(std::span<const Part> parts) {
  column_.times.clear();
  column_.values.clear();
  for (const Part& part : parts) {
    const size_t before = column_.times.size();
    Status status =
        DecodeFloatChunk(part.chunk.encoding, part.chunk.data, column_.times, column_.values);
    if (status.ok() && part.cut)
      EraseDeleted(part.block->tombstones().Get(part.id), before, column_.times, column_.values);
    const bool overlaps = before > 0 && column_.times.size() > before &&
                          column_.times[before] <= column_.times[before - 1];
    if (status.ok() && overlaps)
      status = Status::Corrupt("a chunk overlaps with the one before it");
    if (!status.ok()) return status.In("series " + std::to_string(part.id)).In(part.block->dir());
  }
  return {};
}

void ChunkMerger::Encode() {
  for (size_t begin = 0; begin < merged_.times.size(); begin += kMergedChunkSamples) {
    const size_t end = std::min(begin + kMergedChunkSamples, merged_.times.size());
    encoder_.Clear();
    for (size_t i = begin; i < end; ++i) encoder_.Append(merged_.times[i], merged_.values[i]);
    encoded_.push_back(encoder_.bytes());
    out_.push_back(
        {merged_.times[begin], merged_.times[end - 1], ChunkEncoding::kXor, encoded_.back()});
  }
}

}  // namespace canopy::tsdb
