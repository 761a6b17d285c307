#include "tsdb/exemplar_store.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>

namespace canopy::tsdb {
namespace {

using model::Exemplar;
using model::Labels;
using model::Matcher;
using model::Matchers;
using model::MatchType;

Exemplar At(int64_t ms, double value = 1, const std::string& trace = "t") {
  return {{{"trace_id", trace}}, value, Timestamp::FromMs(ms)};
}
Exemplar Untimed(int64_t ms, double value = 1) {
  Exemplar exemplar = At(ms, value);
  exemplar.has_time = false;
  return exemplar;
}
Labels Named(const std::string& name) { return {{"__name__", name}, {"job", "j"}}; }
std::vector<Matchers> Everything() { return {{Matcher::Literal(MatchType::kEqual, "job", "j")}}; }

// As the test reads: "a: t=1@5 | b: t=2@6", times in ms.
std::string Text(const std::vector<storage::ExemplarSeries>& all) {
  std::string out;
  for (const auto& series : all) {
    out += (out.empty() ? "" : " | ") + std::string(series.labels.metric_name()) + ":";
    for (const Exemplar& e : series.exemplars)
      out += " " + std::string(e.labels.Get("trace_id")) + "=" +
             std::to_string(static_cast<int>(e.value)) + "@" + std::to_string(e.time.ms());
  }
  return out;
}

struct Store {
  explicit Store(size_t capacity) : exemplars(metrics, capacity) {}

  // The names of series are their refs: 1 is "s1". "stored/out of order"
  std::string Append(const std::vector<std::pair<uint64_t, Exemplar>>& batch) {
    std::vector<ExemplarRow> rows;
    for (const auto& [ref, exemplar] : batch) rows.push_back({SeriesRef(ref), &exemplar});
    const uint32_t out_of_order = exemplars.Admit(rows);
    std::vector<Labels> labels;
    for (const ExemplarRow& row : rows)
      labels.push_back(Named("s" + std::to_string(row.series.value())));
    const uint32_t stored = exemplars.Add(rows, labels);
    return std::to_string(stored) + "/" + std::to_string(out_of_order);
  }
  std::string All() const {
    return Text(exemplars.Select(Everything(), Timestamp::Min(), Timestamp::Max()));
  }
  double Metric(const std::string& name) const {
    const std::string page = metrics.RenderText();
    const size_t at = page.find("\nprometheus_tsdb_exemplar_" + name + " ");
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, name << " is not shown");
    return std::stod(page.substr(page.find(' ', at)));
  }

  SelfMetrics metrics;
  ExemplarStore exemplars;
};

BOOST_AUTO_TEST_SUITE(exemplar_store)

BOOST_AUTO_TEST_CASE(what_is_stored_and_what_is_not) {
  Store store(100);
  BOOST_TEST(store.Append({{1, At(10)}, {2, At(20)}}) == "2/0");
  // Seen again; older; of the same time but another value, and less; of the same time and more.
  BOOST_TEST(store.Append({{1, At(10)}}) == "0/0");
  BOOST_TEST(store.Append({{1, At(9)}}) == "0/1");
  BOOST_TEST(store.Append({{1, At(10, 0)}}) == "0/1");
  BOOST_TEST(store.Append({{1, At(10, 2)}}) == "1/0");
  BOOST_TEST(store.Append({{1, At(10, 2, "a")}}) == "0/1");
  BOOST_TEST(store.Append({{1, At(10, 2, "u")}}) == "1/0");
  // The last few of a histogram, shown again with one that is new: nothing to complain about.
  BOOST_TEST(store.Append({{1, At(12)}, {1, At(10)}, {1, At(10, 2)}, {2, At(19)}}) == "1/1");
  BOOST_TEST(store.Append({{1, At(12)}, {1, At(10)}}) == "0/0");
  BOOST_TEST(store.All() == "s1: t=1@10 t=2@10 u=2@10 t=1@12 | s2: t=1@20");
  BOOST_TEST(store.Metric("exemplars_appended_total") == 5);
  BOOST_TEST(store.Metric("out_of_order_exemplars_total") == 4);
  BOOST_TEST(store.Metric("exemplars_in_storage") == 5);
  BOOST_TEST(store.Metric("series_with_exemplars_in_storage") == 2);
  BOOST_TEST(store.Metric("last_exemplars_timestamp_seconds") == 0.01);
  BOOST_TEST(store.Metric("max_exemplars") == 100);
}

BOOST_AUTO_TEST_CASE(one_without_a_time_is_itself_at_every_scrape) {
  Store store(100);
  BOOST_TEST(store.Append({{1, Untimed(10)}}) == "1/0");
  BOOST_TEST(store.Append({{1, Untimed(20)}}) == "0/0");
  BOOST_TEST(store.Append({{1, At(20)}}) == "1/0");
  BOOST_TEST(store.Append({{1, Untimed(30)}}) == "1/0");
  BOOST_TEST(store.Append({{1, Untimed(40, 2)}}) == "1/0");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(store.Append({{2, Untimed(10, nan)}}) == "1/0");
  BOOST_TEST(store.Append({{2, Untimed(20, nan)}}) == "0/0");
}

BOOST_AUTO_TEST_CASE(labels_have_128_characters_at_most) {
  Store store(100);
  const auto with = [](const std::string& value) {
    return Exemplar{{{"n", value}}, 1, Timestamp::FromMs(10)};
  };
  BOOST_TEST(store.Append({{1, with(std::string(128, 'x'))}}) == "0/0");
  BOOST_TEST(store.Append({{1, with(std::string(127, 'x'))}}) == "1/0");
  std::string umlauts;
  for (int i = 0; i < 127; ++i) umlauts += "\u00fc";
  BOOST_TEST(store.Append({{2, with(umlauts)}}) == "1/0");
  BOOST_TEST(store.Append({{3, with(umlauts + "\u00fc")}}) == "0/0");
}

BOOST_AUTO_TEST_CASE(the_oldest_makes_room_whose_ever_it_is) {
  Store store(3);
  store.Append({{1, At(10)}});
  store.Append({{2, At(20)}});
  store.Append({{1, At(30)}});
  store.Append({{3, At(5)}});
  BOOST_TEST(store.All() == "s1: t=1@30 | s2: t=1@20 | s3: t=1@5");
  BOOST_TEST(store.Metric("last_exemplars_timestamp_seconds") == 0.02);
  store.Append({{3, At(6)}});
  BOOST_TEST(store.All() == "s1: t=1@30 | s3: t=1@5 t=1@6");
  BOOST_TEST(store.Metric("series_with_exemplars_in_storage") == 2);
  // A series' own only one.
  Store one(1);
  one.Append({{1, At(10)}});
  one.Append({{1, At(20)}});
  BOOST_TEST(one.All() == "s1: t=1@20");
  // A batch that is larger than all of it.
  BOOST_TEST(one.Append({{1, At(30)}, {2, At(30)}, {3, At(30)}}) == "3/0");
  BOOST_TEST(one.All() == "s3: t=1@30");
}

BOOST_AUTO_TEST_CASE(a_change_of_size_keeps_the_newest) {
  Store store(4);
  for (int i = 1; i <= 6; ++i) store.Append({{static_cast<uint64_t>(i % 2 + 1), At(i)}});
  BOOST_TEST(store.All() == "s1: t=1@4 t=1@6 | s2: t=1@3 t=1@5");
  BOOST_TEST(store.exemplars.Resize(3) == 3u);
  BOOST_TEST(store.All() == "s1: t=1@4 t=1@6 | s2: t=1@5");
  BOOST_TEST(store.exemplars.Resize(5) == 3u);
  for (int i = 7; i <= 9; ++i) store.Append({{static_cast<uint64_t>(i % 2 + 1), At(i)}});
  BOOST_TEST(store.All() == "s1: t=1@6 t=1@8 | s2: t=1@5 t=1@7 t=1@9");
  BOOST_TEST(store.exemplars.Resize(0) == 0u);
  BOOST_TEST(!store.exemplars.enabled());
  BOOST_TEST(store.Append({{1, At(20)}}) == "0/0");
  BOOST_TEST(store.All() == "");
  BOOST_TEST(store.Metric("max_exemplars") == 0);
  BOOST_TEST(store.Metric("last_exemplars_timestamp_seconds") == 0);
  BOOST_TEST(store.exemplars.Resize(2) == 0u);
  BOOST_TEST(store.Append({{1, At(20)}}) == "1/0");
}

BOOST_AUTO_TEST_CASE(selection_by_time_and_by_any_of_several_selectors) {
  Store store(100);
  for (uint64_t series = 1; series <= 3; ++series)
    store.Append({{series, At(10)}, {series, At(20)}, {series, At(30)}});
  const auto named = [](const std::string& name) {
    return Matchers{Matcher::Literal(MatchType::kEqual, "__name__", name)};
  };
  const auto select = [&](std::vector<Matchers> selectors, int64_t from, int64_t until) {
    return Text(
        store.exemplars.Select(selectors, Timestamp::FromMs(from), Timestamp::FromMs(until)));
  };
  BOOST_TEST(select({named("s2")}, 0, 100) == "s2: t=1@10 t=1@20 t=1@30");
  BOOST_TEST(select({named("s3"), named("s1")}, 20, 30) == "s1: t=1@20 t=1@30 | s3: t=1@20 t=1@30");
  BOOST_TEST(select({named("s3"), Everything()[0]}, 10, 10) ==
             "s1: t=1@10 | s2: t=1@10 | s3: t=1@10");
  BOOST_TEST(select({named("s1")}, 11, 19) == "");
  BOOST_TEST(select({named("s1")}, 31, 100) == "");
  BOOST_TEST(select({named("nosuch")}, 0, 100) == "");
  BOOST_TEST(select({}, 0, 100) == "");
}

BOOST_AUTO_TEST_CASE(within_the_window_exemplars_may_be_late) {
  Store store(5);
  store.exemplars.SetOutOfOrderWindow(Duration(10));
  store.Append({{1, At(20)}});
  // Less than the window older, also than all there are.
  BOOST_TEST(store.Append({{1, At(10)}}) == "0/1");
  BOOST_TEST(store.Append({{1, At(11)}}) == "1/0");
  BOOST_TEST(store.Append({{1, At(15)}, {1, At(13)}}) == "2/0");
  // Of the time of another one it passes for the same, but at the newest time.
  BOOST_TEST(store.Append({{1, At(13, 2)}}) == "0/0");
  BOOST_TEST(store.Append({{1, At(14, 1)}, {1, At(14, 2)}, {1, At(20, 0)}}) == "1/0");
  BOOST_TEST(store.All() == "s1: t=1@11 t=1@13 t=1@14 t=1@15 t=1@20");
  // The first to go is the one that was stored first, though it is the newest.
  BOOST_TEST(store.Append({{1, At(12)}}) == "1/0");
  BOOST_TEST(store.All() == "s1: t=1@11 t=1@12 t=1@13 t=1@14 t=1@15");
  BOOST_TEST(store.Append({{2, At(1)}}) == "1/0");
  BOOST_TEST(store.All() == "s1: t=1@12 t=1@13 t=1@14 t=1@15 | s2: t=1@1");
  store.exemplars.SetOutOfOrderWindow(Duration(0));
  BOOST_TEST(store.Append({{1, At(14, 7)}}) == "0/1");
  BOOST_TEST(store.Metric("out_of_order_exemplars_total") == 2);
}

BOOST_AUTO_TEST_CASE(a_series_that_came_back_is_shown_once) {
  Store store(100);
  std::vector<Exemplar> of = {At(10), At(30), At(30), At(40), At(20)};
  const std::vector<Labels> same(5, Named("same"));
  std::vector<ExemplarRow> rows = {{SeriesRef(1), &of[0]},
                                   {SeriesRef(1), &of[1]},
                                   {SeriesRef(2), &of[2]},
                                   {SeriesRef(2), &of[3]},
                                   {SeriesRef(3), &of[4]}};
  store.exemplars.Add(rows, same);
  BOOST_TEST(store.All() == "same: t=1@10 t=1@20 t=1@30 t=1@40");
}

// The store as plain as can be: a list of what was stored, the oldest first.
class Reference {
 public:
  explicit Reference(size_t capacity) : capacity_(capacity) {}

  void SetWindow(int64_t window) { window_ = window; }

  void Append(std::vector<std::pair<uint64_t, Exemplar>> batch) {
    std::sort(batch.begin(), batch.end(), [](const auto& a, const auto& b) {
      return std::tuple(a.first, a.second.time, a.second.value, a.second.labels) <
             std::tuple(b.first, b.second.time, b.second.value, b.second.labels);
    });
    // What is let in is decided before anything makes room for it.
    std::vector<std::pair<uint64_t, Exemplar>> all = stored_;
    std::vector<std::pair<uint64_t, Exemplar>> let_in;
    for (const auto& [ref, exemplar] : batch) {
      const Exemplar* newest = nullptr;
      for (const auto& [other, e] : all)
        if (other == ref && (newest == nullptr || e.time >= newest->time)) newest = &e;
      if (newest != nullptr) {
        const bool timed = newest->has_time || exemplar.has_time;
        const bool same = newest->labels == exemplar.labels && newest->value == exemplar.value &&
                          (!timed || newest->time == exemplar.time);
        if (same) continue;
        if (exemplar.time < newest->time) {
          if ((newest->time - exemplar.time).count() >= window_) continue;
          if (std::ranges::any_of(all, [&](const auto& stored) {
                return stored.first == ref && stored.second.time == exemplar.time;
              }))
            continue;
        } else if (exemplar.time == newest->time && std::tuple(exemplar.value, exemplar.labels) <
                                                        std::tuple(newest->value, newest->labels)) {
          continue;
        }
      }
      all.emplace_back(ref, exemplar);
      let_in.emplace_back(ref, exemplar);
    }
    stored_.insert(stored_.end(), let_in.begin(), let_in.end());
    Resize(capacity_);
  }
  void Resize(size_t capacity) {
    capacity_ = capacity;
    if (stored_.size() > capacity)
      stored_.erase(stored_.begin(), stored_.end() - static_cast<ptrdiff_t>(capacity));
  }
  std::vector<storage::ExemplarSeries> Select(int64_t from, int64_t until) const {
    std::map<Labels, std::vector<Exemplar>> found;
    for (const auto& [ref, exemplar] : stored_)
      if (exemplar.time.ms() >= from && exemplar.time.ms() <= until)
        found[Named("s" + std::to_string(ref))].push_back(exemplar);
    std::vector<storage::ExemplarSeries> out;
    for (auto& [labels, exemplars] : found) {
      std::ranges::stable_sort(exemplars, {}, &Exemplar::time);
      out.push_back({labels, exemplars});
    }
    return out;
  }

 private:
  size_t capacity_;
  int64_t window_ = 0;
  std::vector<std::pair<uint64_t, Exemplar>> stored_;
};

BOOST_AUTO_TEST_CASE(it_holds_what_a_plain_list_would) {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    const auto up_to = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
    const auto capacity = static_cast<size_t>(up_to(20) + 1);
    Store store(capacity);
    Reference reference(capacity);
    int64_t now = 0;
    for (int step = 0; step < 400; ++step) {
      now += up_to(3);
      if (up_to(20) == 0) {
        const auto size = static_cast<size_t>(up_to(25));
        store.exemplars.Resize(size);
        reference.Resize(size);
      }
      if (seed % 2 == 0 && up_to(40) == 0) {
        const int window = up_to(6);
        store.exemplars.SetOutOfOrderWindow(Duration(window));
        reference.SetWindow(window);
      }
      std::vector<std::pair<uint64_t, Exemplar>> batch;
      for (int n = up_to(6); n > 0; --n) {
        Exemplar exemplar = At(now - up_to(4), up_to(3), up_to(2) == 0 ? "a" : "b");
        exemplar.has_time = up_to(3) != 0;
        batch.emplace_back(1 + static_cast<uint64_t>(up_to(5)), exemplar);
      }
      store.Append(batch);
      reference.Append(batch);
      const int64_t from = now - up_to(40);
      const int64_t until = from + up_to(40);
      BOOST_TEST_CONTEXT("seed " << seed << " step " << step)
      BOOST_REQUIRE_EQUAL(Text(store.exemplars.Select(Everything(), Timestamp::FromMs(from),
                                                      Timestamp::FromMs(until))),
                          Text(reference.Select(from, until)));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::tsdb
