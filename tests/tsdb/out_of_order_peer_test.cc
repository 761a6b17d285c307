#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "canopy/base/number.h"
#include "canopy/net/client.h"
#include "canopy/tsdb/db.h"
#include "tests/support/free_port.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/peer_support.h"
#include "tsdb/block_meta.h"
#include "tsdb/ulid.h"

// Blocks and logs of samples that came out of order, as Debian's programs read them. Without those
// these tests say so and pass.

namespace canopy::tsdb {
namespace {

using testing::TempDir;

constexpr int64_t kStart = 1'700'006'400'000;  // a multiple of two hours
constexpr int64_t kMinute = 60'000;

// A sample each minute for `minutes`, of five series; those of every third minute come last. What
// promtool prints of them.
std::vector<std::string> Fill(Db& db, int minutes) {
  std::vector<std::string> lines;
  for (const bool late : {false, true}) {
    for (int minute = 0; minute < minutes; ++minute) {
      if ((minute % 3 == 1) != late) continue;
      storage::Batch batch;
      for (int i = 0; i < 5; ++i) {
        const std::string number = std::to_string(i);
        const Timestamp time = Timestamp::FromMs(kStart + minute * kMinute);
        const double value = minute * 10 + i + 0.5;
        batch.new_samples.push_back({model::Labels{{"__name__", "m"}, {"i", number}}, time, value});
        std::string line = "{__name__=\"m\", i=\"" + number + "\"} ";
        base::AppendFloatShortest(line, value);
        lines.push_back(line + " " + std::to_string(time.ms()));
      }
      const auto report = db.Append(batch);
      BOOST_REQUIRE(report.ok());
      BOOST_REQUIRE(report->rejected.empty());
    }
  }
  std::ranges::sort(lines);
  return lines;
}

std::unique_ptr<Db> OpenStore(const std::string& data, testing::ManualClock& clock,
                              SelfMetrics& metrics) {
  auto db = Db::Open(PosixFs(), clock, metrics,
                     {.dir = data,
                      .retention_time = Duration(0),
                      .out_of_order_window = std::chrono::hours(24),
                      .maintenance_interval = Duration(0)});
  BOOST_REQUIRE(db.ok());
  return std::move(*db);
}

BOOST_AUTO_TEST_CASE(prometheus_reads_blocks_of_out_of_order_samples) {
  if (!Have("prometheus")) return;
  const TempDir dir;
  const std::string data = JoinPath(dir.path(), "data");
  const uint16_t port = testing::FreePort();
  testing::ManualClock clock;
  SelfMetrics metrics;
  auto db = OpenStore(data, clock, metrics);
  const std::vector<std::string> lines = Fill(*db, 5 * 60);
  BOOST_REQUIRE(db->Compact().ok());
  db.reset();
  const std::vector<std::string> names = *PosixFs().List(data);
  // Of the first two hours, joined with what was in order, and of the rest.
  size_t late = 0;
  size_t blocks = 0;
  for (const std::string& name : names) {
    if (!Ulid::Parse(name)) continue;
    ++blocks;
    late += ReadBlockMeta(PosixFs(), JoinPath(data, name))->HasHint(kFromOutOfOrder);
  }
  BOOST_TEST(blocks == 3u);
  BOOST_TEST(late == 2u);
  // promtool 2.42 takes a block of any kind for the end of what the head has become; the server
  // does not.
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  const std::string config = JoinPath(dir.path(), "prometheus.yml");
  WriteFile(config, "");
  testing::PeerProcess peer({"prometheus", "--config.file=" + config, "--storage.tsdb.path=" + data,
                             "--storage.tsdb.retention.time=100y",
                             "--web.listen-address=127.0.0.1:" + std::to_string(port)},
                            JoinPath(dir.path(), "log"));
  const auto client = net::NewCurlHttpClient();
  const auto ask = [&](const std::string& query) {
    net::HttpRequest request;
    request.url =
        url + "/api/v1/query?time=" + std::to_string(kStart / 1000 + 6 * 3600) + "&query=" + query;
    return client->Fetch(std::move(request)).body;
  };
  BOOST_TEST(testing::WaitFor([&] { return ask("1").find("success") != std::string::npos; }));
  const auto shows = [&](const std::string& query, const std::string& want) {
    const std::string body = ask(query);
    BOOST_TEST(body.find("\"" + want + "\"]") != std::string::npos, body);
  };
  shows("sum(count_over_time(m[7h]))", std::to_string(lines.size()));
  // Of minutes and series: 10 * sum of 0..299 for each of five, and 0.5 .. 4.5 for each minute.
  shows("sum(sum_over_time(m[7h]))", "2246250");
  BOOST_TEST(peer.Terminate() == 0);
}

BOOST_AUTO_TEST_CASE(prometheus_starts_on_our_out_of_order_log) {
  if (!Have("prometheus") || !Have("promtool")) return;
  const TempDir dir;
  const std::string data = JoinPath(dir.path(), "data");
  testing::ManualClock clock;
  SelfMetrics metrics;
  auto db = OpenStore(data, clock, metrics);
  const std::vector<std::string> lines = Fill(*db, 2 * 60);
  db.reset();
  {
    QuietPrometheus peer(dir.path(), data);
    peer.BecomesReadyWithoutComplaint();
    BOOST_TEST(peer.Terminate() == 0);
  }
  // And it has left us what we had.
  db = OpenStore(data, clock, metrics);
  const auto querier = db->NewQuerier(Timestamp::Min(), Timestamp::Max());
  const auto set = (*querier)->Select({}, {});
  size_t samples = 0;
  storage::ColumnBuffer buffer;
  for (size_t i = 0; i < (*set)->size(); ++i)
    samples += (*set)->Read(i, Timestamp::Min(), Timestamp::Max(), buffer)->times.size();
  BOOST_TEST(samples == lines.size());
}

}  // namespace
}  // namespace canopy::tsdb
