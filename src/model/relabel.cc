#include "canopy/model/relabel.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "canopy/base/hash.h"
#include "canopy/base/quote.h"
#include "canopy/model/expansion.h"
#include "canopy/model/regex.h"
#include "model/letter_case.h"

namespace canopy::model {
namespace {

// In the order of RelabelAction.
constexpr std::array<std::string_view, 11> kActions = {
    "replace",  "keep",      "drop",      "keepequal", "dropequal", "hashmod",
    "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase",
};

bool IsOneOf(RelabelAction action, std::initializer_list<RelabelAction> actions) {
  return std::find(actions.begin(), actions.end(), action) != actions.end();
}

bool HasReference(std::string_view text) { return text.find('$') != std::string_view::npos; }

// (?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+ : what target_label may be under the legacy scheme when
// it refers to captures.
bool IsLegacyNameTemplate(std::string_view text) {
  static const auto kTemplate =
      AnchoredRegex::Compile(R"((?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+)");
  return kTemplate.value()->Matches(text);
}

bool IsValidTemplate(std::string_view text, NameValidation names) {
  return names == NameValidation::kLegacy ? IsLegacyNameTemplate(text)
                                          : IsValidLabelName(text, names);
}

Status InvalidValue(const std::string& value, std::string_view key, RelabelAction action) {
  return Status::Invalid(base::Quoted(value) + " is invalid '" + std::string(key) + "' for " +
                         std::string(RelabelActionText(action)) + " action");
}

Status CheckTargetLabel(const RelabelConfig& c, NameValidation names) {
  using A = RelabelAction;
  if (!IsOneOf(c.action, {A::kReplace, A::kHashMod, A::kLowercase, A::kUppercase, A::kKeepEqual,
                          A::kDropEqual})) {
    return {};
  }
  if (c.target_label.empty()) {
    return Status::Invalid("relabel configuration for " + std::string(RelabelActionText(c.action)) +
                           " action requires 'target_label' value");
  }
  const bool valid = c.action == A::kReplace && HasReference(c.target_label)
                         ? IsValidTemplate(c.target_label, names)
                         : IsValidLabelName(c.target_label, names);
  return valid ? Status() : InvalidValue(c.target_label, "target_label", c.action);
}

// keepequal, dropequal, labeldrop and labelkeep take nothing but what they need.
Status CheckForeignKeys(const RelabelConfig& c) {
  using A = RelabelAction;
  const RelabelConfig defaults;
  const std::string action(RelabelActionText(c.action));
  if (IsOneOf(c.action, {A::kLowercase, A::kUppercase, A::kKeepEqual, A::kDropEqual}) &&
      c.replacement != defaults.replacement) {
    return Status::Invalid("'replacement' can not be set for " + action + " action");
  }
  const bool common = c.modulus == defaults.modulus && c.separator == defaults.separator &&
                      c.replacement == defaults.replacement;
  if (IsOneOf(c.action, {A::kKeepEqual, A::kDropEqual}) && !(common && c.regex == defaults.regex)) {
    return Status::Invalid(action +
                           " action requires only 'source_labels' and `target_label`, and no "
                           "other fields");
  }
  if (IsOneOf(c.action, {A::kLabelDrop, A::kLabelKeep}) &&
      !(common && c.source_labels.empty() && c.target_label.empty())) {
    return Status::Invalid(action + " action requires only 'regex', and no other fields");
  }
  return {};
}

Status Check(const RelabelConfig& c, NameValidation names) {
  if (c.action == RelabelAction::kHashMod && c.modulus == 0) {
    return Status::Invalid("relabel configuration for hashmod requires non-zero modulus");
  }
  CANOPY_RETURN_IF_ERROR(CheckTargetLabel(c, names));
  if (c.action == RelabelAction::kLabelMap && !IsValidTemplate(c.replacement, names)) {
    return InvalidValue(c.replacement, "replacement", c.action);
  }
  return CheckForeignKeys(c);
}

bool NeedsCaptures(const RelabelConfig& c) {
  if (c.action == RelabelAction::kLabelMap) return true;
  return c.action == RelabelAction::kReplace &&
         (HasReference(c.target_label) || HasReference(c.replacement));
}

// `regex` is the default and `replacement` what it captures: the usual way to copy a label.
bool IsPlainCopy(const RelabelConfig& c) {
  const RelabelConfig defaults;
  return c.action == RelabelAction::kReplace && c.regex == defaults.regex &&
         (c.replacement == "$1" || c.replacement == "${1}") && !HasReference(c.target_label);
}

}  // namespace

struct RelabelRules::Rule {
  RelabelConfig config;
  NameValidation names;
  bool plain_copy;
  std::shared_ptr<const AnchoredRegex> regex;
  Expansion target;
  Expansion replacement;

  bool Apply(LabelsBuilder& labels) const;
  std::string SourceValue(const LabelsBuilder& labels) const;
  void Replace(LabelsBuilder& labels, const std::string& value) const;
  void MapLabels(LabelsBuilder& labels) const;
};

std::string_view RelabelActionText(RelabelAction action) {
  return kActions[static_cast<size_t>(action)];
}

Result<RelabelAction> ParseRelabelAction(std::string_view text) {
  const std::string lower = ToLower(text);
  for (size_t i = 0; i < kActions.size(); ++i) {
    if (kActions[i] == lower) return static_cast<RelabelAction>(i);
  }
  return Status::Invalid("unknown relabel action " + base::Quoted(text));
}

Result<RelabelRules> RelabelRules::Compile(std::span<const RelabelConfig> configs,
                                           NameValidation names) {
  std::vector<Rule> rules;
  rules.reserve(configs.size());
  for (const RelabelConfig& config : configs) {
    CANOPY_RETURN_IF_ERROR(Check(config, names));
    const bool captures = NeedsCaptures(config);
    CANOPY_ASSIGN_OR_RETURN(auto regex, captures ? AnchoredRegex::CompileForCaptures(config.regex)
                                                 : AnchoredRegex::Compile(config.regex));
    Rule rule{config, names, IsPlainCopy(config), std::move(regex), {}, {}};
    if (captures) {
      rule.target = Expansion(config.target_label, *rule.regex);
      rule.replacement = Expansion(config.replacement, *rule.regex);
    }
    rules.push_back(std::move(rule));
  }
  RelabelRules out;
  out.rules_ = std::make_shared<const std::vector<Rule>>(std::move(rules));
  return out;
}

bool RelabelRules::Apply(LabelsBuilder& labels) const {
  if (empty()) return true;
  return std::all_of(rules_->begin(), rules_->end(),
                     [&](const Rule& rule) { return rule.Apply(labels); });
}

std::string RelabelRules::Rule::SourceValue(const LabelsBuilder& labels) const {
  std::string out;
  for (size_t i = 0; i < config.source_labels.size(); ++i) {
    if (i > 0) out += config.separator;
    out += labels.Get(config.source_labels[i]);
  }
  return out;
}

void RelabelRules::Rule::Replace(LabelsBuilder& labels, const std::string& value) const {
  if (plain_copy) {
    labels.Set(config.target_label, value);
    return;
  }
  if (!NeedsCaptures(config)) {
    if (regex->Matches(value)) labels.Set(config.target_label, config.replacement);
    return;
  }
  std::vector<std::string_view> groups;
  if (!regex->Capture(value, groups)) return;
  const std::string name = target.Apply(groups);
  // A name that came out wrong leaves the labels as they are.
  if (IsValidLabelName(name, names)) labels.Set(name, replacement.Apply(groups));
}

void RelabelRules::Rule::MapLabels(LabelsBuilder& labels) const {
  const auto before = labels.items();
  std::vector<std::string_view> groups;
  for (const auto& [name, value] : before) {
    if (regex->Capture(name, groups)) labels.Set(replacement.Apply(groups), value);
  }
}

bool RelabelRules::Rule::Apply(LabelsBuilder& labels) const {
  switch (config.action) {
    case RelabelAction::kReplace:
      Replace(labels, SourceValue(labels));
      return true;
    case RelabelAction::kKeep:
      return regex->Matches(SourceValue(labels));
    case RelabelAction::kDrop:
      return !regex->Matches(SourceValue(labels));
    case RelabelAction::kKeepEqual:
      return labels.Get(config.target_label) == SourceValue(labels);
    case RelabelAction::kDropEqual:
      return labels.Get(config.target_label) != SourceValue(labels);
    case RelabelAction::kHashMod:
      labels.Set(config.target_label,
                 std::to_string(base::Md5Low64(SourceValue(labels)) % config.modulus));
      return true;
    case RelabelAction::kLabelMap:
      MapLabels(labels);
      return true;
    case RelabelAction::kLabelDrop:
      labels.DropIf([&](std::string_view name) { return regex->Matches(name); });
      return true;
    case RelabelAction::kLabelKeep:
      labels.DropIf([&](std::string_view name) { return !regex->Matches(name); });
      return true;
    case RelabelAction::kLowercase:
      labels.Set(config.target_label, ToLower(SourceValue(labels)));
      return true;
    case RelabelAction::kUppercase:
      labels.Set(config.target_label, ToUpper(SourceValue(labels)));
      return true;
  }
  return true;
}

}  // namespace canopy::model
