// canopy promql: looks at queries without a server.

#include <cstdio>

#include "app/commands.h"
#include "app/features.h"
#include "canopy/app/flags.h"
#include "canopy/base/clock.h"
#include "canopy/promql/explain.h"
#include "canopy/promql/parser.h"

namespace canopy::app {
namespace {

using enum FlagKind;

constexpr FlagSpec kFlags[] = {
    {"time", kText, "", FlagRole::kActive, false, ""},
    {"start", kText, "", FlagRole::kActive, false, ""},
    {"end", kText, "", FlagRole::kActive, false, ""},
    {"step", kDuration, "15s", FlagRole::kActive, false, ""},
    {"lookback-delta", kDuration, "5m", FlagRole::kActive, false, ""},
    {"enable-feature", kList, "", FlagRole::kActive, false, ""},
};

Result<Timestamp> TimeOf(const FlagSet& flags, std::string_view name, Timestamp otherwise) {
  if (!flags.given(name)) return otherwise;
  auto time = ParseTimestamp(flags.Text(name));
  return time.ok() ? std::move(time) : time.status().In("--" + std::string(name));
}

// An instant query unless there is a start.
Result<promql::RangeSpec> SpecOf(const FlagSet& flags) {
  promql::RangeSpec range;
  CANOPY_ASSIGN_OR_RETURN(range.end, TimeOf(flags, "end", SystemClock().Now()));
  if (!flags.given("start")) {
    CANOPY_ASSIGN_OR_RETURN(range.end, TimeOf(flags, "time", range.end));
    return range;
  }
  CANOPY_ASSIGN_OR_RETURN(range.start, TimeOf(flags, "start", range.end));
  range.step = flags.Time("step");
  if (range.step <= Duration(0)) return Status::Invalid("--step: must be greater than 0");
  if (range.end < range.start) return Status::Invalid("--end: must not be before --start");
  return range;
}

Result<std::string> Run(const std::string& what, const FlagSet& flags, const std::string& text) {
  std::vector<std::string> notices;
  promql::EngineOptions options;
  CANOPY_ASSIGN_OR_RETURN(const Features features,
                          ReadFeatures(flags.List("enable-feature"), notices));
  options.features = features.promql;
  CANOPY_ASSIGN_OR_RETURN(const promql::ExprPtr expr, promql::ParseExpr(text, options.features));
  if (what == "format") return promql::Pretty(*expr) + "\n";
  options.lookback_delta = flags.Time("lookback-delta");
  CANOPY_ASSIGN_OR_RETURN(const promql::RangeSpec range, SpecOf(flags));
  return promql::Explain(*expr, range, options);
}

}  // namespace

int RunPromql(const Args& args) {
  const auto usage = [](std::string_view why) {
    return Fail(kExitUsage, std::string(why) + "; see canopy promql --help");
  };
  if (args.empty() || (args[0] != "format" && args[0] != "explain"))
    return usage("expected format or explain");
  FlagSet flags(kFlags);
  Args rest;
  const Status parsed = flags.Parse(std::span(args).subspan(1), &rest);
  if (!parsed.ok()) return usage(parsed.message());
  if (rest.size() != 1) return usage("expected one query");
  const Result<std::string> text = Run(args[0], flags, rest[0]);
  if (!text.ok()) return Fail(kExitFailed, text.status().message());
  std::fputs(text->c_str(), stdout);
  return kExitOk;
}

}  // namespace canopy::app
