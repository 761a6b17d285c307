#include "tsdb/index_match.h"

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <vector>

#include "tsdb/resolve_matchers.h"

namespace canopy::tsdb {
namespace {

using model::Matcher;

// What MatcherResolver asks, from an index. The first error is kept; from then on everything is
// empty.
class IndexPostings {
 public:
  IndexPostings(const IndexReader& index, const storage::Interrupt* interrupt)
      : index_(index), patience_(interrupt) {}

  const Status& status() const { return status_; }

  Roaring All() {
    Roaring out;
    Unite(index_.AllPostings(), out);
    return out;
  }
  static bool Knows(const model::Matcher& /*matcher*/) { return false; }
  Roaring AnyOf(std::string_view name, std::span<const std::string> values, const Roaring* among) {
    Roaring out;
    for (const std::string& value : values) {
      const auto list = index_.Postings(name, value);
      if (among == nullptr || !list.ok()) {
        Unite(list, out);
        continue;
      }
      Roaring part = *among;
      list->IntersectInto(part);
      out |= part;
    }
    return out;
  }
  Roaring WithName(std::string_view name) {
    Roaring out;
    index_.ForEachValue(
        name, "", [&](std::string_view, uint64_t list) { return Unite(index_.ListAt(list), out); });
    return out;
  }
  size_t ValueCount(std::string_view name) const { return index_.ValueCount(name); }
  Roaring Values(const Matcher& matcher, bool matching) {
    // Only values with the prefix can match; all others do not.
    const bool by_prefix = matching && matcher.type() == model::MatchType::kRegex;
    const std::string_view prefix = by_prefix ? matcher.prefix() : std::string_view();
    Roaring out;
    index_.ForEachValue(matcher.name(), prefix, [&](std::string_view value, uint64_t list) {
      if (!value.starts_with(prefix)) return false;
      if (!Note(patience_.Step())) return false;
      return matcher.Matches(value) != matching || Unite(index_.ListAt(list), out);
    });
    return out;
  }
  Roaring Filter(const Matcher& matcher, const Roaring& found) {
    Roaring kept;
    const auto name = index_.symbols().Find(matcher.name());
    absl::flat_hash_map<model::Symbol, bool> known;
    std::vector<model::SymbolPair> labels;
    for (const SeriesId id : found) {
      labels.clear();
      if (!Note(patience_.Step()) || !Note(index_.ReadSeries(id, labels, nullptr))) break;
      bool matches = matcher.MatchesEmpty();
      for (const model::SymbolPair pair : labels) {
        if (pair.name != name) continue;
        const auto [it, is_new] = known.try_emplace(pair.value, false);
        if (is_new) it->second = matcher.Matches(index_.symbols().Lookup(pair.value));
        matches = it->second;
      }
      if (matches) kept.add(id);
    }
    return kept;
  }

 private:
  bool Note(const Status& status) {
    if (status_.ok()) status_ = status;
    return status_.ok();
  }
  bool Unite(const Result<PostingsView>& list, Roaring& out) {
    if (!Note(list.status())) return false;
    list->UniteInto(out);
    return true;
  }

  const IndexReader& index_;
  storage::Patience patience_;
  Status status_;
};

}  // namespace

Result<Roaring> MatchIndex(const IndexReader& index, std::span<const Matcher> matchers,
                           const storage::Interrupt* interrupt) {
  IndexPostings postings(index, interrupt);
  Roaring out = MatcherResolver(postings).Run(matchers);
  if (!postings.status().ok()) return postings.status();
  return out;
}

}  // namespace canopy::tsdb
