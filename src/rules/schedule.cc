#include "rules/schedule.h"

#include "canopy/base/hash.h"

namespace canopy::rules {

Duration SlotOffset(std::string_view key, Duration interval) {
  return Duration(
      static_cast<int64_t>(base::XxHash64(key) % static_cast<uint64_t>(interval.count())));
}

Timestamp SlotAtOrBefore(Timestamp now, Duration interval, Duration offset) {
  const int64_t shifted = now.ms() - offset.count();
  int64_t into = shifted % interval.count();
  if (into < 0) into += interval.count();
  return now - Duration(into);
}

NextSlot SlotAfter(Timestamp last, Timestamp now, Duration interval) {
  const int64_t passed = (now - last) / interval;
  return {last + passed * interval, passed - 1};
}

}  // namespace canopy::rules
