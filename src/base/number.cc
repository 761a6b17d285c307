#include "canopy/base/number.h"

#include <fast_float/fast_float.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace canopy::base {
namespace {

// Appends "NaN", "+Inf" or "-Inf"; false when `v` is none of them.
bool AppendSpecial(std::string& out, double v) {
  if (std::isnan(v)) {
    out.append("NaN");
    return true;
  }
  if (std::isinf(v)) {
    out.append(v > 0 ? "+Inf" : "-Inf");
    return true;
  }
  return false;
}

// Most samples are small whole numbers: these need no shortest-digits search. Minus zero has a sign
// that an integer loses.
bool AppendSmallInteger(std::string& out, double v, double below) {
  if (!(std::abs(v) < below)) return false;
  const auto i = static_cast<int64_t>(v);
  if (static_cast<double>(i) != v || (i == 0 && std::signbit(v))) return false;
  AppendInt(out, i);
  return true;
}

template <class T>
void AppendInteger(std::string& out, T v) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  out.append(buffer, end);
}

template <class T>
std::optional<T> ParseInteger(std::string_view text) {
  T v{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return v;
}

bool EqualsFolded(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] | 0x20) != lower[i]) return false;
  return true;
}

// "Inf", "Infinity", "NaN" without sign.
std::optional<double> ParseWord(std::string_view text) {
  if (EqualsFolded(text, "inf") || EqualsFolded(text, "infinity"))
    return std::numeric_limits<double>::infinity();
  if (EqualsFolded(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

// What follows "0x": Go wants at least one digit and always an exponent; from_chars wants neither.
std::optional<double> ParseHex(std::string_view text) {
  const size_t p = text.find_first_of("pP");
  if (p == std::string_view::npos) return std::nullopt;
  bool digit = false;
  for (const char c : text.substr(0, p)) digit = digit || IsHexDigit(c);
  if (!digit || text[0] == '-') return std::nullopt;
  double v = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), v, std::chars_format::hex);
  // Go refuses what is too large; what is too small becomes zero. from_chars tells them not apart
  // and leaves `v` alone, so such a number is read by its exponent's sign.
  if (error == std::errc::result_out_of_range) {
    if (p + 1 < text.size() && text[p + 1] == '-') return 0.0;
    return std::nullopt;
  }
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return v;
}

// fast_float also takes words and, by itself, a point without digits; Go's grammar is checked here.
std::optional<double> ParseDecimal(std::string_view text) {
  if (text.empty() || (text[0] != '.' && (text[0] < '0' || text[0] > '9'))) return std::nullopt;
  double v = 0;
  const auto [end, error] = fast_float::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (std::isinf(v)) return std::nullopt;  // Go: value out of range
  return v;
}

}  // namespace

void AppendFloatApi(std::string& out, double v) {
  const double size = std::abs(v);
  if (size == 0 || (size >= 1e-6 && size < 1e21) || !std::isfinite(v)) {
    AppendFloatPlain(out, v);
    return;
  }
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  out.append(buffer, end);
}

void AppendFloatPlain(std::string& out, double v) {
  if (AppendSpecial(out, v) || AppendSmallInteger(out, v, 0x1p53)) return;
  // The smallest number has 1 + 324 + 17 digits after the sign and point, the largest 309.
  char buffer[400];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::fixed).ptr;
  // Above 2^53 to_chars prints every digit of the exact value; Go prints the shortest digits and
  // fills up with zeros.
  if (std::abs(v) < 0x1p53) {
    out.append(buffer, end);
    return;
  }
  const auto e =
      std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<size_t>(e - buffer));
  const size_t mark = text.find('e');
  size_t exponent = 0;
  std::from_chars(text.data() + mark + 2, text.data() + text.size(), exponent);
  size_t digits = 0;
  for (const char c : text.substr(0, mark)) {
    if (c == '.') continue;
    out.push_back(c);
    if (c != '-') ++digits;
  }
  if (digits < exponent + 1) out.append(exponent + 1 - digits, '0');
}

void AppendFloatShortest(std::string& out, double v) {
  // Asked for the shortest text, Go's 'g' decides as if the precision were 6: 100000, but 1e+06.
  // (21 is the API's threshold, see AppendFloatApi.)
  if (AppendSpecial(out, v) || AppendSmallInteger(out, v, 1e6)) return;
  char buffer[64];
  const auto e =
      std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<size_t>(e - buffer));
  const size_t mark = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + mark + (text[mark + 1] == '+' ? 2 : 1), text.data() + text.size(),
                  exponent);
  if (v == 0 || (exponent >= -4 && exponent < 6)) {
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::fixed).ptr;
    out.append(buffer, end);
    return;
  }
  out.append(text);  // to_chars writes the sign and at least two digits, as Go does
}

void AppendInt(std::string& out, int64_t v) { AppendInteger(out, v); }
void AppendUint(std::string& out, uint64_t v) { AppendInteger(out, v); }

std::optional<double> ParseFloat(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  std::optional<double> v;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    v = ParseHex(text.substr(2));
  } else {
    v = ParseDecimal(text);
    if (!v) v = ParseWord(text);
  }
  if (v && negative) v = -*v;
  return v;
}

std::optional<int64_t> ParseInt(std::string_view text) {
  // As Go's: a leading plus is fine.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return ParseInteger<int64_t>(text);
}

std::optional<uint64_t> ParseUint(std::string_view text) { return ParseInteger<uint64_t>(text); }

}  // namespace canopy::base
