#include "query.h"

#include <algorithm>

namespace canopy::promql {
namespace {

constexpr const char* kTooManySamples =
    "query processing would load too many samples into memory in query execution";

}  // namespace

void Fail(std::string message) { throw EvalError{Status::Execution(std::move(message))}; }

Query::Query(const EngineOptions& o, const Clock& clock, Limits limits, Duration lookback)
    : engine(o), lookback_ms(lookback.count()), clock_(clock), limits_(limits) {}

void Query::Check() const {
  if (limits_.cancel && limits_.cancel->canceled())
    throw EvalError{Status::Canceled("query was canceled in expression evaluation")};
  if (clock_.MonotonicNanos() > limits_.deadline_nanos)
    throw EvalError{Status::Timeout("query timed out in expression evaluation")};
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
  read_.store(0, std::memory_order_relaxed);
  std::fill(read_per_step_.begin(), read_per_step_.end(), 0);
  annotations.Clear();
}

void Query::CountReadAt(int64_t time_ms, int64_t samples) {
  const int64_t step = (time_ms - steps.start) / steps.interval;
  if (time_ms < steps.start || step >= static_cast<int64_t>(read_per_step_.size())) return;
  read_per_step_[static_cast<size_t>(step)] += samples;
}

}  // namespace canopy::promql
