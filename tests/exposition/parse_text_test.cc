#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "canopy/model/sample.h"
#include "support.h"

namespace canopy::exposition {
namespace {

using namespace std::string_view_literals;

void Check(std::string_view page, std::string_view want) {
  BOOST_TEST_CONTEXT(page) { BOOST_TEST(Describe(page, PageFormat::kText) == want); }
}

BOOST_AUTO_TEST_CASE(text_samples) {
  auto f = Check;
  f("", "end");
  f("\n \n\t\n", "end");
  f("a 1", "{__name__=\"a\"} 1\nend");
  f("a 1\n", "{__name__=\"a\"} 1\nend");
  f("  a\t 1 \t 5 \n", "{__name__=\"a\"} 1 @5\nend");
  f("a 1 123123\nb{} 2", "{__name__=\"a\"} 1 @123123\n{__name__=\"b\"} 2\nend");
  f(R"(a{b="c"} 1)", "{__name__=\"a\",b=\"c\"} 1\nend");
  f(R"(a{b="c",} 1)", "{__name__=\"a\",b=\"c\"} 1\nend");
  f(R"(a { b = "c" , d="" , } 1)", "{__name__=\"a\",b=\"c\",d=\"\"} 1\nend");
  f(R"(a{b="c"d="e" f="g"} 1)", "{__name__=\"a\",b=\"c\",d=\"e\",f=\"g\"} 1\nend");
  f(R"(a:b:c{b="}",d="{"}1)", "{__name__=\"a:b:c\",b=\"}\",d=\"{\"} 1\nend");
  f(R"(a{b="x\\y\"z\nw\tv\"} 1)",
    "error: line 1: expected label value, got \"\\\"x\\\\\\\\y\\\\\\\"z\\\\nw"
    "\\\\tv\\\\\\\"} 1\\n\" (\"INVALID\") while parsing: "
    "\"a{b=\\\"x\\\\\\\\y\\\\\\\"z\\\\nw\\\\tv\\\\\\\"} 1\\n\"");
  f(R"(a{b="x\\y\"z\nw\tv"} 1)", "{__name__=\"a\",b=\"x\\\\y\\\"z\\nw\\\\tv\"} 1\nend");
  // A value may span lines.
  f("a{b=\"x\ny\"} 1\nc 2", "{__name__=\"a\",b=\"x\\ny\"} 1\n{__name__=\"c\"} 2\nend");
  f("a{b=\"\0\"} 1"sv, "{__name__=\"a\",b=\"\\x00\"} 1\nend");
}

BOOST_AUTO_TEST_CASE(text_names_beyond_the_legacy_set_are_quoted) {
  auto f = Check;
  f(R"({"a.b"} 1)", "{__name__=\"a.b\"} 1\nend");
  f(R"({"a.b",l="v"} 1)", "{__name__=\"a.b\",l=\"v\"} 1\nend");
  f(R"({l="v","a.b",} 1)", "{__name__=\"a.b\",l=\"v\"} 1\nend");
  f(R"( { "a b" , "k8s.pod" = "x" } 1)", "{__name__=\"a b\",k8s.pod=\"x\"} 1\nend");
  f(R"(a{"k8s.pod"="x"} 1)", "{__name__=\"a\",k8s.pod=\"x\"} 1\nend");
  f(R"({"say \"hi\""} 1)", "{__name__=\"say \\\"hi\\\"\"} 1\nend");
  f("# TYPE \"a.b\" counter\n# HELP \"a b\" text", "type a.b counter\nhelp a b \"text\"\nend");
}

BOOST_AUTO_TEST_CASE(text_metadata_and_comments) {
  auto f = Check;
  f("# TYPE a counter\n# TYPE b gauge\n# TYPE c histogram\n# TYPE d summary\n# TYPE e untyped",
    "type a counter\ntype b gauge\ntype c histogram\ntype d summary\ntype e unknown\nend");
  f("#\t TYPE \t a counter", "type a counter\nend");
  f("# HELP a some \\n text \\\\ \\\"", "help a \"some \\n text \\\\ \\\\\\\"\"\nend");
  f("# HELP a\n# HELP b \n# HELP c", "help a \"\"\nhelp b \"\"\nhelp c \"\"\nend");
  f("#\n# \n#HELP a b\n# HELPa b\n# other\n",
    "comment \"\"\ncomment \" \"\ncomment \"HELP a b\"\ncomment \" HELPa b\"\ncomment \" "
    "other\"\nend");
  f("# UNIT a seconds\n# EOF\n", "comment \" UNIT a seconds\"\ncomment \" EOF\"\nend");
}

BOOST_AUTO_TEST_CASE(text_bounds_are_written_as_openmetrics_writes_them) {
  auto f = Check;
  f("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"x\"} 1\n"
    "h{quantile=\"1\"} 1",
    "type h histogram\n{__name__=\"h_bucket\",le=\"1.0\"} 1\n{__name__=\"h_bucket\",le=\"+Inf\"} "
    "1\n"
    "{__name__=\"h_bucket\",le=\"x\"} 1\n{__name__=\"h\",quantile=\"1\"} 1\nend");
  f("# TYPE s summary\ns{quantile=\"0\"} 1\ns{le=\"1\"} 1\n# TYPE g gauge\ng{quantile=\"0\"} 1",
    "type s summary\n{__name__=\"s\",quantile=\"0.0\"} 1\n{__name__=\"s\",le=\"1\"} 1\n"
    "type g gauge\n{__name__=\"g\",quantile=\"0\"} 1\nend");
}

BOOST_AUTO_TEST_CASE(text_errors_name_line_and_expectation) {
  auto f = [](std::string_view page, std::string_view want) {
    Check(page, "error: line 1: " + std::string(want));
  };
  f("a", R"(expected value after metric, got "\n" ("INVALID") while parsing: "a\n")");
  f("a\n", R"(expected value after metric, got "\n" ("INVALID") while parsing: "a\n")");
  f("a{b='c'} 1\n", R"(expected label value, got "'" ("INVALID") while parsing: "a{b='")");
  f("a{b=\n", R"(expected label value, got "\n" ("INVALID") while parsing: "a{b=\n")");
  f("a{\xff=\"x\"} 1\n", R"(expected label name, got "\xff" ("INVALID") while parsing: "a{\xff")");
  f("a{b=\"\xff\"} 1\n", R"(invalid UTF-8 label value: "\"\xff\"")");
  f(R"({"a", "b = "c"})",
    R"(expected equal, got "c\"" ("LNAME") while parsing: "{\"a\", \"b = \"c\"")");
  f(R"({"a",b\nc="d"} 1)", R"(expected equal, got "\\" ("INVALID") while parsing: "{\"a\",b\\")");
  f("a true\n", R"(strconv.ParseFloat: parsing "true": invalid syntax while parsing: "a true")");
  f("weird{problem=\"",
    R"(expected label value, got "\"\n" ("INVALID") while parsing: "weird{problem=\"\n")");
  f("empty{=\"\"} 0", R"(expected label name, got "=\"" ("EQUAL") while parsing: "empty{=\"")");
  f("{A}0", R"(expected equal, got "}0" ("BCLOSE") while parsing: "{A}0")");
  f("a{,b=\"c\"} 0", R"(expected label name, got ",b" ("COMMA") while parsing: "a{,b")");
  f("foo 1_2\n", R"(unsupported character in float while parsing: "foo 1_2")");
  f("foo 0x1p-3\n", R"(unsupported character in float while parsing: "foo 0x1p-3")");
  f("foo 0 1_2\n",
    R"(expected next entry after timestamp, got "_" ("INVALID") while parsing: "foo 0 1_")");
  f("foo 0 -5\n",
    R"(expected timestamp or new record, got "-" ("INVALID") while parsing: "foo 0 -")");
  f("foo 0 1 2\n",
    R"(expected next entry after timestamp, got "2" ("INVALID") while parsing: "foo 0 1 2")");
  f("foo 0 9223372036854775808\n",
    "strconv.ParseInt: parsing \"9223372036854775808\": value out of range while parsing: "
    "\"foo 0 9223372036854775808\"");
  f(R"({a="ok"} 1)", R"(metric name not set while parsing: "{a=\"ok\"}")");
  f(R"(a{"b"} 1)", R"(metric name already set while parsing: "a{\"b\"}")");
  f(R"({"a","b"} 1)", R"(metric name already set while parsing: "{\"a\",\"b\"}")");
  f("# TYPE #\n",
    R"(expected metric name after TYPE, got "#" ("INVALID") while parsing: "# TYPE #")");
  f("# HELP \n",
    R"(expected metric name after HELP, got "\n" ("INVALID") while parsing: "# HELP \n")");
  f("# TYPE a count\n", R"(invalid metric type "count")");
  f("# TYPE a  counter\n", R"(invalid metric type " counter")");
  f("# TYPE a\n", R"(invalid metric type "")");
  f("# HELP a \xff\n", R"(help text "\xff" is not a valid utf8 string)");
  f("9a 1\n", R"(expected a valid start token, got "9" ("INVALID") while parsing: "9")");
  f("a 1\r\n", R"(strconv.ParseFloat: parsing "1\r": invalid syntax while parsing: "a 1\r")");
  f("a\0{b=\"c\"} 1"sv,
    R"(strconv.ParseFloat: parsing "\x00": invalid syntax while parsing: "a\x00")");
  f("a{b\0=\"c\"} 1"sv, R"(expected equal, got "\x00" ("INVALID") while parsing: "a{b\x00")");
}

BOOST_AUTO_TEST_CASE(text_errors_count_lines) {
  Check("a 1\n\n# x\nb{c=\"\n\"} 1\nd\n",
        "{__name__=\"a\"} 1\ncomment \" x\"\n{__name__=\"b\",c=\"\\n\"} 1\nerror: line 6: expected "
        "value after metric, got \"\\n\" (\"INVALID\") while parsing: \"d\\n\"");
}

BOOST_AUTO_TEST_CASE(a_parser_that_failed_stays_failed) {
  PageParser parser("a\nb 1\n", PageFormat::kText);
  BOOST_TEST((parser.Next() == Entry::kError));
  BOOST_TEST((parser.Next() == Entry::kError));
}

BOOST_AUTO_TEST_CASE(names_that_come_twice_are_refused) {
  auto f = [](std::string_view page) {
    PageParser parser(page, PageFormat::kText);
    BOOST_TEST((parser.Next() == Entry::kSample));
    model::LabelsBuilder labels;
    const Status status = parser.AddLabels(labels);
    BOOST_TEST(!status.ok());
    BOOST_TEST(status.message().find("is not unique") != std::string::npos);
  };
  f(R"(a{b="1",b="2"} 1)");
  f(R"(a{b="",b=""} 1)");
  f(R"(a{__name__="b"} 1)");
}

BOOST_AUTO_TEST_CASE(numbers_are_those_of_go) {
  auto f = [](std::string_view number, double want) {
    const std::string page = "a " + std::string(number) + "\n";
    BOOST_TEST_CONTEXT(number) {
      PageParser parser(page, PageFormat::kText);
      BOOST_TEST_REQUIRE((parser.Next() == Entry::kSample));
      BOOST_TEST(std::bit_cast<uint64_t>(parser.value()) == std::bit_cast<uint64_t>(want));
    }
  };
  f("0", 0.0);
  f("-0", -0.0);
  f("+5", 5);
  f("007", 7);
  f("123456789012345", 123456789012345);
  f("9007199254740993", 9007199254740992);
  f("12345678901234567890123", 12345678901234567890123.0);
  f("1.", 1);
  f(".5", 0.5);
  f("-.5e1", -5);
  f("0.1", 0.1);
  f("1.7976931348623157e308", 1.7976931348623157e308);
  f("4.9e-324", 4.9e-324);
  f("1e-400", 0);
  f("1e22", 1e22);
  f("1e23", 1e23);
  f("8.3835e-05", 8.3835e-05);
  f("1.23456789e+09", 1.23456789e+09);
  f("7.424100000000001e-05", 7.424100000000001e-05);
  f("Inf", INFINITY);
  f("-inf", -INFINITY);
  f("+Infinity", INFINITY);
  f("NaN", model::NormalNan());
  f("nan", model::NormalNan());
  auto refused = [](std::string_view number) {
    const std::string page = "a " + std::string(number) + "\n";
    PageParser parser(page, PageFormat::kText);
    BOOST_TEST_CONTEXT(number) { BOOST_TEST((parser.Next() == Entry::kError)); }
  };
  for (const char* text : {".", "-", "+", "e5", "1e", "1e+", "0x", "0x10", "1e400", "-1e400",
                           "+nan", "-NaN", "infin", "1,5", "--1", "1.2.3", "1_0", "nan(1)"})
    refused(text);
}

}  // namespace
}  // namespace canopy::exposition
