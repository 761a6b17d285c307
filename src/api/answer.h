#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/status.h"
#include "json.h"

namespace canopy::api {

// What a request that fails is told.
struct ApiError {
  int http_status;
  std::string_view type;  // errorType: "bad_data", "execution", ...
  std::string message;
};

// The one table from kinds of trouble to HTTP status and errorType: errors.cc.
ApiError ToApiError(const Status& status);
ApiError BadData(std::string message);
ApiError Internal(std::string message);
// invalid parameter "start": ...
ApiError InvalidParameter(std::string_view name, std::string_view why);
// A read of the store failed: as ToApiError, but what has no kind of its own counts as execution.
ApiError ReadError(const Status& status);

// What a handler answers: an error, or "data" and what goes with it. `write` runs after the handler
// has returned, so it owns what it writes.
class Answer {
 public:
  using Write = std::function<void(JsonWriter&)>;

  Answer(ApiError error) : failed_(true), error_(std::move(error)) {}  // NOLINT: implicit
  explicit Answer(Write write) : write_(std::move(write)) {}
  // 204, no body.
  static Answer Nothing() { return Answer(Write()); }

  bool failed() const { return failed_; }
  const ApiError& error() const { return error_; }
  const Write& write() const { return write_; }

  void AddWarning(std::string text) { warnings.push_back(std::move(text)); }

  std::vector<std::string> warnings;
  std::vector<std::string> infos;

 private:
  bool failed_ = false;
  ApiError error_{};
  Write write_;
};

inline constexpr std::string_view kTruncatedWarning = "results truncated due to limit";

}  // namespace canopy::api
