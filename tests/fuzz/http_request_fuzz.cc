#include <cstdint>
#include <string_view>

#include "canopy/base/check.h"
#include "net/http_head.h"

// A head is refused with a status, or understood as something that could be written again.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = FindHeadEnd(text, 0);
  CANOPY_CHECK(end <= size);
  for (size_t from = 0; from < size && from < 64; ++from)
    if (end == 0) CANOPY_CHECK(FindHeadEnd(text, from) == 0);
  RequestHead head;
  if (const HeadError error = ParseHead(end > 0 ? text.substr(0, end) : text, head)) {
    CANOPY_CHECK(error.status >= 400 && error.status < 600);
    return 0;
  }
  CANOPY_CHECK(ValidHeaderName(head.method));
  CANOPY_CHECK(!head.path.empty());
  CANOPY_CHECK(!head.chunked || !head.content_length);
  for (const auto& [name, value] : head.headers) CANOPY_CHECK(ValidHeader(name, value));
  return 0;
}
