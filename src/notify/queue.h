#pragma once

#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "notify/notice.h"

namespace canopy::notify {

// What one Alertmanager is to be told, in order. Of an alert there is at most its last end and,
// behind that, that it fires again: a later notice takes the place of what it makes obsolete, so
// that one which is sent again and again still gets its turn. Not thread-safe.
class Queue {
 public:
  explicit Queue(size_t capacity) : capacity_(capacity) {}

  // Both return the notices that had no room: the oldest.
  std::vector<Notice> Push(Notice notice);
  // Notices that were taken and not delivered, in the order of Take(): they come first again,
  // unless a later notice has made them obsolete.
  std::vector<Notice> PutBack(std::vector<Notice> notices);

  // At most so many, oldest first.
  std::vector<Notice> Take(size_t limit);

  size_t size() const { return notices_.size(); }
  bool empty() const { return notices_.empty(); }

 private:
  using Notices = std::list<Notice>;
  // Where the notices of one alert are.
  struct Places {
    std::optional<Notices::iterator> ended;
    std::optional<Notices::iterator> firing;
  };

  void PushEnd(Notice notice, Places& places);
  Notice TakeFirst();
  std::vector<Notice> MakeRoom();

  const size_t capacity_;
  Notices notices_;
  std::unordered_map<std::string, Places> places_;  // by Notice::alert
};

}  // namespace canopy::notify
