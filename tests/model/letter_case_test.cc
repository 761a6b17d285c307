#include "model/letter_case.h"

#include <boost/test/unit_test.hpp>

namespace canopy::model {
namespace {

BOOST_AUTO_TEST_CASE(letters_of_all_scripts_change_case_one_by_one) {
  auto f = [](std::string_view text, std::string_view lower, std::string_view upper) {
    BOOST_TEST(ToLower(text) == lower);
    BOOST_TEST(ToUpper(text) == upper);
  };
  f("", "", "");
  f("aB-9_", "ab-9_", "AB-9_");
  f("Grün", "grün", "GRÜN");
  f("Σίσυφος", "σίσυφος", "ΣΊΣΥΦΟΣ");
  f("straße", "straße", "STRAßE");  // one letter stays one letter
  f("ǅ", "ǆ", "Ǆ");
  f("a\xff"
    "B",
    "a\xef\xbf\xbd"
    "b",
    "A\xef\xbf\xbd"
    "B");
}

}  // namespace
}  // namespace canopy::model
