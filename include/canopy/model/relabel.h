#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/model/labels.h"

namespace canopy::model {

enum class RelabelAction : unsigned char {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};

std::string_view RelabelActionText(RelabelAction action);
// In any case; kInvalid for other words.
Result<RelabelAction> ParseRelabelAction(std::string_view text);

// One entry of relabel_configs as written, with Prometheus's defaults.
struct RelabelConfig {
  std::vector<std::string> source_labels = {};
  std::string separator = ";";
  std::string regex = "(.*)";
  uint64_t modulus = 0;
  std::string target_label = {};
  std::string replacement = "$1";
  RelabelAction action = RelabelAction::kReplace;
  friend bool operator==(const RelabelConfig&, const RelabelConfig&) = default;
};

// A compiled list of relabel configs. Immutable, copyable cheaply, thread-safe.
class RelabelRules {
 public:
  RelabelRules() = default;
  // Checks what Prometheus checks (modulus present, target label valid, regex compiles, keys that
  // an action does not take) with its messages.
  static Result<RelabelRules> Compile(std::span<const RelabelConfig> configs,
                                      NameValidation names = NameValidation::kUtf8);

  bool empty() const { return !rules_ || rules_->empty(); }
  // Applies the rules in order. False when the target or series is to be dropped; `labels` then
  // holds what it had when it was dropped.
  bool Apply(LabelsBuilder& labels) const;

 private:
  struct Rule;
  std::shared_ptr<const std::vector<Rule>> rules_;
};

}  // namespace canopy::model
