#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "canopy/base/log.h"
#include "canopy/base/mutex.h"
#include "canopy/base/workers.h"
#include "canopy/discovery/discovery.h"
#include "discovery/target_files.h"
#include "discovery/watcher.h"

namespace canopy::discovery {
namespace {

using Jobs = std::map<std::string, config::DiscoveryConfig>;
using SteadyTime = std::chrono::steady_clock::time_point;

// At least so much time lies between two looks at files that change: a burst is one change.
constexpr Duration kGather{50};

constexpr std::string_view kTargetsMetric = "prometheus_sd_discovered_targets";
constexpr std::string_view kUpdatedMetric = "prometheus_sd_last_update_timestamp_seconds";

std::vector<TargetGroup> StaticGroups(const std::vector<config::StaticConfig>& configs) {
  std::vector<TargetGroup> out;
  for (size_t i = 0; i < configs.size(); ++i) {
    if (configs[i].targets.empty()) continue;
    TargetGroup group;
    group.source = std::to_string(i);
    for (const std::string& target : configs[i].targets) {
      group.targets.push_back({{"__address__", target}});
    }
    group.labels = configs[i].labels;
    out.push_back(std::move(group));
  }
  return out;
}

// All that the files of all jobs ask for.
struct FileWishes {
  std::set<std::string> patterns;
  std::set<std::string> dirs;
  // The smallest refresh interval of any; it then counts for all.
  std::optional<Duration> refresh_interval;
};

FileWishes WishesOf(const Jobs& jobs) {
  FileWishes out;
  for (const auto& [name, job] : jobs) {
    for (const config::FileSdConfig& config : job.file_sd_configs) {
      out.patterns.insert(config.files.begin(), config.files.end());
      out.refresh_interval =
          std::min(out.refresh_interval.value_or(config.refresh_interval), config.refresh_interval);
    }
  }
  for (const std::string& pattern : out.patterns) out.dirs.insert(std::string(DirName(pattern)));
  return out;
}

std::vector<TargetGroup> GroupsOf(const config::DiscoveryConfig& job, const TargetFiles& files) {
  std::vector<TargetGroup> out = StaticGroups(job.static_configs);
  std::vector<TargetGroup> found;
  for (const config::FileSdConfig& config : job.file_sd_configs) {
    for (const std::string& pattern : config.files) files.AppendGroups(pattern, found);
  }
  // Two patterns may match the same file.
  std::set<std::string> seen;
  for (TargetGroup& group : found) {
    if (seen.insert(group.source).second) out.push_back(std::move(group));
  }
  return out;
}

}  // namespace

struct Manager::Rep {
  Rep(std::string n, Fs& fs, SelfMetrics& m, Callback c, Options o);

  void Run();
  // A new configuration, if there is one. False: stop.
  bool TakeJobs(std::optional<Jobs>& jobs);
  void UseJobs(Jobs jobs);
  void LookAtFiles(bool reconfigured);
  // Puts the groups together; counts when they are others than before.
  void Collect();
  void Deliver();
  Duration TimeToWait() const;

  // Constant after construction.
  const std::string name;
  const Callback callback;
  const Options options;
  SelfMetrics& metrics;
  Counter& received_updates;
  Counter& delayed_updates;
  Counter& sent_updates;
  Counter& watcher_errors;

  // Owned by the thread, but for Wake().
  Watcher watcher;
  TargetFiles files;
  Jobs jobs;
  FileWishes wishes;
  JobGroups groups;
  bool undelivered = false;
  std::optional<SteadyTime> delivered_at;
  Watcher::Events events;  // not looked into yet
  SteadyTime next_look;    // for the sake of events
  SteadyTime next_poll;
  SteadyTime next_refresh;

  Mutex mu{LockRank::kDiscovery};
  std::optional<Jobs> new_jobs CANOPY_GUARDED_BY(mu);
  bool stopping CANOPY_GUARDED_BY(mu) = false;

  std::once_flag stopped;
  std::thread thread;
};

Manager::Rep::Rep(std::string n, Fs& fs, SelfMetrics& m, Callback c, Options o)
    : name(std::move(n)),
      callback(std::move(c)),
      options(o),
      metrics(m),
      received_updates(m.AddCounter("prometheus_sd_received_updates_total",
                                    "Total number of update events received from the SD providers.",
                                    {{"name", name}})),
      delayed_updates(m.AddCounter(
          "prometheus_sd_updates_delayed_total",
          "Total number of update events that couldn't be sent immediately.", {{"name", name}})),
      sent_updates(m.AddCounter("prometheus_sd_updates_total",
                                "Total number of update events sent to the SD consumers.",
                                {{"name", name}})),
      watcher_errors(
          m.AddCounter("prometheus_sd_file_watcher_errors_total",
                       "The number of File-SD errors caused by filesystem watch failures.")),
      files(fs, m) {
  m.AddGauge("prometheus_sd_failed_configs",
             "Current number of service discovery configurations that failed to load.",
             {{"name", name}});
}

void Manager::Rep::Run() {
  SetThreadName("sd-" + name);
  for (;;) {
    std::optional<Jobs> taken;
    if (!TakeJobs(taken)) return;
    const bool reconfigured = taken.has_value();
    if (reconfigured) UseJobs(std::move(*taken));
    LookAtFiles(reconfigured);
    Collect();
    const auto now = std::chrono::steady_clock::now();
    const bool due = !delivered_at || now - *delivered_at >= options.debounce;
    if (reconfigured || (undelivered && due)) Deliver();
    events.Add(watcher.Wait(TimeToWait()));
  }
}

bool Manager::Rep::TakeJobs(std::optional<Jobs>& taken) {
  MutexLock lock(mu);
  taken = std::exchange(new_jobs, std::nullopt);
  return !stopping;
}

void Manager::Rep::UseJobs(Jobs to_use) {
  for (const auto& [job, config] : jobs) {
    if (to_use.contains(job)) continue;
    metrics.Remove(kTargetsMetric, {{"name", name}, {"config", job}});
    metrics.Remove(kUpdatedMetric, {{"name", name}, {"config", job}});
  }
  jobs = std::move(to_use);
  wishes = WishesOf(jobs);
}

void Manager::Rep::LookAtFiles(bool reconfigured) {
  const auto now = std::chrono::steady_clock::now();
  const bool told = !events.empty() && now >= next_look;
  const bool polled = !wishes.patterns.empty() && now >= next_poll;
  if (!reconfigured && !told && !polled) return;
  // Watched before they are read: what is written after that is told.
  const int unwatched = watcher.Watch(wishes.dirs);
  if (reconfigured) watcher_errors.Add(unwatched);
  const bool refresh = wishes.refresh_interval && (reconfigured || now >= next_refresh);
  const Watcher::Events seen = std::exchange(events, {});
  files.Refresh(wishes.patterns, seen.files, seen.lost || (refresh && !reconfigured));
  next_look = now + kGather;
  next_poll = now + options.poll_interval;
  if (refresh) next_refresh = now + *wishes.refresh_interval;
}

void Manager::Rep::Collect() {
  JobGroups now;
  for (const auto& [job, config] : jobs) now[job] = GroupsOf(config, files);
  if (now == groups) return;
  groups = std::move(now);
  received_updates.Add();
  const auto age = delivered_at ? std::chrono::steady_clock::now() - *delivered_at
                                : std::chrono::steady_clock::duration::max();
  if (age < options.debounce) delayed_updates.Add();
  undelivered = true;
}

void Manager::Rep::Deliver() {
  for (const auto& [job, found] : groups) {
    size_t targets = 0;
    for (const TargetGroup& group : found) targets += group.targets.size();
    const SelfMetrics::MetricLabels labels = {{"name", name}, {"config", job}};
    metrics.AddGauge(kTargetsMetric, "Current number of discovered targets.", labels)
        .Set(static_cast<double>(targets));
    metrics
        .AddGauge(kUpdatedMetric, "Timestamp of the last update sent to the SD consumers.", labels)
        .Set(options.clock->Now().seconds());
  }
  callback(groups);
  sent_updates.Add();
  undelivered = false;
  delivered_at = std::chrono::steady_clock::now();
}

Duration Manager::Rep::TimeToWait() const {
  SteadyTime until = SteadyTime::max();
  if (!wishes.patterns.empty()) until = std::min(next_poll, next_refresh);
  if (!events.empty()) until = std::min(until, next_look);
  if (undelivered && delivered_at) until = std::min(until, *delivered_at + options.debounce);
  if (until == SteadyTime::max()) return Duration::max();
  const auto left = until - std::chrono::steady_clock::now();
  return std::max(Duration(0), std::chrono::ceil<Duration>(left));
}

Manager::Manager(std::string name, Fs& fs, SelfMetrics& metrics, Callback callback, Options options)
    : rep_(std::make_unique<Rep>(std::move(name), fs, metrics, std::move(callback), options)) {
  rep_->thread = std::thread([rep = rep_.get()] { rep->Run(); });
}

Manager::~Manager() { Stop(); }

void Manager::ApplyConfig(std::map<std::string, config::DiscoveryConfig> jobs) {
  {
    MutexLock lock(rep_->mu);
    rep_->new_jobs = std::move(jobs);
  }
  rep_->watcher.Wake();
}

void Manager::Stop() {
  std::call_once(rep_->stopped, [this] {
    {
      MutexLock lock(rep_->mu);
      rep_->stopping = true;
    }
    rep_->watcher.Wake();
    rep_->thread.join();
  });
}

}  // namespace canopy::discovery
