#pragma once

#include <memory>
#include <string>

#include "canopy/config/config.h"
#include "canopy/ingest/page.h"
#include "canopy/net/http_config.h"
#include "canopy/scrape/manager.h"
#include "failure_log.h"

namespace canopy::scrape {

// What all scrapes of a job share, made once per configuration. Immutable.
struct Job {
  Job(const config::ScrapeConfig& c, const Options& options, std::shared_ptr<FailureLog> log);

  // Of a target whose labels say this about its histograms.
  std::shared_ptr<const ingest::PageRules> RulesFor(const config::HistogramScraping& of) const;

  const config::ScrapeConfig config;
  const std::shared_ptr<const ingest::PageRules> rules;  // of one that the job speaks for
  const std::shared_ptr<const net::HttpClientConfig> http;
  const std::string accept;
  const std::shared_ptr<FailureLog> failure_log;  // null: none is configured
};

// Whether both jobs make the same labels of the same page, and refuse the same ones: what is
// remembered of pages then holds.
bool SameLabels(const Job& a, const Job& b);
// The same of two targets of a job: whether their pages hold the same series.
bool SameSeries(const config::HistogramScraping& a, const config::HistogramScraping& b);

}  // namespace canopy::scrape
