#include "canopy/storage/merge.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "canopy/model/labels.h"

namespace canopy::storage {
namespace {

using model::Labels;
using Samples = std::map<int64_t, double>;
using Content = std::map<Labels, Samples>;

// A store with numbers of its own for strings, which counts what is asked of it.
class FakeQuerier final : public Querier {
 public:
  FakeQuerier(Content content, uint32_t seed) : content_(std::move(content)), seed_(seed) {
    for (const auto& [labels, samples] : content_) {
      for (const model::LabelView label : labels) {
        symbols_.Add(label.name, seed_);
        symbols_.Add(label.value, seed_);
      }
    }
  }

  Result<std::unique_ptr<SeriesSet>> Select(std::span<const model::Matcher> matchers,
                                            const SelectHints& hints) override {
    auto set = std::make_unique<Set>(symbols_, hints.newest_only);
    for (const auto& [labels, samples] : content_) {
      if (!model::MatchesAll(matchers, labels)) continue;
      if (hints.max_series != 0 && set->rows.size() == hints.max_series)
        return Status::Limit("too many");
      Row row;
      for (const model::LabelView label : labels)
        row.pairs.push_back({*symbols_.Find(label.name), *symbols_.Find(label.value)});
      for (const auto& [t, v] : samples) {
        row.times.push_back(t);
        row.values.push_back(v);
      }
      set->rows.push_back(std::move(row));
    }
    if (!hints.sorted) std::shuffle(set->rows.begin(), set->rows.end(), std::mt19937(seed_));
    return std::unique_ptr<SeriesSet>(std::move(set));
  }
  Result<std::vector<std::string>> LabelNames(std::span<const model::Matcher>,
                                              uint64_t limit) override {
    std::set<std::string> names;
    for (const auto& [labels, samples] : content_)
      for (const model::LabelView label : labels) names.emplace(label.name);
    return Limited(names, limit);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               std::span<const model::Matcher>,
                                               uint64_t limit) override {
    std::set<std::string> values;
    for (const auto& [labels, samples] : content_)
      if (labels.Has(name)) values.emplace(labels.Get(name));
    return Limited(values, limit);
  }

 private:
  static std::vector<std::string> Limited(const std::set<std::string>& all, uint64_t limit) {
    std::vector<std::string> out(all.begin(), all.end());
    if (limit != 0 && out.size() > limit) out.resize(limit);
    return out;
  }
  struct Symbols final : model::SymbolSource {
    void Add(std::string_view text, uint32_t seed) {
      if (Find(text)) return;
      numbers[std::string(text)] = static_cast<model::Symbol>(numbers.size() * 7 + seed);
    }
    std::string_view Lookup(model::Symbol symbol) const override {
      for (const auto& [text, number] : numbers)
        if (number == symbol) return text;
      BOOST_REQUIRE_MESSAGE(false, "a symbol of another store");
      return {};
    }
    std::optional<model::Symbol> Find(std::string_view text) const override {
      const auto it = numbers.find(std::string(text));
      if (it == numbers.end()) return std::nullopt;
      return it->second;
    }
    std::map<std::string, model::Symbol> numbers;
  };
  struct Row {
    std::vector<model::SymbolPair> pairs;
    std::vector<int64_t> times;
    std::vector<double> values;
  };
  struct Set final : SeriesSet {
    Set(const Symbols& all, bool newest) : symbols(all), newest_only(newest) {}
    size_t size() const override { return rows.size(); }
    model::SeriesLabelsView labels(size_t i) const override { return {symbols, rows[i].pairs}; }
    Result<Columns> Read(size_t i, Timestamp from, Timestamp until, ColumnBuffer&) const override {
      const Row& row = rows[i];
      std::span<const int64_t> times = row.times;
      std::span<const double> values = row.values;
      if (newest_only) {
        times = times.last(1);
        values = values.last(1);
      }
      const auto first = std::ranges::lower_bound(times, from.ms()) - times.begin();
      const auto last = std::ranges::upper_bound(times, until.ms()) - times.begin();
      const auto begin = static_cast<size_t>(first);
      const auto count = static_cast<size_t>(std::max<std::ptrdiff_t>(last - first, 0));
      return Columns{times.subspan(begin, count), values.subspan(begin, count), 77};
    }
    const Symbols& symbols;
    const bool newest_only;
    std::vector<Row> rows;
  };

  const Content content_;
  const uint32_t seed_;
  Symbols symbols_;
};

Content RandomContent(std::mt19937& random, int64_t start) {
  Content out;
  for (int n = static_cast<int>(random() % 12); n > 0; --n) {
    model::LabelsBuilder labels;
    labels.Set("__name__", "m" + std::to_string(random() % 3));
    if (random() % 2 == 0) labels.Set("zone", "z" + std::to_string(random() % 3));
    Samples& samples = out[labels.Build()];
    for (int k = 1 + static_cast<int>(random() % 20); k > 0; --k)
      samples[start + static_cast<int64_t>(random() % 40)] = static_cast<double>(random() % 1000);
  }
  return out;
}

struct Stores {
  Content all;
  std::vector<std::unique_ptr<Querier>> queriers;
};
Stores RandomStores(std::mt19937& random, int count) {
  Stores out;
  for (int i = 0; i < count; ++i) {
    const Content content = RandomContent(random, static_cast<int64_t>(random() % 60));
    for (const auto& [labels, samples] : content)
      for (const auto& [t, v] : samples) out.all[labels][t] = v;  // the later one wins
    out.queriers.push_back(
        std::make_unique<FakeQuerier>(content, static_cast<uint32_t>(random() % 1000)));
  }
  return out;
}

Content ContentOf(const SeriesSet& set, int64_t from, int64_t until) {
  Content out;
  ColumnBuffer buffer;
  for (size_t i = 0; i < set.size(); ++i) {
    const auto columns = set.Read(i, Timestamp::FromMs(from), Timestamp::FromMs(until), buffer);
    BOOST_REQUIRE(columns.ok());
    const Labels labels = set.labels(i).ToLabels();
    BOOST_REQUIRE_MESSAGE(!out.contains(labels), labels.ToString() << " twice");
    Samples& samples = out[labels];
    for (size_t k = 0; k < columns->times.size(); ++k) {
      BOOST_REQUIRE((k == 0 || columns->times[k - 1] < columns->times[k]));
      samples[columns->times[k]] = columns->values[k];
    }
  }
  return out;
}

Content Part(const Content& all, int64_t from, int64_t until) {
  Content out;
  for (const auto& [labels, samples] : all) {
    Samples& part = out[labels];
    for (const auto& [t, v] : samples)
      if (from <= t && t <= until) part[t] = v;
  }
  return out;
}

BOOST_AUTO_TEST_CASE(series_with_equal_labels_become_one) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    Stores stores = RandomStores(random, static_cast<int>(random() % 5));
    const auto querier = MergeQueriers(std::move(stores.queriers));
    for (const bool sorted : {false, true}) {
      SelectHints hints;
      hints.sorted = sorted;
      const auto set = querier->Select({}, hints);
      BOOST_REQUIRE(set.ok());
      for (size_t i = 1; sorted && i < (*set)->size(); ++i)
        BOOST_REQUIRE(((*set)->labels(i - 1).ToLabels() < (*set)->labels(i).ToLabels()));
      BOOST_REQUIRE((ContentOf(**set, INT64_MIN, INT64_MAX) == stores.all));
      BOOST_REQUIRE((ContentOf(**set, 30, 50) == Part(stores.all, 30, 50)));

      hints.newest_only = true;
      Content newest = stores.all;
      for (auto& [labels, samples] : newest) samples.erase(samples.begin(), --samples.end());
      const auto last = querier->Select({}, hints);
      BOOST_REQUIRE((ContentOf(**last, INT64_MIN, INT64_MAX) == newest));
      BOOST_REQUIRE((ContentOf(**last, 30, 50) == Part(newest, 30, 50)));

      if (stores.all.empty()) continue;
      hints.max_series = stores.all.size();
      BOOST_REQUIRE(querier->Select({}, hints).ok());
      if (--hints.max_series > 0)
        BOOST_REQUIRE((querier->Select({}, hints).status().code() == Code::kLimit));
    }
  }
}

BOOST_AUTO_TEST_CASE(several_selectors_are_joined_in_each_store) {
  std::mt19937 random(2);
  Stores stores = RandomStores(random, 4);
  const auto querier = MergeQueriers(std::move(stores.queriers));
  const std::vector<model::Matchers> selectors = {
      {model::Matcher::Literal(model::MatchType::kEqual, "__name__", "m1")},
      {model::Matcher::Literal(model::MatchType::kEqual, "zone", "z1")}};
  std::erase_if(stores.all, [&](const auto& series) {
    return !model::MatchesAll(selectors[0], series.first) &&
           !model::MatchesAll(selectors[1], series.first);
  });
  const auto set = querier->SelectAny(selectors, {});
  BOOST_TEST((ContentOf(**set, INT64_MIN, INT64_MAX) == stores.all));
}

BOOST_AUTO_TEST_CASE(names_and_values_are_united) {
  std::vector<std::unique_ptr<Querier>> queriers;
  queriers.push_back(std::make_unique<FakeQuerier>(
      Content{{Labels{{"a", "3"}}, {}}, {Labels{{"a", "1"}, {"c", "x"}}, {}}}, 0));
  queriers.push_back(std::make_unique<FakeQuerier>(
      Content{{Labels{{"a", "2"}}, {}}, {Labels{{"a", "1"}, {"b", "x"}}, {}}}, 3));
  const auto querier = MergeQueriers(std::move(queriers));
  using Texts = std::vector<std::string>;
  BOOST_TEST((*querier->LabelNames({}, 0) == Texts{"a", "b", "c"}));
  BOOST_TEST((*querier->LabelNames({}, 2) == Texts{"a", "b"}));
  BOOST_TEST((*querier->LabelValues("a", {}, 0) == Texts{"1", "2", "3"}));
  BOOST_TEST((*querier->LabelValues("a", {}, 2) == Texts{"1", "2"}));
}

// A promise about times holds within one set, not across several.
BOOST_AUTO_TEST_CASE(ids_of_times_are_kept_by_a_set_that_is_alone) {
  const Content content = {{Labels{{"a", "1"}}, {{1, 1.0}}}};
  const Content other = {{Labels{{"a", "2"}}, {{2, 1.0}}}};
  ColumnBuffer buffer;
  const auto id = [&](std::vector<Content> contents) {
    std::vector<std::unique_ptr<Querier>> queriers;
    for (Content& one : contents)
      queriers.push_back(std::make_unique<FakeQuerier>(std::move(one), 1));
    const auto querier = MergeQueriers(std::move(queriers));
    const auto set = querier->Select({}, {});
    return (*set)->Read(0, Timestamp::Min(), Timestamp::Max(), buffer)->times_id;
  };
  BOOST_TEST(id({content}) == 77u);
  BOOST_TEST(id({{}, content, {}}) == 77u);
  BOOST_TEST(id({content, other}) == 0u);
}

}  // namespace
}  // namespace canopy::storage
