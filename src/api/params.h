#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/matcher.h"
#include "canopy/net/url.h"

// Parameters of requests, with Prometheus's rules and texts. Errors are kInvalid without the name
// of the parameter, unless said otherwise.

namespace canopy::api {

// Unix seconds with a fraction, or RFC 3339. `cannot parse "x" to a valid timestamp`.
Result<Timestamp> ParseTimeParam(std::string_view text);
// The parameter, or `otherwise` when it is absent or empty. `invalid time value for 'end': ...`.
Result<Timestamp> TimeOr(const net::Form& form, std::string_view name, Timestamp otherwise);
// Seconds with a fraction, or "1h30m". `cannot parse "x" to a valid duration`.
Result<Duration> ParseDurationParam(std::string_view text);
// Absent or empty is 0, which means none.
Result<uint64_t> ParseLimit(const net::Form& form);
// As Go's strconv.Atoi; nullopt when `text` is no number.
std::optional<int64_t> ParseGoInt(std::string_view text);
// As Go's strconv.ParseBool: 1, t, true, 0, f, false. nullopt for other words.
std::optional<bool> ParseGoBool(std::string_view text);

std::string AsciiLower(std::string_view text);

// Each match[]; a selector that matches everything is refused.
Result<std::vector<model::Matchers>> ParseMatchers(const net::Form& form);

}  // namespace canopy::api
