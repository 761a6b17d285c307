#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

#include "canopy/tsdb/read_only_db.h"
#include "tests/tsdb/out_of_order_support.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/wal_record.h"

// Samples that come after later ones of their series: what is taken, what queries show, and how
// they survive.

namespace canopy::tsdb {

BOOST_AUTO_TEST_SUITE(out_of_order)

BOOST_AUTO_TEST_CASE(samples_within_the_window_are_taken_and_older_ones_are_too_old) {
  Disk disk;
  Db& db = *disk.db;
  BOOST_TEST((One(db, "a", 100, 1) == AppendResult::kStored));
  // In order: at most one and a half block ranges behind the newest of all.
  BOOST_TEST((One(db, "b", 95, 1) == AppendResult::kStored));
  BOOST_TEST((One(db, "a", 99, 2) == AppendResult::kStored));
  BOOST_TEST((One(db, "a", 80, 3) == AppendResult::kStored));
  BOOST_TEST((One(db, "a", 79.9, 4) == AppendResult::kTooOld));
  BOOST_TEST((One(db, "b", 79.9, 4) == AppendResult::kTooOld));
  // The window is one of the head, whatever the newest sample of the series is.
  BOOST_TEST((One(db, "a", 110, 5) == AppendResult::kStored));
  BOOST_TEST((One(db, "b", 89, 4) == AppendResult::kTooOld));
  BOOST_TEST((One(db, "b", 90, 4) == AppendResult::kStored));
  // A series may have nothing else.
  BOOST_TEST((One(db, "late", 91, 6) == AppendResult::kStored));
  BOOST_TEST((One(db, "old", 89, 6) == AppendResult::kTooOld));
  const Content want = {{"a", "80:3 99:2 100:1 110:5"}, {"b", "90:4 95:1"}, {"late", "91:6"}};
  BOOST_TEST((Read(db) == want));
  const auto count = [&](const std::string& name) {
    return disk.Metric("prometheus_tsdb_" + name + "{type=\"float\"}");
  };
  BOOST_TEST(count("head_out_of_order_samples_appended_total") == 4);
  BOOST_TEST(count("head_samples_appended_total") == 7);
  BOOST_TEST(count("too_old_samples_total") == 4);
  BOOST_TEST(count("out_of_order_samples_total") == 0);
  BOOST_TEST(count("out_of_bound_samples_total") == 0);
  BOOST_TEST(disk.Metric("prometheus_tsdb_sample_ooo_delta_count") == 8);
}

BOOST_AUTO_TEST_CASE(without_a_window_nothing_is_different) {
  Disk disk;
  disk.db.reset();
  disk.options.out_of_order_window = Duration(0);
  disk.db = disk.Open();
  Db& db = *disk.db;
  BOOST_TEST((One(db, "a", 100, 1) == AppendResult::kStored));
  BOOST_TEST((One(db, "a", 99, 1) == AppendResult::kOutOfOrder));
  BOOST_TEST((One(db, "a", 80, 1) == AppendResult::kOutOfBounds));
  BOOST_TEST(disk.Metric("prometheus_tsdb_out_of_order_samples_total{type=\"float\"}") == 1);
  BOOST_TEST(disk.Metric("prometheus_tsdb_out_of_bound_samples_total{type=\"float\"}") == 1);
  BOOST_TEST(disk.Metric("prometheus_tsdb_too_old_samples_total{type=\"float\"}") == 0);
}

BOOST_AUTO_TEST_CASE(what_the_head_has_is_not_stored_twice) {
  Disk disk;
  Db& db = *disk.db;
  // Some of it full chunks, in memory and in files.
  for (int i = 0; i < 400; ++i) (void)One(db, "a", 50 + i * 0.01, i);
  disk.Compact();
  const Content before = Read(db);
  // Late, what is there stays without a word; the newest sample is another matter.
  for (const int i : {0, 119, 120, 250, 398, 399}) {
    BOOST_TEST((One(db, "a", 50 + i * 0.01, i) == AppendResult::kDuplicate));
    BOOST_TEST((One(db, "a", 50 + i * 0.01, -1) ==
                (i == 399 ? AppendResult::kConflict : AppendResult::kDuplicate)));
  }
  BOOST_TEST((Read(db) == before));
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST((One(db, "a", 49 - i * 0.01, i) == AppendResult::kStored));
    BOOST_TEST((One(db, "a", 49 - i * 0.01, i) == AppendResult::kDuplicate));
    BOOST_TEST((One(db, "a", 49 - i * 0.01, i + 1) == AppendResult::kDuplicate));
  }
  BOOST_TEST((One(db, "a", 48.02, 98) == AppendResult::kDuplicate));
  BOOST_TEST((One(db, "a", 48.99, 7) == AppendResult::kDuplicate));
  // A marker is a value like others.
  BOOST_TEST((One(db, "a", 48.5, model::StaleNan()) == AppendResult::kDuplicate));
  BOOST_TEST((One(db, "a", 47, model::StaleNan()) == AppendResult::kStored));
  BOOST_TEST((One(db, "a", 47, model::StaleNan()) == AppendResult::kDuplicate));
  BOOST_TEST(Read(db).at("a").substr(0, 9) == "47:stale ");
  BOOST_TEST(
      disk.Metric("prometheus_tsdb_head_out_of_order_samples_appended_total{type=\"float\"}") ==
      101);
}

BOOST_AUTO_TEST_CASE(a_batch_may_have_a_series_in_any_order) {
  Disk disk;
  Db& db = *disk.db;
  BOOST_TEST((One(db, "a", 100, 0) == AppendResult::kStored));
  BOOST_TEST((One(db, "c", 100, 0) == AppendResult::kStored));
  const std::vector<AppendResult> got = Append(db, {{"a", 103, 3},
                                                    {"b", 102, 2},
                                                    {"a", 101, 1},
                                                    {"a", 101, 1},
                                                    {"a", 101, 9},
                                                    {"b", 103, 3},
                                                    {"a", 103, 3},
                                                    {"b", 102, 2},
                                                    {"a", 70, 1},
                                                    {"c", 99, 1},
                                                    {"c", 99, 1},
                                                    {"c", 99, 2}});
  const std::vector<AppendResult> want = {
      AppendResult::kStored,    AppendResult::kStored,    AppendResult::kStored,
      AppendResult::kDuplicate, AppendResult::kDuplicate, AppendResult::kStored,
      AppendResult::kDuplicate, AppendResult::kDuplicate, AppendResult::kTooOld,
      AppendResult::kStored,    AppendResult::kDuplicate, AppendResult::kDuplicate};
  BOOST_TEST((got == want));
  const Content content = {{"a", "100:0 101:1 103:3"}, {"b", "102:2 103:3"}, {"c", "99:1 100:0"}};
  BOOST_TEST((Read(db) == content));
  disk.Restart();
  BOOST_TEST((Read(*disk.db) == content));
}

BOOST_AUTO_TEST_CASE(a_source_that_has_nothing_old_is_refused_what_is) {
  Disk disk;
  (void)One(*disk.db, "a", 100, 0);
  Batch batch = ToBatch({{"a", 99, 1}, {"a", 101, 1}, {"b", 85, 1}, {"b", 79, 1}});
  batch.in_order_only = true;
  const std::vector<AppendResult> want = {AppendResult::kOutOfOrder, AppendResult::kStored,
                                          AppendResult::kOutOfOrder, AppendResult::kTooOld};
  BOOST_TEST((Append(*disk.db, batch) == want));
  BOOST_TEST(disk.Metric("prometheus_tsdb_out_of_order_samples_total{type=\"float\"}") == 2);
  BOOST_TEST(disk.Metric("prometheus_tsdb_too_old_samples_total{type=\"float\"}") == 1);
}

// Which a store without a window says as well, and counts.
BOOST_AUTO_TEST_CASE(a_report_tells_what_only_the_batch_was_in_the_way_of) {
  for (const bool window : {true, false}) {
    Disk disk;
    if (!window) BOOST_REQUIRE(disk.db->SetOutOfOrderWindow(Duration(0)).ok());
    (void)Append(*disk.db, {{"a", 100, 0}, {"b", 100, 0}});
    Batch batch = ToBatch({{"a", 130, 1},    // stored
                           {"a", 130, 2},    // another value
                           {"a", 105, 3},    // behind the first
                           {"a", 99, 4},     // out of order for itself
                           {"b", 100, 5}});  // a conflict for itself
    batch.new_histograms.push_back({Named("a"), At(120), model::Histogram{}});
    const auto report = disk.db->Append(batch);
    BOOST_REQUIRE(report.ok());
    std::string got;
    for (const AppendReport::Rejected& rejected : report->rejected)
      got += std::to_string(rejected.index) + (rejected.within_batch ? "w " : " ");
    BOOST_TEST(got == (window ? "1w 4 " : "1w 2w 3 4 5w "));
    const auto count = [&](const std::string& name) {
      return disk.Metric("prometheus_tsdb_" + name);
    };
    BOOST_TEST(count("out_of_order_samples_total{type=\"float\"}") == (window ? 0 : 2));
    BOOST_TEST(count("out_of_order_samples_total{type=\"histogram\"}") == (window ? 0 : 1));
  }
}

BOOST_AUTO_TEST_CASE(a_series_of_which_something_old_has_come_does_not_end) {
  Disk disk;
  auto first = disk.db->Append(ToBatch({{"a", 100, 0}, {"b", 100, 0}}));
  BOOST_REQUIRE(first.ok());
  Batch batch;
  batch.samples.push_back({first->refs[0], At(99), 1});
  batch.ended = first->refs;
  batch.ended_at = At(101);
  BOOST_REQUIRE(disk.db->Append(batch).ok());
  const Content want = {{"a", "99:1 100:0"}, {"b", "100:0 101:stale"}};
  BOOST_TEST((Read(*disk.db) == want));
}

BOOST_AUTO_TEST_CASE(the_newest_sample_is_the_newest_of_both) {
  Disk disk;
  Db& db = *disk.db;
  (void)Append(db, {{"a", 70, 1}, {"b", 100, 1}, {"c", 100, 1}});
  // Behind the newest one of its series, but too late to be in order.
  (void)Append(db, {{"a", 85, 2}, {"b", 90, 2}, {"late", 84, 4}});
  const storage::SelectHints newest{.newest_only = true};
  const auto last = [](Content content) {
    for (auto& [name, text] : content) text = text.substr(text.rfind(' ') + 1);
    return content;
  };
  const Content all = {{"a", "85:2"}, {"b", "100:1"}, {"c", "100:1"}, {"late", "84:4"}};
  BOOST_TEST((last(Read(db, Timestamp::Min(), Timestamp::Max(), newest)) == all));
  const Content to_99 = {{"a", "85:2"}, {"b", "90:2"}, {"late", "84:4"}};
  BOOST_TEST((last(Read(db, Timestamp::Min(), At(99), newest)) == to_99));
  const Content to_84 = {{"a", "70:1"}, {"late", "84:4"}};
  BOOST_TEST((last(Read(db, Timestamp::Min(), At(84), newest)) == to_84));
  BOOST_TEST((Read(db, At(86), At(99)) == Content{{"b", "90:2"}}));
  const auto names = (*db.NewQuerier(At(80), At(86)))->LabelValues("__name__", {}, 0);
  BOOST_TEST(names->size() == 4u);
}

BOOST_AUTO_TEST_CASE(they_survive_the_process_in_a_log_of_their_own) {
  Disk disk;
  (void)Append(*disk.db, {{"a", 100, 1}, {"b", 100, 1}});
  for (int i = 0; i < 100; ++i)
    (void)Append(*disk.db, {{"a", 99 - i * 0.1, double(i)}, {"late", 81 + i * 0.05, double(i)}});
  const Content before = Read(*disk.db);
  for (int life = 0; life < 3; ++life) {
    disk.Restart();
    BOOST_TEST((Read(*disk.db) == before));
  }
  BOOST_TEST((One(*disk.db, "a", 95, 40) == AppendResult::kDuplicate));
  BOOST_TEST((One(*disk.db, "a", 95, 41) == AppendResult::kDuplicate));
  BOOST_TEST((One(*disk.db, "a", 95.05, 41) == AppendResult::kStored));
  BOOST_TEST(disk.Metric("prometheus_tsdb_wal_corruptions_total") == 0);
  BOOST_TEST(disk.Metric("prometheus_tsdb_wbl_replay_unknown_refs_total{type=\"samples\"}") == 0);
  // Nobody else's log has them.
  const Log wal = ReadLog(disk.fs, "/data/wal");
  size_t rows = 0;
  for (const std::string& record : wal.records)
    if (TypeOfRecord(record) == RecordType::kSamples)
      BOOST_REQUIRE(DecodeSamples(record, [&](const RefSample&) { ++rows; }).ok());
  BOOST_TEST(rows == 2u);
  disk.IsWhole();
  const auto outside = ReadOnlyDb::Open(disk.fs, "/data", {});
  BOOST_REQUIRE(outside.ok());
  BOOST_TEST((Read(**outside) == Read(*disk.db)));
}

BOOST_AUTO_TEST_CASE(they_become_blocks_of_their_own_and_those_are_joined) {
  Disk disk;
  Db& db = *disk.db;
  std::map<double, double> want;
  const auto put = [&](double minutes, double value) {
    BOOST_REQUIRE((One(db, "a", minutes, value) == AppendResult::kStored));
    want[minutes] = value;
  };
  const auto shows_all = [&] {
    std::string text;
    for (const auto& [minutes, value] : want)
      text += (text.empty() ? "" : " ") + std::to_string(int(minutes)) + ":" +
              std::to_string(int(value));
    BOOST_TEST(Read(*disk.db).at("a") == text);
  };
  for (int i = 0; i <= 14; i += 2) put(100 + i, i);
  BOOST_TEST((One(db, "late", 96, 1) == AppendResult::kStored));
  put(101, 50);
  put(113, 51);
  disk.Compact();  // the head is to become blocks of 100..105 and 105..110
  shows_all();
  // Of 95..100, of 100..105 joined with what was in order, and of what the head still has.
  std::vector<BlockMeta> blocks = disk.Blocks();
  BOOST_REQUIRE(blocks.size() == 4u);
  const std::vector<std::string> hint = {"from-out-of-order"};
  BOOST_TEST((blocks[0].min_time == At(95) && blocks[0].compaction.hints == hint));
  BOOST_TEST(blocks[0].stats.num_samples == 1u);
  BOOST_TEST((blocks[1].min_time == At(100) && blocks[1].compaction.hints.empty()));
  BOOST_TEST(blocks[1].stats.num_samples == 4u);
  BOOST_TEST(blocks[1].compaction.level == 2);
  BOOST_TEST((blocks[2].min_time == At(105) && blocks[2].compaction.hints.empty()));
  BOOST_TEST((blocks[3].min_time == At(110) && blocks[3].compaction.hints == hint));
  // The head goes on where its own blocks end.
  BOOST_TEST((db.min_valid_time() == At(110)));
  const std::vector<std::string> segments = *disk.fs.List("/data/wbl");
  BOOST_TEST(segments.size() == 1u);
  BOOST_TEST(*disk.fs.Size("/data/wbl/" + segments[0]) == 0u);
  disk.Restart();
  shows_all();
  BOOST_TEST((disk.db->min_valid_time() == At(110)));
  for (int i = 16; i <= 40; i += 2) {
    BOOST_REQUIRE((One(*disk.db, "a", 100 + i, i) == AppendResult::kStored));
    want[100 + i] = i;
    disk.Compact();
    shows_all();
  }
  for (const BlockMeta& meta : disk.Blocks()) BOOST_TEST(meta.EndsHead());
  const Content late = {{"late", "96:1"}};
  BOOST_TEST((Read(*disk.db, Timestamp::Min(), At(99)) == late));
  disk.IsWhole();
}

BOOST_AUTO_TEST_CASE(a_batch_that_one_of_the_logs_does_not_take_is_not_stored) {
  for (const char* log : {"/data/wal/", "/data/wbl/"}) {
    Disk disk;
    (void)Append(*disk.db, {{"a", 100, 1}, {"b", 100, 1}});
    (void)Append(*disk.db, {{"a", 99, 2}});
    const Content before = Read(*disk.db);
    disk.fs.SetFault([&](std::string_view call) {
      return call.starts_with("append " + std::string(log)) ? Status::Io("disk full") : Status();
    });
    BOOST_TEST(!disk.db->Append(ToBatch({{"a", 98, 3}, {"b", 101, 3}, {"c", 101, 3}})).ok());
    BOOST_TEST((Read(*disk.db) == before));
    disk.fs.SetFault(nullptr);
    BOOST_TEST((One(*disk.db, "b", 102, 4) == AppendResult::kStored));
    BOOST_TEST((One(*disk.db, "b", 97, 4) == AppendResult::kStored));
    const Content after = Read(*disk.db);
    BOOST_TEST((after == Content{{"a", "99:2 100:1"}, {"b", "97:4 100:1 102:4"}}));
    disk.Restart();
    BOOST_TEST((Read(*disk.db) == after));
  }
}

BOOST_AUTO_TEST_CASE(the_window_can_be_changed_while_the_store_is_open) {
  Disk disk;
  disk.db.reset();
  disk.options.out_of_order_window = Duration(0);
  disk.db = disk.Open();
  (void)One(*disk.db, "a", 100, 1);
  BOOST_TEST((One(*disk.db, "a", 99, 1) == AppendResult::kOutOfOrder));
  BOOST_TEST(disk.db->SetOutOfOrderWindow(10 * kMinute).ok());
  BOOST_TEST((One(*disk.db, "a", 99, 1) == AppendResult::kStored));
  BOOST_TEST((One(*disk.db, "a", 89, 1) == AppendResult::kTooOld));
  BOOST_TEST(disk.db->SetOutOfOrderWindow(20 * kMinute).ok());
  BOOST_TEST((One(*disk.db, "a", 89, 1) == AppendResult::kStored));
  BOOST_TEST(disk.db->SetOutOfOrderWindow(Duration(0)).ok());
  BOOST_TEST((One(*disk.db, "a", 98, 1) == AppendResult::kOutOfOrder));
  // What came while it was open stays, and goes to blocks with the rest.
  const Content want = {{"a", "89:1 99:1 100:1"}};
  BOOST_TEST((Read(*disk.db) == want));
  disk.Restart();
  BOOST_TEST((Read(*disk.db) == want));
  (void)One(*disk.db, "b", 120, 1);
  disk.Compact();
  BOOST_TEST(disk.Blocks().size() == 3u);
  BOOST_TEST(Read(*disk.db).at("a") == want.at("a"));
  for (const std::string& segment : *disk.fs.List("/data/wbl"))
    BOOST_TEST(*disk.fs.Size("/data/wbl/" + segment) == 0u);
}

BOOST_AUTO_TEST_CASE(a_window_for_whose_log_there_is_no_room_is_not_opened) {
  Disk disk;
  disk.db.reset();
  disk.options.out_of_order_window = Duration(0);
  BOOST_REQUIRE(disk.fs.RemoveAll("/data/wbl").ok());
  disk.db = disk.Open();
  (void)One(*disk.db, "a", 100, 1);
  disk.fs.SetFault([](std::string_view) { return Status::Io("disk full"); });
  BOOST_TEST(!disk.db->SetOutOfOrderWindow(kMinute).ok());
  disk.fs.SetFault(nullptr);
  BOOST_TEST((One(*disk.db, "a", 99.5, 1) == AppendResult::kOutOfOrder));
  BOOST_TEST(disk.db->SetOutOfOrderWindow(kMinute).ok());
  BOOST_TEST((One(*disk.db, "a", 99.5, 1) == AppendResult::kStored));
}

BOOST_AUTO_TEST_CASE(a_query_shows_what_it_saw_while_samples_move_to_blocks) {
  Disk disk;
  for (int i = 0; i <= 14; ++i) (void)One(*disk.db, "a", 100 + i, i);
  for (int i = 0; i < 100; ++i) (void)One(*disk.db, "a", 95 + i * 0.03, i);
  const Content before = Read(*disk.db);
  auto querier = disk.db->NewQuerier(Timestamp::Min(), Timestamp::Max());
  BOOST_REQUIRE(querier.ok());
  const auto set = (*querier)->Select({}, {});
  BOOST_REQUIRE(set.ok());
  (void)One(*disk.db, "a", 97.9, 1);
  BOOST_TEST(TextOf(**set, 0) == before.at("a"));
  // The head does not let go of anything before the query is done.
  disk.fs.SetFault([](std::string_view call) {
    return call.starts_with("syncdir /data") ? Status::Io("disk full") : Status();
  });
  BOOST_TEST(!disk.db->Compact().ok());
  disk.fs.SetFault(nullptr);
  BOOST_TEST(TextOf(**set, 0) == before.at("a"));
}

// Half of the steps of a compaction fail once; what is left is done by the next one.
BOOST_AUTO_TEST_CASE(a_compaction_that_fails_goes_on_where_it_was) {
  for (size_t fail_at = 0;; ++fail_at) {
    Disk disk;
    for (int i = 0; i <= 14; ++i) (void)One(*disk.db, "a", 100 + i, i);
    for (int i = 0; i < 40; ++i) (void)One(*disk.db, "a", 95 + i * 0.4 + 0.1, i);
    const Content before = Read(*disk.db);
    size_t seen = 0;
    disk.fs.SetFault(
        [&](std::string_view) { return seen++ == fail_at ? Status::Io("a fault") : Status(); });
    (void)disk.db->Compact();
    disk.fs.SetFault(nullptr);
    const bool done = seen <= fail_at;
    BOOST_REQUIRE((Read(*disk.db) == before));
    disk.Compact();
    BOOST_REQUIRE((Read(*disk.db) == before));
    // Behind the end of what the head has become, a lot that failed is not there twice.
    for (const BlockMeta& meta : disk.Blocks())
      if (!meta.EndsHead() && meta.min_time == At(110)) BOOST_TEST(meta.stats.num_samples == 2u);
    disk.Restart();
    BOOST_REQUIRE((Read(*disk.db) == before));
    disk.IsWhole();
    if (done) break;
  }
}

BOOST_AUTO_TEST_CASE(a_snapshot_has_what_came_out_of_order) {
  Disk disk;
  for (int i = 0; i <= 6; ++i) (void)One(*disk.db, "a", 100 + i, i);
  for (int i = 0; i < 5; ++i) (void)One(*disk.db, "a", 95.5 + i, i);
  const Content before = Read(*disk.db);
  const auto name = disk.db->Snapshot(true);
  BOOST_REQUIRE(name.ok());
  BOOST_TEST((Read(*disk.db) == before));
  const auto copy = ReadOnlyDb::Open(disk.fs, "/data/snapshots/" + *name, {});
  BOOST_REQUIRE(copy.ok());
  BOOST_TEST((Read(**copy) == before));
}

BOOST_AUTO_TEST_CASE(native_histograms_may_be_late_too) {
  Disk disk;
  const auto histogram = [](uint64_t n) {
    model::Histogram h;
    h.schema = 1;
    h.count = 3 * n;
    h.sum = static_cast<double>(n);
    h.positive = {{{0, 2}}, {static_cast<int64_t>(n), static_cast<int64_t>(n)}};
    return h;
  };
  const auto append = [&](const std::string& name, double minutes, storage::HistogramValue value) {
    Batch batch;
    batch.new_histograms.push_back({Named(name), At(minutes), std::move(value)});
    return Append(*disk.db, batch)[0];
  };
  const auto floats = [&](uint64_t n) {
    model::FloatHistogram h;
    model::ToFloat(histogram(n), h);
    return h;
  };
  BOOST_TEST((append("h", 100, histogram(50)) == AppendResult::kStored));
  BOOST_TEST((append("f", 100, floats(50)) == AppendResult::kStored));
  for (uint64_t i = 0; i < 40; ++i) {
    BOOST_TEST((append("h", 99 - double(i) * 0.1, histogram(i)) == AppendResult::kStored));
    BOOST_TEST((append("f", 90 + double(i) * 0.1, floats(i)) == AppendResult::kStored));
    BOOST_TEST((append("f", 90 + double(i) * 0.1, floats(i)) == AppendResult::kDuplicate));
  }
  BOOST_TEST((append("h", 97, histogram(20)) == AppendResult::kDuplicate));
  BOOST_TEST((append("h", 97, histogram(21)) == AppendResult::kDuplicate));
  BOOST_TEST((append("h", 97, floats(20)) == AppendResult::kDuplicate));
  BOOST_TEST((append("h", 70, histogram(1)) == AppendResult::kTooOld));
  BOOST_TEST((One(*disk.db, "h", 98.05, 4) == AppendResult::kStored));
  BOOST_TEST((One(*disk.db, "h", 98.06, model::StaleNan()) == AppendResult::kStored));
  BOOST_TEST(
      disk.Metric("prometheus_tsdb_head_out_of_order_samples_appended_total{type=\"histogram\"}") ==
      80);
  BOOST_TEST(disk.Metric("prometheus_tsdb_too_old_samples_total{type=\"histogram\"}") == 1);
  const Content before = Read(*disk.db);
  BOOST_TEST(before.at("h").find(" 98.05:4 98.06:stale ") != std::string::npos);
  disk.Restart();
  BOOST_TEST((Read(*disk.db) == before));
  (void)One(*disk.db, "later", 110, 1);
  disk.Compact();
  BOOST_TEST(!disk.Blocks().empty());
  Content after = Read(*disk.db);
  BOOST_TEST(after.erase("later") == 1u);
  BOOST_TEST((after == before));
  disk.IsWhole();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace canopy::tsdb
