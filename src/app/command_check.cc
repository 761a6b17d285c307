// canopy check config: what a file is, said before a server depends on it.

#include <cstdio>
#include <string>

#include "app/commands.h"
#include "canopy/base/fs.h"
#include "canopy/config/check.h"
#include "canopy/config/load.h"

namespace canopy::app {
namespace {

void Print(const char* word, const std::vector<config::LoadError>& entries) {
  for (const config::LoadError& entry : entries) {
    std::printf("  %s: %s\n", word, entry.ToString().c_str());
  }
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
  if (!files.errors.empty()) return false;
  std::printf("  SUCCESS: %s is a valid configuration file\n", path.c_str());
  return true;
}

}  // namespace

int RunCheck(const Args& args) {
  if (args.size() < 2 || args[0] != "config") {
    return Fail(kExitUsage, "usage: canopy check config FILE...");
  }
  bool ok = true;
  for (size_t i = 1; i < args.size(); ++i) ok = CheckConfig(args[i]) && ok;
  return ok ? kExitOk : kExitFailed;
}

}  // namespace canopy::app
