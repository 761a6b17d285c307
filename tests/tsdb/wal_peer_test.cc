#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "canopy/base/number.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"
#include "tests/tsdb/peer_support.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/wal.h"
#include "tsdb/wal_checkpoint.h"
#include "tsdb/wal_record.h"

// The log between us and Debian's Prometheus, both ways. Without its programs these tests say so
// and pass.

namespace canopy::tsdb {
namespace {

using testing::TempDir;

// Rules need no target: one counts up, one stays.
void WriteConfig(const std::string& dir) {
  WriteFile(JoinPath(dir, "prometheus.yml"), "rule_files: [rules.yml]\n");
  WriteFile(JoinPath(dir, "rules.yml"),
            "groups:\n- name: g\n  interval: 50ms\n  rules:\n"
            "  - {record: 'peer:time', expr: 'time()', labels: {zone: a}}\n"
            "  - {record: 'peer:one', expr: 'vector(1)'}\n");
}

// The samples of each series, and every record of a type that is not expected.
struct Content {
  std::map<std::string, std::vector<RefSample>> series;
  std::vector<std::string> other;
};
Content ContentOf(const Log& log) {
  Content out;
  std::map<uint64_t, std::string> names;
  for (const std::string& record : log.records) {
    Status status;
    switch (TypeOfRecord(record)) {
      case RecordType::kSeries:
        status = DecodeSeries(record, [&](const RefSeries& s) {
          names[s.ref.value()] =
              model::Labels::FromSorted({s.labels.begin(), s.labels.end()}).ToString();
        });
        break;
      case RecordType::kSamples:
        status = DecodeSamples(
            record, [&](const RefSample& s) { out.series[names.at(s.ref.value())].push_back(s); });
        break;
      default:
        out.other.emplace_back(RecordTypeName(TypeOfRecord(record)));
    }
    BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
  }
  return out;
}

BOOST_AUTO_TEST_CASE(a_log_of_prometheus_is_read) {
  if (!Have("prometheus")) return;
  const TempDir dir;
  const std::string data = JoinPath(dir.path(), "data");
  WriteConfig(dir.path());
  testing::PeerProcess peer(
      {"prometheus", "--config.file=" + JoinPath(dir.path(), "prometheus.yml"),
       "--storage.tsdb.path=" + data, "--web.listen-address=127.0.0.1:0"},
      JoinPath(dir.path(), "log"));
  const std::string wal = JoinPath(data, "wal");
  // While it writes, records are whole: 40 of them are more than a second of evaluations.
  BOOST_REQUIRE(testing::WaitFor([&] { return ReadLog(PosixFs(), wal).records.size() > 40; }));
  peer.Kill();
  const Log log = ReadLog(PosixFs(), wal);
  BOOST_TEST(log.fault == "");
  const Content content = ContentOf(log);
  BOOST_TEST(content.other.empty());
  BOOST_REQUIRE(content.series.size() == 2u);
  for (const RefSample& s : content.series.at("peer:one")) BOOST_TEST(s.value == 1);
  const auto& times = content.series.at("peer:time{zone=\"a\"}");
  BOOST_TEST(times.size() >= 15u);
  for (size_t i = 0; i < times.size(); ++i) {
    BOOST_TEST(std::abs(times[i].value - times[i].time.seconds()) < 1e-3);
    if (i > 0) BOOST_TEST((times[i].time > times[i - 1].time));
  }
}

// Several segments with a checkpoint before them, records of a few bytes and of several pages, and
// the line that promtool prints for each sample.
struct OurLog {
  explicit OurLog(const std::string& data, net::Encoding encoding) {
    const std::string wal = JoinPath(data, "wal");
    const WalOptions options{128 << 10, encoding};
    auto writer = WalWriter::Open(PosixFs(), wal, options);
    BOOST_REQUIRE(writer.ok());
    for (int round = 0; round < 60; ++round) {
      std::string series;
      std::string samples;
      SeriesEncoder series_encoder(series);
      SamplesEncoder encoder(samples);
      for (uint64_t i = 1; i <= 1000; ++i) {
        const std::string number = std::to_string(i);
        const model::Labels labels = {{"__name__", "ours"}, {"i", number}};
        if (round == 0) series_encoder.Add(SeriesRef(i), labels);
        if (round > 0 && i > 10 && i % 60 != static_cast<uint64_t>(round)) continue;
        const Timestamp time = Timestamp::FromMs(1'700'000'000'000 + round * 15'000);
        const double value = static_cast<double>(round * 1000) + static_cast<double>(i) / 8;
        encoder.Add(SeriesRef(i), time, value);
        std::string line = "{__name__=\"ours\", i=\"" + number + "\"} ";
        base::AppendFloatShortest(line, value);
        lines.push_back(line + " " + std::to_string(time.ms()));
      }
      encoder.Finish();
      std::vector<std::string> records;
      if (round == 0) records.push_back(series);
      records.push_back(samples);
      BOOST_REQUIRE((*writer)->Append(Views(records)).ok());
      if (round % 7 == 3) BOOST_REQUIRE((*writer)->NextSegment().ok());
    }
    const auto keep_all = [](std::string_view record, std::string& kept) {
      kept = record;
      return Status();
    };
    BOOST_REQUIRE(WriteCheckpoint(PosixFs(), wal, 2, options, keep_all).ok());
    BOOST_REQUIRE(RemoveSegmentsBefore(PosixFs(), wal, 3).ok());
    std::sort(lines.begin(), lines.end());
  }
  std::vector<std::string> lines;
};

BOOST_AUTO_TEST_CASE(promtool_reads_our_log) {
  if (!Have("promtool")) return;
  for (const net::Encoding encoding : {net::Encoding::kIdentity, net::Encoding::kSnappy}) {
    const TempDir dir;
    const OurLog ours(dir.path(), encoding);
    const auto dump = testing::RunProgram({"promtool", "tsdb", "dump", dir.path()});
    BOOST_TEST(dump.exit_status == 0);
    BOOST_TEST(dump.err == "");
    BOOST_TEST(SortedLines(dump.out) == ours.lines, boost::test_tools::per_element());
  }
}

// Prometheus starts on our log without a word about repairs, and ends in order.
BOOST_AUTO_TEST_CASE(prometheus_starts_on_our_log) {
  if (!Have("prometheus") || !Have("promtool")) return;
  const TempDir dir;
  const std::string data = JoinPath(dir.path(), "data");
  const OurLog ours(data, net::Encoding::kSnappy);
  QuietPrometheus peer(dir.path(), data);
  peer.BecomesReadyWithoutComplaint();
  BOOST_TEST(peer.Terminate() == 0);
  const auto dump = testing::RunProgram({"promtool", "tsdb", "dump", data});
  BOOST_TEST(SortedLines(dump.out) == ours.lines, boost::test_tools::per_element());
}

}  // namespace
}  // namespace canopy::tsdb
