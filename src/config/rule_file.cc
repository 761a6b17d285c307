#include "canopy/config/rule_file.h"

#include <algorithm>
#include <map>
#include <set>

#include "canopy/base/quote.h"
#include "config/fields.h"

namespace canopy::config {
namespace {

using TextMap = std::vector<std::pair<std::string, std::string>>;

// Sorted by name.
void ReadTextMap(const Value& from, TextMap& to) {
  std::map<std::string, std::string> map;
  Read(from, map);
  to.assign(map.begin(), map.end());
}

// 0 is the same as leaving it out.
void ReadInterval(const Value& from, std::optional<Duration>& to) {
  Read(from, to);
  if (to == Duration(0)) to.reset();
}

void CheckLabels(const Value& map, const TextMap& labels, NameValidation names) {
  for (const auto& [name, value] : labels) {
    if (!model::IsValidLabelName(name, names) || name == model::kMetricName) {
      map.At("labels").At(name).Error("invalid label name: " + name);
    }
    if (!model::IsValidUtf8(value)) {
      map.At("labels").At(name).Error("invalid label value: " + base::Quoted(value));
    }
  }
}

void CheckRecord(const Value& map, const RuleText& rule, NameValidation names) {
  const auto refuse = [&](std::string_view key) {
    map.At(key).Error("invalid field '" + std::string(key) + "' in recording rule");
  };
  if (!rule.annotations.empty()) refuse("annotations");
  if (rule.hold_for != Duration(0)) refuse("for");
  if (rule.keep_firing_for != Duration(0)) refuse("keep_firing_for");
  if (!model::IsValidMetricName(rule.record, names)) {
    map.At("record").Error("invalid recording rule name: " + rule.record);
  } else if (rule.record.find_first_of("{}") != std::string::npos) {
    map.At("record").Error("braces present in the recording rule name; should it be in expr?: " +
                           rule.record);
  }
}

void CheckRule(const Value& map, const RuleText& rule, NameValidation names) {
  if (!rule.record.empty() && !rule.alert.empty()) {
    map.Error("only one of 'record' and 'alert' must be set");
  } else if (rule.record.empty() && rule.alert.empty()) {
    map.Error("one of 'record' or 'alert' must be set");
  }
  if (rule.expr.empty()) map.At("expr").Error("field 'expr' must be set in rule");
  if (!rule.record.empty()) CheckRecord(map, rule, names);
  CheckLabels(map, rule.labels, names);
  for (const auto& [name, text] : rule.annotations) {
    if (!model::IsValidLabelName(name, names)) {
      map.At("annotations").At(name).Error("invalid annotation name: " + name);
    }
  }
}

RuleText ReadRule(const Value& from, NameValidation names) {
  static const Fields<RuleText> kFields = {
      {"record", &RuleText::record},
      {"alert", &RuleText::alert},
      {"expr", &RuleText::expr},
      {"for", &RuleText::hold_for},
      {"keep_firing_for", &RuleText::keep_firing_for},
      {"labels", &RuleText::labels, ReadTextMap},
      {"annotations", &RuleText::annotations, ReadTextMap},
  };
  RuleText rule;
  rule.line = from.line();
  rule.expr_line = from.At("expr").line();
  ReadMap(from, Bind(kFields, rule));
  CheckRule(from, rule, names);
  return rule;
}

RuleGroupText ReadGroup(const Value& from, NameValidation names) {
  static const Fields<RuleGroupText> kFields = {
      {"name", &RuleGroupText::name},
      {"interval", &RuleGroupText::interval, ReadInterval},
      {"query_offset", &RuleGroupText::query_offset},
      {"limit", &RuleGroupText::limit},
      {"labels", &RuleGroupText::labels, ReadTextMap},
      {"rules", [](const Value&, RuleGroupText&) {}},
  };
  RuleGroupText group;
  group.line = from.line();
  ReadMap(from, Bind(kFields, group));
  if (group.name.empty()) from.At("name").Error("Groupname must not be empty");
  CheckLabels(from, group.labels, names);
  if (from.Has("rules")) {
    for (const Value& item : from.At("rules").Items()) group.rules.push_back(ReadRule(item, names));
  }
  return group;
}

void ReadGroups(const Value& root, NameValidation names, RuleFile& to) {
  ReadMap(root, {{"groups", [](const Value&) {}}});
  if (!root.Has("groups")) return;
  std::set<std::string> seen;
  for (const Value& item : root.At("groups").Items()) {
    to.groups.push_back(ReadGroup(item, names));
    const std::string& name = to.groups.back().name;
    if (!seen.insert(name).second && !name.empty()) {
      item.At("name").Error("groupname: " + base::Quoted(name) + " is repeated in the same file");
    }
  }
}

void Append(std::vector<LoadError>& to, std::vector<LoadError> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

RuleFileReport LoadRuleText(const std::string& text, const std::string& path,
                            NameValidation names) {
  YamlDocument document = ParseYaml(text, path);
  Findings findings{std::move(document.errors), {}};
  const Source source{path, std::string(DirName(path)), &findings};
  const Value root(document.root, "", 1, source);
  if (document.documents > 1) root.Notice("only the first of several YAML documents is read");
  RuleFile file;
  file.path = path;
  if (document.complete) ReadGroups(root, names, file);
  std::stable_sort(findings.errors.begin(), findings.errors.end(),
                   [](const LoadError& a, const LoadError& b) { return a.line < b.line; });
  RuleFileReport report{std::nullopt, std::move(findings.errors), std::move(findings.notices)};
  if (report.errors.empty()) report.file = std::move(file);
  return report;
}

RuleFileReport LoadRuleFile(Fs& fs, const std::string& path, NameValidation names) {
  const Result<std::string> text = fs.ReadFile(path);
  if (text.ok()) return LoadRuleText(*text, path, names);
  return {std::nullopt, {{"", 0, "", text.status().message(), false}}, {}};
}

RuleFilesReport LoadRuleFiles(Fs& fs, const std::vector<std::string>& patterns,
                              NameValidation names) {
  RuleFilesReport out;
  std::set<std::string> seen;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> paths = Glob(pattern);
    if (paths.empty() && pattern.find_first_of("*?[") == std::string::npos) {
      out.notices.push_back({pattern, 0, "", "no such rule file", false});
    }
    for (const std::string& path : paths) {
      if (!seen.insert(path).second) continue;
      RuleFileReport report = LoadRuleFile(fs, path, names);
      if (report.file) out.files.push_back(std::move(*report.file));
      Append(out.errors, std::move(report.errors));
      Append(out.notices, std::move(report.notices));
    }
  }
  return out;
}

}  // namespace canopy::config
