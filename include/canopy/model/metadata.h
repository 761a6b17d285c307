#pragma once

#include <string>
#include <string_view>

namespace canopy::model {

enum class MetricType : unsigned char {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateset,
};

// "counter", "gauge", ..., "unknown": as OpenMetrics and the HTTP API write it.
std::string_view MetricTypeText(MetricType type);
// Also takes "untyped", the text format's word for unknown. Unheard-of words are kUnknown.
MetricType ParseMetricType(std::string_view text);

// What a page says of one metric family.
struct Metadata {
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::string unit;
  bool empty() const { return type == MetricType::kUnknown && help.empty() && unit.empty(); }
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

}  // namespace canopy::model
