#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "canopy/base/time.h"
#include "canopy/chunk/encodings.h"
#include "canopy/exposition/escape.h"
#include "canopy/exposition/negotiate.h"
#include "canopy/model/labels.h"
#include "canopy/model/relabel.h"
#include "canopy/net/http_config.h"

// The configuration of a node as plain values: prometheus.yml's words, with Prometheus 3.14's
// defaults. What load.h hands out is checked and complete: jobs have inherited from `global`, file
// paths are joined to the directory of the file that named them, relabelling rules are compiled.

namespace canopy::config {

using exposition::Escaping;
using exposition::Protocol;
using model::NameValidation;

// What is asked for when nothing else is configured: OpenMetrics first, best first.
std::vector<Protocol> DefaultProtocols();
// The same behind protobuf, which alone carries native histograms.
std::vector<Protocol> DefaultHistogramProtocols();

// A list of relabel_configs, as written and compiled.
struct RelabelList {
  std::vector<model::RelabelConfig> configs;
  model::RelabelRules rules;
  bool empty() const { return configs.empty(); }
  friend bool operator==(const RelabelList& a, const RelabelList& b) {
    return a.configs == b.configs;
  }
};

// One entry of static_configs.
struct StaticConfig {
  std::vector<std::string> targets;
  model::Labels labels;
  friend bool operator==(const StaticConfig&, const StaticConfig&) = default;
};

// One entry of file_sd_configs.
struct FileSdConfig {
  std::vector<std::string> files;  // patterns: `*` in the last path element
  Duration refresh_interval = std::chrono::minutes(5);
  friend bool operator==(const FileSdConfig&, const FileSdConfig&) = default;
};

// Where a job's targets, or the Alertmanagers, come from.
struct DiscoveryConfig {
  std::vector<StaticConfig> static_configs;
  std::vector<FileSdConfig> file_sd_configs;
  friend bool operator==(const DiscoveryConfig&, const DiscoveryConfig&) = default;
};

// Limits on what one scrape may bring; 0 is no limit.
struct ScrapeLimits {
  uint64_t body_size = 0;  // bytes, uncompressed
  uint64_t samples = 0;    // after metric relabelling
  uint64_t targets = 0;    // of the job, after relabelling
  uint64_t labels = 0;     // per sample
  uint64_t label_name_length = 0;
  uint64_t label_value_length = 0;
  uint64_t keep_dropped_targets = 0;  // of the job, kept for the API
  friend bool operator==(const ScrapeLimits&, const ScrapeLimits&) = default;
};

// What is made of histograms on pages.
struct HistogramScraping {
  bool native = false;           // scrape_native_histograms
  bool classic_as_well = false;  // always_scrape_classic_histograms
  bool convert_classic = false;  // convert_classic_histograms_to_nhcb
  friend bool operator==(const HistogramScraping&, const HistogramScraping&) = default;
};

struct GlobalConfig {
  Duration scrape_interval = std::chrono::minutes(1);
  Duration scrape_timeout = std::chrono::seconds(10);
  // Best first; none: each job has its own defaults.
  std::vector<Protocol> scrape_protocols;
  HistogramScraping histograms;
  Duration evaluation_interval = std::chrono::minutes(1);
  Duration rule_query_offset{0};
  std::string query_log_file;
  std::string scrape_failure_log_file;
  model::Labels external_labels;  // environment variables already expanded
  ScrapeLimits limits;
  NameValidation metric_name_validation_scheme = NameValidation::kUtf8;
  Escaping metric_name_escaping_scheme = Escaping::kAllowUtf8;
  bool extra_scrape_metrics = false;
  friend bool operator==(const GlobalConfig&, const GlobalConfig&) = default;
};

// One entry of scrape_configs, with everything that it inherits from `global` filled in.
struct ScrapeConfig {
  std::string job_name;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  std::map<std::string, std::vector<std::string>> params;
  Duration scrape_interval = std::chrono::minutes(1);
  Duration scrape_timeout = std::chrono::seconds(10);
  std::vector<Protocol> scrape_protocols;  // best first
  HistogramScraping histograms;
  uint64_t native_histogram_bucket_limit = 0;     // 0: none
  double native_histogram_min_bucket_factor = 0;  // 0: none
  // For pages whose Content-Type is missing or unknown; without it such a scrape fails.
  std::optional<Protocol> fallback_scrape_protocol;
  std::string scrape_failure_log_file;
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  bool enable_compression = true;
  ScrapeLimits limits;
  NameValidation metric_name_validation_scheme = NameValidation::kUtf8;
  Escaping metric_name_escaping_scheme = Escaping::kAllowUtf8;
  bool extra_scrape_metrics = false;
  net::HttpClientConfig http;
  DiscoveryConfig discovery;
  RelabelList relabel_configs;
  RelabelList metric_relabel_configs;
  std::string file;  // the scrape_config_file that it comes from; "": the main file
  friend bool operator==(const ScrapeConfig&, const ScrapeConfig&) = default;
};

// One entry of alerting.alertmanagers. Its API is v2, always.
struct AlertmanagerConfig {
  std::string scheme = "http";
  std::string path_prefix;
  Duration timeout = std::chrono::seconds(10);
  RelabelList relabel_configs;        // of the Alertmanagers found
  RelabelList alert_relabel_configs;  // of the alerts sent to them, after alerting's own
  net::HttpClientConfig http;
  DiscoveryConfig discovery;
  friend bool operator==(const AlertmanagerConfig&, const AlertmanagerConfig&) = default;
};

struct AlertingConfig {
  RelabelList alert_relabel_configs;
  std::vector<AlertmanagerConfig> alertmanagers;
  friend bool operator==(const AlertingConfig&, const AlertingConfig&) = default;
};

struct StorageConfig {
  // How far behind the newest sample of all a sample may lie that is older than the newest one of
  // its series; 0: none may.
  Duration out_of_order_time_window{0};
  // chunk_encoding.floats; unset: what the store was opened with.
  std::optional<chunk::FloatEncoding> float_encoding;
  // Unset: the flag's value or its default counts.
  std::optional<Duration> retention_time;
  std::optional<uint64_t> retention_size;  // bytes
  int64_t max_exemplars = 100000;
  friend bool operator==(const StorageConfig&, const StorageConfig&) = default;
};

struct Config {
  GlobalConfig global;
  AlertingConfig alerting;
  std::vector<std::string> rule_files;           // patterns
  std::vector<std::string> scrape_config_files;  // patterns; their jobs are in scrape_configs
  std::vector<ScrapeConfig> scrape_configs;      // job names are unique
  StorageConfig storage;
  friend bool operator==(const Config&, const Config&) = default;
};

// The configuration as YAML, as /api/v1/status/config shows it: keys in Prometheus's order, what
// has its default value left out, but for what Prometheus spells out too. Secrets are "<secret>";
// jobs of scrape_config_files are left out, as their files are named; external labels are as the
// environment has made them. But for these, loading it gives the same configuration.
std::string ToYaml(const Config& config);

}  // namespace canopy::config
