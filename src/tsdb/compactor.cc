#include "compactor.h"

#include <algorithm>
#include <optional>

#include "block_writer.h"
#include "canopy/base/log.h"
#include "checkpoint.h"
#include "compact_blocks.h"
#include "compaction_plan.h"
#include "wal_record.h"

namespace canopy::tsdb {
namespace {

constexpr Duration kLongestBlock = std::chrono::days(31);
constexpr std::string_view kGauges[] = {"prometheus_tsdb_blocks_loaded",
                                        "prometheus_tsdb_storage_blocks_bytes"};

Duration LongestBlock(const Options& options) {
  if (options.max_block_range.count() > 0) return options.max_block_range;
  const Duration tenth =
      options.retention_time.count() > 0 ? options.retention_time / 10 : kLongestBlock;
  return std::clamp(tenth, options.block_range, std::max(kLongestBlock, options.block_range));
}

uint64_t BytesUnder(Fs& fs, const std::string& path) {
  if (!fs.IsDirectory(path)) {
    const auto size = fs.Size(path);
    return size.ok() ? *size : 0;
  }
  const auto names = fs.List(path);
  uint64_t sum = 0;
  if (names.ok())
    for (const std::string& name : *names) sum += BytesUnder(fs, JoinPath(path, name));
  return sum;
}

std::span<const BlockMeta> AsSpan(const std::optional<BlockMeta>& meta) {
  if (!meta) return {};
  return {&*meta, 1};
}

Timestamp StartOfBlock(Timestamp t, Duration range) {
  const int64_t rest = t.ms() % range.count();
  return t - Duration(rest < 0 ? rest + range.count() : rest);
}

}  // namespace

Compactor::Metrics::Metrics(SelfMetrics& metrics)
    : reloads(metrics.AddCounter("prometheus_tsdb_reloads_total",
                                 "Number of times the database reloaded block data from disk.")),
      reloads_failed(metrics.AddCounter(
          "prometheus_tsdb_reloads_failures_total",
          "Number of times the database failed to reloadBlocks block data from disk.")),
      compactions(metrics.AddCounter("prometheus_tsdb_compactions_total",
                                     "Total number of compactions that were executed.")),
      failed(metrics.AddCounter("prometheus_tsdb_compactions_failed_total",
                                "Total number of compactions that failed.")),
      truncations(metrics.AddCounter("prometheus_tsdb_head_truncations_total",
                                     "Total number of head truncations attempted.")),
      truncations_failed(metrics.AddCounter("prometheus_tsdb_head_truncations_failed_total",
                                            "Total number of head truncations that failed.")),
      time_retentions(metrics.AddCounter(
          "prometheus_tsdb_time_retentions_total",
          "The number of times that blocks were deleted because the maximum time limit was "
          "exceeded.")),
      size_retentions(metrics.AddCounter(
          "prometheus_tsdb_size_retentions_total",
          "The number of times that blocks were deleted because the maximum number of bytes was "
          "exceeded.")),
      tombstone_cleanup(
          metrics.AddHistogram("prometheus_tsdb_tombstone_cleanup_seconds",
                               "The time taken to recompact blocks to remove tombstones.",
                               {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10})) {}

Compactor::Compactor(Fs& fs, const Clock& clock, SelfMetrics& metrics, const Options& options,
                     Head& head, HeadChunkFiles& chunk_files, Blocks& blocks, WalWriter& wal)
    : fs_(fs),
      clock_(clock),
      registry_(metrics),
      options_(options),
      head_(head),
      chunk_files_(chunk_files),
      blocks_(blocks),
      wal_(wal),
      head_blocks_end_(blocks.end()),
      metrics_(metrics),
      mu_(LockRank::kDb) {
  metrics.AddGaugeFn(kGauges[0], "Number of currently loaded data blocks",
                     [this] { return static_cast<double>(blocks_.All().size()); });
  metrics.AddGaugeFn(kGauges[1],
                     "The number of bytes that are currently used for local storage by all blocks.",
                     [this] { return static_cast<double>(blocks_.bytes()); });
}

Compactor::~Compactor() {
  for (const std::string_view name : kGauges) registry_.Remove(name, {});
}

void Compactor::Count(const Status& status) {
  metrics_.compactions.Add();
  if (!status.ok() && status.code() != Code::kCanceled) metrics_.failed.Add();
}

Status Compactor::Note(const char* what, Status status) {
  if (!status.ok() && status.code() != Code::kCanceled)
    LOG_ERROR("Compaction failed", {"step", what}, {"err", status.message()});
  return status;
}

Status Compactor::Run() {
  const MutexLock lock(mu_);
  const Status reload = Note("reload", ReloadBlocks());
  const Status log = Note("log", wal_.SyncFinished());
  const Status chunks = Note("head chunks", head_.SpillChunks());
  const Status files = Note("head chunk files", RemoveChunkFiles());
  const Status head = Note("head", CutHead());
  const Status out_of_order = Note("out of order", MoveOutOfOrder());
  const Status joined = Note("blocks", JoinBlocks());
  const Status retention = Note("retention", ApplyRetention());
  for (const Status& status : {reload, log, chunks, files, head, out_of_order, joined, retention})
    if (!status.ok()) return status;
  return {};
}

Status Compactor::ReloadBlocks() {
  metrics_.reloads.Add();
  Status status = blocks_.Reload();
  if (!status.ok() || blocks_.failed() > 0) metrics_.reloads_failed.Add();
  return status;
}

// Of what an earlier run has dropped: queriers of that time may still look at it.
Status Compactor::RemoveChunkFiles() {
  const Timestamp dropped = head_.dropped_before();
  if (dropped == chunk_files_from_) return {};
  if (!head_.AwaitQueriers(Duration(0))) return {};  // next time, then
  CANOPY_RETURN_IF_ERROR(chunk_files_.RemoveBefore(dropped.ms()));
  chunk_files_from_ = dropped;
  return {};
}

bool Compactor::HeadIsDue() const {
  return head_.series_count() > 0 &&
         head_.max_time() - head_.min_time() > options_.block_range * 3 / 2;
}

Status Compactor::CutHead() {
  bool cut = false;
  Status status;
  while (status.ok() && HeadIsDue()) {
    const Timestamp start = StartOfBlock(head_.min_time(), options_.block_range);
    const Timestamp end = start + options_.block_range;
    status = WriteHeadBlock(start, end);
    Count(status);
    if (!status.ok()) break;
    cut = true;
    status = DropFromHead(end);
  }
  if (!cut) return status;
  head_was_cut_ = true;
  metrics_.truncations.Add();
  const Status truncated = TruncateLog(
      fs_, wal_,
      {.segment_bytes = options_.wal_segment_bytes,
       .compression = options_.wal_compression ? net::Encoding::kSnappy : net::Encoding::kIdentity},
      head_, head_.dropped_before(), std::min(blocks_.end(), head_blocks_end_));
  if (!truncated.ok()) metrics_.truncations_failed.Add();
  return status.ok() ? truncated : status;
}

Status Compactor::WriteHeadBlock(Timestamp start, Timestamp end) {
  // After an interruption between the block and the drop, the block is there already.
  if (end <= head_blocks_end_) return {};
  head_.RefuseBefore(end);
  const int64_t began = clock_.MonotonicNanos();
  const BlockMeta meta = NewBlockMeta(clock_.Now(), start, end);
  const auto source = head_.Source(start, end, stop_.get_token());
  CANOPY_ASSIGN_OR_RETURN(const BlockMeta written, WriteBlock(fs_, options_.dir, meta, *source));
  if (written.stats.num_samples == 0) return {};
  LOG_INFO("write block", {"mint", start.ms()}, {"maxt", end.ms()}, {"ulid", meta.ulid.ToString()},
           {"series", written.stats.num_series}, {"samples", written.stats.num_samples},
           {"seconds", static_cast<double>(clock_.MonotonicNanos() - began) / 1e9});
  CANOPY_RETURN_IF_ERROR(blocks_.Replace({&meta.ulid, 1}, {}));
  head_blocks_end_ = end;
  return {};
}

// Queriers that began before the block was there see the head alone.
Status Compactor::DropFromHead(Timestamp end) {
  if (!head_.AwaitQueriers(kAwaitQueriers))
    return Status::Unavailable("a query that still runs keeps the head from being truncated");
  head_.DropBefore(end, static_cast<int>(wal_.segment()));
  return {};
}

Status Compactor::JoinBlocks() {
  const std::vector<Duration> ranges = BlockRanges(options_.block_range, LongestBlock(options_));
  for (;;) {
    const std::vector<BlockPtr> blocks = blocks_.All();
    std::vector<BlockMeta> metas;
    for (const BlockPtr& block : blocks) metas.push_back(block->meta());
    std::vector<BlockPtr> chosen;
    for (const size_t place : PlanCompaction(metas, ranges)) chosen.push_back(blocks[place]);
    if (chosen.empty()) return {};
    const auto joined = CompactBlocks(fs_, options_.dir, chosen, clock_.Now(), head_.encodings(),
                                      stop_.get_token());
    Count(joined.status());
    if (!joined.ok()) return joined.status();
    LOG_INFO("compact blocks", {"count", chosen.size()},
             {"ulid", joined->has_value() ? (*joined)->ulid.ToString() : "none left"});
    CANOPY_RETURN_IF_ERROR(Exchange(AsSpan(*joined), chosen));
  }
}

Status Compactor::ApplyRetention() {
  const std::vector<BlockPtr> blocks = blocks_.All();
  std::vector<BlockSize> sizes;
  for (const BlockPtr& block : blocks) sizes.push_back({block->meta().max_time, block->size()});
  const auto by_time = BlocksBeyondRetention(sizes, options_.retention_time, 0, 0);
  const auto by_size = BlocksBeyondRetention(
      sizes, Duration(0), options_.retention_bytes,
      BytesUnder(fs_, wal_.dir()) + BytesUnder(fs_, JoinPath(options_.dir, kOutOfOrderLogDir)));
  if (!by_time.empty()) metrics_.time_retentions.Add();
  if (!by_size.empty()) metrics_.size_retentions.Add();
  // Of both, the longer list holds the shorter one: the oldest blocks.
  std::vector<BlockPtr> removed;
  for (const size_t place : by_time.size() > by_size.size() ? by_time : by_size)
    removed.push_back(blocks[place]);
  return Exchange({}, removed);
}

Status Compactor::Exchange(std::span<const BlockMeta> added, std::span<const BlockPtr> removed) {
  Timestamp end = Timestamp::Min();
  std::vector<Ulid> names;
  for (const BlockMeta& meta : added) {
    names.push_back(meta.ulid);
    if (meta.EndsHead()) end = std::max(end, meta.max_time);
  }
  for (const BlockPtr& block : blocks_.All())
    if (block->meta().EndsHead() && std::ranges::find(removed, block) == removed.end())
      end = std::max(end, block->meta().max_time);
  if (end < head_blocks_end_) CANOPY_RETURN_IF_ERROR(KeepOutOfHead());
  return blocks_.Replace(names, removed);
}

// A start takes from the log what is older than no block. When the newest block goes, the log has
// to say itself that its samples are not to come back.
Status Compactor::KeepOutOfHead() {
  const Timestamp before = std::max(head_blocks_end_, head_.dropped_before());
  if (before <= kept_out_of_head_) return {};
  const RefTombstone row{kEverySeries, Timestamp::Min(), before - Duration(1)};
  std::string record;
  EncodeTombstones({&row, 1}, record);
  const std::string_view records[] = {record};
  CANOPY_RETURN_IF_ERROR(wal_.Append(records));
  CANOPY_RETURN_IF_ERROR(wal_.Sync());
  kept_out_of_head_ = before;
  return {};
}

}  // namespace canopy::tsdb
