#include "canopy/promql/query_log.h"

#include <re2/re2.h>

#include <boost/test/unit_test.hpp>

#include "canopy/promql/engine.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/support/memory_store.h"

namespace canopy::promql {
namespace {

struct Fixture {
  testing::ManualClock clock{Timestamp::FromMs(1'767'366'000'250)};
  testing::MemFs fs{clock};
  testing::MemoryStore store;
  SelfMetrics metrics;
  Engine engine{{}, clock, metrics};

  Fixture() {
    store.Load(Duration(60'000), "m{a=\"<x>\"} 0+1x10");
    engine.SetQueryLog(Open("/log"));
  }
  std::shared_ptr<QueryLog> Open(const std::string& path) {
    return QueryLog::Open(fs, path).value();
  }
  // The line of this source is no promise.
  std::string Lines() {
    std::string text = fs.ReadFile("/log").value();
    RE2::GlobalReplace(&text, R"(log\.cc:[0-9]+)", "log.cc");
    return text;
  }
  double Metric(std::string_view name) { return metrics.AddCounter(name, "").value(); }
};

constexpr const char* kHead =
    R"({"time":"2026-01-02T15:00:00.250Z","level":"INFO","source":"query_log.cc","msg":"promql query logged",)";

std::string Stats(int total, int read, int peak) {
  return R"("stats":{"timings":{"evalTotalTime":0,"resultSortTime":0,"queryPreparationTime":0,)"
         R"("innerEvalTime":0,"execQueueTime":0,"execTotalTime":0},"samples":{)"
         R"("totalQueryableSamples":)" +
         std::to_string(total) + R"(,"samplesRead":)" + std::to_string(read) +
         R"(,"peakSamples":)" + std::to_string(peak) + "}}";
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(each_query_is_a_line_of_json, Fixture) {
  std::string want;
  const auto logged = [&](const std::string& line) {
    want += kHead + line + "\n";
    BOOST_TEST(Lines() == want);
  };
  BOOST_REQUIRE(engine.Instant(store, "m{a=\"<x>\"}", Timestamp::FromMs(60'500)).ok());
  logged(
      R"("params":{"end":"1970-01-01T00:01:00.500Z","query":"m{a=\"<x>\"}","start":"1970-01-01T00:01:00.500Z","step":0},)" +
      Stats(1, 1, 1) + "}");

  QueryOptions http;
  http.origin.client_ip = "127.0.0.1";
  http.origin.method = "POST";
  http.origin.path = "/api/v1/query_range";
  BOOST_REQUIRE(engine
                    .Range(store, "sum(count_over_time(m[2m]))",
                           {Timestamp(), Timestamp::FromMs(130'000), Duration(60'000)}, http)
                    .ok());
  logged(
      R"_("params":{"end":"1970-01-01T00:02:10.000Z","query":"sum(count_over_time(m[2m]))","start":"1970-01-01T00:00:00.000Z","step":60},)_" +
      Stats(5, 3, 6) +
      R"(,"httpRequest":{"clientIP":"127.0.0.1","method":"POST","path":"/api/v1/query_range"}})");

  QueryOptions rule;
  rule.origin.rule_file = "/etc/rules.yml";
  rule.origin.rule_group = "g";
  BOOST_REQUIRE(!engine.Instant(store, "topk(NaN, m)", Timestamp(), rule).ok());
  logged(
      R"_("params":{"end":"1970-01-01T00:00:00.000Z","query":"topk(NaN, m)","start":"1970-01-01T00:00:00.000Z","step":0},"error":"Parameter value is NaN",)_" +
      Stats(0, 0, 0) + R"(,"ruleGroup":{"file":"/etc/rules.yml","name":"g"}})");

  // What cannot be parsed is no query.
  BOOST_REQUIRE(!engine.Instant(store, "sum(", Timestamp()).ok());
  BOOST_TEST(Lines() == want);
}

BOOST_FIXTURE_TEST_CASE(the_log_can_be_changed_and_ended, Fixture) {
  BOOST_TEST(metrics.AddGauge("prometheus_engine_query_log_enabled", "").value() == 1);
  BOOST_REQUIRE(engine.Instant(store, "1", Timestamp()).ok());
  const std::string first = Lines();
  // After a rotation the name is another file.
  BOOST_REQUIRE(fs.Rename("/log", "/log.1").ok());
  BOOST_REQUIRE(engine.Instant(store, "2", Timestamp()).ok());
  engine.SetQueryLog(Open("/log"));
  BOOST_REQUIRE(engine.Instant(store, "3", Timestamp()).ok());
  BOOST_TEST(Lines().find("\"query\":\"3\"") != std::string::npos);
  BOOST_TEST(Lines().find("\"query\":\"2\"") == std::string::npos);
  BOOST_TEST(fs.ReadFile("/log.1").value().find("\"query\":\"2\"") != std::string::npos);
  const std::string before = Lines();
  engine.SetQueryLog(nullptr);
  BOOST_REQUIRE(engine.Instant(store, "4", Timestamp()).ok());
  BOOST_TEST(Lines() == before);
  BOOST_TEST(metrics.AddGauge("prometheus_engine_query_log_enabled", "").value() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_log_that_cannot_be_written_fails_no_query, Fixture) {
  fs.SetCapacity(0);
  BOOST_TEST(engine.Instant(store, "1", Timestamp()).ok());
  BOOST_TEST(engine.Instant(store, "2", Timestamp()).ok());
  BOOST_TEST(Metric("prometheus_engine_query_log_failures_total") == 2);
  const auto missing = QueryLog::Open(fs, "/no/such/log");
  BOOST_REQUIRE(!missing.ok());
  BOOST_TEST(missing.status().message().starts_with("query_log_file: "));
}

}  // namespace canopy::promql
