#include "canopy/tsdb/read_only_db.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "canopy/tsdb/db.h"
#include "tests/support/mem_fs.h"
#include "tests/support/random_histograms.h"
#include "tests/tsdb/block_support.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/head_chunk_files.h"
#include "tsdb/wal.h"
#include "tsdb/wal_histogram_record.h"
#include "tsdb/wal_record.h"
#include "tsdb/wal_segment.h"

namespace canopy::tsdb {
namespace {

using testing::MemFs;

constexpr int64_t kStart = 1'699'999'200'000;  // a multiple of two hours
constexpr int64_t kRange = 7'200'000;

SampleMap Shown(Fs& fs, int64_t mint = INT64_MIN, int64_t maxt = INT64_MAX,
                std::vector<std::string>* notices = nullptr) {
  const auto db = ReadOnlyDb::Open(fs, "/data");
  BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
  if (notices != nullptr)
    *notices = (*db)->notices();
  else
    BOOST_TEST((*db)->notices().empty());
  const auto querier = (*db)->NewQuerier(Timestamp::FromMs(mint), Timestamp::FromMs(maxt));
  BOOST_REQUIRE(querier.ok());
  const auto set = (*querier)->Select({}, {.sorted = true});
  BOOST_REQUIRE(set.ok());
  return WithoutEmpty(SamplesOf(**set));
}

std::unique_ptr<Db> MustOpen(Fs& fs, SelfMetrics& metrics) {
  auto db = Db::Open(fs, SystemClock(), metrics,
                     {.dir = "/data",
                      .retention_time = Duration(0),
                      .wal_segment_bytes = 64 << 10,
                      .maintenance_interval = Duration(0)});
  BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
  return std::move(*db);
}

// Appends scrape by scrape, `samples` of each series from place `first` on.
void MustAppend(Db& db, const SampleMap& content, size_t first, size_t end) {
  for (size_t i = first; i < end; ++i) {
    storage::Batch batch;
    for (const auto& [labels, column] : content)
      batch.new_samples.push_back({labels, Timestamp::FromMs(column[i].first), column[i].second});
    const auto report = db.Append(batch);
    BOOST_REQUIRE(report.ok());
    BOOST_REQUIRE(report->rejected.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_directory_is_read_while_a_store_has_it) {
  MemFs fs;
  SelfMetrics metrics;
  const SampleMap content = RandomSamples(20, 1400, kStart, 1);
  const auto db = MustOpen(fs, metrics);
  MustAppend(*db, content, 0, 700);
  const auto before = [&](size_t end) {
    SampleMap out = content;
    for (auto& [labels, column] : out) column.resize(end);
    return out;
  };
  BOOST_TEST(SameSamples(Shown(fs), before(700)));
  MustAppend(*db, content, 700, 1400);
  BOOST_REQUIRE(db->Compact().ok());
  std::vector<std::string> faults;
  BOOST_TEST(ListBlocks(fs, "/data", faults)->size() == 2u);
  fs.ClearCalls();
  BOOST_TEST(SameSamples(Shown(fs), content));
  const int64_t from = kStart + kRange - 100'000;
  const int64_t until = kStart + 2 * kRange + 100'000;
  BOOST_TEST(SameSamples(Shown(fs, from, until), WithoutEmpty(Within(content, {}, from, until))));
  // Nothing was written.
  BOOST_TEST(fs.calls().empty());
}

BOOST_AUTO_TEST_CASE(blocks_are_listed_by_time_with_their_sizes) {
  MemFs fs;
  const SampleMap content = RandomSamples(5, 30, kStart + kRange, 2);
  const SampleMap older = RandomSamples(7, 20, kStart, 3);
  std::vector<std::string> names;
  for (const auto* part : {&content, &older}) {
    MapSource source(*part);
    const int64_t mint = part == &content ? kStart + kRange : kStart;
    const auto meta = WriteBlock(fs, "/data", MetaFor(mint, mint + kRange), source);
    BOOST_REQUIRE(meta.ok());
    names.push_back(meta->ulid.ToString());
  }
  std::vector<std::string> faults;
  const auto blocks = ListBlocks(fs, "/data", faults);
  BOOST_REQUIRE(blocks.ok());
  BOOST_TEST(faults.empty());
  BOOST_REQUIRE(blocks->size() == 2u);
  BOOST_TEST((*blocks)[0].ulid == names[1]);
  BOOST_TEST((*blocks)[0].series == 7u);
  BOOST_TEST((*blocks)[0].samples == 7u * 20);
  uint64_t bytes = 0;
  for (const char* file : {"index", "meta.json", "tombstones", "chunks/000001"})
    bytes += *fs.Size("/data/" + names[1] + "/" + file);
  BOOST_TEST((*blocks)[0].bytes == bytes);
  fs.Corrupt("/data/" + names[0] + "/meta.json", [](std::string& text) { text[0] = 'x'; });
  BOOST_TEST(ListBlocks(fs, "/data", faults)->size() == 1u);
  BOOST_REQUIRE(faults.size() == 1u);
  BOOST_TEST(faults[0].starts_with("/data/" + names[0] + "/meta.json: "));
  BOOST_TEST((ListBlocks(fs, "/none", faults).status().code() == Code::kNotFound));
  BOOST_TEST((ReadOnlyDb::Open(fs, "/none").status().code() == Code::kNotFound));
}

// A log by hand.
class Log {
 public:
  explicit Log(Fs& fs, const std::string& dir = "/data/wal") {
    auto writer = WalWriter::Open(fs, dir, {});
    BOOST_REQUIRE(writer.ok());
    writer_ = std::move(*writer);
  }
  void Series(uint64_t ref, const model::Labels& labels) {
    std::string record;
    SeriesEncoder(record).Add(SeriesRef(ref), labels);
    Append(record);
  }
  void Samples(const std::vector<RefSample>& rows) {
    std::string record;
    SamplesEncoder encoder(record);
    for (const RefSample& row : rows) encoder.Add(row.ref, row.time, row.value);
    encoder.Finish();
    Append(record);
  }
  void Append(const std::string& record) { BOOST_REQUIRE(writer_->Append(Views({record})).ok()); }
  WalWriter& writer() { return *writer_; }

 private:
  std::unique_ptr<WalWriter> writer_;
};
RefSample At(uint64_t ref, int64_t t, double v) {
  return {SeriesRef(ref), Timestamp::FromMs(t), v};
}

BOOST_AUTO_TEST_CASE(deletions_renamed_series_and_late_samples_of_a_log_are_seen) {
  MemFs fs;
  const model::Labels a{{"__name__", "a"}};
  const model::Labels b{{"__name__", "b"}};
  Log log(fs);
  log.Series(1, a);
  log.Series(2, b);
  log.Samples({At(1, 10, 1), At(2, 10, 2), At(1, 20, 3), At(1, 30, 4)});
  // Refused in the end, as Prometheus logs it; and a series that came back under another number.
  log.Samples({At(1, 15, 99)});
  log.Series(7, a);
  log.Samples({At(7, 40, 5)});
  std::string record;
  const RefTombstone row{SeriesRef(1), Timestamp::FromMs(20), Timestamp::FromMs(30)};
  EncodeTombstones({&row, 1}, record);
  log.Append(record);
  BOOST_TEST(SameSamples(Shown(fs), {{a, {{10, 1}, {40, 5}}}, {b, {{10, 2}}}}));
  Log late(fs, "/data/wbl");
  late.Samples({At(2, 5, 6), At(7, 33, 7), At(2, 3, 8)});
  BOOST_TEST(
      SameSamples(Shown(fs), {{a, {{10, 1}, {33, 7}, {40, 5}}}, {b, {{3, 8}, {5, 6}, {10, 2}}}}));
}

RefHistogram Row(uint64_t ref, int64_t t, const model::Histogram& h) {
  RefHistogram out;
  out.ref = SeriesRef(ref);
  out.time = Timestamp::FromMs(t);
  out.counter_reset_hint = static_cast<uint8_t>(h.hint);
  out.schema = h.schema;
  out.zero_threshold = h.zero_threshold;
  out.zero_count = h.zero_count;
  out.count = h.count;
  out.sum = h.sum;
  for (const auto& span : h.positive.spans)
    out.positive_spans.push_back({span.offset, span.length});
  for (const auto& span : h.negative.spans)
    out.negative_spans.push_back({span.offset, span.length});
  out.positive_buckets = h.positive.buckets;
  out.negative_buckets = h.negative.buckets;
  out.custom_values = h.custom_values;
  return out;
}

BOOST_AUTO_TEST_CASE(histograms_of_a_log_are_seen_between_floats) {
  MemFs fs;
  const model::Labels a{{"__name__", "a"}};
  Log log(fs);
  log.Series(1, a);
  testing::RandomHistograms random(1, {});
  std::map<int64_t, model::FloatHistogram> want;
  for (int64_t t = 10; t < 4000; t += 10) {
    if (t % 500 == 0) {
      log.Samples({At(1, t, 1)});
      continue;
    }
    const model::Histogram histogram = random.Next();
    const RefHistogram rows[] = {Row(1, t, histogram), Row(1, t - 300, histogram)};
    std::string exponential;
    std::string custom;
    // The second was refused in the end.
    EncodeHistograms(rows, LogForm::kPlain, exponential, custom);
    log.Append(exponential);
    model::ToFloat(histogram, want[t]);
  }
  model::Histogram impossible;
  impossible.count = 7;
  const RefHistogram row = Row(1, 5000, impossible);
  std::string exponential;
  std::string custom;
  EncodeHistograms({&row, 1}, LogForm::kPlain, exponential, custom);
  log.Append(exponential);
  const auto db = ReadOnlyDb::Open(fs, "/data");
  BOOST_REQUIRE(db.ok());
  BOOST_REQUIRE((*db)->notices().size() == 1u);
  BOOST_TEST((*db)->notices()[0].starts_with("1 native histograms of the log cannot be"));
  const auto querier = (*db)->NewQuerier(Timestamp::Min(), Timestamp::Max());
  const auto set = (*querier)->Select({}, {});
  storage::ColumnBuffer buffer;
  const auto columns = (*set)->Read(0, Timestamp::Min(), Timestamp::Max(), buffer);
  BOOST_REQUIRE_MESSAGE(columns.ok(), columns.status().message());
  BOOST_REQUIRE(columns->times.size() == want.size() + 7);
  for (size_t i = 0; i < columns->times.size(); ++i) {
    const int64_t t = columns->times[i];
    if (t % 500 == 0) {
      BOOST_TEST(columns->values[i] == 1);
      BOOST_TEST(columns->histograms[i] == nullptr);
    } else if (model::IsStale(want.at(t).sum)) {
      BOOST_TEST(model::IsStale(columns->values[i]));
    } else {
      BOOST_REQUIRE(columns->histograms[i] != nullptr);
      BOOST_TEST(testing::SameStored(*columns->histograms[i], want.at(t)));
    }
  }
}

BOOST_AUTO_TEST_CASE(head_chunks_fill_what_the_log_has_lost) {
  MemFs fs;
  const model::Labels a{{"__name__", "a"}};
  {
    Log log(fs);
    log.Series(1, a);
    log.Samples({At(1, 20, 2), At(1, 30, 3)});
    const auto files = HeadChunkFiles::Open(fs, "/data/chunks_head", [](uint64_t, auto&) {});
    BOOST_REQUIRE(files.ok());
    const auto append = [&](const std::vector<std::pair<int64_t, double>>& rows, uint64_t ref) {
      chunk::XorEncoder encoder;
      for (const auto& [t, v] : rows) encoder.Append(t, v);
      BOOST_REQUIRE((*files)
                        ->Append({SeriesRef(ref), rows.front().first, rows.back().first,
                                  ChunkEncoding::kXor, false, encoder.bytes()})
                        .ok());
    };
    append({{5, 0}, {10, 1}, {20, 2}}, 1);
    append({{5, 0}, {40, 4}}, 2);
    BOOST_REQUIRE((*files)->Flush().ok());
  }
  fs.ClearCalls();
  BOOST_TEST(SameSamples(Shown(fs), {{a, {{5, 0}, {10, 1}, {20, 2}, {30, 3}}}}));
  BOOST_TEST(SameSamples(Shown(fs, 10, 10), {{a, {{10, 1}}}}));
  BOOST_TEST(fs.calls().empty());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_named_and_left_out) {
  MemFs fs;
  const model::Labels a{{"__name__", "a"}};
  {
    Log log(fs);
    log.Series(1, a);
    log.Samples({At(1, 10, 1)});
    log.Samples({At(3, 10, 1)});
    BOOST_REQUIRE(log.writer().NextSegment().ok());
    log.Samples({At(1, 20, 2)});
    log.Samples({At(1, 30, 3)});
  }
  const SampleMap content = RandomSamples(3, 10, 1, 4);
  MapSource source(content);
  const auto meta = WriteBlock(fs, "/data", MetaFor(0, kRange), source);
  BOOST_REQUIRE(meta.ok());
  const std::string block = "/data/" + meta->ulid.ToString();
  fs.Corrupt(block + "/index", [](std::string& bytes) { bytes[0] = 'x'; });
  std::vector<std::string> notices;
  BOOST_TEST(
      SameSamples(Shown(fs, INT64_MIN, INT64_MAX, &notices), {{a, {{10, 1}, {20, 2}, {30, 3}}}}));
  BOOST_REQUIRE(notices.size() == 2u);
  BOOST_TEST(notices[0].starts_with("block " + meta->ulid.ToString() + " is left out: " + block));
  BOOST_TEST(notices[1] ==
             "1 samples of the log are of series that it does not name, and are left out");
  BOOST_REQUIRE(fs.RemoveAll(block).ok());
  fs.Corrupt("/data/wal/00000001", [](std::string& bytes) { bytes[8] = 'x'; });
  BOOST_TEST(SameSamples(Shown(fs, INT64_MIN, INT64_MAX, &notices), {{a, {{10, 1}}}}));
  BOOST_REQUIRE(notices.size() == 2u);
  BOOST_TEST(notices[0].starts_with("/data/wal/00000001: offset 0: unexpected checksum; "));
  // A writer at its work: not worth a word.
  fs.Corrupt("/data/wal/00000000",
             [](std::string& bytes) { bytes.resize(bytes.find_last_not_of('\0') - 2); });
  BOOST_REQUIRE(fs.Remove("/data/wal/00000001").ok());
  BOOST_TEST(SameSamples(Shown(fs, INT64_MIN, INT64_MAX, &notices), {{a, {{10, 1}}}}));
  BOOST_TEST(notices.empty());
}

}  // namespace
}  // namespace canopy::tsdb
