#pragma once

#include <string>

#include "canopy/base/self_metrics.h"

namespace canopy::rules {

// What all groups count together, under Prometheus's names.
struct RuleMetrics {
  explicit RuleMetrics(SelfMetrics& metrics);

  SummaryMetric& evaluation_seconds;
  HistogramMetric& evaluation_seconds_histogram;
  SummaryMetric& group_seconds;
  HistogramMetric& group_seconds_histogram;
  Counter& template_expansions;
  Counter& template_failures;
};

// What one group counts, with the label rule_group="file;group".
struct GroupMetrics {
  GroupMetrics(SelfMetrics& metrics, const std::string& key);
  // Forgets them; no GroupMetrics of that key may be in use.
  static void Remove(SelfMetrics& metrics, const std::string& key);

  Counter& iterations_missed;
  Counter& iterations;
  Counter& evaluations;
  Counter& failures;
  Gauge& interval_seconds;
  Gauge& last_evaluation;
  Gauge& last_duration;
  Gauge& last_rule_duration_sum;
  Gauge& last_restore_duration;
  Gauge& rules;
  Gauge& last_samples;
};

}  // namespace canopy::rules
