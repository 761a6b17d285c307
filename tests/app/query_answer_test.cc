#include "app/query_answer.h"

#include <boost/test/unit_test.hpp>

#include "app/query_table.h"

namespace canopy::app {
namespace {

std::string Shown(std::string_view body) {
  const auto answer = ParseQueryAnswer(body);
  return answer.ok() ? FormatValue(answer->value) : answer.status().message();
}
std::string Success(const std::string& data) {
  return R"({"status":"success","data":)" + data + "}";
}

BOOST_AUTO_TEST_CASE(answers_in_columns) {
  BOOST_TEST(Shown(Success(R"({"resultType":"vector","result":[
      {"metric":{"__name__":"up","job":"a"},"value":[1435781451.781,"1"]},
      {"metric":{"job":"één"},"value":[1435781451,"-12.5"]},
      {"metric":{},"value":[0,"NaN"]}]})")) ==
             "up{job=\"a\"}      1  2015-07-01T20:10:51.781Z\n"
             "{job=\"één\"}  -12.5  2015-07-01T20:10:51Z\n"
             "{}             NaN  1970-01-01T00:00:00Z\n");
  BOOST_TEST(Shown(Success(R"({"resultType":"matrix","result":[
      {"metric":{"a":"1"},"values":[[0,"1"],[60,"100"]]},{"metric":{"a":"2"},"values":[]}]})")) ==
             "{a=\"1\"}\n"
             "  1970-01-01T00:00:00Z    1\n"
             "  1970-01-01T00:01:00Z  100\n"
             "{a=\"2\"}\n");
  BOOST_TEST(Shown(Success(R"({"resultType":"scalar","result":[1,"42"]})")) ==
             "42  1970-01-01T00:00:01Z\n");
  BOOST_TEST(Shown(Success(R"({"resultType":"string","result":[1,"a text"]})")) == "a text\n");
  BOOST_TEST(Shown(Success(R"({"resultType":"vector","result":[]})")) == "");
}

BOOST_AUTO_TEST_CASE(warnings_and_infos_of_an_answer) {
  const auto answer = ParseQueryAnswer(
      R"({"status":"success","data":{"resultType":"vector","result":[]},"warnings":["w"],"infos":["i"]})");
  BOOST_REQUIRE(answer.ok());
  BOOST_TEST((answer->warnings == std::vector<std::string>{"w", "i"}));
}

BOOST_AUTO_TEST_CASE(series_and_names) {
  const auto series = ParseSeriesAnswer(Success(R"([{"__name__":"up","a":"b"},{"a":"c"}])"));
  BOOST_REQUIRE(series.ok());
  BOOST_TEST(series->at(0).ToString() == "up{a=\"b\"}");
  BOOST_TEST(series->size() == 2);
  const auto names = ParseNamesAnswer(Success(R"(["a","b"])"));
  BOOST_REQUIRE(names.ok());
  BOOST_TEST((*names == std::vector<std::string>{"a", "b"}));
}

BOOST_AUTO_TEST_CASE(errors_of_the_server) {
  const auto failed =
      ParseQueryAnswer(R"({"status":"error","errorType":"bad_data","error":"1:2: no"})");
  BOOST_TEST((failed.status().code() == Code::kExecution));
  BOOST_TEST(failed.status().message() == "bad_data: 1:2: no");
}

BOOST_AUTO_TEST_CASE(what_is_no_answer) {
  for (const std::string& body :
       {std::string(), std::string("<html>"), std::string("[]"), std::string(R"({"status":1})"),
        Success("3"), Success(R"({"resultType":"vector","result":[{"metric":{}}]})"),
        Success(R"({"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"2"]}]})"),
        Success(R"({"resultType":"vector","result":[{"metric":{},"value":[1,2]}]})"),
        Success(R"({"resultType":"scalar","result":["1","2"]})"),
        Success(R"({"resultType":"scalar","result":[1,"x"]})"),
        Success(R"({"resultType":"matrix","result":[3]})"),
        Success(R"({"resultType":"tensor","result":[]})"), std::string(100'000, '[')}) {
    const auto answer = ParseQueryAnswer(body);
    BOOST_REQUIRE(!answer.ok());
    BOOST_TEST((answer.status().code() == Code::kCorrupt), body);
  }
  BOOST_TEST((ParseSeriesAnswer(Success("[1]")).status().code() == Code::kCorrupt));
  BOOST_TEST((ParseNamesAnswer(Success("{}")).status().code() == Code::kCorrupt));
}

}  // namespace
}  // namespace canopy::app
