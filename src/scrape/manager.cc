#include "canopy/scrape/manager.h"

#include <algorithm>
#include <thread>

#include "canopy/base/mutex.h"
#include "canopy/base/workers.h"
#include "canopy/net/client.h"
#include "engine.h"

namespace canopy::scrape {
namespace {

// Responses that wait for a thread to be ingested. When there are more, the client waits, and with
// it the network: back pressure.
constexpr size_t kQueueCapacity = 1024;
// The wall clock may be set while the scheduler sleeps.
constexpr Duration kLongestSleep = std::chrono::seconds(1);

}  // namespace

struct Manager::Rep {
  Rep(storage::Appender& appender, net::HttpClient& client, const Clock& c, Fs& fs,
      SelfMetrics& metrics, Options options)
      : clock(c),
        workers("scrape", options.workers, kQueueCapacity),
        wake_mu(LockRank::kLeaf),
        engine(
            appender, client, c, fs, metrics, std::move(options), &workers,
            {.post = [this](std::function<void()> task) { return workers.Submit(std::move(task)); },
             .wake = [this] { Wake(); }}),
        scheduler([this] { Schedule(); }) {}

  void Wake() {
    const MutexLock lock(wake_mu);
    woken = true;
    wake.NotifyOne();
  }

  void Schedule() {
    SetThreadName("scrape-timer");
    while (true) {
      const Timestamp next = engine.RunDue();
      const MutexLock lock(wake_mu);
      if (stopping) return;
      const Duration sleep = std::clamp(next - clock.Now(), Duration::zero(), kLongestSleep);
      if (!woken && sleep > Duration::zero()) (void)wake.WaitFor(wake_mu, sleep);
      woken = false;
      if (stopping) return;
    }
  }

  void Stop() {
    engine.Stop();
    {
      const MutexLock lock(wake_mu);
      stopping = true;
      wake.NotifyOne();
    }
    if (scheduler.joinable()) scheduler.join();
    workers.Stop();
  }

  const Clock& clock;
  Workers workers;
  Mutex wake_mu;
  CondVar wake;
  bool woken CANOPY_GUARDED_BY(wake_mu) = false;
  bool stopping CANOPY_GUARDED_BY(wake_mu) = false;
  Engine engine;
  std::thread scheduler;  // last: it uses all of the above
};

Manager::Manager(storage::Appender& appender, net::HttpClient& client, const Clock& clock, Fs& fs,
                 SelfMetrics& metrics, Options options)
    : rep_(std::make_unique<Rep>(appender, client, clock, fs, metrics, std::move(options))) {}
Manager::~Manager() { Stop(); }

Status Manager::ApplyConfig(const config::Config& config) {
  return rep_->engine.ApplyConfig(config);
}
void Manager::SetTargets(const discovery::JobGroups& groups) { rep_->engine.SetTargets(groups); }
void Manager::Stop() { rep_->Stop(); }
TargetsSnapshot Manager::Targets(std::string_view pool) const { return rep_->engine.Targets(pool); }
std::vector<std::string> Manager::Pools() const { return rep_->engine.Pools(); }

}  // namespace canopy::scrape
