// canopy check: what a file is, said before a server depends on it.

#include <cstdio>
#include <iterator>
#include <string>

#include "app/commands.h"
#include "app/metrics_lint.h"
#include "canopy/base/fs.h"
#include "canopy/config/check.h"
#include "canopy/config/load.h"
#include "canopy/config/rule_file.h"
#include "canopy/config/web.h"
#include "canopy/rules/manager.h"

namespace canopy::app {
namespace {

void Print(const char* word, const std::string& entry) {
  std::printf("  %s: %s\n", word, entry.c_str());
}
void Print(const char* word, const std::vector<config::LoadError>& entries) {
  for (const config::LoadError& entry : entries) Print(word, entry.ToString());
}

bool CheckRuleFile(const std::string& path, config::NameValidation names) {
  std::printf("Checking %s\n", path.c_str());
  const config::RuleFileReport report = config::LoadRuleFile(PosixFs(), path, names);
  Print("FAILED", report.errors);
  Print("NOTICE", report.notices);
  if (!report.file) return false;
  const std::vector<std::string> problems = rules::CheckRuleFiles({*report.file});
  for (const std::string& problem : problems) Print("FAILED", problem);
  for (const std::string& remark : rules::LintRuleFiles({*report.file})) Print("NOTICE", remark);
  if (!problems.empty()) return false;
  size_t count = 0;
  for (const config::RuleGroupText& group : report.file->groups) count += group.rules.size();
  std::printf("  SUCCESS: %zu rule%s found\n", count, count == 1 ? "" : "s");
  return true;
}

// The rule files of a configuration, as the server would find them.
bool CheckNamedRuleFiles(const config::Config& config) {
  const config::NameValidation names = config.global.metric_name_validation_scheme;
  bool ok = true;
  for (const std::string& pattern : config.rule_files) {
    for (const std::string& path : Glob(pattern)) ok = CheckRuleFile(path, names) && ok;
  }
  return ok;
}

bool CheckConfig(const std::string& path) {
  std::printf("Checking %s\n", path.c_str());
  const config::LoadReport report = config::LoadAll(PosixFs(), path);
  Print("FAILED", report.errors);
  Print("NOTICE", report.notices);
  if (!report.config) return false;
  const config::FileCheck files = config::CheckFiles(PosixFs(), *report.config);
  Print("FAILED", files.errors);
  Print("NOTICE", files.notices);
  if (files.errors.empty()) {
    std::printf("  SUCCESS: %s is a valid configuration file\n", path.c_str());
  }
  return CheckNamedRuleFiles(*report.config) && files.errors.empty();
}

bool CheckRules(const std::string& path) {
  return CheckRuleFile(path, config::NameValidation::kUtf8);
}

bool CheckWebConfig(const std::string& path) {
  std::printf("Checking %s\n", path.c_str());
  const config::WebReport report = config::LoadWebAll(PosixFs(), path);
  Print("FAILED", report.errors);
  Print("NOTICE", report.notices);
  if (report.config) std::printf("  SUCCESS: %s is a valid web configuration\n", path.c_str());
  return report.config.has_value();
}

std::string ReadStandardInput() {
  std::string text;
  char buffer[1 << 16];
  size_t n = 0;
  while ((n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0) text.append(buffer, n);
  return text;
}

int CheckMetrics() {
  const auto problems = LintMetrics(ReadStandardInput());
  if (!problems.ok()) return Fail(kExitFailed, problems.status().message());
  for (const LintProblem& problem : *problems) {
    std::printf("%s %s\n", problem.metric.c_str(), problem.text.c_str());
  }
  return problems->empty() ? kExitOk : kExitLint;
}

}  // namespace

int RunCheck(const Args& args) {
  const std::string what = args.empty() ? "" : args[0];
  if (what == "metrics" && args.size() == 1) return CheckMetrics();
  bool (*check)(const std::string& path) = nullptr;
  if (what == "config") check = CheckConfig;
  if (what == "rules") check = CheckRules;
  if (what == "web-config") check = CheckWebConfig;
  if (check == nullptr || args.size() < 2) {
    return Fail(kExitUsage, "nothing to check; see canopy check --help");
  }
  bool ok = true;
  for (size_t i = 1; i < args.size(); ++i) ok = check(args[i]) && ok;
  return ok ? kExitOk : kExitFailed;
}

}  // namespace canopy::app
