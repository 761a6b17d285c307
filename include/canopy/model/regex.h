#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"

namespace re2 {
class RE2;
}

namespace canopy::model {

struct Glob;

// A regular expression of RE2's syntax that must match the whole text; `.` matches newlines. The
// text is UTF-8, as all label values are: bytes that are not are matched by nothing. Immutable,
// thread-safe.
class AnchoredRegex {
 public:
  // kInvalid in the words of Go's regexp: "error parsing regexp: missing closing ): `(a`".
  static Result<std::shared_ptr<const AnchoredRegex>> Compile(std::string_view regex);
  // One whose Capture may be called: it always runs RE2.
  static Result<std::shared_ptr<const AnchoredRegex>> CompileForCaptures(std::string_view regex);
  ~AnchoredRegex();

  bool Matches(std::string_view text) const;

  // The strings that match, sorted, when the regex is nothing but a list of them; else empty.
  std::span<const std::string> literals() const { return literals_; }
  // Every match starts with this.
  std::string_view prefix() const { return prefix_; }

  // REQUIRES: CompileForCaptures, for both.
  // groups[0] the whole, groups[1..] the captures; views into `text`. False when nothing matches.
  bool Capture(std::string_view text, std::vector<std::string_view>& groups) const;
  // The number of the capture with that name.
  std::optional<size_t> GroupNumber(const std::string& name) const;

 private:
  AnchoredRegex();
  Status CompileRe2(std::string_view regex);

  std::vector<std::string> literals_;  // if not empty, all there is to know
  std::vector<Glob> globs_;            // likewise
  std::string prefix_;
  std::unique_ptr<re2::RE2> re2_;
};

}  // namespace canopy::model
