#include "rules/group.h"

#include <algorithm>

#include "canopy/base/log.h"
#include "rules/alerting_rule.h"
#include "rules/restore.h"

namespace canopy::rules {

namespace {

double SecondsSince(const Clock& clock, int64_t start_nanos) {
  return static_cast<double>(clock.MonotonicNanos() - start_nanos) / 1e9;
}

}  // namespace

Group::Group(const GroupEnv& env, GroupSpec spec, bool restored)
    : env_(env),
      spec_(std::move(spec)),
      metrics_(env.metrics, spec_.Key()),
      restored_(restored),
      mu_(LockRank::kRules) {
  const promql::Features& features = env.rule.engine.options().features;
  for (const RuleSpec& rule : spec_.rules) {
    rules_.push_back({MakeRule(spec_, rule, features, restored), {}});
  }
  metrics_.rules.Set(static_cast<double>(rules_.size()));
  metrics_.interval_seconds.Set(static_cast<double>(spec_.interval.count()) / 1000);
}

void Group::Evaluate(Timestamp slot) {
  const Timestamp begun = env_.clock.Now();
  const int64_t start = env_.clock.MonotonicNanos();
  const RuleTime when{slot, spec_.query_offset};
  size_t samples = 0;
  double rule_seconds = 0;
  for (Slot& rule : rules_) {
    if (stopped_) return;
    samples += EvaluateRule(rule, when);
    rule_seconds += rule.rule->evaluation_seconds();
  }
  EndStale(when.data());
  const double seconds = SecondsSince(env_.clock, start);
  metrics_.last_samples.Set(static_cast<double>(samples));
  metrics_.last_rule_duration_sum.Set(rule_seconds);
  metrics_.last_duration.Set(seconds);
  metrics_.last_evaluation.Set(begun.seconds());
  env_.rule.metrics.group_seconds.Observe(seconds);
  env_.rule.metrics.group_seconds_histogram.Observe(seconds);
  {
    const MutexLock lock(mu_);
    evaluation_seconds_ = seconds;
    last_evaluation_ = begun;
  }
  if (++evaluations_ >= 2 && !restored_) Restore();
}

// Returns the number of samples that the rule made.
size_t Group::EvaluateRule(Slot& slot, const RuleTime& when) {
  const Timestamp begun = env_.clock.Now();
  const int64_t start = env_.clock.MonotonicNanos();
  metrics_.evaluations.Add();
  Rule& rule = *slot.rule;
  size_t samples = 0;
  Status outcome;
  RuleEnv env = env_.rule;
  env.origin.rule_file = spec_.file;
  env.origin.rule_group = spec_.name;
  auto rows = rule.Eval(env, when);
  if (rows.ok()) {
    samples = rows->size();
    auto alerts = rule.TakeDueAlerts(when.slot, env_.options.resend_delay, SendValidity());
    if (!alerts.empty() && env_.send) env_.send(std::move(alerts));
    outcome = Store(slot, *rows, when.data());
  } else {
    outcome = rows.status();
    metrics_.failures.Add();
    if (outcome.code() != Code::kCanceled) {
      LOG_WARN("Evaluating rule failed", {"file", spec_.file}, {"group", spec_.name},
               {"name", rule.spec().name}, {"err", outcome.message()});
    }
  }
  rule.SetOutcome(outcome);
  const double seconds = SecondsSince(env_.clock, start);
  rule.SetEvaluated(begun, seconds);
  env_.rule.metrics.evaluation_seconds.Observe(seconds);
  env_.rule.metrics.evaluation_seconds_histogram.Observe(seconds);
  return samples;
}

// Two evaluations, or tries to reach Alertmanager, may fail before a firing alert is given up.
Duration Group::SendValidity() const {
  return 4 * std::max(spec_.interval, env_.options.resend_delay);
}

Status Group::Store(Slot& slot, const std::vector<RuleRow>& rows, Timestamp at) {
  const auto written = slot.written.Write(env_.appender, rows, at);
  const auto warn = [&](std::string_view message, const Status& why, size_t dropped) {
    LOG_WARN(message, {"file", spec_.file}, {"group", spec_.name}, {"name", slot.rule->spec().name},
             {"num_dropped", dropped}, {"err", why.message()});
  };
  if (!written.ok()) {
    metrics_.failures.Add();
    warn("Rule sample appending failed", written.status(), rows.size());
    return written.status();
  }
  if (written->dropped > 0) {
    warn("Error on ingesting results from rule evaluation", written->why, written->dropped);
  }
  return written->why;
}

// Ends the series of rules that a reload has taken away.
void Group::EndStale(Timestamp at) {
  if (stale_.empty()) return;
  storage::Batch batch;
  batch.ended = stale_;
  batch.ended_at = at;
  const auto report = env_.appender.Append(batch);
  if (report.ok()) {
    stale_.clear();
  } else {
    LOG_WARN("Stale sample appending for previous configuration failed", {"file", spec_.file},
             {"group", spec_.name}, {"err", report.status().message()});
  }
}

void Group::Restore() {
  const int64_t start = env_.clock.MonotonicNanos();
  restored_ = true;
  const Timestamp now = env_.clock.Now();
  const RestoreLimits limits{env_.options.for_outage_tolerance, env_.options.for_grace_period};
  for (Slot& slot : rules_) {
    if (AlertingRule* rule = AsAlerting(*slot.rule)) {
      RestoreForState(*rule, env_.rule.store, now, limits);
    }
  }
  metrics_.last_restore_duration.Set(SecondsSince(env_.clock, start));
}

void Group::CopyState(const Group& from) {
  std::vector<bool> taken(from.rules_.size());
  for (Slot& slot : rules_) {
    // Of rules that look the same, the first takes over from the first, and so on.
    for (size_t i = 0; i < from.rules_.size(); ++i) {
      if (taken[i] || !slot.rule->spec().SameIdentity(from.rules_[i].rule->spec())) continue;
      taken[i] = true;
      slot.written = from.rules_[i].written;
      slot.rule->CopyState(*from.rules_[i].rule);
      break;
    }
  }
  stale_ = from.stale_;
  for (size_t i = 0; i < from.rules_.size(); ++i) {
    if (!taken[i]) from.rules_[i].written.AppendTo(stale_);
  }
  restored_ = from.restored_;
  evaluations_ = from.evaluations_;
  double seconds = 0;
  std::optional<Timestamp> last;
  {
    const MutexLock lock(from.mu_);
    seconds = from.evaluation_seconds_;
    last = from.last_evaluation_;
  }
  const MutexLock lock(mu_);
  evaluation_seconds_ = seconds;
  last_evaluation_ = last;
}

std::vector<SeriesRef> Group::WrittenSeries() const {
  std::vector<SeriesRef> all = stale_;
  for (const Slot& slot : rules_) slot.written.AppendTo(all);
  return all;
}

GroupSnapshot Group::Snapshot() const {
  GroupSnapshot out;
  out.name = spec_.name;
  out.file = spec_.file;
  out.interval = spec_.interval;
  out.limit = spec_.limit;
  {
    const MutexLock lock(mu_);
    out.evaluation_seconds = evaluation_seconds_;
    out.last_evaluation = last_evaluation_;
  }
  for (const Slot& slot : rules_) out.rules.push_back(slot.rule->Snapshot());
  return out;
}

}  // namespace canopy::rules
