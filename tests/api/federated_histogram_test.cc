// Histograms with custom buckets on their way from a leaf to its parent, by a page of text.

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "canopy/federation/page.h"
#include "canopy/ingest/page.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/model/histogram_math.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/random_histograms.h"

namespace canopy::api {
namespace {

model::FloatHistogram Floats(const storage::HistogramValue& value) {
  model::FloatHistogram out;
  model::ToFloat(value, out);
  model::Compact(out);
  out.hint = model::CounterResetHint::kUnknown;  // a page of text says nothing about it
  return out;
}

// Integers are the same; differences of sums of floats are nearly so.
bool Same(const model::FloatHistogram& a, const model::FloatHistogram& b, bool integers) {
  if (integers) return model::SameHistogram(a, b);
  const auto counts = [](const model::FloatHistogram& h) {
    std::vector<double> out(h.custom_values.size() + 1, 0);
    model::ForEachBucket(
        h.positive, [&](int32_t index, double count) { out[static_cast<size_t>(index)] = count; });
    return out;
  };
  const std::vector<double> x = counts(a);
  const std::vector<double> y = counts(b);
  return a.count == b.count && a.sum == b.sum && a.custom_values == b.custom_values &&
         std::ranges::equal(
             x, y, [&](double p, double q) { return std::abs(p - q) <= 1e-9 * (1 + a.count); });
}

// A parent that honours labels and converts what it gets.
struct Parent {
  Status Scrape(const std::string& page) {
    clock.Advance(std::chrono::seconds(1));
    return pages
        .Store({clock.Now(), clock.Now(), 0, std::chrono::seconds(10)}, page,
               exposition::PageFormat::kText, scratch)
        .error;
  }

  testing::ManualClock clock;
  SelfMetrics metrics;
  ingest::PageMetrics counters{metrics};
  ingest::MetadataPool pool;
  testing::MemoryStore store;
  ingest::Scratch scratch;
  ingest::TargetPages pages{"leaf",
                            {},
                            std::make_shared<const ingest::PageRules>(ingest::PageRules{
                                .honor_labels = true, .convert_classic_histograms = true}),
                            store,
                            clock,
                            counters,
                            pool};
};

BOOST_AUTO_TEST_CASE(a_parent_has_the_histograms_of_its_leaf) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  constexpr int kSeries = 6;
  std::vector<testing::RandomHistograms> sources;
  for (uint32_t i = 0; i < kSeries; ++i)
    sources.emplace_back(seed + i, testing::HistogramKinds{.custom_buckets = true, .markers = 0});
  testing::MemoryStore leaf;
  Parent parent;
  std::vector<model::Matchers> all(1);
  all[0].push_back(*model::Matcher::Create(model::MatchType::kRegex, "__name__", "h.*"));
  for (int round = 0; round < 100; ++round) {
    const Timestamp now = parent.clock.Now();
    storage::Batch batch;
    for (int i = 0; i < kSeries; ++i) {
      const std::string n = std::to_string(i);
      auto& source = sources[static_cast<size_t>(i)];
      // Two families, one of them of floats.
      const model::Labels labels = {{"__name__", i < 3 ? "h" : "h.floats"}, {"n", n}};
      if (i < 3)
        batch.new_histograms.push_back({labels, now, source.Next()});
      else
        batch.new_histograms.push_back({labels, now, source.NextFloat()});
    }
    BOOST_TEST_REQUIRE(leaf.Append(batch).ok());
    const auto selection = federation::Selection::Resolve(leaf, all, now, std::chrono::minutes(5));
    BOOST_TEST_REQUIRE(selection.ok());
    std::string page;
    federation::PageOptions options;
    options.escaping = exposition::Escaping::kAllowUtf8;
    BOOST_TEST_REQUIRE(federation::WriteTextPage(*selection, options, [&](std::string_view piece) {
                         page.append(piece);
                         return Status();
                       }).ok());
    BOOST_TEST_REQUIRE(parent.Scrape(page).ok());
    for (const storage::NewHistogram& sent : batch.new_histograms) {
      const auto got = parent.store.HistogramAt(sent.labels, now);
      BOOST_TEST_CONTEXT("round " << round << " " << sent.labels.ToString()) {
        BOOST_TEST_REQUIRE(got != nullptr);
        const bool integers = std::holds_alternative<model::Histogram>(sent.value);
        BOOST_TEST(Same(Floats(*got), Floats(sent.value), integers),
                   model::ToString(Floats(*got)) << " for " << model::ToString(Floats(sent.value)));
        if (integers) BOOST_TEST(std::holds_alternative<model::Histogram>(*got));
      }
    }
  }
}

}  // namespace
}  // namespace canopy::api
