// Matchers on posting lists. What a matcher costs is told apart first: lists that are there are
// intersected; a regex is tried on the values of its label, or, when few series are left, on
// theirs.

#include "match.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace canopy::tsdb {
namespace {

using model::Matcher;
using model::MatchType;
using model::Symbol;

bool IsNegative(MatchType type) {
  return type == MatchType::kNotEqual || type == MatchType::kNotRegex;
}

// The literal values that decide the matcher: it matches them and nothing else, or, when negative,
// all but them. None: it is a true regex.
std::span<const std::string> Literals(const Matcher& matcher) {
  if (matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kNotEqual)
    return {&matcher.value(), 1};
  return matcher.set_matches();
}

class Resolver {
 public:
  Resolver(const LabelIndex& index, const SeriesTable& table) : index_(index), table_(table) {}

  Roaring Run(std::span<const Matcher> matchers) {
    std::vector<const Matcher*> later;
    for (const Matcher& matcher : matchers) {
      if (!IsNegative(matcher.type()) && !matcher.MatchesEmpty() && !Literals(matcher).empty()) {
        Narrow(AnyOf(matcher.name(), Literals(matcher)));
        if (found_->isEmpty()) return {};
      } else {
        later.push_back(&matcher);
      }
    }
    // Those that say what is, before those that say what is not: something to subtract from.
    std::ranges::stable_sort(later, {}, [](const Matcher* m) { return m->MatchesEmpty(); });
    for (const Matcher* matcher : later) {
      Apply(*matcher);
      if (found_->isEmpty()) return {};
    }
    return found_ ? std::move(*found_) : index_.all();
  }

 private:
  void Narrow(Roaring list) {
    if (found_) {
      *found_ &= list;
    } else {
      found_ = std::move(list);
    }
  }
  void Subtract(const Roaring& list) {
    if (!found_) found_ = index_.all();
    *found_ -= list;
  }

  Roaring AnyOf(std::string_view name, std::span<const std::string> values) const {
    Roaring out;
    const auto name_symbol = index_.symbols().Find(name);
    if (!name_symbol) return out;
    for (const std::string& value : values) {
      const auto symbol = index_.symbols().Find(value);
      const PostingList* const list = symbol ? index_.Find(*name_symbol, *symbol) : nullptr;
      if (list != nullptr) list->UniteInto(out);
    }
    return out;
  }

  void Apply(const Matcher& matcher) {
    const auto name = index_.symbols().Find(matcher.name());
    const LabelIndex::Values* const values = name ? index_.ValuesOf(*name) : nullptr;
    if (values == nullptr) {  // everybody has the empty value
      if (!matcher.MatchesEmpty()) found_ = Roaring();
      if (!found_) found_ = index_.all();
      return;
    }
    if (matcher.MatchesEmpty()) {
      ApplyToAbsent(matcher, *name, *values);
    } else if (MatchesAnythingElse(matcher)) {
      Narrow(index_.WithName(*name));
    } else if (found_ && found_->cardinality() < values->size()) {
      FilterFound(matcher, *name);
    } else {
      Narrow(Values(matcher, *values, true));
    }
  }

  // The matcher also takes series without the label: those of other values go.
  void ApplyToAbsent(const Matcher& matcher, Symbol name, const LabelIndex::Values& values) {
    if (matcher.type() == MatchType::kEqual) {
      Subtract(index_.WithName(name));
    } else if (IsNegative(matcher.type()) && !Literals(matcher).empty()) {
      Subtract(AnyOf(matcher.name(), Literals(matcher)));
    } else if (found_ && found_->cardinality() < values.size()) {
      FilterFound(matcher, name);
    } else {
      Subtract(Values(matcher, values, false));
    }
  }

  // name!="", name=~".+": no need to look at values.
  static bool MatchesAnythingElse(const Matcher& matcher) {
    return (matcher.type() == MatchType::kNotEqual && matcher.value().empty()) ||
           (matcher.type() == MatchType::kRegex && matcher.value() == ".+");
  }

  // The series of all values that the matcher matches, or of those that it does not match.
  Roaring Values(const Matcher& matcher, const LabelIndex::Values& values, bool matching) const {
    const std::string_view prefix =
        matcher.type() == MatchType::kRegex ? matcher.prefix() : std::string_view();
    PostingUnion out(index_.all().maximum() + size_t{1});
    index_.symbols().ForEachText(
        values, [](const auto& entry) { return entry.first; },
        [&](const auto& entry, std::string_view text) {
          const bool matches = text.starts_with(prefix) && matcher.Matches(text);
          if (matches == matching) out.Add(entry.second);
        });
    return out.Take();
  }

  // Tries the values of the series that are left, each value once.
  void FilterFound(const Matcher& matcher, Symbol name) {
    absl::flat_hash_map<Symbol, bool> known;
    const bool matches_empty = matcher.MatchesEmpty();
    Roaring kept;
    for (const Slot slot : *found_) {
      std::optional<Symbol> value;
      for (const model::SymbolPair pair : table_.at(slot).labels->pairs())
        if (pair.name == name) value = pair.value;
      bool matches = matches_empty;
      if (value) {
        const auto [it, is_new] = known.try_emplace(*value, false);
        if (is_new) it->second = matcher.Matches(index_.symbols().Lookup(*value));
        matches = it->second;
      }
      if (matches) kept.add(slot);
    }
    found_ = std::move(kept);
  }

  const LabelIndex& index_;
  const SeriesTable& table_;
  std::optional<Roaring> found_;  // none: nothing has been asked yet
};

}  // namespace

Roaring Match(const LabelIndex& index, const SeriesTable& table,
              std::span<const Matcher> matchers) {
  return Resolver(index, table).Run(matchers);
}

}  // namespace canopy::tsdb
