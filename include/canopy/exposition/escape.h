#pragma once

#include <optional>
#include <string>
#include <string_view>

// Names outside the legacy set on their way to a peer that may not know them.
// Source: prometheus/common v0.70.1 model/metric.go (EscapeName).

namespace canopy::exposition {

enum class Escaping : unsigned char { kAllowUtf8, kUnderscores, kDots, kValues };

// The word for it in Accept and Content-Type: "allow-utf-8", "underscores", "dots", "values".
std::string_view EscapingText(Escaping escaping);
std::optional<Escaping> ParseEscaping(std::string_view text);

// A metric or label name in the form that the scheme allows. Legacy names stay as they are under
// every scheme, as pages have it; colons count as legal in label names too.
//   a.b: allow-utf-8 a.b, underscores a_b, dots a_dot_b, values U__a_2e_b
std::string EscapeName(std::string_view name, Escaping escaping);

// The name behind one that EscapeName wrote; what cannot be undone comes back as it is.
std::string UnescapeName(std::string_view name, Escaping escaping);

}  // namespace canopy::exposition
