#include "tsdb/wal_checkpoint.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/mem_fs.h"
#include "tests/tsdb/wal_support.h"

namespace canopy::tsdb {
namespace {

using testing::MemFs;
using Names = std::vector<std::string>;

// Segments 0, 1, 2, ... of one batch each; the last one is empty, as that of a running log.
void WriteLog(Fs& fs, const std::vector<Names>& batches) {
  auto writer = WalWriter::Open(fs, "/wal", {});
  BOOST_REQUIRE(writer.ok());
  for (const Names& batch : batches) {
    BOOST_REQUIRE((*writer)->Append(Views(batch)).ok());
    BOOST_REQUIRE((*writer)->NextSegment().ok());
  }
  BOOST_REQUIRE((*writer)->Sync().ok());
}

// Drops what begins with 'x', and shortens what begins with 's' to that.
Status Filter(std::string_view record, std::string& kept) {
  if (record.starts_with('x')) return {};
  kept.append(record.starts_with('s') ? "s" : record);
  return {};
}

Status Checkpoint(Fs& fs, uint32_t segment) {
  return WriteCheckpoint(fs, "/wal", segment, {}, Filter);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_takes_the_place_of_its_segments) {
  MemFs fs;
  WriteLog(fs, {{"a", "xb", "sc"}, {"xd", "e"}, {"xf", "g"}});
  BOOST_TEST(Checkpoint(fs, 1).ok());
  BOOST_TEST(RemoveSegmentsBefore(fs, "/wal", 2).ok());
  BOOST_TEST(*fs.List("/wal") == (Names{"00000002", "00000003", "checkpoint.00000001"}),
             boost::test_tools::per_element());
  BOOST_TEST(ReadLog(fs).records == (Names{"a", "s", "e", "xf", "g"}),
             boost::test_tools::per_element());
  // The next one takes the place of both.
  BOOST_TEST(Checkpoint(fs, 2).ok());
  BOOST_TEST(RemoveCheckpointsBefore(fs, "/wal", 2).ok());
  BOOST_TEST(RemoveSegmentsBefore(fs, "/wal", 3).ok());
  BOOST_TEST(*fs.List("/wal") == (Names{"00000003", "checkpoint.00000002"}),
             boost::test_tools::per_element());
  BOOST_TEST(ReadLog(fs).records == (Names{"a", "s", "e", "g"}), boost::test_tools::per_element());
  BOOST_TEST((Checkpoint(fs, 2).code() == Code::kExists));
  fs.Crash();
  BOOST_TEST(ReadLog(fs).records == (Names{"a", "s", "e", "g"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_large_checkpoint_keeps_the_order) {
  MemFs fs;
  Names all;
  for (size_t i = 0; i < 3000; ++i) all.push_back("r" + Noise(1000, i));
  WriteLog(fs, {all});
  BOOST_REQUIRE(Checkpoint(fs, 0).ok());
  BOOST_REQUIRE(RemoveSegmentsBefore(fs, "/wal", 1).ok());
  BOOST_TEST((ReadLog(fs).records == all));
}

BOOST_AUTO_TEST_CASE(the_newest_checkpoint_is_found) {
  MemFs fs;
  BOOST_TEST(!LastCheckpoint(fs, "/wal")->has_value());
  for (const char* name : {"checkpoint.00000009", "checkpoint.00000010", "checkpoint.00000011.tmp",
                           "checkpoint.x", "checkpoint."})
    BOOST_REQUIRE(fs.MakeDirs(std::string("/wal/") + name).ok());
  BOOST_TEST((*LastCheckpoint(fs, "/wal"))->dir == "/wal/checkpoint.00000010");
  BOOST_TEST((*LastCheckpoint(fs, "/wal"))->segment == 10u);
  BOOST_TEST(ListCheckpoints(fs, "/wal")->size() == 2u);
  BOOST_TEST(RemoveTempCheckpoints(fs, "/wal").ok());
  BOOST_TEST(RemoveCheckpointsBefore(fs, "/wal", 10).ok());
  BOOST_TEST(*fs.List("/wal") == (Names{"checkpoint.", "checkpoint.00000010", "checkpoint.x"}),
             boost::test_tools::per_element());
}

// Power fails after each call of a truncation: the log reads the same, but for what was dropped.
BOOST_AUTO_TEST_CASE(a_truncation_may_be_interrupted) {
  const Names want = {"a", "s", "e", "g"};
  for (int steps = 0;; ++steps) {
    MemFs fs;
    WriteLog(fs, {{"a"}, {"sc"}});
    BOOST_REQUIRE(Checkpoint(fs, 0).ok());
    BOOST_REQUIRE(RemoveSegmentsBefore(fs, "/wal", 1).ok());
    WriteLog(fs, {{"xd", "e"}, {"g"}});
    int calls = 0;
    fs.SetFault(
        [&](std::string_view) { return calls++ >= steps ? Status::Io("power cut") : Status(); });
    const bool done = Checkpoint(fs, 3).ok() && RemoveSegmentsBefore(fs, "/wal", 4).ok() &&
                      RemoveCheckpointsBefore(fs, "/wal", 3).ok();
    fs.SetFault(nullptr);
    fs.Crash();
    BOOST_TEST_CONTEXT("after " << steps << " steps") {
      const Log log = ReadLog(fs);
      BOOST_TEST(log.fault == "");
      Names kept;
      for (const std::string& record : log.records)
        if (std::string out; Filter(record, out).ok() && !out.empty()) kept.push_back(out);
      BOOST_TEST(kept == want, boost::test_tools::per_element());
    }
    if (done) break;
  }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_a_corrupt_segment_fails_and_leaves_nothing) {
  MemFs fs;
  WriteLog(fs, {{"a", "b"}, {"c"}});
  fs.Corrupt("/wal/00000000", [](std::string& file) { file[7] ^= 1; });
  BOOST_TEST(Checkpoint(fs, 1).message() == "/wal/00000000: offset 0: unexpected checksum");
  BOOST_TEST(*fs.List("/wal") == (Names{"00000000", "00000001", "00000002"}),
             boost::test_tools::per_element());
}

// The log behind a corrupt checkpoint is not lost.
BOOST_AUTO_TEST_CASE(a_corrupt_checkpoint_is_repaired_by_itself) {
  MemFs fs;
  WriteLog(fs, {{"a", "b"}, {"c"}});
  BOOST_REQUIRE(Checkpoint(fs, 0).ok());
  BOOST_REQUIRE(RemoveSegmentsBefore(fs, "/wal", 1).ok());
  fs.Corrupt("/wal/checkpoint.00000000/00000000", [](std::string& file) { file[8 + 7] ^= 1; });
  auto reader = WalReader::OpenAll(fs, "/wal");
  BOOST_REQUIRE(reader.ok());
  BOOST_TEST(ReadOn(**reader).records == Names{"a"}, boost::test_tools::per_element());
  BOOST_REQUIRE((*reader)->corruption());
  BOOST_TEST((*reader)->corruption()->in_checkpoint);
  BOOST_TEST((*reader)->corruption()->lost_bytes == 8u);
  BOOST_TEST((*reader)->Repair().ok());
  BOOST_TEST(ReadOn(**reader).records == Names{"c"}, boost::test_tools::per_element());
  BOOST_TEST(ReadLog(fs).records == (Names{"a", "c"}), boost::test_tools::per_element());
}

}  // namespace
}  // namespace canopy::tsdb
