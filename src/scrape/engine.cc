#include "engine.h"

#include <algorithm>
#include <set>

#include "canopy/base/hash.h"
#include "canopy/base/log.h"
#include "canopy/base/number.h"
#include "target.h"

namespace canopy::scrape {

struct Engine::Built {
  std::vector<BuiltTarget> targets;
  std::vector<DroppedTarget> dropped;
  uint64_t dropped_count = 0;
  uint64_t failed = 0;
};

std::string_view HealthText(Health health) {
  switch (health) {
    case Health::kUnknown:
      return "unknown";
    case Health::kUp:
      return "up";
    case Health::kDown:
      return "down";
  }
  return "unknown";
}

Engine::Engine(storage::Appender& appender, net::HttpClient& client, const Clock& clock, Fs& fs,
               SelfMetrics& metrics, Options options, Workers* run_on, Hooks hooks)
    : appender_(appender),
      client_(client),
      clock_(clock),
      fs_(fs),
      self_metrics_(metrics),
      options_(std::move(options)),
      run_on_(run_on),
      hooks_(std::move(hooks)),
      metrics_(metrics),
      page_metrics_(metrics),
      sync_mu_(LockRank::kScrapeSync),
      mu_(LockRank::kScrape),
      spare_mu_(LockRank::kLeaf) {}

Engine::~Engine() { Stop(); }

Result<std::map<std::string, std::shared_ptr<FailureLog>>> Engine::OpenFailureLogs(
    const config::Config& config) {
  std::map<std::string, std::shared_ptr<FailureLog>> logs;
  for (const config::ScrapeConfig& c : config.scrape_configs) {
    const std::string& path = c.scrape_failure_log_file;
    if (path.empty() || logs.contains(path)) continue;
    const auto known = failure_logs_.find(path);
    auto log =
        known != failure_logs_.end() ? known->second : std::make_shared<FailureLog>(fs_, path);
    CANOPY_RETURN_IF_ERROR(log->Open());
    logs.emplace(path, std::move(log));
  }
  return logs;
}

std::shared_ptr<const Job> Engine::MakeJob(const config::ScrapeConfig& config) const {
  const auto log = failure_logs_.find(config.scrape_failure_log_file);
  return std::make_shared<Job>(config, options_,
                               log == failure_logs_.end() ? nullptr : log->second);
}

Status Engine::ApplyConfig(const config::Config& config) {
  const MutexLock sync(sync_mu_);
  CANOPY_ASSIGN_OR_RETURN(failure_logs_, OpenFailureLogs(config));
  {
    const MutexLock lock(mu_);
    seed_ = base::XxHash64(options_.host_name + config.global.external_labels.ToString());
  }
  RemovePools(config);
  for (const config::ScrapeConfig& c : config.scrape_configs) ApplyJob(c);
  return {};
}

void Engine::RemovePools(const config::Config& config) {
  std::set<std::string> kept;
  for (const config::ScrapeConfig& c : config.scrape_configs) kept.insert(c.job_name);
  std::vector<PoolPtr> removed;  // their metrics go without the lock: a reader of them may want it
  {
    const MutexLock lock(mu_);
    for (auto it = pools_.begin(); it != pools_.end();) {
      if (kept.contains(it->first)) {
        ++it;
        continue;
      }
      for (const auto& [hash, target] : it->second->active) Leave(target);
      removed.push_back(std::move(it->second));
      it = pools_.erase(it);
    }
  }
}

void Engine::ApplyJob(const config::ScrapeConfig& config) {
  const int64_t start = clock_.MonotonicNanos();
  auto job = MakeJob(config);
  PoolPtr pool;
  {
    const MutexLock lock(mu_);
    if (const auto it = pools_.find(config.job_name); it != pools_.end()) pool = it->second;
    if (pool) {
      const bool same = pool->job->config == config && pool->job->failure_log == job->failure_log;
      if (same) return;
      pool->job = std::move(job);
    }
  }
  if (!pool) {
    AddPool(config);
    Sync(config.job_name);
    return;
  }
  metrics_.reloads.Add();
  pool->metrics->target_limit.Set(static_cast<double>(config.limits.targets));
  Sync(config.job_name);
  metrics_.ObserveReload(config.scrape_interval,
                         static_cast<double>(clock_.MonotonicNanos() - start) / 1e9);
}

void Engine::AddPool(const config::ScrapeConfig& config) {
  metrics_.pools.Add();
  auto pool = std::make_shared<Pool>();
  pool->job = MakeJob(config);
  const std::string& name = config.job_name;
  pool->metrics = std::make_unique<PoolMetrics>(
      self_metrics_, name,
      [this, name] {
        return SumMetadata(name, [](const ingest::MetadataSet& set) {
          return static_cast<double>(set.families.size());
        });
      },
      [this, name] {
        return SumMetadata(
            name, [](const ingest::MetadataSet& set) { return static_cast<double>(set.bytes()); });
      });
  pool->metrics->target_limit.Set(static_cast<double>(config.limits.targets));
  const MutexLock lock(mu_);
  pools_[name] = std::move(pool);
}

void Engine::SetTargets(const discovery::JobGroups& groups) {
  const MutexLock sync(sync_mu_);
  std::vector<std::string> changed;
  for (const auto& [name, list] : groups) {
    const auto known = groups_.find(name);
    if (known == groups_.end() || known->second != list) changed.push_back(name);
  }
  groups_ = groups;
  for (const std::string& name : changed) Sync(name);
}

// Makes the targets of a job those of its groups.
void Engine::Sync(const std::string& name) {
  const auto groups = groups_.find(name);
  if (groups == groups_.end()) return;  // discovery has not spoken yet
  PoolPtr pool;
  std::shared_ptr<const Job> job;
  {
    const MutexLock lock(mu_);
    const auto it = pools_.find(name);
    if (it == pools_.end()) return;
    pool = it->second;
    job = pool->job;
  }
  const int64_t start = clock_.MonotonicNanos();
  Built built = Build(*job, groups->second);
  pool->metrics->sync_failed.Add(static_cast<double>(built.failed));
  {
    const MutexLock lock(mu_);
    Adopt(*pool, std::move(built));
    pool->metrics->targets.Set(static_cast<double>(pool->active.size()));
  }
  const double seconds = static_cast<double>(clock_.MonotonicNanos() - start) / 1e9;
  pool->metrics->sync_seconds.Observe(seconds);
  pool->metrics->sync_seconds_histogram.Observe(seconds);
  pool->metrics->syncs.Add();
}

Engine::Built Engine::Build(const Job& job,
                            const std::vector<discovery::TargetGroup>& groups) const {
  Built out;
  const std::string& name = job.config.job_name;
  const uint64_t keep = job.config.limits.keep_dropped_targets;
  for (const discovery::TargetGroup& group : groups) {
    for (size_t i = 0; i < group.targets.size(); ++i) {
      auto built = BuildTarget(job.config, group.targets[i], group.labels);
      if (!built.ok()) {
        LOG_ERROR("Creating target failed", {"scrape_pool", name}, {"instance", i},
                  {"group", group.source}, {"err", built.status().message()});
        ++out.failed;
      } else if (!built->labels.empty()) {
        out.targets.push_back(std::move(*built));
      } else {
        ++out.dropped_count;
        if (keep == 0 || out.dropped.size() < keep)
          out.dropped.push_back({std::move(built->discovered), name});
      }
    }
  }
  return out;
}

void Engine::Adopt(Pool& pool, Built built) {
  pool.dropped = std::move(built.dropped);
  pool.dropped_count = built.dropped_count;
  std::unordered_map<uint64_t, TargetPtr> old;
  old.swap(pool.active);
  uint64_t targets = built.targets.size();
  for (const auto& [name, other] : pools_) targets += other->active.size();
  slots_ = ScrapeSlots(targets);
  for (const BuiltTarget& b : built.targets) {
    Target draft;
    draft.pool = pool.job->config.job_name;
    draft.labels = PublicLabels(b.labels);
    draft.url = TargetUrl(b.labels, pool.job->config);
    draft.unix_socket = b.labels.Get(kUnixSocket);
    draft.histograms = LabelHistograms(b.labels, pool.job->config);
    draft.hash = TargetHash(draft.labels, draft.url + draft.unix_socket);
    if (pool.active.contains(draft.hash)) continue;  // named twice
    TargetPtr target;
    if (const auto it = old.find(draft.hash); it != old.end()) {
      target = std::move(it->second);
      old.erase(it);
    } else {
      target = FindOrMake(pool, draft);
    }
    Update(*target, pool, b);
    if (!target->queued && !target->running && !stopping_) Enqueue(target, FirstScrapeOf(*target));
    pool.active[target->hash] = std::move(target);
  }
  for (const auto& [hash, target] : old) Leave(target);
  ForceErrors(pool);
}

// One that is about to end and has come back goes on as if it had never left.
TargetPtr Engine::FindOrMake(Pool& pool, Target& draft) {
  if (const auto it = leaving_.find({draft.pool, draft.hash}); it != leaving_.end()) {
    TargetPtr target = std::move(it->second);
    leaving_.erase(it);
    target->leaving = false;
    Dequeue(*target);
    return target;
  }
  auto target = std::make_shared<Target>(std::move(draft));
  target->global_url = GlobalUrl(target->url, options_);
  target->applied = pool.job;
  target->applied_histograms = target->histograms;
  target->pages = std::make_unique<ingest::TargetPages>(
      target->url, target->labels, pool.job->RulesFor(target->histograms), appender_, clock_,
      page_metrics_, metadata_);
  return target;
}

void Engine::Update(Target& target, const Pool& pool, const BuiltTarget& built) {
  target.discovered = built.discovered;
  target.job = pool.job;
  target.histograms = LabelHistograms(built.labels, pool.job->config);
  target.timeout = LabelDuration(built.labels, kTimeout);
  const Duration interval = LabelDuration(built.labels, kInterval);
  if (interval == target.interval) return;
  target.interval = interval;
  // Its place in the new interval is another one.
  Dequeue(target);
  if (target.running) target.due = FirstScrapeOf(target) - interval;
}

Timestamp Engine::FirstScrapeOf(const Target& target) const {
  return FirstScrape(clock_.Now(), target.interval, slots_, target.hash, seed_);
}

// Its series end at the time when it would have been scraped next. That is written down one
// interval later: should another target show the same series under another URL, it has been scraped
// by then, and the series go on. Source: prometheus scrape.endOfRunStaleness.
void Engine::Leave(const TargetPtr& target) {
  const bool scraped = target->last_scrape != Timestamp::Min();
  Dequeue(*target);
  if (!scraped && !target->running) return;  // there is nothing to end
  target->leaving = true;
  target->ends_at = target->running ? target->due + target->interval : target->due;
  leaving_[{target->pool, target->hash}] = target;
  if (!target->running && !stopping_)
    Enqueue(target, target->ends_at + target->interval + target->interval / 10);
}

void Engine::ForceErrors(Pool& pool) {
  const uint64_t limit = pool.job->config.limits.targets;
  Status error;
  if (limit != 0 && pool.active.size() > limit) {
    metrics_.exceeded_target_limit.Add();
    std::string message = "target_limit exceeded (number of targets: ";
    base::AppendUint(message, pool.active.size());
    base::AppendUint(message.append(", limit: "), limit);
    error = Status::Limit(message.append(")"));
  }
  for (const auto& [hash, target] : pool.active) target->forced_error = error;
}

TargetsSnapshot Engine::Targets(std::string_view pool_name) const {
  TargetsSnapshot out;
  const MutexLock lock(mu_);
  for (const auto& [name, pool] : pools_) {
    out.dropped_counts[name] = pool->dropped_count;
    if (!pool_name.empty() && name != pool_name) continue;
    for (const auto& [hash, t] : pool->active) {
      out.active.push_back({.discovered_labels = t->discovered,
                            .labels = t->labels,
                            .scrape_pool = name,
                            .scrape_url = t->url,
                            .global_url = t->global_url,
                            .last_error = t->last_error,
                            .last_scrape = t->last_scrape,
                            .last_scrape_duration = t->last_duration,
                            .health = t->health,
                            .interval = t->interval,
                            .timeout = t->timeout,
                            .metadata = t->pages->metadata()});
    }
    out.dropped.insert(out.dropped.end(), pool->dropped.begin(), pool->dropped.end());
  }
  std::sort(out.active.begin(), out.active.end(), [](const ActiveTarget& a, const ActiveTarget& b) {
    return std::tie(a.scrape_pool, a.scrape_url, a.labels.bytes()) <
           std::tie(b.scrape_pool, b.scrape_url, b.labels.bytes());
  });
  return out;
}

std::vector<std::string> Engine::Pools() const {
  const MutexLock lock(mu_);
  std::vector<std::string> names;
  for (const auto& [name, pool] : pools_) names.push_back(name);
  return names;
}

double Engine::SumMetadata(const std::string& pool,
                           double (*measure)(const ingest::MetadataSet& set)) const {
  const MutexLock lock(mu_);
  const auto it = pools_.find(pool);
  if (it == pools_.end()) return 0;
  double sum = 0;
  for (const auto& [hash, target] : it->second->active)
    if (const auto set = target->pages->metadata()) sum += measure(*set);
  return sum;
}

}  // namespace canopy::scrape
