#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "app/reload.h"
#include "app/server_options.h"
#include "canopy/base/workers.h"
#include "canopy/net/client.h"
#include "canopy/promql/active_queries.h"

namespace canopy::app {

// The server: every part of it, floor by floor. Its calls are made by one thread, in this order;
// what they build is used by many.
class Node {
 public:
  // `quit` is called when a client asks the server to end; it must return at once.
  Node(ServerOptions options, std::function<void()> quit);
  // As Close().
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Binds the addresses and answers what needs no store: health, own metrics, 503 to the rest.
  Status Listen();
  // Opens the store and all that rests on it, puts `loaded` in force, and is ready then.
  Status Open(LoadedConfig loaded);
  // Thread-safe.
  Status Reload() { return reloader_.Reload(); }
  void ReloadIfChanged() { reloader_.ReloadIfChanged(); }
  // The way down, in reverse: no new work, then no running work, then the store. Idempotent.
  void Close();

 private:
  Status OpenStore(const config::StorageConfig& config);
  Status BuildServices();
  void Start();
  api::Sources Sources();
  api::RuntimeInfo RuntimeInfo() const;

  Fs& fs_ = PosixFs();
  const Clock& clock_ = SystemClock();
  const std::string host_name_;
  const Timestamp start_time_;
  ServerOptions options_;
  SelfMetrics metrics_;
  Reloader reloader_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<net::HttpServer> server_;  // answers from above, so it is stopped before them

  tsdb::ReplayProgress replay_progress_;
  std::unique_ptr<tsdb::Db> store_;
  const Counter* wal_corruptions_ = nullptr;
  std::unique_ptr<Workers> query_workers_;
  std::unique_ptr<promql::ActiveQueries> active_queries_;
  std::unique_ptr<promql::Engine> engine_;
  std::unique_ptr<notify::Manager> notify_;
  std::unique_ptr<rules::Manager> rules_;
  std::unique_ptr<scrape::Manager> scrape_;
  std::unique_ptr<discovery::Manager> notify_discovery_;
  std::unique_ptr<discovery::Manager> scrape_discovery_;
};

}  // namespace canopy::app
