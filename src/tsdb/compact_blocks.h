#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "tsdb/block.h"
#include "tsdb/block_meta.h"

namespace canopy::tsdb {

// Writes one block of all that `blocks` show, into `dir`; a single one is rewritten without what
// was deleted from it. Of samples at the same time the one of the later block wins. Chunks that
// neither overlap nor have lost something stay as they are; others are encoded as `encodings` say.
// The parents stay: the new block names them, and whoever has the database replaces them by it.
//
// nullopt when nothing was left: there is no new block then, and the parents' meta.json says that
// they may be deleted. It says that compaction failed, so that nobody tries over and over, after
// any error but kIo (a disk that is full may have room again) and kCanceled (`stop` was requested).
// Level, sources and parents are those of prometheus 3.14 tsdb/compact.go.
//
// REQUIRES: blocks are not empty; nobody else writes their meta.json or tombstones meanwhile.
Result<std::optional<BlockMeta>> CompactBlocks(Fs& fs, const std::string& dir,
                                               std::span<const std::shared_ptr<const Block>> blocks,
                                               Timestamp now, const chunk::Encodings& encodings,
                                               std::stop_token stop = {});

// Writes the block once more, without what was deleted from it, into `dir`; nullopt when nothing is
// left. Unlike a compaction it does not raise the level, as in prometheus 3.14: the new block is
// one of level 1, its own source, and names the old one as its parent. Otherwise as
// CompactBlocks(), but that nothing is marked.
Result<std::optional<BlockMeta>> RewriteBlock(Fs& fs, const std::string& dir,
                                              const std::shared_ptr<const Block>& block,
                                              Timestamp now, const chunk::Encodings& encodings,
                                              std::stop_token stop = {});

}  // namespace canopy::tsdb
