#pragma once

#include <string>

#include "canopy/base/self_metrics.h"

namespace canopy::notify {

// What all Alertmanagers count together, under Prometheus's names.
struct ManagerMetrics {
  explicit ManagerMetrics(SelfMetrics& metrics);

  Gauge& queue_capacity;
  Gauge& alertmanagers_discovered;
};

// What one Alertmanager counts, with the label alertmanager="URL"; it goes with it.
class SenderMetrics {
 public:
  SenderMetrics(SelfMetrics& metrics, const std::string& url);
  ~SenderMetrics();
  SenderMetrics(const SenderMetrics&) = delete;
  SenderMetrics& operator=(const SenderMetrics&) = delete;

  SummaryMetric& latency_seconds;
  HistogramMetric& latency_seconds_histogram;
  Counter& sent;
  Counter& errors;  // a notice counts for each try that failed
  Counter& dropped;
  Gauge& queue_length;  // without the batch that is being sent

 private:
  SelfMetrics& metrics_;
  const SelfMetrics::MetricLabels labels_;
};

}  // namespace canopy::notify
