#pragma once

#include <string>
#include <vector>

#include "canopy/base/time.h"
#include "canopy/config/rule_file.h"
#include "canopy/model/alert.h"
#include "canopy/model/labels.h"
#include "canopy/promql/features.h"
#include "canopy/rules/manager.h"
#include "canopy/rules/snapshot.h"

namespace canopy::rules {

// What a rule is, as far as that decides what it does: two that are equal may share their state.
struct RuleSpec {
  RuleKind kind = RuleKind::kRecording;
  std::string name;
  std::string expr;           // as the parser prints it
  model::Annotations labels;  // the group's and the rule's own, by name
  Duration hold{0};
  Duration keep_firing_for{0};
  model::Annotations annotations;

  friend bool operator==(const RuleSpec&, const RuleSpec&) = default;
  // Whether the state of the one may go over to the other: name and labels are what alerts and
  // series are known by.
  bool SameIdentity(const RuleSpec& o) const {
    return kind == o.kind && name == o.name && labels == o.labels;
  }
};

// A group with what it inherits filled in.
struct GroupSpec {
  std::string name;
  std::string file;
  Duration interval{0};
  Duration query_offset{0};
  uint64_t limit = 0;
  model::Labels external_labels;
  std::string external_url;
  std::vector<RuleSpec> rules;

  friend bool operator==(const GroupSpec&, const GroupSpec&) = default;
  // "file;group": names of groups are unique in their file only.
  std::string Key() const { return file + ";" + name; }
};

// The groups of a rule set, in the order that they are shown in. REQUIRES: FindProblems() found
// none.
std::vector<GroupSpec> BuildSpecs(const RuleSet& set, const promql::Features& features);

// All that is wrong, as CheckRuleFiles() says it.
std::vector<std::string> FindProblems(const std::vector<config::RuleFile>& files,
                                      const promql::Features& features);

}  // namespace canopy::rules
