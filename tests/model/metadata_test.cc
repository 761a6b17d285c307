#include "canopy/model/metadata.h"

#include <boost/test/unit_test.hpp>

namespace canopy::model {
namespace {

BOOST_AUTO_TEST_CASE(metric_types_have_the_words_of_openmetrics) {
  auto f = [](MetricType type, std::string_view text) {
    BOOST_TEST(MetricTypeText(type) == text);
    BOOST_CHECK(ParseMetricType(text) == type);
  };
  f(MetricType::kUnknown, "unknown");
  f(MetricType::kCounter, "counter");
  f(MetricType::kGauge, "gauge");
  f(MetricType::kHistogram, "histogram");
  f(MetricType::kGaugeHistogram, "gaugehistogram");
  f(MetricType::kSummary, "summary");
  f(MetricType::kInfo, "info");
  f(MetricType::kStateset, "stateset");
  BOOST_CHECK(ParseMetricType("untyped") == MetricType::kUnknown);
  BOOST_CHECK(ParseMetricType("Counter") == MetricType::kUnknown);
}

}  // namespace
}  // namespace canopy::model
