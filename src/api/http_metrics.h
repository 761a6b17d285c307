#pragma once

#include <map>
#include <string>
#include <string_view>

#include "canopy/base/self_metrics.h"
#include "canopy/net/server.h"

namespace canopy::api {

// prometheus_http_requests_total{handler,code} and its companions. Handlers are added before the
// server starts; then thread-safe.
class HttpMetrics {
 public:
  explicit HttpMetrics(SelfMetrics& metrics) : metrics_(metrics) {}

  // Requests to the route `pattern` count for `handler`. A second time for another method is fine.
  void Add(const std::string& pattern, const std::string& handler);
  // Requests that matched no route are not counted.
  void Observe(const net::RequestDone& done);

 private:
  struct Handler {
    std::string name;
    HistogramMetric* duration;
    HistogramMetric* size;
  };
  Counter& Requests(const std::string& handler, int code);

  SelfMetrics& metrics_;
  std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace canopy::api
