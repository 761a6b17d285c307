#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/time.h"
#include "canopy/model/alert.h"
#include "canopy/model/labels.h"

// How groups, rules and alerts stand, as plain values: what the API shows.

namespace canopy::rules {

// In the order of their weight: a rule is in the highest state of its alerts. kUnknown until the
// first evaluation of the rule.
enum class AlertState : unsigned char { kUnknown, kInactive, kPending, kFiring };
// "unknown", "inactive", "pending", "firing"
std::string_view AlertStateText(AlertState state);

enum class RuleHealth : unsigned char { kUnknown, kGood, kBad };
// "unknown", "ok", "err"
std::string_view RuleHealthText(RuleHealth health);

enum class RuleKind : unsigned char { kRecording, kAlerting };
// "recording", "alerting"
std::string_view RuleKindText(RuleKind kind);

// A pending or firing alert. Resolved ones are not shown.
struct ActiveAlert {
  model::Labels labels;
  model::Annotations annotations;
  AlertState state = AlertState::kPending;
  Timestamp active_at;
  // Since when it fires only because of keep_firing_for.
  std::optional<Timestamp> keep_firing_since;
  double value = 0;
};

struct RuleSnapshot {
  RuleKind kind = RuleKind::kRecording;
  std::string name;           // the alert's name, or the metric's
  std::string query;          // the expression, as the parser prints it
  model::Annotations labels;  // as written (templates not expanded), the group's included
  RuleHealth health = RuleHealth::kUnknown;
  std::string last_error;                    // "" when the last evaluation succeeded
  double evaluation_seconds = 0;             // how long the last evaluation took
  std::optional<Timestamp> last_evaluation;  // none before the first

  // Alerting rules only.
  AlertState state = AlertState::kUnknown;
  Duration hold{0};  // `for`
  Duration keep_firing_for{0};
  model::Annotations annotations;
  std::vector<ActiveAlert> alerts;  // sorted by labels
};

struct GroupSnapshot {
  std::string name;
  std::string file;
  std::vector<RuleSnapshot> rules;  // in the file's order
  Duration interval{0};
  uint64_t limit = 0;                        // 0: none
  double evaluation_seconds = 0;             // of all its rules, last time
  std::optional<Timestamp> last_evaluation;  // none before the first
};

}  // namespace canopy::rules
