#include "timeline.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

#include "canopy/base/check.h"

namespace canopy::tsdb {
namespace {

// Most series are alone or come in hundreds: short first, then nearly a whole chunk.
constexpr uint32_t kFirstCapacity = 8;

uint32_t* Allocate(uint32_t capacity) {
  auto* const offsets = static_cast<uint32_t*>(std::malloc(capacity * sizeof(uint32_t)));
  if (offsets == nullptr) throw std::bad_alloc();
  return offsets;
}

std::atomic<uint64_t> last_id = 0;

}  // namespace

Timeline::Timeline(int64_t base, int64_t limit) : id_(++last_id), base_(base), limit_(limit) {}

Timeline* Timeline::Create(int64_t first, int64_t limit) {
  int64_t farthest = 0;
  if (!__builtin_add_overflow(first, int64_t{std::numeric_limits<uint32_t>::max()}, &farthest))
    limit = std::min(limit, farthest);
  auto* const timeline = new Timeline(first, limit);
  timeline->capacity_ = kFirstCapacity;
  timeline->offsets_ = Allocate(kFirstCapacity);
  timeline->offsets_.load()[0] = 0;
  timeline->size_ = 1;
  return timeline;
}

Timeline* Timeline::Fork(uint32_t size) const {
  auto* const timeline = new Timeline(base_, limit_);
  timeline->capacity_ = std::max(size + size / 2, kFirstCapacity);
  timeline->offsets_ = Allocate(timeline->capacity_);
  std::copy_n(offsets(), size, timeline->offsets_.load());
  timeline->size_ = size;
  return timeline;
}

Timeline::~Timeline() { std::free(offsets_.load()); }

void Timeline::Push(int64_t t, Graveyard& graveyard) {
  CANOPY_DCHECK(t < limit_ && t > last());
  if (size_ == capacity_) Grow(graveyard);
  offsets_.load(std::memory_order_relaxed)[size_++] = static_cast<uint32_t>(t - base_);
}

void Timeline::Grow(Graveyard& graveyard) {
  uint32_t* const old = offsets_.load(std::memory_order_relaxed);
  capacity_ = capacity_ < 32 ? capacity_ * 4 : capacity_ * 2;
  uint32_t* const longer = Allocate(capacity_);
  std::copy_n(old, size_, longer);
  offsets_.store(longer, std::memory_order_release);
  graveyard.BuryBlock(old);
}

void Timeline::Bury(Graveyard& graveyard) {
  graveyard.Bury([](void* timeline, uint64_t) { delete static_cast<Timeline*>(timeline); }, this,
                 0);
}

}  // namespace canopy::tsdb
