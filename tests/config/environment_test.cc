#include "config/environment.h"

#include <boost/test/unit_test.hpp>

namespace canopy::config {
namespace {

BOOST_AUTO_TEST_CASE(references_expand_as_in_go) {
  auto f = [](std::string_view text, std::string_view want) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(ExpandEnvironment(text, [](const std::string& n) { return "<" + n + ">"; }) ==
                 want);
    }
  };
  f("", "");
  f("plain", "plain");
  f("$A", "<A>");
  f("${A}", "<A>");
  f("x$A_1-y", "x<A_1>-y");
  f("${A}${B}", "<A><B>");
  f("$$", "<$>");
  f("$${A}", "<$>{A}");
  f("${$}", "<$>");
  f("$1a", "<1>a");
  f("$*", "<*>");
  f("a$", "a$");
  f("a$ b", "a$ b");
  f("${}x", "x");
  f("${A", "A");
  f("${a b}", "<a b>");
}

}  // namespace
}  // namespace canopy::config
