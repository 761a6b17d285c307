#include "app/wakeups.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <initializer_list>

#include "canopy/base/check.h"

namespace canopy::app {

Wakeups::Wakeups() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  CANOPY_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  CANOPY_CHECK(signals_ >= 0);
  CANOPY_CHECK(::pipe2(pipe_, O_CLOEXEC) == 0);
  // A peer that hangs up is an error of the write, wherever that happens.
  CANOPY_CHECK(::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

Wakeups::~Wakeups() {
  for (const int fd : {signals_, pipe_[0], pipe_[1]}) (void)::close(fd);
}

void Wakeups::Post(Wakeup wakeup) {
  const char byte = static_cast<char>(wakeup);
  CANOPY_CHECK(::write(pipe_[1], &byte, 1) == 1);
}

Wakeup Wakeups::Next(Duration most) {
  const int timeout =
      most == Duration(0) ? -1 : static_cast<int>(std::min<int64_t>(most.count(), INT_MAX));
  for (;;) {
    pollfd fds[] = {{signals_, POLLIN, 0}, {pipe_[0], POLLIN, 0}};
    const int ready = ::poll(fds, 2, timeout);
    if (ready == 0) return Wakeup::kTimeout;
    if (ready < 0) continue;  // interrupted
    if ((fds[0].revents & POLLIN) != 0) {
      signalfd_siginfo info{};
      if (::read(signals_, &info, sizeof info) != sizeof info) continue;
      return info.ssi_signo == SIGHUP ? Wakeup::kReload : Wakeup::kTerminate;
    }
    char byte = 0;
    if (::read(pipe_[0], &byte, 1) == 1) return static_cast<Wakeup>(byte);
  }
}

}  // namespace canopy::app
