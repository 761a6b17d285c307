#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/model/labels.h"

namespace canopy::model {

enum class MatchType : unsigned char { kEqual, kNotEqual, kRegex, kNotRegex };

// "=", "!=", "=~", "!~"
std::string_view MatchTypeText(MatchType type);

// One condition on one label; a label that is absent has the value "". Regular expressions are RE2,
// anchored at both ends, `.` matching newlines. Copyable (the compiled regex is shared), immutable,
// thread-safe.
class Matcher {
 public:
  // kInvalid with RE2's reason when the regex does not compile.
  static Result<Matcher> Create(MatchType type, std::string name, std::string value);
  // REQUIRES: type is kEqual or kNotEqual.
  static Matcher Literal(MatchType type, std::string name, std::string value);

  MatchType type() const { return type_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }

  bool Matches(std::string_view value) const;
  bool MatchesEmpty() const { return matches_empty_; }

  // For regex types: the literal alternatives when the regex is nothing else ("a|b|c", "fo(o|x)"),
  // so that an index answers without trying each value; empty otherwise.
  std::span<const std::string> set_matches() const;
  // For regex types: every matching value starts with this ("" when nothing is known).
  std::string_view prefix() const;

  // name="value", with Go's quoting.
  std::string ToString() const;

  friend bool operator==(const Matcher& a, const Matcher& b) {
    return a.type_ == b.type_ && a.name_ == b.name_ && a.value_ == b.value_;
  }

 private:
  struct Regex;
  Matcher(MatchType type, std::string name, std::string value);

  MatchType type_;
  bool matches_empty_ = false;
  std::string name_;
  std::string value_;
  std::shared_ptr<const Regex> regex_;
};

using Matchers = std::vector<Matcher>;

// True when all of them match.
bool MatchesAll(std::span<const Matcher> matchers, const Labels& labels);

}  // namespace canopy::model
