// Zeros where counters started.

#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/sample.h"
#include "canopy/tsdb/db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"

namespace canopy::tsdb {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kNow = 100'000'000;
const model::Labels kSeries = {{"__name__", "c"}};

struct Store {
  explicit Store(bool zeros = true, Duration window = Duration(0)) : options_zeros(zeros) {
    Open(window);
  }
  void Open(Duration window = Duration(0)) {
    db.reset();
    Options options;
    options.dir = "/data";
    options.maintenance_interval = Duration(0);
    options.start_time_zeros = options_zeros;
    options.out_of_order_window = window;
    auto opened = Db::Open(fs, clock, metrics, options);
    BOOST_TEST_REQUIRE(opened.ok(), opened.status().message());
    db = std::move(*opened);
  }
  // By labels the first time, then by ref.
  storage::AppendReport Add(int64_t start, int64_t time, double value) {
    storage::Batch batch;
    if (ref) {
      batch.samples.push_back({ref, Timestamp::FromMs(time), value});
      batch.start_times.push_back(start);
    } else {
      batch.new_samples.push_back({kSeries, Timestamp::FromMs(time), value});
      batch.new_start_times.push_back(start);
    }
    return Append(batch);
  }
  storage::AppendReport Add(int64_t start, int64_t time, storage::HistogramValue value) {
    storage::Batch batch;
    if (ref)
      batch.histograms.push_back({ref, Timestamp::FromMs(time), std::move(value), start});
    else
      batch.new_histograms.push_back({kSeries, Timestamp::FromMs(time), std::move(value), start});
    return Append(batch);
  }
  storage::AppendReport Append(const storage::Batch& batch) {
    auto report = db->Append(batch);
    BOOST_TEST_REQUIRE(report.ok());
    if (!report->refs.empty()) ref = report->refs[0];
    return *report;
  }
  // "0@-5 3@0", minutes from kNow.
  std::string Text() {
    auto querier = *db->NewQuerier(Timestamp::Min(), Timestamp::Max());
    const std::vector<model::Matcher> all = {
        model::Matcher::Literal(model::MatchType::kEqual, "__name__", "c")};
    auto set = *querier->Select(all, {});
    std::string out;
    storage::ColumnBuffer buffer;
    for (size_t i = 0; i < set->size(); ++i) {
      const storage::Columns columns = *set->Read(i, Timestamp::Min(), Timestamp::Max(), buffer);
      for (size_t n = 0; n < columns.times.size(); ++n) {
        const bool histogram = !columns.histograms.empty() && columns.histograms[n] != nullptr;
        out += out.empty() ? "" : " ";
        out += histogram ? model::ToTestExpression(*columns.histograms[n])
                         : std::to_string(static_cast<int>(columns.values[n]));
        out += "@" + std::to_string((columns.times[n] - kNow) / kMinute);
      }
    }
    return out;
  }

  const bool options_zeros;
  testing::MemFs fs;
  testing::ManualClock clock;
  SelfMetrics metrics;
  std::unique_ptr<Db> db;
  SeriesRef ref;
};

BOOST_AUTO_TEST_SUITE(head_start_times)

BOOST_AUTO_TEST_CASE(a_zero_goes_in_once_where_a_counter_started) {
  Store store;
  const int64_t start = kNow - 5 * kMinute;
  BOOST_TEST(store.Add(start, kNow, 3).rejected.empty());
  BOOST_TEST(store.Add(start, kNow + kMinute, 4).rejected.empty());
  BOOST_TEST(store.Text() == "0@-5 3@0 4@1");
  // It starts again.
  (void)store.Add(kNow + 2 * kMinute, kNow + 3 * kMinute, 1);
  (void)store.Add(kNow + 2 * kMinute, kNow + 4 * kMinute, 2);
  const std::string want = "0@-5 3@0 4@1 0@2 1@3 2@4";
  BOOST_TEST(store.Text() == want);
  store.Open();
  BOOST_TEST(store.Text() == want);
}

BOOST_AUTO_TEST_CASE(no_zero_goes_in_where_it_has_no_place) {
  auto f = [](int64_t start, int64_t time, const std::string& want) {
    Store store;
    (void)store.Add(0, kNow, 3);
    BOOST_TEST(store.Add(start, time, 4).rejected.empty());
    BOOST_TEST(store.Text() == "3@0 " + want);
  };
  const int64_t later = kNow + 2 * kMinute;
  f(0, later, "4@2");
  f(kNow - 1, later, "4@2");  // before what is there
  f(kNow, later, "4@2");      // at what is there
  f(later, later, "4@2");     // not before the sample
  f(later + 1, later, "4@2");
  f(kNow + kMinute, later, "0@1 4@2");
  {
    // Longer ago than the head goes back.
    Store store;
    (void)store.Add(kNow - 181 * kMinute, kNow, 3);
    BOOST_TEST(store.Text() == "3@0");
  }
  {
    Store store(false);
    (void)store.Add(kNow - kMinute, kNow, 3);
    BOOST_TEST(store.Text() == "3@0");
  }
}

BOOST_AUTO_TEST_CASE(a_zero_is_never_out_of_order) {
  Store store(true, std::chrono::hours(1));
  (void)store.Add(0, kNow, 3);
  (void)store.Add(kNow - kMinute, kNow + kMinute, 4);
  BOOST_TEST(store.Text() == "3@0 4@1");
  // Two samples in one batch tell of the same start.
  storage::Batch batch;
  for (int i = 3; i < 5; ++i) {
    batch.samples.push_back({store.ref, Timestamp::FromMs(kNow + i * kMinute), 1.0 * i});
    batch.start_times.push_back(kNow + 2 * kMinute);
  }
  BOOST_TEST(store.Append(batch).rejected.empty());
  BOOST_TEST(store.Text() == "3@0 4@1 0@2 3@3 4@4");
}

BOOST_AUTO_TEST_CASE(the_zero_of_a_histogram_has_its_layout) {
  model::Histogram custom;
  custom.schema = model::kCustomBucketsSchema;
  custom.count = 3;
  custom.sum = 1.5;
  custom.positive = {{{0, 2}}, {1, 1}};
  custom.custom_values = {1, 5};
  model::FloatHistogram floats;
  floats.schema = 2;
  floats.zero_threshold = 0.25;
  floats.count = 2.5;
  floats.positive = {{{1, 1}}, {2.5}};
  auto f = [](const storage::HistogramValue& value, const std::string& layout,
              const std::string& shown) {
    Store store;
    const auto add = [&](int64_t start, int64_t at) {
      (void)store.Add(kNow + start * kMinute, kNow + at * kMinute, value);
    };
    add(-1, 0);
    add(-1, 1);
    add(2, 3);
    const std::string want = "{{" + layout + "}}@-1 " + shown + "@0 " + shown + "@1 {{" + layout +
                             "}}@2 " + shown + "@3";
    BOOST_TEST(store.Text() == want);
    store.Open();
    BOOST_TEST(store.Text() == want);
  };
  f(custom, "schema:-53 custom_values:[1 5]",
    "{{schema:-53 count:3 sum:1.5 custom_values:[1 5] counter_reset_hint:not_reset "
    "buckets:[1 2]}}");
  f(floats, "schema:2 z_bucket_w:0.25",
    "{{schema:2 count:2.5 z_bucket_w:0.25 counter_reset_hint:not_reset offset:1 buckets:[2.5]}}");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::tsdb
