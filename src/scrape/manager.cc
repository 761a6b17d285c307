#include "canopy/scrape/manager.h"

#include <algorithm>
#include <memory>

#include "canopy/base/workers.h"
#include "canopy/net/client.h"
#include "engine.h"

namespace canopy::scrape {
namespace {

// Responses that wait for a thread to be ingested. When there are more, the client waits, and with
// it the network: back pressure.
constexpr size_t kQueueCapacity = 1024;
// The wall clock may be set between two looks at it.
constexpr Duration kLongestSleep = std::chrono::seconds(1);

}  // namespace

struct Manager::Rep {
  Rep(storage::Appender& appender, net::HttpClient& client, const Clock& c, Fs& fs,
      SelfMetrics& metrics, Options options)
      : clock(c),
        workers("scrape", options.workers, kQueueCapacity),
        engine(
            appender, client, c, fs, metrics, std::move(options), &workers,
            {.post = [this](std::function<void()> task) { return workers.Submit(std::move(task)); },
             .wake = [this] { timer->RunSoon(); }}),
        timer(client.NewTimer([this] { return RunDue(); })) {}

  Duration RunDue() {
    const Timestamp next = engine.RunDue();
    return std::clamp(next - clock.Now(), Duration::zero(), kLongestSleep);
  }

  void Stop() {
    engine.Stop();
    timer.reset();
    workers.Stop();
  }

  const Clock& clock;
  Workers workers;
  Engine engine;
  std::unique_ptr<net::HttpClient::Timer> timer;  // last: it uses all of the above
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
