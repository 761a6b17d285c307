#pragma once

#include "rules/rule.h"

namespace canopy::rules {

// A series recorded under another name: expression -> name and labels replaced -> samples.
class RecordingRule : public Rule {
 public:
  RecordingRule(const GroupSpec& group, const RuleSpec& spec, const promql::Features& features);

  Result<std::vector<RuleRow>> Eval(const RuleEnv& env, const RuleTime& when) override;

 private:
  const uint64_t limit_;
};

}  // namespace canopy::rules
