#pragma once

#include "canopy/base/time.h"

namespace canopy::app {

// What the main thread waits for.
enum class Wakeup : char {
  kTerminate,  // SIGTERM, SIGINT
  kReload,     // SIGHUP
  kQuit,       // asked for by HTTP
  kOpened,     // the store is open, or cannot be opened
  kTimeout,    // nothing of all that
};

// Signals, and messages of other threads, one after the other. Made before any other thread, which
// then inherits that these signals are not delivered to it.
class Wakeups {
 public:
  Wakeups();
  ~Wakeups();
  Wakeups(const Wakeups&) = delete;
  Wakeups& operator=(const Wakeups&) = delete;

  // From any thread.
  void Post(Wakeup wakeup);
  // Waits no longer than `most`, but for ever when that is zero.
  Wakeup Next(Duration most = Duration(0));

 private:
  int signals_ = -1;
  int pipe_[2] = {-1, -1};
};

}  // namespace canopy::app
