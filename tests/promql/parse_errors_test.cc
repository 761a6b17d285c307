#include <boost/test/unit_test.hpp>

#include "canopy/promql/parser.h"

// What a wrong query is told, word for word and with its position. Queries and messages are those
// of prometheus/prometheus@d15adb9ad7 promql/parser/parse_test.go, unless a comment says otherwise.

namespace canopy::promql {
namespace {

// `want` without "parse error: " behind the position.
void Refused(std::string_view query, std::string want, const Features& features = {}) {
  const size_t space = want.find(": ");
  want.insert(space + 2, "parse error: ");
  const Result<ExprPtr> got = ParseExpr(query, features);
  BOOST_TEST_CONTEXT(query) {
    BOOST_TEST_REQUIRE(!got.ok());
    BOOST_TEST(got.status().message() == want);
    BOOST_TEST((got.status().code() == Code::kInvalid));
  }
}

BOOST_AUTO_TEST_CASE(selectors_and_their_matchers) {
  const auto f = [](std::string_view query, std::string want) { Refused(query, std::move(want)); };
  f("{", "1:2: unexpected end of input inside braces");
  f("some{", "1:6: unexpected end of input inside braces");
  f("some_metric{a=b}", R"(1:15: unexpected identifier "b" in label matching, expected string)");
  f(R"(some_metric{a:b="b"})", "1:14: unexpected character inside braces: ':'");
  f(R"(foo{a*"b"})", "1:6: unexpected character inside braces: '*'");
  f(R"(foo{a>="b"})", "1:6: unexpected character inside braces: '>'");
  f("foo{gibberish}",
    R"(1:14: unexpected "}" in label matching, expected label matching operator)");
  f("foo{1}", "1:5: unexpected character inside braces: '1'");
  f("{}", "1:1: vector selector must contain at least one non-empty matcher");
  f(R"({x=""})", "1:1: vector selector must contain at least one non-empty matcher");
  f(R"({x=~".*"})", "1:1: vector selector must contain at least one non-empty matcher");
  f(R"({x!~".+"})", "1:1: vector selector must contain at least one non-empty matcher");
  f(R"({x!="a"})", "1:1: vector selector must contain at least one non-empty matcher");
  f(R"(foo{__name__="bar"})", R"(1:1: metric name must not be set twice: "foo" or "bar")");
  f("foo{__name__= =}", R"(1:15: unexpected "=" in label matching, expected string)");
  f("foo{,}", R"(1:5: unexpected "," in label matching, expected identifier or "}")");
  f(R"(foo{__name__ == "bar"})", R"(1:15: unexpected "=" in label matching, expected string)");
  f(R"(foo{__name__="bar" lol})",
    R"(1:20: unexpected identifier "lol" in label matching, expected "," or "}")");
  f(R"(foo{"a"=})", R"(1:9: unexpected "}" in label matching, expected string)");
}

BOOST_AUTO_TEST_CASE(durations_offsets_and_timestamps) {
  const auto f = [](std::string_view query, std::string want) { Refused(query, std::move(want)); };
  f("2.5.", R"(1:1: bad number or duration syntax: "2.5.")");
  f("100..4", R"(1:1: bad number or duration syntax: "100..")");
  f("0deadbeef", R"(1:1: bad number or duration syntax: "0de")");
  f("@@", "1:1: unexpected <op:@>");
  f("1 offset 1d",
    "1:1: offset modifier must be preceded by an instant vector selector or range vector selector "
    "or a subquery");
  f("foo offset 1s offset 2s", "1:1: offset may not be set multiple times");
  f("foo @ +Inf", "1:1: timestamp out of bounds for @ modifier: +Inf");
  f("foo @ -Inf", "1:1: timestamp out of bounds for @ modifier: -Inf");
  f("foo @ NaN", "1:1: timestamp out of bounds for @ modifier: NaN");
  f("foo[5mm]", R"(1:5: bad number or duration syntax: "5mm")");
  f("foo[5m1]", R"(1:5: bad number or duration syntax: "5m1")");
  f("foo[5m:1m1]", R"(1:8: bad number or duration syntax: "1m1")");
  f("foo[5y1hs]", R"(1:5: unknown unit "hs" in duration "5y1hs")");
  f("foo[5m1h]", R"(1:5: not a valid duration string: "5m1h")");
  f("foo[5m1m]", R"(1:5: not a valid duration string: "5m1m")");
  f("foo[0m]", "1:5: duration must be greater than 0");
  f(R"(foo["5m"])", R"(1:5: unexpected character in duration expression: '"')");
  f("foo[]",
    R"(1:5: unexpected "]" in subquery or range selector, expected number, duration, step(), or range())");
  f("foo[-1]", "1:5: duration must be greater than 0");
  f("some_metric[5m] OFFSET 1mm", R"(1:24: bad number or duration syntax: "1mm")");
  f("some_metric[5m] OFFSET",
    "1:23: unexpected end of input in offset, expected number, duration, step(), or range()");
  f("some_metric OFFSET 1m[5m]", "1:22: no offset modifiers allowed before range");
  f("some_metric[5m] @", "1:18: unexpected end of input in @, expected timestamp");
  f("some_metric @ 1234 [5m]", "1:20: no @ modifiers allowed before range");
  f("some_metric @ start() [5m]", "1:23: no @ modifiers allowed before range");
  f("some_metric @ end()[5m]", "1:20: no @ modifiers allowed before range");
  f("some_metric offset step()[5m]", "1:26: no offset modifiers allowed before range");
  f("(foo + bar)[5m]", "1:12: ranges only allowed for vector selectors");
  f("rate(some_metric[5m]) @ 1234",
    "1:1: @ modifier must be preceded by an instant vector selector or range vector selector or a "
    "subquery");
  f(R"(foo{bar="baz"}[)", "1:16: unexpected end of input in duration expression");
  f("test[5d] OFFSET 10s [10m:5s]",
    "1:1: subquery is only allowed on instant vector, got matrix instead");
  f(R"((foo + bar{nm="val"})[5m:][10m:5s])",
    "1:1: subquery is only allowed on instant vector, got matrix instead");
  f("rate(food[1m])[1h] offset 1h", "1:15: ranges only allowed for vector selectors");
  f("rate(food[1m])[1h] @ 100", "1:15: ranges only allowed for vector selectors");
  f("foo[step]",
    R"(1:9: unexpected "]" in subquery or range selector, expected number, duration, step(), or range())");
  f("foo[step()/0d]", "1:11: division by zero");
  f("foo[5s/0d]", "1:7: division by zero");
  f("foo offset (4d/0)", "1:15: division by zero");
  f("foo[5s%0d]", "1:7: modulo by zero");
  f("foo offset 9.5e10", "1:12: duration out of range");
  f("foo[9.5e10]", "1:5: duration out of range");
  f("1[5m] smoothed", "1:2: ranges only allowed for vector selectors");
}

BOOST_AUTO_TEST_CASE(aggregations) {
  const auto f = [](std::string_view query, std::string want) { Refused(query, std::move(want)); };
  f(R"(sum by ("foo)(some_metric{}))", "1:9: unterminated quoted string");
  f("sum without(==)(some_metric)", "1:13: unexpected <op:==> in grouping opts, expected label");
  f("sum without(,)(some_metric)", R"(1:13: unexpected "," in grouping opts, expected label)");
  f("sum without(foo,,)(some_metric)", R"(1:17: unexpected "," in grouping opts, expected label)");
  f("sum some_metric by (test)", R"(1:5: unexpected identifier "some_metric")");
  f("sum (some_metric) by test",
    R"(1:22: unexpected identifier "test" in grouping opts, expected "(")");
  f("sum () by (test)", "1:1: no arguments for aggregate expression provided");
  f("MIN keep_common (some_metric)", R"(1:5: unexpected identifier "keep_common")");
  f("MIN (some_metric) keep_common", R"(1:19: unexpected identifier "keep_common")");
  f("sum (some_metric) without (test) by (test)", "1:34: unexpected <by>");
  f("sum without (test) (some_metric) by (test)", "1:34: unexpected <by>");
  f("topk(some_metric)",
    "1:1: wrong number of arguments for aggregate expression provided, expected 2, got 1");
  f("topk(some_metric,)", "1:17: trailing commas not allowed in function call args");
  f("topk(some_metric, other_metric)",
    "1:6: expected type scalar in aggregation parameter, got instant vector");
  f("count_values(5, other_metric)",
    "1:14: expected type string in aggregation parameter, got scalar");
}

BOOST_AUTO_TEST_CASE(calls) {
  const auto f = [](std::string_view query, std::string want) { Refused(query, std::move(want)); };
  f("floor()", R"(1:1: expected 1 argument(s) in call to "floor", got 0)");
  f("floor(some_metric, other_metric)", R"(1:1: expected 1 argument(s) in call to "floor", got 2)");
  f("floor(some_metric, 1)", R"(1:1: expected 1 argument(s) in call to "floor", got 2)");
  f("floor(1)", R"(1:7: expected type instant vector in call to function "floor", got scalar)");
  f("hour(some_metric, some_metric, some_metric)",
    R"(1:1: expected at most 1 argument(s) in call to "hour", got 3)");
  f("time(some_metric)", R"(1:1: expected 0 argument(s) in call to "time", got 1)");
  f("non_existent_function_far_bar()",
    R"(1:1: unknown function with name "non_existent_function_far_bar")");
  f("rate(some_metric)",
    R"(1:6: expected type range vector in call to function "rate", got instant vector)");
  f("a>b()", R"(1:3: unknown function with name "b")");
  f("rate(avg)",
    R"(1:6: expected type range vector in call to function "rate", got instant vector)");
}

BOOST_AUTO_TEST_CASE(operators_and_matching) {
  const auto f = [](std::string_view query, std::string want) { Refused(query, std::move(want)); };
  f("*1", "1:1: unexpected <op:*>");
  f("1 and 1", R"(1:1: set operator "and" not allowed in binary scalar expression)");
  f("1 == 1", "1:3: comparisons between scalars must use BOOL modifier");
  f("1 or 1", R"(1:1: set operator "or" not allowed in binary scalar expression)");
  f("1 unless 1", R"(1:1: set operator "unless" not allowed in binary scalar expression)");
  f(R"(-"string")",
    R"(1:1: unary expression only allowed on expressions of type scalar or instant vector, got "string")");
  f("-test[5m]",
    R"(1:1: unary expression only allowed on expressions of type scalar or instant vector, got "range vector")");
  f("*test", "1:1: unexpected <op:*>");
  f("a - on(b) ignoring(c) d", "1:11: unexpected <ignoring>");
  f("foo and 1", R"(1:1: set operator "and" not allowed in binary scalar expression)");
  f("1 and foo", R"(1:1: set operator "and" not allowed in binary scalar expression)");
  f("foo or 1", R"(1:1: set operator "or" not allowed in binary scalar expression)");
  f("1 or foo", R"(1:1: set operator "or" not allowed in binary scalar expression)");
  f("foo unless 1", R"(1:1: set operator "unless" not allowed in binary scalar expression)");
  f("1 unless foo", R"(1:1: set operator "unless" not allowed in binary scalar expression)");
  f("1 or on(bar) foo", "1:1: vector matching only allowed between instant vectors");
  f("foo == on(bar) 10", "1:1: vector matching only allowed between instant vectors");
  f("foo + group_left(baz) bar", "1:7: unexpected <group_left>");
  f("foo and on(bar) group_left(baz) bar", R"(1:1: no grouping allowed for "and" operation)");
  f("foo and on(bar) group_right(baz) bar", R"(1:1: no grouping allowed for "and" operation)");
  f("foo or on(bar) group_left(baz) bar", R"(1:1: no grouping allowed for "or" operation)");
  f("foo or on(bar) group_right(baz) bar", R"(1:1: no grouping allowed for "or" operation)");
  f("foo unless on(bar) group_left(baz) bar", R"(1:1: no grouping allowed for "unless" operation)");
  f("foo unless on(bar) group_right(baz) bar",
    R"(1:1: no grouping allowed for "unless" operation)");
  f(R"(http_requests{group="production"} + on(instance) group_left(job,instance) cpu_count{type="smp"})",
    R"(1:35: label "instance" must not occur in ON and GROUP clause at once)");
  f("foo + bool bar", "1:5: bool modifier can only be used on comparison operators");
  f("foo + bool 10", "1:5: bool modifier can only be used on comparison operators");
  f("foo and bool 10", "1:5: bool modifier can only be used on comparison operators");
  f("++-++-+-+-<", "1:11: unexpected <op:<>");
}

BOOST_AUTO_TEST_CASE(characters_numbers_and_strings) {
  const auto f = [](std::string_view query, std::string want) { Refused(query, std::move(want)); };
  f("", "unknown position: no expression found in input");
  f("# just a comment\n\n", "1:1: no expression found in input");
  f("1+", "1:3: unexpected end of input");
  f(".", "1:1: unexpected character: '.'");
  f("1 /", "1:4: unexpected end of input");
  f("(1))", "1:5: unexpected right parenthesis ')'");
  f("((1)", "1:5: unclosed left parenthesis");
  f("(", "1:2: unclosed left parenthesis");
  f("1 !~ 1", "1:3: unexpected character after '!': '~'");
  f("1 =~ 1", "1:3: unexpected character after '=': '~'");
  f("}", "1:1: unexpected character: '}'");
  f("some}", "1:5: unexpected character: '}'");
  f("some_metric{a=\"\xff"
    "\"}",
    "1:15: invalid UTF-8 rune");
  f("label_replace(a, `b`, `c\xff"
    "`, `d`, `.*`)",
    "1:23: invalid UTF-8 rune");
  f("-=", R"(1:2: unexpected "=")");
  f("e-+=/(0)", R"(1:4: unexpected "=")");
  f(R"(`\``)", "1:4: unterminated raw string");
  f(R"("\)", "1:1: escape sequence not terminated");
  f(R"("\c")", "1:1: unknown escape sequence U+0063 'c'");
  f(R"("\x.")", "1:1: illegal character U+002E '.' in escape sequence");
  f("sum(", "1:5: unclosed left parenthesis");
  f("sum(rate(", "1:10: unclosed left parenthesis");
  f("foo[5s x 5s]", "1:8: unexpected character: 'x', expected ':'");
  f("foo[5s s 5s]", "1:8: unexpected character: 's', expected ':'");
}

BOOST_AUTO_TEST_CASE(what_a_feature_flag_switches_on) {
  const auto f = [](std::string_view query, std::string want) { Refused(query, std::move(want)); };
  f("limitk(1, foo)",
    "1:1: limitk() is experimental and must be enabled with "
    "--enable-feature=promql-experimental-functions");
  f("1 + mad_over_time(foo[5m])", R"(1:5: function "mad_over_time" is not enabled)");
  f("foo anchored", "1:1: anchored modifier is experimental and not enabled");
  f("foo[5m] smoothed", "1:1: smoothed modifier is experimental and not enabled");
  f("foo + fill(1) bar", "1:1: binop fill modifiers are experimental and not enabled");

  const Features all{.experimental_functions = true,
                     .extended_range_selectors = true,
                     .binop_fill_modifiers = true};
  const auto on = [&](std::string_view query, std::string want) {
    Refused(query, std::move(want), all);
  };
  on(R"(info(rate(http_request_counter_total{}[5m]), target_info{foo="bar"}))",
     "1:46: expected label selectors only, got vector selector instead");
  on(R"(info(http_request_counter_total{namespace="zzz"}, {foo="bar"} == 1))",
     "1:51: expected label selectors only");
  on("foo anchored smoothed", "1:1: anchored and smoothed modifiers cannot be used together");
  on("foo[5m:] anchored", "1:1: anchored modifier is not supported for subqueries");
  on("1 smoothed", "1:1: smoothed modifier not implemented");
  on("foo or fill(1) bar", "1:1: filling in missing series not allowed for set operators");
  on("foo + fill(1) 2", "1:1: filling in missing series only allowed between instant vectors");
}

// Where an open construct ends an error, the innermost one is named. Not in Prometheus's tests.
BOOST_AUTO_TEST_CASE(unexpected_tokens_say_where) {
  const auto f = [](std::string_view query, std::string want) { Refused(query, std::move(want)); };
  f("a / on(b) group_left , c", R"(1:22: unexpected "," in grouping opts, expected "(")");
  f("a / on(b) group_left == c", R"(1:22: unexpected <op:==> in grouping opts, expected "(")");
  f("rate(foo bar)", R"(1:10: unexpected identifier "bar")");
  f("sum(foo bar)", R"(1:9: unexpected identifier "bar" in aggregation)");
  f("sum(rate(foo[5m]) 5)", R"(1:19: unexpected number "5" in aggregation)");
  f("sum by (x) foo", R"(1:12: unexpected identifier "foo" in aggregation)");
  f("foo[5m", "1:7: unclosed left bracket");
  f("foo[5m 5m]", R"(1:8: unexpected duration "5m" in subquery or range, expected ":" or "]")");
  f("foo[5m+]",
    R"(1:8: unexpected "]" in subquery or range selector, expected number, duration, step(), or range())");
  f("foo[5m:)", "1:9: unexpected right parenthesis ')'");
  f("(foo[5m:)",
    R"~(1:9: unexpected ")" in subquery selector, expected number, duration, step(), range(), or "]")~");
  f("foo @ start 5", R"(1:13: unexpected number "5" in @, expected timestamp)");
  f("foo{a=\"b\",,}", R"(1:11: unexpected "," in label matching, expected identifier or "}")");
  f("foo\n  + on(x) \n )", "3:3: unexpected right parenthesis ')'");
  f("foo bar:baz", R"(1:5: unexpected metric identifier "bar:baz")");
  f("foo 'a longer string'", R"(1:5: unexpected string "'a longer "...)");
  f("sum(foo) start", R"(1:10: unexpected "start")");
}

BOOST_AUTO_TEST_CASE(selectors_for_match_parameters) {
  const auto f = [](std::string_view text, std::string_view want) {
    const auto got = ParseMetricSelector(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST_REQUIRE(!got.ok());
      BOOST_TEST(got.status().message() == want);
    }
  };
  f("-not-a-valid-metric-name", "1:1: parse error: unexpected <op:->");
  f("not-a-valid-metric-name", "1:4: parse error: unexpected <op:->");
  f("foo[5m]", "1:4: parse error: unexpected \"[\"");
  f("sum(foo)", "1:4: parse error: unexpected \"(\"");
  f("foo offset 5m", "1:5: parse error: unexpected <offset>");
  f("1", "1:1: parse error: unexpected number \"1\"");
  f("", "unknown position: parse error: unexpected end of input");
}

BOOST_AUTO_TEST_CASE(nesting_is_bounded) {
  const auto repeat = [](std::string_view text, int n) {
    std::string out;
    while (n-- > 0) out.append(text);
    return out;
  };
  const auto refused = [](const std::string& query) {
    const auto got = ParseExpr(query);
    BOOST_TEST_REQUIRE(!got.ok());
    BOOST_TEST(got.status().message().ends_with("parse error: expression is nested too deeply"));
  };
  const int n = 200'000;
  refused(repeat("(", n) + "1" + repeat(")", n));
  refused(repeat("-", n) + "foo");
  refused(repeat("abs(", n) + "foo" + repeat(")", n));
  refused(repeat("sum(", n) + "foo" + repeat(")", n));
  refused("foo" + repeat("[5m:]", n));
  refused("foo" + repeat("+1", n));
  refused("1" + repeat("^1", n));
  refused("foo[" + repeat("(", n) + "1" + repeat(")", n) + "]");
  refused("foo[1" + repeat("+1", n) + "]");
  refused("foo[" + repeat("-", n) + "step()]");
  refused("foo[" + repeat("min_of(1,", n) + "1" + repeat(")", n) + "]");
  // What people write is far from it.
  BOOST_TEST(ParseExpr(repeat("(", 900) + "1" + repeat(")", 900)).ok());
  BOOST_TEST(ParseExpr("foo" + repeat(" or foo", 900)).ok());
}

}  // namespace
}  // namespace canopy::promql
