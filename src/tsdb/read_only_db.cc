#include "canopy/tsdb/read_only_db.h"

#include <algorithm>
#include <utility>

#include "canopy/storage/merge.h"
#include "tsdb/block.h"
#include "tsdb/offline_head.h"

namespace canopy::tsdb {
namespace {

using BlockPtr = std::shared_ptr<const Block>;

Result<std::vector<std::string>> BlockNames(Fs& fs, const std::string& dir) {
  CANOPY_ASSIGN_OR_RETURN(std::vector<std::string> names, fs.List(dir));
  std::erase_if(names, [](const std::string& name) { return !Ulid::Parse(name); });
  return names;
}

class ReadOnlyDbImpl final : public ReadOnlyDb {
 public:
  Status Load(Fs& fs, const std::string& dir, const ProgressFn& progress) {
    CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> names, BlockNames(fs, dir));
    OfflineHeadOptions options{.min_time = Timestamp::Min(), .progress = progress};
    for (const std::string& name : names) {
      auto block = Block::Open(fs, JoinPath(dir, name));
      if (block.ok()) {
        const BlockMeta& meta = (*block)->meta();
        if (meta.EndsHead()) options.min_time = std::max(options.min_time, meta.max_time);
        blocks_.push_back(std::move(*block));
        continue;
      }
      if (!fs.IsDirectory(JoinPath(dir, name))) return Status::NotFound("block " + name + " went");
      notices_.push_back("block " + name + " is left out: " + block.status().message());
    }
    std::ranges::sort(blocks_, [](const BlockPtr& a, const BlockPtr& b) {
      return std::pair(a->meta().min_time, a->meta().ulid) <
             std::pair(b->meta().min_time, b->meta().ulid);
    });
    CANOPY_ASSIGN_OR_RETURN(head_, OfflineHead::Load(fs, dir, options));
    // Samples that went from the log into a block meanwhile may have been missed in both.
    CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> now, BlockNames(fs, dir));
    if (now != names) return Status::NotFound("blocks have come or gone");
    notices_.insert(notices_.end(), head_->notices().begin(), head_->notices().end());
    return {};
  }

  const std::vector<std::string>& notices() const override { return notices_; }

  Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp mint, Timestamp maxt) override {
    std::vector<std::unique_ptr<storage::Querier>> queriers;
    for (const BlockPtr& block : blocks_)
      if (block->meta().Overlaps(mint, maxt))
        queriers.push_back(NewBlockQuerier(block, mint, maxt));
    queriers.push_back(NewOfflineHeadQuerier(head_, mint, maxt));
    return storage::MergeQueriers(std::move(queriers));
  }

 private:
  std::vector<BlockPtr> blocks_;  // by min_time
  std::shared_ptr<const OfflineHead> head_;
  std::vector<std::string> notices_;
};

uint64_t SizeOrZero(Fs& fs, const std::string& path) {
  const auto size = fs.Size(path);
  return size.ok() ? *size : 0;
}

}  // namespace

Result<BlockInfo> ReadBlockInfo(Fs& fs, const std::string& dir, const std::string& ulid) {
  const std::string path = JoinPath(dir, ulid);
  if (!Ulid::Parse(ulid) || !fs.IsDirectory(path))
    return Status::NotFound("there is no block " + ulid + " in " + dir);
  CANOPY_ASSIGN_OR_RETURN(const BlockMeta meta, ReadBlockMeta(fs, path));
  BlockInfo out{ulid,
                meta.min_time,
                meta.max_time,
                meta.stats.num_samples,
                meta.stats.num_chunks,
                meta.stats.num_series,
                0};
  for (const std::string_view name : {kMetaFile, kIndexFile, kTombstonesFile})
    out.bytes += SizeOrZero(fs, JoinPath(path, name));
  const auto chunks = fs.List(JoinPath(path, kChunksDir));
  if (chunks.ok())
    for (const std::string& name : *chunks)
      out.bytes += SizeOrZero(fs, JoinPath(JoinPath(path, kChunksDir), name));
  return out;
}

Result<std::vector<BlockInfo>> ListBlocks(Fs& fs, const std::string& dir,
                                          std::vector<std::string>& faults) {
  CANOPY_ASSIGN_OR_RETURN(const std::vector<std::string> names, BlockNames(fs, dir));
  std::vector<BlockInfo> out;
  for (const std::string& name : names) {
    auto info = ReadBlockInfo(fs, dir, name);
    if (info.ok())
      out.push_back(std::move(*info));
    else if (fs.IsDirectory(JoinPath(dir, name)))
      faults.push_back(info.status().message());
  }
  std::ranges::stable_sort(out, {}, &BlockInfo::min_time);
  return out;
}

Result<std::unique_ptr<ReadOnlyDb>> ReadOnlyDb::Open(Fs& fs, const std::string& dir,
                                                     const ProgressFn& progress) {
  if (!fs.IsDirectory(dir)) return Status::NotFound("there is no directory " + dir);
  constexpr int kTries = 5;
  Status status;
  for (int i = 0; i < kTries; ++i) {
    auto db = std::make_unique<ReadOnlyDbImpl>();
    status = db->Load(fs, dir, progress);
    if (status.ok()) return std::unique_ptr<ReadOnlyDb>(std::move(db));
    if (status.code() != Code::kNotFound) return status;
  }
  return Status::Unavailable(dir + " changes while it is being read: " + status.message());
}

}  // namespace canopy::tsdb
