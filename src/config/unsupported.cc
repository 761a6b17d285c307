#include "config/sections.h"

namespace canopy::config {
namespace {

struct Nothing {};

}  // namespace

// Settings of a receiver that does not exist here: fine as long as they are its defaults.
void RefuseOtlp(const Value& from) {
  static const Fields<Nothing> kFields = {
      Unsupported<Nothing>("promote_all_resource_attributes", {"false"}),
      Unsupported<Nothing>("promote_resource_attributes"),
      Unsupported<Nothing>("ignore_resource_attributes"),
      Unsupported<Nothing>("translation_strategy", {"UnderscoreEscapingWithSuffixes"}),
      Unsupported<Nothing>("keep_identifying_resource_attributes", {"false"}),
      Unsupported<Nothing>("convert_histograms_to_nhcb", {"false"}),
      Unsupported<Nothing>("promote_scope_metadata", {"false"}),
      Unsupported<Nothing>("label_name_underscore_sanitization", {"true"}),
      Unsupported<Nothing>("label_name_preserve_multiple_underscores", {"true"}),
  };
  Nothing nothing;
  ReadMap(from, Bind(kFields, nothing));
}

void RefuseTracing(const Value& from) {
  static const Fields<Nothing> kFields = {
      Unsupported<Nothing>("client_type", {"grpc"}),
      Unsupported<Nothing>("endpoint"),
      Unsupported<Nothing>("sampling_fraction", {"0", "0.0"}),
      Unsupported<Nothing>("insecure", {"false"}),
      Unsupported<Nothing>("tls_config"),
      Unsupported<Nothing>("headers"),
      Unsupported<Nothing>("compression"),
      Unsupported<Nothing>("timeout", {"10s"}),
  };
  Nothing nothing;
  ReadMap(from, Bind(kFields, nothing));
}

}  // namespace canopy::config
