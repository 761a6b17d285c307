#include "canopy/rules/manager.h"

#include <algorithm>
#include <deque>
#include <map>
#include <thread>

#include "canopy/base/log.h"
#include "canopy/base/workers.h"
#include "canopy/config/rule_file.h"
#include "rules/group.h"
#include "rules/schedule.h"

namespace canopy::rules {

namespace {

// The wall clock may be set: the timer looks at it at least this often.
constexpr Duration kLongestSleep = std::chrono::seconds(1);
// Tasks that wait for a worker: each group has at most one.
constexpr size_t kQueueCapacity = 1'000'000;

}  // namespace

RuleSet::RuleSet() = default;
RuleSet::~RuleSet() = default;
RuleSet::RuleSet(RuleSet&&) noexcept = default;
RuleSet& RuleSet::operator=(RuleSet&&) noexcept = default;

struct Manager::Rep {
  Rep(Deps deps_in, ManagerOptions options_in)
      : deps(std::move(deps_in)),
        options(options_in),
        metrics(deps.metrics),
        env{deps.clock, deps.appender, deps.metrics,
            deps.send,  options,       RuleEnv{deps.queryable, deps.engine, cancel, metrics}},
        mu(LockRank::kRules) {}

  // A group and its place in time.
  struct Entry {
    explicit Entry(std::unique_ptr<Group> g) : group(std::move(g)) {}

    const std::unique_ptr<Group> group;
    // Guarded by mu.
    Timestamp last;  // the slot of the last evaluation, or the one that came before the first
    bool running = false;
    bool retired = false;  // no longer evaluated

    Timestamp next() const { return last + group->spec().interval; }
  };
  using EntryPtr = std::shared_ptr<Entry>;

  // The series of a group that is gone. They are ended some time later, as of then: a group of
  // another name may go on with them.
  struct Ending {
    std::vector<SeriesRef> series;
    Timestamp ended_at;
    Timestamp due;
  };

  using Task = std::function<void()>;

  // Constant after construction, or with locks of its own.
  const Deps deps;
  const ManagerOptions options;
  const RuleMetrics metrics;
  promql::CancelToken cancel;
  const GroupEnv env;

  mutable Mutex mu;
  CondVar changed;  // the timer has something to look at
  CondVar idle;     // a group has been evaluated, an update is done
  std::vector<EntryPtr> entries CANOPY_GUARDED_BY(mu);
  std::deque<Ending> endings CANOPY_GUARDED_BY(mu);
  bool updating CANOPY_GUARDED_BY(mu) = false;
  bool updated_before CANOPY_GUARDED_BY(mu) = false;
  bool stopping CANOPY_GUARDED_BY(mu) = false;

  // Used by Start() and Stop() alone.
  std::unique_ptr<Workers> workers;
  std::thread timer;

  // --- evaluation ---

  Timestamp FirstSlotBefore(const Entry& entry) const {
    const GroupSpec& spec = entry.group->spec();
    return SlotAtOrBefore(deps.clock.Now(), spec.interval, SlotOffset(spec.Key(), spec.interval));
  }

  // Takes what is due, earliest first; each task must be run.
  std::vector<Task> TakeDue() CANOPY_REQUIRES(mu) {
    std::vector<std::pair<Timestamp, Task>> due;
    const Timestamp now = deps.clock.Now();
    for (const EntryPtr& entry : entries) {
      // The clock was set back by more than what slots bear.
      if (entry->last - now > entry->group->spec().interval) entry->last = FirstSlotBefore(*entry);
      if (entry->running || entry->retired || now < entry->next()) continue;
      const NextSlot next = SlotAfter(entry->last, now, entry->group->spec().interval);
      GroupMetrics& counts = entry->group->metrics();
      counts.iterations.Add(static_cast<double>(next.missed + 1));
      if (next.missed > 0) counts.iterations_missed.Add(static_cast<double>(next.missed));
      due.emplace_back(entry->next(), [this, entry, slot = next.slot] { Evaluate(entry, slot); });
      entry->last = next.slot;
      entry->running = true;
    }
    for (size_t i = endings.size(); i-- > 0;) {
      if (now < endings[i].due) continue;
      due.emplace_back(now, [this, ending = std::move(endings[i])] { End(ending); });
      endings.erase(endings.begin() + static_cast<std::ptrdiff_t>(i));
    }
    std::stable_sort(due.begin(), due.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Task> tasks;
    for (auto& [at, task] : due) tasks.push_back(std::move(task));
    return tasks;
  }

  Timestamp NextDue() const CANOPY_REQUIRES(mu) {
    Timestamp next = Timestamp::Max();
    for (const EntryPtr& entry : entries) {
      if (!entry->running && !entry->retired) next = std::min(next, entry->next());
    }
    for (const Ending& ending : endings) next = std::min(next, ending.due);
    return next;
  }

  void Evaluate(const EntryPtr& entry, Timestamp slot) {
    entry->group->Evaluate(slot);
    const MutexLock lock(mu);
    entry->running = false;
    idle.NotifyAll();
    changed.NotifyOne();
  }

  void End(const Ending& ending) {
    storage::Batch batch;
    batch.ended = ending.series;
    batch.ended_at = ending.ended_at;
    const auto report = deps.appender.Append(batch);
    if (!report.ok()) {
      LOG_WARN("Stale sample appending for previous configuration failed",
               {"err", report.status().message()});
    }
  }

  void RunTimer() {
    SetThreadName("rules-timer");
    for (;;) {
      std::vector<Task> tasks;
      {
        const MutexLock lock(mu);
        if (stopping) return;
        tasks = TakeDue();
        if (tasks.empty()) {
          const Duration wait = NextDue() - deps.clock.Now();
          changed.WaitFor(mu, std::clamp(wait, Duration(1), kLongestSleep));
          continue;
        }
      }
      for (Task& task : tasks) CANOPY_CHECK(workers->Submit(std::move(task)));
    }
  }

  // --- update ---

  // What becomes of the groups there are.
  struct Plan {
    std::vector<EntryPtr> kept;      // by new spec; none where a group must be made
    std::vector<EntryPtr> replaced;  // by new spec; whose state the new group takes over
    std::vector<EntryPtr> removed;
    bool restored = false;  // of new groups: nothing to read back from an earlier process
  };

  // Stops what goes, and waits until it is not running.
  Plan Prepare(const std::vector<GroupSpec>& specs) {
    const MutexLock lock(mu);
    while (updating) idle.Wait(mu);
    updating = true;
    Plan plan;
    plan.kept.resize(specs.size());
    plan.replaced.resize(specs.size());
    plan.restored = updated_before;
    std::map<std::string, EntryPtr> old;
    for (const EntryPtr& entry : entries) old.emplace(entry->group->spec().Key(), entry);
    for (size_t i = 0; i < specs.size(); ++i) {
      const auto it = old.find(specs[i].Key());
      if (it == old.end()) continue;
      const bool same = it->second->group->spec() == specs[i];
      (same ? plan.kept : plan.replaced)[i] = it->second;
      if (!same) Retire(*it->second);
      old.erase(it);
    }
    for (auto& [key, entry] : old) {
      Retire(*entry);
      plan.removed.push_back(entry);
    }
    const auto busy = [&](const EntryPtr& entry) { return entry && entry->running; };
    while (std::any_of(plan.replaced.begin(), plan.replaced.end(), busy) ||
           std::any_of(plan.removed.begin(), plan.removed.end(), busy)) {
      idle.Wait(mu);
    }
    return plan;
  }

  static void Retire(Entry& entry) {
    entry.retired = true;
    entry.group->Stop();
  }

  void Carry(std::vector<GroupSpec> specs, const Plan& plan) {
    std::vector<EntryPtr> next;
    for (size_t i = 0; i < specs.size(); ++i) {
      if (plan.kept[i]) {
        next.push_back(plan.kept[i]);
        continue;
      }
      auto group = std::make_unique<Group>(env, std::move(specs[i]), plan.restored);
      if (plan.replaced[i]) group->CopyState(*plan.replaced[i]->group);
      next.push_back(std::make_shared<Entry>(std::move(group)));
      next.back()->last = FirstSlotBefore(*next.back());
    }
    const Timestamp now = deps.clock.Now();
    std::vector<Ending> ended;
    for (const EntryPtr& entry : plan.removed) {
      const GroupSpec& spec = entry->group->spec();
      GroupMetrics::Remove(deps.metrics, spec.Key());
      auto series = entry->group->WrittenSeries();
      if (series.empty()) continue;
      // After the last evaluation, even if the clock still shows its very moment.
      const Timestamp at = std::max(now, entry->last + Duration(1)) - spec.query_offset;
      ended.push_back({std::move(series), at, now + 2 * spec.interval});
    }
    const MutexLock lock(mu);
    entries = std::move(next);
    for (Ending& ending : ended) endings.push_back(std::move(ending));
    updated_before = true;
    updating = false;
    idle.NotifyAll();
    changed.NotifyOne();
  }
};

Manager::Manager(Deps deps, ManagerOptions options)
    : rep_(std::make_unique<Rep>(std::move(deps), options)) {}

Manager::~Manager() { Stop(); }

Status Manager::Update(const RuleSet& rules) {
  const promql::Features& features = rep_->deps.engine.options().features;
  const std::vector<std::string> problems = FindProblems(rules.files, features);
  if (!problems.empty()) {
    std::string all;
    for (const std::string& problem : problems) all += (all.empty() ? "" : "\n") + problem;
    return Status::Invalid(std::move(all));
  }
  std::vector<GroupSpec> specs = BuildSpecs(rules, features);
  const Rep::Plan plan = rep_->Prepare(specs);
  rep_->Carry(std::move(specs), plan);
  return {};
}

void Manager::Start() {
  CANOPY_CHECK(!rep_->timer.joinable());
  {
    // Slots that have passed since the groups were read were not missed: nobody was to begin.
    const MutexLock lock(rep_->mu);
    if (rep_->stopping) return;
    for (const auto& entry : rep_->entries) entry->last = rep_->FirstSlotBefore(*entry);
  }
  rep_->workers = std::make_unique<Workers>(
      "rules", std::max(1, rep_->options.max_concurrent_evals), kQueueCapacity);
  rep_->timer = std::thread([rep = rep_.get()] { rep->RunTimer(); });
}

void Manager::Stop() {
  {
    const MutexLock lock(rep_->mu);
    rep_->stopping = true;
    rep_->cancel.Cancel();
    for (const auto& entry : rep_->entries) entry->group->Stop();
    rep_->changed.NotifyAll();
  }
  if (rep_->timer.joinable()) rep_->timer.join();
  if (rep_->workers) rep_->workers->Stop();
}

Timestamp Manager::RunDue() {
  for (;;) {
    std::vector<Rep::Task> tasks;
    {
      const MutexLock lock(rep_->mu);
      if (!rep_->stopping) tasks = rep_->TakeDue();
      if (tasks.empty()) return rep_->NextDue();
    }
    for (const auto& task : tasks) task();
  }
}

std::vector<GroupSnapshot> Manager::Groups() const {
  std::vector<Rep::EntryPtr> entries;
  {
    const MutexLock lock(rep_->mu);
    entries = rep_->entries;
  }
  std::vector<GroupSnapshot> groups;
  groups.reserve(entries.size());
  for (const auto& entry : entries) groups.push_back(entry->group->Snapshot());
  return groups;
}

std::vector<ActiveAlert> Manager::Alerts() const {
  std::vector<ActiveAlert> alerts;
  for (GroupSnapshot& group : Groups()) {
    for (RuleSnapshot& rule : group.rules) {
      std::move(rule.alerts.begin(), rule.alerts.end(), std::back_inserter(alerts));
    }
  }
  return alerts;
}

}  // namespace canopy::rules
