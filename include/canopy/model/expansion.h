#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "canopy/model/regex.h"

namespace canopy::model {

// A replacement with references to captures, as Go's Regexp.Expand reads it: $1, $name (the longest
// run of letters, digits and underscores), ${1}, ${name}, $$; a reference to nothing is "", a $
// that begins no reference stays.
class Expansion {
 public:
  Expansion() = default;
  // `regex` was compiled for captures; it is only used here.
  Expansion(std::string_view text, const AnchoredRegex& regex);

  // True when it is the same text for every match.
  bool is_constant() const { return parts_.empty(); }
  // `groups` as AnchoredRegex::Capture filled them.
  std::string Apply(const std::vector<std::string_view>& groups) const;

 private:
  // A capture, and the literal text that follows it.
  struct Part {
    size_t group;
    std::string tail;
  };
  std::string head_;
  std::vector<Part> parts_;
};

}  // namespace canopy::model
