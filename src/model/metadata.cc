#include "canopy/model/metadata.h"

#include <array>

namespace canopy::model {
namespace {

// In the order of MetricType.
constexpr std::array<std::string_view, 8> kTypes = {
    "unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset",
};

}  // namespace

std::string_view MetricTypeText(MetricType type) { return kTypes[static_cast<size_t>(type)]; }

MetricType ParseMetricType(std::string_view text) {
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i] == text) return static_cast<MetricType>(i);
  }
  return MetricType::kUnknown;
}

}  // namespace canopy::model
