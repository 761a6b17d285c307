#include <atomic>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <future>
#include <memory>
#include <random>

#include "canopy/tsdb/verify_dir.h"
#include "tests/tsdb/delete_support.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/block_meta.h"
#include "tsdb/tombstones.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

namespace canopy::tsdb {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kForever = INT64_MAX;

std::vector<RefTombstone> TombstonesInLog(Fs& fs) {
  std::vector<RefTombstone> out;
  for (const std::string& record : ReadLog(fs, "/data/wal").records)
    if (TypeOfRecord(record) == RecordType::kTombstones)
      BOOST_REQUIRE(
          DecodeTombstones(record, [&](const RefTombstone& row) { out.push_back(row); }).ok());
  return out;
}

BlockMeta MetaOf(Fs& fs, const std::string& block) { return *ReadBlockMeta(fs, "/data/" + block); }

void IsWhole(Fs& fs, const std::string& dir) {
  VerifyDirOptions options;
  options.part = [](const VerifiedPart& part) {
    for (const std::string& fault : part.faults) BOOST_ERROR(fault);
  };
  const auto faults = VerifyDir(fs, dir, options);
  BOOST_REQUIRE_MESSAGE(faults.ok(), faults.status().message());
  BOOST_REQUIRE(*faults == 0u);
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_deleted_from_the_head_is_not_shown_and_what_comes_later_is) {
  DeletingStore store;
  store.Fill(6, 0, 4 * kMinute, 1000);
  BOOST_REQUIRE(store.Delete("[1-4]", 30'500, 90'000).ok());
  store.Check();
  BOOST_REQUIRE(store.Delete("2|3", 80'000, kForever).ok());
  store.Check();
  // Nothing is left of these.
  BOOST_REQUIRE(store.Delete("5", INT64_MIN, kForever).ok());
  BOOST_TEST(!store.want().contains(SeriesOf(5).ToString()));
  store.Check();
  store.Fill(6, 4 * kMinute, 5 * kMinute, 1000);
  store.Check();
  store.CheckFromOutside();
  store.Reopen();
  store.Check();
}

BOOST_AUTO_TEST_CASE(a_deletion_that_finds_nothing_leaves_no_trace) {
  DeletingStore store;
  store.Fill(3, kMinute, 2 * kMinute, 1000);
  BOOST_REQUIRE(store.Delete("7", INT64_MIN, kForever).ok());
  BOOST_REQUIRE(store.Delete(".*", 0, kMinute - 1).ok());
  BOOST_REQUIRE(store.Delete(".*", 2 * kMinute, kForever).ok());
  BOOST_REQUIRE(store.Delete(".*", 90'000, 80'000).ok());
  store.Check();
  BOOST_TEST(TombstonesInLog(store.fs()).empty());
}

BOOST_AUTO_TEST_CASE(the_log_says_what_was_there_to_be_deleted_as_prometheus_does) {
  DeletingStore store;
  store.Append({1}, 1000);
  store.Append({1, 2}, 2000);
  store.Append({1}, 3000);
  BOOST_REQUIRE(store.Delete(".*", INT64_MIN, 2500).ok());
  const std::vector<RefTombstone> rows = TombstonesInLog(store.fs());
  BOOST_REQUIRE(rows.size() == 2u);
  BOOST_TEST(rows[0].ref.value() == 1u);
  BOOST_TEST(rows[0].mint.ms() == 1000);
  BOOST_TEST(rows[0].maxt.ms() == 2500);
  BOOST_TEST(rows[1].ref.value() == 2u);
  BOOST_TEST(rows[1].mint.ms() == 2000);
  BOOST_TEST(rows[1].maxt.ms() == 2000);
}

BOOST_AUTO_TEST_CASE(the_newest_sample_that_is_left_is_the_newest) {
  DeletingStore store;
  store.Fill(4, 0, 2 * kMinute, 1000);
  BOOST_REQUIRE(store.Delete("1|3", 100'000, kForever).ok());
  store.Append({3}, 2 * kMinute);
  const auto newest = [&](int64_t maxt) {
    Contents want = store.want();
    for (auto& [labels, samples] : want) {
      samples.erase(samples.upper_bound(maxt), samples.end());
      samples.erase(samples.begin(), std::prev(samples.end()));
    }
    Contents got = ContentsOf(store.db(), Timestamp::Min(), Timestamp::FromMs(maxt), true);
    for (auto& [labels, samples] : got) samples.erase(samples.begin(), std::prev(samples.end()));
    BOOST_REQUIRE_EQUAL(Difference(got, want), "");
  };
  newest(kForever);
  newest(110'500);
  newest(50'000);
}

BOOST_AUTO_TEST_CASE(a_block_that_is_cut_leaves_out_what_was_deleted_and_then_the_head_forgets_it) {
  DeletingStore store;
  store.Fill(6, 0, 10 * kMinute, 1000);
  BOOST_REQUIRE(store.Delete("[0-3]", 17'000, 4 * kMinute).ok());
  BOOST_REQUIRE(store.Delete("5", INT64_MIN, 6 * kMinute).ok());
  BOOST_REQUIRE(store.db().Compact().ok());
  const std::vector<std::string> blocks = store.Blocks();
  BOOST_REQUIRE(blocks.size() == 1u);
  BOOST_TEST(MetaOf(store.fs(), blocks[0]).stats.num_series == 5u);
  BOOST_TEST(MetaOf(store.fs(), blocks[0]).stats.num_tombstones == 0u);
  store.Check();
  store.Reopen();
  store.Check();
  store.CheckFromOutside();
  IsWhole(store.fs(), "/data");
}

BOOST_AUTO_TEST_CASE(samples_of_blocks_are_deleted_by_tombstones_and_by_a_clean_up) {
  DeletingStore store;
  store.Fill(6, 0, 13 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  const std::vector<std::string> before = store.Blocks();
  BOOST_REQUIRE(before.size() == 2u);
  BOOST_REQUIRE(store.Delete("1|3", 2 * kMinute, 3 * kMinute).ok());
  store.Check();
  BOOST_TEST(MetaOf(store.fs(), before[0]).stats.num_tombstones == 2u);
  const Tombstones tombstones = *ReadTombstones(store.fs(), "/data/" + before[0]);
  BOOST_TEST(tombstones.size() == 2u);
  BOOST_TEST((tombstones.all().begin()->second[0] == TimeRange{2 * kMinute, 3 * kMinute}));
  BOOST_TEST(MetaOf(store.fs(), before[1]).stats.num_tombstones == 0u);
  store.Reopen();
  store.Check();

  const BlockMeta old = MetaOf(store.fs(), before[0]);
  BOOST_REQUIRE(store.db().CleanTombstones().ok());
  store.Check();
  std::vector<std::string> after = store.Blocks();
  BOOST_REQUIRE(after.size() == 2u);
  BOOST_TEST(std::ranges::count(after, before[1]) == 1);
  std::erase(after, before[1]);
  const BlockMeta meta = MetaOf(store.fs(), after[0]);
  BlockMeta want;
  want.ulid = *Ulid::Parse(after[0]);
  want.min_time = old.min_time;
  want.max_time = old.max_time;
  want.stats = old.stats;
  want.stats.num_samples -= 2 * 61;
  want.stats.num_float_samples -= 61;
  want.stats.num_histogram_samples -= 61;
  want.stats.num_chunks = meta.stats.num_chunks;
  want.stats.num_tombstones = 0;
  want.compaction.sources = {want.ulid};
  want.compaction.parents = {{old.ulid, old.min_time, old.max_time}};
  BOOST_TEST((meta == want));
  // There is nothing more to do.
  BOOST_REQUIRE(store.db().CleanTombstones().ok());
  BOOST_TEST(std::ranges::count(store.Blocks(), after[0]) == 1);
  store.Reopen();
  store.Check();
  IsWhole(store.fs(), "/data");
  BOOST_TEST(store.metrics().RenderText().find(
                 "prometheus_tsdb_tombstone_cleanup_seconds_count 2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_query_keeps_what_it_began_with) {
  DeletingStore store;
  store.Fill(6, 0, 13 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  const size_t samples = 13 * 60;
  {
    const auto querier = store.db().NewQuerier(Timestamp::Min(), Timestamp::Max());
    const auto set = (*querier)->Select({}, {});
    BOOST_REQUIRE(store.Delete(".*", kMinute, kForever).ok());
    BOOST_REQUIRE(store.db().CleanTombstones().ok());
    storage::ColumnBuffer buffer;
    for (size_t i = 0; i < 6; ++i)
      BOOST_TEST((*set)->Read(i, Timestamp::Min(), Timestamp::Max(), buffer)->times.size() ==
                 samples);
  }
  store.Check();
}

BOOST_AUTO_TEST_CASE(a_store_that_is_about_to_close_writes_no_blocks) {
  DeletingStore store;
  store.Fill(6, 0, 13 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  BOOST_REQUIRE(store.Delete("1", 2 * kMinute, 3 * kMinute).ok());
  const std::vector<std::string> before = *store.fs().List("/data");
  store.db().RequestStop();
  BOOST_TEST((store.db().CleanTombstones().code() == Code::kCanceled));
  BOOST_TEST((store.db().Snapshot(true).status().code() == Code::kCanceled));
  BOOST_TEST(store.fs().List("/data/snapshots")->empty());
  std::vector<std::string> after = *store.fs().List("/data");
  std::erase(after, "snapshots");
  BOOST_TEST(after == before, boost::test_tools::per_element());
  BOOST_REQUIRE(store.Delete("2", 2 * kMinute, 3 * kMinute).ok());
  store.Check();
  store.Reopen();
  store.Check();
}

BOOST_AUTO_TEST_CASE(when_everything_is_deleted_nothing_comes_back) {
  DeletingStore store;
  store.Fill(6, 0, 13 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  BOOST_REQUIRE(store.Blocks().size() == 2u);
  // The log still has samples of these blocks.
  BOOST_REQUIRE(store.Delete(".*", INT64_MIN, kForever).ok());
  BOOST_TEST(store.want().empty());
  store.Check();
  BOOST_REQUIRE(store.db().CleanTombstones().ok());
  BOOST_TEST(store.Blocks().empty());
  for (int i = 0; i < 3; ++i) {
    store.Check();
    store.CheckFromOutside();
    store.Reopen();
    store.Check();
    BOOST_REQUIRE(store.db().Compact().ok());
  }
  store.Fill(6, 13 * kMinute, 40 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  store.Check();
  store.Reopen();
  store.Check();
  store.CheckFromOutside();
}

BOOST_AUTO_TEST_CASE(a_block_that_may_go_stays_while_the_log_has_its_samples) {
  DeletingStore store;
  store.Fill(6, 0, 13 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  BOOST_REQUIRE(store.Delete(".*", INT64_MIN, 10 * kMinute - 1).ok());
  const std::vector<std::string> blocks = store.Blocks();
  BOOST_REQUIRE(blocks.size() == 2u);
  store.Close();
  const auto mark = [&](const std::string& block) {
    BlockMeta meta = MetaOf(store.fs(), block);
    meta.compaction.deletable = true;
    BOOST_REQUIRE(WriteBlockMeta(store.fs(), "/data/" + block, meta).ok());
  };
  // As a compaction that came to nothing leaves it, when the process dies then.
  mark(blocks[1]);
  store.Open();
  store.Check();
  BOOST_TEST(store.Blocks() == blocks, boost::test_tools::per_element());
  // An older one is not needed for that.
  store.Close();
  BlockMeta meta = MetaOf(store.fs(), blocks[1]);
  meta.compaction.deletable = false;
  BOOST_REQUIRE(WriteBlockMeta(store.fs(), "/data/" + blocks[1], meta).ok());
  mark(blocks[0]);
  store.Open();
  store.Check();
  BOOST_TEST(store.Blocks() == std::vector<std::string>{blocks[1]},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_range_of_which_nothing_is_left_makes_no_block_and_does_not_come_back) {
  DeletingStore store;
  store.Fill(6, 0, 9 * kMinute, 1000);
  BOOST_REQUIRE(store.Delete(".*", INT64_MIN, kForever).ok());
  store.Fill(3, 9 * kMinute, 13 * kMinute, 1000);
  BOOST_REQUIRE(store.db().Compact().ok());
  BOOST_TEST(store.Blocks().size() == 1u);
  for (int i = 0; i < 3; ++i) {
    store.Check();
    store.CheckFromOutside();
    store.Reopen();
    store.Check();
    store.Fill(3, (13 + i) * kMinute, (14 + i) * kMinute, 1000);
    BOOST_REQUIRE(store.db().Compact().ok());
  }
  store.Check();
}

BOOST_AUTO_TEST_CASE(the_log_hides_what_head_chunk_files_hold_while_there_is_no_block) {
  DeletingStore store;
  store.Fill(6, 0, 13 * kMinute, 500);
  BOOST_REQUIRE(store.Delete(".*", INT64_MIN, 10 * kMinute - 1).ok());
  for (int i = 0; i < 6; ++i) {
    // The log is cut behind each of these.
    store.Fill(6, 13 * kMinute + i * 1000, 13 * kMinute + (i + 1) * 1000, 500);
    BOOST_REQUIRE(store.db().Compact().ok());
    BOOST_TEST(store.Blocks().empty());
    store.Check();
    store.CheckFromOutside();
    store.Reopen();
    store.Check();
  }
}

BOOST_AUTO_TEST_CASE(deletions_that_prometheus_has_logged_are_applied) {
  testing::MemFs fs;
  testing::ManualClock clock;
  SelfMetrics metrics;
  const model::Labels a = SeriesOf(1);
  const model::Labels b = SeriesOf(2);
  const auto at = [](int64_t ms) { return Timestamp::FromMs(ms); };
  const SeriesRef one(1), two(2), again(7);
  {
    BOOST_REQUIRE(fs.MakeDirs("/data").ok());
    const auto wal = WalWriter::Open(fs, "/data/wal", {});
    BOOST_REQUIRE(wal.ok());
    std::vector<std::string> records(6);
    SeriesEncoder series(records[0]);
    series.Add(one, a);
    series.Add(two, b);
    SamplesEncoder samples(records[1]);
    for (int64_t t = 1000; t <= 5000; t += 1000) {
      samples.Add(one, at(t), 1);
      samples.Add(two, at(t), 2);
    }
    samples.Finish();
    const std::vector<RefTombstone> rows{
        {one, at(2000), at(3500)},
        {one, at(9000), at(5000)},                   // ends before it begins
        {SeriesRef(12345), at(1000), at(2000)},      // of no series
        {two, Timestamp::Min(), Timestamp::Max()}};  // has gone to a block
    EncodeTombstones(rows, records[2]);
    SeriesEncoder later(records[3]);
    later.Add(again, b);
    SamplesEncoder more(records[4]);
    more.Add(one, at(6000), 1);
    more.Add(again, at(7000), 3);
    more.Finish();
    BOOST_REQUIRE((*wal)->Append(Views(records)).ok());
    BOOST_REQUIRE((*wal)->Close().ok());
  }
  const Contents want{
      {a.ToString(),
       {{1000, "1.000000"}, {4000, "1.000000"}, {5000, "1.000000"}, {6000, "1.000000"}}},
      {b.ToString(), {{7000, "3.000000"}}}};
  const auto outside = ReadOnlyDb::Open(fs, "/data", {});
  BOOST_REQUIRE(outside.ok());
  BOOST_TEST(Difference(ContentsOf(**outside), want) == "");
  for (int i = 0; i < 2; ++i) {
    const auto db = Db::Open(fs, clock, metrics, DeletingStore::OptionsFor("/data"));
    BOOST_REQUIRE(db.ok());
    BOOST_TEST(Difference(ContentsOf(**db), want) == "");
  }
}

// Appends, deletions, queries, compactions, clean-ups and restarts as they come, next to a plain
// map.
BOOST_AUTO_TEST_CASE(deletions_among_all_else_as_a_plain_map_has_them) {
  for (const uint32_t seed : {1u, 2u, 3u, 4u}) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random(seed);
      const auto below = [&](size_t n) { return static_cast<int64_t>(random() % n); };
      DeletingStore store;
      int64_t now = 7 * kMinute;
      for (int step = 0; step < 220; ++step) {
        for (int64_t scrapes = below(30); scrapes > 0; --scrapes) {
          std::vector<unsigned> series;
          const bool late = below(12) == 0;
          for (unsigned n = 0; n < 12; ++n)
            if (below(8) != 0 && (n < 9 || step % 40 < 20)) series.push_back(n);
          store.Append(series, late ? now - below(40'000) : now);
          now += 500 + below(3000);
        }
        const int64_t from = below(20) == 0 ? INT64_MIN : now - below(25 * kMinute);
        const int64_t until = below(8) == 0 ? kForever : from / 2 + now / 2 - below(4 * kMinute);
        switch (below(14)) {
          case 0:
          case 1:
          case 2: {
            const char* const numbers[] = {"1", "[3-5]", "1.*", "8|3|0", ".*", "nothing"};
            BOOST_REQUIRE(store.Delete(numbers[below(step % 10 == 0 ? 6 : 4)], from, until).ok());
            break;
          }
          case 3:
          case 4:
            BOOST_REQUIRE(store.db().Compact().ok());
            break;
          case 5:
            BOOST_REQUIRE(store.db().CleanTombstones().ok());
            break;
          case 6:
            store.Reopen();
            break;
          case 7:
            store.CheckFromOutside();
            break;
          default: {
            Contents want = store.want();
            for (auto& [labels, samples] : want)
              std::erase_if(samples,
                            [&](const auto& s) { return s.first < from || s.first > until; });
            std::erase_if(want, [](const auto& entry) { return entry.second.empty(); });
            const Contents got =
                ContentsOf(store.db(), Timestamp::FromMs(from), Timestamp::FromMs(until));
            BOOST_REQUIRE_EQUAL(Difference(got, want), "");
          }
        }
        store.Check();
      }
      store.Close();
      IsWhole(store.fs(), "/data");
    }
  }
}

BOOST_AUTO_TEST_CASE(deletions_appends_queries_and_compactions_run_side_by_side) {
  DeletingStore store;
  constexpr int64_t kEnd = 12 * kMinute;
  std::atomic<bool> done = false;
  // Each returns what it does not like: assertions are for one thread.
  auto deleter = std::async(std::launch::async, [&]() -> std::string {
    const model::Matchers odd = Numbers("[13]");
    while (!done) {
      if (const auto s = store.db().Delete(odd, Timestamp::Min(), Timestamp::Max()); !s.ok())
        return std::string(s.message());
      if (const auto s = store.db().CleanTombstones(); !s.ok()) return std::string(s.message());
    }
    return "";
  });
  auto reader = std::async(std::launch::async, [&]() -> std::string {
    while (!done) {
      const auto all = TryContentsOf(store.db(), Timestamp::Min(), Timestamp::Max(), false);
      if (!all.ok()) return all.status().message();
      // Of series that nobody deletes, each query shows one run without a hole.
      for (const auto& [labels, samples] : *all) {
        if (labels.find("n=\"1\"") != std::string::npos) continue;
        if (labels.find("n=\"3\"") != std::string::npos) continue;
        const auto [first, last] = std::pair(samples.begin()->first, samples.rbegin()->first);
        if (first != 0 || last != (static_cast<int64_t>(samples.size()) - 1) * 1000)
          return labels + " has holes";
      }
    }
    return "";
  });
  const std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool>*)> end(
      &done, [](std::atomic<bool>* flag) { *flag = true; });
  for (int64_t t = 0; t < kEnd; t += 1000) {
    store.Append({0, 1, 2, 3, 8}, t);
    if (t % (2 * kMinute) == 0) BOOST_REQUIRE(store.db().Compact().ok());
  }
  done = true;
  BOOST_TEST(deleter.get() == "");
  BOOST_TEST(reader.get() == "");
  BOOST_REQUIRE(store.Delete("[13]", INT64_MIN, kForever).ok());
  store.Check();
  store.Reopen();
  store.Check();
}

// The power fails after each call to the disk: a deletion that had returned holds, and of what it
// was not about nothing is missing.
BOOST_AUTO_TEST_CASE(a_power_cut_never_brings_back_what_was_deleted_and_never_deletes_more) {
  const auto cut_after = [](size_t calls) {
    DeletingStore store;
    store.Fill(6, 0, 13 * kMinute, 4000);
    BOOST_REQUIRE(store.db().Compact().ok());
    store.Reopen();  // all of it is durable
    size_t seen = 0;
    store.fs().SetFault([&](std::string_view) {
      return seen++ >= calls ? Status::Io("the power is gone") : Status();
    });
    const Contents all = store.want();
    const std::string numbers = "0|[3-5]";
    const Contents left = DeletingStore::Without(all, Numbers(numbers), 3 * kMinute, kForever);
    const bool deleted = store.Delete(numbers, 3 * kMinute, kForever).ok();
    (void)store.db().CleanTombstones();
    (void)store.db().Snapshot(true);
    store.Close();
    store.fs().SetFault(nullptr);
    const bool keeps = calls % 2 == 1;
    store.fs().Crash([&](const std::string&, size_t unsynced) { return keeps ? unsynced : 0; });
    IsWhole(store.fs(), "/data");
    store.Open();
    for (int i = 0; i < 2; ++i) {
      const Contents got = ContentsOf(store.db());
      if (deleted) BOOST_REQUIRE_EQUAL(Difference(got, left), "");
      // Whatever is shown is of before, and what stays is there.
      for (const auto& [labels, samples] : got)
        for (const auto& [t, value] : samples) BOOST_REQUIRE(all.at(labels).at(t) == value);
      for (const auto& [labels, samples] : left)
        for (const auto& [t, value] : samples) BOOST_REQUIRE(got.at(labels).at(t) == value);
      BOOST_REQUIRE(store.db().Compact().ok());
      store.Reopen();
    }
    // A snapshot is whole, or it is not there.
    if (store.fs().IsDirectory("/data/snapshots")) {
      for (const std::string& name : *store.fs().List("/data/snapshots")) {
        if (name.ends_with("creation")) continue;
        const auto copy = ReadOnlyDb::Open(store.fs(), "/data/snapshots/" + name, {});
        BOOST_REQUIRE(copy.ok());
        BOOST_REQUIRE_EQUAL(Difference(ContentsOf(**copy), left), "");
      }
    }
    return seen;
  };
  const size_t all = cut_after(SIZE_MAX);
  BOOST_REQUIRE(all > 40);
  for (size_t calls = 0; calls < all; ++calls)
    BOOST_TEST_CONTEXT("after " << calls << " of " << all) { cut_after(calls); }
}

}  // namespace canopy::tsdb
