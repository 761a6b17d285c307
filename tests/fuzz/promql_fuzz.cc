#include <cstdlib>

#include "canopy/base/check.h"
#include "canopy/promql/parser.h"
#include "canopy/promql/series_description.h"

// Any text either is refused or has a printed form that parses into the same tree.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy::promql;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr Features kAll{.experimental_functions = true,
                          .extended_range_selectors = true,
                          .binop_fill_modifiers = true};
  if (const auto tree = ParseExpr(text, kAll); tree.ok()) {
    const std::string printed = ToString(**tree);
    const auto again = ParseExpr(printed, kAll);
    CANOPY_CHECK(again.ok());
    CANOPY_CHECK(SameTree(**tree, **again));
  }
  (void)ParseMetricSelector(text);
  (void)ParseSeriesDescription(text, 1000);
  return 0;
}
