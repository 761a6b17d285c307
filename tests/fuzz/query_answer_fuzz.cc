#include "app/query_answer.h"
#include "app/query_table.h"
#include "canopy/base/check.h"

// Whatever a server answers, the client says what is wrong or shows whole lines.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto answer = app::ParseQueryAnswer(body); answer.ok()) {
    const std::string shown = app::FormatValue(answer->value);
    CANOPY_CHECK(shown.empty() || shown.ends_with('\n'));
  }
  (void)app::ParseSeriesAnswer(body);
  (void)app::ParseNamesAnswer(body);
  return 0;
}
