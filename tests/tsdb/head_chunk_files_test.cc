#include "tsdb/head_chunk_files.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "canopy/base/bytes.h"
#include "canopy/base/crc32c.h"
#include "tests/support/hex.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/chunk_file.h"

namespace canopy::tsdb {
namespace {

using testing::FromHex;
using testing::Hex;
using testing::MemFs;

constexpr const char* kDir = "/chunks_head";

HeadChunk Chunk(uint64_t series, int64_t mint, std::string_view data) {
  HeadChunk out;
  out.series = SeriesRef(series);
  out.mint = mint;
  out.maxt = mint + 9;
  out.out_of_order = series % 5 == 0;
  out.data = data;
  return out;
}
bool Same(const HeadChunk& a, const HeadChunk& b) {
  return a.series == b.series && a.mint == b.mint && a.maxt == b.maxt && a.encoding == b.encoding &&
         a.out_of_order == b.out_of_order && a.data == b.data;
}

struct Loaded {
  std::unique_ptr<HeadChunkFiles> files;
  std::vector<uint64_t> refs;
};
Loaded MustOpen(Fs& fs, uint64_t file_bytes = kHeadChunkFileBytes) {
  Loaded out;
  auto files = HeadChunkFiles::Open(
      fs, kDir, [&](uint64_t ref, const HeadChunk&) { out.refs.push_back(ref); }, file_bytes);
  BOOST_REQUIRE_MESSAGE(files.ok(), files.status().message());
  out.files = std::move(*files);
  return out;
}

BOOST_AUTO_TEST_CASE(a_head_chunk_file_has_the_documented_bytes) {
  MemFs fs;
  auto loaded = MustOpen(fs);
  BOOST_TEST(*loaded.files->Append(Chunk(5, -2, "abc")) == ChunkRef(1, 8));
  BOOST_REQUIRE(loaded.files->Flush().ok());
  const std::string chunk =
      FromHex("0000000000000005 fffffffffffffffe 0000000000000007 81 03 616263");
  std::string want = FromHex("0130bc91 01 000000") + chunk;
  base::PutBe32(want, base::Crc32c(chunk));
  BOOST_TEST(Hex(*fs.ReadFile("/chunks_head/000001")) == Hex(want));
}

BOOST_AUTO_TEST_CASE(chunks_are_read_before_and_after_they_are_written) {
  MemFs fs;
  std::vector<std::pair<uint64_t, std::string>> chunks;
  auto loaded = MustOpen(fs, 5000);
  const auto check = [&](const HeadChunkFiles& files) {
    for (size_t i = 0; i < chunks.size(); ++i) {
      const auto pinned = files.Read(chunks[i].first);
      BOOST_REQUIRE_MESSAGE(pinned.ok(), pinned.status().message());
      BOOST_REQUIRE(Same(pinned->chunk, Chunk(i + 1, static_cast<int64_t>(i), chunks[i].second)));
    }
  };
  for (size_t i = 0; i < 200; ++i) {
    const std::string data = Noise(i, i);
    const auto ref = loaded.files->Append(Chunk(i + 1, static_cast<int64_t>(i), data));
    BOOST_REQUIRE(ref.ok());
    BOOST_REQUIRE((chunks.empty() || *ref > chunks.back().first));
    chunks.emplace_back(*ref, data);
    if (i % 17 == 0) BOOST_REQUIRE(loaded.files->Flush().ok());
    if (i % 23 == 0) check(*loaded.files);
  }
  BOOST_REQUIRE(loaded.files->Flush().ok());
  check(*loaded.files);
  const auto names = fs.List(kDir);
  BOOST_TEST(names->size() > 4u);
  for (const std::string& name : *names) BOOST_TEST(*fs.Size(JoinPath(kDir, name)) <= 5000u);
  loaded = MustOpen(fs, 5000);
  BOOST_TEST(!loaded.files->fault().has_value());
  BOOST_REQUIRE(loaded.refs.size() == chunks.size());
  for (size_t i = 0; i < chunks.size(); ++i) BOOST_REQUIRE(loaded.refs[i] == chunks[i].first);
  check(*loaded.files);
  // What is there is never written to again.
  BOOST_TEST(ChunkFileOf(*loaded.files->Append(Chunk(1, 1, "x"))) == names->size() + 1);
  for (const uint64_t ref : {ChunkRef(0, 8), ChunkRef(1, 0), ChunkRef(1, 7), ChunkRef(1, 9),
                             ChunkRef(1, 6000), ChunkRef(99, 8)})
    BOOST_TEST((loaded.files->Read(ref).status().code() == Code::kCorrupt), ref);
}

BOOST_AUTO_TEST_CASE(old_files_go_and_pinned_chunks_stay) {
  MemFs fs;
  auto loaded = MustOpen(fs, 1000);
  std::vector<uint64_t> refs;
  const std::string data = Noise(300, 1);
  for (size_t i = 0; i < 10; ++i)
    refs.push_back(*loaded.files->Append(Chunk(1, static_cast<int64_t>(i) * 10, data)));
  BOOST_REQUIRE(loaded.files->Flush().ok());
  BOOST_TEST(fs.List(kDir)->size() == 5u);
  const auto pinned = loaded.files->Read(refs[0]);
  // Files hold times 0-19, 20-39, ...; the third has one that is not older.
  BOOST_REQUIRE(loaded.files->RemoveBefore(49).ok());
  BOOST_TEST(*fs.List(kDir) == (std::vector<std::string>{"000003", "000004", "000005"}),
             boost::test_tools::per_element());
  BOOST_TEST(pinned->chunk.data == data);
  BOOST_TEST(!loaded.files->Read(refs[0]).ok());
  BOOST_TEST(loaded.files->Read(refs[4]).ok());
  // The file that was being written has ended, so that it can go.
  BOOST_REQUIRE(loaded.files->RemoveBefore(100).ok());
  BOOST_TEST(fs.List(kDir)->empty());
  BOOST_TEST(*loaded.files->Append(Chunk(1, 200, data)) == ChunkRef(1, 8));
}

BOOST_AUTO_TEST_CASE(a_torn_tail_is_told_from_corruption) {
  MemFs fs;
  {
    auto loaded = MustOpen(fs, 1000);
    for (size_t i = 0; i < 5; ++i)
      BOOST_REQUIRE(loaded.files->Append(Chunk(i + 1, 0, Noise(300, i))).ok());
    BOOST_REQUIRE(loaded.files->Flush().ok());
  }
  const std::string first = *fs.ReadFile("/chunks_head/000001");
  const std::string last = *fs.ReadFile("/chunks_head/000003");
  const auto set = [&](const char* path, const std::string& bytes) {
    fs.Corrupt(path, [&](std::string& file) { file = bytes; });
  };
  const auto open = [&](size_t chunks, size_t faults) {
    Loaded loaded = MustOpen(fs, 1000);
    BOOST_TEST(loaded.refs.size() == chunks);
    BOOST_REQUIRE(loaded.files->fault().has_value() == (faults > 0));
    return loaded;
  };
  // Cut anywhere, or with zeros where something should have been written. (The first seven bytes of
  // a chunk are zeros themselves.)
  for (size_t size = 16; size < last.size(); size += 7) {
    for (const size_t zeros : {0u, 5000u}) {
      set("/chunks_head/000003", last.substr(0, size) + std::string(zeros, '\0'));
      const Loaded loaded = open(4, 1);
      const HeadChunkFault fault = *loaded.files->fault();
      BOOST_TEST(fault.torn);
      BOOST_TEST(fault.path == "/chunks_head/000003");
      BOOST_TEST(fault.offset == 8u);
      BOOST_TEST(fault.lost_bytes == size + zeros - 8);
      BOOST_REQUIRE(loaded.files->Repair().ok());
      open(4, 0);
    }
  }
  // Reserved space, or a file that was created and no more: no fault at all.
  set("/chunks_head/000003", last + std::string(100, '\0'));
  open(5, 0);
  set("/chunks_head/000003", std::string(100, '\0'));
  open(4, 0);
  BOOST_TEST(fs.List(kDir)->size() == 2u);
  // In a file that was ended it is corruption, and later files go with what was lost.
  const std::string second = *fs.ReadFile("/chunks_head/000002");
  std::string flipped = first;
  flipped[first.size() - 100] ^= 1;
  set("/chunks_head/000001", flipped);
  {
    const Loaded loaded = open(1, 1);
    const HeadChunkFault fault = *loaded.files->fault();
    BOOST_TEST(!fault.torn);
    BOOST_TEST(fault.reason == "unexpected checksum");
    BOOST_TEST(fault.offset == 8 + (first.size() - 8) / 2);
    BOOST_REQUIRE(loaded.files->Repair().ok());
  }
  open(1, 0);
  BOOST_TEST(fs.List(kDir)->size() == 1u);
  BOOST_REQUIRE(fs.ReplaceFile("/chunks_head/000001", "no head chunks").ok());
  BOOST_REQUIRE(fs.ReplaceFile("/chunks_head/000002", second).ok());
  {
    const Loaded loaded = open(0, 1);
    BOOST_TEST(loaded.files->fault()->reason == "this is no head chunk file");
    BOOST_REQUIRE(loaded.files->Repair().ok());
  }
  BOOST_TEST(fs.List(kDir)->empty());
  {
    const Loaded loaded = open(0, 0);
    BOOST_TEST(*loaded.files->Append(Chunk(1, 0, Noise(300, 1))) == ChunkRef(1, 8));
    BOOST_REQUIRE(loaded.files->Flush().ok());
  }
  open(1, 0);
}

BOOST_AUTO_TEST_CASE(a_full_disk_loses_nothing_that_was_stored) {
  MemFs fs;
  auto loaded = MustOpen(fs);
  const std::string data = Noise(300'000, 1);
  std::vector<uint64_t> refs;
  fs.SetCapacity(1'500'000);
  for (int i = 0; i < 20; ++i) {
    const auto ref = loaded.files->Append(Chunk(1, 10 * i, data));
    if (ref.ok()) refs.push_back(*ref);
  }
  BOOST_TEST(refs.size() >= 4u);
  BOOST_TEST(refs.size() < 10u);
  fs.SetCapacity(std::nullopt);
  BOOST_REQUIRE(loaded.files->Append(Chunk(1, 1000, data)).ok());
  BOOST_REQUIRE(loaded.files->Flush().ok());
  for (const uint64_t ref : refs) BOOST_TEST((*loaded.files->Read(ref)).chunk.data == data);
  const Loaded again = MustOpen(fs);
  BOOST_TEST(!again.files->fault().has_value());
  BOOST_TEST(again.refs.size() == refs.size() + 1);
}

}  // namespace
}  // namespace canopy::tsdb
