#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "canopy/api/api.h"
#include "canopy/config/config.h"
#include "canopy/net/server.h"
#include "tests/support/http_fakes.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"

namespace canopy::testing {

template <class Set>
api::Options With(Set set) {
  api::Options options;
  set(options);
  return options;
}

// An Api over a store in memory, with what else it shows as plain values that a test fills in.
struct Node {
  explicit Node(api::Options options = {}, bool ready = true)
      : engine({}, clock, metrics), api(clock, metrics, std::move(options)) {
    api.Register(router);
    if (ready) SetReady();
  }

  void SetReady() {
    api.SetReady({.store = store,
                  .appender = store,
                  .exemplars = store,
                  .engine = engine,
                  .config = [this] { return std::make_shared<const config::Config>(config); },
                  .targets = [this](std::string_view pool) { return TargetsOf(pool); },
                  .scrape_pools = [this] { return pools; },
                  .rule_groups = [this] { return groups; },
                  .alertmanagers = [this] { return alertmanagers; },
                  .runtime_info = [this] { return runtime; },
                  .tsdb_status =
                      [this](size_t top) {
                        asked_top = top;
                        return tsdb;
                      },
                  .admin = admin});
  }

  FakeResponse Serve(FakeRequest request) {
    FakeResponse response;
    router.Serve(request, response);
    return response;
  }
  FakeResponse Get(std::string_view target) { return Serve(FakeRequest("GET", target)); }
  FakeResponse Post(std::string_view path, std::string form) {
    return Serve(FakeRequest("POST", path, std::move(form))
                     .With("Content-Type", "application/x-www-form-urlencoded"));
  }
  // "200 <body>"
  std::string Answer(std::string_view target) {
    const FakeResponse response = Get(target);
    return std::to_string(response.status()) + " " + response.body();
  }

  scrape::TargetsSnapshot TargetsOf(std::string_view pool) const {
    if (pool.empty()) return targets;
    scrape::TargetsSnapshot out = targets;
    std::erase_if(out.active, [&](const auto& t) { return t.scrape_pool != pool; });
    std::erase_if(out.dropped, [&](const auto& t) { return t.scrape_pool != pool; });
    return out;
  }

  ManualClock clock{Timestamp::FromMs(1'000'000'000)};
  SelfMetrics metrics;
  MemoryStore store;
  config::Config config;
  scrape::TargetsSnapshot targets;
  std::vector<std::string> pools;
  std::vector<rules::GroupSnapshot> groups;
  notify::Alertmanagers alertmanagers;
  api::RuntimeInfo runtime;
  api::TsdbStatus tsdb;
  size_t asked_top = 0;
  api::Admin admin;
  promql::Engine engine;
  api::Api api;
  net::Router router;
};

inline std::string Success(std::string_view data) {
  return "200 {\"status\":\"success\",\"data\":" + std::string(data) + "}";
}
inline std::string Error(int code, std::string_view type, std::string_view message) {
  return std::to_string(code) + " {\"status\":\"error\",\"errorType\":\"" + std::string(type) +
         "\",\"error\":\"" + std::string(message) + "\"}";
}
inline std::string BadData(std::string_view message) { return Error(400, "bad_data", message); }

}  // namespace canopy::testing
