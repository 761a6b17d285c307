#pragma once

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "canopy/chunk/float_encoder.h"
#include "canopy/model/sample.h"
#include "canopy/storage/queryable.h"
#include "tests/tsdb/index_support.h"
#include "tsdb/block_writer.h"

namespace canopy::tsdb {

// Samples of each series, times ascending.
using SampleMap = std::map<model::Labels, std::vector<std::pair<int64_t, double>>>;

inline bool SameSamples(const SampleMap& a, const SampleMap& b) {
  const auto same = [](const auto& x, const auto& y) {
    return x.first == y.first && model::SameBits(x.second, y.second);
  };
  return std::ranges::equal(a, b, [&](const auto& x, const auto& y) {
    return x.first == y.first && std::ranges::equal(x.second, y.second, same);
  });
}

// The content as the source of a block, in chunks of so many samples.
class MapSource final : public BlockSource {
 public:
  explicit MapSource(const SampleMap& content, size_t chunk_samples = 120,
                     chunk::FloatEncoding encoding = chunk::FloatEncoding::kXor)
      : content_(content),
        chunk_samples_(chunk_samples),
        encoding_(encoding),
        next_(content.begin()) {
    IndexContent labels;
    for (const auto& [set, samples] : content) labels[set];
    symbols_ = SymbolsOf(labels);
  }

  Result<bool> NextSymbol(std::string_view& symbol) override {
    if (next_symbol_ == symbols_.size()) return false;
    symbol = symbols_[next_symbol_++];
    return true;
  }
  Result<bool> NextSeries(Series& series) override {
    if (next_ == content_.end()) return false;
    pairs_ = PairsOf(symbols_, next_->first);
    bytes_.clear();
    chunks_.clear();
    const auto& samples = next_->second;
    for (size_t i = 0; i < samples.size(); i += chunk_samples_) {
      const size_t end = std::min(samples.size(), i + chunk_samples_);
      chunk::FloatEncoder encoder(encoding_);
      for (size_t k = i; k < end; ++k) encoder.Append(samples[k].first, samples[k].second);
      bytes_.push_back(encoder.bytes());
      chunks_.push_back({samples[i].first, samples[end - 1].first, EncodingOf(encoding_), {}});
    }
    for (size_t i = 0; i < chunks_.size(); ++i) chunks_[i].data = bytes_[i];
    series = {pairs_, chunks_};
    ++next_;
    return true;
  }

 private:
  const SampleMap& content_;
  const size_t chunk_samples_;
  const chunk::FloatEncoding encoding_;
  SampleMap::const_iterator next_;
  std::vector<std::string> symbols_;
  size_t next_symbol_ = 0;
  std::vector<model::SymbolPair> pairs_;
  std::vector<std::string> bytes_;
  std::vector<SourceChunk> chunks_;
};

inline BlockMeta MetaFor(int64_t mint, int64_t maxt) {
  BlockMeta meta;
  meta.ulid = Ulid::New(Timestamp::FromMs(1'700'000'000'000));
  meta.min_time = Timestamp::FromMs(mint);
  meta.max_time = Timestamp::FromMs(maxt);
  meta.compaction.sources = {meta.ulid};
  return meta;
}

// Times from `start` on; gauges, counters with resets, stale markers.
inline SampleMap RandomSamples(size_t series, size_t samples, int64_t start, uint32_t seed) {
  std::mt19937 random(seed);
  SampleMap out;
  while (out.size() < series) {
    model::LabelsBuilder labels;
    labels.Set("__name__", "m" + std::to_string(random() % 4));
    labels.Set("i", std::to_string(random() % (2 * series)));
    if (random() % 2 == 0) labels.Set("zone", "z" + std::to_string(random() % 3));
    auto& column = out[labels.Build()];
    column.clear();
    int64_t t = start + static_cast<int64_t>(random() % 1000);
    double v = 0;
    for (size_t i = 0; i < samples; ++i) {
      v = random() % 50 == 0 ? 0 : v + static_cast<double>(random() % 10);
      column.emplace_back(t, random() % 40 == 0 ? model::StaleNan() : v / 4);
      t += 15'000 + static_cast<int64_t>(random() % 3);
    }
  }
  return out;
}

inline SampleMap SamplesOf(const storage::SeriesSet& set, int64_t from = INT64_MIN,
                           int64_t until = INT64_MAX) {
  SampleMap out;
  storage::ColumnBuffer buffer;
  for (size_t i = 0; i < set.size(); ++i) {
    const auto columns = set.Read(i, Timestamp::FromMs(from), Timestamp::FromMs(until), buffer);
    BOOST_REQUIRE_MESSAGE(columns.ok(), columns.status().message());
    BOOST_REQUIRE(columns->times.size() == columns->values.size());
    auto& samples = out[set.labels(i).ToLabels()];
    BOOST_REQUIRE_MESSAGE(samples.empty(), "a series twice");
    for (size_t k = 0; k < columns->times.size(); ++k)
      samples.emplace_back(columns->times[k], columns->values[k]);
  }
  return out;
}

// What a select over the range must show: series without samples in it may be missing or empty.
inline SampleMap Within(const SampleMap& content, std::span<const model::Matcher> matchers,
                        int64_t from, int64_t until) {
  SampleMap out;
  for (const auto& [labels, samples] : content) {
    if (!model::MatchesAll(matchers, labels)) continue;
    for (const auto& sample : samples)
      if (from <= sample.first && sample.first <= until) out[labels].push_back(sample);
  }
  return out;
}
inline SampleMap WithoutEmpty(SampleMap content) {
  std::erase_if(content, [](const auto& series) { return series.second.empty(); });
  return content;
}

}  // namespace canopy::tsdb
