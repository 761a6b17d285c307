#include "rules/go_verbs.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "rules/go_quote.h"

namespace canopy::rules {
namespace {

size_t RuneCount(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(static_cast<size_t>(DecodeRune(text).size));
    ++count;
  }
  return count;
}

// The first `count` characters.
std::string_view FirstRunes(std::string_view text, int count) {
  size_t end = 0;
  for (int i = 0; i < count && end < text.size(); ++i) {
    end += static_cast<size_t>(DecodeRune(text.substr(end)).size);
  }
  return text.substr(0, end);
}

// A number: zeros go between its sign and its digits.
void PadNumber(std::string& out, std::string sign, std::string_view digits, const VerbSpec& spec,
               bool zeros_allowed) {
  const auto width = static_cast<size_t>(spec.width.value_or(0));
  const size_t size = sign.size() + digits.size();
  if (spec.zero && !spec.minus && zeros_allowed && width > size) {
    sign.append(width - size, '0');
  }
  sign += digits;
  Pad(out, sign, spec);
}

std::string SignText(bool negative, const VerbSpec& spec) {
  return negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
}

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// |v| under one of the verbs e f g; without precision the shortest text that reads back as v.
std::string FloatDigits(double v, char verb, std::optional<int> precision) {
  if (verb == 'g' && !precision) {
    std::string out;
    base::AppendFloatShortest(out, v);
    return out;
  }
  if (verb == 'f' && !precision) {
    std::string out;
    base::AppendFloatPlain(out, v);
    return out;
  }
  const std::chars_format format = verb == 'e'   ? std::chars_format::scientific
                                   : verb == 'f' ? std::chars_format::fixed
                                                 : std::chars_format::general;
  // 309 digits before the point; to_chars writes as many after it as it is asked for.
  std::string buffer(400 + static_cast<size_t>(precision.value_or(0)), '\0');
  char* const first = buffer.data();
  char* const last = first + buffer.size();
  const auto end = precision ? std::to_chars(first, last, v, format, *precision).ptr
                             : std::to_chars(first, last, v, format).ptr;
  buffer.resize(static_cast<size_t>(end - first));
  return buffer;
}

// Hexadecimal as Go writes it: 0x1.8p+01.
std::string HexFloat(double v, std::optional<int> precision) {
  std::string buffer(64 + static_cast<size_t>(precision.value_or(0)), '\0');
  char* const last = buffer.data() + buffer.size();
  const auto end = precision
                       ? std::to_chars(buffer.data(), last, v, std::chars_format::hex, *precision)
                       : std::to_chars(buffer.data(), last, v, std::chars_format::hex);
  buffer.resize(static_cast<size_t>(end.ptr - buffer.data()));
  const size_t sign = buffer.find('p') + 1;
  if (buffer.size() - sign == 2) buffer.insert(sign + 1, 1, '0');
  return "0x" + buffer;
}

// 4503599627370496p-52: the mantissa as an integer and the power of two.
std::string BinaryFloat(double v) {
  const auto bits = std::bit_cast<uint64_t>(v);
  const auto exponent = static_cast<int64_t>(bits >> 52 & 0x7ff);
  const uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  std::string out = std::to_string(exponent == 0 ? mantissa : mantissa | uint64_t{1} << 52);
  const int64_t power = (exponent == 0 ? 1 : exponent) - 1075;
  return out + (power < 0 ? "p" : "p+") + std::to_string(power);
}

// %#g and its kin keep the point and, for g, the zeros up to the precision.
void KeepPoint(std::string& digits, char verb, int precision) {
  const size_t mark = std::min(digits.find('e'), digits.size());
  std::string tail = digits.substr(mark);
  digits.resize(mark);
  int shown = 0;
  bool leading = true;
  for (const char c : digits) {
    if (c == '.') continue;
    if (c != '0') leading = false;
    if (!leading) ++shown;
  }
  if (digits.find('.') == std::string::npos) digits.push_back('.');
  if (verb == 'g' && shown < precision) digits.append(static_cast<size_t>(precision - shown), '0');
  digits += tail;
}

std::string IntegerDigits(uint64_t v, int base, const VerbSpec& spec) {
  char buffer[72];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v, base).ptr;
  std::string digits(buffer, end);
  if (spec.precision) {
    if (*spec.precision == 0 && v == 0) digits.clear();
    const auto wanted = static_cast<size_t>(*spec.precision);
    if (digits.size() < wanted) digits.insert(0, wanted - digits.size(), '0');
  }
  return digits;
}

std::string HexOfBytes(std::string_view bytes, const VerbSpec& spec) {
  const char* const digits = spec.verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  const std::string prefix = spec.sharp ? (spec.verb == 'X' ? "0X" : "0x") : "";
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0 && spec.space) out.push_back(' ');
    if (i == 0 || spec.space) out += prefix;
    const auto byte = static_cast<unsigned char>(bytes[i]);
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

}  // namespace

void Pad(std::string& out, std::string_view text, const VerbSpec& spec) {
  const auto width = static_cast<size_t>(spec.width.value_or(0));
  const size_t runes = RuneCount(text);
  const size_t fill = width > runes ? width - runes : 0;
  if (!spec.minus) out.append(fill, ' ');
  out += text;
  if (spec.minus) out.append(fill, ' ');
}

bool AppendFloat(std::string& out, double v, const VerbSpec& spec) {
  if (spec.verb > 0x7f) return false;
  char verb = static_cast<char>(spec.verb);
  const bool upper = verb == 'E' || verb == 'G' || verb == 'X' || verb == 'F';
  const char lower = static_cast<char>(verb | 0x20);
  std::optional<int> precision = spec.precision;
  if (verb == 'v') {
    verb = 'g';
  } else if (lower == 'e' || lower == 'f') {
    if (!precision) precision = 6;
    verb = lower;
  } else if (lower == 'g' || lower == 'x' || verb == 'b') {
    verb = lower;
  } else {
    return false;
  }
  if (!std::isfinite(v)) {
    const std::string sign = std::isnan(v)              ? (spec.plus    ? "+"
                                                           : spec.space ? " "
                                                                        : "")
                             : v < 0                    ? "-"
                             : spec.space && !spec.plus ? " "
                                                        : "+";
    PadNumber(out, sign, std::isnan(v) ? "NaN" : "Inf", spec, false);
    return true;
  }
  const double size = std::abs(v);
  std::string digits = verb == 'x'   ? HexFloat(size, precision)
                       : verb == 'b' ? BinaryFloat(size)
                                     : FloatDigits(size, verb, precision);
  if (spec.sharp && verb != 'x' && verb != 'b') KeepPoint(digits, verb, precision.value_or(6));
  if (upper) digits = Upper(std::move(digits));
  PadNumber(out, SignText(std::signbit(v), spec), digits, spec, true);
  return true;
}

bool AppendInteger(std::string& out, int64_t v, const VerbSpec& spec) {
  int base = 10;
  std::string prefix;
  switch (spec.verb) {
    case 'v':
    case 'd':
      break;
    case 'b':
      base = 2;
      if (spec.sharp) prefix = "0b";
      break;
    case 'o':
      base = 8;
      if (spec.sharp) prefix = "0";
      break;
    case 'O':
      base = 8;
      prefix = "0o";
      break;
    case 'x':
    case 'X':
      base = 16;
      if (spec.sharp) prefix = spec.verb == 'x' ? "0x" : "0X";
      break;
    case 'c': {
      std::string text;
      base::AppendRune(text, v < 0 || v > 0x10ffff ? kBadRune : static_cast<uint32_t>(v));
      Pad(out, text, spec);
      return true;
    }
    case 'q':
      Pad(out, base::QuotedRune(v < 0 || v > 0x10ffff ? kBadRune : static_cast<uint32_t>(v)), spec);
      return true;
    case 'U': {
      const auto code = static_cast<uint32_t>(v);
      std::string text = GoUnicodeName(code);
      if (!spec.sharp) text.resize(std::min(text.find(' '), text.size()));
      Pad(out, text, spec);
      return true;
    }
    default:
      return false;
  }
  const uint64_t size = v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  std::string digits = IntegerDigits(size, base, spec);
  if (spec.verb == 'X') digits = Upper(std::move(digits));
  PadNumber(out, SignText(v < 0, spec) + prefix, digits, spec, !spec.precision);
  return true;
}

bool AppendText(std::string& out, std::string_view text, const VerbSpec& spec) {
  if (spec.verb == 'x' || spec.verb == 'X') {
    if (spec.precision) text = text.substr(0, static_cast<size_t>(*spec.precision));
    Pad(out, HexOfBytes(text, spec), spec);
    return true;
  }
  if (spec.precision) text = FirstRunes(text, *spec.precision);
  const bool quoted = spec.verb == 'q' || (spec.verb == 'v' && spec.go_syntax);
  if (!quoted && spec.verb != 's' && spec.verb != 'v') return false;
  if (!quoted) {
    Pad(out, text, spec);
  } else if (spec.sharp && spec.verb == 'q' && text.find('`') == std::string_view::npos &&
             text.find('\n') == std::string_view::npos) {
    Pad(out, "`" + std::string(text) + "`", spec);
  } else {
    Pad(out, base::Quoted(text), spec);
  }
  return true;
}

}  // namespace canopy::rules
