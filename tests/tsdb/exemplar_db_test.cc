#include <boost/test/unit_test.hpp>
#include <string>

#include "canopy/tsdb/db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/wal_record.h"

// Exemplars on their way through the whole store: with their series, into the log, and back.

namespace canopy::tsdb {
namespace {

using model::Labels;
using storage::Batch;

Labels Named(const std::string& name) { return {{"__name__", name}}; }
model::Exemplar At(int64_t ms, double value = 1) {
  return {{{"trace_id", "t"}}, value, Timestamp::FromMs(ms)};
}

struct Disk {
  testing::MemFs fs;
  testing::ManualClock clock;
  SelfMetrics metrics;
  Options options{.dir = "data", .max_exemplars = 100, .maintenance_interval = Duration(0)};

  std::unique_ptr<Db> Open() {
    auto db = Db::Open(fs, clock, metrics, options);
    BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
    return std::move(*db);
  }
};

// The sample is the series' reason to be; its exemplar comes by labels.
Batch New(const std::string& series, int64_t t) {
  Batch batch;
  batch.new_samples.push_back({Named(series), Timestamp::FromMs(t), 1});
  batch.new_exemplars.push_back({Named(series), At(t)});
  return batch;
}
storage::AppendReport Append(Db& db, const Batch& batch) {
  auto report = db.Append(batch);
  BOOST_REQUIRE_MESSAGE(report.ok(), report.status().message());
  return std::move(*report);
}

// "a: 1@10 2@20 | b: 1@10"
std::string All(Db& db) {
  const std::vector<model::Matchers> all = {
      {model::Matcher::Literal(model::MatchType::kNotEqual, "__name__", "")}};
  const auto found = db.SelectExemplars(all, Timestamp::Min(), Timestamp::Max());
  BOOST_REQUIRE(found.ok());
  std::string out;
  for (const auto& series : *found) {
    out += (out.empty() ? "" : " | ") + std::string(series.labels.metric_name()) + ":";
    for (const model::Exemplar& e : series.exemplars) {
      BOOST_TEST((e.labels == Labels{{"trace_id", "t"}}));
      out += " " + std::to_string(static_cast<int>(e.value)) + "@" + std::to_string(e.time.ms());
    }
  }
  return out;
}

// Of each record its type's name, but for those of series.
std::string RecordsOf(Fs& fs) {
  std::string out;
  for (const std::string& record : ReadLog(fs, "data/wal").records)
    if (TypeOfRecord(record) != RecordType::kSeries)
      out += std::string(RecordTypeName(TypeOfRecord(record))) + " ";
  return out;
}

BOOST_AUTO_TEST_SUITE(exemplars_of_a_store)

BOOST_AUTO_TEST_CASE(they_are_stored_with_their_series_and_outlive_the_process) {
  Disk disk;
  auto db = disk.Open();
  const auto first = Append(*db, New("a", 10));
  BOOST_TEST(first.exemplars == 1u);
  Batch batch;
  batch.samples.push_back({first.refs[0], Timestamp::FromMs(20), 2});
  batch.exemplars.push_back({first.refs[0], At(20)});
  batch.exemplars.push_back({first.refs[0], At(19)});
  batch.exemplars.push_back({SeriesRef(999'999), At(20)});  // of no series
  batch.new_exemplars.push_back({Named("nosuch"), At(20)});
  batch.new_exemplars.push_back({Named("b"), At(21)});
  batch.new_samples.push_back({Named("b"), Timestamp::FromMs(20), 2});
  BOOST_TEST(Append(*db, batch).exemplars == 3u);
  // Nothing new: nothing for the log.
  BOOST_TEST(Append(*db, batch).exemplars == 0u);
  const std::string want = "a: 1@10 1@19 1@20 | b: 1@21";
  BOOST_TEST(All(*db) == want);
  BOOST_TEST(RecordsOf(disk.fs) == "samples exemplars samples exemplars ");
  db.reset();

  db = disk.Open();
  BOOST_TEST(All(*db) == want);
  Batch late;
  late.new_exemplars.push_back({Named("a"), At(18)});
  const auto report = Append(*db, late);
  BOOST_TEST(report.exemplars == 0u);
  BOOST_TEST(report.exemplars_out_of_order == 1u);
  late.new_exemplars[0].exemplar = At(20, 7);
  BOOST_TEST(Append(*db, late).exemplars == 1u);
  BOOST_TEST(All(*db) == "a: 1@10 1@19 1@20 7@20 | b: 1@21");
}

BOOST_AUTO_TEST_CASE(late_ones_within_the_window_outlive_the_process) {
  Disk disk;
  disk.options.out_of_order_window = Duration(100);
  auto db = disk.Open();
  for (const int64_t t : {500, 450, 401, 470}) BOOST_TEST(Append(*db, New("a", t)).exemplars == 1u);
  BOOST_TEST(Append(*db, New("a", 400)).exemplars_out_of_order == 1u);
  const std::string want = "a: 1@401 1@450 1@470 1@500";
  BOOST_TEST(All(*db) == want);
  db.reset();
  db = disk.Open();
  BOOST_TEST(All(*db) == want);
  // Whoever takes none any more does not take them from the log either, as Prometheus.
  BOOST_TEST(db->SetOutOfOrderWindow(Duration(0)).ok());
  BOOST_TEST(Append(*db, New("a", 480)).exemplars_out_of_order == 1u);
  db.reset();
  disk.options.out_of_order_window = Duration(0);
  BOOST_TEST(All(*disk.Open()) == "a: 1@500");
}

BOOST_AUTO_TEST_CASE(without_room_for_any_none_are_logged) {
  Disk disk;
  disk.options.max_exemplars = 0;
  auto db = disk.Open();
  BOOST_TEST(Append(*db, New("a", 10)).exemplars == 0u);
  BOOST_TEST(All(*db) == "");
  BOOST_TEST(RecordsOf(disk.fs) == "samples ");
  db->SetMaxExemplars(2);
  for (int64_t t = 20; t <= 40; t += 10) Append(*db, New("a", t));
  BOOST_TEST(All(*db) == "a: 1@30 1@40");
  db->SetMaxExemplars(1);
  BOOST_TEST(All(*db) == "a: 1@40");
  db.reset();
  // The log has more than there is room for: the newest are kept, or none at all.
  disk.options.max_exemplars = 2;
  BOOST_TEST(All(*disk.Open()) == "a: 1@30 1@40");
  disk.options.max_exemplars = 0;
  BOOST_TEST(All(*disk.Open()) == "");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_keeps_those_of_its_time) {
  Disk disk;
  disk.options.block_range = Duration(120'000);
  disk.options.max_block_range = Duration(1'080'000);
  auto db = disk.Open();
  // Enough for blocks and checkpoints; "gone" ends early, and its series with it.
  std::string newest;
  for (int64_t t = 0; t <= 1'800'000; t += 30'000) {
    Batch batch = New("a", t);
    if (t <= 60'000) {
      batch.new_samples.push_back({Named("gone"), Timestamp::FromMs(t), 1});
      batch.new_exemplars.push_back({Named("gone"), At(t + 1'800'000)});
    }
    Append(*db, batch);
    BOOST_TEST(db->Compact().ok());
    newest = " 1@" + std::to_string(t);
  }
  BOOST_REQUIRE(!disk.fs.List("data/wal")->front().starts_with("00000000"));
  const std::string before = All(*db);
  BOOST_TEST(before.starts_with("a: 1@0 "));
  BOOST_TEST(before.ends_with(" | gone: 1@1800000 1@1830000 1@1860000"));
  db.reset();
  db = disk.Open();
  const std::string after = All(*db);
  BOOST_TEST(after.ends_with(newest));
  BOOST_TEST(after.size() < before.size() / 2);
  // What is left is the end of it.
  const std::string of_a = before.substr(0, before.find(" |"));
  BOOST_TEST(of_a.ends_with(after.substr(2)), after);
  for (const std::string line : {"{type=\"exemplars\"}", "{type=\"samples\"}"}) {
    BOOST_TEST(disk.metrics.RenderText().find("prometheus_tsdb_wal_replay_unknown_refs_total" +
                                              line + " 0\n") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_costs_exemplars_but_no_samples) {
  Disk disk;
  auto db = disk.Open();
  const auto first = Append(*db, New("a", 10));
  Batch batch;
  batch.samples.push_back({first.refs[0], Timestamp::FromMs(20), 2});
  for (int64_t t = 20; t < 90; ++t) {
    batch.exemplars.push_back({first.refs[0], At(t, static_cast<double>(t * t % 97))});
  }
  uint64_t used = 0;
  for (const std::string& name : *disk.fs.List("data/wal"))
    used += *disk.fs.Size(JoinPath("data/wal", name));
  for (const std::string& name : *disk.fs.List("data"))
    if (!disk.fs.IsDirectory(JoinPath("data", name))) used += *disk.fs.Size(JoinPath("data", name));
  disk.fs.SetCapacity(used + 100);
  BOOST_TEST(Append(*db, batch).exemplars == 0u);
  BOOST_TEST(All(*db) == "a: 1@10");
  disk.fs.SetCapacity(std::nullopt);
  batch.samples[0].time = Timestamp::FromMs(30);
  BOOST_TEST(Append(*db, batch).exemplars == 70u);
  const std::string all = All(*db);
  db.reset();
  BOOST_TEST(All(*disk.Open()) == all);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::tsdb
