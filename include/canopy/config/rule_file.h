#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/time.h"
#include "canopy/config/load.h"

// Rule files as written. Their form is checked here; whether an expression parses and a template
// can be expanded is for the rules module to say, which is why lines are kept.

namespace canopy::config {

struct RuleText {
  std::string record;  // the recorded series' name; "" for an alert
  std::string alert;   // the alert's name; "" for a recording rule
  std::string expr;
  Duration hold_for{0};  // `for`
  Duration keep_firing_for{0};
  std::vector<std::pair<std::string, std::string>> labels;       // by name
  std::vector<std::pair<std::string, std::string>> annotations;  // by name
  int line = 0;                                                  // where the rule begins, from 1
  int expr_line = 0;
  friend bool operator==(const RuleText&, const RuleText&) = default;
};

struct RuleGroupText {
  std::string name;                      // unique in its file
  std::optional<Duration> interval;      // unset: the global evaluation interval
  std::optional<Duration> query_offset;  // unset: the global rule_query_offset
  int64_t limit = 0;                     // alerts or series a rule may produce; 0: no limit
  std::vector<std::pair<std::string, std::string>> labels;  // by name; rules' own labels win
  std::vector<RuleText> rules;
  int line = 0;
  friend bool operator==(const RuleGroupText&, const RuleGroupText&) = default;
};

struct RuleFile {
  std::string path;
  std::vector<RuleGroupText> groups;
  friend bool operator==(const RuleFile&, const RuleFile&) = default;
};

struct RuleFileReport {
  std::optional<RuleFile> file;   // present when there are no errors
  std::vector<LoadError> errors;  // all of them, in the order of the file
  std::vector<LoadError> notices;
};

RuleFileReport LoadRuleFile(Fs& fs, const std::string& path, NameValidation names);
// The same on text; `path` names it in errors.
RuleFileReport LoadRuleText(const std::string& text, const std::string& path, NameValidation names);

// The files that the patterns of Config::rule_files match, each once, in the order of the patterns.
struct RuleFilesReport {
  std::vector<RuleFile> files;  // those without errors
  std::vector<LoadError> errors;
  std::vector<LoadError> notices;  // a name that is no pattern and no file, among others
};
RuleFilesReport LoadRuleFiles(Fs& fs, const std::vector<std::string>& patterns,
                              NameValidation names);

}  // namespace canopy::config
