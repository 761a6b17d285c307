#include "canopy/base/log.h"
#include "server.h"

// What is common to all JSON endpoints: readiness, CORS, the envelope.

namespace canopy::api {
namespace {

std::optional<model::Matcher> CompileOrigin(const std::string& pattern) {
  auto matcher = model::Matcher::Create(model::MatchType::kRegex, "origin", pattern);
  if (matcher.ok()) return std::move(matcher).value();
  LOG_ERROR("web.cors.origin does not compile; no other origin may read the API",
            {"err", matcher.status().message()});
  return std::nullopt;
}

void WriteStrings(JsonWriter& json, std::string_view key, const std::vector<std::string>& strings) {
  if (strings.empty()) return;
  json.Key(key);
  json.BeginArray();
  for (const std::string& s : strings) json.Text(s);
  json.EndArray();
}

void WriteError(const ApiError& error, net::Response& response) {
  response.SetStatus(error.http_status);
  response.SetHeader("Content-Type", "application/json");
  JsonWriter json(response);
  json.BeginObject();
  json.Field("status", "error");
  json.Field("errorType", error.type);
  json.Field("error", error.message);
  json.EndObject();
  (void)json.Finish();  // the client has gone: nobody is left to be told
}

}  // namespace

Server::Server(const Clock& c, SelfMetrics& m, Options o)
    : clock(c),
      metrics(m),
      options(std::move(o)),
      cors(CompileOrigin(options.cors_origin)),
      http_metrics(m),
      ready_gauge(m.AddGauge("prometheus_ready",
                             "Whether Prometheus startup was fully completed and the server is "
                             "ready for normal operation.")),
      federation_errors(m.AddCounter(
          "prometheus_web_federation_errors_total",
          "Total number of errors that occurred while sending federation responses.")) {
  // The store has no warnings to give, but dashboards ask.
  m.AddCounter("prometheus_web_federation_warnings_total",
               "Total number of warnings that occurred while sending federation responses.");
}

bool Server::CheckReady(net::Response& response) const {
  const Phase now = phase;
  if (now == Phase::kReady) return true;
  response.SetHeader("X-Prometheus-Stopping", now == Phase::kStopping ? "true" : "false");
  response.SetStatus(503);
  response.SetHeader("Content-Type", "text/plain; charset=utf-8");
  (void)response.Send("Service Unavailable");
  return false;
}

void Server::SetCors(const net::Request& request, net::Response& response) const {
  response.SetHeader("Vary", "Origin");
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return;
  response.SetHeader("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin");
  response.SetHeader("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response.SetHeader("Access-Control-Expose-Headers", "Date");
  if (options.cors_origin == ".*")
    response.SetHeader("Access-Control-Allow-Origin", "*");
  else if (cors && cors->Matches(origin))
    response.SetHeader("Access-Control-Allow-Origin", std::string(origin));
}

void WriteAnswer(const Answer& answer, net::Response& response) {
  if (answer.failed()) return WriteError(answer.error(), response);
  if (!answer.write()) {
    response.SetStatus(204);
    (void)response.Send("");
    return;
  }
  response.SetHeader("Content-Type", "application/json");
  JsonWriter json(response);
  json.BeginObject();
  json.Field("status", "success");
  json.Key("data");
  answer.write()(json);
  WriteStrings(json, "warnings", answer.warnings);
  WriteStrings(json, "infos", answer.infos);
  json.EndObject();
  (void)json.Finish();
}

void Server::ServeJson(Answer (*handler)(const Call&), net::Request& request,
                       net::Response& response) {
  if (!CheckReady(response)) return;
  SetCors(request, response);
  const Result<net::Form> form = request.FormValues();
  if (!form.ok()) {
    return WriteError(BadData("error parsing form values: " + form.status().message()), response);
  }
  WriteAnswer(handler({request, *form, options, *sources, clock, watch}), response);
}

void Server::Preflight(net::Request& request, net::Response& response) {
  if (!CheckReady(response)) return;
  SetCors(request, response);
  response.SetStatus(204);
  (void)response.Send("");
}

}  // namespace canopy::api
