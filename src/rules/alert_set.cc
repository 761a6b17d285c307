#include "rules/alert_set.h"

#include <algorithm>

namespace canopy::rules {

namespace {

AlertInstance NewInstance(Timestamp now) {
  AlertInstance alert;
  alert.active_at = now;
  return alert;
}

// Whether an alert that has no result any more goes on firing because of keep_firing_for.
bool KeepsFiring(Timestamp now, AlertInstance& alert, Duration keep_firing_for) {
  if (alert.state != AlertState::kFiring || keep_firing_for <= Duration(0)) return false;
  if (!alert.keep_firing_since) alert.keep_firing_since = now;
  return now - *alert.keep_firing_since < keep_firing_for;
}

// Whether an alert without a result is of no use to anybody.
bool IsForgotten(Timestamp now, const AlertInstance& alert) {
  if (alert.state == AlertState::kPending) return true;
  return alert.resolved_at && now - *alert.resolved_at > kResolvedRetention;
}

bool IsDue(Timestamp now, const AlertInstance& alert, Duration resend_delay) {
  if (alert.state == AlertState::kPending) return false;
  if (!alert.last_sent_at) return true;
  if (alert.resolved_at && *alert.resolved_at > *alert.last_sent_at) return true;
  return *alert.last_sent_at + resend_delay < now;
}

}  // namespace

Status AlertSet::Step(Timestamp now, std::vector<AlertInput> inputs, const AlertPolicy& policy) {
  std::map<model::Labels, AlertInput*> by_labels;
  for (AlertInput& input : inputs) {
    if (!by_labels.emplace(input.labels, &input).second) {
      return Status::Execution(
          "vector contains metrics with the same labelset after applying alert labels");
    }
  }
  for (auto& [labels, input] : by_labels) {
    AlertInstance& alert = alerts_.try_emplace(labels, NewInstance(now)).first->second;
    if (!alert.active()) alert = NewInstance(now);
    alert.value = input->value;
    alert.annotations = std::move(input->annotations);
  }
  uint64_t active = 0;
  for (auto it = alerts_.begin(); it != alerts_.end();) {
    const bool in_result = by_labels.contains(it->first);
    if (!in_result && IsForgotten(now, it->second)) {
      it = alerts_.erase(it);
      continue;
    }
    StepOne(now, it->second, in_result, policy);
    if (it->second.active()) ++active;
    ++it;
  }
  if (policy.limit != 0 && active > policy.limit) {
    alerts_.clear();
    return Status::Execution("exceeded limit of " + std::to_string(policy.limit) + " with " +
                             std::to_string(active) + " alerts");
  }
  return {};
}

void AlertSet::StepOne(Timestamp now, AlertInstance& alert, bool in_result,
                       const AlertPolicy& policy) {
  if (in_result) {
    alert.keep_firing_since.reset();
  } else if (!KeepsFiring(now, alert, policy.keep_firing_for)) {
    if (alert.active()) {
      alert.state = AlertState::kInactive;
      alert.resolved_at = now;
    }
    return;
  }
  const bool held = now - alert.active_at >= policy.hold;
  if (alert.state == AlertState::kPending && held) {
    alert.state = AlertState::kFiring;
    alert.fired_at = now;
  } else if (alert.state == AlertState::kFiring && !held) {
    // A reload has given the rule a longer hold.
    alert.state = AlertState::kPending;
    alert.fired_at.reset();
    alert.last_sent_at.reset();
    alert.keep_firing_since.reset();
  }
}

AlertState AlertSet::state() const {
  AlertState state = AlertState::kInactive;
  for (const auto& [labels, alert] : alerts_) state = std::max(state, alert.state);
  return state;
}

void AlertSet::SetActiveAt(const model::Labels& labels, Timestamp active_at) {
  if (const auto it = alerts_.find(labels); it != alerts_.end()) it->second.active_at = active_at;
}

std::vector<model::Alert> AlertSet::TakeDue(Timestamp now, Duration resend_delay, Duration validity,
                                            const std::string& generator_url) {
  std::vector<model::Alert> due;
  for (auto& [labels, alert] : alerts_) {
    if (!IsDue(now, alert, resend_delay)) continue;
    alert.last_sent_at = now;
    model::Alert& out = due.emplace_back();
    out.labels = labels;
    out.annotations = alert.annotations;
    out.starts_at = alert.fired_at.value_or(alert.active_at);
    out.resolved = alert.resolved_at.has_value();
    out.ends_at = out.resolved ? *alert.resolved_at : now + validity;
    out.generator_url = generator_url;
  }
  return due;
}

}  // namespace canopy::rules
