#include <boost/test/unit_test.hpp>

#include "support.h"

namespace canopy::exposition {
namespace {

using namespace std::string_view_literals;

void Check(std::string_view page, std::string_view want) {
  BOOST_TEST_CONTEXT(page) { BOOST_TEST(Describe(page, PageFormat::kOpenMetrics) == want); }
}

BOOST_AUTO_TEST_CASE(openmetrics_pages) {
  auto f = Check;
  f("# EOF", "end");
  f("# EOF\n", "end");
  f("a 1\n# EOF\n", "{__name__=\"a\"} 1\nend");
  f("a{b=\"c\",} 1 1.5\n# EOF", "{__name__=\"a\",b=\"c\"} 1 @1500\nend");
  f("a 1 1520430000.123\n# EOF", "{__name__=\"a\"} 1 @1520430000123\nend");
  f("a 1 -1\n# EOF", "{__name__=\"a\"} 1 @-1000\nend");
  f("{\"a.b\",\"c.d\"=\"e\"} 1\n# EOF", "{__name__=\"a.b\",c.d=\"e\"} 1\nend");
  f("# HELP a x \\\"y\\\" \\n z\n# TYPE a counter\n# UNIT b_s s\n# UNIT c \n# EOF",
    "help a \"x \\\"y\\\" \\n z\"\ntype a counter\nunit b_s s\nunit c \nend");
  f("# TYPE a gaugehistogram\n# TYPE b info\n# TYPE c stateset\n# TYPE d unknown\n# TYPE \"e.f\" "
    "gauge\n# EOF",
    "type a gaugehistogram\ntype b info\ntype c stateset\ntype d unknown\ntype e.f gauge\nend");
  f("# TYPE h histogram\nh_bucket{le=\"1\"} 1\n# EOF",
    "type h histogram\n{__name__=\"h_bucket\",le=\"1.0\"} 1\nend");
  f("a{b=\"\0\"} 1\n# EOF"sv, "{__name__=\"a\",b=\"\\x00\"} 1\nend");
}

BOOST_AUTO_TEST_CASE(openmetrics_exemplars) {
  auto f = Check;
  f("a_total 1 # {t=\"x\"} 0.5\n# EOF", "{__name__=\"a_total\"} 1 # {t=\"x\",} 0.5\nend");
  f("a_total 1 2 # {} 0.5 3.25\n# EOF", "{__name__=\"a_total\"} 1 @2000 # {} 0.5 @3250\nend");
  f("a 1 # {t=\"x\",\"u.v\"=\"y\\\"\",} 0.5\nb 2\n# EOF",
    "{__name__=\"a\"} 1 # {t=\"x\",u.v=\"y\\\"\",} 0.5\n{__name__=\"b\"} 2\nend");
}

BOOST_AUTO_TEST_CASE(openmetrics_errors) {
  auto f = [](std::string_view page, std::string_view want) {
    Check(page, "error: line 1: " + std::string(want));
  };
  f("", "data does not end with # EOF");
  f("\n", R"(expected a valid start token, got "\n" ("INVALID") while parsing: "\n")");
  f("metric", R"(expected value after metric, got "metric" ("EOF") while parsing: "metric")");
  f("metric 1", "data does not end with # EOF");
  f("metric 1 2", "data does not end with # EOF");
  f("m_total 1 # {a=\"b\"} 4", "data does not end with # EOF");
  f("a\n# EOF\n", R"(expected value after metric, got "\n" ("INVALID") while parsing: "a\n")");
  f(" a 1\n# EOF\n", R"(expected a valid start token, got " " ("INVALID") while parsing: " ")");
  f("# TYPE u untyped\n# EOF\n", R"(invalid metric type "untyped")");
  f("# TYPE c counter \n# EOF\n", R"(invalid metric type "counter ")");
  f("#  TYPE c counter\n# EOF\n",
    R"(expected a valid start token, got "#  " ("INVALID") while parsing: "#  ")");
  f("#\tTYPE c counter\n",
    R"(expected a valid start token, got "#\t" ("INVALID") while parsing: "#\t")");
  f("# TYPE \n# EOF\n",
    R"(expected metric name after TYPE, got "\n" ("INVALID") while parsing: "# TYPE \n")");
  f("# TYPE m\n# EOF\n", "expected text in TYPE");
  f("# HELP m\n# EOF\n", "expected text in HELP");
  f("# UNIT m\n# EOF\n", "expected text in UNIT");
  f("# UNIT metric suffix\n# EOF\n", R"(unit "suffix" not a suffix of metric "metric")");
  f("# UNIT metricsuffix suffix\n# EOF\n",
    R"(unit "suffix" not a suffix of metric "metricsuffix")");
  f("# UNIT m suffix\n# EOF\n", R"(unit "suffix" not a suffix of metric "m")");
  f("a\t1\n# EOF\n", R"(expected value after metric, got "\t" ("INVALID") while parsing: "a\t")");
  f("a  1\n# EOF\n", R"(expected value after metric, got " " ("INVALID") while parsing: "a ")");
  f("a 1\t2\n# EOF\n",
    R"(strconv.ParseFloat: parsing "1\t2": invalid syntax while parsing: "a 1\t2")");
  f("a 1 2 \n# EOF\n",
    R"(expected next entry after timestamp, got " \n" ("INVALID") while parsing: "a 1 2 \n")");
  f("a 1 2 #\n# EOF\n",
    R"(expected next entry after timestamp, got " #\n" ("TIMESTAMP") while parsing: "a 1 2 #\n")");
  f("a 1 1 1\n# EOF\n",
    R"(expected next entry after timestamp, got " 1\n" ("TIMESTAMP") while parsing: "a 1 1 1\n")");
  f("a 1 1z\n# EOF\n",
    R"(strconv.ParseFloat: parsing "1z": invalid syntax while parsing: "a 1 1z")");
  f("# EOF\na 1", "unexpected data after # EOF");
  f("# EOF\n\n", "unexpected data after # EOF");
  f("# EOFa 1", "unexpected data after # EOF");
  f("a{b='c'} 1\n# EOF\n", R"(expected label value, got "'" ("INVALID") while parsing: "a{b='")");
  f("a{b=\"c\"d=\"e\"} 1\n# EOF\n",
    R"(expected comma or brace close, got "d=" ("LNAME") while parsing: "a{b=\"c\"d=")");
  f("a{b=\"c\",,d=\"e\"} 1\n# EOF\n",
    R"(expected label name, got ",d" ("COMMA") while parsing: "a{b=\"c\",,d")");
  f("a{ b=\"c\"} 1\n# EOF\n", R"(expected label name, got " " ("INVALID") while parsing: "a{ ")");
  f("a{b=\"\n\"} 1\n# EOF\n",
    R"(expected label value, got "\"\n" ("INVALID") while parsing: "a{b=\"\n")");
  f("{A}0\n# EOF\n", R"(expected equal, got "}0" ("BCLOSE") while parsing: "{A}0")");
  f("foo 0 1_2\n\n# EOF\n", R"(unsupported character in float while parsing: "foo 0 1_2")");
  f("{b=\"c\",} 1", R"(metric name not set while parsing: "{b=\"c\",}")");
  f("a 1 NaN", "invalid timestamp NaN");
  f("a 1 -Inf", "invalid timestamp -Inf");
  f("a 1 # {a=\"b\"} 4 Inf", "invalid exemplar timestamp +Inf");
  f("m 1 # {aa=bb}\n# EOF\n",
    R"(expected label value, got "b" ("INVALID") while parsing: "m 1 # {aa=b")");
  f("m 1 # {\"bb\"} 1\n# EOF\n",
    R"(expected equal, got "} " ("BCLOSE") while parsing: "m 1 # {\"bb\"} ")");
  f("m 1 # {aa=\"bb\"}\n# EOF\n",
    R"(expected value after exemplar labels, got "\n" ("INVALID") while parsing: "m 1 # {aa=\"bb\"}\n")");
  f("m 1 # {aa=\"bb\"} 0x1p-3",
    R"(unsupported character in float while parsing: "m 1 # {aa=\"bb\"} 0x1p-3")");
}

}  // namespace
}  // namespace canopy::exposition
