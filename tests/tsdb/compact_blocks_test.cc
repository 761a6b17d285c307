#include "tsdb/compact_blocks.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "canopy/storage/merge.h"
#include "tests/support/hex.h"
#include "tests/support/mem_fs.h"
#include "tests/support/random_histograms.h"
#include "tests/tsdb/block_support.h"
#include "tests/tsdb/raw_block.h"
#include "tsdb/block.h"
#include "tsdb/chunk_builder.h"
#include "tsdb/tombstones.h"
#include "tsdb/verify.h"

namespace canopy::tsdb {
namespace {

using testing::FromHex;
using testing::MemFs;

constexpr int64_t kStart = 1'700'000'000'000;
constexpr int64_t kStep = 15'000;
constexpr Timestamp kNow = Timestamp::FromMs(1'800'000'000'000);

using BlockPtr = std::shared_ptr<const Block>;

BlockPtr MustOpen(Fs& fs, const std::string& dir) {
  const auto block = Block::Open(fs, dir);
  BOOST_REQUIRE_MESSAGE(block.ok(), block.status().message());
  return *block;
}

BlockMeta MetaOf(const SampleMap& content) {
  int64_t mint = INT64_MAX;
  int64_t maxt = INT64_MIN;
  for (const auto& [labels, samples] : content) {
    mint = std::min(mint, samples.front().first);
    maxt = std::max(maxt, samples.back().first);
  }
  return MetaFor(mint, maxt + 1);
}

BlockPtr MustWrite(Fs& fs, BlockMeta meta, BlockSource& source) {
  const auto written = WriteBlock(fs, "/data", std::move(meta), source, {20'000});
  BOOST_REQUIRE_MESSAGE(written.ok(), written.status().message());
  return MustOpen(fs, "/data/" + written->ulid.ToString());
}
BlockPtr MustWrite(Fs& fs, const SampleMap& content, size_t chunk_samples = 120) {
  MapSource source(content, chunk_samples);
  return MustWrite(fs, MetaOf(content), source);
}

// The compacted block, found to be whole.
BlockPtr MustCompact(Fs& fs, const std::vector<BlockPtr>& blocks) {
  const auto meta = CompactBlocks(fs, "/data", blocks, kNow, {});
  BOOST_REQUIRE_MESSAGE(meta.ok(), meta.status().message());
  BOOST_REQUIRE(meta->has_value());
  const std::string dir = "/data/" + (*meta)->ulid.ToString();
  const VerifyReport report = VerifyBlock(fs, dir);
  for (const std::string& fault : report.faults) BOOST_TEST_MESSAGE(fault);
  BOOST_REQUIRE(report.ok());
  BOOST_TEST((report.found == (*meta)->stats));
  BlockPtr out = MustOpen(fs, dir);
  BOOST_TEST((out->meta() == **meta));
  return out;
}

SampleMap Shown(const BlockPtr& block) {
  const auto querier = NewBlockQuerier(block, Timestamp::Min(), Timestamp::Max());
  return SamplesOf(**querier->Select({}, {}));
}

// The block as it is once the i-th series has lost `deleted[i]`.
BlockPtr WithDeleted(Fs& fs, const BlockPtr& block,
                     const std::map<size_t, std::vector<TimeRange>>& deleted) {
  Tombstones tombstones;
  const auto all = block->index().AllPostings();
  for (const auto& [i, ranges] : deleted)
    for (const TimeRange range : ranges) tombstones.Add((*all)[i], range);
  BOOST_REQUIRE(WriteTombstones(fs, block->dir(), tombstones).ok());
  return MustOpen(fs, block->dir());
}

// Some series lose a range, some a range that no sample lies in, some all.
std::map<size_t, std::vector<TimeRange>> RandomDeletions(const BlockMeta& meta, size_t series,
                                                         std::mt19937& random) {
  std::map<size_t, std::vector<TimeRange>> out;
  const auto length = static_cast<uint64_t>(meta.max_time.ms() - meta.min_time.ms());
  for (size_t i = 0; i < series; ++i) {
    if (random() % 8 == 0) out[i].push_back({INT64_MIN, INT64_MAX});
    for (size_t n = random() % 3; n > 0; --n) {
      const int64_t mint = meta.min_time.ms() + static_cast<int64_t>(random() % length);
      out[i].push_back({mint, mint + static_cast<int64_t>(random() % (length / 2))});
    }
  }
  return out;
}

// One series, samples of `value` each 15 s.
SampleMap Steady(int64_t start, size_t samples, double value, const char* name = "a") {
  SampleMap out;
  model::LabelsBuilder labels;
  labels.Set("__name__", name);
  auto& column = out[labels.Build()];
  for (size_t i = 0; i < samples; ++i)
    column.emplace_back(start + static_cast<int64_t>(i) * kStep, value);
  return out;
}

// What is stored in the end, by series and time.
using Oracle = std::map<model::Labels, std::map<int64_t, double>>;

// Of up to 400 steps from `start` on, half of the series with times that others have too.
BlockPtr RandomBlock(Fs& fs, int64_t start, std::mt19937& random, Oracle& oracle) {
  const auto seed = static_cast<uint32_t>(random());
  SampleMap content = RandomSamples(1 + random() % 25, 1 + random() % 400, start, seed);
  for (auto& [labels, samples] : content)
    if (random() % 2 == 0)
      for (size_t i = 0; i < samples.size(); ++i)
        samples[i].first = start + static_cast<int64_t>(i) * kStep;
  const BlockPtr block = MustWrite(fs, content, 1 + random() % 150);
  std::map<size_t, std::vector<TimeRange>> deleted;
  if (random() % 2 == 0) deleted = RandomDeletions(block->meta(), content.size(), random);
  size_t i = 0;
  for (const auto& [labels, samples] : content) {
    const std::vector<TimeRange>& ranges = deleted[i++];
    for (const auto& sample : samples) {
      const auto covers = [t = sample.first](TimeRange r) { return r.mint <= t && t <= r.maxt; };
      if (std::ranges::none_of(ranges, covers)) oracle[labels][sample.first] = sample.second;
    }
  }
  return WithDeleted(fs, block, deleted);
}

// Blocks that overlap or not, with series of their own and shared ones, with tombstones: what the
// parents show together is what the result shows alone.
BOOST_AUTO_TEST_CASE(the_result_shows_what_the_blocks_showed) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      MemFs fs;
      std::mt19937 random(seed);
      Oracle oracle;
      std::vector<BlockPtr> blocks;
      std::vector<std::unique_ptr<storage::Querier>> queriers;
      const size_t count = 1 + random() % 5;
      // At times on top of each other, at times apart.
      const auto shift = static_cast<int64_t>(random() % 600) * kStep;
      for (size_t b = 0; b < count; ++b) {
        blocks.push_back(RandomBlock(fs, kStart + static_cast<int64_t>(b) * shift, random, oracle));
        queriers.push_back(NewBlockQuerier(blocks[b], Timestamp::Min(), Timestamp::Max()));
      }
      SampleMap want;
      for (const auto& [labels, samples] : oracle)
        want[labels].assign(samples.begin(), samples.end());
      const auto before = storage::MergeQueriers(std::move(queriers));
      BOOST_TEST(SameSamples(WithoutEmpty(SamplesOf(**before->Select({}, {}))), want));
      BOOST_TEST(SameSamples(Shown(MustCompact(fs, blocks)), want));
    }
  }
}

BOOST_AUTO_TEST_CASE(chunks_that_lie_alone_are_copied) {
  MemFs fs;
  // Other than the 120 samples that a new encoding would have.
  const BlockPtr first = MustWrite(fs, Steady(kStart, 300, 1), 100);
  const BlockPtr second = MustWrite(fs, Steady(kStart + 300 * kStep, 200, 2), 50);
  // The order of the list does not matter for these.
  const BlockPtr out = MustCompact(fs, {second, first});
  std::vector<RawChunk> want = ChunksOf(*first, 0);
  for (RawChunk& chunk : ChunksOf(*second, 0)) want.push_back(std::move(chunk));
  BOOST_TEST(want.size() == 7u);
  BOOST_TEST((ChunksOf(*out, 0) == want));
}

BOOST_AUTO_TEST_CASE(only_what_overlaps_is_encoded_anew) {
  MemFs fs;
  const BlockPtr first = MustWrite(fs, Steady(kStart, 300, 1), 100);
  // On the last two samples of the first block's second chunk, and two behind its third.
  const BlockPtr second = MustWrite(fs, Steady(kStart + 198 * kStep, 104, 2), 104);
  const BlockPtr out = MustCompact(fs, {first, second});
  const std::vector<RawChunk> chunks = ChunksOf(*out, 0);
  BOOST_REQUIRE(chunks.size() == 3u);
  BOOST_TEST((chunks[0] == ChunksOf(*first, 0)[0]));
  BOOST_TEST(ChunkSampleCount(chunks[1].encoding, chunks[1].data) == 120u);
  BOOST_TEST(ChunkSampleCount(chunks[2].encoding, chunks[2].data) == 82u);
  const SampleMap shown = Shown(out);
  const auto& samples = shown.begin()->second;
  BOOST_REQUIRE(samples.size() == 302u);
  BOOST_TEST(samples[197].second == 1);
  BOOST_TEST(samples[198].second == 2);
  BOOST_TEST(samples[301].second == 2);
  // The other way round, the first one's samples win.
  const SampleMap turned = Shown(MustCompact(fs, {second, first}));
  BOOST_TEST(turned.begin()->second[299].second == 1);
  BOOST_TEST(turned.begin()->second[300].second == 2);
}

BOOST_AUTO_TEST_CASE(a_block_that_comes_twice_wins_by_its_last_place) {
  MemFs fs;
  const BlockPtr block = MustWrite(fs, Steady(kStart, 50, 1));
  const BlockPtr other = MustWrite(fs, Steady(kStart + 20 * kStep, 50, 2));
  const SampleMap shown = Shown(MustCompact(fs, {block, other, block}));
  BOOST_TEST(shown.begin()->second[49].second == 1);
  BOOST_TEST(shown.begin()->second[50].second == 2);
}

BOOST_AUTO_TEST_CASE(only_what_is_deleted_in_part_is_encoded_anew) {
  MemFs fs;
  const auto at = [](int64_t sample) { return kStart + sample * kStep; };
  BlockPtr block = MustWrite(fs, Steady(kStart, 400, 1), 100);
  // The second chunk, the first half of the third.
  block = WithDeleted(fs, block, {{0, {{at(100), at(149)}, {at(150), at(249)}}}});
  const std::vector<RawChunk> before = ChunksOf(*block, 0);
  const std::vector<RawChunk> chunks = ChunksOf(*MustCompact(fs, {block}), 0);
  BOOST_REQUIRE(chunks.size() == 3u);
  BOOST_TEST((chunks[0] == before[0]));
  BOOST_TEST(chunks[1].mint == at(250));
  BOOST_TEST(chunks[1].maxt == before[2].maxt);
  BOOST_TEST((chunks[2] == before[3]));
}

// Two samples of a counter that is at `count`.
BlockPtr HistogramBlock(Fs& fs, int64_t mint, int64_t maxt, uint64_t count) {
  model::Histogram h;
  h.count = count;
  h.positive = {{{1, 1}}, {static_cast<int64_t>(count)}};
  chunk::IntHistogramEncoder encoder;
  (void)encoder.Append(mint, h);
  (void)encoder.Append(maxt, h);
  RawSource source({{mint, maxt, ChunkEncoding::kHistogram, encoder.bytes()}});
  return MustWrite(fs, MetaFor(mint, maxt + 1), source);
}
// Of a schema of later versions: two samples, and bytes that stand for them.
BlockPtr UnknownBlock(Fs& fs, int64_t mint, int64_t maxt, const std::string& rest) {
  const std::string data = FromHex("0002 00 00 c480") + rest;  // schema 9
  RawSource source({{mint, maxt, ChunkEncoding::kHistogram, data}});
  return MustWrite(fs, MetaFor(mint, maxt + 1), source);
}

bool SameValue(const StoredValue& a, const StoredValue& b) {
  if (a.index() != b.index()) return false;
  if (const auto* const v = std::get_if<double>(&a)) return *v == std::get<double>(b);
  if (const auto* const h = std::get_if<model::Histogram>(&a))
    return testing::SameStored(*h, std::get<model::Histogram>(b));
  return testing::SameStored(std::get<model::FloatHistogram>(a),
                             std::get<model::FloatHistogram>(b));
}

// What queries are handed, and the newest sample of what they might ask for.
void CheckColumns(const BlockPtr& block, const std::map<int64_t, StoredValue>& want) {
  const auto querier = NewBlockQuerier(block, Timestamp::Min(), Timestamp::Max());
  storage::ColumnBuffer buffer;
  const auto check = [&](const storage::Columns& columns, size_t i, int64_t t) {
    const StoredValue& value = want.at(t);
    const auto* const shown = columns.histograms.empty() ? nullptr : columns.histograms[i];
    if (const auto* const v = std::get_if<double>(&value)) {
      BOOST_TEST(columns.values[i] == *v);
      BOOST_TEST(!shown);
      return;
    }
    model::FloatHistogram histogram;
    if (const auto* const h = std::get_if<model::Histogram>(&value))
      model::ToFloat(*h, histogram);
    else
      histogram = std::get<model::FloatHistogram>(value);
    const bool stale = model::IsStale(histogram.sum);
    BOOST_TEST(model::IsStale(columns.values[i]) == stale);
    BOOST_REQUIRE((shown == nullptr) == stale);
    if (!stale) BOOST_TEST(testing::SameStored(*shown, histogram));
  };
  const auto all = querier->Select({}, {});
  const auto columns = (*all)->Read(0, Timestamp::Min(), Timestamp::Max(), buffer);
  BOOST_REQUIRE(columns.ok() && columns->times.size() == want.size());
  size_t i = 0;
  for (const auto& [t, value] : want) check(*columns, i++, t);
  storage::SelectHints hints;
  hints.newest_only = true;
  for (const int64_t until : {want.rbegin()->first, std::next(want.begin(), 60)->first}) {
    const auto earlier = NewBlockQuerier(block, Timestamp::Min(), Timestamp::FromMs(until));
    const auto newest =
        (*earlier->Select({}, hints))->Read(0, Timestamp::Min(), Timestamp::FromMs(until), buffer);
    BOOST_REQUIRE(newest.ok() && newest->times.size() == 1 && newest->times[0] == until);
    check(*newest, 0, until);
  }
}

bool Failed(Fs& fs, const BlockPtr& block) {
  return ReadBlockMeta(fs, block->dir())->compaction.failed;
}

BOOST_AUTO_TEST_CASE(histograms_that_overlap_with_nothing_are_copied) {
  MemFs fs;
  const BlockPtr first = HistogramBlock(fs, kStart, kStart + 10, 1);
  const BlockPtr floats = MustWrite(fs, Steady(kStart + 11, 10, 1));
  const BlockPtr second = HistogramBlock(fs, kStart + 500'000, kStart + 500'010, 2);
  // The same chunk in two blocks overlaps with nothing but itself.
  const BlockPtr again = HistogramBlock(fs, kStart, kStart + 10, 1);
  const BlockPtr out = MustCompact(fs, {first, floats, second, again});
  const std::vector<RawChunk> want = {ChunksOf(*first, 0)[0], ChunksOf(*floats, 0)[0],
                                      ChunksOf(*second, 0)[0]};
  BOOST_TEST((ChunksOf(*out, 0) == want));
  BOOST_TEST(out->meta().stats.num_histogram_samples == 4u);
  BOOST_TEST(out->meta().stats.num_float_samples == 10u);
}

// Histograms and floats of several blocks, with deletions, next to a plain map.
BOOST_AUTO_TEST_CASE(histograms_are_merged_with_whatever_overlaps) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    MemFs fs;
    std::map<int64_t, StoredValue> want;
    std::vector<BlockPtr> blocks;
    for (int n = 2 + static_cast<int>(random() % 3); n > 0; --n) {
      testing::RandomHistograms histograms(seed * 10 + static_cast<uint32_t>(n),
                                           {.gauge = random() % 4 == 0});
      ChunkBuilder builder(1 + random() % 50);
      int64_t t = kStart + static_cast<int64_t>(random() % 100) * kStep;
      const int64_t mint = t;
      const TimeRange deleted{t + static_cast<int64_t>(random() % 1'000'000),
                              t + 1'000'000 + static_cast<int64_t>(random() % 300'000)};
      const size_t kinds = 1 + random() % 3;
      size_t kind = random() % kinds;
      for (int i = 0; i < 150; ++i, t += kStep) {
        if (random() % 20 == 0) kind = random() % kinds;
        StoredValue value = static_cast<double>(random() % 100);
        if (kind == 0) value = histograms.Next();
        if (kind == 1) value = histograms.NextFloat();
        builder.Add({t, value});
        if (t < deleted.mint || t > deleted.maxt) want[t] = value;
      }
      std::vector<SourceChunk> chunks;
      builder.Flush(chunks);
      std::vector<RawChunk> raw;
      for (const SourceChunk& c : chunks)
        raw.push_back({c.mint, c.maxt, c.encoding, std::string(c.data)});
      RawSource source(std::move(raw));
      blocks.push_back(WithDeleted(fs, MustWrite(fs, MetaFor(mint, t), source), {{0, {deleted}}}));
    }
    BOOST_TEST_CONTEXT("seed " << seed) {
      const BlockPtr out = MustCompact(fs, blocks);
      std::vector<StoredSample> got;
      for (const RawChunk& chunk : ChunksOf(*out, 0))
        BOOST_REQUIRE(DecodeStored(chunk.encoding, chunk.data, got).ok());
      BOOST_REQUIRE_EQUAL(got.size(), want.size());
      auto it = want.begin();
      for (const StoredSample& sample : got) {
        BOOST_REQUIRE(sample.time == it->first);
        BOOST_REQUIRE_MESSAGE(SameValue(sample.value, it->second), "at " << sample.time);
        ++it;
      }
      BOOST_TEST(out->meta().stats.num_float_samples ==
                 static_cast<uint64_t>(std::ranges::count_if(want, [](const auto& sample) {
                   return std::holds_alternative<double>(sample.second);
                 })));
      CheckColumns(out, want);
    }
  }
}

BOOST_AUTO_TEST_CASE(unknown_schemas_that_overlap_are_refused_once_and_for_all) {
  MemFs fs;
  const BlockPtr first = UnknownBlock(fs, kStart, kStart + 10, "one");
  const BlockPtr second = UnknownBlock(fs, kStart + 10, kStart + 20, "two");
  const auto result = CompactBlocks(fs, "/data", std::vector{first, second}, kNow, {});
  BOOST_TEST((result.status().code() == Code::kUnsupported));
  BOOST_TEST(result.status().message().find(first->dir()) == 0u, result.status().message());
  BOOST_TEST(Failed(fs, first));
  BOOST_TEST(Failed(fs, second));
  BOOST_TEST(fs.List("/data")->size() == 2u);

  const BlockPtr half =
      WithDeleted(fs, UnknownBlock(fs, kStart, kStart + 10, "x"), {{0, {{kStart, kStart + 5}}}});
  const auto rewritten = CompactBlocks(fs, "/data", std::vector{half}, kNow, {});
  BOOST_TEST((rewritten.status().code() == Code::kUnsupported));
  // What is deleted does not overlap, all of a chunk or its ends.
  const BlockPtr gone =
      WithDeleted(fs, UnknownBlock(fs, kStart, kStart + 10, "y"), {{0, {{kStart, kStart + 10}}}});
  BOOST_TEST((ChunksOf(*MustCompact(fs, {gone, second}), 0) == ChunksOf(*second, 0)));
  const auto at = [](int64_t sample) { return kStart + sample * kStep; };
  const BlockPtr floats = WithDeleted(fs, MustWrite(fs, Steady(kStart, 10, 1)),
                                      {{0, {{at(0), at(1)}, {at(8), at(9)}}}});
  const BlockPtr last = UnknownBlock(fs, at(8), at(9), "z");
  const std::vector<RawChunk> chunks = ChunksOf(*MustCompact(fs, {second, floats, last}), 0);
  BOOST_REQUIRE(chunks.size() == 3u);
  BOOST_TEST((chunks[0] == ChunksOf(*second, 0)[0]));
  BOOST_TEST(chunks[1].mint == at(2));
  BOOST_TEST(chunks[1].maxt == at(7));
  BOOST_TEST((chunks[2] == ChunksOf(*last, 0)[0]));
}

BOOST_AUTO_TEST_CASE(a_corrupt_chunk_fails_the_compaction) {
  MemFs fs;
  const BlockPtr block = MustWrite(fs, Steady(kStart, 10, 1));
  const BlockPtr other = MustWrite(fs, Steady(kStart + 1'000'000, 10, 1));
  fs.Corrupt(block->dir() + "/chunks/000001", [](std::string& bytes) { bytes[15] ^= 1; });
  const BlockPtr bad = MustOpen(fs, block->dir());
  const auto result = CompactBlocks(fs, "/data", std::vector{other, bad}, kNow, {});
  BOOST_TEST((result.status().code() == Code::kCorrupt));
  BOOST_TEST(result.status().message().find(bad->dir()) == 0u, result.status().message());
  BOOST_TEST(Failed(fs, bad));
  BOOST_TEST(Failed(fs, other));
  BOOST_TEST(fs.List("/data")->size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_and_a_stop_do_not_mark_the_blocks) {
  MemFs fs;
  const std::vector<BlockPtr> blocks = {MustWrite(fs, Steady(kStart, 300, 1)),
                                        MustWrite(fs, Steady(kStart + 10, 300, 2))};
  fs.SetCapacity(blocks[0]->size() + blocks[1]->size() + 200);
  BOOST_TEST((CompactBlocks(fs, "/data", blocks, kNow, {}).status().code() == Code::kIo));
  fs.SetCapacity(std::nullopt);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = CompactBlocks(fs, "/data", blocks, kNow, {}, stop.get_token());
  BOOST_TEST((stopped.status().code() == Code::kCanceled));
  BOOST_TEST(fs.List("/data")->size() == 2u);
  for (const BlockPtr& block : blocks) BOOST_TEST(!Failed(fs, block));
  BOOST_TEST(Shown(MustCompact(fs, blocks)).begin()->second.size() == 600u);
}

BOOST_AUTO_TEST_CASE(when_nothing_is_left_the_blocks_may_go) {
  MemFs fs;
  const TimeRange all{INT64_MIN, INT64_MAX};
  const std::vector<BlockPtr> blocks = {
      WithDeleted(fs, MustWrite(fs, Steady(kStart, 10, 1)), {{0, {all}}}),
      WithDeleted(fs, MustWrite(fs, Steady(kStart, 10, 1, "b")), {{0, {all}}})};
  const auto result = CompactBlocks(fs, "/data", blocks, kNow, {});
  BOOST_REQUIRE(result.ok());
  BOOST_TEST(!result->has_value());
  BOOST_TEST(fs.List("/data")->size() == 2u);
  for (const BlockPtr& block : blocks) {
    BlockMeta want = block->meta();
    want.compaction.deletable = true;
    BOOST_TEST((*ReadBlockMeta(fs, block->dir()) == want));
  }
}

BlockPtr WithMeta(Fs& fs, const BlockPtr& block, int level, std::vector<Ulid> sources,
                  std::vector<std::string> hints) {
  BlockMeta meta = block->meta();
  meta.compaction.level = level;
  meta.compaction.sources = std::move(sources);
  meta.compaction.hints = std::move(hints);
  BOOST_REQUIRE(WriteBlockMeta(fs, block->dir(), meta).ok());
  return MustOpen(fs, block->dir());
}

BOOST_AUTO_TEST_CASE(the_result_says_what_it_comes_from) {
  MemFs fs;
  const Ulid x = Ulid::New(Timestamp::FromMs(1));
  const Ulid y = Ulid::New(Timestamp::FromMs(2));
  const Ulid z = Ulid::New(Timestamp::FromMs(3));
  const std::string ooo = "from-out-of-order";
  const std::string stale = "from-stale-series";
  const BlockPtr a = WithMeta(fs, MustWrite(fs, Steady(kStart, 10, 1)), 2, {x, z}, {ooo});
  const BlockPtr b =
      WithMeta(fs, MustWrite(fs, Steady(kStart - 100, 2, 1)), 1, {x, y}, {ooo, stale});
  const BlockPtr c = WithMeta(fs, MustWrite(fs, Steady(kStart + 5, 1, 1)), 1, {y}, {});
  const BlockMeta two = MustCompact(fs, {a, b})->meta();
  BOOST_TEST(two.compaction.level == 3);
  BOOST_TEST((two.compaction.sources == std::vector{x, y, z}));
  const auto desc = [](const BlockPtr& block) {
    const BlockMeta& meta = block->meta();
    return BlockDesc{meta.ulid, meta.min_time, meta.max_time};
  };
  BOOST_TEST((two.compaction.parents == std::vector{desc(a), desc(b)}));
  BOOST_TEST((two.compaction.hints == std::vector{ooo, stale}));
  BOOST_TEST((two.min_time == b->meta().min_time));
  BOOST_TEST((two.max_time == a->meta().max_time));
  BOOST_TEST((two.ulid.time() == kNow));
  BOOST_TEST((MustCompact(fs, {a, b, c})->meta().compaction.hints == std::vector{stale}));
  // As Prometheus, one that is rewritten for its tombstones goes up a level as well.
  const BlockMeta one = MustCompact(fs, {c})->meta();
  BOOST_TEST(one.compaction.level == 2);
  BOOST_TEST((one.compaction.parents == std::vector{desc(c)}));
}

}  // namespace
}  // namespace canopy::tsdb
