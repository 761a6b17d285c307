#include "tsdb/verify.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/mem_fs.h"
#include "tests/tsdb/block_support.h"
#include "tsdb/block.h"
#include "tsdb/tombstones.h"

namespace canopy::tsdb {
namespace {

using testing::MemFs;

constexpr int64_t kStart = 1'700'000'000'000;

std::string MustWrite(Fs& fs, const SampleMap& content) {
  MapSource source(content, 25);
  const auto meta = WriteBlock(fs, "/data", MetaFor(kStart, kStart + 7'200'000), source, {4000});
  BOOST_REQUIRE_MESSAGE(meta.ok(), meta.status().message());
  return "/data/" + meta->ulid.ToString();
}

std::string First(const VerifyReport& report) {
  BOOST_TEST(report.ok() == report.faults.empty());
  return report.faults.empty() ? "" : report.faults[0];
}

BOOST_AUTO_TEST_CASE(a_block_that_is_whole_has_no_faults) {
  MemFs fs;
  const std::string dir = MustWrite(fs, RandomSamples(50, 60, kStart, 1));
  uint64_t done = 0;
  uint64_t total = 0;
  VerifyOptions options;
  options.progress = [&](uint64_t d, uint64_t t) {
    done = d;
    total = t;
  };
  const VerifyReport report = VerifyBlock(fs, dir, options);
  BOOST_TEST(First(report) == "");
  BOOST_TEST((report.found == ReadBlockMeta(fs, dir)->stats));
  BOOST_TEST(done == 50u);
  BOOST_TEST(total == 50u);
}

// Every bit of every file means something, but for padding.
BOOST_AUTO_TEST_CASE(a_flipped_bit_anywhere_is_found) {
  MemFs fs;
  const std::string dir = MustWrite(fs, RandomSamples(6, 30, kStart, 2));
  const std::string index = dir + "/index";
  std::vector<std::string> files = {index, dir + "/tombstones"};
  const auto names = fs.List(dir + "/chunks");
  for (const std::string& name : *names) files.push_back(dir + "/chunks/" + name);
  for (const std::string& file : files) {
    const size_t size = *fs.Size(file);
    size_t missed = 0;
    for (size_t bit = 0; bit < size * 8; bit += 5) {
      const auto flip = [&](std::string& bytes) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      };
      fs.Corrupt(file, flip);
      const bool found = !VerifyBlock(fs, dir).ok();
      // Only between the sections of the index, and three bytes in the header of a segment.
      if (!found && file != index) BOOST_TEST((bit / 8 >= 5 && bit / 8 < 8), file << " " << bit);
      if (!found) ++missed;
      fs.Corrupt(file, flip);
    }
    BOOST_TEST(missed * 5 < size);
  }
  BOOST_TEST(VerifyBlock(fs, dir).ok());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_and_where_is_said) {
  MemFs fs;
  const std::string dir = MustWrite(fs, RandomSamples(4, 30, kStart, 3));
  BlockMeta meta = *ReadBlockMeta(fs, dir);
  const BlockMeta good = meta;
  const auto with_meta = [&] {
    BOOST_REQUIRE(WriteBlockMeta(fs, dir, meta).ok());
    const VerifyReport report = VerifyBlock(fs, dir);
    meta = good;
    BOOST_REQUIRE(WriteBlockMeta(fs, dir, meta).ok());
    return First(report);
  };
  const std::string path = dir + "/meta.json: ";
  meta.stats.num_samples = 7;
  BOOST_TEST(with_meta() == path + "numSamples is 7, but there are 120");
  meta.ulid = Ulid::New(Timestamp::FromMs(1));
  const std::string other = meta.ulid.ToString();
  BOOST_TEST(with_meta() == path + "ulid " + other + " is not the name of the directory");
  meta.max_time = Timestamp::FromMs(kStart + 400'000);
  BOOST_TEST(with_meta().find("lies outside of the times of the block") != std::string::npos);
  BOOST_TEST(with_meta() == "");
}

BOOST_AUTO_TEST_CASE(references_that_lead_nowhere_are_found) {
  MemFs fs;
  const std::string dir = MustWrite(fs, RandomSamples(4, 30, kStart, 4));
  Tombstones tombstones;
  tombstones.Add(1, {1, 2});
  BOOST_REQUIRE(WriteTombstones(fs, dir, tombstones).ok());
  BOOST_TEST(First(VerifyBlock(fs, dir)) ==
             dir + "/tombstones: names series 1, which does not exist");
  BOOST_REQUIRE(WriteTombstones(fs, dir, {}).ok());
  // An index that is right in itself, of chunks that are not there.
  BOOST_REQUIRE(fs.Remove(dir + "/chunks/000001").ok());
  BOOST_TEST(First(VerifyBlock(fs, dir))
                 .ends_with(": " + dir + "/chunks: chunk segment 000001 does not exist"));
  BOOST_REQUIRE(fs.RemoveAll(dir).ok());
  BOOST_TEST(VerifyBlock(fs, dir).fault_count == 3u);
}

}  // namespace
}  // namespace canopy::tsdb
