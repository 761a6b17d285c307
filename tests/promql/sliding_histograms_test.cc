// Functions over ranges of series with native histograms: what slides over a series must yield what
// a query of a single step yields, notes included.
#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

#include "canopy/base/number.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/promql/engine.h"
#include "tests/support/memory_store.h"

namespace canopy::promql {
namespace {

class RandomCounter {
 public:
  RandomCounter(std::mt19937& random, bool tame) : random_(random), tame_(tame) {}

  std::shared_ptr<const model::FloatHistogram> Next() {
    if (Chance(8)) counts_ = {};
    if (Chance(15)) schema_ = static_cast<int32_t>(random_() % 3);
    if (!tame_ && Chance(10)) custom_ = !custom_;
    for (double& count : counts_) count += static_cast<double>(random_() % 4);
    auto h = std::make_shared<model::FloatHistogram>();
    h->schema = custom_ ? model::kCustomBucketsSchema : schema_;
    if (custom_) h->custom_values = {1, static_cast<double>(2 + random_() % 2)};
    h->positive = {{{0, 3}}, {counts_[0], counts_[1], counts_[2]}};
    h->count = counts_[0] + counts_[1] + counts_[2];
    h->sum = 2 * h->count;
    if (!tame_ && Chance(12)) h->hint = model::CounterResetHint::kGauge;
    if (Chance(12)) h->hint = model::CounterResetHint::kReset;
    return h;
  }
  bool Chance(unsigned one_in) { return random_() % one_in == 0; }

 private:
  std::mt19937& random_;
  const bool tame_;
  std::array<double, 3> counts_ = {};
  int32_t schema_ = 0;
  bool custom_ = false;
};

void FillStore(testing::MemoryStore& store, std::mt19937& random, bool tame) {
  RandomCounter counter(random, tame);
  const model::Labels labels{{"__name__", "h"}};
  for (int64_t t = 7'000; t < 1'800'000; t += 10'000 + static_cast<int64_t>(random() % 20'000)) {
    const auto time = Timestamp::FromMs(t);
    if (!tame && counter.Chance(25)) {
      store.Add(labels, time, static_cast<double>(random() % 100));
    } else if (counter.Chance(40)) {
      store.Add(labels, time, model::StaleNan());
    } else {
      store.Add(labels, time, counter.Next());
    }
  }
}

std::string Text(const HistogramPtr& h, double value) {
  if (h) return model::ToTestExpression(*h);
  std::string out;
  base::AppendFloatPlain(out, value);
  return out;
}

using Notes = std::set<std::string>;

void AddNotes(const QueryResult& result, Notes& notes) {
  notes.insert(result.warnings.begin(), result.warnings.end());
  notes.insert(result.infos.begin(), result.infos.end());
}

// By time, for a query of one series.
std::map<int64_t, std::string> Shown(const Matrix& matrix) {
  std::map<int64_t, std::string> out;
  for (const MatrixSeries& series : matrix) {
    for (const auto& s : series.samples) out[s.time.ms()] = Text(nullptr, s.value);
    for (const auto& s : series.histograms) out[s.time.ms()] = Text(s.histogram, 0);
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(windows_of_histograms_that_slide_yield_what_single_windows_yield) {
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  EngineOptions options;
  options.features.extended_range_selectors = true;
  SelfMetrics metrics;
  Engine engine(options, SystemClock(), metrics);
  const RangeSpec range{Timestamp::FromMs(-60'000), Timestamp::FromMs(2'400'000), Duration(25'000)};
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (int round = 0; round < 12; ++round) {
      testing::MemoryStore store;
      FillStore(store, random, round % 2 == 0);
      for (const char* query :
           {"rate(h[2m])", "increase(h[5m])", "delta(h[2m])", "irate(h[2m])", "idelta(h[2m])",
            "resets(h[5m])", "changes(h[5m])", "sum_over_time(h[1m])", "avg_over_time(h[1m])",
            "last_over_time(h[1m])", "count_over_time(h[2m])", "rate(h[20s])",
            "rate(h[2m] anchored)", "increase(h[2m] smoothed)", "delta(h[2m] smoothed)",
            "resets(h[2m] anchored)", "h smoothed", "histogram_count(increase(h[2m]))"}) {
        BOOST_TEST_CONTEXT(query) {
          const auto whole = engine.Range(store, query, range);
          BOOST_REQUIRE(whole.ok());
          Notes notes;
          AddNotes(*whole, notes);
          const auto shown = Shown(std::get<Matrix>(whole->value));
          Notes single_notes;
          for (Timestamp t = range.start; t <= range.end; t = t + range.step) {
            const auto single = engine.Instant(store, query, t);
            BOOST_REQUIRE(single.ok());
            AddNotes(*single, single_notes);
            const auto& vector = std::get<Vector>(single->value);
            const auto it = shown.find(t.ms());
            BOOST_TEST_CONTEXT("at " << t.ms()) {
              BOOST_REQUIRE((it != shown.end()) == !vector.empty());
              if (!vector.empty())
                BOOST_REQUIRE(it->second == Text(vector[0].histogram, vector[0].sample.value));
            }
          }
          BOOST_TEST(notes == single_notes, boost::test_tools::per_element());
        }
      }
    }
  }
}

}  // namespace canopy::promql
