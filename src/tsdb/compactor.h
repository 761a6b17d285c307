#pragma once

#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>

#include "blocks.h"
#include "canopy/base/clock.h"
#include "canopy/base/mutex.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/model/matcher.h"
#include "canopy/tsdb/db.h"
#include "head.h"
#include "head_chunk_files.h"
#include "wal.h"

namespace canopy::tsdb {

// Moves data on: from the head to blocks, from short blocks to long ones, and out, by itself or
// because an operator says so. One of these at a time; appends and queries go on meanwhile.
class Compactor {
 public:
  Compactor(Fs& fs, const Clock& clock, SelfMetrics& metrics, const Options& options, Head& head,
            HeadChunkFiles& chunk_files, Blocks& blocks, WalWriter& wal);
  ~Compactor();
  Compactor(const Compactor&) = delete;
  Compactor& operator=(const Compactor&) = delete;

  // All that is due. An error of one step does not keep the next ones back; the first is returned.
  Status Run();

  // --- admin.cc: what operators ask for ---

  // As Db.
  Status Delete(std::span<const model::Matcher> matchers, Timestamp mint, Timestamp maxt);
  Status CleanTombstones();
  Result<std::string> Snapshot(bool with_head);

  // A run ends soon with kCanceled: what it was writing is left out, and made by a later process.
  void RequestStop() { stop_.request_stop(); }

 private:
  struct Metrics {
    explicit Metrics(SelfMetrics& metrics);
    Counter& reloads;
    Counter& reloads_failed;
    Counter& compactions;
    Counter& failed;
    Counter& truncations;
    Counter& truncations_failed;
    Counter& time_retentions;
    Counter& size_retentions;
    HistogramMetric& tombstone_cleanup;
  };

  // Longer than queries may run. What a reader that still is there keeps from being dropped is
  // dropped in a later run.
  static constexpr Duration kAwaitQueriers = std::chrono::minutes(3);

  // Out-of-order samples on their way: first into blocks, then out of the head and its log.
  struct OutOfOrder {
    FrozenOutOfOrder frozen;
    std::set<int64_t> blocks;  // that are to be written yet, by their beginnings
  };

  bool HeadIsDue() const;
  Status ReloadBlocks();
  Status RemoveChunkFiles();
  Status CutHead();
  Status WriteHeadBlock(Timestamp start, Timestamp end);
  Status DropFromHead(Timestamp end);
  // compactor_out_of_order.cc
  Status MoveOutOfOrder();
  // Whether it is due or not.
  Status MoveOutOfOrderNow();
  Status WriteOutOfOrderBlock(Timestamp start);
  Status JoinBlocks();
  Status ApplyRetention();
  Status Exchange(std::span<const BlockMeta> added, std::span<const BlockPtr> removed);
  Status KeepOutOfHead();
  Status SnapshotInto(const std::string& dir, bool with_head);
  void Count(const Status& status);
  Status Note(const char* what, Status status);

  Fs& fs_;
  const Clock& clock_;
  SelfMetrics& registry_;
  const Options& options_;
  Head& head_;
  HeadChunkFiles& chunk_files_;
  Timestamp chunk_files_from_ = Timestamp::Min();  // older ones have been removed
  Blocks& blocks_;
  WalWriter& wal_;
  // The end of what has gone from the head into blocks. Blocks that others put into the directory
  // say nothing of the head, wherever they end.
  Timestamp head_blocks_end_;
  Timestamp kept_out_of_head_ = Timestamp::Min();  // what the log says of it
  bool head_was_cut_ = false;                      // since out-of-order samples were last taken on
  std::optional<OutOfOrder> out_of_order_;
  Metrics metrics_;
  std::stop_source stop_;
  Mutex mu_;
};

}  // namespace canopy::tsdb
