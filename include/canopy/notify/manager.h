#pragma once

#include <memory>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/alert.h"
#include "canopy/model/labels.h"

namespace canopy::config {
struct Alerting;
}
namespace canopy::net {
class HttpClient;
}

namespace canopy::notify {

struct ManagerOptions {
  size_t queue_capacity = 10'000;  // alerts, for each Alertmanager
  size_t batch_size = 256;         // alerts in one request
  bool drain_on_shutdown = true;
  // The file of the outbox (see outbox.h); "" keeps resolved notices in memory only.
  std::string outbox_path;
};

// The Alertmanagers of the configuration, as full URLs of their alerts endpoint:
// "http://127.0.0.1:9093/api/v2/alerts".
struct Alertmanagers {
  std::vector<std::string> active;
  std::vector<std::string> dropped;  // by relabelling
};

// Brings alerts to every Alertmanager: POST {path_prefix}/api/v2/alerts, in batches, in order,
// again and again until it is taken. A firing alert that cannot be delivered is superseded by its
// next notice; a notice that an alert ended stays in the outbox on disk until each Alertmanager
// has it or it is older than rules would send it. Thread-safe.
class Manager {
 public:
  // All borrowed: they outlive the manager.
  struct Deps {
    const Clock& clock;
    net::HttpClient& http;
    SelfMetrics& metrics;
  };

  // kIo when the outbox cannot be opened.
  static Result<std::unique_ptr<Manager>> Create(Deps deps, ManagerOptions options);
  // Stops.
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // Puts the configuration in force; queues of Alertmanagers that stay are kept.
  Status ApplyConfig(const config::Alerting& alerting, const model::Labels& external_labels);

  // Adds external labels that an alert lacks, relabels, queues. Does not wait for the network.
  void Send(std::vector<model::Alert> alerts);

  Alertmanagers Known() const;

  void Start();
  // With drain_on_shutdown, first delivers what is queued (one try per batch). Idempotent.
  void Stop();

 private:
  struct Rep;
  explicit Manager(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

}  // namespace canopy::notify
