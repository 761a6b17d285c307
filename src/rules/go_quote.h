#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "canopy/base/quote.h"

// Literals as Go reads them in source text, beside what base/quote.h has.

namespace canopy::rules {

// What stands for bytes that are no character.
inline constexpr uint32_t kBadRune = 0xfffd;

struct Rune {
  uint32_t code = kBadRune;
  int size = 1;  // bytes taken; 1 for a byte that begins no character
  bool valid = false;
};

// The character at the start of `text`, which is not empty.
inline Rune DecodeRune(std::string_view text) {
  const base::Rune rune = base::FirstRune(text);
  if (rune.length == 0) return {};
  return {rune.code, static_cast<int>(rune.length), true};
}

// unicode.IsLetter or IsDigit, or '_': what Go allows in an identifier.
bool IsIdentifierRune(uint32_t code);
// U+00A0, or U+0041 'A' when the character can be printed (verb %#U).
std::string GoUnicodeName(uint32_t code);

// The value of "...", `...` or '.', quotes included; nothing when Go would refuse it.
std::optional<std::string> GoUnquote(std::string_view quoted);
// The character of '...'.
std::optional<uint32_t> GoUnquoteRune(std::string_view quoted);

}  // namespace canopy::rules
