#include "tsdb/block.h"

#include <utility>

namespace canopy::tsdb {

Result<std::shared_ptr<const Block>> Block::Open(Fs& fs, std::string dir) {
  std::shared_ptr<Block> out(new Block(std::move(dir)));
  CANOPY_ASSIGN_OR_RETURN(out->meta_, ReadBlockMeta(fs, out->dir_));
  CANOPY_ASSIGN_OR_RETURN(out->index_, IndexReader::Open(fs, JoinPath(out->dir_, kIndexFile)));
  CANOPY_ASSIGN_OR_RETURN(out->chunks_, ChunkReader::Open(fs, JoinPath(out->dir_, kChunksDir)));
  CANOPY_ASSIGN_OR_RETURN(out->tombstones_, ReadTombstones(fs, out->dir_));
  out->size_ = out->index_->bytes().size() + out->chunks_->size();
  for (const std::string_view name : {kMetaFile, kTombstonesFile}) {
    const auto size = fs.Size(JoinPath(out->dir_, name));
    if (size.ok()) out->size_ += *size;
  }
  return std::shared_ptr<const Block>(std::move(out));
}

}  // namespace canopy::tsdb
