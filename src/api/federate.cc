#include "canopy/base/log.h"
#include "canopy/config/config.h"
#include "canopy/exposition/negotiate.h"
#include "canopy/federation/page.h"
#include "canopy/federation/selection.h"
#include "canopy/promql/parser.h"
#include "server.h"

// /federate: the newest sample of each series that match[] selects, for a parent to scrape.

namespace canopy::api {
namespace {

constexpr exposition::Wire kWires[] = {exposition::Wire::kText, exposition::Wire::kProtoDelimited};

Result<std::vector<model::Matchers>> ParseSelectors(const net::Request& request) {
  const Result<net::Form> form = request.Query();
  if (!form.ok()) return form.status().In("error parsing form values");
  std::vector<std::string> texts;
  for (const std::string_view text : form->All("match[]")) texts.emplace_back(text);
  return promql::ParseMetricSelectors(texts);
}

}  // namespace

// The configuration is a snapshot and the selection one cut of the store: neither is held against
// anybody while a slow client reads.
void Server::Federate(net::Request& request, net::Response& response) {
  const auto selectors = ParseSelectors(request);
  if (!selectors.ok()) return (void)response.SendError(400, selectors.status().message());
  if (!CheckReady(response)) return;

  const auto selection = federation::Selection::Resolve(sources->store, *selectors, clock.Now(),
                                                        options.lookback_delta);
  if (!selection.ok()) {
    FederationFailed(request, selection.status());
    const int code = selection.status().code() == Code::kUnavailable ? 503 : 500;
    return (void)response.SendError(code, selection.status().message());
  }
  if (selection->nameless() > 0) {
    LOG_WARN("series without a metric name cannot be federated", {"series", selection->nameless()});
  }
  WriteFederation(*selection, request, response);
}

void Server::FederationFailed(const net::Request& request, const Status& status) {
  federation_errors.Add();
  LOG_WARN("federation failed", {"client", request.client_address()}, {"err", status.message()});
}

void Server::WriteFederation(const federation::Selection& selection, const net::Request& request,
                             net::Response& response) {
  const exposition::Negotiated format = exposition::Negotiate(request.header("Accept"), kWires);
  bool streaming = false;
  const auto send = [&](std::string_view piece) {
    if (!streaming) response.SetHeader("Content-Type", format.content_type);
    streaming = true;
    return response.Write(piece);
  };
  const auto write = format.wire == exposition::Wire::kText ? federation::WriteTextPage
                                                            : federation::WriteProtoPage;
  const Result<federation::PageReport> report = write(
      selection,
      {.external_labels = sources->config()->global.external_labels, .escaping = format.escaping},
      send);
  if (!report.ok()) {
    FederationFailed(request, report.status());
    // Nothing in these formats says that a page is whole, so the connection has to.
    if (streaming) return response.Abort();
    return (void)response.SendError(500, report.status().message());
  }
  for (uint64_t i = 0; i < report->failed_families; ++i) {
    FederationFailed(request, Status::Invalid("metric name is not valid UTF-8: family left out"));
  }
  if (streaming) return;
  response.SetHeader("Content-Type", format.content_type);
  (void)response.Send("");
}

}  // namespace canopy::api
