#include "rules/restore.h"

#include <unordered_map>

#include "canopy/base/log.h"
#include "canopy/model/sample.h"
#include "rules/alerting_rule.h"

namespace canopy::rules {

namespace {

// The last sample of each stored ALERTS_FOR_STATE series, by the labels without the name.
using StateByLabels = std::unordered_map<model::Labels, model::Sample>;

// Labels whose text is a template differ from alert to alert: they cannot be asked for.
model::Matchers ForStateMatchers(const RuleSpec& spec) {
  const auto equal = [](std::string_view name, std::string_view value) {
    return model::Matcher::Literal(model::MatchType::kEqual, std::string(name), std::string(value));
  };
  model::Matchers matchers = {equal(model::kMetricName, kForStateMetric),
                              equal(model::kAlertName, spec.name)};
  for (const auto& [name, value] : spec.labels) {
    if (name == model::kAlertName || value.find("{{") != std::string::npos) continue;
    matchers.push_back(equal(name, value));
  }
  return matchers;
}

Result<StateByLabels> ReadStates(const RuleSpec& spec, storage::Queryable& store, Timestamp from,
                                 Timestamp until) {
  CANOPY_ASSIGN_OR_RETURN(const auto querier, store.NewQuerier(from, until));
  storage::SelectHints hints;
  hints.newest_only = true;
  const model::Matchers matchers = ForStateMatchers(spec);
  CANOPY_ASSIGN_OR_RETURN(const auto set, querier->Select(matchers, hints));
  StateByLabels states;
  storage::ColumnBuffer buffer;
  model::LabelsBuilder builder;
  for (size_t i = 0; i < set->size(); ++i) {
    CANOPY_ASSIGN_OR_RETURN(const storage::Columns columns, set->Read(i, from, until, buffer));
    if (columns.times.empty()) continue;
    builder.Reset(set->labels(i).ToLabels());
    builder.Del(model::kMetricName);
    states[builder.Build()] = {Timestamp::FromMs(columns.times.back()), columns.values.back()};
  }
  return states;
}

}  // namespace

Timestamp RestoredActiveAt(Timestamp active_at, Timestamp down_at, Timestamp now, Duration hold,
                           Duration grace_period) {
  const Duration remaining = hold - (down_at - active_at);
  // It was firing: it fires again at the next evaluation.
  if (remaining <= Duration(0)) return active_at;
  // It would fire at once, before anybody had a chance to see that all is well: it fires when the
  // grace period ends.
  if (remaining < grace_period) return now + grace_period - hold;
  return active_at + (now - down_at);
}

void RestoreForState(AlertingRule& rule, storage::Queryable& store, Timestamp now,
                     const RestoreLimits& limits) {
  if (rule.restored()) return;
  const Duration hold = rule.spec().hold;
  // Such a rule fires before the grace period ends anyhow.
  if (hold < limits.grace_period) return rule.SetRestored();
  const auto states = ReadStates(rule.spec(), store, now - limits.outage_tolerance, now);
  if (!states.ok()) {
    LOG_ERROR("Failed to restore 'for' state", {"alertname", rule.spec().name},
              {"err", states.status().message()});
    return rule.SetRestored();
  }
  rule.RestoreActiveAt([&](const model::Labels& labels) -> std::optional<Timestamp> {
    const auto it = states->find(labels);
    if (it == states->end() || model::IsStale(it->second.value)) return std::nullopt;
    return RestoredActiveAt(Timestamp::FromSeconds(it->second.value), it->second.time, now, hold,
                            limits.grace_period);
  });
}

}  // namespace canopy::rules
