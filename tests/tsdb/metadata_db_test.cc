#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include "canopy/tsdb/db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/check_whole.h"
#include "tests/tsdb/peer_support.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/wal_record.h"

// What sources say of series, on its way into the log of a whole store, and back.

namespace canopy::tsdb {
namespace {

using model::Labels;
using model::Metadata;
using model::MetricType;
using storage::Batch;

Labels Named(const std::string& name, const std::string& n = "") {
  return n.empty() ? Labels{{"__name__", name}} : Labels{{"__name__", name}, {"n", n}};
}

class Words final : public storage::MetadataByName {
 public:
  explicit Words(std::map<std::string, Metadata> all) : all_(std::move(all)) {}
  const Metadata* Find(std::string_view metric) const override {
    const auto it = all_.find(std::string(metric));
    return it != all_.end() ? &it->second : nullptr;
  }

 private:
  std::map<std::string, Metadata> all_;
};

Options OptionsFor(std::string dir) {
  return {.dir = std::move(dir),
          .block_range = Duration(120'000),
          .max_block_range = Duration(1'080'000),
          .metadata = true,
          .maintenance_interval = Duration(0)};
}

struct Disk {
  testing::MemFs fs;
  testing::ManualClock clock;
  SelfMetrics metrics;
  Options options = OptionsFor("data");

  std::unique_ptr<Db> Open() {
    auto db = Db::Open(fs, clock, metrics, options);
    BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
    return std::move(*db);
  }
};

storage::AppendReport Append(Db& db, const Batch& batch) {
  auto report = db.Append(batch);
  BOOST_REQUIRE_MESSAGE(report.ok(), report.status().message());
  return std::move(*report);
}

// "series samples metadata[a: gauge s help | ...]": each record, metadata by the series' names.
std::string RecordsOf(Fs& fs, const std::string& dir = "data/wal") {
  std::map<uint64_t, std::string> names;
  std::string out;
  for (const std::string& record : ReadLog(fs, dir).records) {
    out += (out.empty() ? "" : " ") + std::string(RecordTypeName(TypeOfRecord(record)));
    if (TypeOfRecord(record) == RecordType::kSeries) {
      BOOST_TEST(DecodeSeries(record, [&](const RefSeries& row) {
                   names[row.ref.value()] =
                       Labels::FromSorted({row.labels.begin(), row.labels.end()}).ToString();
                 }).ok());
    }
    if (TypeOfRecord(record) != RecordType::kMetadata) continue;
    std::string rows;
    BOOST_TEST(DecodeMetadata(record, [&](const RefMetadata& row) {
                 rows += (rows.empty() ? "" : " | ") + names[row.ref.value()] + ": " +
                         std::string(model::MetricTypeText(row.type)) + " " +
                         std::string(row.unit) + " " + std::string(row.help);
               }).ok());
    out += "[" + rows + "]";
  }
  return out;
}

BOOST_AUTO_TEST_SUITE(metadata_of_a_store)

BOOST_AUTO_TEST_CASE(it_is_logged_before_samples_and_when_it_changes) {
  Disk disk;
  auto db = disk.Open();
  const Words words({{"a", {MetricType::kCounter, "all a", ""}},
                     {"h", {MetricType::kHistogram, "", "seconds"}},
                     {"nothing", {}}});
  Batch batch;
  batch.metadata = &words;
  for (const char* name : {"a", "nothing", "nosuch"})
    batch.new_samples.push_back({Named(name), Timestamp::FromMs(1000), 1});
  batch.new_samples.push_back({Named("a", "2"), Timestamp::FromMs(1000), 1});
  batch.new_histograms.push_back({Named("h"), Timestamp::FromMs(1000), model::Histogram{}});
  const auto refs = Append(*db, batch).refs;
  std::string want =
      "series metadata[a: counter  all a | a{n=\"2\"}: counter  all a | h: histogram seconds ] "
      "samples histogram_samples";
  BOOST_TEST(RecordsOf(disk.fs) == want);

  // Of series that were there, a batch says something only when it says that it does.
  Batch second;
  const Words other(
      {{"a", {MetricType::kGauge, "all a", ""}}, {"h", {MetricType::kHistogram, "", "seconds"}}});
  second.samples.push_back({refs[0], Timestamp::FromMs(2000), 2});
  second.histograms.push_back({refs[4], Timestamp::FromMs(2000), model::Histogram{}});
  second.metadata = &other;
  Append(*db, second);
  want += " samples histogram_samples";
  BOOST_TEST(RecordsOf(disk.fs) == want);
  second.metadata_changed = true;
  second.samples[0].time = second.histograms[0].time = Timestamp::FromMs(3000);
  Append(*db, second);
  want += " metadata[a: gauge  all a] samples histogram_samples";
  BOOST_TEST(RecordsOf(disk.fs) == want);
  // What the log says already is not said again, by this process or the next one.
  second.samples[0].time = second.histograms[0].time = Timestamp::FromMs(4000);
  Append(*db, second);
  want += " samples histogram_samples";
  BOOST_TEST(RecordsOf(disk.fs) == want);
  db.reset();
  db = disk.Open();
  Batch third;
  third.metadata = &other;
  third.metadata_changed = true;
  third.new_samples.push_back({Named("a"), Timestamp::FromMs(5000), 3});
  third.new_samples.push_back({Named("a", "2"), Timestamp::FromMs(5000), 3});
  Append(*db, third);
  BOOST_TEST(RecordsOf(disk.fs) == want + " metadata[a{n=\"2\"}: gauge  all a] samples");
  db.reset();
  CheckWhole(disk.fs, "data");
}

BOOST_AUTO_TEST_CASE(a_store_that_logs_none_passes_it_over) {
  Disk disk;
  disk.options.metadata = false;
  auto db = disk.Open();
  const Words words({{"a", {MetricType::kCounter, "all a", ""}}});
  Batch batch;
  batch.metadata = &words;
  batch.metadata_changed = true;
  batch.new_samples.push_back({Named("a"), Timestamp::FromMs(1000), 1});
  Append(*db, batch);
  BOOST_TEST(RecordsOf(disk.fs) == "series samples");
}

BOOST_AUTO_TEST_CASE(what_could_not_be_logged_is_logged_with_the_next_batch) {
  Disk disk;
  auto db = disk.Open();
  const Words words({{"a", {MetricType::kCounter, "all a", ""}}});
  Batch batch;
  batch.metadata = &words;
  batch.new_samples.push_back({Named("a"), Timestamp::FromMs(1000), 1});
  disk.fs.SetFault([](std::string_view) { return Status::Io("no"); });
  BOOST_TEST(!db->Append(batch).ok());
  disk.fs.SetFault(nullptr);
  Append(*db, batch);
  BOOST_TEST(RecordsOf(disk.fs) == "series metadata[a: counter  all a] samples");
}

// Half an hour of a series whose metadata changes now and then, with one that ends early.
void FillForCheckpoints(Db& db) {
  for (int64_t t = 0; t <= 1'800'000; t += 30'000) {
    const Words words({{"a", {MetricType::kCounter, "a of " + std::to_string(t / 600'000), ""}},
                       {"b", {MetricType::kGauge, "all b", "bytes"}},
                       {"gone", {MetricType::kGauge, "no more", ""}}});
    Batch batch;
    batch.metadata = &words;
    batch.metadata_changed = true;
    for (const char* name : {"a", "b"})
      batch.new_samples.push_back({Named(name), Timestamp::FromMs(t), 1});
    if (t <= 60'000) batch.new_samples.push_back({Named("gone"), Timestamp::FromMs(t), 1});
    Append(db, batch);
    BOOST_TEST(db.Compact().ok());
  }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_keeps_the_last_word_on_each_series_that_lives) {
  for (const bool on : {true, false}) {
    Disk disk;
    auto db = disk.Open();
    FillForCheckpoints(*db);
    // A store that logs none keeps what others have logged.
    disk.options.metadata = on;
    db.reset();
    db = disk.Open();
    for (int64_t t = 1'830'000; t <= 2'400'000; t += 30'000) {
      Batch batch;
      for (const char* name : {"a", "b"})
        batch.new_samples.push_back({Named(name), Timestamp::FromMs(t), 1});
      Append(*db, batch);
      BOOST_TEST(db->Compact().ok());
    }
    BOOST_REQUIRE(!disk.fs.List("data/wal")->front().starts_with("00000000"));
    const std::string records = RecordsOf(disk.fs);
    const std::string want = "metadata[a: counter  a of 3 | b: gauge bytes all b]";
    BOOST_TEST(records.find(want) != std::string::npos, records);
    BOOST_TEST(records.find("no more") == std::string::npos, records);
    const size_t first = records.find("metadata[");
    BOOST_TEST(records.find("metadata[", first + 1) == std::string::npos, records);
    db.reset();
    CheckWhole(disk.fs, "data");
  }
}

BOOST_AUTO_TEST_CASE(a_series_that_comes_back_is_said_something_of_again) {
  Disk disk;
  auto db = disk.Open();
  FillForCheckpoints(*db);
  const Words words({{"gone", {MetricType::kGauge, "no more", ""}}});
  Batch batch;
  batch.metadata = &words;
  batch.new_samples.push_back({Named("gone"), Timestamp::FromMs(1'830'000), 1});
  Append(*db, batch);
  BOOST_TEST(RecordsOf(disk.fs).ends_with("series metadata[gone: gauge  no more] samples"));
}

// Debian's Prometheus has nothing to repair in a log with metadata, checkpoint included.
BOOST_AUTO_TEST_CASE(prometheus_reads_a_log_with_metadata) {
  if (!Have("prometheus") || !Have("promtool")) return;
  const testing::TempDir dir;
  const std::string data = JoinPath(dir.path(), "data");
  testing::ManualClock clock;
  SelfMetrics metrics;
  {
    auto db = Db::Open(PosixFs(), clock, metrics, OptionsFor(data));
    BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
    FillForCheckpoints(**db);
  }
  const std::string records = RecordsOf(PosixFs(), JoinPath(data, "wal"));
  BOOST_REQUIRE(records.find("metadata[a: counter") != std::string::npos);
  BOOST_REQUIRE(!PosixFs().List(JoinPath(data, "wal"))->front().starts_with("00000000"));
  const auto before = testing::RunProgram({"promtool", "tsdb", "dump", data});
  QuietPrometheus peer(dir.path(), data);
  peer.BecomesReadyWithoutComplaint();
  BOOST_TEST(peer.Terminate() == 0);
  const auto after = testing::RunProgram({"promtool", "tsdb", "dump", data});
  BOOST_TEST(SortedLines(after.out) == SortedLines(before.out), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::tsdb
