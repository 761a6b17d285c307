#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/storage/queryable.h"
#include "tsdb/block_meta.h"
#include "tsdb/chunk_file.h"
#include "tsdb/index_reader.h"
#include "tsdb/tombstones.h"

namespace canopy::tsdb {

// A block directory, open: mapped, not read in. Immutable; thread-safe. It may be deleted from the
// disk while somebody still has it.
class Block {
 public:
  // kUnsupported for a later version of a format, kCorrupt with file and offset for what cannot be.
  static Result<std::shared_ptr<const Block>> Open(Fs& fs, std::string dir);

  const std::string& dir() const { return dir_; }
  const BlockMeta& meta() const { return meta_; }
  const IndexReader& index() const { return *index_; }
  const ChunkReader& chunks() const { return *chunks_; }
  const Tombstones& tombstones() const { return tombstones_; }
  // Of its files, in bytes: what retention by size counts.
  uint64_t size() const { return size_; }

 private:
  explicit Block(std::string dir) : dir_(std::move(dir)) {}

  const std::string dir_;
  BlockMeta meta_;
  std::unique_ptr<IndexReader> index_;
  std::unique_ptr<ChunkReader> chunks_;
  Tombstones tombstones_;
  uint64_t size_ = 0;
};

// Reads the block, both ends included, as storage::Querier. What was deleted is not shown. Series
// come sorted by labels whether asked for or not.
std::unique_ptr<storage::Querier> NewBlockQuerier(std::shared_ptr<const Block> block,
                                                  Timestamp mint, Timestamp maxt);

}  // namespace canopy::tsdb
