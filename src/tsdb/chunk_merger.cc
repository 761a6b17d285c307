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

constexpr const char* kOverlap = "a chunk overlaps with the one before it";

}  // namespace

void ChunkMerger::Clear() {
  parts_.clear();
  rank_ = 0;
  out_.clear();
  builder_.Clear();
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
  const auto twice = [](const Part& a, const Part& b) {
    return !a.cut && !b.cut && SameChunk(a.chunk, b.chunk);
  };
  parts_.erase(std::unique(parts_.begin(), parts_.end(), twice), parts_.end());
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
  const bool mixed = std::ranges::any_of(
      parts, [](const Part& part) { return HoldsHistograms(part.chunk.encoding); });
  merged_.Clear();
  mixed_.clear();
  for (size_t begin = 0; begin < parts.size();) {
    size_t end = begin + 1;
    while (end < parts.size() && parts[end].rank == parts[begin].rank) ++end;
    const std::span<const Part> of_block = parts.subspan(begin, end - begin);
    if (mixed) {
      CANOPY_RETURN_IF_ERROR(DecodeMixed(of_block));
      MergeMixed();
    } else {
      CANOPY_RETURN_IF_ERROR(DecodeFloats(of_block));
      storage::MergeColumns(merged_, column_.View(), scratch_);
    }
    begin = end;
  }
  const std::vector<int64_t>& starts = merged_.start_times;
  for (size_t i = 0; i < merged_.times.size(); ++i)
    builder_.Add(merged_.times[i], merged_.values[i], starts.empty() ? chunk::kNoStart : starts[i]);
  for (const StoredSample& sample : mixed_) builder_.Add(sample);
  builder_.Flush(out_);
  return {};
}

Status ChunkMerger::DecodeFloats(std::span<const Part> parts) {
  column_.Clear();
  for (const Part& part : parts) {
    const size_t before = column_.times.size();
    Status status = DecodeChunk(part.chunk.encoding, part.chunk.data, column_);
    if (status.ok() && part.cut)
      EraseDeleted(part.block->tombstones().Get(part.id), before, column_);
    const bool overlaps = before > 0 && column_.times.size() > before &&
                          column_.times[before] <= column_.times[before - 1];
    if (status.ok() && overlaps) status = Status::Corrupt(kOverlap);
    if (!status.ok()) return status.In("series " + std::to_string(part.id)).In(part.block->dir());
  }
  return {};
}

Status ChunkMerger::DecodeMixed(std::span<const Part> parts) {
  mixed_part_.clear();
  for (const Part& part : parts) {
    const size_t before = mixed_part_.size();
    Status status = DecodeStored(part.chunk.encoding, part.chunk.data, mixed_part_);
    if (status.ok() && part.cut) {
      const std::span<const TimeRange> deleted = part.block->tombstones().Get(part.id);
      const auto gone = [&](const StoredSample& sample) {
        return CoversAll(deleted, sample.time, sample.time);
      };
      const auto first = mixed_part_.begin() + static_cast<std::ptrdiff_t>(before);
      mixed_part_.erase(std::remove_if(first, mixed_part_.end(), gone), mixed_part_.end());
    }
    const bool overlaps = before > 0 && mixed_part_.size() > before &&
                          mixed_part_[before].time <= mixed_part_[before - 1].time;
    if (status.ok() && overlaps) status = Status::Corrupt(kOverlap);
    if (!status.ok()) return status.In("series " + std::to_string(part.id)).In(part.block->dir());
  }
  return {};
}

// Of two samples at the same time the one of the later block is kept.
void ChunkMerger::MergeMixed() {
  std::vector<StoredSample> out;
  out.reserve(mixed_.size() + mixed_part_.size());
  auto old = mixed_.begin();
  for (StoredSample& sample : mixed_part_) {
    for (; old != mixed_.end() && old->time < sample.time; ++old) out.push_back(std::move(*old));
    if (old != mixed_.end() && old->time == sample.time) ++old;
    out.push_back(std::move(sample));
  }
  std::move(old, mixed_.end(), std::back_inserter(out));
  mixed_ = std::move(out);
}

}  // namespace canopy::tsdb
