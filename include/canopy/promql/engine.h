#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>

#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/base/workers.h"
#include "canopy/promql/features.h"
#include "canopy/promql/query_log.h"
#include "canopy/promql/value.h"
#include "canopy/storage/queryable.h"

namespace canopy::promql {

class ActiveQueries;
struct Expr;

// Ends a query from another thread: it returns kCanceled within some milliseconds. Thread-safe.
class CancelToken {
 public:
  void Cancel() { canceled_.store(true, std::memory_order_relaxed); }
  bool canceled() const { return canceled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> canceled_{false};
};

struct QueryOptions {
  Duration lookback_delta{0};  // 0: the engine's
  Duration timeout{0};         // 0, or more than the engine's: the engine's
  const CancelToken* cancel = nullptr;
  bool per_step_stats = false;
  QueryOrigin origin;  // for the query log
  // What a parsed expression was parsed from: annotations give positions as lines and columns of
  // it, and logs show it. Not needed where the engine is given text.
  std::string_view text = {};
};

// Start and end included; step at least 1 ms. Start == end is one step.
struct RangeSpec {
  Timestamp start;
  Timestamp end;
  Duration step{0};
};

struct EngineOptions {
  Duration lookback_delta{5 * 60 * 1000};
  Duration timeout{2 * 60 * 1000};
  int64_t max_samples = 50'000'000;
  // Queries that run at once; others wait in a queue, oldest first, at most until their deadline.
  int max_concurrency = 20;
  Features features;
  // The step of a subquery without one; by the length of its range. Empty: one minute.
  std::function<Duration(Duration range)> default_subquery_step;
  // Helps with queries over many series; may be null. Must outlive the engine.
  Workers* workers = nullptr;
  // Where queries are noted while they run; may be null. Must outlive the engine.
  ActiveQueries* active_queries = nullptr;
};

// Evaluates PromQL over a Queryable. Thread-safe.
//
// Errors: kInvalid when the text cannot be parsed (message with position); kTimeout "query timed
// out in expression evaluation" (or "query queue"); kCanceled "query was canceled in ...";
// kExecution for whatever goes wrong in evaluation, limits on samples included, with Prometheus's
// texts; other codes are the store's own and mean that reading failed.
class Engine {
 public:
  // Registers prometheus_engine_*. `clock` and `metrics` must outlive the engine.
  Engine(EngineOptions options, const Clock& clock, SelfMetrics& metrics);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const EngineOptions& options() const;
  // From now on ending queries are logged there; null for nowhere.
  void SetQueryLog(std::shared_ptr<QueryLog> log);

  Result<QueryResult> Instant(storage::Queryable& store, std::string_view text, Timestamp at,
                              const QueryOptions& options = {});
  Result<QueryResult> Range(storage::Queryable& store, std::string_view text, RangeSpec range,
                            const QueryOptions& options = {});

  // The same for what is parsed already; `expr` is read only and may serve several threads at once.
  Result<QueryResult> Instant(storage::Queryable& store, const Expr& expr, Timestamp at,
                              const QueryOptions& options = {});
  Result<QueryResult> Range(storage::Queryable& store, const Expr& expr, RangeSpec range,
                            const QueryOptions& options = {});

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace canopy::promql
