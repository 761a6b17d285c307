#include "canopy/promql/testscript.h"

#include <boost/test/unit_test.hpp>

namespace canopy::promql {
namespace {

constexpr std::string_view kLoad =
    "load 1m\n"
    "  m{a=\"x\"} 0+10x10\n"
    "  m{a=\"y\"} 5x10\n\n";

ScriptReport Run(std::string_view script) {
  auto report =
      RunTestScript(std::string(kLoad) + std::string(script), ScriptEngineOptions(), SystemClock());
  BOOST_REQUIRE_MESSAGE(report.ok(), report.status().message());
  return std::move(report).value();
}

}  // namespace

BOOST_AUTO_TEST_CASE(right_expectations_pass) {
  auto f = [](std::string_view script) {
    BOOST_TEST_CONTEXT(script) {
      const ScriptReport report = Run(script);
      BOOST_TEST(report.passed == 1u);
      for (const ScriptFailure& failure : report.failures) BOOST_ERROR(failure.message);
    }
  };
  f("eval instant at 2m m\n m{a=\"x\"} 20\n m{a=\"y\"} 5\n");
  f("eval instant at 2m 1 + 1\n 2\n");
  f("eval instant at 2m \"a\"\n expect string \"a\"\n");
  f("eval instant at 2m sort_desc(m)\n expect ordered\n m{a=\"x\"} 20\n m{a=\"y\"} 5\n");
  f("eval_ordered instant at 2m sort_desc(m)\n m{a=\"x\"} 20\n m{a=\"y\"} 5\n");
  f("eval range from 0 to 2m step 1m sum(m)\n {} 5 15 25\n");
  f("eval range from 0 to 2m step 1m m > 5\n m{a=\"x\"} _ 10 20\n");
  f("eval instant at 2m m{a=\"x\"}[1m1ms]\n expect range vector from 1m to 2m step 1m\n"
    " m{a=\"x\"} 10 20\n");
  f("eval instant at 2m m + on () m\n expect fail regex: found duplicate series.*\n");
  f("eval_fail instant at 2m topk(NaN, m)\n expected_fail_message Parameter value is NaN\n");
  f("eval instant at 2m rate(m[2m])\n expect info\n expect no_warn\n"
    " {a=\"x\"} 0.16666667\n {a=\"y\"} 0\n");
  f("eval instant at 2m quantile(2, m)\n expect warn msg: PromQL warning: quantile value should be "
    "between 0 and 1, got 2 (1:10)\n {} Inf\n");
  f("load 1m\n h {{sum:1 count:2 buckets:[1 1]}}+{{count:1 buckets:[1]}}x3\n\n"
    "eval instant at 2m h\n h {{sum:1 count:4 buckets:[3 1] counter_reset_hint:not_reset}}\n");
  f("load 1m\n h {{sum:1 count:2 buckets:[1 1]}} 3\n\n"
    "eval range from 0 to 1m step 1m h\n h {{sum:1 count:2 buckets:[1 1 0]}} 3\n");
  f("load 1m\n m@st -30s -1m-10sx1\n m 1 2 3\n\n"
    "eval range from 0 to 2m step 1m start_timestamp(m{a=\"\"})\n {} -30 0 50\n");
  f("load_with_nhcb 1m\n c_bucket{le=\"1\"} 2\n c_bucket{le=\"+Inf\"} 3\n c_sum 4\n c_count 3\n\n"
    "eval instant at 0 c\n c {{schema:-53 sum:4 count:3 custom_values:[1] buckets:[2 1]}}\n");
  f("# comment\nclear\n# another\neval instant at 0 m\n");
}

BOOST_AUTO_TEST_CASE(wrong_expectations_fail) {
  auto f = [](std::string_view script, std::string_view want) {
    BOOST_TEST_CONTEXT(script) {
      const ScriptReport report = Run(script);
      BOOST_TEST(report.passed == 0u);
      BOOST_REQUIRE(report.failures.size() == 1u);
      BOOST_TEST(report.failures[0].line == 5u);
      BOOST_TEST(report.failures[0].message == want);
    }
  };
  f("eval instant at 2m m{a=\"x\"}\n m{a=\"x\"} 21\n",
    "m{a=\"x\"}: expected 21 for m{a=\"x\"}, got 20");
  f("eval instant at 2m m\n m{a=\"x\"} 20\n", "m: unexpected m{a=\"y\"} with value 5");
  f("eval instant at 2m m{a=\"x\"}\n m{a=\"x\"} 20\n m{a=\"z\"} 1\n",
    "m{a=\"x\"}: expected m{a=\"z\"}, not found");
  f("eval instant at 2m 1 + 1\n 3\n", "1 + 1: expected 3, got 2");
  f("eval instant at 2m m\n 3\n", "m: expected a scalar, got a vector");
  f("eval instant at 2m 3\n {} 3\n", "3: expected no scalar, got 3");
  f("eval instant at 2m \"a\"\n expect string \"b\"\n",
    "\"a\": expected the string \"b\", got \"a\"");
  f("eval instant at 2m sort(m)\n expect ordered\n m{a=\"x\"} 20\n m{a=\"y\"} 5\n",
    "sort(m): expected m{a=\"y\"} at position 2, got it at 1");
  f("eval range from 0 to 2m step 1m m{a=\"x\"}\n m{a=\"x\"} 0 10 21\n",
    "m{a=\"x\"}: expected m{a=\"x\"} 0@0 10@60000 21@120000, got m{a=\"x\"} 0@0 10@60000 "
    "20@120000");
  f("eval range from 0 to 2m step 1m m{a=\"x\"}\n m{a=\"x\"} 0 10\n",
    "m{a=\"x\"}: expected m{a=\"x\"} 0@0 10@60000, got m{a=\"x\"} 0@0 10@60000 20@120000");
  f("eval range from 0 to 1m step 1m m{a=\"x\"}\n m{a=\"x\"} 0 10 20\n",
    "m{a=\"x\"}: more values are expected than the range has steps");
  f("eval instant at 2m m\n expect fail\n", "m: expected an error, got none");
  f("eval instant at 2m m + on () m\n",
    "m + on () m: failed: found duplicate series for the match "
    "group {} on the right hand-side of the operation: [{__name__=\"m\", a=\"x\"}, "
    "{__name__=\"m\", a=\"y\"}];many-to-many "
    "matching not allowed: matching labels must be unique on one side");
  f("eval instant at 2m topk(NaN, m)\n expect fail msg: something\n",
    "topk(NaN, m): expected the error \"something\", got \"Parameter value is NaN\"");
  f("eval instant at 2m m{a=\"x\"}\n expect warn\n m{a=\"x\"} 20\n",
    "m{a=\"x\"}: expected a warning, got none");
  f("eval_warn instant at 2m m{a=\"x\"}\n m{a=\"x\"} 20\n", "m{a=\"x\"}: expected a warning");
  f("eval_info instant at 2m m{a=\"x\"}\n m{a=\"x\"} 20\n", "m{a=\"x\"}: expected an info");
  f("eval instant at 2m quantile(2, m)\n expect no_warn\n {} Inf\n",
    "quantile(2, m): unexpected warning: PromQL warning: quantile value should be between 0 and 1, "
    "got 2 (1:10)");
  f("eval instant at 2m quantile(2, m)\n expect warn msg: other\n {} Inf\n",
    "quantile(2, m): expected the warning \"other\", got \"PromQL warning: quantile value should "
    "be "
    "between 0 and 1, got 2 (1:10)\"");
}

// Every kind of expectation, met nowhere.
BOOST_AUTO_TEST_CASE(no_kind_of_expectation_passes_where_it_is_wrong) {
  auto f = [](std::string_view script, std::string_view want) {
    BOOST_TEST_CONTEXT(script) {
      const ScriptReport report = Run(script);
      BOOST_TEST(report.passed == 0u);
      BOOST_REQUIRE(report.failures.size() == 1u);
      const std::string& message = report.failures[0].message;
      BOOST_TEST(message.substr(message.find(": ") + 2).starts_with(want), message);
    }
  };
  const std::string fails = "eval instant at 2m topk(NaN, m)\n";
  f(fails, "failed: Parameter value is NaN");
  f(fails + " expect fail msg: Parameter\n", "expected the error \"Parameter\", got");
  f(fails + " expect fail regex: ^value\n", "expected the error \"^value\", got");
  f("eval_fail instant at 2m topk(NaN, m)\n expected_fail_message other\n",
    "expected the error \"other\", got");
  f("eval_fail instant at 2m topk(NaN, m)\n expected_fail_regexp other.*\n",
    "expected the error \"other.*\", got");
  f("eval_fail instant at 2m m\n", "expected an error, got none");
  f("eval range from 0 to 1m step 1m m\n expect fail\n", "expected an error, got none");
  const std::string warns = "eval instant at 2m quantile(2, m)\n {} Inf\n";
  f(warns + " expect no_warn\n", "unexpected warning: PromQL warning: quantile");
  f(warns + " expect warn regex: nothing like it\n", "expected the warning \"nothing like it\"");
  f(warns + " expect warn regex: quantile\n expect warn msg: another\n",
    "expected the warning \"another\"");
  f(warns + " expect info\n", "expected a info, got none");
  const std::string infos = "eval instant at 2m rate(m{a=\"y\"}[2m])\n {a=\"y\"} 0\n";
  f(infos + " expect no_info\n", "unexpected info: PromQL info: metric might not be a counter");
  f(infos + " expect info msg: other\n", "expected the info \"other\", got");
  f(infos + " expect info regex: ^other\n", "expected the info \"^other\", got");
  f(infos + " expect warn\n", "expected a warning, got none");
  f("eval_info instant at 2m m\n", "expected an info");
  f("eval_warn instant at 2m m\n", "expected a warning");
  f("eval_ordered instant at 2m sort(m)\n m{a=\"x\"} 20\n m{a=\"y\"} 5\n",
    "expected m{a=\"y\"} at position 2");
  f("eval range from 0 to 1m step 1m m{a=\"y\"}\n expect ordered\n m{a=\"y\"} 5 5\n",
    "expected an order, got a matrix");
  // Types.
  f("eval instant at 2m m\n expect string \"a\"\n", "expected a string, got a vector");
  f("eval instant at 2m nothing\n expect string \"\"\n", "expected a string, got a vector");
  f("eval instant at 2m 1\n expect string \"1\"\n", "expected a string, got a scalar");
  f("eval instant at 2m \"\"\n {} 1\n", "expected series, got a string");
  f("eval instant at 2m \"a\"\n 1\n", "expected a scalar, got a string");
  f("eval instant at 2m 1\n 1\n {} 1\n", "expected no scalar, got 1");
  f("eval instant at 2m nothing\n 1\n", "expected a scalar, got a vector");
  f("eval range from 0 to 1m step 1m 1\n 1\n", "expected a scalar, got a matrix");
  f("eval instant at 2m m{a=\"y\"}[1m]\n m{a=\"y\"} 5\n", "got a range vector, which takes");
  f("eval instant at 2m m{a=\"y\"}\n expect range vector from 1m to 2m step 1m\n"
    " m{a=\"y\"} 5 5\n",
    "expected a range vector, got a vector");
  f("eval instant at 2m m{a=\"y\"}[1m1ms]\n expect range vector from 1m to 2m step 1m\n"
    " m{a=\"y\"} 5 6\n",
    "expected m{a=\"y\"} 5@60000 6@120000");
  f("eval instant at 2m m{a=\"y\"}[1m1ms]\n expect range vector from 0 to 2m step 1m\n"
    " m{a=\"y\"} 5 5 5\n",
    "expected m{a=\"y\"} 5@0");
  f("eval range from 0 to 1m step 1m m{a=\"y\"}\n m{a=\"y\"} 5 _\n",
    "expected m{a=\"y\"} 5@0, got");
  f("eval range from 0 to 1m step 1m m{a=\"y\"}\n", "unexpected m{a=\"y\"} with");
}

BOOST_AUTO_TEST_CASE(wrong_histograms_fail) {
  auto f = [](std::string_view expected, std::string_view want) {
    const ScriptReport report =
        Run("load 1m\n h {{sum:1 count:2 buckets:[1 1]}}x3\n\neval instant at 1m h\n" +
            std::string(expected));
    BOOST_TEST_CONTEXT(expected) {
      BOOST_REQUIRE(report.failures.size() == 1u);
      BOOST_TEST(report.failures[0].message == want);
    }
  };
  const std::string got = ", got {{count:2 sum:1 counter_reset_hint:not_reset buckets:[1 1]}}";
  f(" h 2\n", "h: expected 2 for h" + got);
  f(" h {{sum:1 count:2 buckets:[1 2]}}\n",
    "h: expected {{count:2 sum:1 buckets:[1 2]}} for h" + got);
  f(" h {{sum:1 count:3 buckets:[1 1]}}\n",
    "h: expected {{count:3 sum:1 buckets:[1 1]}} for h" + got);
  f(" h {{schema:1 sum:1 count:2 buckets:[1 1]}}\n",
    "h: expected {{schema:1 count:2 sum:1 buckets:[1 1]}} for h" + got);
  f(" h {{sum:1 count:2 offset:1 buckets:[1 1]}}\n",
    "h: expected {{count:2 sum:1 offset:1 buckets:[1 1]}} for h" + got);
  f(" h {{sum:1 count:2 z_bucket_w:1 buckets:[1 1]}}\n",
    "h: expected {{count:2 sum:1 z_bucket_w:1 buckets:[1 1]}} for h" + got);
  f(" h {{sum:1 count:2 buckets:[1 1] counter_reset_hint:gauge}}\n",
    "h: expected {{count:2 sum:1 counter_reset_hint:gauge buckets:[1 1]}} for h" + got);
}

BOOST_AUTO_TEST_CASE(what_is_no_script_is_refused) {
  auto f = [](std::string_view script, std::string_view want) {
    const auto report = RunTestScript(script, ScriptEngineOptions(), SystemClock());
    BOOST_TEST_CONTEXT(script) {
      BOOST_REQUIRE(!report.ok());
      BOOST_TEST(report.status().message() == want);
    }
  };
  f("lad 1m\n", "line 1: invalid command \"lad 1m\"");
  f("\neval sometimes at 1m m\n", "line 2: invalid evaluation command");
  f("eval range from 2m to 1m step 1m m\n",
    "line 1: invalid test definition, the end is before the start");
  f("eval instant at 1m m\n expect maybe\n", "line 1: invalid expect statement");
  f("eval instant at 1m m\n expect warn\n expect no_warn\n",
    "line 2: expect statements contradict each other");
  f("eval instant at 1m m\n m 1 2\n", "line 1: more than one value for an instant");
  f("load 1m\n m@st -1m\n", "line 2: an @st line has no series behind it");
  f("load 1m\n m@st -1m\n n 1\n", "line 3: the @st line before is of another metric");
  f("load 1m\n m@st -1mx2\n m 1\n", "line 3: the @st line before has another number of values");
  f("load 1m\n m@st x\n m 1\n", "line 2: invalid start time \"x\"");
  f("load_with_nhcb 1m\n c_bucket{le=\"1\"} 5\n c_count 3\n", "count is not cumulative");
}

}  // namespace canopy::promql
