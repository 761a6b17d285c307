#pragma once

#include <string>
#include <string_view>

#include "canopy/base/status.h"

// What Prometheus's template functions do to texts.

namespace canopy::rules {

// strings.ToUpper and ToLower, for all of Unicode's simple cases.
std::string ToUpperText(std::string_view text);
std::string ToLowerText(std::string_view text);
// The first letter of each word in upper case; the others stay.
std::string TitleText(std::string_view text);

// "host" of "host:9090" and "[::1]:9090"; the text itself when it is no such thing.
std::string StripPort(std::string_view host_port);
// "host:9090" of "host.example.com:9090"; addresses stay whole.
std::string StripDomain(std::string_view host_port);

// Replaces each match of an RE2 regex, with references to captures ($1, ${name}) in `with`. A
// result of more than `max_bytes` is kLimit; a regex that does not compile is kInvalid.
Result<std::string> ReplaceAllMatches(std::string_view regex, std::string_view with,
                                      std::string_view text, size_t max_bytes);
// Whether the regex matches anywhere.
Result<bool> MatchesAnywhere(std::string_view regex, std::string_view text);

}  // namespace canopy::rules
