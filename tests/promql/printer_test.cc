#include <boost/test/unit_test.hpp>

#include "canopy/promql/parser.h"

namespace canopy::promql {
namespace {

constexpr Features kAll{
    .experimental_functions = true, .extended_range_selectors = true, .binop_fill_modifiers = true};

// Prints as `want`, which parses into the same tree and prints the same again.
void Prints(std::string_view query, std::string_view want) {
  BOOST_TEST_CONTEXT(query) {
    const auto tree = ParseExpr(query, kAll);
    BOOST_TEST_REQUIRE(tree.ok(), tree.status().message());
    const std::string text = ToString(**tree);
    BOOST_TEST(text == want);
    const auto again = ParseExpr(text, kAll);
    BOOST_TEST_REQUIRE(again.ok(), again.status().message());
    BOOST_TEST(SameTree(**tree, **again));
    BOOST_TEST(ToString(**again) == text);
  }
}

void PrintsItself(std::string_view query) { Prints(query, query); }

BOOST_AUTO_TEST_CASE(numbers_of_every_form) {
  Prints("1", "1");
  Prints(".5", "0.5");
  Prints("5.", "5");
  Prints("1e3", "1000");
  Prints("1E-3", "0.001");
  Prints("1_000_000.5", "1000000.5");
  Prints("0x1F", "31");
  Prints("0xee", "238");
  Prints("0X_ff_ff", "65535");
  Prints("017", "15");
  Prints("08", "8");
  Prints("4.9e-324", "0." + std::string(323, '0') + "5");
  Prints("inf", "+Inf");
  Prints("+iNf", "+Inf");
  Prints("-INF", "-Inf");
  Prints("NaN", "NaN");
  Prints("nan", "NaN");
  Prints("- 1", "-1");
  Prints("--1", "1");
  Prints("+-+1", "-1");
  Prints("1048576", "1048576");
  Prints("1h30m", "1h30m");
  Prints("-5m", "-5m");
  Prints("90m", "1h30m");
  Prints("0s", "0s");
  Prints("100ms", "100ms");
}

BOOST_AUTO_TEST_CASE(strings) {
  Prints(R"("double-quoted string \" with escaped quote")",
         R"("double-quoted string \" with escaped quote")");
  Prints(R"('single-quoted string \' with escaped quote')",
         R"("single-quoted string ' with escaped quote")");
  Prints("`backtick-quoted string\n\\n`", R"("backtick-quoted string\n\\n")");
  Prints(R"("\a\b\f\n\r\t\v\\\" - \xFF\377\u1234\U00010111\U0001011111☺")",
         "\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\" - \\xff\\xffሴ\xf0\x90\x84\x91\xf0\x90\x84\x91"
         "11☺\"");
}

BOOST_AUTO_TEST_CASE(operators_bind_as_they_should) {
  // With every pair of parentheses made visible.
  const auto f = [](std::string_view query, std::string_view same_as) {
    BOOST_TEST_CONTEXT(query) {
      const auto bare = ParseExpr(query);
      const auto grouped = ParseExpr(same_as);
      BOOST_TEST_REQUIRE(bare.ok());
      BOOST_TEST_REQUIRE(grouped.ok());
      std::string text = ToString(**grouped);
      // Without parentheses both print the same; with them, the trees differ where they must.
      const auto shape = [](const Expr& e, auto& self) -> std::string {
        switch (e.kind) {
          case ExprKind::kParen:
            return self(*e.As<Paren>().expr, self);
          case ExprKind::kBinary:
            return "(" + self(*e.As<Binary>().lhs, self) +
                   std::string(BinaryOpText(e.As<Binary>().op)) + self(*e.As<Binary>().rhs, self) +
                   ")";
          case ExprKind::kUnary:
            return "(-" + self(*e.As<Unary>().expr, self) + ")";
          default:
            return ToString(e);
        }
      };
      BOOST_TEST(shape(**bare, shape) == shape(**grouped, shape));
    }
  };
  f("a + b * c", "a + (b * c)");
  f("a * b + c", "(a * b) + c");
  f("a - b - c", "(a - b) - c");
  f("a ^ b ^ c", "a ^ (b ^ c)");
  f("a * b ^ c", "a * (b ^ c)");
  f("-a ^ b", "-(a ^ b)");
  f("-a * b", "(-a) * b");
  f("a ^ -b ^ c", "a ^ (-(b ^ c))");
  f("a ^ -b * c", "(a ^ (-b)) * c");
  f("a / b % c atan2 d", "((a / b) % c) atan2 d");
  f("a + b == c - d", "(a + b) == (c - d)");
  f("a > b < c", "(a > b) < c");
  f("a == b and c", "(a == b) and c");
  f("a or b and c unless d or e", "(a or ((b and c) unless d)) or e");
  f("a and b or c", "(a and b) or c");
  f("a OR b AND c", "a or (b and c)");
}

BOOST_AUTO_TEST_CASE(selectors) {
  PrintsItself("foo");
  PrintsItself("foo:bar");
  PrintsItself("some_metric");
  Prints("foo { }", "foo");
  Prints(R"(foo{b='x', a!="y" ,c=~`z.*`,d!~"w",})", R"(foo{a!="y",b="x",c=~"z.*",d!~"w"})");
  Prints(R"({__name__="a"})", R"({__name__="a"})");
  Prints(R"({"a.b"})", R"({__name__="a.b"})");
  Prints(R"({"foo bar",'x y'="z"})", R"({"x y"="z",__name__="foo bar"})");
  Prints(R"({"_0"="1"})", R"({_0="1"})");
  PrintsItself(R"({"0"="1"})");
  PrintsItself(R"({""="0"})");
  PrintsItself(R"({__name__="",a="x"})");
  Prints(R"(foo{a="b"} # comment
    + # another
    bar)",
         R"(foo{a="b"} + bar)");
  // Words that mean something elsewhere.
  for (const char* name : {"avg", "by", "and", "or", "unless", "offset", "sum", "without", "start",
                           "end", "limitk", "step", "range", "max_of", "anchored", "fill", "topk"})
    PrintsItself(name);
  Prints(R"(sum{by="x",on="y",bool="z"})", R"(sum{bool="z",by="x",on="y"})");
  Prints("by + by", "by + by");
  Prints("fill + fill", "fill + fill");
}

BOOST_AUTO_TEST_CASE(ranges_and_modifiers) {
  PrintsItself("a[5m]");
  Prints("a[300]", "a[5m]");
  Prints("a[1.5]", "a[1s500ms]");
  PrintsItself(R"(a{b!="c"}[1m])");
  PrintsItself("a offset 1m");
  PrintsItself("a offset -7m");
  Prints("a offset - 7m", "a offset -7m");
  PrintsItself(R"(a{c="d"}[5m] offset 1m)");
  PrintsItself("a[12m] offset -3m");
  PrintsItself("a[1h:5m] offset 1m");
  PrintsItself("a[1h:]");
  Prints("a[60m:60]", "a[1h:1m]");
  Prints("a @ 10", "a @ 10.000");
  Prints("a @ -10.12345", "a @ -10.123");
  Prints("a @ 1e9 offset 1m", "a @ 1000000000.000 offset 1m");
  Prints("a offset 1m @ 5", "a @ 5.000 offset 1m");
  Prints("a[1m] @ 10", "a[1m] @ 10.000");
  PrintsItself("a @ start()");
  PrintsItself("a[1m] @ end() offset 5m");
  PrintsItself("rate(a[5m])[1h:1m] @ start() offset -1d");
  PrintsItself("a @ 10.000[5m:1m]");
  Prints("-a offset 5m", "-a offset 5m");
  Prints("a ^ b offset 5m", "a ^ b offset 5m");
  PrintsItself("a anchored");
  PrintsItself("a[5m] smoothed");
  PrintsItself(R"(a{b="c"}[5m] anchored @ start() offset 1m)");
  PrintsItself(R"(a{b="c"} @ start() anchored offset 1m)");
}

BOOST_AUTO_TEST_CASE(duration_expressions) {
  PrintsItself("foo[step()]");
  PrintsItself("foo[-(step())]");
  PrintsItself("foo offset -step()");
  Prints("foo offset +(5)", "foo offset (5)");
  PrintsItself("foo offset -(5)");
  PrintsItself("foo[(5m):(1m)]");
  Prints("foo offset +min_of(10s, 20s)", "foo offset min_of(10s, 20s)");
  Prints("foo offset -min_of(10s, +max_of(step() ^ 2, 2))",
         "foo offset -min_of(10s, max_of(step() ^ 2, 2))");
  Prints("foo[200-min_of(-step()^+step(),1)]", "foo[200 - min_of(-step() ^ step(), 1)]");
  PrintsItself("foo[200 - min_of(step() + 10s, -max_of(step() ^ 2, 3))]");
  PrintsItself("foo[max_of(range(), 5s)]");
  Prints("foo[4s+4s:1s*2] offset (5s-8)", "foo[4s + 4s:1s * 2] offset (5s - 8)");
  // An offset without parentheses ends where the operator starts.
  Prints("foo offset -2^2", "foo offset -2s ^ 2");
  Prints("foo offset 5m + 3", "foo offset 5m + 3");
}

BOOST_AUTO_TEST_CASE(calls_and_aggregations) {
  PrintsItself("time()");
  PrintsItself("rate(http_requests_total[5m])");
  Prints("clamp( a,0 , 1 )", "clamp(a, 0, 1)");
  PrintsItself(R"~(label_replace(a, "b", "$1", "c", "(.*)"))~");
  PrintsItself("step()");
  PrintsItself("min_of(1, 2)");
  Prints("SUM(a)", "sum(a)");
  Prints("sum by() (a)", "sum(a)");
  Prints("sum (a) by(x,)", "sum by (x) (a)");
  Prints("sum without() (a)", "sum without () (a)");
  Prints("sum(a) without(instance, \"a b\")", "sum without (instance, \"a b\") (a)");
  Prints("avg by(by, on, bool, sum, offset, start, group_left) (a)",
         "avg by (by, on, bool, sum, offset, start, group_left) (a)");
  PrintsItself("topk by (x) (5, a)");
  PrintsItself(R"(count_values("value", a))");
  PrintsItself("quantile(0.5, a)");
  PrintsItself("limit_ratio(-0.1, a)");
}

BOOST_AUTO_TEST_CASE(matching) {
  Prints("a - on() c", "a - on () c");
  Prints("a - on(b) group_left(x, y) c", "a - on (b) group_left (x, y) c");
  Prints("a - on(b) group_left c", "a - on (b) group_left () c");
  Prints("a - on(b) group_right() (c)", "a - on (b) group_right () (c)");
  Prints("a - ignoring() c", "a - c");
  Prints("a - ignoring() group_left c", "a - ignoring () group_left () c");
  Prints("a unless on(b,\"c d\") c", "a unless on (b, \"c d\") c");
  PrintsItself("up > bool 0");
  PrintsItself("1 == bool 2");
  Prints("a</2", "a </ 2");
  Prints("a>/2", "a >/ 2");
  Prints("a + fill(-23) b", "a + fill (-23) b");
  Prints("a + fill_left(5) fill_right(5) b", "a + fill (5) b");
  Prints("a + on(b) group_left fill_right(1e30) c",
         "a + on (b) group_left () fill_right (1e+30) c");
}

BOOST_AUTO_TEST_CASE(metrics_with_labels) {
  const auto f = [](std::string_view text, std::string_view want) {
    const auto got = ParseMetric(text);
    BOOST_TEST_REQUIRE(got.ok(), got.status().message());
    BOOST_TEST(got->ToString() == want);
  };
  f("foo", "foo");
  f("foo { b='2', a=\"1\" , }", "foo{a=\"1\", b=\"2\"}");
  f("{a=\"1\"}", "{a=\"1\"}");
  f("{\"foo\",\"a.b\"=\"1\"}", "foo{\"a.b\"=\"1\"}");
  BOOST_TEST(ParseMetric("foo{a=~\"1\"}").status().message() ==
             "1:6: parse error: unexpected <op:=~> in label set, expected \"=\"");
  BOOST_TEST(ParseMetric("foo{a=1}").status().message() ==
             "1:7: parse error: unexpected character inside braces: '1'");
  BOOST_TEST(ParseMetric("foo 1").status().message() ==
             "1:5: parse error: unexpected number \"1\"");
}

BOOST_AUTO_TEST_CASE(positions_of_nodes) {
  const auto f = [](std::string_view query, PositionRange want) {
    const auto tree = ParseExpr(query, kAll);
    BOOST_TEST_REQUIRE(tree.ok());
    BOOST_TEST_CONTEXT(query) {
      BOOST_TEST((*tree)->pos.start == want.start);
      BOOST_TEST((*tree)->pos.end == want.end);
    }
  };
  f(" foo ", {1, 4});
  f(" foo{a=\"b\"} ", {1, 11});
  f(" foo [5m] ", {1, 9});
  f(" foo[5m] offset 1m ", {1, 18});
  f(" foo @ start() ", {1, 14});
  f(" rate( foo[5m] ) ", {1, 16});
  f(" foo[5m:1m] @ 5 ", {1, 15});
  f(" sum ( foo ) by ( x ) ", {1, 21});
  f(" sum by ( x ) ( foo ) ", {1, 21});
  f(" foo  +  bar ", {1, 12});
  f(" - foo ", {1, 6});
  f(" - 1 ", {1, 4});
  f(" ( foo ) ", {1, 8});
  f(" \"foo\" ", {1, 6});
}

}  // namespace
}  // namespace canopy::promql
