#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "canopy/chunk/xor2.h"
#include "canopy/tsdb/analyze.h"
#include "canopy/tsdb/db.h"
#include "canopy/tsdb/read_only_db.h"
#include "canopy/tsdb/verify_dir.h"
#include "tests/support/histogram_st_chunks.h"
#include "tests/support/mem_fs.h"
#include "tests/support/random_histograms.h"
#include "tests/tsdb/block_support.h"
#include "tests/tsdb/raw_block.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/chunk_builder.h"
#include "tsdb/compact_blocks.h"
#include "tsdb/head_chunk_files.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

// Directories that hold chunks as Prometheus 3.14 may write them: XOR2, and histograms with start
// timestamps.

namespace canopy::tsdb {
namespace {

using testing::HistogramStChunk;
using testing::kHistogramStChunks;
using testing::MemFs;

constexpr int64_t kRange = 7'200'000;
const model::Labels kSeries{{"__name__", "a"}};

// Floats at 10000, 11000, ... with starts.
RawChunk Xor2Chunk(int64_t from = 10'000, double first = 0) {
  chunk::Xor2Encoder encoder;
  for (int64_t i = 0; i < 5; ++i)
    encoder.Append(from + i * 1000, i == 3 ? model::StaleNan() : first + static_cast<double>(i),
                   i < 2 ? from - 500 : from + 1500);
  return {from, from + 4000, ChunkEncoding::kXor2, encoder.bytes()};
}
RawChunk HistogramChunk(const HistogramStChunk& chunk) {
  return {HistogramStChunk::kTimes.front(), HistogramStChunk::kTimes.back(),
          chunk.floats ? ChunkEncoding::kFloatHistogramSt : ChunkEncoding::kHistogramSt,
          chunk.bytes()};
}

std::shared_ptr<const Block> MustWrite(Fs& fs, std::vector<RawChunk> chunks) {
  BlockMeta meta = MetaFor(0, kRange);
  RawSource source(std::move(chunks));
  const auto written = WriteBlock(fs, "/data", meta, source);
  BOOST_REQUIRE_MESSAGE(written.ok(), written.status().message());
  const auto block = Block::Open(fs, "/data/" + written->ulid.ToString());
  BOOST_REQUIRE_MESSAGE(block.ok(), block.status().message());
  return *block;
}

std::vector<RawChunk> Compacted(Fs& fs, const std::vector<std::shared_ptr<const Block>>& blocks,
                                const chunk::Encodings& encodings = {}) {
  const auto meta =
      CompactBlocks(fs, "/data", blocks, Timestamp::FromMs(1'800'000'000'000), encodings);
  BOOST_REQUIRE_MESSAGE(meta.ok(), meta.status().message());
  const auto block = Block::Open(fs, "/data/" + (*meta)->ulid.ToString());
  BOOST_REQUIRE(block.ok());
  return ChunksOf(**block, 0);
}

// What a querier shows of the only series must be the histograms of the chunk, and the floats of
// Xor2Chunk().
void CheckShown(storage::Queryable& store, const HistogramStChunk& histograms) {
  const auto querier = store.NewQuerier(Timestamp::Min(), Timestamp::Max());
  BOOST_REQUIRE(querier.ok());
  const auto set = (*querier)->Select({}, {});
  BOOST_REQUIRE_MESSAGE(set.ok(), set.status().message());
  BOOST_REQUIRE_EQUAL((*set)->size(), 1u);
  storage::ColumnBuffer buffer;
  const auto shown = (*set)->Read(0, Timestamp::Min(), Timestamp::Max(), buffer);
  BOOST_REQUIRE_MESSAGE(shown.ok(), shown.status().message());
  BOOST_REQUIRE_EQUAL(shown->times.size(), 10u);
  for (size_t i = 0; i < 5; ++i) {
    BOOST_TEST(shown->times[i] == HistogramStChunk::kTimes[i]);
    BOOST_REQUIRE((shown->histograms[i] != nullptr) == (i < 4));
    if (i == 4) {
      BOOST_TEST(model::IsStale(shown->values[i]));
      continue;
    }
    model::FloatHistogram want;
    model::ToFloat(histograms.Integers(i), want);
    if (histograms.floats) want = histograms.Floats(i);
    BOOST_TEST(testing::SameStored(*shown->histograms[i], want));
  }
  for (size_t i = 5; i < 10; ++i) {
    const auto n = static_cast<int64_t>(i) - 5;
    BOOST_TEST(shown->times[i] == 10'000 + n * 1000);
    BOOST_TEST(
        model::SameBits(shown->values[i], n == 3 ? model::StaleNan() : static_cast<double>(n)));
    BOOST_TEST((shown->histograms[i] == nullptr));
  }
}

void CheckVerified(Fs& fs) {
  VerifyDirOptions options;
  options.part = [](const VerifiedPart& part) {
    for (const std::string& text : part.faults) BOOST_TEST(text == "");
    for (const std::string& text : part.notices) BOOST_TEST(text == "");
  };
  const auto faults = VerifyDir(fs, "/data", options);
  BOOST_REQUIRE(faults.ok());
  BOOST_TEST(*faults == 0u);
}

struct OpenDb {
  explicit OpenDb(Fs& fs, bool starts = false) {
    auto opened = Db::Open(
        fs, SystemClock(), metrics,
        {.dir = "/data",
         .retention_time = Duration(0),
         .float_encoding = starts ? chunk::FloatEncoding::kXor2 : chunk::FloatEncoding::kXor,
         .start_times = starts,
         .maintenance_interval = Duration(0)});
    BOOST_REQUIRE_MESSAGE(opened.ok(), opened.status().message());
    db = std::move(*opened);
  }
  SelfMetrics metrics;
  std::unique_ptr<Db> db;
};

BOOST_AUTO_TEST_SUITE(chunk_encodings)

BOOST_AUTO_TEST_CASE(blocks_of_them_are_read_everywhere) {
  for (const HistogramStChunk& histograms : kHistogramStChunks) {
    BOOST_TEST_CONTEXT(histograms.hex) {
      MemFs fs;
      const auto block = MustWrite(fs, {HistogramChunk(histograms), Xor2Chunk()});
      BOOST_TEST(block->meta().stats.num_samples == 10u);
      BOOST_TEST(block->meta().stats.num_float_samples == 5u);
      CheckVerified(fs);
      const auto read_only = ReadOnlyDb::Open(fs, "/data");
      BOOST_REQUIRE(read_only.ok());
      CheckShown(**read_only, histograms);
      CheckShown(*OpenDb(fs).db, histograms);
      AnalyzeOptions with_chunks;
      with_chunks.chunks = true;
      const auto found = AnalyzeBlock(fs, "/data", with_chunks);
      BOOST_REQUIRE_MESSAGE(found.ok(), found.status().message());
      BOOST_TEST((found->float_chunk_samples == std::vector<uint32_t>{5}));
      BOOST_TEST((found->histogram_chunk_samples == std::vector<uint32_t>{5}));
      BOOST_TEST((found->histogram_chunk_buckets == std::vector<uint32_t>{12}));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_chunk_that_lies_alone_keeps_its_starts) {
  MemFs fs;
  const auto first = MustWrite(fs, {HistogramChunk(kHistogramStChunks[1]), Xor2Chunk()});
  const auto second = MustWrite(fs, {Xor2Chunk(20'000)});
  const std::vector<RawChunk> want = {HistogramChunk(kHistogramStChunks[1]), Xor2Chunk(),
                                      Xor2Chunk(20'000)};
  BOOST_TEST((Compacted(fs, {first, second}) == want));
}

std::vector<StoredSample> SamplesOf(const std::vector<RawChunk>& chunks) {
  std::vector<StoredSample> out;
  for (const RawChunk& chunk : chunks)
    BOOST_REQUIRE(DecodeStored(chunk.encoding, chunk.data, out).ok());
  return out;
}

BOOST_AUTO_TEST_CASE(what_overlaps_keeps_its_starts_where_there_is_a_place_for_them) {
  MemFs fs;
  const RawChunk histograms = HistogramChunk(kHistogramStChunks[1]);
  const auto first = MustWrite(fs, {histograms, Xor2Chunk()});
  const auto second = MustWrite(fs, {Xor2Chunk(1500), Xor2Chunk(12'500, 7)});
  std::vector<StoredSample> want =
      SamplesOf({histograms, Xor2Chunk(1500), Xor2Chunk(), Xor2Chunk(12'500, 7)});
  std::ranges::sort(want, {}, &StoredSample::time);
  const chunk::Encodings plain;
  const chunk::Encodings with_starts = {chunk::FloatEncoding::kXor2,
                                        chunk::HistogramForm::kWithStarts};
  for (const auto& encodings : {plain, with_starts}) {
    const auto got = SamplesOf(Compacted(fs, {first, second}, encodings));
    BOOST_REQUIRE_EQUAL(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) {
      BOOST_TEST(got[i].time == want[i].time);
      BOOST_TEST((got[i].value.index() == want[i].value.index()));
      BOOST_TEST(got[i].start == (encodings == plain ? 0 : want[i].start));
    }
  }
}

BOOST_AUTO_TEST_CASE(chunks_that_overlap_are_encoded_anew) {
  MemFs fs;
  const auto first = MustWrite(fs, {HistogramChunk(kHistogramStChunks[1]), Xor2Chunk()});
  const auto second = MustWrite(fs, {Xor2Chunk(12'500, 7)});
  const std::vector<RawChunk> chunks = Compacted(fs, {first, second});
  BOOST_REQUIRE_EQUAL(chunks.size(), 2u);
  BOOST_TEST((chunks[0] == HistogramChunk(kHistogramStChunks[1])));
  BOOST_TEST((chunks[1].encoding == ChunkEncoding::kXor));
  BOOST_TEST(chunks[1].mint == 10'000);
  BOOST_TEST(chunks[1].maxt == 16'500);
  storage::ColumnBuffer columns;
  BOOST_REQUIRE(DecodeChunk(ChunkEncoding::kXor, chunks[1].data, columns).ok());
  BOOST_TEST(columns.times.size() == 10u);
  // Histograms, too: one of a later block stands between the others.
  const auto plain = MustWrite(fs, {Xor2Chunk(1500)});
  const std::vector<RawChunk> mixed = Compacted(fs, {first, plain});
  const std::vector<StoredSample> samples = SamplesOf(mixed);
  BOOST_REQUIRE_EQUAL(samples.size(), 15u);
  BOOST_TEST((mixed[0].encoding == ChunkEncoding::kHistogram));
  BOOST_TEST(testing::SameStored(std::get<model::Histogram>(samples[0].value),
                                 kHistogramStChunks[1].Integers(0)));
}

// Head chunks and the log that goes on behind them.
void WriteHead(Fs& fs, const HistogramStChunk& histograms, bool log_has_newest) {
  const auto files = HeadChunkFiles::Open(fs, "/data/chunks_head", [](uint64_t, auto&) {});
  BOOST_REQUIRE(files.ok());
  for (const RawChunk& chunk : {HistogramChunk(histograms), Xor2Chunk()})
    BOOST_REQUIRE(
        (*files)
            ->Append({SeriesRef(1), chunk.mint, chunk.maxt, chunk.encoding, false, chunk.data})
            .ok());
  BOOST_REQUIRE((*files)->Flush().ok());
  const auto wal = WalWriter::Open(fs, "/data/wal", {});
  BOOST_REQUIRE(wal.ok());
  std::string record;
  SeriesEncoder(record).Add(SeriesRef(1), kSeries);
  BOOST_REQUIRE((*wal)->Append(Views({record})).ok());
  if (!log_has_newest) return;
  record.clear();
  SamplesEncoder samples(record);
  samples.Add(SeriesRef(1), Timestamp::FromMs(15'000), 42);
  samples.Finish();
  BOOST_REQUIRE((*wal)->Append(Views({record})).ok());
}

void MustAppend(Db& db, int64_t t, double v) {
  storage::Batch batch;
  batch.new_samples.push_back({kSeries, Timestamp::FromMs(t), v});
  const auto report = db.Append(batch);
  BOOST_REQUIRE(report.ok());
  BOOST_REQUIRE(report->rejected.empty());
}

// The chunks of the block that the head becomes once it has a sample of later.
std::vector<RawChunk> Cut(Fs& fs, Db& db) {
  MustAppend(db, 2 * kRange, 1);
  BOOST_REQUIRE(db.Compact().ok());
  std::vector<std::string> faults;
  const auto blocks = ListBlocks(fs, "/data", faults);
  BOOST_REQUIRE(blocks.ok());
  BOOST_REQUIRE_EQUAL(blocks->size(), 1u);
  const auto block = Block::Open(fs, "/data/" + (*blocks)[0].ulid);
  BOOST_REQUIRE(block.ok());
  return ChunksOf(**block, 0);
}

BOOST_AUTO_TEST_CASE(head_chunks_of_them_go_into_blocks_as_they_are) {
  for (const HistogramStChunk& histograms : kHistogramStChunks) {
    BOOST_TEST_CONTEXT(histograms.hex) {
      MemFs fs;
      WriteHead(fs, histograms, true);
      CheckVerified(fs);
      const OpenDb open(fs);
      const std::vector<RawChunk> chunks = Cut(fs, *open.db);
      BOOST_REQUIRE_EQUAL(chunks.size(), 3u);
      BOOST_TEST((chunks[0] == HistogramChunk(histograms)));
      BOOST_TEST((chunks[1] == Xor2Chunk()));
      BOOST_TEST((chunks[2].mint == 15'000 && chunks[2].encoding == ChunkEncoding::kXor));
    }
  }
}

// The last one is opened again, then: a store that keeps no starts loses them.
BOOST_AUTO_TEST_CASE(head_chunks_of_them_are_gone_on_from_where_the_log_lost_its_samples) {
  for (const HistogramStChunk& histograms : kHistogramStChunks) {
    BOOST_TEST_CONTEXT(histograms.hex) {
      MemFs keeping;
      WriteHead(keeping, histograms, false);
      const OpenDb keeps(keeping, true);
      CheckShown(*keeps.db, histograms);
      const std::vector<StoredSample> kept = SamplesOf({Cut(keeping, *keeps.db)[1]});
      const std::vector<StoredSample> before = SamplesOf({Xor2Chunk()});
      BOOST_REQUIRE_EQUAL(kept.size(), before.size());
      for (size_t i = 0; i < kept.size(); ++i)
        // One of them is a marker, which belongs to no counter.
        BOOST_TEST(kept[i].start == before[i].start);

      MemFs fs;
      WriteHead(fs, histograms, false);
      const auto read_only = ReadOnlyDb::Open(fs, "/data");
      BOOST_REQUIRE(read_only.ok());
      CheckShown(**read_only, histograms);
      const OpenDb open(fs);
      CheckShown(*open.db, histograms);
      MustAppend(*open.db, 15'000, 5);
      const std::vector<RawChunk> chunks = Cut(fs, *open.db);
      BOOST_REQUIRE_EQUAL(chunks.size(), 2u);
      BOOST_TEST((chunks[0] == HistogramChunk(histograms)));
      BOOST_TEST((chunks[1].encoding == ChunkEncoding::kXor));
      BOOST_TEST(chunks[1].mint == 10'000);
      BOOST_TEST(chunks[1].maxt == 15'000);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::tsdb
