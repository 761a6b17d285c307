#include "canopy/model/matcher.h"

#include <algorithm>
#include <array>
#include <utility>

#include "canopy/base/check.h"
#include "canopy/base/quote.h"
#include "canopy/model/regex.h"

namespace canopy::model {

// Named by the public header, which must not know the regex engine.
struct Matcher::Regex {
  std::shared_ptr<const AnchoredRegex> compiled;
};

std::string_view MatchTypeText(MatchType type) {
  constexpr std::array<std::string_view, 4> kTexts = {"=", "!=", "=~", "!~"};
  return kTexts[static_cast<size_t>(type)];
}

Matcher::Matcher(MatchType type, std::string name, std::string value)
    : type_(type), name_(std::move(name)), value_(std::move(value)) {}

Result<Matcher> Matcher::Create(MatchType type, std::string name, std::string value) {
  if (type == MatchType::kEqual || type == MatchType::kNotEqual) {
    return Literal(type, std::move(name), std::move(value));
  }
  Matcher out(type, std::move(name), std::move(value));
  CANOPY_ASSIGN_OR_RETURN(auto compiled, AnchoredRegex::Compile(out.value_));
  out.regex_ = std::make_shared<const Regex>(Regex{std::move(compiled)});
  out.matches_empty_ = out.Matches("");
  return out;
}

Matcher Matcher::Literal(MatchType type, std::string name, std::string value) {
  CANOPY_CHECK(type == MatchType::kEqual || type == MatchType::kNotEqual);
  Matcher out(type, std::move(name), std::move(value));
  out.matches_empty_ = out.Matches("");
  return out;
}

bool Matcher::Matches(std::string_view value) const {
  switch (type_) {
    case MatchType::kEqual:
      return value == value_;
    case MatchType::kNotEqual:
      return value != value_;
    case MatchType::kRegex:
      return regex_->compiled->Matches(value);
    case MatchType::kNotRegex:
      return !regex_->compiled->Matches(value);
  }
  return false;
}

std::span<const std::string> Matcher::set_matches() const {
  return regex_ ? regex_->compiled->literals() : std::span<const std::string>();
}

std::string_view Matcher::prefix() const {
  return regex_ ? regex_->compiled->prefix() : std::string_view();
}

std::string Matcher::ToString() const {
  std::string out;
  if (IsLegacyLabelName(name_)) {
    out = name_;
  } else {
    base::AppendQuoted(out, name_);
  }
  out += MatchTypeText(type_);
  base::AppendQuoted(out, value_);
  return out;
}

bool MatchesAll(std::span<const Matcher> matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&](const Matcher& m) { return m.Matches(labels.Get(m.name())); });
}

}  // namespace canopy::model
