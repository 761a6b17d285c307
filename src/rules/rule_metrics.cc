#include "rules/rule_metrics.h"

namespace canopy::rules {

namespace {

constexpr std::string_view kMissed = "prometheus_rule_group_iterations_missed_total";
constexpr std::string_view kIterations = "prometheus_rule_group_iterations_total";
constexpr std::string_view kEvaluations = "prometheus_rule_evaluations_total";
constexpr std::string_view kFailures = "prometheus_rule_evaluation_failures_total";
constexpr std::string_view kInterval = "prometheus_rule_group_interval_seconds";
constexpr std::string_view kLastEvaluation =
    "prometheus_rule_group_last_evaluation_timestamp_seconds";
constexpr std::string_view kLastDuration = "prometheus_rule_group_last_duration_seconds";
constexpr std::string_view kRuleDurationSum =
    "prometheus_rule_group_last_rule_duration_sum_seconds";
constexpr std::string_view kRestoreDuration = "prometheus_rule_group_last_restore_duration_seconds";
constexpr std::string_view kRules = "prometheus_rule_group_rules";
constexpr std::string_view kSamples = "prometheus_rule_group_last_evaluation_samples";

SelfMetrics::MetricLabels Of(const std::string& key) { return {{"rule_group", key}}; }

}  // namespace

RuleMetrics::RuleMetrics(SelfMetrics& m)
    : evaluation_seconds(m.AddSummary("prometheus_rule_evaluation_duration_seconds",
                                      "The duration for a rule to execute.")),
      evaluation_seconds_histogram(
          m.AddHistogram("prometheus_rule_evaluation_duration_histogram_seconds",
                         "The duration for a rule to execute.", {.01, .1, 1, 10})),
      group_seconds(m.AddSummary("prometheus_rule_group_duration_seconds",
                                 "The duration of rule group evaluations.")),
      group_seconds_histogram(m.AddHistogram("prometheus_rule_group_duration_histogram_seconds",
                                             "The duration of rule group evaluations.",
                                             {.01, .1, 1, 10})),
      template_expansions(m.AddCounter("prometheus_template_text_expansions_total",
                                       "The total number of template text expansions.")),
      template_failures(m.AddCounter("prometheus_template_text_expansion_failures_total",
                                     "The total number of template text expansion failures.")) {}

GroupMetrics::GroupMetrics(SelfMetrics& m, const std::string& key)
    : iterations_missed(m.AddCounter(kMissed,
                                     "The total number of rule group evaluations missed due to "
                                     "slow rule group evaluation.",
                                     Of(key))),
      iterations(m.AddCounter(kIterations,
                              "The total number of scheduled rule group evaluations, whether "
                              "executed or missed.",
                              Of(key))),
      evaluations(m.AddCounter(kEvaluations, "The total number of rule evaluations.", Of(key))),
      failures(m.AddCounter(kFailures, "The total number of rule evaluation failures.", Of(key))),
      interval_seconds(m.AddGauge(kInterval, "The interval of a rule group.", Of(key))),
      last_evaluation(m.AddGauge(
          kLastEvaluation, "The timestamp of the last rule group evaluation in seconds.", Of(key))),
      last_duration(
          m.AddGauge(kLastDuration, "The duration of the last rule group evaluation.", Of(key))),
      last_rule_duration_sum(m.AddGauge(kRuleDurationSum,
                                        "The sum of time in seconds it took to evaluate each rule "
                                        "in the group regardless of concurrency.",
                                        Of(key))),
      last_restore_duration(m.AddGauge(kRestoreDuration,
                                       "The duration of the last alert rules alerts restoration "
                                       "using the `ALERTS_FOR_STATE` series.",
                                       Of(key))),
      rules(m.AddGauge(kRules, "The number of rules.", Of(key))),
      last_samples(m.AddGauge(
          kSamples, "The number of samples returned during the last rule group evaluation.",
          Of(key))) {}

void GroupMetrics::Remove(SelfMetrics& m, const std::string& key) {
  for (const std::string_view name :
       {kMissed, kIterations, kEvaluations, kFailures, kInterval, kLastEvaluation, kLastDuration,
        kRuleDurationSum, kRestoreDuration, kRules, kSamples}) {
    m.Remove(name, Of(key));
  }
}

}  // namespace canopy::rules
