#include "canopy/base/log.h"
#include "server.h"

// What is not JSON, or not under /api/v1: the landing page, health, life cycle, own metrics.

namespace canopy::api {
namespace {

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

void SendText(net::Response& response, int code, std::string_view text) {
  response.SetStatus(code);
  response.SetHeader("Content-Type", std::string(kPlainText));
  (void)response.Send(text);  // the client has gone: nobody is left to be told
}

// Links are relative, so that they hold under any prefix.
constexpr std::string_view kHomePage = R"(<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Canopy</title>
<style>body{font:16px/1.6 sans-serif;margin:2em auto;max-width:40em}code{background:#eee}</style>
</head>
<body>
<h1>Canopy</h1>
<ul>
<li><a href="api/v1/targets">Targets</a></li>
<li><a href="api/v1/rules">Rules</a></li>
<li><a href="api/v1/alerts">Alerts</a></li>
<li><a href="api/v1/alertmanagers">Alertmanagers</a></li>
<li><a href="api/v1/query?query=up">Query: <code>up</code></a></li>
<li><a href="api/v1/status/config">Configuration</a></li>
<li><a href="api/v1/status/flags">Command-line flags</a></li>
<li><a href="api/v1/status/runtimeinfo">Runtime</a></li>
<li><a href="api/v1/status/tsdb">Store</a></li>
<li><a href="metrics">Own metrics</a></li>
</ul>
</body>
</html>
)";

}  // namespace

void Server::Home(net::Request&, net::Response& response) {
  response.SetHeader("Content-Type", "text/html; charset=utf-8");
  (void)response.Send(kHomePage);
}

void Server::Healthy(net::Request& request, net::Response& response) {
  SendText(response, 200, request.method() == "HEAD" ? "" : "Canopy is Healthy.\n");
}

void Server::Ready(net::Request& request, net::Response& response) {
  if (!CheckReady(response)) return;
  SendText(response, 200, request.method() == "HEAD" ? "" : "Canopy is Ready.\n");
}

void Server::Metrics(net::Request&, net::Response& response) {
  response.SetHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  (void)response.Send(metrics.RenderText());
}

void Server::Version(net::Request&, net::Response& response) {
  response.SetHeader("Content-Type", std::string(kPlainText));
  JsonWriter json(response);
  WriteBuildInfo(json, options.build);
  json.Newline();
  (void)json.Finish();
}

void Server::Reload(net::Request&, net::Response& response) {
  if (!options.enable_lifecycle) return SendText(response, 403, "Lifecycle API is not enabled.");
  if (Status status = options.reload(); !status.ok()) {
    (void)response.SendError(500, "failed to reload config: " + status.message());
    return;
  }
  SendText(response, 200, "");
}

void Server::Quit(net::Request&, net::Response& response) {
  if (!options.enable_lifecycle) return SendText(response, 403, "Lifecycle API is not enabled.");
  if (quitting.exchange(true)) return SendText(response, 200, "Termination already in progress.");
  SendText(response, 200, "Requesting termination... Goodbye!");
  options.quit();
}

void Server::OnlyPostOrPut(net::Request&, net::Response& response) {
  SendText(response, 405, "Only POST or PUT requests allowed");
}

void Server::WalReplayStatus(net::Request& request, net::Response& response) {
  SetCors(request, response);
  const WalReplay replay = options.wal_replay ? options.wal_replay() : WalReplay{};
  WriteAnswer(Answer([replay](JsonWriter& json) {
                json.BeginObject();
                json.Key("min");
                json.Int(replay.min);
                json.Key("max");
                json.Int(replay.max);
                json.Key("current");
                json.Int(replay.current);
                json.EndObject();
              }),
              response);
}

void Server::RemoteWrite(net::Request& request, net::Response& response) {
  if (!CheckReady(response)) return;
  if (!write_receiver) {
    (void)response.SendError(
        404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver");
    return;
  }
  // Compressed. Prometheus sends some 100 kB; decompressed, the receiver has a limit of its own.
  constexpr size_t kMaxBody = size_t{32} << 20;
  const Result<std::string_view> body = request.ReadBody(kMaxBody);
  if (!body.ok()) {
    const int code = body.status().code() == Code::kLimit ? 413 : 400;
    (void)response.SendError(code, body.status().message());
    return;
  }
  const remote::WriteResult result = write_receiver->Write(
      request.header("Content-Type"), request.header("Content-Encoding"), *body);
  if (!result.error.empty()) {
    (void)response.SendError(result.code, result.error);
    return;
  }
  response.SetStatus(result.code);
  (void)response.Send("");
}

}  // namespace canopy::api
