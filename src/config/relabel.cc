#include "canopy/model/relabel.h"

#include "config/sections.h"

namespace canopy::config {
namespace {

void ReadAction(const Value& from, model::RelabelAction& to) {
  if (from.is_null()) {
    from.Error("relabel action cannot be empty");
    return;
  }
  std::string text;
  Read(from, text);
  const Result<model::RelabelAction> action = model::ParseRelabelAction(text);
  if (action.ok()) {
    to = *action;
  } else {
    from.Error(action.status().message());
  }
}

// Here, so that it is found even when something else is wrong with the rule.
void ReadRegex(const Value& from, std::string& to) {
  model::RelabelConfig keep{.action = model::RelabelAction::kKeep};
  Read(from, keep.regex);
  const auto rule = model::RelabelRules::Compile({&keep, 1});
  if (rule.ok()) {
    to = keep.regex;
  } else {
    from.Error(rule.status().message());
  }
}

// The key that a message of RelabelRules::Compile is about.
Value Blamed(const Value& rule, const std::string& message) {
  if (message.find("invalid 'target_label'") != std::string::npos) return rule.At("target_label");
  if (message.find("'replacement'") != std::string::npos) return rule.At("replacement");
  return rule;
}

}  // namespace

void ReadRelabelList(const Value& map, std::string_view key, std::string_view of,
                     NameValidation names, RelabelList& to) {
  using C = model::RelabelConfig;
  static const Fields<C> kFields = {
      {"source_labels", &C::source_labels}, {"separator", &C::separator},
      {"regex", &C::regex, ReadRegex},      {"modulus", &C::modulus},
      {"target_label", &C::target_label},   {"replacement", &C::replacement},
      {"action", &C::action, ReadAction},
  };
  if (!map.Has(key)) return;
  const size_t errors = map.source().findings->errors.size();
  for (const Value& item : map.At(key).Items()) {
    if (item.is_null()) {
      item.Error("empty or null " + std::string(of));
      continue;
    }
    C& config = to.configs.emplace_back();
    ReadMap(item, Bind(kFields, config));
    const auto rule = model::RelabelRules::Compile({&config, 1}, names);
    if (!rule.ok()) Blamed(item, rule.status().message()).Error(rule.status().message());
  }
  if (map.source().findings->errors.size() != errors) return;
  to.rules = model::RelabelRules::Compile(to.configs, names).value();
}

}  // namespace canopy::config
