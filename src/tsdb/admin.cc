// What operators ask of the store: deletions, blocks without what was deleted, snapshots.

#include <algorithm>

#include "block_delete.h"
#include "block_writer.h"
#include "canopy/base/log.h"
#include "compact_blocks.h"
#include "compactor.h"
#include "snapshot.h"

namespace canopy::tsdb {

Status Compactor::Delete(std::span<const model::Matcher> matchers, Timestamp mint, Timestamp maxt) {
  if (mint > maxt) return {};
  const MutexLock lock(mu_);
  // In blocks they are deleted as others are; what comes out of order from now on is not.
  if (head_.HasOutOfOrder(mint, maxt)) CANOPY_RETURN_IF_ERROR(MoveOutOfOrderNow());
  for (const BlockPtr& block : blocks_.Overlapping(mint, maxt)) {
    CANOPY_ASSIGN_OR_RETURN(const bool changed, DeleteFromBlock(fs_, *block, matchers, mint, maxt));
    if (changed) CANOPY_RETURN_IF_ERROR(blocks_.Reopen(block));
  }
  CANOPY_ASSIGN_OR_RETURN(const uint64_t series, head_.Delete(matchers, mint, maxt));
  // A power cut may cost the newest samples, but must not bring back deleted ones.
  return series > 0 ? wal_.Sync() : Status();
}

Status Compactor::CleanTombstones() {
  const MutexLock lock(mu_);
  const int64_t began = clock_.MonotonicNanos();
  for (const BlockPtr& block : blocks_.All()) {
    if (block->tombstones().empty()) continue;
    const auto written =
        RewriteBlock(fs_, options_.dir, block, clock_.Now(), head_.encodings(), stop_.get_token());
    if (!written.ok()) return written.status().In("clean tombstones: " + block->dir());
    LOG_INFO("clean tombstones", {"block", block->meta().ulid.ToString()},
             {"ulid", written->has_value() ? (*written)->ulid.ToString() : "none left"});
    std::span<const BlockMeta> added;
    if (written->has_value()) added = {&**written, 1};
    CANOPY_RETURN_IF_ERROR(Exchange(added, {&block, 1}));
  }
  metrics_.tombstone_cleanup.Observe(static_cast<double>(clock_.MonotonicNanos() - began) / 1e9);
  return {};
}

Result<std::string> Compactor::Snapshot(bool with_head) {
  const MutexLock lock(mu_);
  if (with_head && head_.HasOutOfOrder(Timestamp::Min(), Timestamp::Max()))
    CANOPY_RETURN_IF_ERROR(MoveOutOfOrderNow());
  const std::string all = JoinPath(options_.dir, kSnapshotsDir);
  CANOPY_RETURN_IF_ERROR(fs_.MakeDirs(all));
  CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(all));
  for (const std::string& name : names)
    if (name.ends_with(kTmpForCreation)) CANOPY_RETURN_IF_ERROR(fs_.RemoveAll(JoinPath(all, name)));
  const std::string name = NewSnapshotName(clock_.Now());
  const std::string dir = JoinPath(all, name);
  const std::string aside = dir + std::string(kTmpForCreation);
  Status status = fs_.MakeDirs(aside);
  if (status.ok()) status = SnapshotInto(aside, with_head);
  if (status.ok()) status = fs_.Rename(aside, dir);
  if (!status.ok()) {
    // What cannot be removed now is removed by the next snapshot.
    (void)fs_.RemoveAll(aside);
    return status;
  }
  CANOPY_RETURN_IF_ERROR(fs_.SyncDir(all));
  CANOPY_RETURN_IF_ERROR(fs_.SyncDir(options_.dir));
  return name;
}

Status Compactor::SnapshotInto(const std::string& dir, bool with_head) {
  for (const BlockPtr& block : blocks_.All()) {
    LOG_INFO("Snapshotting block", {"block", block->meta().ulid.ToString()});
    CANOPY_RETURN_IF_ERROR(LinkBlock(fs_, *block, dir).In("snapshot of block " + block->dir()));
  }
  const Timestamp mint = head_.min_time();
  const Timestamp maxt = head_.max_time();
  if (with_head && mint <= maxt) {
    const Timestamp end = maxt + Duration(1);
    const auto source = head_.Source(mint, end, stop_.get_token());
    CANOPY_RETURN_IF_ERROR(WriteBlock(fs_, dir, NewBlockMeta(clock_.Now(), mint, end), *source)
                               .status()
                               .In("snapshot of the head"));
  }
  return fs_.SyncDir(dir);
}

}  // namespace canopy::tsdb
