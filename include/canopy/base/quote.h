#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Text in quotes, and the UTF-8 that this takes.

namespace canopy::base {

// The code point at the front of a text.
struct Rune {
  size_t length;  // in bytes; 0 when the bytes are no UTF-8
  uint32_t code;
};
// REQUIRES: not empty.
Rune FirstRune(std::string_view text);

void AppendRune(std::string& out, uint32_t code);

// False for control characters, and for spaces and invisible characters beyond ASCII.
bool IsPrintable(uint32_t code);

// As Go's strconv.Quote: "a\tb\"c"; what is not printable as \n, \x00, \u00ad, bytes that are no
// UTF-8 as \xff. Error messages, matchers and logfmt have it.
void AppendQuoted(std::string& out, std::string_view text);
std::string Quoted(std::string_view text);

// One code point in single quotes, as Go's %q: 'x', '\n', '\''.
std::string QuotedRune(uint32_t code);

// As JSON: bytes that are no UTF-8 become \ufffd.
void AppendJsonQuoted(std::string& out, std::string_view text);

}  // namespace canopy::base
