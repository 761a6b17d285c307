#pragma once

#include <string>
#include <vector>

#include "canopy/api/api.h"
#include "canopy/app/flags.h"
#include "canopy/base/log.h"
#include "canopy/base/status.h"
#include "canopy/config/config.h"
#include "canopy/config/load.h"
#include "canopy/discovery/discovery.h"
#include "canopy/net/server.h"
#include "canopy/notify/manager.h"
#include "canopy/promql/engine.h"
#include "canopy/rules/manager.h"
#include "canopy/scrape/manager.h"
#include "canopy/tsdb/db.h"

namespace canopy::app {

// What the command line says to each part of the server.
struct ServerOptions {
  std::string config_file;
  Duration auto_reload_interval{0};  // 0: changed files are not looked for
  std::string web_config_file;
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kLogfmt;
  // As given, without slashes at its end; "": http, the host's name and the port listened on.
  std::string external_url;

  net::HttpServerOptions http;
  tsdb::Options store;
  promql::EngineOptions engine;
  scrape::Options scrape;
  discovery::Options discovery;
  rules::ManagerOptions rules;
  notify::ManagerOptions notify;
  api::Options api;
  bool exemplar_storage = false;
  config::LoadOptions config;

  std::vector<std::string> notices;  // accepted, but without meaning here
};

// kInvalid and kUnsupported name the flag.
Result<ServerOptions> ReadServerFlags(const FlagSet& flags);

// The configuration's retention counts before the command line's; without either, blocks are kept
// for as long as Prometheus keeps them.
void FillRetention(const config::StorageConfig& config, tsdb::Options& store);
// How many exemplars the store keeps.
uint64_t MaxExemplars(const config::StorageConfig& config, const ServerOptions& options);
// As Prometheus shows it: "15d", "10GiB", "15d or 10GiB".
std::string RetentionText(const tsdb::Options& store);

// What the command line leaves open until the server listens: the external URL, and what follows
// from it. `address` is the first one listened on, "127.0.0.1:9090".
Status FillExternalUrl(const std::string& address, const std::string& host_name,
                       ServerOptions& options);

}  // namespace canopy::app
