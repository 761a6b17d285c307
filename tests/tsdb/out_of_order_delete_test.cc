#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "canopy/model/matcher.h"
#include "canopy/tsdb/read_only_db.h"
#include "tests/tsdb/out_of_order_support.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

// Deletions, and samples that come out of order before and after them.

namespace canopy::tsdb {
namespace {

void WriteLog(Fs& fs, const std::string& dir, const std::vector<std::string>& records) {
  const auto log = WalWriter::Open(fs, dir, {.segment_bytes = 32 << 10});
  BOOST_REQUIRE(log.ok());
  BOOST_REQUIRE((*log)->Append(Views(records)).ok());
  BOOST_REQUIRE((*log)->Close().ok());
}
std::string SamplesRecord(SeriesRef ref, const std::vector<std::pair<double, double>>& samples) {
  std::string record;
  SamplesEncoder encoder(record);
  for (const auto& [minutes, value] : samples) encoder.Add(ref, At(minutes), value);
  encoder.Finish();
  return record;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(out_of_order_deletions)

BOOST_AUTO_TEST_CASE(in_the_place_of_what_was_deleted_other_samples_may_come) {
  Disk disk;
  for (int i = 0; i <= 6; ++i) (void)One(*disk.db, "a", 100 + i, i);
  for (int i = 0; i < 5; ++i) (void)One(*disk.db, "a", 95.5 + i, i);
  (void)One(*disk.db, "b", 106, 1);
  (void)One(*disk.db, "b", 98, 2);
  const auto a = model::Matcher::Literal(model::MatchType::kEqual, "__name__", "a");
  BOOST_REQUIRE(disk.db->Delete({&a, 1}, At(97), At(103)).ok());
  const Content deleted = {{"a", "95.5:0 96.5:1 104:4 105:5 106:6"}, {"b", "98:2 106:1"}};
  BOOST_TEST((Read(*disk.db) == deleted));
  disk.Restart();
  BOOST_TEST((Read(*disk.db) == deleted));
  // Of one that came in order, of one that did not, and where there was none.
  BOOST_TEST((One(*disk.db, "a", 101, 51) == AppendResult::kStored));
  BOOST_TEST((One(*disk.db, "a", 101, 52) == AppendResult::kDuplicate));
  BOOST_TEST((One(*disk.db, "a", 98.5, 53) == AppendResult::kStored));
  BOOST_TEST((One(*disk.db, "a", 99.9, 54) == AppendResult::kStored));
  const Content again = {{"a", "95.5:0 96.5:1 98.5:53 99.9:54 101:51 104:4 105:5 106:6"},
                         {"b", "98:2 106:1"}};
  BOOST_TEST((Read(*disk.db) == again));
  disk.Restart();
  BOOST_TEST((Read(*disk.db) == again));
  const auto outside = ReadOnlyDb::Open(disk.fs, "/data", {});
  BOOST_REQUIRE(outside.ok());
  BOOST_TEST((Read(**outside) == again));
  disk.clock.Advance(std::chrono::seconds(1));
  BOOST_TEST(disk.db->CleanTombstones().ok());
  BOOST_TEST((Read(*disk.db) == again));
  (void)One(*disk.db, "later", 120, 1);
  disk.Compact();
  Content after = Read(*disk.db);
  BOOST_TEST(after.erase("later") == 1u);
  BOOST_TEST((after == again));
  disk.IsWhole();
}

// Prometheus hides what it has deleted, and does not say in which of its logs that is.
BOOST_AUTO_TEST_CASE(what_prometheus_has_deleted_does_not_come_back) {
  Disk disk;
  disk.db.reset();
  BOOST_REQUIRE(disk.fs.RemoveAll("/data").ok());
  std::string series;
  SeriesEncoder(series).Add(SeriesRef(7), Named("a"));
  std::string deleted;
  const RefTombstone row{SeriesRef(7), At(97), At(103)};
  EncodeTombstones({&row, 1}, deleted);
  WriteLog(disk.fs, "/data/wal",
           {series, SamplesRecord(SeriesRef(7), {{96, 1}, {100, 2}, {105, 3}}), deleted});
  WriteLog(
      disk.fs, "/data/wbl",
      {SamplesRecord(SeriesRef(7), {{95, 4}, {96.5, 5}, {97, 6}, {99, 7}, {103, 8}, {104, 9}})});
  disk.db = disk.Open();
  const Content taken = {{"a", "95:4 96:1 96.5:5 104:9 105:3"}};
  BOOST_TEST((Read(*disk.db) == taken));
  // What comes from now on is not deleted, and neither is it after a restart.
  BOOST_TEST((One(*disk.db, "a", 99, 10) == AppendResult::kStored));
  BOOST_TEST((One(*disk.db, "a", 101, 11) == AppendResult::kStored));
  const Content more = {{"a", "95:4 96:1 96.5:5 99:10 101:11 104:9 105:3"}};
  for (int life = 0; life < 3; ++life) {
    BOOST_TEST((Read(*disk.db) == more));
    const auto outside = ReadOnlyDb::Open(disk.fs, "/data", {});
    BOOST_REQUIRE(outside.ok());
    BOOST_TEST((Read(**outside) == more));
    disk.Restart();
  }
  // Nor when the log has been cut since.
  (void)One(*disk.db, "later", 118, 1);
  disk.Compact();
  BOOST_TEST((One(*disk.db, "a", 102, 12) == AppendResult::kStored));
  const Content last = {{"a", "95:4 96:1 96.5:5 99:10 101:11 102:12 104:9 105:3"},
                        {"later", "118:1"}};
  BOOST_TEST((Read(*disk.db) == last));
  disk.Restart();
  BOOST_TEST((Read(*disk.db) == last));
  disk.IsWhole();
}

BOOST_AUTO_TEST_CASE(a_deletion_does_not_log_what_the_append_before_it_has_logged) {
  Disk disk;
  for (int i = 0; i <= 6; ++i) (void)One(*disk.db, "a", 100 + i, i);
  BOOST_TEST((One(*disk.db, "a", 98, 7) == AppendResult::kStored));
  const auto a = model::Matcher::Literal(model::MatchType::kEqual, "__name__", "a");
  BOOST_REQUIRE(disk.db->Delete({&a, 1}, At(97), At(103)).ok());
  const Content deleted = {{"a", "104:4 105:5 106:6"}};
  BOOST_TEST((Read(*disk.db) == deleted));
  disk.Restart();
  BOOST_TEST((Read(*disk.db) == deleted));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace canopy::tsdb
