#include <string>

#include "canopy/base/check.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/promql/series_description.h"

// Native histograms as test scripts write them: "{{" and "}}" are given, what is between them, and
// behind, is the input. What is read is printed; and what is printed is read as what it shows.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = [](std::string series) {
    return promql::ParseSeriesDescription("m " + series, 1000);
  };
  const auto series = read("{{" + std::string(text) + "}}");
  if (!series.ok()) return 0;
  for (const auto& entry : series->histograms) {
    if (!entry.histogram) continue;
    const std::string shown = model::ToTestExpression(*entry.histogram);
    const auto again = read(shown);
    CANOPY_CHECK(again.ok());
    CANOPY_CHECK(again->histograms.size() == 1);
    CANOPY_CHECK(model::ToTestExpression(*again->histograms[0].histogram) == shown);
  }
  return 0;
}
