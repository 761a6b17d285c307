#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/config/config.h"
#include "canopy/discovery/discovery.h"
#include "canopy/ingest/metadata.h"
#include "canopy/model/labels.h"
#include "canopy/storage/appender.h"

namespace canopy::net {
class HttpClient;
}

// Scrapes: which targets there are, when each one's turn is, and what became of it.

namespace canopy::scrape {

enum class Health : unsigned char { kUnknown, kUp, kDown };

// "unknown", "up", "down"
std::string_view HealthText(Health health);

// A target as /api/v1/targets shows it.
struct ActiveTarget {
  model::Labels discovered_labels;  // before relabelling
  model::Labels labels;
  std::string scrape_pool;
  std::string scrape_url;
  std::string global_url;  // localhost replaced by this node's host, for links from elsewhere
  std::string last_error;
  Timestamp last_scrape = Timestamp::Min();  // Min(): not yet
  double last_scrape_duration = 0;           // seconds
  Health health = Health::kUnknown;
  Duration interval{0};
  Duration timeout{0};
  std::shared_ptr<const ingest::MetadataSet> metadata;  // null before the first good page
};

// A target that relabelling dropped.
struct DroppedTarget {
  model::Labels discovered_labels;
  std::string scrape_pool;
};

struct TargetsSnapshot {
  std::vector<ActiveTarget> active;                // by pool, then URL
  std::vector<DroppedTarget> dropped;              // by pool; at most keep_dropped_targets of each
  std::map<std::string, uint64_t> dropped_counts;  // of every pool
};

struct Options {
  int workers = 2;  // threads that ingest pages
  // A scrape that is at most this late is stored at the time that was meant, so that times of
  // samples are regular; never more than 1 % of the interval. Zero turns it off.
  Duration timestamp_tolerance = std::chrono::milliseconds(2);
  bool exemplars = false;             // those of pages go to the store
  bool metadata = false;              // and what they say of their families
  bool start_times = false;           // and when counters started
  bool type_and_unit_labels = false;  // what they say of types and units becomes labels
  // Sent as User-Agent.
  std::string user_agent = "Canopy";
  // Host and port of this node as others see it, for global_url: the host of --web.external-url.
  std::string external_host;
  std::string external_scheme = "http";
  // The port that this node listens on: global_url of localhost targets on this port gets
  // external_host with its port.
  std::string listen_port;
  // Two nodes with the same targets scrape them at different times: host name and external labels
  // go into the seed. This is the host name.
  std::string host_name;
};

// Thread-safe.
class Manager {
 public:
  // All of these must outlive the manager. `fs` is for scrape_failure_log_file.
  Manager(storage::Appender& appender, net::HttpClient& client, const Clock& clock, Fs& fs,
          SelfMetrics& metrics, Options options);
  // As Stop().
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // Takes over the jobs. Unchanged jobs go on untouched; changed ones keep their targets and the
  // times of their scrapes; those of jobs that are gone end. kIo when a scrape_failure_log_file
  // cannot be opened: nothing is changed then.
  Status ApplyConfig(const config::Config& config);

  // The targets of all jobs, as discovery has them. Jobs without configuration are ignored.
  void SetTargets(const discovery::JobGroups& groups);

  // Starts no scrape, gives up those that wait for their page, lets those be stored whose page is
  // there, and writes no staleness markers: the next process goes on with the series. Idempotent.
  void Stop();

  // Targets of one pool, or of all when `pool` is empty.
  TargetsSnapshot Targets(std::string_view pool = {}) const;
  // Names of all pools, sorted.
  std::vector<std::string> Pools() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

// What becomes of one discovered target: its labels after relabelling, or why there is none.
// Source: prometheus 3.14 scrape.PopulateLabels.
struct BuiltTarget {
  model::Labels discovered;
  model::Labels labels;  // internal ones included, __meta_ ones gone; empty: dropped by relabelling
};
Result<BuiltTarget> BuildTarget(const config::ScrapeConfig& config, const model::Labels& target,
                                const model::Labels& group);

}  // namespace canopy::scrape
