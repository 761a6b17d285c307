#include "match.h"

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "resolve_matchers.h"

namespace canopy::tsdb {
namespace {

using model::Matcher;
using model::Symbol;

// Labels with fewer values are tried each time.
constexpr size_t kWorthKnowing = 64;

// The head as MatcherResolver sees it. A regex that is asked again is answered from what it matched
// before: values that have come since are tried, no others.
class HeadIndex {
 public:
  HeadIndex(const LabelIndex& index, const SeriesTable& table, KnownMatches& known,
            const storage::Interrupt* interrupt)
      : index_(index), table_(table), known_(known), patience_(interrupt) {}

  // Once it is not ok, answers are not whole.
  const Status& status() const { return status_; }

  Roaring All() const { return index_.all(); }

  Roaring AnyOf(std::string_view name, std::span<const std::string> values,
                const Roaring* /*among*/) const {
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

  Roaring WithName(std::string_view name) const {
    const auto symbol = index_.symbols().Find(name);
    return symbol ? index_.WithName(*symbol) : Roaring();
  }

  size_t ValueCount(std::string_view name) const {
    const LabelIndex::Label* const label = LabelOf(name);
    return label == nullptr ? 0 : label->values.size();
  }

  bool Knows(const Matcher& matcher) { return CurrentSeries(Ask(matcher)) != nullptr; }

  Roaring Values(const Matcher& matcher, bool matching) {
    const LabelIndex::Label& label = *LabelOf(matcher.name());
    PostingUnion out(index_.all().maximum() + size_t{1});
    if (label.values.size() < kWorthKnowing || !Ask(matcher).asked_before) {
      ForEachMatching(matcher, label, matching, [&](const auto& entry) { out.Add(entry.second); });
      return out.Take();
    }
    if (const Roaring* const series = CurrentSeries(*asked_)) return *series;
    const auto values = CurrentValues(matcher, label);
    if (!status_.ok()) return {};
    for (const auto& [value, list] : label.values)
      if (values->contains(value) == matching) out.Add(list);
    auto series = std::make_shared<const Roaring>(out.Take());
    asked_->series = series;
    asked_->version = index_.version();
    known_.Learn(matcher, *asked_);
    return *series;
  }

  // Tries the values of the series that are left, each value once.
  Roaring Filter(const Matcher& matcher, const Roaring& found) {
    const std::optional<Symbol> name = index_.symbols().Find(matcher.name());
    if (Ask(matcher).asked_before) {
      const auto values = CurrentValues(matcher, *LabelOf(matcher.name()));
      return KeepIf(matcher, *name, found, [&](Symbol value) { return values->contains(value); });
    }
    absl::flat_hash_map<Symbol, bool> tried;
    return KeepIf(matcher, *name, found, [&](Symbol value) {
      const auto [it, is_new] = tried.try_emplace(value, false);
      if (is_new) it->second = matcher.Matches(index_.symbols().Lookup(value));
      return it->second;
    });
  }

 private:
  const LabelIndex::Label* LabelOf(std::string_view name) const {
    const auto symbol = index_.symbols().Find(name);
    return symbol ? index_.FindLabel(*symbol) : nullptr;
  }

  static bool Matches(const Matcher& matcher, std::string_view text) {
    if (matcher.type() == model::MatchType::kRegex && !text.starts_with(matcher.prefix()))
      return false;
    return matcher.Matches(text);
  }

  bool GoOn() {
    if (status_.ok()) status_ = patience_.Step();
    return status_.ok();
  }

  // Calls fn(entry) for the values that the matcher matches, or does not match.
  template <class Fn>
  void ForEachMatching(const Matcher& matcher, const LabelIndex::Label& label, bool matching,
                       Fn fn) {
    index_.symbols().ForEachText(
        label.values, [](const auto& entry) { return entry.first; },
        [&](const auto& entry, std::string_view text) {
          if (GoOn() && Matches(matcher, text) == matching) fn(entry);
        });
  }

  // Once for each matcher, however often it is called.
  KnownMatches::Known& Ask(const Matcher& matcher) {
    if (asked_about_ != &matcher) asked_ = known_.Ask(matcher);
    asked_about_ = &matcher;
    return *asked_;
  }

  const Roaring* CurrentSeries(const KnownMatches::Known& known) const {
    return known.version == index_.version() ? known.series.get() : nullptr;
  }

  // Brings what is known of the values up to date.
  std::shared_ptr<const Roaring> CurrentValues(const Matcher& matcher,
                                               const LabelIndex::Label& label) {
    KnownMatches::Known& known = *asked_;
    const ValueHistory& history = label.history;
    const bool none_gone = known.values != nullptr && known.removed_at == history.removed_at();
    if (none_gone && known.added == history.added()) return known.values;
    auto values = std::make_shared<Roaring>();
    if (const auto recent = history.AddedSince(known.added); none_gone && recent) {
      *values = *known.values;
      for (const Symbol value : *recent)
        if (Matches(matcher, index_.symbols().Lookup(value))) values->add(value);
    } else {
      ForEachMatching(matcher, label, true, [&](const auto& entry) { values->add(entry.first); });
      if (!status_.ok()) return values;
    }
    known.values = std::move(values);
    known.added = history.added();
    known.removed_at = history.removed_at();
    known_.Learn(matcher, known);
    return known.values;
  }

  template <class Fn>
  Roaring KeepIf(const Matcher& matcher, Symbol name, const Roaring& found, Fn matches) {
    Roaring kept;
    for (const Slot slot : found) {
      if (!GoOn()) break;
      std::optional<Symbol> value;
      for (const model::SymbolPair pair : table_.at(slot).labels->pairs())
        if (pair.name == name) value = pair.value;
      if (value ? matches(*value) : matcher.MatchesEmpty()) kept.add(slot);
    }
    return kept;
  }

  const LabelIndex& index_;
  const SeriesTable& table_;
  KnownMatches& known_;
  const Matcher* asked_about_ = nullptr;
  std::optional<KnownMatches::Known> asked_;  // about it
  storage::Patience patience_;
  Status status_;
};

}  // namespace

Result<Roaring> Match(const LabelIndex& index, const SeriesTable& table, KnownMatches& known,
                      std::span<const Matcher> matchers, const storage::Interrupt* interrupt) {
  HeadIndex head(index, table, known, interrupt);
  Roaring found = MatcherResolver(head).Run(matchers);
  if (!head.status().ok()) return head.status();
  return found;
}

}  // namespace canopy::tsdb
