#include "rules/group_spec.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "canopy/base/check.h"
#include "canopy/promql/parser.h"

namespace canopy::rules {

namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;

// By name; of equal names the rule's own counts.
model::Annotations Merge(const Texts& group, const Texts& own) {
  std::map<std::string, std::string> merged(group.begin(), group.end());
  for (const auto& [name, value] : own) merged[name] = value;
  return {merged.begin(), merged.end()};
}

RuleSpec BuildRule(const config::RuleGroupText& group, const config::RuleText& text,
                   const promql::Features& features) {
  RuleSpec spec;
  spec.kind = text.alert.empty() ? RuleKind::kRecording : RuleKind::kAlerting;
  spec.name = text.alert.empty() ? text.record : text.alert;
  const auto expr = promql::ParseExpr(text.expr, features);
  CANOPY_CHECK(expr.ok());
  spec.expr = promql::ToString(**expr);
  spec.labels = Merge(group.labels, text.labels);
  spec.hold = text.hold_for;
  spec.keep_firing_for = text.keep_firing_for;
  spec.annotations = Merge({}, text.annotations);
  return spec;
}

}  // namespace

std::vector<GroupSpec> BuildSpecs(const RuleSet& set, const promql::Features& features) {
  std::vector<GroupSpec> specs;
  for (const config::RuleFile& file : set.files) {
    for (const config::RuleGroupText& group : file.groups) {
      GroupSpec& spec = specs.emplace_back();
      spec.name = group.name;
      spec.file = file.path;
      spec.interval = std::max(group.interval.value_or(set.evaluation_interval), Duration(1));
      spec.query_offset = group.query_offset.value_or(set.query_offset);
      spec.limit = static_cast<uint64_t>(std::max<int64_t>(group.limit, 0));
      spec.external_labels = set.external_labels;
      spec.external_url = set.external_url;
      for (const config::RuleText& rule : group.rules) {
        spec.rules.push_back(BuildRule(group, rule, features));
      }
    }
  }
  std::stable_sort(specs.begin(), specs.end(), [](const GroupSpec& a, const GroupSpec& b) {
    return std::tie(a.file, a.name) < std::tie(b.file, b.name);
  });
  return specs;
}

}  // namespace canopy::rules
