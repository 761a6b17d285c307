#include "canopy/base/check.h"
#include "canopy/promql/series_description.h"
#include "tests/support/memory_store.h"

// Apart from the rest, so that tests of modules below promql can be linked with a store.

namespace canopy::testing {

void MemoryStore::Load(Duration interval, std::string_view description) {
  const auto parsed = promql::ParseSeriesDescription(description);
  CANOPY_CHECK(parsed.ok() && parsed->histograms.empty());
  for (size_t i = 0; i < parsed->values.size(); ++i) {
    if (!parsed->values[i]) continue;
    Add(parsed->labels, Timestamp::FromMs(interval.count() * static_cast<int64_t>(i)),
        *parsed->values[i]);
  }
}

}  // namespace canopy::testing
