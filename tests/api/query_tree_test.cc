// /api/v1/parse_query: trees as Prometheus shows them, keys sorted.
#include <boost/test/unit_test.hpp>

#include "canopy/net/url.h"
#include "tests/api/node.h"

namespace canopy::testing {
namespace {

struct Trees : Node {
  Trees()
      : Node(With([](api::Options& o) {
          o.features.experimental_functions = true;
          o.features.extended_range_selectors = true;
          o.features.binop_fill_modifiers = true;
        })) {}
  std::string Tree(const std::string& query) {
    return Answer("/api/v1/parse_query?" + net::Form({{"query", query}}).Encode());
  }
};

std::string NameMatcher(const std::string& name) {
  return R"({"name":"__name__","type":"=","value":")" + name + R"("})";
}
std::string Selector(const std::string& name, const std::string& more = "") {
  return R"({"anchored":false,"matchers":[)" + more + NameMatcher(name) + R"(],"name":")" + name +
         R"(","offset":0,"offsetExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":null,)"
         R"("type":"vectorSelector"})";
}
std::string Number(const std::string& value) {
  return R"({"type":"numberLiteral","val":")" + value + R"("})";
}
std::string DurationNumber(const std::string& value, bool duration) {
  return std::string(R"({"duration":)") + (duration ? "true" : "false") +
         R"(,"type":"numberLiteral","val":")" + value + R"("})";
}
std::string Op(const std::string& lhs, const std::string& op, const std::string& rhs,
               bool wrapped = false) {
  return R"({"lhs":)" + lhs + R"(,"op":")" + op + R"(","rhs":)" + rhs +
         R"(,"type":"durationExpr","wrapped":)" + (wrapped ? "true" : "false") + "}";
}

BOOST_FIXTURE_TEST_CASE(literals_and_unary_operators, Trees) {
  const auto f = [&](const std::string& query, const std::string& want) {
    BOOST_TEST_CONTEXT(query) { BOOST_TEST(Tree(query) == Success(want)); }
  };
  f("1", Number("1"));
  f("1e25", Number("10000000000000000000000000"));
  f("-Inf", Number("-Inf"));
  f("NaN", Number("NaN"));
  f("1m30s", Number("90"));
  f("\"a<b\"", R"({"type":"stringLiteral","val":"a\u003cb"})");
  f("-foo", R"({"expr":)" + Selector("foo") + R"(,"op":"-","type":"unaryExpr"})");
  f("(1)", R"({"expr":)" + Number("1") + R"(,"type":"parenExpr"})");
}

BOOST_FIXTURE_TEST_CASE(selectors, Trees) {
  const auto f = [&](const std::string& query, const std::string& want) {
    BOOST_TEST_CONTEXT(query) { BOOST_TEST(Tree(query) == Success(want)); }
  };
  f("foo", Selector("foo"));
  f(R"(foo{a="1",b!~"x|y"})", Selector("foo", R"({"name":"a","type":"=","value":"1"},)"
                                              R"({"name":"b","type":"!~","value":"x|y"},)"));
  f(R"({"a.b"})", R"({"anchored":false,"matchers":[)" + NameMatcher("a.b") +
                      R"(],"name":"","offset":0,"offsetExpr":null,"smoothed":false,)"
                      R"("startOrEnd":null,"timestamp":null,"type":"vectorSelector"})");
  f("foo @ 1.5 offset -5m",
    R"({"anchored":false,"matchers":[)" + NameMatcher("foo") +
        R"(],"name":"foo","offset":-300000,"offsetExpr":null,"smoothed":false,)"
        R"("startOrEnd":null,"timestamp":1500,"type":"vectorSelector"})");
  f("foo[5m] @ end()",
    R"({"anchored":false,"matchers":[)" + NameMatcher("foo") +
        R"(],"name":"foo","offset":0,"offsetExpr":null,"range":300000,"rangeExpr":null,)"
        R"("smoothed":false,"startOrEnd":"end","timestamp":null,"type":"matrixSelector"})");
  f("foo[5m] anchored",
    R"({"anchored":true,"matchers":[)" + NameMatcher("foo") +
        R"(],"name":"foo","offset":0,"offsetExpr":null,"range":300000,"rangeExpr":null,)"
        R"("smoothed":false,"startOrEnd":null,"timestamp":null,"type":"matrixSelector"})");
  f("foo[1h:5m] @ start() offset 1m",
    R"({"expr":)" + Selector("foo") +
        R"(,"offset":60000,"offsetExpr":null,"range":3600000,"rangeExpr":null,)"
        R"("startOrEnd":"start","step":300000,"stepExpr":null,"timestamp":null,)"
        R"("type":"subquery"})");
  f("foo[1h:]", R"({"expr":)" + Selector("foo") +
                    R"(,"offset":0,"offsetExpr":null,"range":3600000,"rangeExpr":null,)"
                    R"("startOrEnd":null,"step":0,"stepExpr":null,"timestamp":null,)"
                    R"("type":"subquery"})");
}

BOOST_FIXTURE_TEST_CASE(duration_expressions, Trees) {
  const auto matrix = [&](const std::string& query, const std::string& range,
                          const std::string& offset) {
    BOOST_TEST_CONTEXT(query) {
      BOOST_TEST(Tree(query) == Success(R"({"anchored":false,"matchers":[)" + NameMatcher("foo") +
                                        R"(],"name":"foo","offset":0,"offsetExpr":)" + offset +
                                        R"(,"range":0,"rangeExpr":)" + range +
                                        R"(,"smoothed":false,"startOrEnd":null,"timestamp":null,)"
                                        R"("type":"matrixSelector"})"));
    }
  };
  matrix("foo[5m+1m]", Op(DurationNumber("300", true), "+", DurationNumber("60", true)), "null");
  matrix("foo[5m+1m] offset (10m/2)",
         Op(DurationNumber("300", true), "+", DurationNumber("60", true)),
         Op(DurationNumber("600", true), "/", DurationNumber("2", false), true));
  matrix("foo[max_of(step(),5m)] offset -min_of(5s,range()+8s)",
         Op(Op("null", "step", "null"), "max_of", DurationNumber("300", true)),
         Op("null", "-",
            Op(DurationNumber("5", true), "min_of",
               Op(Op("null", "range", "null"), "+", DurationNumber("8", true)))));
}

BOOST_FIXTURE_TEST_CASE(calls_aggregations_and_operators, Trees) {
  const auto f = [&](const std::string& query, const std::string& want) {
    BOOST_TEST_CONTEXT(query) { BOOST_TEST(Tree(query) == Success(want)); }
  };
  f("time()",
    R"({"args":[],"func":{"argTypes":[],"name":"time","returnType":"scalar","variadic":0},)"
    R"("type":"call"})");
  f("round(foo, 2)", R"({"args":[)" + Selector("foo") + "," + Number("2") +
                         R"(],"func":{"argTypes":["vector","scalar"],"name":"round",)"
                         R"("returnType":"vector","variadic":1},"type":"call"})");
  f("label_join(foo, \"a\", \"b\")",
    R"({"args":[)" + Selector("foo") +
        R"(,{"type":"stringLiteral","val":"a"},{"type":"stringLiteral","val":"b"}],)"
        R"("func":{"argTypes":["vector","string","string","string"],"name":"label_join",)"
        R"("returnType":"vector","variadic":-1},"type":"call"})");
  f("sum by (b, a) (foo)", R"({"expr":)" + Selector("foo") +
                               R"(,"grouping":["b","a"],"op":"sum","param":null,)"
                               R"("type":"aggregation","without":false})");
  f("topk without (a) (3, foo)", R"({"expr":)" + Selector("foo") +
                                     R"(,"grouping":["a"],"op":"topk","param":)" + Number("3") +
                                     R"(,"type":"aggregation","without":true})");
  f("sum(foo)", R"({"expr":)" + Selector("foo") +
                    R"(,"grouping":[],"op":"sum","param":null,"type":"aggregation",)"
                    R"("without":false})");
  f("1 >bool 2", R"({"bool":true,"lhs":)" + Number("1") +
                     R"(,"matching":null,"op":"\u003e","rhs":)" + Number("2") +
                     R"(,"type":"binaryExpr"})");
  f("a + b", R"({"bool":false,"lhs":)" + Selector("a") +
                 R"(,"matching":{"card":"one-to-one","fillValues":{"lhs":null,"rhs":null},)"
                 R"("include":[],"labels":[],"on":false},"op":"+","rhs":)" +
                 Selector("b") + R"(,"type":"binaryExpr"})");
  f("a / on (x) group_left (y) fill_right (1.5) b",
    R"({"bool":false,"lhs":)" + Selector("a") +
        R"(,"matching":{"card":"many-to-one","fillValues":{"lhs":null,"rhs":1.5},)"
        R"("include":["y"],"labels":["x"],"on":true},"op":"/","rhs":)" +
        Selector("b") + R"(,"type":"binaryExpr"})");
  f("a unless ignoring (z) b",
    R"({"bool":false,"lhs":)" + Selector("a") +
        R"(,"matching":{"card":"many-to-many","fillValues":{"lhs":null,"rhs":null},)"
        R"("include":[],"labels":["z"],"on":false},"op":"unless","rhs":)" +
        Selector("b") + R"(,"type":"binaryExpr"})");
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_parsed_is_refused, Trees) {
  BOOST_TEST(Tree("foo/") ==
             BadData(R"(invalid parameter \"query\": 1:5: parse error: unexpected end of input)"));
  BOOST_TEST(Post("/api/v1/parse_query", "query=1").body() ==
             Get("/api/v1/parse_query?query=1").body());
}

BOOST_FIXTURE_TEST_CASE(deep_trees_are_written, Trees) {
  std::string query = "m";
  for (int i = 0; i < 400; ++i) query = "-(" + query + ")";
  BOOST_TEST(Get("/api/v1/parse_query?" + net::Form({{"query", query}}).Encode()).status() == 200);
}

}  // namespace
}  // namespace canopy::testing
