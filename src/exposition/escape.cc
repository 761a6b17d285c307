#include "canopy/exposition/escape.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "canopy/base/quote.h"
#include "canopy/model/labels.h"

namespace canopy::exposition {
namespace {

constexpr std::array<std::string_view, 4> kTexts = {"allow-utf-8", "underscores", "dots", "values"};
constexpr std::string_view kValuesPrefix = "U__";
constexpr uint32_t kReplacementRune = 0xfffd;
// Digits of the largest code point, 0x10ffff.
constexpr size_t kMaxHexDigits = 6;

bool IsLegacy(uint32_t rune, bool first) {
  return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') || rune == '_' ||
         rune == ':' || (rune >= '0' && rune <= '9' && !first);
}

void AppendUnderscored(std::string& out, uint32_t rune, bool legacy) {
  out.push_back(legacy ? static_cast<char>(rune) : '_');
}

void AppendDotted(std::string& out, uint32_t rune, bool legacy) {
  if (rune == '.') {
    out.append("_dot_");
  } else if (rune == '_' || !legacy) {
    out.append("__");
  } else {
    out.push_back(static_cast<char>(rune));
  }
}

void AppendValueEncoded(std::string& out, uint32_t rune, bool legacy) {
  if (rune == '_') {
    out.append("__");
  } else if (legacy) {
    out.push_back(static_cast<char>(rune));
  } else {
    char digits[8];
    const auto end = std::to_chars(digits, digits + sizeof digits, rune, 16).ptr;
    out.push_back('_');
    out.append(digits, end);
    out.push_back('_');
  }
}

std::string ReplaceAll(std::string_view text, std::string_view what, std::string_view by) {
  std::string out;
  while (true) {
    const size_t at = text.find(what);
    out.append(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    out.append(by);
    text.remove_prefix(at + what.size());
  }
}

std::optional<std::string> DecodeValues(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text[0] != '_') {
      out.push_back(text[0]);
      text.remove_prefix(1);
      continue;
    }
    text.remove_prefix(1);
    const size_t close = text.find('_');
    if (close == std::string_view::npos || close > kMaxHexDigits) return std::nullopt;
    if (close == 0) {
      out.push_back('_');
    } else {
      uint32_t rune = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + close, rune, 16);
      const bool surrogate = rune >= 0xd800 && rune < 0xe000;
      if (error != std::errc() || end != text.data() + close || rune > 0x10ffff || surrogate)
        return std::nullopt;
      base::AppendRune(out, rune);
    }
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace

std::string_view EscapingText(Escaping escaping) { return kTexts[static_cast<size_t>(escaping)]; }

std::optional<Escaping> ParseEscaping(std::string_view text) {
  for (size_t i = 0; i < kTexts.size(); ++i)
    if (kTexts[i] == text) return static_cast<Escaping>(i);
  return std::nullopt;
}

std::string EscapeName(std::string_view name, Escaping escaping) {
  if (escaping == Escaping::kAllowUtf8 || name.empty() || model::IsLegacyMetricName(name))
    return std::string(name);
  std::string out(escaping == Escaping::kValues ? kValuesPrefix : "");
  for (bool first = true; !name.empty(); first = false) {
    auto [length, rune] = base::FirstRune(name);
    if (length == 0) {
      length = 1;
      rune = kReplacementRune;
    }
    name.remove_prefix(length);
    const bool legacy = IsLegacy(rune, first);
    if (escaping == Escaping::kUnderscores) AppendUnderscored(out, rune, legacy);
    if (escaping == Escaping::kDots) AppendDotted(out, rune, legacy);
    if (escaping == Escaping::kValues) AppendValueEncoded(out, rune, legacy);
  }
  return out;
}

std::string UnescapeName(std::string_view name, Escaping escaping) {
  if (escaping == Escaping::kDots) return ReplaceAll(ReplaceAll(name, "_dot_", "."), "__", "_");
  if (escaping == Escaping::kValues && name.starts_with(kValuesPrefix)) {
    if (auto decoded = DecodeValues(name.substr(kValuesPrefix.size()))) return *decoded;
  }
  return std::string(name);
}

}  // namespace canopy::exposition
