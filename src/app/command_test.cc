// canopy test: runs tests that are files.

#include <cstdio>

#include "app/commands.h"
#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/promql/testscript.h"

namespace canopy::app {
namespace {

struct Sum {
  size_t passed = 0;
  size_t failed = 0;
};

// A file that is no script is one failure.
void RunScript(const std::string& path, Sum& sum) {
  const auto run = [&]() -> Result<promql::ScriptReport> {
    CANOPY_ASSIGN_OR_RETURN(const std::string text, PosixFs().ReadFile(path));
    auto report =
        promql::RunTestScript(text, promql::ScriptEngineOptions(BaseName(path)), SystemClock());
    return report.ok() ? std::move(report) : report.status().In(path);
  };
  const Result<promql::ScriptReport> report = run();
  if (!report.ok()) {
    std::printf("%s\n", report.status().message().c_str());
    ++sum.failed;
    return;
  }
  for (const promql::ScriptFailure& failure : report->failures)
    std::printf("%s:%zu: %s\n", path.c_str(), failure.line, failure.message.c_str());
  sum.passed += report->passed;
  sum.failed += report->failures.size();
}

}  // namespace

int RunTest(const Args& args) {
  if (args.size() < 2 || args[0] != "promql")
    return Fail(kExitUsage, "nothing to test; see canopy test --help");
  Sum sum;
  for (size_t i = 1; i < args.size(); ++i) RunScript(args[i], sum);
  std::printf("%zu passed, %zu failed\n", sum.passed, sum.failed);
  return sum.failed == 0 ? kExitOk : kExitFailed;
}

}  // namespace canopy::app
