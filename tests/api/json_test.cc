#include "api/json.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/support/http_fakes.h"

namespace canopy::api {
namespace {

using testing::FakeResponse;
using namespace std::string_literals;

template <class Fn>
std::string Written(Fn fn) {
  FakeResponse response;
  JsonWriter json(response);
  fn(json);
  BOOST_TEST(json.Finish().ok());
  return response.body();
}

BOOST_AUTO_TEST_CASE(commas_go_between_values) {
  BOOST_TEST(Written([](JsonWriter& json) {
               json.BeginObject();
               json.Key("a");
               json.BeginArray();
               json.Int(-1);
               json.Uint(2);
               json.BeginObject();
               json.EndObject();
               json.BeginArray();
               json.EndArray();
               json.EndArray();
               json.Field("b", "c");
               json.Key("d");
               json.Null();
               json.Key("e");
               json.Bool(true);
               json.EndObject();
             }) == R"({"a":[-1,2,{},[]],"b":"c","d":null,"e":true})");
}

BOOST_AUTO_TEST_CASE(times) {
  const auto f = [](int64_t ms, std::string_view want) {
    BOOST_TEST(Written([&](JsonWriter& json) { json.UnixTime(Timestamp::FromMs(ms)); }) == want);
  };
  f(0, "0");
  f(1, "0.001");
  f(20, "0.020");
  f(1500, "1.500");
  f(1435781451781, "1435781451.781");
  f(-1, "-0.001");
  f(-2000, "-2");
  f(INT64_MIN, "-9223372036854775.808");
  f(INT64_MAX, "9223372036854775.807");
}

BOOST_AUTO_TEST_CASE(histograms) {
  const auto f = [](const model::FloatHistogram& h, std::string_view want) {
    BOOST_TEST(Written([&](JsonWriter& json) {
                 json.HistogramPoint(Timestamp::FromMs(1500), h);
               }) == want);
  };
  model::FloatHistogram h;
  f(h, R"([1.500,{"count":"0","sum":"0"}])");
  h.zero_threshold = 0.001;
  h.zero_count = 1;
  h.count = 9.5;
  h.sum = -3;
  h.positive = {{{0, 3}}, {2, 0, 3.5}};
  h.negative = {{{1, 1}}, {3}};
  f(h, R"([1.500,{"count":"9.5","sum":"-3","buckets":[[1,"-2","-1","3"],[3,"-0.001","0.001","1"],)"
       R"([0,"0.5","1","2"],[0,"2","4","3.5"]]}])");
}

BOOST_AUTO_TEST_CASE(values_of_samples) {
  const auto f = [](double v, std::string_view want) {
    BOOST_TEST(Written([&](JsonWriter& json) { json.SampleValue(v); }) == want);
  };
  f(0, "\"0\"");
  f(-0.0, "\"-0\"");
  f(1.25, "\"1.25\"");
  f(1e20, "\"100000000000000000000\"");
  f(1e21, "\"1e+21\"");
  f(1e-6, "\"0.000001\"");
  f(9.9e-7, "\"9.9e-07\"");
  f(-1.5e300, "\"-1.5e+300\"");
  f(INFINITY, "\"+Inf\"");
  f(-INFINITY, "\"-Inf\"");
  f(NAN, "\"NaN\"");
}

BOOST_AUTO_TEST_CASE(strings) {
  const auto text = [](const std::string& s, std::string_view want) {
    BOOST_TEST(Written([&](JsonWriter& json) { json.Text(s); }) == want);
  };
  text("plain", R"("plain")");
  text("a\"\\/\n\r\t\b\f\x1f\x7f"s, "\"a\\\"\\\\/\\n\\r\\t\\u0008\\u000c\\u001f\x7f\"");
  text("<a&b>", R"("\u003ca\u0026b\u003e")");
  text("ü\xe2\x80\xa8\xff€", "\"ü\\u2028\\ufffd€\"");

  const model::Labels labels({{"__name__", "a<b"}, {"l", "\"\\\n\x01ü"}});
  BOOST_TEST(Written([&](JsonWriter& json) { json.Labels(labels); }) ==
             "{\"__name__\":\"a<b\",\"l\":\"\\\"\\\\\\n\\u0001ü\"}");
}

BOOST_AUTO_TEST_CASE(small_bodies_have_a_length_and_large_ones_go_in_pieces) {
  FakeResponse small;
  JsonWriter json(small);
  json.Text("x");
  BOOST_TEST(json.Finish().ok());
  BOOST_TEST(small.sent());

  FakeResponse large;
  JsonWriter stream(large);
  stream.BeginArray();
  for (int i = 0; i < 100'000; ++i) stream.Int(i);
  stream.EndArray();
  BOOST_TEST(stream.Finish().ok());
  BOOST_TEST(!large.sent());
  BOOST_TEST(large.pieces() == 9);
  BOOST_TEST(large.body().starts_with("[0,1,2,"));
  BOOST_TEST(large.body().ends_with(",99998,99999]"));
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_away_is_noticed) {
  FakeResponse response;
  response.FailAfter(2);
  JsonWriter json(response);
  json.BeginArray();
  int written = 0;
  while (json.ok()) {
    json.Int(written++);
    BOOST_REQUIRE(written < 1'000'000);
  }
  BOOST_TEST((json.Finish().code() == Code::kCanceled));
}

}  // namespace
}  // namespace canopy::api
