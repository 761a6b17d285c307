#include "app/build.h"

#include <filesystem>
#include <system_error>
#include <thread>

#include "app/node_status.h"
#include "canopy/app/version.h"
#include "canopy/base/log.h"
#include "canopy/config/web.h"

namespace canopy::app {
namespace {

// For requests that run when the server is told to end.
constexpr Duration kShutdownGrace = std::chrono::seconds(5);
// Pieces of queries that wait for a thread; a query does what nobody takes by itself.
constexpr size_t kQueryQueue = 256;

int Processors() { return static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

std::string WorkingDirectory() {
  std::error_code error;
  const auto path = std::filesystem::current_path(error);
  return error ? "" : path.string();
}

}  // namespace

Node::Node(ServerOptions options, std::function<void()> quit)
    : host_name_(HostName()),
      start_time_(clock_.Now()),
      options_(std::move(options)),
      metrics_(clock_),
      reloader_(fs_, clock_, metrics_, options_.config_file, options_.engine.features,
                options_.config) {
  AddBuildMetrics(metrics_);
  options_.api.build = MakeBuildInfo();
  options_.api.reload = [this] { return reloader_.Reload(); };
  options_.api.quit = std::move(quit);
  options_.api.wal_replay = [this] {
    return api::WalReplay{replay_progress_.min, replay_progress_.max, replay_progress_.current};
  };
  options_.store.replay_progress = &replay_progress_;
}

Node::~Node() { Close(); }

Status Node::Listen() {
  net::HttpServerOptions http = options_.http;
  if (!options_.web_config_file.empty()) {
    CANOPY_ASSIGN_OR_RETURN(config::WebConfig web,
                            config::LoadWebConfig(fs_, options_.web_config_file));
    http.tls = std::move(web.tls);
    http.basic_auth_users = std::move(web.basic_auth_users);
    http.response_headers = std::move(web.response_headers);
  }
  const bool tls = http.tls.has_value();
  api_ = std::make_unique<api::Api>(clock_, metrics_, options_.api);
  net::Router router;
  api_->Register(router);
  http.on_done = [this](const net::RequestDone& done) { api_->Observe(done); };
  CANOPY_ASSIGN_OR_RETURN(server_, net::StartHttpServer(std::move(http), std::move(router)));
  for (const std::string& address : server_->addresses()) {
    LOG_INFO("Listening on", {"address", address}, {"tls", tls});
  }
  return FillExternalUrl(server_->addresses().front(), host_name_, options_);
}

Status Node::Open(LoadedConfig loaded) {
  CANOPY_RETURN_IF_ERROR(OpenStore(loaded.config->storage));
  CANOPY_RETURN_IF_ERROR(BuildServices());
  CANOPY_RETURN_IF_ERROR(
      reloader_.Begin(std::move(loaded),
                      {.engine = *engine_,
                       .scrape = *scrape_,
                       .rules = *rules_,
                       .notify = *notify_,
                       .scrape_discovery = *scrape_discovery_,
                       .notify_discovery = *notify_discovery_,
                       .set_out_of_order_window =
                           [this](Duration window) { return store_->SetOutOfOrderWindow(window); },
                       .storage =
                           [this](const config::StorageConfig& config) {
                             store_->SetMaxExemplars(MaxExemplars(config, options_));
                             store_->SetFloatEncoding(
                                 config.float_encoding.value_or(options_.store.float_encoding));
                           }},
                      options_.external_url));
  Start();
  return {};
}

Status Node::OpenStore(const config::StorageConfig& config) {
  tsdb::Options& options = options_.store;
  FillRetention(config, options);
  options.out_of_order_window = config.out_of_order_time_window;
  options.max_exemplars = MaxExemplars(config, options_);
  // As in Prometheus, a reload that says nothing of it comes back to this.
  options.float_encoding = config.float_encoding.value_or(options.float_encoding);
  const int64_t began = clock_.MonotonicNanos();
  CANOPY_ASSIGN_OR_RETURN(store_, tsdb::Db::Open(fs_, clock_, metrics_, options));
  // The store's own; asking for a metric that is there gives that one.
  wal_corruptions_ = &metrics_.AddCounter("prometheus_tsdb_wal_corruptions_total", "");
  LOG_INFO("TSDB started", {"dir", options.dir},
           {"seconds", static_cast<double>(clock_.MonotonicNanos() - began) / 1e9},
           {"retention", RetentionText(options)});
  return {};
}

Status Node::BuildServices() {
  client_ = net::NewCurlHttpClient({.user_agent = options_.scrape.user_agent});
  query_workers_ = std::make_unique<Workers>("query", Processors(), kQueryQueue);
  options_.engine.workers = query_workers_.get();
  CANOPY_ASSIGN_OR_RETURN(active_queries_,
                          promql::ActiveQueries::Open(fs_, clock_, options_.store.dir,
                                                      options_.engine.max_concurrency));
  options_.engine.active_queries = active_queries_.get();
  options_.engine.default_subquery_step = [this](Duration) {
    return reloader_.evaluation_interval();
  };
  engine_ = std::make_unique<promql::Engine>(options_.engine, clock_, metrics_);
  CANOPY_ASSIGN_OR_RETURN(
      notify_, notify::Manager::Create({.clock = clock_, .http = *client_, .metrics = metrics_},
                                       options_.notify));
  const auto send = [this](std::vector<model::Alert> alerts) { notify_->Send(std::move(alerts)); };
  rules_ = std::make_unique<rules::Manager>(rules::Manager::Deps{.clock = clock_,
                                                                 .appender = *store_,
                                                                 .queryable = *store_,
                                                                 .engine = *engine_,
                                                                 .metrics = metrics_,
                                                                 .send = send},
                                            options_.rules);
  scrape_ =
      std::make_unique<scrape::Manager>(*store_, *client_, clock_, fs_, metrics_, options_.scrape);
  notify_discovery_ = std::make_unique<discovery::Manager>(
      "notify", fs_, metrics_,
      [this](const discovery::JobGroups& groups) { notify_->SetTargets(groups); },
      options_.discovery);
  scrape_discovery_ = std::make_unique<discovery::Manager>(
      "scrape", fs_, metrics_,
      [this](const discovery::JobGroups& groups) { scrape_->SetTargets(groups); },
      options_.discovery);
  return {};
}

void Node::Start() {
  notify_->Start();
  rules_->Start();
  api_->SetReady(Sources());
  LOG_INFO("Server is ready to receive web requests.");
}

api::Sources Node::Sources() {
  return {.store = *store_,
          .appender = *store_,
          .exemplars = *store_,
          .engine = *engine_,
          .config = [this] { return reloader_.config(); },
          .targets = [this](std::string_view pool) { return scrape_->Targets(pool); },
          .scrape_pools = [this] { return scrape_->Pools(); },
          .rule_groups = [this] { return rules_->Groups(); },
          .alertmanagers = [this] { return notify_->Known(); },
          .runtime_info = [this] { return RuntimeInfo(); },
          .tsdb_status = [this](size_t top) { return MakeTsdbStatus(store_->Stats(top)); },
          .admin = {.delete_series =
                        [this](std::span<const model::Matcher> matchers, Timestamp mint,
                               Timestamp maxt) { return store_->Delete(matchers, mint, maxt); },
                    .clean_tombstones = [this] { return store_->CleanTombstones(); },
                    .snapshot = [this](bool head) { return store_->Snapshot(head); }}};
}

api::RuntimeInfo Node::RuntimeInfo() const {
  api::RuntimeInfo info;
  info.start_time = start_time_;
  info.cwd = WorkingDirectory();
  info.hostname = host_name_;
  info.reload_config_success = reloader_.last_succeeded();
  info.last_config_time = reloader_.last_success();
  info.corruption_count = static_cast<int64_t>(wal_corruptions_->value());
  info.threads = ThreadCount();
  info.processors = Processors();
  info.storage_retention = RetentionText(options_.store);
  return info;
}

void Node::Close() {
  reloader_.Close();
  if (api_) api_->SetStopping();
  // A client may wait for a block to be rewritten, and the server for the client.
  if (store_) store_->RequestStop();
  if (scrape_discovery_) scrape_discovery_->Stop();
  if (notify_discovery_) notify_discovery_->Stop();
  if (scrape_) scrape_->Stop();
  if (rules_) rules_->Stop();
  if (notify_) notify_->Stop();
  if (server_) server_->Stop(kShutdownGrace);
  scrape_discovery_.reset();
  notify_discovery_.reset();
  scrape_.reset();
  rules_.reset();
  notify_.reset();
  engine_.reset();
  active_queries_.reset();
  query_workers_.reset();
  store_.reset();
}

}  // namespace canopy::app
