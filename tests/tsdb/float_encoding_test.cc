#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/tsdb/block_support.h"
#include "tests/tsdb/out_of_order_support.h"
#include "tests/tsdb/raw_block.h"
#include "tsdb/chunk_builder.h"
#include "tsdb/compact_blocks.h"
#include "tsdb/head_chunk_scan.h"

// What floats are written as.

namespace canopy::tsdb {
namespace {

constexpr int64_t kStart = 1'700'000'100'000;  // a multiple of five minutes
constexpr size_t kSamples = 200;               // of each series, 15 s apart

using Encodings = std::map<ChunkEncoding, size_t>;

bool Only(const Encodings& found, ChunkEncoding encoding) {
  return found.size() == 1 && found.begin()->first == encoding;
}

void AddBlock(Fs& fs, const std::string& dir, Encodings& out) {
  const auto block = Block::Open(fs, dir);
  BOOST_REQUIRE_MESSAGE(block.ok(), block.status().message());
  for (size_t i = 0; i < (*block)->index().AllPostings()->size(); ++i)
    for (const RawChunk& chunk : ChunksOf(**block, i)) ++out[chunk.encoding];
}
Encodings InBlocks(Disk& disk) {
  Encodings out;
  for (const BlockMeta& meta : disk.Blocks())
    AddBlock(disk.fs, "/data/" + meta.ulid.ToString(), out);
  return out;
}
Encodings InHeadChunks(Fs& fs) {
  Encodings out;
  const auto scan = ScanHeadChunks(
      fs, "/data/chunks_head", [&](uint64_t, const HeadChunk& chunk) { ++out[chunk.encoding]; });
  BOOST_REQUIRE(scan.ok());
  return out;
}

// Samples from place `first` on.
void MustAppend(Db& db, const SampleMap& content, size_t first, size_t end) {
  for (size_t i = first; i < end; ++i) {
    Batch batch;
    for (const auto& [labels, column] : content)
      batch.new_samples.push_back({labels, Timestamp::FromMs(column[i].first), column[i].second});
    const auto report = db.Append(batch);
    BOOST_REQUIRE(report.ok());
    BOOST_REQUIRE(report->rejected.empty());
  }
}

void CheckShows(Db& db, const SampleMap& content, size_t end = kSamples) {
  SampleMap want;
  for (const auto& [labels, column] : content)
    want[labels].assign(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(end));
  const auto querier = db.NewQuerier(Timestamp::Min(), Timestamp::Max());
  BOOST_REQUIRE(querier.ok());
  const auto set = (*querier)->Select({}, {});
  BOOST_REQUIRE_MESSAGE(set.ok(), set.status().message());
  BOOST_TEST(SameSamples(SamplesOf(**set), want));
}

struct Xor2Disk : Disk {
  explicit Xor2Disk(chunk::FloatEncoding encoding = chunk::FloatEncoding::kXor2) {
    db.reset();
    options.float_encoding = encoding;
    db = Open();
  }
};

BOOST_AUTO_TEST_SUITE(float_encoding)

BOOST_AUTO_TEST_CASE(head_chunks_and_blocks_are_of_the_one_that_is_asked_for) {
  for (const auto encoding : {chunk::FloatEncoding::kXor, chunk::FloatEncoding::kXor2}) {
    Xor2Disk disk(encoding);
    const SampleMap content = RandomSamples(15, kSamples, kStart, 1);
    // Not yet long enough for a block: three chunks, of which the first two are not the newest.
    MustAppend(*disk.db, content, 0, 29);
    disk.Compact();
    BOOST_TEST(InBlocks(disk).empty());
    for (size_t i = 29; i < kSamples; i += 19) {
      MustAppend(*disk.db, content, i, std::min(i + 19, kSamples));
      disk.Compact();
      if (i % 2 == 0) disk.Restart();
      CheckShows(*disk.db, content, std::min(i + 19, kSamples));
    }
    BOOST_TEST(Only(InBlocks(disk), EncodingOf(encoding)));
    disk.IsWhole();
  }
}

// Of a series the newest closed chunk stays in memory, for as long as the head is not cut.
BOOST_AUTO_TEST_CASE(chunks_in_files_say_what_they_are_and_are_replayed) {
  Xor2Disk disk;
  disk.db.reset();
  disk.options.block_range = 120 * kMinute;
  disk.db = disk.Open();
  const SampleMap content = RandomSamples(10, 500, kStart, 2);
  MustAppend(*disk.db, content, 0, 300);
  disk.Compact();
  BOOST_TEST(Only(InHeadChunks(disk.fs), ChunkEncoding::kXor2));
  disk.Restart();
  CheckShows(*disk.db, content, 300);
  // What is written from now on is something else; what is there stays.
  disk.db->SetFloatEncoding(chunk::FloatEncoding::kXor);
  MustAppend(*disk.db, content, 300, 500);
  disk.Compact();
  const Encodings both = InHeadChunks(disk.fs);
  BOOST_TEST(both.size() == 2u);
  BOOST_TEST(both.at(ChunkEncoding::kXor) == 20u);
  BOOST_TEST(both.at(ChunkEncoding::kXor2) == 10u);
  CheckShows(*disk.db, content, 500);
  const auto name = disk.db->Snapshot(true);
  BOOST_REQUIRE_MESSAGE(name.ok(), name.status().message());
  Encodings snapshot;
  const std::string dir = "/data/snapshots/" + *name;
  for (const std::string& block : *disk.fs.List(dir))
    AddBlock(disk.fs, dir + "/" + block, snapshot);
  BOOST_TEST(snapshot.at(ChunkEncoding::kXor) == 40u);
  BOOST_TEST(snapshot.at(ChunkEncoding::kXor2) == 10u);
  disk.Restart();
  CheckShows(*disk.db, content, 500);
  disk.IsWhole();
}

BOOST_AUTO_TEST_CASE(samples_out_of_order_come_into_blocks_of_it) {
  Xor2Disk disk;
  BOOST_TEST((One(*disk.db, "a", 100, 1) == AppendResult::kStored));
  std::mt19937 random(1);
  std::map<double, double> sent;
  for (int i = 0; i < 120; ++i) {
    const double at = 84 + static_cast<double>(random() % 900) / 60;
    if (!sent.emplace(at, i).second) continue;
    BOOST_TEST((One(*disk.db, "a", at, i) == AppendResult::kStored));
  }
  const Content before = Read(*disk.db);
  disk.Restart();
  BOOST_TEST((Read(*disk.db) == before));
  BOOST_TEST((One(*disk.db, "a", 115, 2) == AppendResult::kStored));
  disk.Compact();
  size_t late = 0;
  for (const BlockMeta& meta : disk.Blocks()) late += meta.stats.num_samples;
  BOOST_TEST(late > sent.size() / 2);
  BOOST_TEST(Only(InBlocks(disk), ChunkEncoding::kXor2));
  disk.IsWhole();
}

chunk::FloatEncoding Other(chunk::FloatEncoding encoding) {
  return encoding == chunk::FloatEncoding::kXor ? chunk::FloatEncoding::kXor2
                                                : chunk::FloatEncoding::kXor;
}

BOOST_AUTO_TEST_CASE(a_part_of_a_chunk_is_of_it_and_so_is_a_block_without_what_was_deleted) {
  for (const auto first : {chunk::FloatEncoding::kXor, chunk::FloatEncoding::kXor2}) {
    Xor2Disk disk(first);
    const SampleMap content = RandomSamples(3, kSamples, kStart, 3);
    const auto delete_at = [&](int64_t minutes) {
      const Timestamp from = Timestamp::FromMs(kStart) + minutes * kMinute;
      BOOST_REQUIRE(disk.db->Delete({}, from, from + Duration(31'000)).ok());
    };
    MustAppend(*disk.db, content, 0, 25);
    delete_at(1);
    MustAppend(*disk.db, content, 25, 60);
    disk.Compact();
    BOOST_TEST(Only(InBlocks(disk), EncodingOf(first)));
    // The other one from now on: chunks that are rewritten become it, others stay.
    disk.db->SetFloatEncoding(Other(first));
    const size_t chunks = InBlocks(disk).at(EncodingOf(first));
    delete_at(3);
    BOOST_REQUIRE(disk.db->CleanTombstones().ok());
    const Encodings cleaned = InBlocks(disk);
    BOOST_REQUIRE_EQUAL(cleaned.size(), 2u);
    BOOST_TEST(cleaned.at(EncodingOf(Other(first))) == 3u);
    BOOST_TEST(cleaned.at(EncodingOf(first)) + 3u == chunks);
    disk.IsWhole();
  }
}

BOOST_AUTO_TEST_CASE(blocks_that_overlap_are_joined_into_it) {
  for (const auto first : {chunk::FloatEncoding::kXor, chunk::FloatEncoding::kXor2}) {
    Xor2Disk disk(first);
    for (const double at : {86, 87, 88, 100})
      BOOST_TEST((One(*disk.db, "a", at, at) == AppendResult::kStored));
    disk.Compact();
    BOOST_TEST(Only(InBlocks(disk), EncodingOf(first)));
    disk.db->SetFloatEncoding(Other(first));
    BOOST_TEST((One(*disk.db, "a", 86.5, 7) == AppendResult::kStored));
    BOOST_TEST((One(*disk.db, "a", 115, 2) == AppendResult::kStored));
    disk.Compact();
    const BlockMeta joined = disk.Blocks().front();
    BOOST_TEST(joined.stats.num_samples == 4u);
    Encodings found;
    AddBlock(disk.fs, "/data/" + joined.ulid.ToString(), found);
    BOOST_TEST(Only(found, EncodingOf(Other(first))));
    disk.IsWhole();
  }
}

// Each series in chunks of 50, of one encoding.
std::shared_ptr<const Block> WriteBlockOf(Fs& fs, const SampleMap& content,
                                          chunk::FloatEncoding encoding) {
  MapSource source(content, 50, encoding);
  const auto written = WriteBlock(fs, "/data", MetaFor(kStart, kStart + 100'000'000), source);
  BOOST_REQUIRE_MESSAGE(written.ok(), written.status().message());
  return *Block::Open(fs, "/data/" + written->ulid.ToString());
}

BOOST_AUTO_TEST_CASE(compaction_mixes_both_and_encodes_anew_what_is_asked_for) {
  testing::MemFs fs;
  const SampleMap content = RandomSamples(10, 100, kStart, 4);
  SampleMap others = content;  // between the others, and beyond their end
  SampleMap want = content;
  for (auto& [labels, column] : others) {
    for (auto& [t, v] : column) t += 750'007;
    auto& all = want[labels];
    all.insert(all.end(), column.begin(), column.end());
    std::ranges::sort(all, {}, &std::pair<int64_t, double>::first);
  }
  const auto xor1 = WriteBlockOf(fs, content, chunk::FloatEncoding::kXor);
  const auto xor2 = WriteBlockOf(fs, others, chunk::FloatEncoding::kXor2);
  for (const auto encoding : {chunk::FloatEncoding::kXor, chunk::FloatEncoding::kXor2}) {
    const auto made = CompactBlocks(fs, "/data", std::vector{xor1, xor2},
                                    Timestamp::FromMs(1'800'000'000'000), {.floats = encoding});
    BOOST_REQUIRE_MESSAGE(made.ok(), made.status().message());
    const auto block = *Block::Open(fs, "/data/" + (*made)->ulid.ToString());
    Encodings found;
    AddBlock(fs, block->dir(), found);
    // Of each series the first and the last chunk overlap with nothing.
    const auto querier = NewBlockQuerier(block, Timestamp::Min(), Timestamp::Max());
    BOOST_TEST(SameSamples(SamplesOf(**(*querier).Select({}, {})), want));
    BOOST_TEST(found.at(EncodingOf(Other(encoding))) == 10u);
    BOOST_TEST(found.at(EncodingOf(encoding)) == 20u);
  }
  CheckWhole(fs, "/data");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::tsdb
