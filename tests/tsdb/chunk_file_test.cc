#include "tsdb/chunk_file.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "canopy/chunk/xor.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/hex.h"
#include "tests/tsdb/wal_support.h"

namespace canopy::tsdb {
namespace {

using testing::MemFs;

BOOST_AUTO_TEST_CASE(a_segment_has_the_documented_bytes) {
  MemFs fs;
  const auto writer = ChunkWriter::Create(fs, "/chunks");
  BOOST_TEST(*(*writer)->Append(ChunkEncoding::kXor, "abc") == 8u);
  BOOST_TEST(*(*writer)->Append(ChunkEncoding::kHistogram, "") == 17u);
  BOOST_REQUIRE((*writer)->Finish().ok());
  std::string want = FromHex("85bd40dd 01 000000 03 01 616263");
  base::PutBe32(want, base::Crc32c("\1abc"));
  want += FromHex("00 02");
  base::PutBe32(want, base::Crc32c("\2"));
  BOOST_TEST(Hex(*fs.ReadFile("/chunks/000001")) == Hex(want));
}

BOOST_AUTO_TEST_CASE(chunks_come_back_from_several_files) {
  MemFs fs;
  const auto writer = ChunkWriter::Create(fs, "/chunks", 1000);
  std::vector<std::pair<uint64_t, std::string>> chunks;
  // One is larger than a file may be: it gets one of its own.
  for (const size_t size : {0u, 300u, 300u, 300u, 2000u, 10u, 0u}) {
    const std::string data = Noise(size, chunks.size());
    chunks.emplace_back(*(*writer)->Append(ChunkEncoding::kXor, data), data);
  }
  BOOST_REQUIRE((*writer)->Finish().ok());
  BOOST_TEST(*fs.List("/chunks") == (std::vector<std::string>{"000001", "000002", "000003"}),
             boost::test_tools::per_element());
  const auto reader = ChunkReader::Open(fs, "/chunks");
  BOOST_REQUIRE(reader.ok());
  uint64_t before = 0;
  for (const auto& [ref, data] : chunks) {
    const auto chunk = (*reader)->Read(ref);
    BOOST_REQUIRE_MESSAGE(chunk.ok(), chunk.status().message());
    BOOST_TEST(chunk->data == data);
    BOOST_TEST((chunk->encoding == ChunkEncoding::kXor));
    BOOST_TEST(ref > before);
    before = ref;
  }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_segment_is_said) {
  MemFs fs;
  const auto writer = ChunkWriter::Create(fs, "/chunks");
  const uint64_t ref = *(*writer)->Append(ChunkEncoding::kXor, "some data");
  BOOST_REQUIRE((*writer)->Finish().ok());
  const std::string good = *fs.ReadFile("/chunks/000001");
  const auto complaint = [&](const std::string& bytes, uint64_t at) {
    fs.Corrupt("/chunks/000001", [&](std::string& file) { file = bytes; });
    const auto reader = ChunkReader::Open(fs, "/chunks");
    if (!reader.ok()) return reader.status().message();
    return (*reader)->Read(at).status().message();
  };
  BOOST_TEST(complaint(good, ref) == "");
  BOOST_TEST(complaint("", ref) == "/chunks/000001: chunk segment is too short for a header");
  BOOST_TEST(complaint("12345678", ref) == "/chunks/000001: this is no chunk segment");
  std::string version = good;
  version[4] = 2;
  BOOST_TEST(complaint(version, ref) == "/chunks/000001: chunk segment version 2");
  BOOST_TEST(complaint(good, 7) == "/chunks/000001: offset 7: no chunk can begin there");
  BOOST_TEST(complaint(good, good.size()) == "/chunks/000001: offset 23: no chunk can begin there");
  BOOST_TEST(complaint(good, ChunkRef(1, 8)) == "/chunks: chunk segment 000002 does not exist");
  for (size_t size = 8; size < good.size(); ++size)
    BOOST_TEST(complaint(good.substr(0, size), ref) != "");
  for (size_t bit = ref * 8; bit < good.size() * 8; ++bit) {
    std::string flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    BOOST_TEST(complaint(flipped, ref) != "", "bit " << bit);
  }
  (void)fs.Rename("/chunks/000001", "/chunks/000002");
  BOOST_TEST(ChunkReader::Open(fs, "/chunks").status().message() ==
             "/chunks: chunk segment 000001 is missing");
}

BOOST_AUTO_TEST_CASE(only_float_chunks_are_decoded) {
  chunk::XorEncoder encoder;
  for (int i = 0; i < 3; ++i) encoder.Append(100 + i, i / 2.0);
  std::vector<int64_t> times = {1};
  std::vector<double> values = {1};
  BOOST_REQUIRE(DecodeFloatChunk(ChunkEncoding::kXor, encoder.bytes(), times, values).ok());
  BOOST_TEST((times == std::vector<int64_t>{1, 100, 101, 102}));
  BOOST_TEST((values == std::vector<double>{1, 0, 0.5, 1}));
  BOOST_TEST(ChunkSampleCount(ChunkEncoding::kXor, encoder.bytes()) == 3u);
  BOOST_TEST(ChunkSampleCount(ChunkEncoding::kHistogramSt, "\xc0\x05") == 5u);
  const auto refusal = [&](int encoding, std::string_view data) {
    const Status status =
        DecodeFloatChunk(static_cast<ChunkEncoding>(encoding), data, times, values);
    BOOST_TEST(times.size() == 4u);
    BOOST_TEST(values.size() == 4u);
    return std::string(CodeName(status.code())) + ": " + status.message();
  };
  BOOST_TEST(refusal(2, "") == "unsupported: chunks of encoding histogram");
  BOOST_TEST(refusal(4, "") == "unsupported: chunks of encoding XOR2");
  BOOST_TEST(refusal(9, "") == "corrupt: encoding 9");
  encoder.Append(102, 0);
  BOOST_TEST(refusal(1, encoder.bytes()) == "corrupt: times of a chunk do not ascend");
}

}  // namespace
}  // namespace canopy::tsdb
