#include <string>

#include "canopy/base/check.h"
#include "tests/fuzz/repair_sums.h"
#include "tsdb/tombstones.h"

// Any bytes as a tombstones file, its sum made right: what is taken comes back the same after it
// was written.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy;
  using namespace canopy::tsdb;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)ParseTombstones(bytes);
  std::string whole("\x01\x30\xba\x30\1", 5);
  whole += bytes + std::string(4, '\0');
  testing::PutSum(whole, 5, whole.size() - 4);
  const auto tombstones = ParseTombstones(whole);
  if (!tombstones.ok()) return 0;
  for (const auto& [series, ranges] : tombstones->all()) {
    for (size_t i = 0; i < ranges.size(); ++i) {
      CANOPY_CHECK(ranges[i].mint <= ranges[i].maxt);
      CANOPY_CHECK(i == 0 || ranges[i - 1].maxt + 1 < ranges[i].mint);
    }
  }
  const auto again = ParseTombstones(FormatTombstones(*tombstones));
  CANOPY_CHECK(again.ok() && *again == *tombstones);
  return 0;
}
