// How samples that came out of order become blocks.

#include "block_writer.h"
#include "canopy/base/log.h"
#include "compactor.h"

namespace canopy::tsdb {

// When the head has been cut, as in Prometheus: the blocks of both are then joined at once. What an
// earlier run could not finish goes on where that one was.
Status Compactor::MoveOutOfOrder() {
  CANOPY_RETURN_IF_ERROR(head_.SyncOutOfOrderLog());
  if (!out_of_order_) {
    if (!head_was_cut_) return {};
    OutOfOrder next;
    CANOPY_ASSIGN_OR_RETURN(next.frozen, head_.FreezeOutOfOrder());
    for (const auto& [slot, samples] : *next.frozen.samples)
      samples.AddBlocks(options_.block_range.count(), next.blocks);
    out_of_order_ = std::move(next);
    head_was_cut_ = false;
  }
  std::set<int64_t>& blocks = out_of_order_->blocks;
  while (!blocks.empty()) {
    const Status status = WriteOutOfOrderBlock(Timestamp::FromMs(*blocks.begin()));
    Count(status);
    CANOPY_RETURN_IF_ERROR(status);
    blocks.erase(blocks.begin());
  }
  const FrozenOutOfOrder& frozen = out_of_order_->frozen;
  if (!frozen.samples->empty() && !head_.AwaitQueriers(kAwaitQueriers)) {
    return Status::Unavailable(
        "a query that still runs keeps out-of-order samples from being dropped");
  }
  head_.DropFrozen();
  const std::string log = JoinPath(options_.dir, kOutOfOrderLogDir);
  if (fs_.IsDirectory(log))
    CANOPY_RETURN_IF_ERROR(RemoveSegmentsBefore(fs_, log, frozen.next_segment));
  out_of_order_.reset();
  return {};
}

// A lot that an earlier run could not finish first.
Status Compactor::MoveOutOfOrderNow() {
  if (out_of_order_) CANOPY_RETURN_IF_ERROR(MoveOutOfOrder());
  head_was_cut_ = true;
  return MoveOutOfOrder();
}

Status Compactor::WriteOutOfOrderBlock(Timestamp start) {
  const int64_t began = clock_.MonotonicNanos();
  BlockMeta meta = NewBlockMeta(clock_.Now(), start, start + options_.block_range);
  meta.compaction.hints = {std::string(kFromOutOfOrder)};
  const auto source =
      head_.SourceOutOfOrder(out_of_order_->frozen.samples, start, stop_.get_token());
  CANOPY_ASSIGN_OR_RETURN(const BlockMeta written, WriteBlock(fs_, options_.dir, meta, *source));
  LOG_INFO("write out-of-order block", {"mint", start.ms()}, {"maxt", meta.max_time.ms()},
           {"ulid", meta.ulid.ToString()}, {"series", written.stats.num_series},
           {"samples", written.stats.num_samples},
           {"seconds", static_cast<double>(clock_.MonotonicNanos() - began) / 1e9});
  return blocks_.Replace({&meta.ulid, 1}, {});
}

}  // namespace canopy::tsdb
