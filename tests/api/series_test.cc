#include <boost/test/unit_test.hpp>

#include "tests/api/node.h"

namespace canopy::testing {
namespace {

struct Labelled : Node {
  Labelled() {
    store.Load(Duration(60'000), R"(up{job="a",instance="1"} 1x10)");
    store.Load(Duration(60'000), R"(up{job="b",instance="2"} 1x10)");
    store.Load(Duration(60'000), R"(old{job="a"} 1)");
    store.Load(Duration(60'000), R"({"with.dots","a.b"="x"} 1x10)");
  }
};

BOOST_FIXTURE_TEST_CASE(series, Labelled) {
  const auto f = [&](std::string_view params, std::string_view want) {
    BOOST_TEST_CONTEXT(params) {
      BOOST_TEST(Answer("/api/v1/series?" + std::string(params)) == want);
    }
  };
  const std::string a = R"({"__name__":"up","instance":"1","job":"a"})";
  const std::string b = R"({"__name__":"up","instance":"2","job":"b"})";
  const std::string old = R"({"__name__":"old","job":"a"})";
  f("match[]=up%7Bjob%3D%22a%22%7D", Success("[" + a + "]"));
  f("match[]=old&match[]=up&match[]=%7Bjob%3D%22a%22%7D",
    Success("[" + old + "," + a + "," + b + "]"));
  f("match[]=old&start=60", Success("[]"));
  f("match[]=old&start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z",
    Success("[" + old + "]"));
  f("match[]=none", Success("[]"));
  f("match[]=%7B__name__%3D%22with.dots%22%7D", Success(R"([{"__name__":"with.dots","a.b":"x"}])"));
  f("match[]=old&match[]=up&limit=2", "200 {\"status\":\"success\",\"data\":[" + old + "," + a +
                                          "],\"warnings\":[\"results truncated due to limit\"]}");
  f("", BadData("no match[] parameter provided"));
  f("match[]=%7B%7D", BadData(R"(invalid parameter \"match[]\": match[] must contain at least one )"
                              R"(non-empty matcher)"));
  f("match[]=up%5B5m%5D",
    BadData(R"(invalid parameter \"match[]\": 1:3: parse error: unexpected \"[\")"));
  f("match[]=up&start=x",
    BadData(R"(invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to )"
            R"(a valid timestamp)"));
  f("match[]=%zz", BadData(R"(error parsing form values: invalid URL escape \"%zz\")"));
  BOOST_TEST(Post("/api/v1/series", "match[]=old").body() ==
             "{\"status\":\"success\",\"data\":[" + old + "]}");
}

BOOST_FIXTURE_TEST_CASE(label_names, Labelled) {
  const auto f = [&](std::string_view params, std::string_view want) {
    BOOST_TEST_CONTEXT(params) {
      BOOST_TEST(Answer("/api/v1/labels" + std::string(params)) == want);
    }
  };
  f("", Success(R"(["__name__","a.b","instance","job"])"));
  f("?match[]=old", Success(R"(["__name__","job"])"));
  f("?match[]=old&match[]=%7B%22a.b%22%21%3D%22%22%7D", Success(R"(["__name__","a.b","job"])"));
  f("?start=1&end=59", Success("[]"));
  f("?limit=2", R"(200 {"status":"success","data":["__name__","a.b"],)"
                R"("warnings":["results truncated due to limit"]})");
  f("?limit=4", Success(R"(["__name__","a.b","instance","job"])"));
  f("?match[]=%7B", BadData("1:2: parse error: unexpected end of input inside braces"));
  f("?end=x", BadData(R"(invalid parameter \"end\": invalid time value for 'end': cannot parse )"
                      R"(\"x\" to a valid timestamp)"));
}

BOOST_FIXTURE_TEST_CASE(label_values, Labelled) {
  const auto f = [&](std::string_view rest, std::string_view want) {
    BOOST_TEST_CONTEXT(rest) { BOOST_TEST(Answer("/api/v1/label/" + std::string(rest)) == want); }
  };
  f("job/values", Success(R"(["a","b"])"));
  f("__name__/values", Success(R"(["old","up","with.dots"])"));
  f("job/values?match[]=old&match[]=none", Success(R"(["a"])"));
  f("none/values", Success("[]"));
  f("a.b/values", Success(R"(["x"])"));
  f("U__a_2e_b/values", Success(R"(["x"])"));
  f("job/values?limit=1", R"(200 {"status":"success","data":["a"],)"
                          R"("warnings":["results truncated due to limit"]})");
  f("job/values?match[]=%7Bjob%3D~%22.*%22%7D",
    BadData("match[] must contain at least one non-empty matcher"));
}

BOOST_FIXTURE_TEST_CASE(a_store_that_fails, Labelled) {
  store.FailWith(Status::Io("disk on fire"));
  BOOST_TEST(Answer("/api/v1/labels") == Error(422, "execution", "disk on fire"));
  BOOST_TEST(Answer("/api/v1/label/job/values") == Error(422, "execution", "disk on fire"));
  BOOST_TEST(Answer("/api/v1/series?match[]=up") == Error(422, "execution", "disk on fire"));
  store.FailWith(Status::Unavailable("TSDB not ready"));
  BOOST_TEST(Answer("/api/v1/labels") == Error(500, "unavailable", "TSDB not ready"));
}

}  // namespace
}  // namespace canopy::testing
