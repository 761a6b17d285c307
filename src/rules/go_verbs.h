#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What the verbs of Go's fmt make of numbers and texts.

namespace canopy::rules {

// A directive as %+08.3f: flags, width, precision and verb.
struct VerbSpec {
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  bool go_syntax = false;    // %#v
  bool field_names = false;  // %+v
  bool no_methods = false;   // in a remark on a wrong verb: no String() is called
  std::optional<int> width;
  std::optional<int> precision;
  uint32_t verb = 'v';
};

// Fills up to the width, with spaces, on the side that the flags say.
void Pad(std::string& out, std::string_view text, const VerbSpec& spec);

// False, and nothing is appended, when the verb is none for such a value.
bool AppendFloat(std::string& out, double v, const VerbSpec& spec);
bool AppendInteger(std::string& out, int64_t v, const VerbSpec& spec);
bool AppendText(std::string& out, std::string_view text, const VerbSpec& spec);

}  // namespace canopy::rules
