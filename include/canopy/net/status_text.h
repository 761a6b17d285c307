#pragma once

#include <string>
#include <string_view>

namespace canopy::net {

// The reason phrase of RFC 9110 and its extensions: "Not Found" for 404; empty for unknown codes.
std::string_view StatusText(int code);

// "404 Not Found"; the number alone for unknown codes. As Go's Response.Status, which clients of
// Prometheus know from error messages.
std::string StatusLine(int code);

}  // namespace canopy::net
