#include "query.h"

#include <algorithm>
#include <utility>

namespace canopy::promql {
namespace {

constexpr const char* kTooManySamples =
    "query processing would load too many samples into memory in query execution";

}  // namespace

void Fail(std::string message) { throw EvalError{Status::Execution(std::move(message))}; }

Query::Query(const EngineOptions& o, const Clock& clock, Limits limits, Duration lookback)
    : engine(o), lookback_ms(lookback.count()), clock_(clock), limits_(limits) {}

void Query::Check() const {
  if (Status status = Interrupted(); !status.ok()) throw EvalError{std::move(status)};
}

Status Query::Interrupted() const {
  if (limits_.cancel && limits_.cancel->canceled())
    return Status::Canceled("query was canceled in expression evaluation");
  if (clock_.MonotonicNanos() > limits_.deadline_nanos)
    return Status::Timeout("query timed out in expression evaluation");
  return {};
}

void Query::CheckSteps(size_t count) const {
  if (count > static_cast<size_t>(limits_.max_samples)) Fail(kTooManySamples);
}

void Query::Hold(int64_t samples) {
  const int64_t now = held_.fetch_add(samples, std::memory_order_relaxed) + samples;
  int64_t peak = peak_.load(std::memory_order_relaxed);
  while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  if (now > limits_.max_samples) Fail(kTooManySamples);
}

void Query::StartAgain() {
  reads_.Clear();
  annotations.Clear();
}

void Query::HoldPlaces(int64_t places) {
  constexpr int64_t kPlacesPerSample = 4;
  const int64_t now = places_.fetch_add(places, std::memory_order_relaxed) + places;
  if (now / kPlacesPerSample > limits_.max_samples) Fail(kTooManySamples);
}

void Query::BeginReads(bool per_step) {
  per_step_stats = per_step;
  if (per_step) {
    reads_.total_per_step.assign(steps.count, 0);
    reads_.read_per_step.assign(steps.count, 0);
  }
  scope_ = &scopes_.emplace_back(reads_, steps);
}

}  // namespace canopy::promql
