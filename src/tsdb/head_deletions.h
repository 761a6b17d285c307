#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "posting_list.h"
#include "tombstones.h"

namespace canopy::tsdb {

// What was deleted of the head's series: beside them, because nearly none has anything. Under the
// head's locks, like the series. Lists are replaced, never changed, so that readers keep theirs.
class HeadDeletions {
 public:
  // Sorted, with gaps between them.
  using Ranges = std::shared_ptr<const std::vector<TimeRange>>;

  // Null: nothing.
  Ranges Find(Slot slot) const {
    if (by_slot_.empty()) return nullptr;
    const auto it = by_slot_.find(slot);
    return it != by_slot_.end() ? it->second : nullptr;
  }
  // REQUIRES: mint <= maxt.
  void Add(Slot slot, TimeRange range);
  // The series goes.
  void Remove(Slot slot) { by_slot_.erase(slot); }
  // Forgets ranges that end before `time`.
  void DropBefore(int64_t time);
  // Series that have any.
  size_t size() const { return by_slot_.size(); }

 private:
  absl::flat_hash_map<Slot, Ranges> by_slot_;
};

}  // namespace canopy::tsdb
