#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a regular expression can be seen to be without running it. Label matchers are mostly lists
// of literals and prefixes; for those a comparison does what an automaton would. Anchored at both
// ends, `.` matching every character, as label matchers are.

namespace canopy::model {

// Literals with gaps between them: "a.*b" is {"a", "b"} with one gap. A gap before the first or
// after the last literal makes that literal "".
struct Glob {
  struct Gap {
    bool needs_char;  // ".+" rather than ".*"
    friend bool operator==(const Gap&, const Gap&) = default;
  };
  std::vector<std::string> literals;  // one more than gaps
  std::vector<Gap> gaps;

  bool is_literal() const { return gaps.empty(); }
  // REQUIRES: text is UTF-8.
  bool Matches(std::string_view text) const;
  friend bool operator==(const Glob&, const Glob&) = default;
};

struct RegexShape {
  // When present, the regex is valid and matches exactly what one of these matches. At most
  // kMaxGlobs, unless the regex spells out more of them one by one.
  std::optional<std::vector<Glob>> globs;
  // Every match starts with this.
  std::string prefix;
};

// How far products such as (a|b)(c|d) and classes are multiplied out. Prometheus's own bound.
inline constexpr size_t kMaxGlobs = 256;

// The empty shape when the regex has syntax that is not looked into here (flags, Unicode classes,
// ...), or may be invalid: RE2 is to judge it. Pure.
RegexShape ShapeOf(std::string_view regex);

}  // namespace canopy::model
