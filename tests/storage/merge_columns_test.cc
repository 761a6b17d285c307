#include <boost/test/unit_test.hpp>
#include <map>
#include <random>

#include "canopy/model/sample.h"
#include "canopy/storage/merge.h"

// Columns with floats and histograms in turn, and start times.

namespace canopy::storage {
namespace {

using model::CounterResetHint;

struct Row {
  double value = 0;
  double count = -1;  // of a histogram; negative: a float
  CounterResetHint hint = CounterResetHint::kUnknown;
  int64_t start_time = 0;
  int source = 0;
};
using Rows = std::map<int64_t, Row>;

ColumnBuffer BufferOf(const Rows& rows, bool histograms, bool start_times) {
  ColumnBuffer out;
  for (const auto& [t, row] : rows) {
    out.times.push_back(t);
    out.values.push_back(row.value);
    if (start_times) out.start_times.push_back(row.start_time);
    if (!histograms) continue;
    out.histograms.push_back(nullptr);
    if (row.count < 0) continue;
    model::FloatHistogram& h = out.NewHistogram();
    h = {};
    h.count = row.count;
    h.hint = row.hint;
    out.histograms.back() = &h;
  }
  return out;
}

Rows RandomRows(std::mt19937& random, bool histograms, bool start_times, int source) {
  Rows out;
  const auto first = static_cast<int64_t>(random() % 60);
  for (auto n = random() % 20; n > 0; --n) {
    Row& row = out[first + static_cast<int64_t>(random() % 40)];
    row = {.value = static_cast<double>(random() % 100), .source = source};
    if (histograms && random() % 2 == 0) {
      row.value = 0;
      row.count = static_cast<double>(random() % 100);
      row.hint = static_cast<CounterResetHint>(random() % 4);
    }
    if (start_times) row.start_time = static_cast<int64_t>(random() % 9);
  }
  return out;
}

BOOST_AUTO_TEST_CASE(columns_of_all_kinds_are_merged_by_time) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    BOOST_TEST_CONTEXT("seed " << seed) {
      ColumnBuffer merged;
      ColumnBuffer scratch;
      Rows all;
      bool any_histograms = false;
      bool any_start_times = false;
      for (int source = 1; source <= 3; ++source) {
        const bool histograms = random() % 2 == 0;
        const bool start_times = random() % 2 == 0;
        const Rows rows = RandomRows(random, histograms, start_times, source);
        for (const auto& [t, row] : rows) all[t] = row;
        any_histograms |= histograms && !rows.empty();
        any_start_times |= start_times && !rows.empty();
        // What was merged does not live on what it came from.
        const auto part = std::make_unique<ColumnBuffer>(BufferOf(rows, histograms, start_times));
        MergeColumns(merged, part->View(), scratch);
      }
      const Columns got = merged.View();
      BOOST_REQUIRE_EQUAL(got.times.size(), all.size());
      BOOST_REQUIRE_EQUAL(got.histograms.size(), any_histograms ? all.size() : 0);
      BOOST_REQUIRE_EQUAL(got.start_times.size(), any_start_times ? all.size() : 0);
      size_t i = 0;
      const Row* before = nullptr;
      for (const auto& [t, row] : all) {
        BOOST_TEST(got.times[i] == t);
        BOOST_TEST(got.values[i] == row.value);
        if (any_start_times) BOOST_TEST(got.start_times[i] == row.start_time);
        if (any_histograms) {
          BOOST_REQUIRE((got.histograms[i] != nullptr) == (row.count >= 0));
          if (row.count >= 0) {
            BOOST_TEST(got.histograms[i]->count == row.count);
            // No more is said than is known: a claim is as it was, or none.
            const CounterResetHint hint = got.histograms[i]->hint;
            BOOST_TEST((hint == row.hint || hint == CounterResetHint::kUnknown));
            if (before && before->source != row.source && row.hint != CounterResetHint::kGauge)
              BOOST_TEST((hint == CounterResetHint::kUnknown));
            if (row.hint == CounterResetHint::kGauge)
              BOOST_TEST((hint == CounterResetHint::kGauge));
          }
        }
        before = &row;
        ++i;
      }
      const auto from = static_cast<int64_t>(random() % 100);
      const auto until = static_cast<int64_t>(random() % 100);
      const Columns part = PartOf(got, from, until);
      const auto first = all.lower_bound(from);
      const auto last = all.upper_bound(until);
      BOOST_REQUIRE_EQUAL(part.times.size(), from > until ? 0 : std::distance(first, last));
      for (size_t k = 0; k < part.times.size(); ++k) {
        BOOST_TEST((from <= part.times[k] && part.times[k] <= until));
        const auto place = static_cast<size_t>(&part.times[k] - got.times.data());
        if (any_histograms) BOOST_TEST(part.histograms[k] == got.histograms[place]);
        if (any_start_times) BOOST_TEST(part.start_times[k] == got.start_times[place]);
      }
    }
  }
}

}  // namespace
}  // namespace canopy::storage
