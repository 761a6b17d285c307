#include <cstdint>
#include <string_view>

#include "canopy/base/check.h"
#include "canopy/net/url.h"

// A URL that is taken reads back from its text as the same; so does a form.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto url = ParseUrl(text); url.ok()) {
    const auto again = ParseUrl(url->Format());
    CANOPY_CHECK(again.ok());
    CANOPY_CHECK(again->scheme == url->scheme && again->user_info == url->user_info &&
                 again->host == url->host && again->path == url->path &&
                 again->raw_query == url->raw_query && again->fragment == url->fragment);
    (void)url->Redacted();
    CANOPY_CHECK(url->host_name().size() + url->port().size() <= url->host.size());
  }
  if (const auto form = ParseForm(text, 1000); form.ok()) {
    const auto again = ParseForm(form->Encode());
    CANOPY_CHECK(again.ok());
    CANOPY_CHECK(again->items().size() == form->items().size());
    for (const auto& [name, value] : form->items())
      CANOPY_CHECK(again->All(name) == form->All(name));
  }
  CANOPY_CHECK(*QueryUnescape(QueryEscape(text)) == text);
  CANOPY_CHECK(*PathUnescape(PathEscape(text)) == text);
  return 0;
}
