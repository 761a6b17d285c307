#include "config/names.h"

#include <array>

namespace canopy::config {
namespace {

// In the order of Protocol.
constexpr std::array<std::string_view, 5> kProtocols = {
    "PrometheusProto",      "PrometheusText0.0.4",  "PrometheusText1.0.0",
    "OpenMetricsText0.0.1", "OpenMetricsText1.0.0",
};

}  // namespace

std::vector<Protocol> DefaultProtocols() {
  return {Protocol::kOpenMetrics100, Protocol::kOpenMetrics001, Protocol::kText100,
          Protocol::kText004};
}

std::vector<Protocol> DefaultHistogramProtocols() {
  std::vector<Protocol> out = DefaultProtocols();
  out.insert(out.begin(), Protocol::kProto);
  return out;
}

std::string_view ProtocolText(Protocol protocol) {
  return kProtocols[static_cast<size_t>(protocol)];
}

std::optional<Protocol> ParseProtocol(std::string_view text) {
  for (size_t i = 0; i < kProtocols.size(); ++i) {
    if (kProtocols[i] == text) return static_cast<Protocol>(i);
  }
  return std::nullopt;
}

std::string_view NameValidationText(NameValidation validation) {
  return validation == NameValidation::kUtf8 ? "utf8" : "legacy";
}

Escaping DefaultEscaping(NameValidation validation) {
  return validation == NameValidation::kLegacy ? Escaping::kUnderscores : Escaping::kAllowUtf8;
}

}  // namespace canopy::config
