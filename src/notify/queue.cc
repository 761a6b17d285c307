#include "notify/queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace canopy::notify {

std::vector<Notice> Queue::Push(Notice notice) {
  Places& places = places_[notice.alert];
  if (notice.resolved) {
    PushEnd(std::move(notice), places);
  } else if (places.firing) {
    **places.firing = std::move(notice);
  } else {
    places.firing = notices_.insert(notices_.end(), std::move(notice));
  }
  return MakeRoom();
}

// An end makes both obsolete: an earlier end, and that the alert fires.
void Queue::PushEnd(Notice notice, Places& places) {
  if (places.ended && (*places.ended)->ends_at > notice.ends_at) return;
  if (places.ended && places.firing) {
    notices_.erase(*places.firing);
  } else if (places.firing) {
    places.ended = places.firing;
  }
  places.firing.reset();
  if (places.ended) {
    **places.ended = std::move(notice);
  } else {
    places.ended = notices_.insert(notices_.end(), std::move(notice));
  }
}

std::vector<Notice> Queue::PutBack(std::vector<Notice> notices) {
  for (auto it = notices.rbegin(); it != notices.rend(); ++it) {
    Places& places = places_[it->alert];
    if (places.ended || (!it->resolved && places.firing)) continue;
    auto& place = it->resolved ? places.ended : places.firing;
    place = notices_.insert(notices_.begin(), std::move(*it));
  }
  return MakeRoom();
}

std::vector<Notice> Queue::Take(size_t limit) {
  std::vector<Notice> out;
  out.reserve(std::min(limit, notices_.size()));
  while (out.size() < limit && !notices_.empty()) out.push_back(TakeFirst());
  return out;
}

Notice Queue::TakeFirst() {
  const auto it = places_.find(notices_.front().alert);
  Places& places = it->second;
  (notices_.front().resolved ? places.ended : places.firing).reset();
  if (!places.ended && !places.firing) places_.erase(it);
  Notice first = std::move(notices_.front());
  notices_.pop_front();
  return first;
}

std::vector<Notice> Queue::MakeRoom() {
  std::vector<Notice> out;
  while (notices_.size() > capacity_) out.push_back(TakeFirst());
  return out;
}

}  // namespace canopy::notify
