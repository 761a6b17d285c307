#include "http_metrics.h"

namespace canopy::api {

Counter& HttpMetrics::Requests(const std::string& handler, int code) {
  return metrics_.AddCounter("prometheus_http_requests_total", "Counter of HTTP requests.",
                             {{"handler", handler}, {"code", std::to_string(code)}});
}

void HttpMetrics::Add(const std::string& pattern, const std::string& handler) {
  if (handlers_.contains(pattern)) return;
  Requests(handler, 200);  // shown as 0 before the first request
  const SelfMetrics::MetricLabels labels = {{"handler", handler}};
  Handler h;
  h.name = handler;
  h.duration = &metrics_.AddHistogram("prometheus_http_request_duration_seconds",
                                      "Histogram of latencies for HTTP requests.",
                                      {.1, .2, .4, 1, 3, 8, 20, 60, 120}, labels);
  h.size = &metrics_.AddHistogram("prometheus_http_response_size_bytes",
                                  "Histogram of response size for HTTP requests.",
                                  {1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}, labels);
  handlers_.emplace(pattern, std::move(h));
}

void HttpMetrics::Observe(const net::RequestDone& done) {
  const auto it = handlers_.find(done.route);
  if (it == handlers_.end()) return;
  Requests(it->second.name, done.code).Add();
  it->second.duration->Observe(done.seconds);
  it->second.size->Observe(static_cast<double>(done.response_bytes));
}

}  // namespace canopy::api
