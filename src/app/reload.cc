#include "app/reload.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "canopy/base/hash.h"
#include "canopy/base/log.h"
#include "canopy/base/quote.h"
#include "canopy/config/load.h"

namespace canopy::app {
namespace {

void LogNotices(const std::vector<config::LoadError>& notices) {
  for (const config::LoadError& notice : notices) {
    LOG_WARN("Configuration", {"notice", notice.ToString()});
  }
}

std::map<std::string, config::DiscoveryConfig> ScrapeJobs(const config::Config& config) {
  std::map<std::string, config::DiscoveryConfig> jobs;
  for (const config::ScrapeConfig& job : config.scrape_configs) jobs[job.job_name] = job.discovery;
  return jobs;
}

rules::RuleSet MakeRuleSet(const config::GlobalConfig& global,
                           std::vector<config::RuleFile> rule_files,
                           const std::string& external_url) {
  rules::RuleSet set;
  set.files = std::move(rule_files);
  set.evaluation_interval = global.evaluation_interval;
  set.query_offset = global.rule_query_offset;
  set.external_labels = global.external_labels;
  set.external_url = external_url;
  return set;
}

// Of the configuration file's text, and of the files that its patterns match now: their names and
// what is in them.
uint64_t Fingerprint(Fs& fs, const std::string& main_text, const config::Config& config) {
  std::vector<std::string> names;
  for (const auto* const patterns : {&config.rule_files, &config.scrape_config_files}) {
    for (const std::string& pattern : *patterns) {
      std::vector<std::string> found = Glob(pattern);
      std::ranges::move(found, std::back_inserter(names));
    }
  }
  std::string all = base::Quoted(main_text);
  for (const std::string& name : names) {
    const Result<std::string> text = fs.ReadFile(name);
    all += base::Quoted(name) + (text.ok() ? base::Quoted(*text) : "");
  }
  return base::SeededHash(all);
}

// What does not take effect at once.
bool NeedsNewStore(config::StorageConfig before, const config::StorageConfig& now) {
  before.out_of_order_time_window = now.out_of_order_time_window;
  before.max_exemplars = now.max_exemplars;
  before.float_encoding = now.float_encoding;
  return before != now;
}

}  // namespace

Result<LoadedConfig> LoadConfig(Fs& fs, const std::string& path, const promql::Features& features,
                                const config::LoadOptions& options) {
  CANOPY_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(path));
  config::LoadReport report = config::LoadText(fs, text, path, options);
  LogNotices(report.notices);
  if (!report.config) return config::ToStatus(report.errors);
  // Before the rules are read: what changes meanwhile is another change.
  const uint64_t fingerprint = Fingerprint(fs, text, *report.config);
  config::RuleFilesReport rules = config::LoadRuleFiles(
      fs, report.config->rule_files, report.config->global.metric_name_validation_scheme);
  LogNotices(rules.notices);
  std::string errors = config::FormatErrors(rules.errors);
  for (const std::string& problem : rules::CheckRuleFiles(rules.files, features)) {
    errors += (errors.empty() ? "" : "\n") + problem;
  }
  if (!errors.empty()) return Status::Invalid(std::move(errors));
  for (const std::string& remark : rules::LintRuleFiles(rules.files)) {
    LOG_WARN("Configuration", {"notice", remark});
  }
  return LoadedConfig{std::make_shared<const config::Config>(std::move(*report.config)),
                      std::move(rules.files), fingerprint};
}

Reloader::Reloader(Fs& fs, const Clock& clock, SelfMetrics& metrics, std::string path,
                   promql::Features features, config::LoadOptions options)
    : fs_(fs),
      clock_(clock),
      path_(std::move(path)),
      features_(features),
      load_options_(std::move(options)),
      successful_(
          metrics.AddGauge("prometheus_config_last_reload_successful",
                           "Whether the last configuration reload attempt was successful.")),
      success_time_(metrics.AddGauge("prometheus_config_last_reload_success_timestamp_seconds",
                                     "Timestamp of the last successful configuration reload.")),
      evaluation_interval_ms_(config::GlobalConfig().evaluation_interval.count()),
      mu_(LockRank::kApp),
      config_mu_(LockRank::kLeaf) {}

Status Reloader::Begin(LoadedConfig loaded, Services services, std::string external_url) {
  const MutexLock lock(mu_);
  services_.emplace(services);
  external_url_ = std::move(external_url);
  return Apply(std::move(loaded));
}

Status Reloader::Reload() {
  const MutexLock lock(mu_);
  return ReloadLocked();
}

void Reloader::ReloadIfChanged() {
  const MutexLock lock(mu_);
  if (!services_) return;
  const Result<std::string> text = fs_.ReadFile(path_);
  if (!text.ok()) {
    LOG_ERROR("Cannot look for changes of the configuration", {"err", text.status().message()});
    return;
  }
  if (Fingerprint(fs_, *text, *config()) == fingerprint_) return;
  LOG_INFO("Configuration file change detected, reloading the configuration.");
  (void)ReloadLocked();
}

Status Reloader::ReloadLocked() {
  if (!services_) return Status::Unavailable("the server is starting or shutting down");
  LOG_INFO("Loading configuration file", {"filename", path_});
  Result<LoadedConfig> loaded = LoadConfig(fs_, path_, features_, load_options_);
  Status status = loaded.ok() ? Apply(std::move(loaded).value()) : loaded.status();
  if (!status.ok()) {
    successful_.Set(0);
    LOG_ERROR("Error reloading config", {"filename", path_}, {"err", status.message()});
  }
  return status;
}

void Reloader::Close() {
  const MutexLock lock(mu_);
  services_.reset();
}

std::shared_ptr<const config::Config> Reloader::config() const {
  const MutexLock lock(config_mu_);
  return config_;
}

Status Reloader::Apply(LoadedConfig loaded) {
  const auto config = loaded.config;
  const uint64_t fingerprint = loaded.fingerprint;
  const auto before = this->config();
  CANOPY_RETURN_IF_ERROR(ApplyToServices(std::move(loaded)));
  if (before != nullptr && NeedsNewStore(before->storage, config->storage)) {
    LOG_WARN("Configuration", {"notice", "storage: takes effect at the next start"});
  }
  fingerprint_ = fingerprint;
  successful_.Set(1);
  success_time_.Set(clock_.Now().seconds());
  LOG_INFO("Completed loading of configuration file", {"filename", path_});
  return {};
}

// What can fail comes first.
Status Reloader::ApplyToServices(LoadedConfig loaded) {
  const config::Config& config = *loaded.config;
  // Opened anew each time: after a log rotation the name is another file.
  std::shared_ptr<promql::QueryLog> query_log;
  if (const std::string& path = config.global.query_log_file; !path.empty()) {
    CANOPY_ASSIGN_OR_RETURN(query_log, promql::QueryLog::Open(fs_, path));
  }
  const Status applied = ApplyFallible(config, std::move(loaded.rule_files));
  if (!applied.ok()) {
    if (const auto before = this->config()) {
      (void)services_->set_out_of_order_window(before->storage.out_of_order_time_window);
      (void)services_->scrape.ApplyConfig(*before);
    }
    return applied;
  }
  services_->storage(config.storage);
  services_->engine.SetQueryLog(std::move(query_log));
  evaluation_interval_ms_ = config.global.evaluation_interval.count();
  {
    const MutexLock lock(config_mu_);
    config_ = loaded.config;
  }
  services_->notify.ApplyConfig(config.alerting, config.global.external_labels);
  services_->notify_discovery.ApplyConfig(notify::DiscoveryJobs(config.alerting));
  services_->scrape_discovery.ApplyConfig(ScrapeJobs(config));
  return {};
}

Status Reloader::ApplyFallible(const config::Config& config,
                               std::vector<config::RuleFile> rule_files) {
  CANOPY_RETURN_IF_ERROR(
      services_->set_out_of_order_window(config.storage.out_of_order_time_window));
  CANOPY_RETURN_IF_ERROR(services_->scrape.ApplyConfig(config));
  return services_->rules.Update(MakeRuleSet(config.global, std::move(rule_files), external_url_));
}

}  // namespace canopy::app
