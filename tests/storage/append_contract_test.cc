#include <boost/test/unit_test.hpp>

#include "canopy/model/sample.h"
#include "tests/support/memory_store.h"

// What a Batch may carry and what its report counts, as the plain store has it.

namespace canopy::testing {
namespace {

using model::Labels;
using storage::AppendResult;

Labels Named(std::string_view name) { return Labels::FromUnsorted({{"__name__", name}}); }

model::Histogram Integers(uint64_t count) {
  model::Histogram h;
  h.count = count;
  h.sum = 1.5;
  h.positive.spans = {{0, 1}};
  h.positive.buckets = {static_cast<int64_t>(count)};
  return h;
}

model::FloatHistogram Floats(double count) {
  model::FloatHistogram h;
  h.count = count;
  h.positive.spans = {{0, 1}};
  h.positive.buckets = {count};
  return h;
}

Timestamp At(int64_t ms) { return Timestamp::FromMs(ms); }

BOOST_AUTO_TEST_SUITE(append_contract)

BOOST_AUTO_TEST_CASE(a_report_counts_through_all_lists_of_samples) {
  MemoryStore store;
  storage::Batch first;
  first.new_samples.push_back({Named("a"), At(10), 1});
  first.new_histograms.push_back({Named("h"), At(10), Integers(3)});
  first.new_histograms.push_back({Named("f"), At(10), Floats(2.5)});
  const auto made = store.Append(first);
  BOOST_REQUIRE(made.ok());
  BOOST_REQUIRE_EQUAL(made->refs.size(), 3u);
  BOOST_TEST(made->created == 3u);
  BOOST_TEST(made->rejected.empty());

  storage::Batch second;
  second.samples.push_back({made->refs[0], At(20), 2});
  second.new_samples.push_back({Named("a"), At(20), 3});
  second.histograms.push_back({made->refs[1], At(10), Integers(3)});
  second.histograms.push_back({made->refs[1], At(10), Integers(4)});
  second.histograms.push_back({SeriesRef(77), At(20), Integers(4)});
  second.histograms.push_back({made->refs[1], At(20), Integers(4)});
  second.new_histograms.push_back({Named("f"), At(5), Floats(3)});
  const auto report = store.Append(second);
  BOOST_REQUIRE(report.ok());
  const std::vector<std::pair<uint32_t, AppendResult>> want = {{1, AppendResult::kConflict},
                                                               {2, AppendResult::kDuplicate},
                                                               {3, AppendResult::kConflict},
                                                               {4, AppendResult::kUnknownSeries},
                                                               {6, AppendResult::kOutOfOrder}};
  BOOST_REQUIRE_EQUAL(report->rejected.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    BOOST_TEST(report->rejected[i].index == want[i].first);
    BOOST_TEST((report->rejected[i].result == want[i].second));
    // By itself the first of them would have been stored.
    BOOST_TEST(report->rejected[i].within_batch == (i == 0));
  }
  // Integers stay integers.
  const auto kept = store.HistogramAt(Named("h"), At(20));
  BOOST_REQUIRE(kept != nullptr);
  BOOST_TEST(std::get<model::Histogram>(*kept).count == 4u);
  BOOST_TEST(std::get<model::FloatHistogram>(*store.HistogramAt(Named("f"), At(10))).count == 2.5);
}

BOOST_AUTO_TEST_CASE(a_series_that_a_batch_has_a_histogram_of_does_not_end) {
  MemoryStore store;
  storage::Batch batch;
  batch.new_histograms.push_back({Named("a"), At(10), Integers(3)});
  batch.new_histograms.push_back({Named("b"), At(10), Integers(3)});
  const auto made = store.Append(batch);
  BOOST_REQUIRE(made.ok());
  batch.Clear();
  BOOST_TEST(batch.size() == 0u);
  batch.histograms.push_back({made->refs[0], At(20), Integers(3)});
  batch.ended = made->refs;
  batch.ended_at = At(20);
  BOOST_REQUIRE(store.Append(batch).ok());
  BOOST_TEST(store.HistogramAt(Named("a"), At(20)) != nullptr);
  BOOST_TEST(store.HistogramAt(Named("b"), At(20)) == nullptr);
  BOOST_TEST(model::IsStale(store.All().at(Named("b")).back().value));
}

BOOST_AUTO_TEST_CASE(exemplars_are_kept_of_series_that_exist) {
  MemoryStore store;
  storage::Batch batch;
  const auto exemplar = [](int64_t ms) {
    return model::Exemplar{Labels::FromUnsorted({{"trace_id", "x"}}), 0.5, At(ms)};
  };
  batch.new_samples.push_back({Named("a"), At(10), 1});
  batch.new_exemplars.push_back({Named("a"), exemplar(9)});
  batch.new_exemplars.push_back({Named("a"), exemplar(9)});
  batch.new_exemplars.push_back({Named("b"), exemplar(9)});
  const auto report = store.Append(batch);
  BOOST_REQUIRE(report.ok());
  BOOST_TEST(report->exemplars == 1u);
  const MemoryExemplars want = {{Named("a"), {exemplar(9)}}};
  BOOST_TEST((store.AllExemplars() == want));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::testing
