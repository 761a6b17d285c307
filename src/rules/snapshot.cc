#include "canopy/rules/snapshot.h"

namespace canopy::rules {

std::string_view AlertStateText(AlertState state) {
  switch (state) {
    case AlertState::kUnknown:
      return "unknown";
    case AlertState::kInactive:
      return "inactive";
    case AlertState::kPending:
      return "pending";
    case AlertState::kFiring:
      return "firing";
  }
  return "unknown";
}

std::string_view RuleHealthText(RuleHealth health) {
  switch (health) {
    case RuleHealth::kUnknown:
      return "unknown";
    case RuleHealth::kGood:
      return "ok";
    case RuleHealth::kBad:
      return "err";
  }
  return "unknown";
}

std::string_view RuleKindText(RuleKind kind) {
  return kind == RuleKind::kAlerting ? "alerting" : "recording";
}

}  // namespace canopy::rules
