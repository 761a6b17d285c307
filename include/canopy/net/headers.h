#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace canopy::net {

// Header fields of HTTP in order, names in the case they were given; a name may occur again.
using Headers = std::vector<std::pair<std::string, std::string>>;

// Whether two names are the same: ASCII letters in any case.
bool SameHeader(std::string_view a, std::string_view b);
// The first value of that name, or empty.
std::string_view FindHeader(const Headers& headers, std::string_view name);
// Replaces every value of that name by this one.
void SetHeader(Headers& headers, std::string_view name, std::string value);
// Whether it is a token of RFC 9110.
bool ValidHeaderName(std::string_view name);
// Whether name and value can be written to the wire: a token, and no control characters.
bool ValidHeader(std::string_view name, std::string_view value);

}  // namespace canopy::net
