// The life of a server: start, signals, end.

#include "app/run.h"

#include <sys/resource.h>

#include <cstdlib>
#include <thread>

#include "app/build.h"
#include "app/commands.h"
#include "app/wakeups.h"
#include "canopy/app/version.h"
#include "canopy/base/log.h"

namespace canopy::app {
namespace {

// Thousands of targets are thousands of connections.
void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    LOG_WARN("The limit of open files could not be raised");
  }
}

// The main thread of a server that listens.
class Server {
 public:
  // Files are looked at for changes at every `watch`; zero: they are not.
  Server(Node& node, Wakeups& wakeups, Duration watch)
      : node_(node), wakeups_(wakeups), watch_(watch) {}

  // Opening may take a while, and the server can be told to end meanwhile.
  int Run(LoadedConfig loaded) {
    std::thread opener([&] {
      SetThreadName("open");
      opened_ = node_.Open(std::move(loaded));
      wakeups_.Post(Wakeup::kOpened);
    });
    const int status = AwaitEnd(opener);
    node_.Close();
    if (status == kExitOk) LOG_INFO("See you next time!");
    return status;
  }

 private:
  int AwaitEnd(std::thread& opener) {
    bool reload = false;
    for (;;) {
      switch (wakeups_.Next(watch_)) {
        case Wakeup::kOpened:
          opener.join();
          if (!opened_.ok()) return Fail(kExitFailed, opened_.message());
          break;
        case Wakeup::kReload:
          reload = true;
          break;
        case Wakeup::kTerminate:
          LOG_WARN("Received an OS signal, exiting gracefully...");
          return End(opener);
        case Wakeup::kQuit:
          LOG_WARN("Received termination request via web service, exiting gracefully...");
          return End(opener);
        case Wakeup::kTimeout:
          if (!opener.joinable()) node_.ReloadIfChanged();
          break;
      }
      if (!reload || opener.joinable()) continue;
      reload = false;
      (void)node_.Reload();  // which has logged why, and the running configuration goes on
    }
  }

  // Nothing has been acknowledged yet while the store is being opened, and opening stands a kill.
  int End(const std::thread& opener) {
    if (opener.joinable()) std::_Exit(kExitOk);
    return kExitOk;
  }

  Node& node_;
  Wakeups& wakeups_;
  const Duration watch_;
  Status opened_;  // written before kOpened is posted
};

}  // namespace

int RunServer(ServerOptions options) {
  log::SetLevel(options.log_level);
  log::SetFormat(options.log_format);
  Wakeups wakeups;
  LOG_INFO("Starting Canopy", {"version", kVersion}, {"prometheus_version", kPrometheusVersion});
  for (const std::string& notice : options.notices) LOG_WARN(notice);
  RaiseFileLimit();

  Result<LoadedConfig> loaded =
      LoadConfig(PosixFs(), options.config_file, options.engine.features, options.config);
  if (!loaded.ok()) {
    return Fail(kExitFailed, "the configuration cannot be used:\n" + loaded.status().message());
  }
  const Duration watch = options.auto_reload_interval;
  Node node(std::move(options), [&] { wakeups.Post(Wakeup::kQuit); });
  if (const Status status = node.Listen(); !status.ok()) return Fail(kExitFailed, status.message());
  return Server(node, wakeups, watch).Run(std::move(loaded).value());
}

}  // namespace canopy::app
