#include <cstdint>
#include <string>

#include "canopy/base/check.h"
#include "canopy/rules/template.h"

// Any text either is no template or expands, or fails, within its limits.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy::rules;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = ParseAlertTemplate("A", text);
  if (!parsed.ok()) {
    CANOPY_CHECK(parsed.status().message().starts_with("error parsing template __alert_A: "));
    return 0;
  }
  TemplateData input;
  input.labels = canopy::model::Labels{{"instance", "host:9100"}, {"job", "node"}};
  input.value = 1234.5;
  input.external_url = "http://localhost:9090/prefix";
  input.query = [](std::string_view, canopy::Timestamp) {
    return canopy::Result<std::vector<TemplateSample>>(
        {{canopy::model::Labels{{"a", "b"}}, 1.5}, {canopy::model::Labels{{"a", "a"}}, 2}});
  };
  TemplateLimits limits;
  limits.output_bytes = 10'000;
  limits.steps = 20'000;
  const auto out = parsed->Expand(input, limits);
  CANOPY_CHECK(!out.ok() || out->size() <= limits.output_bytes);
  // What a template says depends on nothing but its input.
  const auto again = parsed->Expand(input, limits);
  CANOPY_CHECK(out.ok() == again.ok() && (!out.ok() || *out == *again));
  return 0;
}
