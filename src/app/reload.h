#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/base/mutex.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/config/config.h"
#include "canopy/config/load.h"
#include "canopy/config/rule_file.h"
#include "canopy/discovery/discovery.h"
#include "canopy/notify/manager.h"
#include "canopy/promql/engine.h"
#include "canopy/promql/features.h"
#include "canopy/rules/manager.h"
#include "canopy/scrape/manager.h"

namespace canopy::app {

// A configuration and the rule files that it names, all of it checked.
struct LoadedConfig {
  std::shared_ptr<const config::Config> config;
  std::vector<config::RuleFile> rule_files;
  // Tells whether the files are still as they were.
  uint64_t fingerprint = 0;
};

// Fails with every error at once, one a line. Notices are logged.
Result<LoadedConfig> LoadConfig(Fs& fs, const std::string& path, const promql::Features& features,
                                const config::LoadOptions& options = {});

// The configuration in force, and how another one takes its place: all of it or nothing.
// Thread-safe.
class Reloader {
 public:
  struct Services {
    promql::Engine& engine;
    scrape::Manager& scrape;
    rules::Manager& rules;
    notify::Manager& notify;
    discovery::Manager& scrape_discovery;
    discovery::Manager& notify_discovery;
    // Of the store; on an error the window is as before.
    std::function<Status(Duration)> set_out_of_order_window;
    // Takes over what may change while the store is open: max_exemplars, float_encoding.
    std::function<void(const config::StorageConfig&)> storage;
  };

  Reloader(Fs& fs, const Clock& clock, SelfMetrics& metrics, std::string path,
           promql::Features features, config::LoadOptions options = {});

  // The first configuration. `services` and what they refer to must live until Close().
  Status Begin(LoadedConfig loaded, Services services, std::string external_url);
  // Reads the files again. On an error the running configuration stays in force; the error says
  // why, and is logged. kUnavailable before Begin() and after Close().
  Status Reload();
  // Reload(), if the configuration file or one that it names is not as it was. What fails is tried
  // again the next time.
  void ReloadIfChanged();
  // Waits for a reload under way; there are no more after it.
  void Close();

  // Null before Begin().
  std::shared_ptr<const config::Config> config() const;
  Duration evaluation_interval() const { return Duration(evaluation_interval_ms_); }
  bool last_succeeded() const { return successful_.value() == 1; }
  Timestamp last_success() const { return Timestamp::FromSeconds(success_time_.value()); }

 private:
  Status ReloadLocked() CANOPY_REQUIRES(mu_);
  Status Apply(LoadedConfig loaded) CANOPY_REQUIRES(mu_);
  Status ApplyToServices(LoadedConfig loaded) CANOPY_REQUIRES(mu_);
  Status ApplyFallible(const config::Config& config, std::vector<config::RuleFile> rule_files)
      CANOPY_REQUIRES(mu_);

  Fs& fs_;
  const Clock& clock_;
  const std::string path_;
  const promql::Features features_;
  const config::LoadOptions load_options_;
  Gauge& successful_;
  Gauge& success_time_;
  std::atomic<int64_t> evaluation_interval_ms_;

  Mutex mu_;  // one reload at a time
  std::optional<Services> services_ CANOPY_GUARDED_BY(mu_);
  std::string external_url_ CANOPY_GUARDED_BY(mu_);
  uint64_t fingerprint_ CANOPY_GUARDED_BY(mu_) = 0;  // of the running configuration

  mutable Mutex config_mu_;
  std::shared_ptr<const config::Config> config_ CANOPY_GUARDED_BY(config_mu_);
};

}  // namespace canopy::app
