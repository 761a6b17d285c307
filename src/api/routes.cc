#include <algorithm>
#include <string>
#include <string_view>

#include "canopy/base/check.h"
#include "server.h"

// Every path that this node answers, on one screen.

namespace canopy::api {
namespace {

// Calls fn(method) for each of "POST PUT".
template <class Fn>
void ForEachMethod(std::string_view methods, Fn fn) {
  while (!methods.empty()) {
    const size_t space = std::min(methods.find(' '), methods.size());
    fn(methods.substr(0, space));
    methods.remove_prefix(std::min(space + 1, methods.size()));
  }
}

// Parameters come in the URL, and where there is a body, as a form.
struct JsonRoute {
  std::string_view methods;
  std::string_view path;
  Answer (*handler)(const Call&);
};

constexpr JsonRoute kJsonRoutes[] = {
    {"GET POST", "/query", Query},
    {"GET POST", "/query_range", QueryRange},
    {"GET POST", "/query_exemplars", QueryExemplars},
    {"GET POST", "/format_query", FormatQuery},
    {"GET POST", "/parse_query", ParseQuery},
    {"GET POST", "/labels", LabelNames},
    {"GET", "/label/{name}/values", LabelValues},
    {"GET POST", "/series", Series},
    {"GET", "/metadata", Metadata},
    {"GET", "/scrape_pools", ScrapePools},
    {"GET", "/targets", Targets},
    {"GET", "/targets/metadata", TargetsMetadata},
    {"GET", "/alertmanagers", Alertmanagers},
    {"GET", "/alerts", Alerts},
    {"GET", "/rules", Rules},
    {"GET", "/status/config", StatusConfig},
    {"GET", "/status/flags", StatusFlags},
    {"GET", "/status/buildinfo", StatusBuildInfo},
    {"GET", "/status/runtimeinfo", StatusRuntimeInfo},
    {"GET", "/status/tsdb", StatusTsdb},
    {"POST PUT", "/admin/tsdb/delete_series", DeleteSeries},
    {"POST PUT", "/admin/tsdb/clean_tombstones", CleanTombstones},
    {"POST PUT", "/admin/tsdb/snapshot", Snapshot},
};

struct PageRoute {
  std::string_view methods;
  std::string_view path;
  void (Server::*handler)(net::Request&, net::Response&);
};

// Under the route prefix. JSON endpoints live under /api/v1.
constexpr PageRoute kPageRoutes[] = {
    {"GET", "/", &Server::Home},
    {"GET", "/federate", &Server::Federate},
    {"GET", "/metrics", &Server::Metrics},
    {"GET", "/version", &Server::Version},
    {"GET HEAD", "/-/healthy", &Server::Healthy},
    {"GET HEAD", "/-/ready", &Server::Ready},
    {"POST PUT", "/-/reload", &Server::Reload},
    {"POST PUT", "/-/quit", &Server::Quit},
    {"GET", "/-/reload", &Server::OnlyPostOrPut},
    {"GET", "/-/quit", &Server::OnlyPostOrPut},
    {"POST", "/api/v1/write", &Server::RemoteWrite},
    {"GET", "/api/v1/status/walreplay", &Server::WalReplayStatus},
};

// What requests to a path count for: /api/v1/label/:name/values, as Prometheus writes it.
std::string HandlerName(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '{') {
      const size_t end = path.find('}', i);
      out.append(":").append(path.substr(i + 1, end - i - 1));
      i = end;
    } else {
      out.push_back(path[i]);
    }
  }
  return out;
}

// Registers handlers under a prefix, and what they count for without it.
class Registrar {
 public:
  Registrar(net::Router& router, Server& server)
      : router_(router), server_(server), prefix_(server.options.route_prefix) {}

  void Add(std::string_view method, std::string_view path, net::Handler handler) {
    const std::string pattern = prefix_ + std::string(path);
    server_.http_metrics.Add(pattern, HandlerName(path));
    router_.Handle(method, pattern, std::move(handler));
  }

  void AddPage(const PageRoute& route) {
    ForEachMethod(route.methods, [&](std::string_view method) {
      Add(method, route.path,
          [server = &server_, handler = route.handler](net::Request& request,
                                                       net::Response& response) {
            (server->*handler)(request, response);
          });
    });
  }

  void AddJson(const JsonRoute& route) {
    const std::string path = "/api/v1" + std::string(route.path);
    const net::Handler handler = [server = &server_, handler = route.handler](
                                     net::Request& request, net::Response& response) {
      server->ServeJson(handler, request, response);
    };
    ForEachMethod(route.methods, [&](std::string_view method) { Add(method, path, handler); });
    AddPage({"OPTIONS", path, &Server::Preflight});
  }

 private:
  net::Router& router_;
  Server& server_;
  const std::string prefix_;
};

}  // namespace

struct Api::Rep : Server {
  using Server::Server;
};

Api::Api(const Clock& clock, SelfMetrics& metrics, Options options)
    : rep_(std::make_unique<Rep>(clock, metrics, std::move(options))) {}

Api::~Api() = default;

void Api::Register(net::Router& router) {
  Registrar registrar(router, *rep_);
  for (const JsonRoute& route : kJsonRoutes) registrar.AddJson(route);
  for (const PageRoute& route : kPageRoutes) registrar.AddPage(route);
  if (const std::string& prefix = rep_->options.route_prefix; !prefix.empty()) {
    router.Handle("GET", "/", [prefix](net::Request&, net::Response& response) {
      response.SetStatus(302);
      response.SetHeader("Location", prefix);
      (void)response.Send("");
    });
  }
}

void Api::Observe(const net::RequestDone& done) { rep_->http_metrics.Observe(done); }

void Api::SetReady(Sources sources) {
  CANOPY_CHECK(rep_->phase == Phase::kStarting);
  if (rep_->options.enable_remote_write_receiver)
    rep_->write_receiver.emplace(sources.appender, rep_->clock, rep_->metrics);
  rep_->sources.emplace(std::move(sources));
  rep_->phase = Phase::kReady;
  rep_->ready_gauge.Set(1);
}

void Api::SetStopping() {
  rep_->phase = Phase::kStopping;
  rep_->ready_gauge.Set(0);
  rep_->watch.CancelAll();
}

}  // namespace canopy::api
