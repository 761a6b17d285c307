#include "canopy/tsdb/db.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/sample.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/support/memory_store.h"
#include "tests/tsdb/histogram_of.h"

namespace canopy::tsdb {
namespace {

using model::Labels;
using storage::Batch;

// A data directory that outlives the processes that open it.
struct Disk {
  testing::MemFs fs;
  testing::ManualClock clock;
  SelfMetrics metrics;
  Options options{.dir = "data", .maintenance_interval = Duration(0)};

  std::unique_ptr<Db> Open() {
    auto db = Db::Open(fs, clock, metrics, options);
    BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
    return std::move(*db);
  }
  double Metric(const std::string& line) const {
    const std::string page = metrics.RenderText();
    const size_t at = page.find("\n" + line + " ");
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, line << " is not shown");
    return std::stod(page.substr(at + line.size() + 2));
  }
};

uint64_t Used(Fs& fs, const std::string& path) {
  if (!fs.IsDirectory(path)) return *fs.Size(path);
  uint64_t sum = 0;
  const std::vector<std::string> names = *fs.List(path);
  for (const std::string& name : names) sum += Used(fs, JoinPath(path, name));
  return sum;
}

using Contents = std::map<std::string, std::string>;

Contents Read(storage::Queryable& db) {
  const auto querier = db.NewQuerier(Timestamp::Min(), Timestamp::Max());
  BOOST_REQUIRE(querier.ok());
  const auto set = (*querier)->Select({}, {});
  BOOST_REQUIRE(set.ok());
  Contents out;
  storage::ColumnBuffer buffer;
  for (size_t i = 0; i < (*set)->size(); ++i) {
    const auto columns = (*set)->Read(i, Timestamp::Min(), Timestamp::Max(), buffer);
    BOOST_REQUIRE(columns.ok());
    std::string& text = out[(*set)->labels(i).ToLabels().ToString()];
    for (size_t s = 0; s < columns->times.size(); ++s) {
      const bool is_histogram = !columns->histograms.empty() && columns->histograms[s] != nullptr;
      text += std::to_string(columns->times[s]) + ":" +
              (is_histogram                         ? model::ToString(*columns->histograms[s])
               : model::IsStale(columns->values[s]) ? "stale"
                                                    : std::to_string(columns->values[s])) +
              " ";
    }
  }
  return out;
}

// The first series that differs.
std::string Difference(const Contents& got, const Contents& want) {
  for (const auto& [labels, samples] : want) {
    const auto it = got.find(labels);
    if (it == got.end()) return labels + " is missing";
    if (it->second != samples) return labels + "\n  has   " + it->second + "\n  wants " + samples;
  }
  return got.size() == want.size() ? "" : "there are series too many";
}

Batch One(const Labels& labels, int64_t t, double value) {
  Batch batch;
  batch.new_samples.push_back({labels, Timestamp::FromMs(t), value});
  return batch;
}

Labels Numbered(unsigned n) { return Labels{{"__name__", "m"}, {"n", std::to_string(n)}}; }

// A scrape's page of `count` series from `first` on, appended to both.
void Scrape(Db& db, testing::MemoryStore* oracle, unsigned first, unsigned count, int64_t t) {
  Batch batch;
  for (unsigned n = first; n < first + count; ++n) {
    if (n % 9 == 4) {
      batch.new_histograms.push_back({Numbered(n), Timestamp::FromMs(t), HistogramOf(n, t)});
      continue;
    }
    batch.new_samples.push_back({Numbered(n), Timestamp::FromMs(t), double(t) / 1000 + n});
  }
  BOOST_REQUIRE(db.Append(batch).ok());
  if (oracle != nullptr) BOOST_REQUIRE(oracle->Append(batch).ok());
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_was_appended_is_there_after_the_process_has_died) {
  Disk disk;
  testing::MemoryStore oracle;
  std::mt19937 random(7);
  auto db = disk.Open();
  int64_t time = 5'000'000;
  for (int life = 0; life < 6; ++life) {
    for (int i = 0; i < 50; ++i) {
      Batch batch;
      time += 1 + static_cast<int64_t>(random() % 9000);
      for (size_t s = random() % 30; s > 0; --s) {
        const auto n = static_cast<unsigned>(random() % 40);
        const Timestamp t = Timestamp::FromMs(time - int64_t(random() % 3));
        if (n % 9 == 4 && random() % 8 != 0)
          batch.new_histograms.push_back({Numbered(n), t, HistogramOf(n, time)});
        else
          batch.new_samples.push_back({Numbered(n), t, static_cast<double>(random() % 50) / 4});
      }
      BOOST_REQUIRE(db->Append(batch).ok());
      BOOST_REQUIRE(oracle.Append(batch).ok());
    }
    const Contents before = Read(*db);
    BOOST_TEST((before == Read(oracle)));
    db.reset();
    db = disk.Open();
    BOOST_TEST((Read(*db) == before));
  }
  BOOST_TEST(disk.Metric("prometheus_tsdb_wal_corruptions_total") == 0);
}

BOOST_AUTO_TEST_CASE(a_torn_end_of_the_log_costs_the_last_append_and_no_more) {
  Disk first;
  {
    const auto db = first.Open();
    Scrape(*db, nullptr, 0, 3, 1000);
    Scrape(*db, nullptr, 0, 3, 2000);
  }
  const std::string path = "data/wal/00000000";
  const std::string whole = *first.fs.ReadFile(path);
  Contents two = Read(*first.Open());
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    Disk disk;
    BOOST_REQUIRE(disk.fs.MakeDirs("data/wal").ok());
    BOOST_REQUIRE((*disk.fs.Create(path))->Append(whole.substr(0, cut)).ok());
    const auto db = disk.Open();
    const Contents found = Read(*db);
    for (const auto& [labels, samples] : found) BOOST_TEST(two.at(labels).starts_with(samples));
    // It goes on from there.
    Scrape(*db, nullptr, 0, 3, 3000);
    BOOST_TEST(Read(*db).size() == 3u);
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_appends_until_there_is_room) {
  Disk disk;
  auto db = disk.Open();
  Scrape(*db, nullptr, 0, 5, 1000);
  const Contents before = Read(*db);
  disk.fs.SetCapacity(Used(disk.fs, "data") + 10);
  const auto refused = db->Append(One(Numbered(9), 2000, 1));
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(int(refused.status().code()) == int(Code::kIo));
  BOOST_TEST((Read(*db) == before));
  disk.fs.SetCapacity(std::nullopt);
  BOOST_TEST(db->Append(One(Numbered(9), 2000, 1)).ok());
  const Contents after = Read(*db);
  BOOST_TEST(after.size() == 6u);
  db.reset();
  BOOST_TEST((Read(*disk.Open()) == after));
}

// Two hours of real time become two minutes here.
void ShortBlocks(Options& options) {
  options.block_range = Duration(120'000);
  options.max_block_range = Duration(1'080'000);
  options.wal_segment_bytes = 64 << 10;
}

BOOST_AUTO_TEST_CASE(data_moves_through_blocks_and_nothing_changes_for_readers) {
  Disk disk;
  ShortBlocks(disk.options);
  disk.options.retention_time = Duration(0);
  auto db = disk.Open();
  testing::MemoryStore oracle;
  int64_t time = 1'000'000;
  for (int round = 0; round < 60; ++round) {
    // Every round has ten series of its own, and ten that stay.
    for (int i = 0; i < 20; ++i) {
      time += 2000;
      Scrape(*db, &oracle, 0, 10, time);
      Scrape(*db, &oracle, 100 + 10 * static_cast<unsigned>(round), 10, time);
    }
    BOOST_REQUIRE(db->Compact().ok());
    if (round % 7 == 6) {
      db.reset();
      db = disk.Open();
    }
    if (round % 5 == 4) BOOST_TEST(Difference(Read(*db), Read(oracle)) == "", "round " << round);
  }
  BOOST_TEST(Difference(Read(*db), Read(oracle)) == "");
  // The head holds what is new; the log has been truncated.
  BOOST_TEST(db->Stats(3).num_series < 80u);
  BOOST_TEST(db->min_valid_time().ms() >= time - 180'000);
  BOOST_TEST(Used(disk.fs, "data/wal") < 5u * (64 << 10));
  // 2,400 seconds are 20 blocks of two minutes; they have grown together.
  BOOST_TEST(disk.Metric("prometheus_tsdb_blocks_loaded") < 8);
  BOOST_TEST(disk.Metric("prometheus_tsdb_compactions_failed_total") == 0);
  BOOST_TEST(disk.Metric("prometheus_tsdb_head_truncations_failed_total") == 0);
  // And in parts.
  const auto querier = db->NewQuerier(Timestamp::FromMs(1'500'000), Timestamp::FromMs(1'600'000));
  const auto theirs = oracle.NewQuerier(Timestamp::FromMs(1'500'000), Timestamp::FromMs(1'600'000));
  const auto n = model::Matcher::Literal(model::MatchType::kEqual, "n", "3");
  const auto set = (*querier)->Select({&n, 1}, {});
  BOOST_REQUIRE(set.ok() && (*set)->size() == 1);
  storage::ColumnBuffer buffer;
  BOOST_TEST((*set)->Read(0, Timestamp::Min(), Timestamp::Max(), buffer)->times.size() == 51u);
}

BOOST_AUTO_TEST_CASE(what_is_beyond_retention_goes) {
  Disk disk;
  ShortBlocks(disk.options);
  disk.options.retention_time = Duration(600'000);
  auto db = disk.Open();
  for (int64_t t = 1'200'000; t <= 3'600'000; t += 10'000) {
    Scrape(*db, nullptr, 0, 3, t);
    BOOST_REQUIRE(db->Compact().ok());
  }
  const auto querier = db->NewQuerier(Timestamp::Min(), Timestamp::Max());
  const auto set = (*querier)->Select({}, {});
  storage::ColumnBuffer buffer;
  const auto columns = (*set)->Read(0, Timestamp::Min(), Timestamp::Max(), buffer);
  BOOST_REQUIRE(columns.ok() && !columns->times.empty());
  BOOST_TEST(columns->times.front() >= 3'600'000 - 600'000 - 2 * 360'000);
  BOOST_TEST(columns->times.back() == 3'600'000);
  BOOST_TEST(disk.Metric("prometheus_tsdb_time_retentions_total") > 0);
}

// Several blocks are due and the log has several segments. The disk fails from some call on, or at
// that call alone: then later steps go on with what the earlier ones have left.
BOOST_AUTO_TEST_CASE(an_interruption_at_any_write_of_a_compaction_loses_nothing) {
  auto compact = [](size_t fail_at, bool once) {
    Disk disk;
    ShortBlocks(disk.options);
    disk.options.wal_segment_bytes = 32 << 10;
    auto db = disk.Open();
    for (int64_t t = 1'200'000; t <= 1'700'000; t += 10'000) Scrape(*db, nullptr, 0, 400, t);
    BOOST_REQUIRE(disk.fs.List("data/wal")->size() >= 4);
    const Contents before = Read(*db);
    size_t seen = 0;
    disk.fs.SetFault([&](std::string_view) {
      ++seen;
      const bool fails = fail_at != 0 && (once ? seen == fail_at : seen >= fail_at);
      return fails ? Status::Io("unplugged") : Status();
    });
    (void)db->Compact();
    disk.fs.SetFault(nullptr);
    BOOST_TEST(Difference(Read(*db), before) == "");
    db.reset();
    db = disk.Open();
    BOOST_TEST(Difference(Read(*db), before) == "");
    BOOST_TEST(db->Compact().ok());
    BOOST_TEST(Difference(Read(*db), before) == "");
    return seen;
  };
  const size_t calls = compact(0, false);
  BOOST_REQUIRE(calls > 50);
  for (size_t call = 1; call <= calls; ++call) {
    BOOST_TEST_CONTEXT("call " << call) {
      compact(call, true);
      compact(call, false);
    }
  }
}

BOOST_AUTO_TEST_CASE(closed_chunks_go_to_files_and_come_back) {
  Disk disk;
  testing::MemoryStore oracle;
  auto db = disk.Open();
  const auto files = [&] { return disk.fs.List("data/chunks_head"); };
  int64_t t = 7'200'000;
  for (int i = 0; i < 700; ++i, t += 10'000) {
    Scrape(*db, &oracle, i < 400 ? 0 : 7, 20, t);
    if (i % 60 == 59) BOOST_REQUIRE(db->Compact().ok());
  }
  BOOST_TEST(Difference(Read(*db), Read(oracle)) == "");
  BOOST_REQUIRE(files()->size() == 1u);
  const uint64_t used = *disk.fs.Size("data/chunks_head/000001");
  BOOST_TEST(used > 10'000u);
  // The files of a process that has died are read as they are, and not written once more.
  db.reset();
  db = disk.Open();
  BOOST_TEST(Difference(Read(*db), Read(oracle)) == "");
  BOOST_TEST(disk.Metric("prometheus_tsdb_wal_corruptions_total") == 0);
  // What a file has lost is in the log; nothing that stands behind it counts.
  for (const double where : {0.2, 0.5, 0.9}) {
    db.reset();
    disk.fs.Corrupt("data/chunks_head/000001", [&](std::string& bytes) {
      bytes[static_cast<size_t>(where * static_cast<double>(bytes.size()))] ^= 0x20;
    });
    db = disk.Open();
    BOOST_TEST(Difference(Read(*db), Read(oracle)) == "", where);
    BOOST_REQUIRE(db->Compact().ok());
    BOOST_TEST(Difference(Read(*db), Read(oracle)) == "", where);
  }
  for (int i = 0; i < 60; ++i, t += 10'000) Scrape(*db, &oracle, 7, 20, t);
  BOOST_REQUIRE(db->Compact().ok());
  db.reset();
  db = disk.Open();
  BOOST_TEST(Difference(Read(*db), Read(oracle)) == "");
  // Once their time is in a block, files go.
  for (int i = 0; i < 1000; ++i, t += 10'000) Scrape(*db, &oracle, 7, 20, t);
  BOOST_REQUIRE(db->Compact().ok());
  BOOST_REQUIRE(db->Compact().ok());
  BOOST_TEST(Difference(Read(*db), Read(oracle)) == "");
  BOOST_TEST(!disk.fs.Exists("data/chunks_head/000001"));
}

BOOST_AUTO_TEST_CASE(one_process_has_the_directory) {
  Disk disk;
  const auto db = disk.Open();
  const auto second = Db::Open(disk.fs, disk.clock, disk.metrics, disk.options);
  BOOST_REQUIRE(!second.ok());
  BOOST_TEST(int(second.status().code()) == int(Code::kExists));
}

BOOST_AUTO_TEST_CASE(time_is_the_data_s_own) {
  Disk disk;
  const auto db = disk.Open();
  BOOST_TEST((db->min_valid_time() == Timestamp::Min()));
  const HeadStats empty = db->Stats(10);
  BOOST_TEST((empty.min_time == Timestamp::Max() && empty.max_time == Timestamp::Min()));
  BOOST_REQUIRE(db->Append(One(Numbered(1), -5000, 1)).ok());
  BOOST_REQUIRE(db->Append(One(Numbered(1), 0, 2)).ok());
  BOOST_TEST(Read(*db).at("m{n=\"1\"}") == "-5000:1.000000 0:2.000000 ");
  const HeadStats stats = db->Stats(10);
  BOOST_TEST(stats.num_series == 1u);
  BOOST_TEST(stats.num_label_pairs == 2u);
  BOOST_TEST(stats.min_time.ms() == -5000);
  BOOST_TEST(stats.max_time.ms() == 0);
  BOOST_REQUIRE(stats.series_count_by_metric_name.size() == 1);
  BOOST_TEST(stats.series_count_by_metric_name[0].name == "m");
  BOOST_REQUIRE(stats.series_count_by_label_pair.size() == 2);
  BOOST_TEST(stats.series_count_by_label_pair[0].name == "__name__=m");
}

}  // namespace canopy::tsdb
