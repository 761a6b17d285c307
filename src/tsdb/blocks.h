#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "block.h"
#include "canopy/base/fs.h"
#include "canopy/base/mutex.h"
#include "canopy/base/status.h"

namespace canopy::tsdb {

using BlockPtr = std::shared_ptr<const Block>;

// The blocks of a data directory that are open. Readers keep a block that goes until they are done.
// Thread-safe; one thread at a time changes it.
class Blocks {
 public:
  Blocks(Fs& fs, std::string dir);

  // At start: removes what an interrupted process has left, and blocks that others were made of;
  // opens the rest. One that cannot be read is logged, counted and left where it is.
  Status Load();
  // Later on: the same of what others have put into the directory since, and lets go of what they
  // have taken out of it. One that cannot be read, perhaps because it is still being copied, is
  // tried again each time, and logged once.
  Status Reload();
  // Opens blocks that have just been written, and lets go of those that they take the place of:
  // readers see the old ones or the new ones.
  Status Replace(std::span<const Ulid> added, std::span<const BlockPtr> removed);

  // What its files say now takes the place of what `block` said, for readers from now on.
  Status Reopen(const BlockPtr& block);

  // Sorted by min_time.
  std::vector<BlockPtr> All() const;
  // Those with samples in the range, both ends included.
  std::vector<BlockPtr> Overlapping(Timestamp mint, Timestamp maxt) const;
  // The end of the newest one that the head has become, whose time is over for the head;
  // Timestamp::Min() when there are none.
  Timestamp end() const;
  uint64_t bytes() const;
  // That are there and cannot be read.
  uint64_t failed() const;

 private:
  Status RemoveLeftovers(const std::vector<std::string>& names);
  Status RemoveDir(const std::string& name);
  Status RemoveDirs(std::span<const BlockPtr> blocks);
  Status Adopt(const std::vector<std::string>& names, bool at_start);

  Fs& fs_;
  const std::string dir_;
  mutable Mutex mu_;
  std::vector<BlockPtr> blocks_ CANOPY_GUARDED_BY(mu_);
  std::set<std::string> failed_ CANOPY_GUARDED_BY(mu_);  // names of directories
};

}  // namespace canopy::tsdb
