#include "discovery/watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "canopy/base/check.h"
#include "canopy/base/fs.h"

namespace canopy::discovery {
namespace {

// Not IN_MODIFY: a file that is being written is not finished.
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR;

}  // namespace

Watcher::Watcher()
    : inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  CANOPY_CHECK(wake_ >= 0);
}

Watcher::~Watcher() {
  if (inotify_ >= 0) close(inotify_);
  close(wake_);
}

int Watcher::Watch(const std::set<std::string>& dirs) {
  for (auto it = watches_.begin(); it != watches_.end();) {
    if (dirs.contains(it->first)) {
      ++it;
      continue;
    }
    inotify_rm_watch(inotify_, it->second);
    dirs_.erase(it->second);
    it = watches_.erase(it);
  }
  int failed = 0;
  for (const std::string& dir : dirs) {
    if (watches_.contains(dir)) continue;
    const int watch = inotify_add_watch(inotify_, dir.c_str(), kEvents);
    if (watch < 0) {
      ++failed;
      continue;
    }
    watches_[dir] = watch;
    dirs_[watch] = dir;
  }
  return failed;
}

Watcher::Events Watcher::Wait(Duration timeout) {
  constexpr int64_t kMaxMs = std::numeric_limits<int>::max();
  pollfd fds[] = {{wake_, POLLIN, 0}, {inotify_, POLLIN, 0}};  // poll() skips negative ones
  const int64_t ms = std::clamp<int64_t>(timeout.count(), 0, kMaxMs);
  Events out;
  if (poll(fds, 2, static_cast<int>(ms)) <= 0) return out;
  if (fds[0].revents != 0) {
    uint64_t count = 0;
    while (read(wake_, &count, sizeof(count)) > 0) {
    }
  }
  if (fds[1].revents != 0) ReadEvents(out);
  return out;
}

void Watcher::ReadEvents(Events& to) {
  alignas(inotify_event) char buffer[16384];
  for (;;) {
    const ssize_t n = read(inotify_, buffer, sizeof(buffer));
    if (n <= 0) return;
    for (const char* p = buffer; p < buffer + n;) {
      inotify_event event;
      std::memcpy(&event, p, sizeof(event));
      const std::string name(event.len > 0 ? p + sizeof(event) : "");
      p += sizeof(event) + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) to.lost = true;
      const auto dir = dirs_.find(event.wd);
      if (dir == dirs_.end()) continue;
      to.files.insert(JoinPath(dir->second, name));
      if ((event.mask & (IN_IGNORED | IN_MOVE_SELF)) == 0) continue;
      // The directory is gone from its place; Watch() takes up the next one of that name.
      if ((event.mask & IN_MOVE_SELF) != 0) inotify_rm_watch(inotify_, event.wd);
      watches_.erase(dir->second);
      dirs_.erase(dir);
    }
  }
}

void Watcher::Wake() {
  const uint64_t one = 1;
  // Full means woken already.
  (void)!write(wake_, &one, sizeof(one));
}

}  // namespace canopy::discovery
