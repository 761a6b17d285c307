#include "tsdb/match.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace canopy::tsdb {
namespace {

using model::Matcher;
using model::MatchType;

// The head's index, without the head, beside a map that says what is in it.
struct Indexed {
  ~Indexed() {
    while (!series.empty()) Remove(series.begin()->first);
  }

  void Add(const std::map<std::string, std::string>& labels) {
    std::vector<model::Symbol> names;
    std::vector<model::Symbol> values;
    for (const auto& [name, value] : labels) {
      names.push_back(symbols.Intern(name));
      values.push_back(symbols.Intern(value));
    }
    SeriesLabels* const block = index.NewLabels(names, values);
    const Slot slot = *table.Add(block);
    index.Add(slot, *block);
    series[slot] = labels;
  }
  void Remove(Slot slot) {
    SeriesLabels* const labels = table.at(slot).labels;
    index.Remove(slot, *labels);
    table.Remove(slot);
    index.DropLabels(labels);
    symbols.Sweep(graveyard);
    series.erase(slot);
  }

  Roaring Want(const model::Matchers& matchers) const {
    Roaring out;
    for (const auto& [slot, labels] : series) {
      const bool all = std::ranges::all_of(matchers, [&](const Matcher& matcher) {
        const auto it = labels.find(matcher.name());
        return matcher.Matches(it == labels.end() ? "" : it->second);
      });
      if (all) out.add(slot);
    }
    return out;
  }
  Roaring Get(const model::Matchers& matchers) { return *Match(index, table, known, matchers); }

  Graveyard graveyard;
  SymbolTable symbols;
  LabelIndex index{symbols, graveyard};
  SeriesTable table;
  KnownMatches known;
  std::map<Slot, std::map<std::string, std::string>> series;
};

Matcher M(MatchType type, const std::string& name, const std::string& value) {
  return *Matcher::Create(type, name, value);
}

// Regexes that are asked again and again, alone and beside others.
std::vector<model::Matchers> Asked() {
  const Matcher name = M(MatchType::kEqual, "__name__", "m0");
  std::vector<model::Matchers> out;
  for (const char* regex : {"pod-[0-3].*", ".*7", "(pod-1|other-).*", ".*", "|pod-2.*", "x?"}) {
    for (const MatchType type : {MatchType::kRegex, MatchType::kNotRegex}) {
      out.push_back({M(type, "pod", regex)});
      out.push_back({name, M(type, "pod", regex)});
    }
  }
  out.push_back(
      {name, M(MatchType::kRegex, "pod", "pod-.*"), M(MatchType::kNotRegex, "pod", ".*5")});
  out.push_back({M(MatchType::kEqual, "pod", "pod-7")});
  out.push_back({M(MatchType::kEqual, "app", "2")});
  out.push_back({M(MatchType::kNotEqual, "app", "2"), M(MatchType::kNotEqual, "pod", "")});
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(match)

BOOST_AUTO_TEST_CASE(regexes_that_are_asked_again_see_what_has_come_and_gone) {
  std::mt19937 random(1);
  const auto below = [&](uint32_t end) {
    return std::uniform_int_distribution(0U, end - 1)(random);
  };
  const std::vector<model::Matchers> asked = Asked();
  Indexed head;
  std::string pod = "pod-0";  // often the same one again
  // Times of growth and of decline, down to nothing: the label itself comes and goes.
  for (int step = 0; step < 3000; ++step) {
    const bool grows = step / 500 % 2 == 0;
    for (uint32_t n = below(step % 100 == 0 ? 200 : 3); n > 0; --n) {
      if (below(10) < (grows ? 9U : 1U)) {
        std::map<std::string, std::string> labels = {{"__name__", "m" + std::to_string(below(3))}};
        // A label's place among the others changes.
        if (below(2) > 0) labels["app"] = std::to_string(below(4));
        if (below(2) > 0) pod = (below(4) > 0 ? "pod-" : "other-") + std::to_string(below(500));
        if (below(8) > 0) labels["pod"] = pod;
        head.Add(labels);
      } else if (!head.series.empty()) {
        head.Remove(std::next(head.series.begin(), below(static_cast<uint32_t>(head.series.size())))
                        ->first);
      }
    }
    for (uint32_t asks = 0; asks < 3; ++asks) {
      const model::Matchers& matchers = asked[below(static_cast<uint32_t>(asked.size()))];
      BOOST_TEST_CONTEXT(step << " " << matchers.back().ToString())
      BOOST_REQUIRE((head.Get(matchers) == head.Want(matchers)));
    }
  }
}

// More values at once than a label keeps in mind as new.
BOOST_AUTO_TEST_CASE(many_new_values_are_seen_too) {
  Indexed head;
  const model::Matchers matchers = {M(MatchType::kRegex, "pod", ".*7")};
  for (int i = 0; i < 20'000; ++i) {
    head.Add({{"pod", std::to_string(i)}});
    if (i % 100 == 0 || i % 7001 < 3) BOOST_REQUIRE((head.Get(matchers) == head.Want(matchers)));
    if (i == 100) i = 5'000;
  }
}

// The label that has the new values stands elsewhere in the series that come between.
BOOST_AUTO_TEST_CASE(lists_are_found_however_many_values_come) {
  Indexed head;
  for (int i = 0; i < 1'000; ++i) {
    head.Add({{"app", "a"}, {"pod", "always"}});
    head.Add({{"pod", std::to_string(i)}});
  }
  for (const char* value : {"always", "0", "500", "999"}) {
    const model::Matchers matchers = {M(MatchType::kEqual, "pod", value)};
    BOOST_TEST((head.Get(matchers) == head.Want(matchers)));
  }
}

BOOST_AUTO_TEST_CASE(what_is_known_is_bounded) {
  KnownMatches known;
  const Matcher first = M(MatchType::kRegex, "a", "first.*");
  BOOST_TEST(!known.Ask(first).asked_before);
  BOOST_TEST(known.Ask(first).asked_before);
  for (int i = 0; i < 10'000; ++i) {
    const Matcher other = M(MatchType::kRegex, "a", std::to_string(i) + ".*");
    BOOST_TEST(!known.Ask(other).asked_before);
    if (i % 100 == 0) BOOST_TEST(known.Ask(first).asked_before);  // in use: it stays
  }
  BOOST_TEST(known.bytes() < 1U << 20);
  Roaring large;
  for (uint32_t i = 0; i < 1'000'000; i += 2) large.add(i);
  for (int i = 0; i < 300; ++i) {
    const Matcher other = M(MatchType::kRegex, "b", std::to_string(i) + ".*");
    KnownMatches::Known answer = known.Ask(other);
    answer.series = std::make_shared<const Roaring>(large);
    known.Learn(other, answer);
  }
  BOOST_TEST(known.bytes() <= 8U << 20);
  BOOST_TEST(known.bytes() > 1U << 20);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace canopy::tsdb
