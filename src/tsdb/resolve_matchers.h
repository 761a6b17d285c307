#pragma once

#include <algorithm>
#include <optional>
#include <roaring/roaring.hh>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/model/matcher.h"

namespace canopy::tsdb {

// Matchers on posting lists, whatever keeps the lists. What a matcher costs is told apart first:
// lists that are there are intersected; a regex is tried on the values of its label, or, when few
// series are left, on theirs.
//
// Index is to have:
//   Roaring All();
//   // Series with one of the values. Those that are not in `among` may be missing; null: all
//   count. Roaring AnyOf(std::string_view name, std::span<const std::string> values, const Roaring*
//   among);
//   // Series that have the label at all.
//   Roaring WithName(std::string_view name);
//   // About how many values the label has; 0: no series has it.
//   size_t ValueCount(std::string_view name);
//   // Whether Values() costs next to nothing for this matcher.
//   bool Knows(const model::Matcher& matcher);
//   // Series whose value is there and matches, or, with `matching` false, does not.
//   Roaring Values(const model::Matcher& matcher, bool matching);
//   // Of the found series those that match, each looked at.
//   Roaring Filter(const model::Matcher& matcher, const Roaring& found);
template <class Index>
class MatcherResolver {
 public:
  explicit MatcherResolver(Index& index) : index_(index) {}

  // The series that every matcher matches; all series when there is none.
  Roaring Run(std::span<const model::Matcher> matchers) {
    std::vector<const model::Matcher*> later;
    for (const model::Matcher& matcher : matchers) {
      if (IsNegative(matcher) || matcher.MatchesEmpty() || Literals(matcher).empty()) {
        later.push_back(&matcher);
        continue;
      }
      Narrow(index_.AnyOf(matcher.name(), Literals(matcher), found()));
      if (found_->isEmpty()) return {};
    }
    // Those that say what is, before those that say what is not: something to subtract from.
    std::ranges::stable_sort(later, {}, [](const model::Matcher* m) { return m->MatchesEmpty(); });
    for (const model::Matcher* matcher : later) {
      Apply(*matcher);
      if (found_->isEmpty()) return {};
    }
    return found_ ? std::move(*found_) : index_.All();
  }

 private:
  using Type = model::MatchType;

  static bool IsNegative(const model::Matcher& matcher) {
    return matcher.type() == Type::kNotEqual || matcher.type() == Type::kNotRegex;
  }
  // The literal values that decide the matcher: it matches them and nothing else, or, when
  // negative, all but them. None: it is a true regex.
  static std::span<const std::string> Literals(const model::Matcher& matcher) {
    if (matcher.type() == Type::kEqual || matcher.type() == Type::kNotEqual)
      return {&matcher.value(), 1};
    return matcher.set_matches();
  }
  // Every value but the empty one: != "", =~ ".+".
  static bool MatchesWhateverIsThere(const model::Matcher& matcher) {
    return (matcher.type() == Type::kNotEqual && matcher.value().empty()) ||
           (matcher.type() == Type::kRegex && matcher.value() == ".+");
  }

  const Roaring* found() const { return found_ ? &*found_ : nullptr; }
  void Narrow(Roaring list) {
    if (found_)
      *found_ &= list;
    else
      found_ = std::move(list);
  }
  void Subtract(const Roaring& list) {
    if (!found_) found_ = index_.All();
    *found_ -= list;
  }
  // Rather than the series of all values that match, those are looked at that are left.
  bool Filters(const model::Matcher& matcher, size_t values) {
    return found_ && found_->cardinality() < values && !index_.Knows(matcher);
  }

  void Apply(const model::Matcher& matcher) {
    const size_t values = index_.ValueCount(matcher.name());
    if (values == 0) {  // everybody has the empty value
      if (!matcher.MatchesEmpty()) found_ = Roaring();
      if (!found_) found_ = index_.All();
    } else if (matcher.MatchesEmpty()) {
      ApplyToAbsent(matcher, values);
    } else if (MatchesWhateverIsThere(matcher)) {
      Narrow(index_.WithName(matcher.name()));
    } else if (Filters(matcher, values)) {
      found_ = index_.Filter(matcher, *found_);
    } else {
      Narrow(index_.Values(matcher, true));
    }
  }

  // The matcher also takes series without the label: those of other values go.
  void ApplyToAbsent(const model::Matcher& matcher, size_t values) {
    if (matcher.type() == Type::kEqual) {
      Subtract(index_.WithName(matcher.name()));
    } else if (IsNegative(matcher) && !Literals(matcher).empty()) {
      Subtract(index_.AnyOf(matcher.name(), Literals(matcher), found()));
    } else if (Filters(matcher, values)) {
      found_ = index_.Filter(matcher, *found_);
    } else {
      Subtract(index_.Values(matcher, false));
    }
  }

  Index& index_;
  std::optional<Roaring> found_;  // none: nothing has been asked yet
};

}  // namespace canopy::tsdb
