#pragma once

#include <map>
#include <set>
#include <string>

#include "canopy/base/time.h"

namespace canopy::discovery {

// Waits until something happens in some directories, or somebody calls. Wake() is thread-safe; all
// else belongs to one thread.
class Watcher {
 public:
  Watcher();
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Watches these directories and no others. One that cannot be watched (it is not there yet, or
  // the system has no more watches) is tried again at the next call. The number of those.
  int Watch(const std::set<std::string>& dirs);

  struct Events {
    // Files that were written, moved or removed: directory and name joined.
    std::set<std::string> files;
    // The system has dropped events: any file may have changed.
    bool lost = false;

    bool empty() const { return files.empty() && !lost; }
    void Add(Events other) {
      files.merge(other.files);
      lost = lost || other.lost;
    }
  };
  // Returns when there are events, after Wake(), or when the time is over.
  Events Wait(Duration timeout);

  void Wake();

 private:
  void ReadEvents(Events& to);

  int inotify_ = -1;  // -1: the system refuses; polling must do
  int wake_ = -1;
  std::map<std::string, int> watches_;  // by directory
  std::map<int, std::string> dirs_;     // by watch
};

}  // namespace canopy::discovery
