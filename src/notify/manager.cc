#include "canopy/notify/manager.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "canopy/base/log.h"
#include "canopy/base/mutex.h"
#include "canopy/base/workers.h"
#include "notify/endpoints.h"
#include "notify/inbox.h"
#include "notify/metrics.h"
#include "notify/outbox.h"
#include "notify/sender.h"

namespace canopy::notify {
namespace {

// The clock is handed in and may be turned while the thread sleeps.
constexpr Duration kLongestSleep = std::chrono::seconds(1);
// How often the outbox is looked through for what has become too old.
constexpr Duration kPruneInterval = std::chrono::minutes(1);

int64_t Nanos(Duration d) { return std::chrono::nanoseconds(d).count(); }

std::string JobName(size_t index) { return "config-" + std::to_string(index); }

std::vector<model::Alert> Relabelled(const std::vector<model::Alert>& alerts,
                                     const model::Labels& external_labels,
                                     const model::RelabelRules& rules) {
  std::vector<model::Alert> out;
  model::LabelsBuilder labels;
  for (const model::Alert& alert : alerts) {
    labels.Reset(alert.labels);
    for (const model::LabelView l : external_labels)
      if (!alert.labels.Has(l.name)) labels.Set(l.name, l.value);
    if (!rules.Apply(labels)) continue;
    model::Labels left = labels.Build();
    if (left.empty()) continue;  // nothing is left to tell it by: no Alertmanager takes it
    out.push_back(alert);
    out.back().labels = std::move(left);
  }
  return out;
}

std::vector<Notice> MakeNotices(const std::vector<model::Alert>& alerts) {
  std::vector<Notice> out;
  out.reserve(alerts.size());
  for (const model::Alert& alert : alerts) out.push_back(MakeNotice(alert));
  return out;
}

}  // namespace

std::map<std::string, config::DiscoveryConfig> DiscoveryJobs(const config::AlertingConfig& config) {
  std::map<std::string, config::DiscoveryConfig> jobs;
  for (size_t i = 0; i < config.alertmanagers.size(); ++i)
    jobs.emplace(JobName(i), config.alertmanagers[i].discovery);
  return jobs;
}

struct Manager::Rep {
  // One entry of alerting.alertmanagers.
  struct Entry {
    explicit Entry(const config::AlertmanagerConfig& c)
        : config(c), http(std::make_shared<const net::HttpClientConfig>(c.http)) {}

    const config::AlertmanagerConfig config;
    const std::shared_ptr<const net::HttpClientConfig> http;
    std::optional<std::vector<discovery::TargetGroup>> groups;  // none: discovery has not spoken
  };
  using EntryPtr = std::shared_ptr<Entry>;

  // One Alertmanager, and the entries that name it, in order; never none.
  struct Peer {
    std::unique_ptr<Sender> sender;
    std::vector<EntryPtr> entries;
  };

  Rep(Deps deps_in, ManagerOptions options_in, std::unique_ptr<Outbox> outbox_in)
      : deps(deps_in),
        options(std::move(options_in)),
        inbox(std::make_shared<Inbox>()),
        metrics(deps.metrics),
        mu(LockRank::kNotify),
        outbox(std::move(outbox_in)) {
    metrics.queue_capacity.Set(static_cast<double>(options.queue_capacity));
  }

  // Constant after construction, or with locks of its own.
  const Deps deps;
  const ManagerOptions options;
  const std::shared_ptr<Inbox> inbox;
  const ManagerMetrics metrics;

  mutable Mutex mu;
  const std::unique_ptr<Outbox> outbox CANOPY_GUARDED_BY(mu);
  model::Labels external_labels CANOPY_GUARDED_BY(mu);
  model::RelabelRules rules CANOPY_GUARDED_BY(mu);
  std::vector<EntryPtr> entries CANOPY_GUARDED_BY(mu);
  std::map<std::string, Peer> peers CANOPY_GUARDED_BY(mu);  // by URL
  std::vector<std::string> dropped CANOPY_GUARDED_BY(mu);
  int64_t prune_at CANOPY_GUARDED_BY(mu) = 0;  // monotonic nanoseconds
  bool stopping CANOPY_GUARDED_BY(mu) = false;

  // Used by Start() and Stop() alone.
  std::thread thread;

  // --- which Alertmanagers there are ---

  void ApplyConfig(const config::AlertingConfig& alerting, const model::Labels& external) {
    const MutexLock lock(mu);
    external_labels = external;
    rules = alerting.alert_relabel_configs.rules;
    std::vector<EntryPtr> changed;
    for (const config::AlertmanagerConfig& config : alerting.alertmanagers) {
      changed.push_back(std::make_shared<Entry>(config));
      for (const EntryPtr& old : entries)
        if (old->config.discovery == config.discovery) changed.back()->groups = old->groups;
    }
    entries = std::move(changed);
    Sync();
  }

  void SetTargets(const discovery::JobGroups& groups) {
    const MutexLock lock(mu);
    for (size_t i = 0; i < entries.size(); ++i)
      if (const auto it = groups.find(JobName(i)); it != groups.end())
        entries[i]->groups = it->second;
    Sync();
  }

  // Makes the peers those that the entries name. While discovery has not spoken of some entry, what
  // is no longer named stays as it was: it may be of that one.
  void Sync() CANOPY_REQUIRES(mu) {
    if (stopping) return;
    std::map<std::string, std::vector<EntryPtr>> wanted;
    bool complete = true;
    dropped.clear();
    for (const EntryPtr& entry : entries) {
      complete = complete && entry->groups;
      if (!entry->groups) continue;
      Endpoints found = FindEndpoints(entry->config, *entry->groups);
      for (std::string& url : found.active) wanted[std::move(url)].push_back(entry);
      std::move(found.dropped.begin(), found.dropped.end(), std::back_inserter(dropped));
    }
    if (complete) std::erase_if(peers, [&](const auto& p) { return !wanted.contains(p.first); });
    for (auto& [url, by] : wanted) {
      Peer& peer = peers[url];
      if (!peer.sender) peer.sender = std::make_unique<Sender>(SenderEnv(), url);
      peer.sender->Configure({by[0]->config.timeout, by[0]->http});
      peer.entries = std::move(by);
    }
    metrics.alertmanagers_discovered.Set(static_cast<double>(peers.size()));
    inbox->Wake();
  }

  Sender::Env SenderEnv() const CANOPY_REQUIRES(mu) {
    return {deps.clock, deps.http, deps.metrics, options, *outbox, inbox};
  }

  Alertmanagers Known() const {
    const MutexLock lock(mu);
    Alertmanagers out;
    for (const auto& [url, peer] : peers) out.active.push_back(url);
    out.dropped = dropped;
    return out;
  }

  // --- what they are told ---

  void Send(const std::vector<model::Alert>& alerts) {
    const MutexLock lock(mu);
    if (stopping || peers.empty()) return;
    auto told = Tell(Relabelled(alerts, external_labels, rules));
    Store(told);
    for (auto& [url, notices] : told)
      for (Notice& notice : notices) peers.at(url).sender->Push(std::move(notice));
    inbox->Wake();
  }

  // What each peer is to be told, by URL.
  std::map<std::string, std::vector<Notice>> Tell(const std::vector<model::Alert>& alerts)
      CANOPY_REQUIRES(mu) {
    std::map<const Entry*, std::vector<Notice>> by_entry;
    const std::vector<Notice> plain = MakeNotices(alerts);
    std::map<std::string, std::vector<Notice>> out;
    for (const auto& [url, peer] : peers) {
      std::vector<Notice>& told = out[url];
      for (const EntryPtr& entry : peer.entries) {
        const auto& own = entry->config.alert_relabel_configs;
        if (!own.empty() && !by_entry.contains(entry.get()))
          by_entry[entry.get()] = MakeNotices(Relabelled(alerts, {}, own.rules));
        const std::vector<Notice>& notices = own.empty() ? plain : by_entry[entry.get()];
        told.insert(told.end(), notices.begin(), notices.end());
      }
    }
    return out;
  }

  // On disk before anybody hears of them, so that they are told whatever happens.
  void Store(const std::map<std::string, std::vector<Notice>>& told) CANOPY_REQUIRES(mu) {
    std::vector<Outbox::Row> rows;
    for (const auto& [url, notices] : told)
      for (const Notice& notice : notices)
        if (notice.resolved) rows.push_back({url, &notice});
    const Status status = outbox->Put(rows);
    if (!status.ok()) {
      LOG_ERROR("Writing the outbox of notices failed; a restart may lose the ends of alerts",
                {"count", rows.size()}, {"err", status.message()});
    }
  }

  // --- how it gets there ---

  Duration RunDue() {
    const std::vector<Inbox::Item> items = inbox->Take();
    const MutexLock lock(mu);
    for (const Inbox::Item& item : items) {
      for (auto& [url, peer] : peers)
        if (peer.sender->Finish(item.ticket, item.response)) break;
    }
    const int64_t now = deps.clock.MonotonicNanos();
    Prune(now);
    int64_t next = Sender::kNever;
    for (auto& [url, peer] : peers) next = std::min(next, peer.sender->SendDue());
    if (next == Sender::kNever) return Duration::max();
    return std::chrono::ceil<Duration>(std::chrono::nanoseconds(std::max<int64_t>(next - now, 0)));
  }

  void Prune(int64_t now) CANOPY_REQUIRES(mu) {
    if (now < prune_at) return;
    prune_at = now + Nanos(kPruneInterval);
    const Status status = outbox->RemoveOlder(deps.clock.Now() - kResolvedRetention);
    if (!status.ok()) LOG_ERROR("Pruning the outbox of notices failed", {"err", status.message()});
  }

  void Run() {
    SetThreadName("notify");
    for (;;) {
      const Duration wait = RunDue();
      {
        const MutexLock lock(mu);
        if (stopping) return;
      }
      inbox->Wait(std::min(wait, kLongestSleep));
    }
  }

  // --- the end ---

  void Stop() {
    {
      const MutexLock lock(mu);
      if (stopping) return;
      stopping = true;
    }
    inbox->Wake();
    if (thread.joinable()) {
      thread.join();
      if (options.drain_on_shutdown) Drain();
    }
    const MutexLock lock(mu);
    for (auto& [url, peer] : peers) {
      if (const size_t count = peer.sender->Abandon(); count > 0) {
        LOG_WARN("Alert notification queue not drained on shutdown, dropping alerts",
                 {"alertmanager", url}, {"count", count});
      }
    }
  }

  void Drain() {
    const int64_t deadline = deps.clock.MonotonicNanos() + Nanos(options.drain_timeout);
    {
      const MutexLock lock(mu);
      for (auto& [url, peer] : peers) peer.sender->Drain(deadline);
    }
    for (;;) {
      (void)RunDue();
      const auto left = std::chrono::nanoseconds(deadline - deps.clock.MonotonicNanos());
      if (left.count() <= 0 || !Busy()) return;
      inbox->Wait(std::min(std::chrono::ceil<Duration>(left), kLongestSleep));
    }
  }

  bool Busy() const {
    const MutexLock lock(mu);
    return std::any_of(peers.begin(), peers.end(),
                       [](const auto& p) { return p.second.sender->busy(); });
  }
};

Manager::Manager(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
Manager::~Manager() { Stop(); }

Result<std::unique_ptr<Manager>> Manager::Create(Deps deps, ManagerOptions options) {
  options.queue_capacity = std::max<size_t>(options.queue_capacity, 1);
  options.batch_size = std::max<size_t>(options.batch_size, 1);
  CANOPY_ASSIGN_OR_RETURN(auto outbox, Outbox::Open(options.outbox_path));
  return std::unique_ptr<Manager>(
      new Manager(std::make_unique<Rep>(deps, std::move(options), std::move(outbox))));
}

void Manager::ApplyConfig(const config::AlertingConfig& alerting,
                          const model::Labels& external_labels) {
  rep_->ApplyConfig(alerting, external_labels);
}
void Manager::SetTargets(const discovery::JobGroups& groups) { rep_->SetTargets(groups); }
void Manager::Send(std::vector<model::Alert> alerts) { rep_->Send(alerts); }
Alertmanagers Manager::Known() const { return rep_->Known(); }
void Manager::Stop() { rep_->Stop(); }
Duration Manager::RunDue() { return rep_->RunDue(); }
void Manager::Start() {
  rep_->thread = std::thread([rep = rep_.get()] { rep->Run(); });
}

}  // namespace canopy::notify
