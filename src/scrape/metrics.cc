#include "metrics.h"

#include "target.h"

namespace canopy::scrape {
namespace {

const std::vector<double> kLengthBounds = {.01, .1, 1, 10};

}  // namespace

ScrapeMetrics::ScrapeMetrics(SelfMetrics& m)
    : pools(m.AddCounter("prometheus_target_scrape_pools_total",
                         "Total number of scrape pool creation attempts.")),
      pools_failed(m.AddCounter("prometheus_target_scrape_pools_failed_total",
                                "Total number of scrape pool creations that failed.")),
      reloads(m.AddCounter("prometheus_target_scrape_pool_reloads_total",
                           "Total number of scrape pool reloads.")),
      reloads_failed(m.AddCounter("prometheus_target_scrape_pool_reloads_failed_total",
                                  "Total number of failed scrape pool reloads.")),
      exceeded_target_limit(
          m.AddCounter("prometheus_target_scrape_pool_exceeded_target_limit_total",
                       "Total number of times scrape pools hit the target limit, during sync or "
                       "config reload.")),
      exceeded_body_size_limit(
          m.AddCounter("prometheus_target_scrapes_exceeded_body_size_limit_total",
                       "Total number of scrapes that hit the body size limit")),
      metrics_(m) {}

void ScrapeMetrics::ObserveInterval(Duration interval, double seconds) {
  Lengths& lengths = LengthsOf(interval);
  lengths.summary.Observe(seconds);
  lengths.histogram.Observe(seconds);
}

ScrapeMetrics::Lengths& ScrapeMetrics::LengthsOf(Duration interval) {
  const auto known = lengths_.find(interval);
  if (known != lengths_.end()) return known->second;
  const SelfMetrics::MetricLabels labels = {{"interval", GoDuration(interval)}};
  Lengths lengths{
      metrics_.AddSummary("prometheus_target_interval_length_seconds",
                          "Actual intervals between scrapes.", labels),
      metrics_.AddHistogram("prometheus_target_interval_length_histogram_seconds",
                            "Actual intervals between scrapes.", kLengthBounds, labels)};
  return lengths_.emplace(interval, lengths).first->second;
}

void ScrapeMetrics::ObserveReload(Duration interval, double seconds) {
  metrics_
      .AddSummary("prometheus_target_reload_length_seconds",
                  "Actual interval to reload the scrape pool with a given configuration.",
                  {{"interval", GoDuration(interval)}})
      .Observe(seconds);
}

PoolMetrics::PoolMetrics(SelfMetrics& m, const std::string& job,
                         std::function<double()> metadata_entries,
                         std::function<double()> metadata_bytes)
    : sync_seconds(m.AddSummary("prometheus_target_sync_length_seconds",
                                "Actual interval to sync the scrape pool.", {{"scrape_job", job}})),
      sync_seconds_histogram(m.AddHistogram("prometheus_target_sync_length_histogram_seconds",
                                            "Actual interval to sync the scrape pool.",
                                            kLengthBounds, {{"scrape_job", job}})),
      syncs(m.AddCounter("prometheus_target_scrape_pool_sync_total",
                         "Total number of syncs that were executed on a scrape pool.",
                         {{"scrape_job", job}})),
      sync_failed(m.AddCounter("prometheus_target_sync_failed_total",
                               "Total number of target sync failures.", {{"scrape_job", job}})),
      targets(m.AddGauge("prometheus_target_scrape_pool_targets",
                         "Current number of targets in this scrape pool.", {{"scrape_job", job}})),
      target_limit(m.AddGauge("prometheus_target_scrape_pool_target_limit",
                              "Maximum number of targets allowed in this scrape pool.",
                              {{"scrape_job", job}})),
      metrics_(m),
      labels_{{"scrape_job", job}} {
  m.AddGaugeFn("prometheus_target_metadata_cache_entries",
               "Total number of metric metadata entries in the cache", std::move(metadata_entries),
               labels_);
  m.AddGaugeFn("prometheus_target_metadata_cache_bytes",
               "The number of bytes that are currently used for storing metric metadata in the "
               "cache",
               std::move(metadata_bytes), labels_);
}

PoolMetrics::~PoolMetrics() {
  for (const char* name :
       {"prometheus_target_sync_length_seconds", "prometheus_target_sync_length_histogram_seconds",
        "prometheus_target_scrape_pool_sync_total", "prometheus_target_sync_failed_total",
        "prometheus_target_scrape_pool_targets", "prometheus_target_scrape_pool_target_limit",
        "prometheus_target_metadata_cache_entries", "prometheus_target_metadata_cache_bytes"})
    metrics_.Remove(name, labels_);
}

}  // namespace canopy::scrape
