#include <map>
#include <tuple>

#include "canopy/base/quote.h"
#include "canopy/promql/parser.h"
#include "rules/group_spec.h"
#include "rules/template_tree.h"

// What `canopy check rules` and a reload say about rule files.

namespace canopy::rules {

namespace {

const std::string& NameOf(const config::RuleText& rule) {
  return rule.alert.empty() ? rule.record : rule.alert;
}

class Checker {
 public:
  explicit Checker(const promql::Features& features) : features_(features) {}

  void Check(const config::RuleFile& file) {
    for (const config::RuleGroupText& group : file.groups) {
      for (size_t i = 0; i < group.rules.size(); ++i) {
        const config::RuleText& rule = group.rules[i];
        where_ = "group " + base::Quoted(group.name) + ", rule " + std::to_string(i + 1) + ", " +
                 base::Quoted(NameOf(rule)) + ": ";
        CheckExpr(file.path, rule);
        if (!rule.alert.empty()) CheckTemplates(file.path, group, rule);
      }
    }
  }

  std::vector<std::string> TakeProblems() { return std::move(problems_); }

 private:
  void Add(const std::string& file, int line, const std::string& what) {
    problems_.push_back(file + ":" + std::to_string(line) + ": " + where_ + what);
  }

  void CheckExpr(const std::string& file, const config::RuleText& rule) {
    const int line = rule.expr_line != 0 ? rule.expr_line : rule.line;
    const auto expr = promql::ParseExpr(rule.expr, features_);
    if (!expr.ok()) {
      Add(file, line, "could not parse expression: " + expr.status().message());
    }
  }

  void CheckTemplates(const std::string& file, const config::RuleGroupText& group,
                      const config::RuleText& rule) {
    const auto check = [&](const char* what, const auto& texts) {
      for (const auto& [name, text] : texts) {
        const auto parsed = ParseAlertTemplateTree(rule.alert, text);
        if (parsed.ok()) continue;
        Add(file, rule.line, what + (" " + base::Quoted(name)) + ": " + parsed.status().message());
      }
    };
    check("group label", group.labels);
    check("label", rule.labels);
    check("annotation", rule.annotations);
  }

  const promql::Features& features_;
  std::string where_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> FindProblems(const std::vector<config::RuleFile>& files,
                                      const promql::Features& features) {
  Checker checker(features);
  for (const config::RuleFile& file : files) checker.Check(file);
  return checker.TakeProblems();
}

std::vector<std::string> CheckRuleFiles(const std::vector<config::RuleFile>& files,
                                        const promql::Features& features) {
  return FindProblems(files, features);
}

namespace {

// Remarks on rules that are as they may be, but hardly as they are meant.
class Linter {
 public:
  void Lint(const config::RuleFile& file) {
    for (const config::RuleGroupText& group : file.groups) {
      for (const config::RuleText& rule : group.rules) {
        const std::string place = file.path + ":" + std::to_string(rule.line);
        const std::string what =
            std::string(rule.alert.empty() ? "record " : "alert ") + base::Quoted(NameOf(rule));
        LintDuplicate(group, rule, place, what);
        LintType(rule, place, what);
      }
    }
  }

  std::vector<std::string> TakeRemarks() { return std::move(remarks_); }

 private:
  void LintDuplicate(const config::RuleGroupText& group, const config::RuleText& rule,
                     const std::string& place, const std::string& what) {
    std::map<std::string, std::string> labels(group.labels.begin(), group.labels.end());
    for (const auto& [name, value] : rule.labels) labels[name] = value;
    const auto [it, added] = seen_.try_emplace(
        {rule.alert.empty(), NameOf(rule), {labels.begin(), labels.end()}}, place);
    if (added) return;
    remarks_.push_back(place + ": " + what + " has the name and labels of the rule at " +
                       it->second);
  }

  void LintType(const config::RuleText& rule, const std::string& place, const std::string& what) {
    promql::Features all;
    all.experimental_functions = true;
    const auto expr = promql::ParseExpr(rule.expr, all);
    if (!expr.ok()) return;
    const promql::ValueType type = (*expr)->type;
    if (type == promql::ValueType::kVector || type == promql::ValueType::kScalar) return;
    remarks_.push_back(place + ": " + what + " has an expression of type " +
                       std::string(promql::ValueTypeText(type)) +
                       ", which no rule can be evaluated to");
  }

  // Where a rule of this kind, name and labels was first.
  std::map<std::tuple<bool, std::string, model::Annotations>, std::string> seen_;
  std::vector<std::string> remarks_;
};

}  // namespace

std::vector<std::string> LintRuleFiles(const std::vector<config::RuleFile>& files) {
  Linter linter;
  for (const config::RuleFile& file : files) linter.Lint(file);
  return linter.TakeRemarks();
}

}  // namespace canopy::rules
