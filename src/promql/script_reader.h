#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/regex.h"
#include "canopy/promql/series_description.h"

// The text of a test script as commands; see testscript.h.

namespace canopy::promql {

struct ScriptClear {};

struct ScriptLoad {
  Duration interval{0};
  struct Series {
    SeriesDescription description;
    // Empty, or for each value when its counter started, in milliseconds from the sample's time.
    std::vector<std::optional<int64_t>> starts;
  };
  std::vector<Series> series;
  bool with_nhcb = false;  // classic histograms as native ones with custom buckets as well
};

enum class ExpectKind : uint8_t { kOrdered, kFail, kWarn, kNoWarn, kInfo, kNoInfo };

// expect warn msg: ..., expect fail regex: ..., expect ordered
struct Expectation {
  ExpectKind kind;
  std::string text;  // with neither msg nor regex, anything will do
  bool any = false;
  std::shared_ptr<const model::AnchoredRegex> regex;  // searched for anywhere in the text

  bool Matches(std::string_view actual) const;
};

struct ScriptEval {
  size_t line = 0;  // from 1
  bool range = false;
  std::string query;
  // The instant, or the range; of an instant query with `expect range vector`, the samples' times.
  Timestamp at;
  Timestamp start;
  Timestamp end;
  Duration step{0};

  std::vector<Expectation> expectations;
  bool any_warning = false;  // eval_warn: at least one
  bool any_info = false;     // eval_info
  std::optional<double> scalar;
  std::optional<std::string> string;
  bool range_vector = false;
  std::vector<SeriesDescription> series;

  bool expects(ExpectKind kind) const;
};

using ScriptCommand = std::variant<ScriptClear, ScriptLoad, ScriptEval>;

// kInvalid with the line.
Result<std::vector<ScriptCommand>> ReadScript(std::string_view script);

}  // namespace canopy::promql
