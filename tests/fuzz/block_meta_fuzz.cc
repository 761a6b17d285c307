#include "canopy/base/check.h"
#include "tsdb/block_meta.h"

// Any bytes as a meta.json: what is taken comes back the same after it was written.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy::tsdb;
  const auto meta = ParseBlockMeta({reinterpret_cast<const char*>(data), size});
  if (!meta.ok()) return 0;
  const auto again = ParseBlockMeta(FormatBlockMeta(*meta));
  CANOPY_CHECK(again.ok() && *again == *meta);
  return 0;
}
