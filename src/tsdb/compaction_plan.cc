#include "compaction_plan.h"

#include <algorithm>
#include <numeric>

namespace canopy::tsdb {
namespace {

// Of so many deletions per series a long block is rid.
constexpr double kManyTombstones = 0.05;

// A run of blocks, as places.
struct Run {
  size_t first = 0;
  size_t last = 0;  // one behind

  size_t size() const { return last - first; }
  std::vector<size_t> places() const {
    std::vector<size_t> out(size());
    std::iota(out.begin(), out.end(), first);
    return out;
  }
};

int64_t FloorTo(int64_t t, int64_t step) {
  const int64_t rest = t % step;
  return t - (rest < 0 ? rest + step : rest);
}

// The first blocks that overlap, one with the next.
Run FindOverlap(std::span<const BlockMeta> blocks) {
  Run run;
  Timestamp end = blocks.empty() ? Timestamp() : blocks[0].max_time;
  for (size_t i = 1; i < blocks.size(); ++i) {
    if (blocks[i].min_time < end) {
      if (run.size() == 0) run.first = i - 1;
      run.last = i + 1;
    } else if (run.size() > 0) {
      break;
    }
    end = std::max(end, blocks[i].max_time);
  }
  return run;
}

// Blocks that lie within the same aligned range of that length. Longer ones, and those that cross
// its borders, belong to none.
std::vector<Run> SplitByRange(std::span<const BlockMeta> blocks, Duration range) {
  std::vector<Run> runs;
  for (size_t i = 0; i < blocks.size();) {
    const Timestamp end =
        Timestamp::FromMs(FloorTo(blocks[i].min_time.ms(), range.count())) + range;
    Run run{i, i};
    while (run.last < blocks.size() && blocks[run.last].max_time <= end) ++run.last;
    if (run.size() > 0) runs.push_back(run);
    i = std::max(run.last, i + 1);
  }
  return runs;
}

Run FindGrowth(std::span<const BlockMeta> blocks, std::span<const Duration> ranges) {
  for (const Duration range : ranges.subspan(std::min<size_t>(1, ranges.size()))) {
    for (const Run run : SplitByRange(blocks, range)) {
      const auto members = blocks.subspan(run.first, run.size());
      if (run.size() < 2 ||
          std::ranges::any_of(members, [](const BlockMeta& b) { return b.compaction.failed; }))
        continue;
      const bool full = members.back().max_time - members.front().min_time == range;
      if (full || members.back().max_time <= blocks.back().min_time) return run;
    }
  }
  return {};
}

Run FindDeletions(std::span<const BlockMeta> blocks, std::span<const Duration> ranges) {
  for (size_t i = blocks.size(); i-- > 0;) {
    const BlockMeta& block = blocks[i];
    const uint64_t tombstones = block.stats.num_tombstones;
    if (block.max_time - block.min_time < ranges[ranges.size() / 2]) {
      // Short ones grow soon enough; unless nothing is left of it.
      if (tombstones > 0 && tombstones >= block.stats.num_series) return {i, i + 1};
      break;
    }
    if (static_cast<double>(tombstones) / static_cast<double>(block.stats.num_series + 1) >
        kManyTombstones)
      return {i, i + 1};
  }
  return {};
}

std::vector<size_t> PlanReady(std::span<const BlockMeta> blocks, std::span<const Duration> ranges) {
  if (const Run run = FindOverlap(blocks); run.size() > 0) return run.places();
  if (blocks.size() < 2) return {};
  const auto settled = blocks.first(blocks.size() - 1);
  if (const Run run = FindGrowth(settled, ranges); run.size() > 0) return run.places();
  return FindDeletions(settled, ranges).places();
}

std::vector<size_t> FindReady(std::span<const BlockMeta> blocks) {
  Timestamp end = Timestamp::Min();
  for (const BlockMeta& block : blocks)
    if (block.EndsHead()) end = std::max(end, block.max_time);
  std::vector<size_t> ready;
  for (size_t i = 0; i < blocks.size(); ++i)
    if (blocks[i].max_time <= end) ready.push_back(i);
  return ready;
}

}  // namespace

std::vector<Duration> BlockRanges(Duration shortest, Duration longest) {
  std::vector<Duration> ranges{shortest};
  while (ranges.back() <= longest / 3) ranges.push_back(ranges.back() * 3);
  return ranges;
}

std::vector<size_t> PlanCompaction(std::span<const BlockMeta> blocks,
                                   std::span<const Duration> ranges) {
  const std::vector<size_t> ready = FindReady(blocks);
  if (ready.size() == blocks.size()) return PlanReady(blocks, ranges);
  std::vector<BlockMeta> metas;
  for (const size_t place : ready) metas.push_back(blocks[place]);
  std::vector<size_t> plan = PlanReady(metas, ranges);
  for (size_t& place : plan) place = ready[place];
  return plan;
}

std::vector<size_t> BlocksBeyondRetention(std::span<const BlockSize> blocks, Duration time,
                                          uint64_t bytes, uint64_t other_bytes) {
  std::vector<size_t> newest_first(blocks.size());
  std::iota(newest_first.begin(), newest_first.end(), size_t{0});
  std::ranges::stable_sort(newest_first, std::ranges::greater(),
                           [&](size_t i) { return blocks[i].max_time; });
  uint64_t total = other_bytes;
  for (size_t n = 0; n < newest_first.size(); ++n) {
    const BlockSize& block = blocks[newest_first[n]];
    total += block.bytes;
    const bool too_old =
        time.count() > 0 && n > 0 && blocks[newest_first[0]].max_time - block.max_time >= time;
    if (!too_old && (bytes == 0 || total <= bytes)) continue;
    // What is older goes with it.
    newest_first.erase(newest_first.begin(), newest_first.begin() + static_cast<ptrdiff_t>(n));
    return newest_first;
  }
  return {};
}

}  // namespace canopy::tsdb
