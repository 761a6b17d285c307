#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/promql/engine.h"

// Tests of queries as text, in the language of Prometheus's promqltest:
//
//   load 1m
//     requests_total{job="a"} 0+10x10
//   eval instant at 5m rate(requests_total[5m])
//     {job="a"} 0.16666
//   eval range from 0 to 10m step 5m sum(requests_total) > 10
//     expect no_warn
//     {} _ 50 100
//   eval instant at 0 rate(up)
//     expect fail msg: ...
//   clear
//
// As there, what is evaluated at an instant is evaluated again over a range around it, and with `@`
// that instant at other times: all must agree.

namespace canopy::promql {

struct ScriptFailure {
  size_t line = 0;  // of the eval, from 1
  std::string message;
};

struct ScriptReport {
  size_t passed = 0;  // evals
  std::vector<ScriptFailure> failures;
};

// Runs all of a script. kInvalid, with the line, for a script that is none. Otherwise every eval
// either passes or is among the failures, in order.
Result<ScriptReport> RunTestScript(std::string_view script, const EngineOptions& options,
                                   const Clock& clock);

// As promqltest's own engine has them: every feature that scripts use is on, but for two that go by
// the file's name. Type and unit labels are known to type_and_unit*.test only; names are dropped at
// the end but in *names_dropped_at_once.test.
EngineOptions ScriptEngineOptions(std::string_view file_name = {});

}  // namespace canopy::promql
