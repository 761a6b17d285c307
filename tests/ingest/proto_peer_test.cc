#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "canopy/ingest/page.h"
#include "canopy/net/client.h"
#include "tests/support/free_port.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/peer_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

// Pages of Debian's Prometheus about itself, in both formats. Without it this test says so and
// passes.

namespace canopy::ingest {
namespace {

using testing::FreePort;

// The series that a page becomes.
std::set<model::Labels> SeriesOf(const std::string& page, exposition::PageFormat format) {
  testing::ManualClock clock;
  SelfMetrics metrics;
  PageMetrics counters(metrics);
  MetadataPool pool;
  testing::MemoryStore store;
  const auto rules = std::make_shared<PageRules>();
  rules->native_histograms = true;
  rules->type_and_unit_labels = true;
  TargetPages pages("peer", {{"job", "peer"}}, rules, store, clock, counters, pool);
  Scratch scratch;
  const ScrapeReport report =
      pages.Store({clock.Now(), clock.Now(), 0, std::chrono::seconds(10)}, page, format, scratch);
  BOOST_REQUIRE_MESSAGE(report.error.ok(), report.error.message());
  std::set<model::Labels> out;
  for (const auto& [labels, samples] : store.All()) out.insert(labels);
  return out;
}

BOOST_AUTO_TEST_CASE(a_page_of_prometheus_says_the_same_in_both_formats) {
  if (!testing::HasProgram("prometheus")) {
    BOOST_TEST_MESSAGE("no prometheus here: skipped");
    return;
  }
  const testing::TempDir dir;
  const std::string address = "127.0.0.1:" + std::to_string(FreePort());
  BOOST_REQUIRE(PosixFs().Create(JoinPath(dir.path(), "prometheus.yml")).ok());
  const testing::PeerProcess peer(
      {"prometheus", "--config.file=" + JoinPath(dir.path(), "prometheus.yml"),
       "--storage.tsdb.path=" + JoinPath(dir.path(), "data"), "--web.listen-address=" + address},
      JoinPath(dir.path(), "log"));
  const auto client = net::NewCurlHttpClient();
  const auto page = [&](const char* accept) {
    net::HttpRequest request;
    request.url = "http://" + address + "/metrics";
    request.headers = {{"Accept", accept}};
    return client->Fetch(std::move(request));
  };
  const char* const text = "text/plain;version=0.0.4";
  const char* const proto =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  BOOST_REQUIRE(testing::WaitFor([&] { return page(text).code == 200; }));
  BOOST_REQUIRE(testing::WaitFor([&] {
    return PosixFs().ReadFile(JoinPath(dir.path(), "log"))->find("Server is ready") !=
           std::string::npos;
  }));
  // What it shows may grow meanwhile.
  const std::string before = page(text).body;
  const net::HttpResponse answer = page(proto);
  const std::string after = page(text).body;
  const auto format = exposition::FormatOf(answer.header("content-type"), std::nullopt);
  BOOST_REQUIRE((format.ok() && *format == exposition::PageFormat::kProto));
  const auto got = SeriesOf(answer.body, *format);
  const auto least = SeriesOf(before, exposition::PageFormat::kText);
  const auto most = SeriesOf(after, exposition::PageFormat::kText);
  BOOST_TEST(least.size() > 200u);
  for (const model::Labels& labels : least) BOOST_TEST(got.contains(labels), labels.ToString());
  for (const model::Labels& labels : got) BOOST_TEST(most.contains(labels), labels.ToString());
}

}  // namespace
}  // namespace canopy::ingest
