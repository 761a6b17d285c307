#include <boost/test/unit_test.hpp>

#include "tests/api/node.h"

namespace canopy::testing {
namespace {

struct Queries : Node {
  Queries() {
    store.Load(Duration(60'000), R"(m{job="a"} 0+1x10)");
    store.Load(Duration(60'000), R"(m{job="b"} 0+2x10)");
    store.Load(Duration(60'000), R"(one 1.5)");
    store.Add(model::Labels({{"__name__", "quoted"}, {"l", "a\"\\<&>\n\x01ü"}}),
              Timestamp::FromMs(1), 1);
  }
};

BOOST_FIXTURE_TEST_CASE(instant_queries, Queries) {
  const auto f = [&](std::string_view params, std::string_view want) {
    BOOST_TEST_CONTEXT(params) {
      BOOST_TEST(Answer("/api/v1/query?" + std::string(params)) == want);
    }
  };
  f("query=1%2B1&time=4", Success(R"({"resultType":"scalar","result":[4,"2"]})"));
  f("query=%22a%3Cb%22&time=4.5", Success(R"({"resultType":"string","result":[4.5,"a\u003cb"]})"));
  f("query=sort(m)&time=120",
    Success(R"({"resultType":"vector","result":[)"
            R"({"metric":{"__name__":"m","job":"a"},"value":[120,"2"]},)"
            R"({"metric":{"__name__":"m","job":"b"},"value":[120,"4"]}]})"));
  f("query=m%7Bjob%3D%22a%22%7D%5B2m%5D&time=120.001",
    Success(R"({"resultType":"matrix","result":[)"
            R"({"metric":{"__name__":"m","job":"a"},"values":[[60,"1"],[120,"2"]]}]})"));
  f("query=nothing&time=1", Success(R"({"resultType":"vector","result":[]})"));
  f("query=quoted&time=0.001",
    Success(R"({"resultType":"vector","result":[{"metric":{"__name__":"quoted",)"
            R"("l":"a\"\\<&>\n\u0001ü"},"value":[0.001,"1"]}]})"));
  f("query=vector(1e-7)&time=-1.5",
    Success(R"({"resultType":"vector","result":[{"metric":{},"value":[-1.500,"1e-07"]}]})"));
  f("query=-Inf&time=1970-01-01T00:00:01.25Z",
    Success(R"({"resultType":"scalar","result":[1.25,"-Inf"]})"));
  f("query=1e21&time=0",
    Success(R"({"resultType":"scalar","result":[0,"1000000000000000000000"]})"));
  // Without a time: now.
  f("query=time()", Success(R"({"resultType":"scalar","result":[1000000,"1000000"]})"));
}

BOOST_FIXTURE_TEST_CASE(limits_cut_off_and_say_so, Queries) {
  BOOST_TEST(Answer("/api/v1/query?query=m%7Bjob%3D%22a%22%7D%20or%20one&time=0&limit=1") ==
             R"(200 {"status":"success","data":{"resultType":"vector","result":[)"
             R"({"metric":{"__name__":"m","job":"a"},"value":[0,"0"]}]},)"
             R"("warnings":["results truncated due to limit"]})");
  BOOST_TEST(Answer("/api/v1/query?query=one&time=0&limit=1") ==
             Success(R"({"resultType":"vector","result":[)"
                     R"({"metric":{"__name__":"one"},"value":[0,"1.5"]}]})"));
}

BOOST_FIXTURE_TEST_CASE(range_queries, Queries) {
  const auto f = [&](std::string_view params, std::string_view want) {
    BOOST_TEST_CONTEXT(params) {
      BOOST_TEST(Answer("/api/v1/query_range?" + std::string(params)) == want);
    }
  };
  f("query=m&start=60&end=180&step=60",
    Success(R"({"resultType":"matrix","result":[)"
            R"({"metric":{"__name__":"m","job":"a"},"values":[[60,"1"],[120,"2"],[180,"3"]]},)"
            R"({"metric":{"__name__":"m","job":"b"},"values":[[60,"2"],[120,"4"],[180,"6"]]}]})"));
  f("query=2&start=0&end=1&step=500ms",
    Success(R"({"resultType":"matrix","result":[)"
            R"({"metric":{},"values":[[0,"2"],[0.500,"2"],[1,"2"]]}]})"));
  f("query=m&start=x&end=1&step=1",
    BadData(R"(invalid parameter \"start\": cannot parse \"x\" to a valid timestamp)"));
  f("query=m&start=1&end=&step=1",
    BadData(R"(invalid parameter \"end\": cannot parse \"\" to a valid timestamp)"));
  f("query=m&start=2&end=1&step=1",
    BadData(R"(invalid parameter \"end\": end timestamp must not be before start time)"));
  f("query=m&start=1&end=2&step=x",
    BadData(R"(invalid parameter \"step\": cannot parse \"x\" to a valid duration)"));
  f("query=m&start=1&end=2&step=0",
    BadData(R"(invalid parameter \"step\": zero or negative query resolution step widths are not )"
            R"(accepted. Try a positive integer)"));
  f("query=m&start=1&end=2&step=1e300",
    BadData(R"(invalid parameter \"step\": cannot parse \"1e300\" to a valid duration. It )"
            R"(overflows int64)"));
  f("query=m&start=0&end=11000&step=1", Answer("/api/v1/query_range?query=m&start=0&end=11000&"
                                               "step=1000ms"));
  f("query=m&start=0&end=11001&step=1",
    BadData("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
            "resolution (?step=XX)"));
}

BOOST_FIXTURE_TEST_CASE(wrong_parameters, Queries) {
  const auto f = [&](std::string_view params, std::string_view want) {
    BOOST_TEST_CONTEXT(params) {
      BOOST_TEST(Answer("/api/v1/query?" + std::string(params)) == BadData(want));
    }
  };
  f("query=", R"(invalid parameter \"query\": unknown position: parse error: no expression found )"
              R"(in input)");
  f("query=foo-%3D", R"(invalid parameter \"query\": 1:5: parse error: unexpected \"=\")");
  f("query=1*-*1", R"(invalid parameter \"query\": 1:4: parse error: unexpected \u003cop:*\u003e)");
  f("query=1&time=x",
    R"(invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid )"
    R"(timestamp)");
  f("query=1&timeout=x",
    R"(invalid parameter \"timeout\": cannot parse \"x\" to a valid duration)");
  f("query=1&limit=x",
    R"(invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax)");
  f("query=1&limit=-1", R"(invalid parameter \"limit\": limit must be non-negative)");
  f("query=1&limit=99999999999999999999",
    R"(invalid parameter \"limit\": strconv.Atoi: parsing \"99999999999999999999\": value out of )"
    R"(range)");
  f("query=1&lookback_delta=x",
    R"(error parsing lookback delta duration: cannot parse \"x\" to a valid duration)");
}

BOOST_FIXTURE_TEST_CASE(forms_and_headers, Queries) {
  const FakeResponse posted = Post("/api/v1/query", "query=m%7Bjob%3D%22a%22%7D&time=120");
  BOOST_TEST(posted.body() == Get("/api/v1/query?query=m%7Bjob%3D%22a%22%7D&time=120").body());
  BOOST_TEST(posted.status() == 200);
  BOOST_TEST(posted.header("Content-Type") == "application/json");
  BOOST_TEST(posted.header("Vary") == "Origin");
  BOOST_TEST(posted.header("Access-Control-Allow-Origin") == "");

  const FakeResponse cross =
      Serve(FakeRequest("GET", "/api/v1/query?query=1").With("Origin", "http://grafana.example"));
  BOOST_TEST(cross.header("Access-Control-Allow-Origin") == "*");
  BOOST_TEST(cross.header("Access-Control-Allow-Methods") == "GET, POST, OPTIONS");
  BOOST_TEST(cross.header("Access-Control-Allow-Headers") ==
             "Accept, Authorization, Content-Type, Origin");
  BOOST_TEST(cross.header("Access-Control-Expose-Headers") == "Date");

  const FakeResponse preflight =
      Serve(FakeRequest("OPTIONS", "/api/v1/query").With("Origin", "http://grafana.example"));
  BOOST_TEST(preflight.status() == 204);
  BOOST_TEST(preflight.body() == "");
  BOOST_TEST(preflight.header("Access-Control-Allow-Origin") == "*");
}

BOOST_AUTO_TEST_CASE(origins_can_be_restricted) {
  Node node(With([](api::Options& o) { o.cors_origin = "https?://(.*\\.)?example\\.org"; }));
  const auto f = [&](std::string origin, std::string_view want) {
    const FakeResponse r =
        node.Serve(FakeRequest("GET", "/api/v1/query?query=1").With("Origin", origin));
    BOOST_TEST(r.header("Access-Control-Allow-Origin") == want);
  };
  f("https://a.example.org", "https://a.example.org");
  f("http://example.org", "http://example.org");
  f("http://example.org.evil", "");
}

BOOST_FIXTURE_TEST_CASE(statistics_on_request, Queries) {
  const std::string body = Get("/api/v1/query?query=m&time=120&stats=true").body();
  BOOST_TEST(body.find(R"("stats":{"timings":{"evalTotalTime":)") != std::string::npos);
  BOOST_TEST(body.find(R"("samples":{"totalQueryableSamples":2,"samplesRead":2,"peakSamples":)") !=
             std::string::npos);
  BOOST_TEST(
      Get("/api/v1/query?query=m&time=120&stats=yes")
          .body()
          .find(R"("warnings":["value \"yes\" for parameter \"stats\" is deprecated and will be )"
                R"(rejected in the next major release, use \"true\" or \"all\""])") !=
      std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(exemplars, Queries) {
  storage::Batch batch;
  const model::Labels trace = {{"trace_id", "a<b"}, {"z", "1"}};
  batch.new_samples.push_back({{{"__name__", "m"}, {"job", "a"}}, Timestamp::FromMs(600'000), 1});
  batch.new_exemplars.push_back(
      {{{"__name__", "m"}, {"job", "b"}}, {{}, 0.25, Timestamp::FromMs(60'000)}});
  for (const int64_t t : {600'001, 601'500, 700'000})
    batch.new_exemplars.push_back(
        {{{"__name__", "m"}, {"job", "a"}}, {trace, 1e-7, Timestamp::FromMs(t)}});
  batch.new_exemplars.push_back({{{"__name__", "one"}}, {trace, 3, Timestamp::FromMs(600'000)}});
  BOOST_REQUIRE(store.Append(batch).ok());
  const auto at = [](std::string_view time) {
    return R"({"labels":{"trace_id":"a<b","z":"1"},"value":"1e-07","timestamp":)" +
           std::string(time) + "}";
  };
  const std::string a = R"({"seriesLabels":{"__name__":"m","job":"a"},"exemplars":[)";
  const std::string b = R"({"seriesLabels":{"__name__":"m","job":"b"},"exemplars":[)"
                        R"({"labels":{},"value":"0.25","timestamp":60}]})";
  const std::string one = R"({"seriesLabels":{"__name__":"one"},"exemplars":[)"
                          R"({"labels":{"trace_id":"a<b","z":"1"},"value":"3","timestamp":600}]})";
  const std::string all_of_a = a + at("600.001") + "," + at("601.500") + "," + at("700") + "]}";
  BOOST_TEST(Answer("/api/v1/query_exemplars?query=m") == Success("[" + all_of_a + "," + b + "]"));
  BOOST_TEST(Answer("/api/v1/query_exemplars?query=m&start=600.002&end=699.999") ==
             Success("[" + a + at("601.500") + "]}]"));
  BOOST_TEST(
      Answer("/api/v1/query_exemplars?query=sum(rate(m%7Bjob=%22a%22%7D%5B1m%5D))%2F-max(one)") ==
      Success("[" + all_of_a + "," + one + "]"));
  const FakeResponse posted = Post("/api/v1/query_exemplars", "query=one%5B5m:1m%5D");
  BOOST_TEST(posted.body() == R"({"status":"success","data":[)" + one + "]}");
}

BOOST_FIXTURE_TEST_CASE(exemplars_that_are_none, Queries) {
  BOOST_TEST(Answer("/api/v1/query_exemplars?query=test&start=1700000000000&end=1700000001000") ==
             Success("[]"));
  BOOST_TEST(Answer("/api/v1/query_exemplars?query=1") == "204 ");
  BOOST_TEST(Answer("/api/v1/query_exemplars?query=(") ==
             BadData("1:2: parse error: unclosed left parenthesis"));
  BOOST_TEST(Answer("/api/v1/query_exemplars?query=a&start=2&end=1") ==
             BadData("end timestamp must not be before start timestamp"));
}

BOOST_FIXTURE_TEST_CASE(queries_are_formatted, Queries) {
  BOOST_TEST(Answer("/api/v1/format_query?query=foo%2Fbar") == Success(R"("foo / bar")"));
  BOOST_TEST(Answer("/api/v1/format_query?query=a%3Cb") == Success(R"("a \u003c b")"));
  BOOST_TEST(Answer("/api/v1/format_query?query=foo%2F") ==
             BadData(R"(invalid parameter \"query\": 1:5: parse error: unexpected end of input)"));
}

BOOST_FIXTURE_TEST_CASE(a_store_that_fails_is_an_internal_error, Queries) {
  store.FailWith(Status::Io("disk on fire"));
  const FakeResponse response = Get("/api/v1/query?query=m");
  BOOST_TEST(response.status() == 500);
  BOOST_TEST(response.body().starts_with(R"({"status":"error","errorType":"internal","error":")"));
}

BOOST_FIXTURE_TEST_CASE(large_results_leave_in_pieces, Queries) {
  std::string many = "/api/v1/query_range?start=0&end=10999&step=1&query=";
  std::string query = "m";
  for (int i = 0; i < 4; ++i)
    query +=
        "%20or%20label_replace(m%2C%22x%22%2C%22" + std::to_string(i) + "%22%2C%22%22%2C%22%22)";
  const FakeResponse response = Get(many + query);
  BOOST_TEST(response.status() == 200);
  BOOST_TEST(!response.sent());
  BOOST_TEST(response.pieces() > 1);
  BOOST_TEST(response.body().starts_with(R"({"status":"success","data":{"resultType":"matrix")"));
  BOOST_TEST(response.body().ends_with("]}]}}"));
}

}  // namespace
}  // namespace canopy::testing
