#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "canopy/api/api.h"
#include "canopy/federation/selection.h"
#include "canopy/model/matcher.h"
#include "canopy/net/server.h"
#include "canopy/remote/write.h"
#include "disconnect_watch.h"
#include "handlers.h"
#include "http_metrics.h"

namespace canopy::api {

enum class Phase : unsigned char { kStarting, kReady, kStopping };

// What all handlers share. routes.cc lists them; pages.cc has those that do not answer in JSON.
struct Server {
  Server(const Clock& c, SelfMetrics& m, Options o);

  // The JSON endpoints: checks readiness, sets the headers, runs the handler, writes the envelope.
  void ServeJson(Answer (*handler)(const Call&), net::Request& request, net::Response& response);
  // False, with 503 sent, unless the node is ready.
  bool CheckReady(net::Response& response) const;
  void SetCors(const net::Request& request, net::Response& response) const;

  // pages.cc
  void Home(net::Request& request, net::Response& response);
  void Healthy(net::Request& request, net::Response& response);
  void Ready(net::Request& request, net::Response& response);
  void Metrics(net::Request& request, net::Response& response);
  void Version(net::Request& request, net::Response& response);
  void Reload(net::Request& request, net::Response& response);
  void Quit(net::Request& request, net::Response& response);
  void OnlyPostOrPut(net::Request& request, net::Response& response);
  void WalReplayStatus(net::Request& request, net::Response& response);
  void RemoteWrite(net::Request& request, net::Response& response);
  void Preflight(net::Request& request, net::Response& response);

  // federate.cc
  void Federate(net::Request& request, net::Response& response);
  void WriteFederation(const federation::Selection& selection, const net::Request& request,
                       net::Response& response);
  void FederationFailed(const net::Request& request, const Status& status);

  const Clock& clock;
  SelfMetrics& metrics;
  const Options options;
  const std::optional<model::Matcher> cors;  // none: the pattern does not compile
  HttpMetrics http_metrics;
  Gauge& ready_gauge;
  Counter& federation_errors;
  DisconnectWatch watch;
  std::atomic<bool> quitting{false};

  // Written once, before `phase` becomes kReady; then only read.
  std::optional<Sources> sources;
  std::optional<remote::WriteReceiver> write_receiver;
  std::atomic<Phase> phase{Phase::kStarting};
};

// Writes {"status":"success","data":...} or the error.
void WriteAnswer(const Answer& answer, net::Response& response);

}  // namespace canopy::api
