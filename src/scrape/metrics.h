#pragma once

#include <map>
#include <memory>
#include <string>

#include "canopy/base/self_metrics.h"
#include "canopy/base/time.h"

namespace canopy::scrape {

// What scraping shows about itself, under Prometheus's names. Thread-safe.
class ScrapeMetrics {
 public:
  explicit ScrapeMetrics(SelfMetrics& metrics);

  // Seconds between the starts of two scrapes of a target. Not thread-safe.
  void ObserveInterval(Duration interval, double seconds);
  void ObserveReload(Duration interval, double seconds);

  Counter& pools;
  Counter& pools_failed;
  Counter& reloads;
  Counter& reloads_failed;
  Counter& exceeded_target_limit;
  Counter& exceeded_body_size_limit;

 private:
  struct Lengths {
    SummaryMetric& summary;
    HistogramMetric& histogram;
  };
  Lengths& LengthsOf(Duration interval);

  SelfMetrics& metrics_;
  std::map<Duration, Lengths> lengths_;  // to find them by labels takes long
};

// Those of one job; they go with it. Thread-safe.
class PoolMetrics {
 public:
  // The functions are called at any time while this lives, and must be thread-safe.
  PoolMetrics(SelfMetrics& metrics, const std::string& job,
              std::function<double()> metadata_entries, std::function<double()> metadata_bytes);
  ~PoolMetrics();
  PoolMetrics(const PoolMetrics&) = delete;
  PoolMetrics& operator=(const PoolMetrics&) = delete;

  SummaryMetric& sync_seconds;
  HistogramMetric& sync_seconds_histogram;
  Counter& syncs;
  Counter& sync_failed;
  Gauge& targets;
  Gauge& target_limit;

 private:
  SelfMetrics& metrics_;
  const SelfMetrics::MetricLabels labels_;
};

}  // namespace canopy::scrape
