#include "rules/recording_rule.h"

#include <unordered_set>

namespace canopy::rules {

RecordingRule::RecordingRule(const GroupSpec& group, const RuleSpec& spec,
                             const promql::Features& features)
    : Rule(spec, features), limit_(group.limit) {}

Result<std::vector<RuleRow>> RecordingRule::Eval(const RuleEnv& env, const RuleTime& when) {
  CANOPY_ASSIGN_OR_RETURN(const promql::Vector vector, Query(env, when.data()));
  std::vector<RuleRow> rows;
  rows.reserve(vector.size());
  std::unordered_set<model::Labels> seen;
  seen.reserve(vector.size());
  model::LabelsBuilder builder;
  for (const promql::VectorSample& sample : vector) {
    builder.Reset(sample.labels);
    builder.Set(model::kMetricName, spec_.name);
    for (const auto& [name, value] : spec_.labels) builder.Set(name, value);
    RuleRow& row =
        rows.emplace_back(RuleRow{builder.Build(), sample.sample.value, sample.histogram});
    if (!seen.insert(row.labels).second) {
      return Status::Execution(
          "vector contains metrics with the same labelset after applying rule labels");
    }
  }
  if (limit_ != 0 && rows.size() > limit_) {
    return Status::Execution("exceeded limit of " + std::to_string(limit_) + " with " +
                             std::to_string(rows.size()) + " series");
  }
  return rows;
}

}  // namespace canopy::rules
