#include "tsdb/replay.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/support/mem_fs.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

namespace canopy::tsdb {
namespace {

std::string SeriesRecord(uint64_t ref) {
  std::string record;
  SeriesEncoder(record).Add(SeriesRef(ref), model::Labels{{"__name__", "m"}});
  return record;
}

std::string SamplesRecord(const std::vector<uint64_t>& refs, int64_t t) {
  std::string record;
  SamplesEncoder encoder(record);
  for (const uint64_t ref : refs) encoder.Add(SeriesRef(ref), Timestamp::FromMs(t), 1);
  encoder.Finish();
  return record;
}

void Write(Fs& fs, const std::vector<std::string>& records) {
  auto writer = WalWriter::Open(fs, "/wal", {});
  BOOST_REQUIRE(writer.ok());
  BOOST_REQUIRE((*writer)->Append(Views(records)).ok());
}

// A start: what it says of the log, and the times that the head then shows.
struct Start {
  explicit Start(Fs& fs) {
    const auto replayed = ReplayLog(fs, "/wal", head, exemplars, nullptr);
    BOOST_REQUIRE_MESSAGE(replayed.ok(), replayed.status().message());
    report = *replayed;
    const auto querier = head.NewQuerier(Timestamp::Min(), Timestamp::Max());
    const auto set = querier->Select({}, {});
    BOOST_REQUIRE(set.ok());
    BOOST_REQUIRE_EQUAL((*set)->size(), 1);
    storage::ColumnBuffer buffer;
    const auto columns = (*set)->Read(0, Timestamp::Min(), Timestamp::Max(), buffer);
    BOOST_REQUIRE(columns.ok());
    times.assign(columns->times.begin(), columns->times.end());
  }

  SelfMetrics metrics;
  Head head{metrics, {.span = std::chrono::hours(1000), .block_range = std::chrono::hours(2)}};
  ExemplarStore exemplars{metrics, 0};
  ReplayReport report;
  std::vector<int64_t> times;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(replay)

BOOST_AUTO_TEST_CASE(samples_without_series_are_counted) {
  testing::MemFs fs;
  Write(fs, {SeriesRecord(1), SamplesRecord({1, 9}, 1000), SamplesRecord({9}, 2000),
             SamplesRecord({1}, 3000)});
  const Start start(fs);
  BOOST_TEST(start.report.samples == 4U);
  BOOST_TEST(start.report.unknown_series == 2U);
  BOOST_TEST(start.report.corruptions == 0U);
  BOOST_TEST(start.times == (std::vector<int64_t>{1000, 3000}), boost::test_tools::per_element());
}

// Its checksum is right, its rows are not: of such a record nothing counts, not even the rows
// before, which the next start would not find in the log that was cut off.
BOOST_AUTO_TEST_CASE(a_record_that_makes_no_sense_cuts_the_log_off) {
  testing::MemFs fs;
  std::string torn = SamplesRecord({1, 1, 1}, 2000);
  torn.pop_back();
  Write(fs, {SeriesRecord(1), SamplesRecord({1}, 1000), torn, SamplesRecord({1}, 3000)});
  const std::vector<int64_t> want = {1000};
  {
    const Start start(fs);
    BOOST_TEST(start.report.corruptions == 1U);
    BOOST_TEST(start.report.lost_bytes > torn.size());
    BOOST_TEST(start.times == want, boost::test_tools::per_element());
  }
  const Start again(fs);
  BOOST_TEST(again.report.corruptions == 0U);
  BOOST_TEST(again.times == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace canopy::tsdb
