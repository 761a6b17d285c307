#include <boost/test/unit_test.hpp>

#include "tests/api/node.h"

namespace canopy::testing {
namespace {

BOOST_AUTO_TEST_CASE(build_and_flags) {
  Node node(With([](api::Options& o) {
    o.build = {.version = "3.14.0",
               .revision = "abc",
               .branch = "main",
               .build_user = "me@host",
               .build_date = "20260102-15:04:05",
               .compiler = "g++ 12"};
    o.flags = {{"web.listen-address", "0.0.0.0:9090"}, {"config.file", "a<b.yml"}};
  }));
  const std::string build =
      R"({"version":"3.14.0","revision":"abc","branch":"main","buildUser":"me@host",)"
      R"("buildDate":"20260102-15:04:05","goVersion":"g++ 12"})";
  BOOST_TEST(node.Answer("/api/v1/status/buildinfo") == Success(build));
  BOOST_TEST(node.Answer("/version") == "200 " + build + "\n");
  BOOST_TEST(node.Answer("/api/v1/status/flags") ==
             Success(R"({"config.file":"a\u003cb.yml","web.listen-address":"0.0.0.0:9090"})"));
}

BOOST_FIXTURE_TEST_CASE(runtime_information, Node) {
  runtime.start_time = Timestamp::FromMs(5'000);
  runtime.cwd = "/srv";
  runtime.hostname = "h";
  runtime.reload_config_success = true;
  runtime.last_config_time = Timestamp::FromMs(6'000);
  runtime.corruption_count = 2;
  runtime.threads = 9;
  runtime.processors = 4;
  runtime.storage_retention = "15d";
  BOOST_TEST(Answer("/api/v1/status/runtimeinfo") ==
             Success(R"({"startTime":"1970-01-01T00:00:05Z","CWD":"/srv","hostname":"h",)"
                     R"("serverTime":"1970-01-12T13:46:40Z","reloadConfigSuccess":true,)"
                     R"("lastConfigTime":"1970-01-01T00:00:06Z","corruptionCount":2,)"
                     R"("goroutineCount":9,"GOMAXPROCS":4,"GOMEMLIMIT":9223372036854775807,)"
                     R"("GOGC":"","GODEBUG":"","storageRetention":"15d"})"));
}

BOOST_FIXTURE_TEST_CASE(state_of_the_store, Node) {
  BOOST_TEST(Answer("/api/v1/status/tsdb") ==
             Success(R"({"headStats":{"numSeries":0,"numLabelPairs":0,"chunkCount":0,)"
                     R"("minTime":9223372036854775807,"maxTime":-9223372036854775808},)"
                     R"("seriesCountByMetricName":[],"labelValueCountByLabelName":[],)"
                     R"("memoryInBytesByLabelName":[],"seriesCountByLabelValuePair":[]})"));
  BOOST_TEST(asked_top == 10u);
  tsdb.num_series = 3;
  tsdb.series_count_by_metric_name = {{"up", 2}, {"m", 1}};
  tsdb.series_count_by_label_pair = {{"job=a", 3}};
  tsdb.min_time = Timestamp::FromMs(1);
  tsdb.max_time = Timestamp::FromMs(2);
  BOOST_TEST(
      Answer("/api/v1/status/tsdb?limit=20") ==
      Success(R"({"headStats":{"numSeries":3,"numLabelPairs":0,"chunkCount":0,)"
              R"("minTime":1,"maxTime":2},)"
              R"("seriesCountByMetricName":[{"name":"up","value":2},{"name":"m","value":1}],)"
              R"("labelValueCountByLabelName":[],"memoryInBytesByLabelName":[],)"
              R"("seriesCountByLabelValuePair":[{"name":"job=a","value":3}]})"));
  BOOST_TEST(asked_top == 20u);
  BOOST_TEST(Answer("/api/v1/status/tsdb?limit=0") == BadData("limit must be a positive number"));
  BOOST_TEST(Answer("/api/v1/status/tsdb?limit=x") == BadData("limit must be a positive number"));
  BOOST_TEST(Answer("/api/v1/status/tsdb?limit=10001") == BadData("limit must not exceed 10000"));
}

BOOST_FIXTURE_TEST_CASE(configuration, Node) {
  const FakeResponse response = Get("/api/v1/status/config");
  BOOST_TEST(response.status() == 200);
  BOOST_TEST(response.body().starts_with(R"({"status":"success","data":{"yaml":"global:\n)"));
  BOOST_TEST(response.body().ends_with("\"}}"));
}

}  // namespace
}  // namespace canopy::testing
