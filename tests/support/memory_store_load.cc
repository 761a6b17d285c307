#include "canopy/base/check.h"
#include "canopy/promql/series_description.h"
#include "tests/support/memory_store.h"

// Apart from the rest, so that tests of modules below promql can be linked with a store.

namespace canopy::testing {

void MemoryStore::Load(Duration interval, std::string_view description) {
  const auto parsed = promql::ParseSeriesDescription(description);
  CANOPY_CHECK(parsed.ok());
  for (size_t i = 0; i < parsed->values.size(); ++i) {
    const auto time = Timestamp::FromMs(interval.count() * static_cast<int64_t>(i));
    if (const auto* h = parsed->histogram(i)) {
      Add(parsed->labels, time, h->histogram);
    } else if (parsed->values[i]) {
      Add(parsed->labels, time, *parsed->values[i]);
    }
  }
}

}  // namespace canopy::testing
