#include "tsdb/chunk_file.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "canopy/chunk/histogram.h"
#include "canopy/chunk/xor.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/model/sample.h"
#include "tests/support/hex.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/wal_support.h"

namespace canopy::tsdb {
namespace {

using testing::FromHex;
using testing::Hex;
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

BOOST_AUTO_TEST_CASE(chunks_that_we_know_are_decoded) {
  chunk::XorEncoder encoder;
  for (int i = 0; i < 3; ++i) encoder.Append(100 + i, i / 2.0);
  storage::ColumnBuffer out;
  out.times = {1};
  out.values = {1};
  BOOST_REQUIRE(DecodeChunk(ChunkEncoding::kXor, encoder.bytes(), out).ok());
  BOOST_TEST((out.times == std::vector<int64_t>{1, 100, 101, 102}));
  BOOST_TEST((out.values == std::vector<double>{1, 0, 0.5, 1}));
  BOOST_TEST(out.histograms.empty());
  BOOST_TEST(ChunkSampleCount(ChunkEncoding::kXor, encoder.bytes()) == 3u);
  BOOST_TEST(ChunkSampleCount(ChunkEncoding::kXor2, encoder.bytes()) == 3u);
  BOOST_TEST(ChunkSampleCount(ChunkEncoding::kHistogram, "\xc0\x05\x01") == 0xc005u);
  BOOST_TEST(ChunkSampleCount(ChunkEncoding::kHistogramSt, "\xc0\x05\x01") == 5u);
  const auto refusal = [&](int encoding, std::string_view data) {
    const Status status = DecodeChunk(static_cast<ChunkEncoding>(encoding), data, out);
    BOOST_TEST(out.times.size() == 4u);
    BOOST_TEST(out.values.size() == 4u);
    BOOST_TEST(out.histograms.empty());
    return std::string(CodeName(status.code())) + ": " + status.message();
  };
  BOOST_TEST(refusal(2, "") == "corrupt: histogram chunk without a header");
  BOOST_TEST(refusal(3, std::string_view("\0\1\0", 3)) ==
             "corrupt: histogram chunk ends too early");
  BOOST_TEST(refusal(0, "") == "corrupt: none");
  BOOST_TEST(refusal(4, "") == "corrupt: XOR2 chunk without a header");
  BOOST_TEST(refusal(5, "") == "corrupt: histogram chunk without a header");
  BOOST_TEST(refusal(9, "") == "corrupt: encoding 9");
  encoder.Append(102, 0);
  BOOST_TEST(refusal(1, encoder.bytes()) == "corrupt: times of a chunk do not ascend");
}

BOOST_AUTO_TEST_CASE(floats_and_histograms_share_columns) {
  model::Histogram h;
  h.count = 3;
  h.sum = 4.5;
  h.positive = {{{2, 1}}, {3}};
  chunk::IntHistogramEncoder integers;
  (void)integers.Append(200, h);
  h.sum = model::StaleNan();
  (void)integers.Append(210, h);
  model::FloatHistogram f;
  f.count = 0.5;
  f.positive = {{{2, 1}}, {0.5}};
  chunk::FloatHistogramEncoder floats;
  (void)floats.Append(400, f);
  chunk::XorEncoder values;
  values.Append(300, 7);
  storage::ColumnBuffer out;
  out.times = {100};
  out.values = {1};
  BOOST_REQUIRE(DecodeChunk(ChunkEncoding::kHistogram, integers.bytes(), out).ok());
  BOOST_REQUIRE(DecodeChunk(ChunkEncoding::kXor, values.bytes(), out).ok());
  BOOST_REQUIRE(DecodeChunk(ChunkEncoding::kFloatHistogram, floats.bytes(), out).ok());
  BOOST_TEST((out.times == std::vector<int64_t>{100, 200, 210, 300, 400}));
  BOOST_REQUIRE_EQUAL(out.histograms.size(), 5u);
  std::string shown;
  for (size_t i = 0; i < 5; ++i) {
    shown += out.histograms[i]               ? model::ToString(*out.histograms[i])
             : model::IsStale(out.values[i]) ? "stale"
                                             : std::to_string(out.values[i]);
    shown += " ";
  }
  BOOST_TEST(shown ==
             "1.000000 {count:3, sum:4.5, (2,4]:3} stale 7.000000 {count:0.5, sum:0, (2,4]:0.5} ");
  // Counts that cannot be are found, whatever the sums of the file say.
  f.positive.buckets = {-1};
  floats.Begin(500, f, model::CounterResetHint::kUnknown);
  BOOST_TEST(
      (DecodeChunk(ChunkEncoding::kFloatHistogram, floats.bytes(), out).code() == Code::kCorrupt));
  BOOST_TEST(out.histograms.size() == 5u);
}

BOOST_AUTO_TEST_CASE(starts_share_columns_with_samples_that_have_none) {
  chunk::XorEncoder none;
  none.Append(200, 1);
  chunk::Xor2Encoder known;
  known.Append(300, 2, 250);
  known.Append(310, 3, 250);
  chunk::Xor2Encoder unordered;
  unordered.Append(400, 4, 250);
  unordered.Append(390, 5, 250);
  storage::ColumnBuffer out;
  BOOST_TEST(!DecodeChunk(ChunkEncoding::kXor2, unordered.bytes(), out).ok());
  BOOST_TEST(out.start_times.empty());
  BOOST_TEST(DecodeChunk(ChunkEncoding::kXor, none.bytes(), out).ok());
  BOOST_TEST(out.start_times.empty());
  BOOST_TEST(DecodeChunk(ChunkEncoding::kXor2, known.bytes(), out).ok());
  none.Clear();
  none.Append(320, 1);
  BOOST_TEST(DecodeChunk(ChunkEncoding::kXor, none.bytes(), out).ok());
  const std::vector<int64_t> want = {0, 250, 250, 0};
  BOOST_TEST((out.start_times == want));
  BOOST_TEST(!DecodeChunk(ChunkEncoding::kXor2, unordered.bytes(), out).ok());
  BOOST_TEST((out.start_times == want));
}

}  // namespace
}  // namespace canopy::tsdb
