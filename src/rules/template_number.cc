#include "rules/template_number.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "rules/go_quote.h"

namespace canopy::rules {

namespace {

// Go takes underscores between digits, and between the prefix of a base and the first digit.
std::optional<std::string> WithoutUnderscores(std::string_view digits, bool after_prefix) {
  std::string out;
  bool digit_before = after_prefix;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != '_') {
      out.push_back(digits[i]);
      digit_before = true;
      continue;
    }
    if (!digit_before || i + 1 == digits.size() || digits[i + 1] == '_') return std::nullopt;
    digit_before = false;
  }
  return out;
}

struct Prefix {
  int base = 10;
  size_t size = 0;
};

Prefix FindPrefix(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return {};
  switch (text[1] | 0x20) {
    case 'x':
      return {16, 2};
    case 'b':
      return {2, 2};
    case 'o':
      return {8, 2};
    default:
      return {8, 1};
  }
}

std::optional<uint64_t> ParseMagnitude(std::string_view text) {
  const Prefix prefix = FindPrefix(text);
  const auto digits = WithoutUnderscores(text.substr(prefix.size), prefix.size > 0);
  if (!digits || digits->empty()) return std::nullopt;
  uint64_t v = 0;
  const char* const end = digits->data() + digits->size();
  const auto [stop, error] = std::from_chars(digits->data(), end, v, prefix.base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return v;
}

void SetInteger(NumberLiteral& n, uint64_t magnitude, bool negative) {
  const uint64_t most = negative ? uint64_t{1} << 63 : (uint64_t{1} << 63) - 1;
  n.too_large = magnitude > most;
  if (n.too_large) return;
  n.is_int = true;
  n.int_value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  n.is_float = true;
  n.float_value = static_cast<double>(n.int_value);
}

}  // namespace

Result<NumberLiteral> ParseNumberLiteral(std::string_view text) {
  NumberLiteral n;
  if (text.starts_with('\'')) {
    const auto rune = GoUnquoteRune(text);
    if (!rune) return Status::Invalid("malformed character constant: " + std::string(text));
    SetInteger(n, *rune, false);
    return n;
  }
  std::string_view unsigned_text = text;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) unsigned_text.remove_prefix(1);
  if (const auto magnitude = ParseMagnitude(unsigned_text)) {
    SetInteger(n, *magnitude, negative);
    if (n.too_large && negative) return Status::Invalid("integer overflow: " + base::Quoted(text));
    return n;
  }
  const bool hex = FindPrefix(unsigned_text).base == 16;
  const auto plain = hex ? WithoutUnderscores(unsigned_text.substr(2), true) : std::nullopt;
  const auto v = base::ParseFloat(plain ? (negative ? "-0x" : "0x") + *plain
                                        : std::string(text));  // no others with _
  if (!v || !std::isfinite(*v)) {
    return Status::Invalid("illegal number syntax: " + base::Quoted(text));
  }
  if (text.find_first_of(".eEpP") == std::string_view::npos) {
    return Status::Invalid("integer overflow: " + base::Quoted(text));
  }
  n.is_float = true;
  n.looks_float = true;
  n.float_value = *v;
  if (std::trunc(*v) == *v && std::abs(*v) < 0x1p63) {
    n.is_int = true;
    n.int_value = static_cast<int64_t>(*v);
  }
  return n;
}

}  // namespace canopy::rules
