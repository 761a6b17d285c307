#include "job.h"

#include "canopy/exposition/negotiate.h"

namespace canopy::scrape {
namespace {

void SetHistograms(const config::HistogramScraping& of, ingest::PageRules& rules) {
  rules.native_histograms = of.native;
  rules.classic_histograms_too = of.classic_as_well;
  rules.convert_classic_histograms = of.convert_classic;
}

std::shared_ptr<const ingest::PageRules> RulesOf(const config::ScrapeConfig& c,
                                                 const Options& options) {
  auto rules = std::make_shared<ingest::PageRules>();
  rules->honor_labels = c.honor_labels;
  rules->honor_timestamps = c.honor_timestamps;
  rules->track_timestamps_staleness = c.track_timestamps_staleness;
  rules->extra_scrape_metrics = c.extra_scrape_metrics;
  rules->names = c.metric_name_validation_scheme;
  rules->sample_limit = c.limits.samples;
  rules->label_limit = c.limits.labels;
  rules->label_name_length_limit = c.limits.label_name_length;
  rules->label_value_length_limit = c.limits.label_value_length;
  SetHistograms(c.histograms, *rules);
  rules->native_histogram_bucket_limit = c.native_histogram_bucket_limit;
  rules->native_histogram_min_bucket_factor = c.native_histogram_min_bucket_factor;
  rules->exemplars = options.exemplars;
  rules->metadata = options.metadata;
  rules->start_times = options.start_times;
  rules->type_and_unit_labels = options.type_and_unit_labels;
  rules->metric_relabel = c.metric_relabel_configs.rules;
  return rules;
}

}  // namespace

Job::Job(const config::ScrapeConfig& c, const Options& options, std::shared_ptr<FailureLog> log)
    : config(c),
      rules(RulesOf(c, options)),
      http(std::make_shared<net::HttpClientConfig>(c.http)),
      accept(exposition::AcceptHeader(c.scrape_protocols, c.metric_name_escaping_scheme)),
      failure_log(std::move(log)) {}

std::shared_ptr<const ingest::PageRules> Job::RulesFor(const config::HistogramScraping& of) const {
  if (of == config.histograms) return rules;
  auto own = std::make_shared<ingest::PageRules>(*rules);
  SetHistograms(of, *own);
  return own;
}

bool SameSeries(const config::HistogramScraping& a, const config::HistogramScraping& b) {
  return a.convert_classic == b.convert_classic &&
         (!a.convert_classic || a.classic_as_well == b.classic_as_well);
}

bool SameLabels(const Job& a, const Job& b) {
  const config::ScrapeConfig& x = a.config;
  const config::ScrapeConfig& y = b.config;
  return x.honor_labels == y.honor_labels && x.metric_relabel_configs == y.metric_relabel_configs &&
         x.metric_name_validation_scheme == y.metric_name_validation_scheme &&
         x.limits.labels == y.limits.labels &&
         x.limits.label_name_length == y.limits.label_name_length &&
         x.limits.label_value_length == y.limits.label_value_length;
}

}  // namespace canopy::scrape
