#include "tsdb/compact_blocks.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "canopy/base/check.h"
#include "tsdb/block_writer.h"
#include "tsdb/merged_source.h"

namespace canopy::tsdb {
namespace {

using Blocks = std::span<const std::shared_ptr<const Block>>;

// A block counts as one of out-of-order samples only when all of it is; one stale or selected
// series is enough for the other hints.
std::vector<std::string> MergedHints(Blocks blocks) {
  const auto with = [](std::string_view hint) {
    return [hint](const auto& block) { return block->meta().HasHint(hint); };
  };
  std::vector<std::string> out;
  for (const std::string_view hint : {kFromOutOfOrder, kFromSelectedSeries, kFromStaleSeries}) {
    const bool of_all = hint == kFromOutOfOrder;
    if (of_all ? std::ranges::all_of(blocks, with(hint)) : std::ranges::any_of(blocks, with(hint)))
      out.emplace_back(hint);
  }
  return out;
}

BlockMeta MergedMeta(Blocks blocks, Timestamp now) {
  BlockMeta out;
  out.ulid = Ulid::New(now);
  out.min_time = Timestamp::Max();
  out.max_time = Timestamp::Min();
  out.compaction.level = 0;
  std::set<Ulid> sources;
  for (const auto& block : blocks) {
    const BlockMeta& meta = block->meta();
    out.min_time = std::min(out.min_time, meta.min_time);
    out.max_time = std::max(out.max_time, meta.max_time);
    out.compaction.level = std::max(out.compaction.level, meta.compaction.level);
    sources.insert(meta.compaction.sources.begin(), meta.compaction.sources.end());
    out.compaction.parents.push_back({meta.ulid, meta.min_time, meta.max_time});
  }
  ++out.compaction.level;
  out.compaction.sources.assign(sources.begin(), sources.end());
  out.compaction.hints = MergedHints(blocks);
  return out;
}

Result<BlockMeta> Write(Fs& fs, const std::string& dir, Blocks blocks, Timestamp now,
                        std::stop_token stop, const chunk::Encodings& encodings) {
  CANOPY_ASSIGN_OR_RETURN(const auto source, MergedSource::Open({blocks.begin(), blocks.end()},
                                                                encodings, std::move(stop)));
  return WriteBlock(fs, dir, MergedMeta(blocks, now), *source);
}

// Tries all of them, and returns the first error.
Status Mark(Fs& fs, Blocks blocks, bool BlockCompaction::*flag) {
  Status first;
  for (const auto& block : blocks) {
    // The file may say more by now than when the block was opened.
    auto meta = ReadBlockMeta(fs, block->dir());
    Status status = meta.status();
    if (status.ok()) {
      meta->compaction.*flag = true;
      status = WriteBlockMeta(fs, block->dir(), *meta);
    }
    if (first.ok()) first = status;
  }
  return first;
}

}  // namespace

Result<std::optional<BlockMeta>> CompactBlocks(Fs& fs, const std::string& dir, Blocks blocks,
                                               Timestamp now, const chunk::Encodings& encodings,
                                               std::stop_token stop) {
  CANOPY_CHECK(!blocks.empty());
  auto written = Write(fs, dir, blocks, now, std::move(stop), encodings);
  if (!written.ok()) {
    const Status& status = written.status();
    if (status.code() == Code::kIo || status.code() == Code::kCanceled) return status;
    const Status marked = Mark(fs, blocks, &BlockCompaction::failed);
    if (marked.ok()) return status;
    return Status(status.code(),
                  status.message() + "; and the blocks could not be marked: " + marked.message());
  }
  if (written->stats.num_samples > 0) return std::optional(std::move(*written));
  CANOPY_RETURN_IF_ERROR(Mark(fs, blocks, &BlockCompaction::deletable));
  return std::optional<BlockMeta>();
}

Result<std::optional<BlockMeta>> RewriteBlock(Fs& fs, const std::string& dir,
                                              const std::shared_ptr<const Block>& block,
                                              Timestamp now, const chunk::Encodings& encodings,
                                              std::stop_token stop) {
  BlockMeta meta = MergedMeta({&block, 1}, now);
  meta.compaction.level = 1;
  meta.compaction.sources = {meta.ulid};
  CANOPY_ASSIGN_OR_RETURN(const auto source,
                          MergedSource::Open({block}, encodings, std::move(stop)));
  CANOPY_ASSIGN_OR_RETURN(BlockMeta written, WriteBlock(fs, dir, meta, *source));
  if (written.stats.num_samples == 0) return std::optional<BlockMeta>();
  return std::optional(std::move(written));
}

}  // namespace canopy::tsdb
