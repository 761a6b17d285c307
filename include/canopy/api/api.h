#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/matcher.h"
#include "canopy/notify/manager.h"
#include "canopy/promql/engine.h"
#include "canopy/promql/features.h"
#include "canopy/rules/snapshot.h"
#include "canopy/scrape/manager.h"
#include "canopy/storage/appender.h"
#include "canopy/storage/exemplar_queryable.h"
#include "canopy/storage/queryable.h"

// Everything that this node answers over HTTP: Prometheus's HTTP API v1, /federate, /metrics,
// health and life cycle. Bodies, status codes and error texts are those of
// prometheus/prometheus@d15adb9ad7 web/web.go and web/api/v1.

namespace canopy::config {
struct Config;
}
namespace canopy::net {
class Router;
struct RequestDone;
}  // namespace canopy::net

namespace canopy::api {

// /api/v1/status/buildinfo and /version.
struct BuildInfo {
  std::string version;  // what clients take for Prometheus's version
  std::string revision;
  std::string branch;
  std::string build_user;
  std::string build_date;  // "20260102-15:04:05"
  std::string compiler;    // shown as goVersion
};

// /api/v1/status/runtimeinfo.
struct RuntimeInfo {
  Timestamp start_time;
  std::string cwd;
  std::string hostname;
  bool reload_config_success = false;
  Timestamp last_config_time;
  int64_t corruption_count = 0;
  int threads = 0;     // shown as goroutineCount
  int processors = 0;  // shown as GOMAXPROCS
  std::string storage_retention;
};

// /api/v1/status/tsdb.
struct NamedCount {
  std::string name;
  uint64_t value = 0;
};
struct TsdbStatus {
  uint64_t num_series = 0;
  uint64_t num_label_pairs = 0;
  uint64_t chunk_count = 0;
  Timestamp min_time = Timestamp::Max();
  Timestamp max_time = Timestamp::Min();
  std::vector<NamedCount> series_count_by_metric_name;
  std::vector<NamedCount> label_value_count_by_label_name;
  std::vector<NamedCount> memory_in_bytes_by_label_name;
  std::vector<NamedCount> series_count_by_label_pair;
};

// /api/v1/status/walreplay, in segments.
struct WalReplay {
  int min = 0;
  int max = 0;
  int current = 0;
};

// What is known before the store is open.
struct Options {
  BuildInfo build;
  std::map<std::string, std::string> flags;
  std::string route_prefix;        // "" or "/some/where", of --web.route-prefix
  std::string cors_origin = ".*";  // anchored; one that does not compile matches nothing
  promql::Features features;
  Duration lookback_delta{5 * 60 * 1000};  // of /federate
  bool enable_lifecycle = false;
  bool enable_admin_api = false;
  bool enable_remote_write_receiver = false;

  // Puts the configuration file in force; the error is the client's answer.
  std::function<Status()> reload;
  // Begins to shut down; returns at once.
  std::function<void()> quit;
  // Empty: nothing to report.
  std::function<WalReplay()> wal_replay;
};

// What /api/v1/admin/tsdb/... does to the store. Each may take as long as a compaction.
struct Admin {
  // Both ends included; no matchers: all series.
  std::function<Status(std::span<const model::Matcher>, Timestamp mint, Timestamp maxt)>
      delete_series;
  std::function<Status()> clean_tombstones;
  // Returns its name.
  std::function<Result<std::string>(bool with_head)> snapshot;
};

// What answers are made from. All of it must live until the HTTP server has stopped; callbacks are
// called from many threads at once.
struct Sources {
  storage::Queryable& store;
  storage::Appender& appender;  // for remote write
  storage::ExemplarQueryable& exemplars;
  promql::Engine& engine;

  std::function<std::shared_ptr<const config::Config>()> config;
  // Targets of one pool, or of all when it is empty.
  std::function<scrape::TargetsSnapshot(std::string_view pool)> targets;
  std::function<std::vector<std::string>()> scrape_pools;
  std::function<std::vector<rules::GroupSnapshot>()> rule_groups;
  std::function<notify::Alertmanagers()> alertmanagers;
  std::function<RuntimeInfo()> runtime_info;
  // Lists of at most `top` entries.
  std::function<TsdbStatus(size_t top)> tsdb_status;
  Admin admin;
};

// The handlers. Register() first, then start the HTTP server: until SetReady() it answers
// /-/healthy, /metrics, /version and walreplay, and 503 to the rest. Thread-safe, but for
// Register().
class Api {
 public:
  Api(const Clock& clock, SelfMetrics& metrics, Options options);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // The router must not be used after the Api is gone.
  void Register(net::Router& router);
  // For HttpServerOptions::on_done: counts requests by handler and code.
  void Observe(const net::RequestDone& done);

  // Once: from now on every path is answered.
  void SetReady(Sources sources);
  // 503 with "X-Prometheus-Stopping: true" to new requests; running ones go on, but for queries,
  // which are canceled.
  void SetStopping();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace canopy::api
