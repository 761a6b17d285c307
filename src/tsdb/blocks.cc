#include "blocks.h"

#include <algorithm>
#include <set>
#include <utility>

#include "block_writer.h"
#include "canopy/base/log.h"

namespace canopy::tsdb {
namespace {

void SortByTime(std::vector<BlockPtr>& blocks) {
  std::ranges::sort(blocks, [](const BlockPtr& a, const BlockPtr& b) {
    return std::pair(a->meta().min_time, a->meta().ulid) <
           std::pair(b->meta().min_time, b->meta().ulid);
  });
}

// Those that others were made of, and those of which nothing is left. The newest of these stay,
// with all their samples deleted: what a block has is not taken from the log.
std::set<Ulid> Obsolete(const std::vector<BlockPtr>& blocks) {
  std::set<Ulid> out;
  for (const BlockPtr& block : blocks)
    for (const BlockDesc& parent : block->meta().compaction.parents) out.insert(parent.ulid);
  Timestamp end = Timestamp::Min();
  for (const BlockPtr& block : blocks) {
    const BlockMeta& meta = block->meta();
    if (!meta.compaction.deletable && meta.EndsHead()) end = std::max(end, meta.max_time);
  }
  for (const BlockPtr& block : blocks) {
    const BlockMeta& meta = block->meta();
    if (meta.compaction.deletable && (meta.max_time <= end || !meta.EndsHead()))
      out.insert(meta.ulid);
  }
  return out;
}

// A copy under another name would pass for the block that it is a copy of.
Result<BlockPtr> OpenNamed(Fs& fs, const std::string& dir, const std::string& name) {
  CANOPY_ASSIGN_OR_RETURN(BlockPtr block, Block::Open(fs, JoinPath(dir, name)));
  const std::string ulid = block->meta().ulid.ToString();
  if (ulid != name) return Status::Corrupt(std::string(kMetaFile) + " is that of block " + ulid);
  return block;
}

}  // namespace

Blocks::Blocks(Fs& fs, std::string dir) : fs_(fs), dir_(std::move(dir)), mu_(LockRank::kBlocks) {}

Status Blocks::RemoveLeftovers(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!name.ends_with(kTmpForCreation) && !name.ends_with(kTmpForDeletion)) continue;
    LOG_INFO("Found and deleted tmp block dir", {"dir", JoinPath(dir_, name)});
    CANOPY_RETURN_IF_ERROR(fs_.RemoveAll(JoinPath(dir_, name)));
  }
  return {};
}

// Under another name first: a block that is half deleted must not be taken for one. Somebody else
// may have removed it.
Status Blocks::RemoveDir(const std::string& name) {
  const std::string dir = JoinPath(dir_, name);
  if (!fs_.Exists(dir)) return {};
  const std::string aside = dir + std::string(kTmpForDeletion);
  CANOPY_RETURN_IF_ERROR(fs_.Rename(dir, aside));
  return fs_.RemoveAll(aside);
}

Status Blocks::Load() {
  CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
  CANOPY_RETURN_IF_ERROR(RemoveLeftovers(names));
  return Adopt(names, true);
}

Status Blocks::Reload() {
  CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
  return Adopt(names, false);
}

// Readers see all of the change at once, and then what is obsolete goes.
Status Blocks::Adopt(const std::vector<std::string>& names, bool at_start) {
  const std::set<std::string> there(names.begin(), names.end());
  std::vector<BlockPtr> blocks;
  std::set<std::string> open;
  for (const BlockPtr& block : All()) {
    const std::string name = block->meta().ulid.ToString();
    open.insert(name);
    if (there.contains(name))
      blocks.push_back(block);
    else
      LOG_WARN("A block has gone from the directory", {"block", name});
  }
  std::set<std::string> failed_before;
  {
    const MutexLock lock(mu_);
    failed_before = failed_;
  }
  std::set<std::string> failed;
  for (const std::string& name : there) {
    if (!Ulid::Parse(name) || open.contains(name)) continue;
    auto block = OpenNamed(fs_, dir_, name);
    if (block.ok()) {
      if (!at_start) LOG_INFO("A block has come into the directory", {"block", name});
      blocks.push_back(std::move(*block));
      continue;
    }
    failed.insert(name);
    if (failed_before.contains(name)) continue;
    LOG_ERROR("A block cannot be read and is left out", {"dir", JoinPath(dir_, name)},
              {"err", block.status().message()});
  }
  const std::set<Ulid> obsolete_names = Obsolete(blocks);
  std::vector<BlockPtr> obsolete;
  std::erase_if(blocks, [&](const BlockPtr& block) {
    if (!obsolete_names.contains(block->meta().ulid)) return false;
    obsolete.push_back(block);
    return true;
  });
  SortByTime(blocks);
  {
    const MutexLock lock(mu_);
    blocks_ = std::move(blocks);
    failed_ = std::move(failed);
  }
  return RemoveDirs(obsolete);
}

Status Blocks::RemoveDirs(std::span<const BlockPtr> blocks) {
  for (const BlockPtr& block : blocks) {
    LOG_INFO("Deleting obsolete block", {"block", block->meta().ulid.ToString()});
    CANOPY_RETURN_IF_ERROR(RemoveDir(block->meta().ulid.ToString()));
  }
  return {};
}

Status Blocks::Replace(std::span<const Ulid> added, std::span<const BlockPtr> removed) {
  std::vector<BlockPtr> opened;
  for (const Ulid& ulid : added) {
    CANOPY_ASSIGN_OR_RETURN(BlockPtr block, Block::Open(fs_, JoinPath(dir_, ulid.ToString())));
    opened.push_back(std::move(block));
  }
  {
    const MutexLock lock(mu_);
    std::erase_if(blocks_, [&](const BlockPtr& block) {
      return std::ranges::find(removed, block) != removed.end();
    });
    blocks_.insert(blocks_.end(), opened.begin(), opened.end());
    SortByTime(blocks_);
  }
  return RemoveDirs(removed);
}

Status Blocks::Reopen(const BlockPtr& block) {
  CANOPY_ASSIGN_OR_RETURN(const BlockPtr opened, Block::Open(fs_, block->dir()));
  const MutexLock lock(mu_);
  std::ranges::replace(blocks_, block, opened);
  return {};
}

std::vector<BlockPtr> Blocks::All() const {
  const MutexLock lock(mu_);
  return blocks_;
}

std::vector<BlockPtr> Blocks::Overlapping(Timestamp mint, Timestamp maxt) const {
  const MutexLock lock(mu_);
  std::vector<BlockPtr> out;
  for (const BlockPtr& block : blocks_)
    if (block->meta().Overlaps(mint, maxt)) out.push_back(block);
  return out;
}

Timestamp Blocks::end() const {
  const MutexLock lock(mu_);
  Timestamp end = Timestamp::Min();
  for (const BlockPtr& block : blocks_)
    if (block->meta().EndsHead()) end = std::max(end, block->meta().max_time);
  return end;
}

uint64_t Blocks::bytes() const {
  const MutexLock lock(mu_);
  uint64_t sum = 0;
  for (const BlockPtr& block : blocks_) sum += block->size();
  return sum;
}

uint64_t Blocks::failed() const {
  const MutexLock lock(mu_);
  return failed_.size();
}

}  // namespace canopy::tsdb
