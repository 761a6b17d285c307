#include "tsdb/loose_samples.h"

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/mem_fs.h"
#include "tests/tsdb/block_support.h"
#include "tsdb/block.h"

namespace canopy::tsdb {
namespace {

using testing::MemFs;

constexpr int64_t kStart = 1'700'000'000'000;

uint32_t SeriesOf(LooseSamples& samples, const model::Labels& labels) {
  const std::vector<model::LabelView> views(labels.begin(), labels.end());
  return samples.Series(views);
}

// Adds all of it, in an order of its own.
void AddShuffled(const SampleMap& content, LooseSamples& samples, uint32_t seed, bool in_order) {
  struct Row {
    model::Labels labels;
    int64_t t;
    double v;
  };
  std::vector<Row> rows;
  for (const auto& [labels, column] : content)
    for (const auto& [t, v] : column) rows.push_back({labels, t, v});
  std::ranges::shuffle(rows, std::mt19937(seed));
  if (in_order) std::ranges::stable_sort(rows, {}, &Row::t);
  for (const Row& row : rows) samples.Add(SeriesOf(samples, row.labels), row.t, row.v);
}

SampleMap ContentOf(const LooseSamples& samples) {
  SampleMap out;
  std::vector<int64_t> times;
  std::vector<double> values;
  for (const uint32_t series : samples.Sorted()) {
    samples.Read(series, times, values);
    const model::SeriesLabelsView view(samples.symbols(), samples.labels(series));
    auto& column = out[view.ToLabels()];
    for (size_t i = 0; i < times.size(); ++i) column.emplace_back(times[i], values[i]);
  }
  return out;
}

BOOST_AUTO_TEST_CASE(loose_samples_come_back_by_time_in_whatever_order_they_came) {
  const SampleMap content = RandomSamples(40, 300, kStart, 1);
  for (const bool in_order : {false, true}) {
    LooseSamples samples;
    AddShuffled(content, samples, 2, in_order);
    BOOST_TEST(samples.size() == content.size());
    BOOST_TEST(samples.sample_count() == content.size() * 300);
    BOOST_TEST(SameSamples(ContentOf(samples), content));
  }
}

BOOST_AUTO_TEST_CASE(series_of_loose_samples_sort_by_labels) {
  LooseSamples samples;
  const model::Labels sorted[] = {{{"a", "b"}},
                                  {{"a", "b"}, {"c", "d"}},
                                  {{"a", "ba"}},
                                  {{"aa", "a"}},
                                  {{"b", "a"}, {"c", "a"}}};
  for (const size_t i : {4, 1, 3, 0, 2}) SeriesOf(samples, sorted[i]);
  size_t i = 0;
  for (const uint32_t series : samples.Sorted()) {
    const model::SeriesLabelsView view(samples.symbols(), samples.labels(series));
    BOOST_TEST((view.ToLabels() == sorted[i++]));
  }
  BOOST_TEST(SeriesOf(samples, sorted[4]) == 0u);
  BOOST_TEST(samples.size() == 5u);
}

BOOST_AUTO_TEST_CASE(of_loose_samples_at_one_time_the_first_counts) {
  LooseSamples samples;
  const uint32_t series = SeriesOf(samples, {{"a", "b"}});
  samples.Add(series, 20, 1);
  samples.Add(series, 10, 2);
  samples.Add(series, 20, 1);
  std::vector<int64_t> times;
  std::vector<double> values;
  std::optional<int64_t> conflict;
  samples.Read(series, times, values, &conflict);
  BOOST_TEST(!conflict.has_value());
  samples.Add(series, 10, 3);
  samples.Read(series, times, values, &conflict);
  BOOST_TEST((times == std::vector<int64_t>{10, 20}));
  BOOST_TEST((values == std::vector<double>{2, 1}));
  BOOST_TEST(conflict.value() == 10);
}

// A log may say anything.
BOOST_AUTO_TEST_CASE(loose_samples_of_any_time_and_value_come_back) {
  const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    LooseSamples samples;
    const uint32_t series = SeriesOf(samples, {{"a", "b"}});
    std::map<int64_t, double> want;
    for (int i = 0; i < 300; ++i) {
      const int64_t t = random() % 4 == 0 ? times[random() % std::size(times)]
                                          : static_cast<int64_t>(random() >> (random() % 64));
      const double v = std::bit_cast<double>(static_cast<uint64_t>(random()));
      samples.Add(series, t, v);
      want.emplace(t, v);
    }
    std::vector<int64_t> got_times;
    std::vector<double> got_values;
    samples.Read(series, got_times, got_values);
    BOOST_REQUIRE(got_times.size() == want.size());
    size_t i = 0;
    for (const auto& [t, v] : want) {
      BOOST_REQUIRE(got_times[i] == t);
      BOOST_REQUIRE(model::SameBits(got_values[i], v));
      ++i;
    }
  }
}

BOOST_AUTO_TEST_CASE(loose_samples_become_a_block) {
  MemFs fs;
  const SampleMap content = RandomSamples(70, 290, kStart, 3);
  LooseSamples samples;
  AddShuffled(content, samples, 4, false);
  LooseBlockSource source(samples);
  const auto meta = WriteBlock(fs, "/data", MetaFor(kStart, kStart + 7'200'000), source);
  BOOST_REQUIRE_MESSAGE(meta.ok(), meta.status().message());
  BOOST_TEST(meta->stats.num_samples == 70u * 290);
  BOOST_TEST(meta->stats.num_chunks == 70u * 3);
  const auto block = Block::Open(fs, "/data/" + meta->ulid.ToString());
  BOOST_REQUIRE(block.ok());
  const auto querier = NewBlockQuerier(*block, Timestamp::Min(), Timestamp::Max());
  BOOST_TEST(SameSamples(SamplesOf(**querier->Select({}, {})), content));
}

BOOST_AUTO_TEST_CASE(a_series_with_two_values_at_one_time_becomes_no_block) {
  MemFs fs;
  LooseSamples samples;
  const uint32_t series = SeriesOf(samples, {{"__name__", "up"}, {"a", "b"}});
  samples.Add(series, kStart, 1);
  samples.Add(series, kStart, 2);
  LooseBlockSource source(samples);
  const auto meta = WriteBlock(fs, "/data", MetaFor(kStart, kStart + 1000), source);
  BOOST_TEST((meta.status().code() == Code::kInvalid));
  BOOST_TEST(meta.status().message() ==
             "series up{a=\"b\"} has two values at " + std::to_string(kStart));
  BOOST_TEST(fs.List("/data").value().empty());
}

}  // namespace
}  // namespace canopy::tsdb
