#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/config/config.h"
#include "canopy/discovery/discovery.h"
#include "canopy/model/alert.h"
#include "canopy/model/labels.h"

namespace canopy::net {
class HttpClient;
}

// Alerts on their way to Alertmanagers.

namespace canopy::notify {

struct ManagerOptions {
  size_t queue_capacity = 10'000;  // alerts, for each Alertmanager
  size_t batch_size = 256;         // alerts in one request
  bool drain_on_shutdown = true;
  Duration drain_timeout = std::chrono::seconds(10);  // for all that is then delivered
  // The file of the outbox (see outbox.h); "" keeps resolved notices in memory only.
  std::string outbox_path;
};

// The Alertmanagers of the configuration, as full URLs of their alerts endpoint:
// "http://127.0.0.1:9093/api/v2/alerts".
struct Alertmanagers {
  std::vector<std::string> active;   // sorted
  std::vector<std::string> dropped;  // by relabelling, in the order of the configuration
};

// What a discovery::Manager is to watch for these Alertmanagers. Its jobs have Prometheus's names:
// "config-0", "config-1", ... in the order of the configuration.
std::map<std::string, config::DiscoveryConfig> DiscoveryJobs(const config::AlertingConfig& config);

// Brings alerts to every Alertmanager: POST {path_prefix}/api/v2/alerts, in batches, in order,
// again and again until it is taken. A firing alert that cannot be delivered is superseded by its
// next notice; a notice that an alert ended stays in the outbox on disk until each Alertmanager
// has it or it is older than rules would send it. When a queue is full, its oldest notices are
// dropped and counted; of ends, only the place in memory: rules or a restart bring them back.
//
// A URL is one Alertmanager with one queue, also when several entries of the configuration name it:
// it is told what the alert relabelling of each lets through, as the first of them says.
// Thread-safe.
class Manager {
 public:
  // All borrowed: they outlive the manager.
  struct Deps {
    const Clock& clock;
    net::HttpClient& http;
    SelfMetrics& metrics;
  };

  // The outbox's errors when it cannot be opened.
  static Result<std::unique_ptr<Manager>> Create(Deps deps, ManagerOptions options);
  // As Stop().
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // Puts the configuration in force; call it before discovery gets DiscoveryJobs() of the same.
  // Entries whose discovery is what it was keep their Alertmanagers; those of other entries go on
  // as they were until SetTargets().
  void ApplyConfig(const config::AlertingConfig& alerting, const model::Labels& external_labels);

  // The Alertmanagers of all entries, as discovery has them under the names of DiscoveryJobs();
  // other names are ignored. Queues of Alertmanagers that stay are kept; what is queued for one
  // that goes is dropped, but for ends of alerts, which wait in the outbox should it come back.
  void SetTargets(const discovery::JobGroups& groups);

  // Adds external labels that an alert lacks, relabels, queues. Waits for the disk when alerts have
  // ended, never for the network.
  void Send(std::vector<model::Alert> alerts);

  Alertmanagers Known() const;

  // Begins to deliver, on a thread of its own.
  void Start();
  // Takes no more alerts. With drain_on_shutdown, first delivers what is queued: one try for each
  // batch, for at most drain_timeout. Idempotent.
  void Stop();

  // Handles the responses that have come, sends what is due, and says how long there will be
  // nothing to do unless something happens. What the thread does; tests without Start() turn their
  // clock and call it.
  Duration RunDue();

 private:
  struct Rep;
  explicit Manager(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

}  // namespace canopy::notify
