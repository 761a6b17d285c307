#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "canopy/tsdb/db.h"
#include "canopy/tsdb/verify_dir.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/block_support.h"

// The power fails after each write, sync, rename and removal of what the store does by itself:
// whatever had become durable before must be there afterwards, once, and the directory be whole.

namespace canopy::tsdb {
namespace {

using testing::MemFs;

class Store {
 public:
  Store() : content_(RandomSamples(30, 120, 1'200'000, 1)) {}

  void Open() {
    auto db = Db::Open(fs_, clock_, metrics_,
                       {.dir = "/data",
                        .block_range = std::chrono::minutes(5),
                        .max_block_range = std::chrono::minutes(15),
                        .retention_time = Duration(0),
                        .out_of_order_window = std::chrono::minutes(20),
                        .wal_segment_bytes = 32 << 10,
                        .maintenance_interval = Duration(0)});
    BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
    db_ = std::move(*db);
  }
  // Scrapes from `first` on, all durable when it returns.
  void Append(size_t first, size_t end) {
    for (size_t i = first; i < end; ++i) AppendScrape(i);
    Close();
    Open();
    appended_ = end;
  }
  // The same, but that every third scrape comes when the others are there already.
  void AppendShuffled(size_t first, size_t end) {
    for (const size_t late : {0u, 1u}) {
      for (size_t i = first; i < end; ++i)
        if ((i % 3 == 1) == (late == 1)) AppendScrape(i);
    }
    Close();
    Open();
    appended_ = end;
  }
  void Close() { db_.reset(); }
  Db& db() { return *db_; }
  MemFs& fs() { return fs_; }

  void ShowsAll() {
    const auto querier = db_->NewQuerier(Timestamp::Min(), Timestamp::Max());
    BOOST_REQUIRE(querier.ok());
    const auto set = (*querier)->Select({}, {});
    BOOST_REQUIRE_MESSAGE(set.ok(), set.status().message());
    SampleMap want = content_;
    for (auto& [labels, column] : want) column.resize(appended_);
    BOOST_REQUIRE(SameSamples(SamplesOf(**set), want));
  }
  void IsWhole() {
    VerifyDirOptions options;
    options.part = [](const VerifiedPart& part) {
      for (const std::string& fault : part.faults) BOOST_ERROR(fault);
    };
    const auto faults = VerifyDir(fs_, "/data", options);
    BOOST_REQUIRE_MESSAGE(faults.ok(), faults.status().message());
    BOOST_REQUIRE(*faults == 0u);
  }

 private:
  void AppendScrape(size_t i) {
    storage::Batch batch;
    for (const auto& [labels, column] : content_)
      batch.new_samples.push_back({labels, Timestamp::FromMs(column[i].first), column[i].second});
    const auto report = db_->Append(batch);
    BOOST_REQUIRE(report.ok());
    BOOST_REQUIRE(report->rejected.empty());
  }

  const SampleMap content_;
  size_t appended_ = 0;
  MemFs fs_;
  testing::ManualClock clock_;
  SelfMetrics metrics_;
  std::unique_ptr<Db> db_;
};

// Returns the number of calls that `act` made.
size_t CutAfter(size_t calls, const std::function<void(Store&)>& prepare,
                const std::function<void(Store&)>& act) {
  Store store;
  store.Open();
  prepare(store);
  size_t seen = 0;
  store.fs().SetFault([&](std::string_view) {
    return seen++ >= calls ? Status::Io("the power is gone") : Status();
  });
  act(store);
  store.Close();
  store.fs().SetFault(nullptr);
  // Every other time the disk has written by itself what nobody synced.
  const bool keeps = calls % 2 == 1;
  store.fs().Crash([&](const std::string&, size_t unsynced) { return keeps ? unsynced : 0; });
  store.IsWhole();
  store.Open();
  store.ShowsAll();
  BOOST_REQUIRE(store.db().Compact().ok());
  store.ShowsAll();
  store.Close();
  store.IsWhole();
  return seen;
}

void AfterEachCall(const std::function<void(Store&)>& prepare,
                   const std::function<void(Store&)>& act) {
  const size_t all = CutAfter(SIZE_MAX, prepare, act);
  BOOST_REQUIRE(all > 20);
  for (size_t calls = 0; calls < all; ++calls)
    BOOST_TEST_CONTEXT("after " << calls << " of " << all) { CutAfter(calls, prepare, act); }
}

BOOST_AUTO_TEST_CASE(a_power_cut_while_the_head_becomes_a_block_and_the_log_is_cut) {
  AfterEachCall([](Store& store) { store.Append(0, 45); },
                [](Store& store) { (void)store.db().Compact(); });
}

BOOST_AUTO_TEST_CASE(a_power_cut_while_blocks_are_joined) {
  AfterEachCall(
      [](Store& store) {
        store.Append(0, 45);
        BOOST_REQUIRE(store.db().Compact().ok());
        store.Append(45, 115);
      },
      [](Store& store) { (void)store.db().Compact(); });
}

BOOST_AUTO_TEST_CASE(a_power_cut_while_out_of_order_samples_become_blocks) {
  AfterEachCall([](Store& store) { store.AppendShuffled(0, 45); },
                [](Store& store) { (void)store.db().Compact(); });
}

}  // namespace
}  // namespace canopy::tsdb
