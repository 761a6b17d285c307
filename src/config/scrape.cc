#include <algorithm>
#include <array>

#include "canopy/base/quote.h"
#include "config/names.h"
#include "config/sections.h"

namespace canopy::config {
namespace {

void ReadValidation(const Value& from, std::optional<NameValidation>& to) {
  std::string text;
  Read(from, text);
  if (text == "legacy") {
    to = NameValidation::kLegacy;
  } else if (text == "utf8") {
    to = NameValidation::kUtf8;
  } else if (!text.empty()) {
    from.Error("unrecognized ValidationScheme: " + base::Quoted(text));
  }
}

void ReadEscaping(const Value& from, std::optional<Escaping>& to) {
  std::string text;
  Read(from, text);
  if (text.empty()) return;
  to = exposition::ParseEscaping(text);
  if (!to) {
    from.Error(
        "unknown name escaping method specified, must be one of 'allow-utf-8', 'underscores', "
        "'dots', or 'values', got " +
        base::Quoted(text));
  }
}

bool ReadProtocol(const Value& from, Protocol& to) {
  const std::optional<std::string> text = from.Text("a scrape protocol");
  if (!text) return false;
  const std::optional<Protocol> protocol = ParseProtocol(*text);
  if (!protocol) {
    from.Error("unknown scrape protocol " + *text +
               ", supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto "
               "PrometheusText0.0.4 PrometheusText1.0.0]");
    return false;
  }
  to = *protocol;
  return true;
}

void ReadProtocols(const Value& from, std::vector<Protocol>& to) {
  if (from.is_null()) return;
  to.clear();
  const std::vector<Value> items = from.Items();
  if (items.empty()) from.Error("scrape_protocols cannot be empty");
  for (const Value& item : items) {
    Protocol protocol{};
    if (!ReadProtocol(item, protocol)) continue;
    if (std::find(to.begin(), to.end(), protocol) != to.end()) {
      item.Error("duplicated protocol in scrape_protocols");
    }
    to.push_back(protocol);
  }
}

void ReadFallback(const Value& from, std::optional<Protocol>& to) {
  Protocol protocol{};
  if (!from.asks_for_nothing() && ReadProtocol(from, protocol)) to = protocol;
}

// The limits that both `global` and a job have.
template <class T>
Fields<T> LimitFields(ScrapeLimits T::*limits) {
  return {
      {"body_size_limit",
       [limits](const Value& from, T& to) { ReadSize(from, (to.*limits).body_size); }},
      {"sample_limit", limits, &ScrapeLimits::samples},
      {"target_limit", limits, &ScrapeLimits::targets},
      {"label_limit", limits, &ScrapeLimits::labels},
      {"label_name_length_limit", limits, &ScrapeLimits::label_name_length},
      {"label_value_length_limit", limits, &ScrapeLimits::label_value_length},
      {"keep_dropped_targets", limits, &ScrapeLimits::keep_dropped_targets},
  };
}

// Of histograms as written; what is open is none.
struct HistogramKeys {
  std::optional<bool> native;
  std::optional<bool> classic_as_well;
  std::optional<bool> convert_classic;

  HistogramScraping Inherit(const HistogramScraping& global) const {
    return {native.value_or(global.native), classic_as_well.value_or(global.classic_as_well),
            convert_classic.value_or(global.convert_classic)};
  }
};

template <class T>
Fields<T> HistogramFields(HistogramKeys T::*keys) {
  return {
      {"scrape_native_histograms", keys, &HistogramKeys::native},
      {"always_scrape_classic_histograms", keys, &HistogramKeys::classic_as_well},
      {"convert_classic_histograms_to_nhcb", keys, &HistogramKeys::convert_classic},
  };
}

// `global` as written: what is open is zero or empty.
struct GlobalKeys {
  GlobalConfig config;
  ScrapeLimits limits;
  std::vector<Protocol> protocols;
  std::optional<NameValidation> validation;
  std::optional<Escaping> escaping;
  HistogramKeys histograms;
};

void ReadExternalLabels(const Value& from, GlobalKeys& to) {
  ReadLabels(from, to.validation.value_or(NameValidation::kUtf8), to.config.external_labels);
}

Bindings BindGlobal(GlobalKeys& keys) {
  using C = GlobalConfig;
  static const Fields<GlobalKeys> kFields = {
      {"metric_name_validation_scheme", &GlobalKeys::validation, ReadValidation},
      {"metric_name_escaping_scheme", &GlobalKeys::escaping, ReadEscaping},
      {"scrape_interval", &GlobalKeys::config, &C::scrape_interval},
      {"scrape_timeout", &GlobalKeys::config, &C::scrape_timeout},
      {"scrape_protocols", &GlobalKeys::protocols, ReadProtocols},
      {"evaluation_interval", &GlobalKeys::config, &C::evaluation_interval},
      {"rule_query_offset", &GlobalKeys::config, &C::rule_query_offset},
      {"query_log_file",
       [](const Value& from, GlobalKeys& to) { ReadPath(from, to.config.query_log_file); }},
      {"scrape_failure_log_file",
       [](const Value& from, GlobalKeys& to) {
         ReadPath(from, to.config.scrape_failure_log_file);
       }},
      {"external_labels", ReadExternalLabels},
      {"extra_scrape_metrics", &GlobalKeys::config, &C::extra_scrape_metrics},
  };
  static const Fields<GlobalKeys> kLimits = LimitFields(&GlobalKeys::limits);
  static const Fields<GlobalKeys> kHistograms = HistogramFields(&GlobalKeys::histograms);
  return Bind(kFields, keys) + Bind(kLimits, keys) + Bind(kHistograms, keys);
}

// A job as written: what is open is zero, empty or none.
struct JobKeys {
  ScrapeConfig config;
  ScrapeLimits limits;
  std::optional<NameValidation> validation;
  std::optional<Escaping> escaping;
  std::optional<bool> extra_scrape_metrics;
  HistogramKeys histograms;
  HttpKeys http;
};

Bindings BindJob(JobKeys& keys) {
  using C = ScrapeConfig;
  static const Fields<JobKeys> kFields = {
      {"job_name", &JobKeys::config, &C::job_name},
      {"honor_labels", &JobKeys::config, &C::honor_labels},
      {"honor_timestamps", &JobKeys::config, &C::honor_timestamps},
      {"track_timestamps_staleness", &JobKeys::config, &C::track_timestamps_staleness},
      {"params", &JobKeys::config, &C::params},
      {"scrape_interval", &JobKeys::config, &C::scrape_interval},
      {"scrape_timeout", &JobKeys::config, &C::scrape_timeout},
      {"scrape_protocols",
       [](const Value& from, JobKeys& to) { ReadProtocols(from, to.config.scrape_protocols); }},
      {"fallback_scrape_protocol",
       [](const Value& from, JobKeys& to) {
         ReadFallback(from, to.config.fallback_scrape_protocol);
       }},
      {"scrape_failure_log_file",
       [](const Value& from, JobKeys& to) { ReadPath(from, to.config.scrape_failure_log_file); }},
      {"metrics_path", &JobKeys::config, &C::metrics_path},
      {"scheme", &JobKeys::config, &C::scheme},
      {"enable_compression", &JobKeys::config, &C::enable_compression},
      {"metric_name_validation_scheme", &JobKeys::validation, ReadValidation},
      {"metric_name_escaping_scheme", &JobKeys::escaping, ReadEscaping},
      {"extra_scrape_metrics", &JobKeys::extra_scrape_metrics},
      {"native_histogram_bucket_limit", &JobKeys::config, &C::native_histogram_bucket_limit},
      {"native_histogram_min_bucket_factor", &JobKeys::config,
       &C::native_histogram_min_bucket_factor},
      // Read when the names' scheme is known.
      {"relabel_configs", [](const Value&, JobKeys&) {}},
      {"metric_relabel_configs", [](const Value&, JobKeys&) {}},
  };
  static const Fields<JobKeys> kLimits = LimitFields(&JobKeys::limits);
  static const Fields<JobKeys> kHistograms = HistogramFields(&JobKeys::histograms);
  return Bind(kFields, keys) + Bind(kLimits, keys) + Bind(kHistograms, keys) +
         Bind(HttpFields(), keys.http) + Bind(DiscoveryFields(), keys.config.discovery);
}

ScrapeLimits Inherit(ScrapeLimits job, const ScrapeLimits& global) {
  const auto inherit = [&](uint64_t ScrapeLimits::*limit) {
    if (job.*limit == 0) job.*limit = global.*limit;
  };
  inherit(&ScrapeLimits::body_size);
  inherit(&ScrapeLimits::samples);
  inherit(&ScrapeLimits::targets);
  inherit(&ScrapeLimits::labels);
  inherit(&ScrapeLimits::label_name_length);
  inherit(&ScrapeLimits::label_value_length);
  inherit(&ScrapeLimits::keep_dropped_targets);
  return job;
}

void InheritTimes(const Value& map, const GlobalConfig& global, ScrapeConfig& job) {
  if (job.scrape_interval == Duration(0)) job.scrape_interval = global.scrape_interval;
  if (job.scrape_timeout > job.scrape_interval) {
    map.At("scrape_timeout")
        .Error("scrape timeout greater than scrape interval for scrape config with job name " +
               base::Quoted(job.job_name));
  }
  if (job.scrape_timeout == Duration(0)) {
    job.scrape_timeout = std::min(global.scrape_timeout, job.scrape_interval);
  }
}

// A job that sets the scheme of valid names, and no escaping, gets the one that goes with it.
void InheritNames(const Value& map, const GlobalConfig& global, JobKeys& keys) {
  ScrapeConfig& job = keys.config;
  job.metric_name_validation_scheme =
      keys.validation.value_or(global.metric_name_validation_scheme);
  if (keys.escaping) {
    job.metric_name_escaping_scheme = *keys.escaping;
  } else if (keys.validation) {
    job.metric_name_escaping_scheme = DefaultEscaping(*keys.validation);
  } else {
    job.metric_name_escaping_scheme = global.metric_name_escaping_scheme;
  }
  if (job.metric_name_escaping_scheme == Escaping::kAllowUtf8 &&
      job.metric_name_validation_scheme != NameValidation::kUtf8) {
    map.At("metric_name_escaping_scheme")
        .Error("utf8 metric names requested but validation scheme is not set to UTF8");
  }
}

ScrapeConfig ReadScrapeConfig(const Value& from, const GlobalConfig& global) {
  JobKeys keys;
  ScrapeConfig& job = keys.config;
  job.scrape_interval = job.scrape_timeout = Duration(0);
  ReadMap(from, BindJob(keys));
  if (job.job_name.empty()) from.At("job_name").Error("job_name is empty");
  InheritTimes(from, global, job);
  InheritNames(from, global, keys);
  job.limits = Inherit(keys.limits, global.limits);
  job.extra_scrape_metrics = keys.extra_scrape_metrics.value_or(global.extra_scrape_metrics);
  job.histograms = keys.histograms.Inherit(global.histograms);
  if (job.scrape_protocols.empty()) job.scrape_protocols = global.scrape_protocols;
  if (job.scrape_protocols.empty()) {
    job.scrape_protocols = job.histograms.native ? DefaultHistogramProtocols() : DefaultProtocols();
  }
  if (job.scrape_failure_log_file.empty()) {
    job.scrape_failure_log_file = global.scrape_failure_log_file;
  }
  job.http = FinishHttp(from, std::move(keys.http));
  ReadRelabelList(from, "relabel_configs", "target relabeling rule in scrape config",
                  job.metric_name_validation_scheme, job.relabel_configs);
  ReadRelabelList(from, "metric_relabel_configs", "metric relabeling rule in scrape config",
                  job.metric_name_validation_scheme, job.metric_relabel_configs);
  if (!from.Has("relabel_configs") || from.At("relabel_configs").asks_for_nothing()) {
    CheckStaticTargets(from, job.discovery);
  }
  return std::move(job);
}

}  // namespace

void ReadGlobal(const Value& from, GlobalConfig& to) {
  const GlobalConfig defaults;
  GlobalKeys keys;
  GlobalConfig& config = keys.config;
  config.scrape_interval = config.scrape_timeout = config.evaluation_interval = Duration(0);
  config.extra_scrape_metrics = to.extra_scrape_metrics;
  ReadMap(from, BindGlobal(keys));
  if (config.scrape_interval == Duration(0)) config.scrape_interval = defaults.scrape_interval;
  if (config.scrape_timeout > config.scrape_interval) {
    from.At("scrape_timeout").Error("global scrape timeout greater than scrape interval");
  }
  if (config.scrape_timeout == Duration(0)) {
    config.scrape_timeout = std::min(defaults.scrape_timeout, config.scrape_interval);
  }
  if (config.evaluation_interval == Duration(0)) {
    config.evaluation_interval = defaults.evaluation_interval;
  }
  config.scrape_protocols =
      keys.protocols.empty() ? std::move(to.scrape_protocols) : std::move(keys.protocols);
  config.histograms = keys.histograms.Inherit({});
  config.limits = keys.limits;
  config.metric_name_validation_scheme = keys.validation.value_or(NameValidation::kUtf8);
  config.metric_name_escaping_scheme =
      keys.escaping.value_or(DefaultEscaping(config.metric_name_validation_scheme));
  to = std::move(config);
}

void ReadScrapeConfigs(const Value& from, const GlobalConfig& global,
                       std::vector<ScrapeConfig>& to) {
  for (const Value& item : from.Items()) {
    if (item.is_null()) {
      item.Error("empty or null scrape config section");
    } else {
      to.push_back(ReadScrapeConfig(item, global));
    }
  }
}

}  // namespace canopy::config
