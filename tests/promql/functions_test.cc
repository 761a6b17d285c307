#include "canopy/promql/functions.h"

#include <boost/test/unit_test.hpp>

namespace canopy::promql {
namespace {

BOOST_AUTO_TEST_CASE(every_function_is_found_by_its_name_and_by_its_id) {
  BOOST_TEST(AllFunctions().size() == 90u);
  for (const Function& f : AllFunctions()) {
    BOOST_TEST(FindFunction(f.name) == &f);
    BOOST_TEST(&GetFunction(f.id) == &f);
  }
  BOOST_TEST(FindFunction("Rate") == nullptr);
  BOOST_TEST(FindFunction("holt_winters") == nullptr);
  BOOST_TEST(FindFunction("") == nullptr);
  BOOST_TEST(FindFunction("zzz") == nullptr);
}

BOOST_AUTO_TEST_CASE(bounds_on_arguments) {
  const auto f = [](std::string_view name, int min, int max) {
    const Function* function = FindFunction(name);
    BOOST_TEST_REQUIRE(function != nullptr);
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(function->min_args() == min);
      BOOST_TEST(function->max_args() == max);
    }
  };
  f("time", 0, 0);
  f("abs", 1, 1);
  f("hour", 0, 1);
  f("round", 1, 2);
  f("info", 1, 2);
  f("label_replace", 5, 5);
  f("label_join", 3, -1);
  f("sort_by_label", 1, -1);
  f("histogram_quantiles", 3, 12);
}

}  // namespace
}  // namespace canopy::promql
