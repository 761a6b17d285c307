#include "params.h"

#include <algorithm>
#include <cmath>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/promql/parser.h"

namespace canopy::api {
namespace {

// What Prometheus's own clients send for "from the beginning" and "to the end": years that its
// parser of times does not take.
constexpr std::string_view kMinTimeText = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kMaxTimeText = "292277025-08-18T07:12:54.999999999Z";

Status CannotParse(std::string_view text, std::string_view as) {
  return Status::Invalid("cannot parse " + base::Quoted(text) + " to a valid " + std::string(as));
}

}  // namespace

Result<Timestamp> ParseTimeParam(std::string_view text) {
  if (text == kMinTimeText) return Timestamp::Min();
  if (text == kMaxTimeText) return Timestamp::Max();
  Result<Timestamp> time = ParseTimestamp(text);
  if (!time.ok()) return CannotParse(text, "timestamp");
  return time;
}

Result<Timestamp> TimeOr(const net::Form& form, std::string_view name, Timestamp otherwise) {
  const std::string_view text = form.Value(name);
  if (text.empty()) return otherwise;
  Result<Timestamp> time = ParseTimeParam(text);
  if (!time.ok()) return time.status().In("invalid time value for '" + std::string(name) + "'");
  return time;
}

Result<Duration> ParseDurationParam(std::string_view text) {
  if (const auto seconds = base::ParseFloat(text)) {
    // Prometheus holds durations as int64 nanoseconds.
    const double nanos = *seconds * 1e9;
    if (!(std::abs(nanos) < 0x1p63)) {
      return Status::Invalid("cannot parse " + base::Quoted(text) +
                             " to a valid duration. It overflows int64");
    }
    return Duration(static_cast<int64_t>(nanos / 1e6));
  }
  Result<Duration> duration = ParseDuration(text);
  if (!duration.ok()) return CannotParse(text, "duration");
  return duration;
}

std::optional<int64_t> ParseGoInt(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return base::ParseInt(text);
}

std::optional<bool> ParseGoBool(std::string_view text) {
  for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == word) return true;
  for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == word) return false;
  return std::nullopt;
}

std::string AsciiLower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Result<uint64_t> ParseLimit(const net::Form& form) {
  const std::string_view text = form.Value("limit");
  if (text.empty()) return uint64_t{0};
  const auto limit = ParseGoInt(text);
  if (!limit) {
    const bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
    return Status::Invalid("strconv.Atoi: parsing " + base::Quoted(text) +
                           (digits ? ": value out of range" : ": invalid syntax"));
  }
  if (*limit < 0) return Status::Invalid("limit must be non-negative");
  return static_cast<uint64_t>(*limit);
}

Result<std::vector<model::Matchers>> ParseMatchers(const net::Form& form) {
  std::vector<model::Matchers> out;
  for (const std::string_view text : form.All("match[]")) {
    CANOPY_ASSIGN_OR_RETURN(model::Matchers matchers, promql::ParseMetricSelector(text));
    out.push_back(std::move(matchers));
  }
  for (const model::Matchers& matchers : out) {
    if (std::all_of(matchers.begin(), matchers.end(),
                    [](const model::Matcher& m) { return m.MatchesEmpty(); }))
      return Status::Invalid("match[] must contain at least one non-empty matcher");
  }
  return out;
}

}  // namespace canopy::api
