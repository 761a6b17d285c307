#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/time.h"
#include "canopy/config/config.h"
#include "canopy/model/labels.h"

// Who is to be scraped or notified: static lists, and files that others write. A Manager watches
// the sources of all jobs and hands out the whole of what they say whenever it changes.

namespace canopy::discovery {

// Targets that one source names together.
struct TargetGroup {
  std::string source;  // the index of the static config, "0", or file and index, "a.yml:1"
  std::vector<model::Labels> targets;  // each with __address__
  // Common to them; a target's own label wins. Groups of a file have __meta_filepath.
  model::Labels labels;
  friend bool operator==(const TargetGroup&, const TargetGroup&) = default;
};

// Each job's groups, every one of them, in the order of its configuration.
using JobGroups = std::map<std::string, std::vector<TargetGroup>>;

struct Options {
  // At least this much time lies between two calls of the callback, however often sources change;
  // a new configuration does not wait.
  Duration debounce = std::chrono::seconds(5);
  // How often files are looked at besides what the system tells of them.
  Duration poll_interval = std::chrono::seconds(5);
  // For the time of the last update, which is shown.
  const Clock* clock = &SystemClock();
};

// Thread-safe.
class Manager {
 public:
  // Called on the manager's own thread, one call at a time, without any lock held. A job whose
  // sources name no target is there too, with no groups; groups without targets are left out.
  using Callback = std::function<void(const JobGroups& groups)>;

  // `name` labels the metrics: "scrape", "notify". Metrics are Prometheus's prometheus_sd_*.
  Manager(std::string name, Fs& fs, SelfMetrics& metrics, Callback callback, Options options = {});
  // As Stop().
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // Replaces what is watched. The callback follows at once, with all jobs' groups as their sources
  // are now; jobs that are gone are no longer in it. Unchanged jobs keep what they know: a file
  // that has become unreadable keeps its last groups over a reload.
  void ApplyConfig(std::map<std::string, config::DiscoveryConfig> jobs);

  // No callback runs after this returns. Must not be called from inside the callback. Idempotent.
  void Stop();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace canopy::discovery
