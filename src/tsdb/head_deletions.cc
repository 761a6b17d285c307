#include "head_deletions.h"

#include <algorithm>

namespace canopy::tsdb {

void HeadDeletions::Add(Slot slot, TimeRange range) {
  Ranges& ranges = by_slot_[slot];
  auto changed = ranges != nullptr ? std::make_shared<std::vector<TimeRange>>(*ranges)
                                   : std::make_shared<std::vector<TimeRange>>();
  AddRange(*changed, range);
  ranges = std::move(changed);
}

void HeadDeletions::DropBefore(int64_t time) {
  absl::erase_if(by_slot_, [&](auto& entry) {
    const std::vector<TimeRange>& ranges = *entry.second;
    const auto kept =
        std::ranges::partition_point(ranges, [&](const TimeRange& r) { return r.maxt < time; });
    if (kept == ranges.end()) return true;
    if (kept != ranges.begin())
      entry.second = std::make_shared<std::vector<TimeRange>>(kept, ranges.end());
    return false;
  });
}

}  // namespace canopy::tsdb
