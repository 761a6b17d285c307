#include <boost/test/unit_test.hpp>

#include "tests/tsdb/delete_support.h"
#include "tsdb/block_meta.h"
#include "tsdb/block_writer.h"
#include "tsdb/head.h"

namespace canopy::tsdb {
namespace {

constexpr int64_t kMinute = 60'000;

std::vector<std::string> Snapshots(Fs& fs) { return *fs.List("/data/snapshots"); }

Contents ContentsOfDir(Fs& fs, const std::string& dir) {
  testing::ManualClock clock;
  SelfMetrics metrics;
  const auto db = Db::Open(fs, clock, metrics, DeletingStore::OptionsFor(dir));
  BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
  return ContentsOf(**db);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_snapshot_is_a_data_directory_that_stays_as_it_is) {
  DeletingStore store;
  store.clock().Set(Timestamp::FromMs(1'512'940'344'987));  // 2017-12-10 21:12:24
  store.Fill(7, 1500, 13 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  BOOST_REQUIRE(store.Delete("1|3|5", 2 * kMinute, 3 * kMinute).ok());
  BOOST_REQUIRE(store.Delete("[2-4]", 12 * kMinute, 12 * kMinute + 30'000).ok());
  const Contents then = store.want();
  const auto name = store.db().Snapshot(true);
  BOOST_REQUIRE_MESSAGE(name.ok(), name.status().message());
  BOOST_TEST(name->substr(0, 17) == "20171210T211224Z-");
  BOOST_TEST(name->size() == 33u);
  BOOST_TEST(name->find_first_not_of("0123456789abcdef", 17) == std::string::npos);
  BOOST_TEST(Snapshots(store.fs()) == std::vector<std::string>{*name},
             boost::test_tools::per_element());
  const std::string dir = "/data/snapshots/" + *name;
  for (const std::string& block : store.Blocks())
    BOOST_TEST(store.fs().IsDirectory(dir + "/" + block));

  // The head has become one more block, of all its time.
  std::vector<std::string> blocks = *store.fs().List(dir);
  std::erase_if(blocks,
                [&](const std::string& block) { return store.fs().IsDirectory("/data/" + block); });
  BOOST_REQUIRE(blocks.size() == 1u);
  const BlockMeta head = *ReadBlockMeta(store.fs(), dir + "/" + blocks[0]);
  BOOST_TEST(head.min_time.ms() == 10 * kMinute + 500);
  BOOST_TEST(head.max_time.ms() == 13 * kMinute - 500 + 1);
  BOOST_TEST(head.compaction.level == 1);
  BOOST_TEST((head.compaction.sources == std::vector<Ulid>{head.ulid}));

  // Whatever happens to the store.
  BOOST_REQUIRE(store.Delete(".*", 0, 12 * kMinute).ok());
  BOOST_REQUIRE(store.db().CleanTombstones().ok());
  store.Fill(7, 13 * kMinute, 30 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  store.Check();
  store.Reopen();
  store.Check();
  BOOST_TEST(Difference(ContentsOfDir(store.fs(), dir), then) == "");
}

BOOST_AUTO_TEST_CASE(a_snapshot_may_leave_out_the_head) {
  DeletingStore store;
  store.Fill(4, 0, 13 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  const auto name = store.db().Snapshot(false);
  BOOST_REQUIRE(name.ok());
  std::vector<std::string> blocks = store.Blocks();
  std::ranges::sort(blocks);
  BOOST_TEST(*store.fs().List("/data/snapshots/" + *name) == blocks,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_snapshot_of_nothing_is_empty) {
  DeletingStore store;
  const auto name = store.db().Snapshot(true);
  BOOST_REQUIRE(name.ok());
  BOOST_TEST(store.fs().List("/data/snapshots/" + *name)->empty());
}

BOOST_AUTO_TEST_CASE(a_snapshot_that_fails_is_not_there) {
  DeletingStore store;
  store.Fill(4, 0, 13 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  store.fs().SetFault([](std::string_view call) {
    return call.starts_with("link") && call.ends_with("index") ? Status::Io("no more links")
                                                               : Status();
  });
  const auto name = store.db().Snapshot(true);
  BOOST_TEST(!name.ok());
  BOOST_TEST(name.status().message().find("no more links") != std::string::npos);
  BOOST_TEST(Snapshots(store.fs()).empty());
  store.fs().SetFault(nullptr);
  // What a process that died has left goes with the next.
  BOOST_REQUIRE(store.fs().MakeDirs("/data/snapshots/x.tmp-for-creation").ok());
  BOOST_TEST(store.db().Snapshot(true).ok());
  BOOST_TEST(Snapshots(store.fs()).size() == 1u);
}

BOOST_AUTO_TEST_CASE(samples_that_come_while_the_head_is_written_do_not_spoil_it) {
  testing::MemFs fs;
  SelfMetrics metrics;
  Head head(metrics, {.span = std::chrono::hours(3), .block_range = std::chrono::hours(2)});
  const auto append = [&](unsigned series, int64_t t) {
    storage::Batch batch;
    for (unsigned n = 0; n < series; ++n) {
      if (IsHistogram(n))
        batch.new_histograms.push_back({SeriesOf(n), Timestamp::FromMs(t), HistogramOf(n, t)});
      else
        batch.new_samples.push_back({SeriesOf(n), Timestamp::FromMs(t), double(t)});
    }
    BOOST_REQUIRE(head.Append(batch).ok());
  };
  for (int64_t t = 0; t < 150'000; t += 1000) append(5, t);
  const auto source = head.Source(Timestamp::FromMs(7000), Timestamp::FromMs(150'000), {});
  for (int64_t t = 150'000; t < 400'000; t += 1000) append(7, t);
  const BlockMeta meta =
      NewBlockMeta(Timestamp(), Timestamp::FromMs(7000), Timestamp::FromMs(150'000));
  const auto written = WriteBlock(fs, "/", meta, *source);
  BOOST_REQUIRE_MESSAGE(written.ok(), written.status().message());
  BOOST_TEST(written->stats.num_series == 5u);
  BOOST_TEST(written->stats.num_samples == 5u * 143);
  BOOST_TEST(written->stats.num_histogram_samples == 143u);
}

}  // namespace canopy::tsdb
