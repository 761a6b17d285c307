#include "canopy/promql/engine.h"

#include <algorithm>
#include <exception>
#include <optional>

#include "canopy/base/mutex.h"
#include "canopy/promql/active_queries.h"
#include "canopy/promql/parser.h"
#include "evaluator.h"
#include "pace.h"
#include "query.h"
#include "query_slots.h"
#include "raw_samples.h"

namespace canopy::promql {
namespace {

double SecondsBetween(int64_t from_nanos, int64_t to_nanos) {
  return static_cast<double>(to_nanos - from_nanos) / 1e9;
}

// Labels as they are shown: with delayed name removal, what is marked loses its metadata now.
class ShownLabels final : public WrappedSource {
 public:
  using WrappedSource::WrappedSource;
  SeriesLabels labels(size_t i) const override {
    const SeriesLabels labels = inner().labels(i);
    return labels.drop_name() ? labels.WithoutMetadata() : labels;
  }
};

SourcePtr Shown(Query& query, SourcePtr source, size_t steps) {
  if (!query.engine.features.delayed_name_removal) return source;
  return MergeEqual(query, std::make_unique<ShownLabels>(std::move(source)), steps,
                    Collisions::kMerge);
}

Vector ToVector(Query& query, SourcePtr source) {
  const SourcePtr shown = Shown(query, std::move(source), 1);
  const auto time = Timestamp::FromMs(query.steps.start);
  Vector out;
  ForEachRow(query, *shown, 1, [&](size_t i, const Row& row) {
    if (row.has_histograms()) {
      out.push_back({shown->labels(i).Build(), {time, 0}, row.histograms[0]});
    } else {
      out.push_back({shown->labels(i).Build(), {time, row.values[0]}});
    }
  });
  return out;
}

Matrix ToMatrix(Query& query, SourcePtr source) {
  const Steps& steps = query.steps;
  const SourcePtr shown = Shown(query, std::move(source), steps.count);
  Matrix out;
  ForEachRow(query, *shown, steps.count, [&](size_t i, const Row& row) {
    MatrixSeries series{shown->labels(i).Build(), {}};
    const std::span<const double> values = row.values;
    series.samples.reserve(CountPresent(values));
    for (size_t s = 0; s < values.size(); ++s) {
      if (IsPresent(values[s]))
        series.samples.push_back({Timestamp::FromMs(steps.at(s)), values[s]});
    }
    for (size_t s = 0; s < row.histograms.size(); ++s) {
      if (row.histograms[s])
        series.histograms.push_back({Timestamp::FromMs(steps.at(s)), row.histograms[s]});
    }
    out.push_back(std::move(series));
  });
  return out;
}

Value EvaluateInstant(Query& query, const Expr& expr) {
  Evaluator evaluator(query);
  const auto time = Timestamp::FromMs(query.steps.start);
  switch (expr.type) {
    case ValueType::kScalar:
      return Scalar{time, evaluator.Scalar(expr, query.steps)[0]};
    case ValueType::kString:
      return String{time, Evaluator::String(expr)};
    case ValueType::kVector:
      return ToVector(query, evaluator.Vector(expr, query.steps));
    case ValueType::kMatrix:
      return RawSamples(query, *evaluator.Columns(expr, query.steps, true));
  }
  return Vector{};
}

Value EvaluateRange(Query& query, const Expr& expr) {
  Evaluator evaluator(query);
  SourcePtr source = expr.type == ValueType::kScalar ? evaluator.ScalarAsVector(expr, query.steps)
                                                     : evaluator.Vector(expr, query.steps);
  return ToMatrix(query, std::move(source));
}

Value Evaluate(Query& query, const Expr& expr, bool range) {
  try {
    return range ? EvaluateRange(query, expr) : EvaluateInstant(query, expr);
  } catch (const EvalError& error) {
    if (!error.histograms_in_buckets) throw;
  }
  query.StartAgain();
  query.histograms_in_buckets = true;
  return range ? EvaluateRange(query, expr) : EvaluateInstant(query, expr);
}

std::vector<std::pair<Timestamp, int64_t>> AtSteps(const Query& query,
                                                   const std::vector<int64_t>& counts) {
  std::vector<std::pair<Timestamp, int64_t>> out;
  out.reserve(counts.size());
  for (size_t s = 0; s < counts.size(); ++s)
    out.emplace_back(Timestamp::FromMs(query.steps.at(s)), counts[s]);
  return out;
}

void FillSampleStats(const Query& query, QueryStats& stats) {
  const ReadCounts& reads = query.reads();
  stats.total_queryable_samples = reads.total;
  stats.samples_read = reads.read;
  stats.peak_samples = query.peak();
  stats.samples_per_step = AtSteps(query, reads.total_per_step);
  stats.samples_read_per_step = AtSteps(query, reads.read_per_step);
}

}  // namespace

struct Engine::Rep {
  Rep(EngineOptions o, const Clock& c, SelfMetrics& metrics)
      : options(std::move(o)),
        clock(c),
        slots(options.max_concurrency, c),
        running(metrics.AddGauge("prometheus_engine_queries",
                                 "The current number of queries being executed or waiting.")),
        samples(metrics.AddCounter("prometheus_engine_query_samples_total",
                                   "The total number of samples loaded by all queries (full window "
                                   "per step for range-vector).")),
        samples_read(metrics.AddCounter("prometheus_engine_query_samples_read_total",
                                        "The total number of samples read by all queries (only new "
                                        "points per step for range-vector).")),
        log_enabled(
            metrics.AddGauge("prometheus_engine_query_log_enabled", "State of the query log.")),
        log_failures(metrics.AddCounter("prometheus_engine_query_log_failures_total",
                                        "The number of query log failures.")),
        queue_time(AddTiming(metrics, "queue_time")),
        prepare_time(AddTiming(metrics, "prepare_time")),
        inner_eval(AddTiming(metrics, "inner_eval")),
        result_sort(AddTiming(metrics, "result_sort")),
        log_mu(LockRank::kLeaf) {
    metrics
        .AddGauge("prometheus_engine_queries_concurrent_max",
                  "The max number of concurrent queries.")
        .Set(options.max_concurrency);
  }

  static SummaryMetric& AddTiming(SelfMetrics& metrics, std::string slice) {
    return metrics.AddSummary("prometheus_engine_query_duration_seconds", "Query timings",
                              {{"slice", std::move(slice)}});
  }

  struct Request {
    storage::Queryable& store;
    const Expr& expr;
    std::string_view text;
    Steps steps;
    int64_t end_ms;
    bool range;
    const QueryOptions& options;
  };
  Result<QueryResult> Run(const Request& request);
  // The parts of Run, one in the other; they note in `stats` what they come to.
  Result<QueryResult> RunInTurn(const Request& request, Query& query, const Query::Limits& limits,
                                QueryStats& stats);
  Result<QueryResult> RunInSlot(const Request& request, Query& query, QueryStats& stats);
  void Log(const Request& request, const Status& error, const QueryStats& stats);
  Result<QueryResult> RunRange(storage::Queryable& store, const Expr& expr, std::string_view text,
                               RangeSpec range, const QueryOptions& query_options);

  const EngineOptions options;
  const Clock& clock;
  QuerySlots slots;
  Gauge& running;
  Counter& samples;
  Counter& samples_read;
  Gauge& log_enabled;
  Counter& log_failures;
  SummaryMetric& queue_time;
  SummaryMetric& prepare_time;
  SummaryMetric& inner_eval;
  SummaryMetric& result_sort;
  Mutex log_mu;
  std::shared_ptr<QueryLog> log CANOPY_GUARDED_BY(log_mu);
};

Result<QueryResult> Engine::Rep::Run(const Request& request) {
  const int64_t started = clock.MonotonicNanos();
  const QueryOptions& wanted = request.options;
  Duration timeout = options.timeout;
  if (wanted.timeout > Duration(0)) timeout = std::min(timeout, wanted.timeout);
  Query::Limits limits;
  limits.deadline_nanos = started + std::chrono::nanoseconds(timeout).count();
  limits.max_samples = options.max_samples;
  limits.cancel = wanted.cancel;
  const bool own_lookback = wanted.lookback_delta > Duration(0);
  Query query(options, clock, limits,
              own_lookback ? wanted.lookback_delta : options.lookback_delta);
  query.steps = request.steps;
  query.end_ms = request.end_ms;
  if (request.range) {
    query.times.step = Duration(request.steps.interval);
    query.times.range = Duration(request.end_ms - request.steps.start);
  }

  running.Add(1);
  QueryStats stats;
  Result<QueryResult> result = RunInTurn(request, query, limits, stats);
  running.Add(-1);
  FillSampleStats(query, stats);
  stats.total_time = SecondsBetween(started, clock.MonotonicNanos());
  samples.Add(static_cast<double>(stats.total_queryable_samples));
  samples_read.Add(static_cast<double>(stats.samples_read));
  Log(request, result.status(), stats);
  if (result.ok()) result->stats = std::move(stats);
  return result;
}

Result<QueryResult> Engine::Rep::RunInTurn(const Request& request, Query& query,
                                           const Query::Limits& limits, QueryStats& stats) {
  const int64_t asked = clock.MonotonicNanos();
  const Status admitted = slots.Acquire(limits.deadline_nanos, limits.cancel);
  stats.queue_time = SecondsBetween(asked, clock.MonotonicNanos());
  if (!admitted.ok()) return admitted;
  queue_time.Observe(stats.queue_time);
  std::optional<ActiveQueries::Entry> entry;
  if (options.active_queries != nullptr) entry.emplace(*options.active_queries, request.text);
  Result<QueryResult> result = RunInSlot(request, query, stats);
  entry.reset();
  slots.Release();
  return result;
}

Result<QueryResult> Engine::Rep::RunInSlot(const Request& request, Query& query,
                                           QueryStats& stats) try {
  // What a part took, also when it ends by an error.
  class Timer {
   public:
    Timer(const Clock& c, double& seconds, SummaryMetric& metric)
        : clock_(c), seconds_(seconds), metric_(metric), began_(c.MonotonicNanos()) {}
    ~Timer() {
      seconds_ = SecondsBetween(began_, clock_.MonotonicNanos());
      metric_.Observe(seconds_);
    }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

   private:
    const Clock& clock_;
    double& seconds_;
    SummaryMetric& metric_;
    const int64_t began_;
  };

  std::unique_ptr<storage::Querier> querier;
  {
    const Timer timer(clock, stats.preparation_time, prepare_time);
    query.Check();
    query.CheckSteps(request.steps.count);
    query.BeginReads(request.options.per_step_stats);
    query.without_buckets = SelectorsWithoutBuckets(request.expr);
    const DataSpan span = SpanOf(query, request.expr);
    if (span.min <= span.max) {
      querier = OrFail(
          request.store.NewQuerier(Timestamp::FromMs(span.min), Timestamp::FromMs(span.max)));
      query.querier = querier.get();
      query.max_time_ms = span.max;
    }
  }
  QueryResult out;
  {
    const Timer timer(clock, stats.inner_eval_time, inner_eval);
    out.value = Evaluate(query, request.expr, request.range);
  }
  if (request.range) {
    const Timer timer(clock, stats.result_sort_time, result_sort);
    SortByLabels(query, std::get<Matrix>(out.value));
  }
  out.warnings = query.annotations.Warnings(request.text);
  out.infos = query.annotations.Infos(request.text);
  return out;
} catch (const EvalError& error) {
  return error.status;
} catch (const std::exception& error) {
  return Status::Internal(std::string("unexpected error: ") + error.what());
}

void Engine::Rep::Log(const Request& request, const Status& error, const QueryStats& stats) {
  std::shared_ptr<QueryLog> to;
  {
    const MutexLock lock(log_mu);
    to = log;
  }
  if (!to) return;
  const Duration step = request.range ? Duration(request.steps.interval) : Duration(0);
  const Status written = to->Write(
      clock.Now(), {request.text, Timestamp::FromMs(request.steps.start),
                    Timestamp::FromMs(request.end_ms), step, error, stats, request.options.origin});
  if (!written.ok()) log_failures.Add(1);
}

Engine::Engine(EngineOptions options, const Clock& clock, SelfMetrics& metrics)
    : rep_(std::make_unique<Rep>(std::move(options), clock, metrics)) {}
Engine::~Engine() = default;

const EngineOptions& Engine::options() const { return rep_->options; }

void Engine::SetQueryLog(std::shared_ptr<QueryLog> log) {
  rep_->log_enabled.Set(log ? 1 : 0);
  const MutexLock lock(rep_->log_mu);
  // The old one closes its file when the last query that writes to it is done.
  rep_->log = std::move(log);
}

Result<QueryResult> Engine::Instant(storage::Queryable& store, std::string_view text, Timestamp at,
                                    const QueryOptions& options) {
  CANOPY_ASSIGN_OR_RETURN(const ExprPtr expr, ParseExpr(text, rep_->options.features));
  return rep_->Run({store, *expr, text, Steps{at.ms(), 1, 1}, at.ms(), false, options});
}

Result<QueryResult> Engine::Instant(storage::Queryable& store, const Expr& expr, Timestamp at,
                                    const QueryOptions& options) {
  return rep_->Run({store, expr, options.text, Steps{at.ms(), 1, 1}, at.ms(), false, options});
}

Result<QueryResult> Engine::Range(storage::Queryable& store, std::string_view text, RangeSpec range,
                                  const QueryOptions& options) {
  CANOPY_ASSIGN_OR_RETURN(const ExprPtr expr, ParseExpr(text, rep_->options.features));
  return rep_->RunRange(store, *expr, text, range, options);
}

Result<QueryResult> Engine::Range(storage::Queryable& store, const Expr& expr, RangeSpec range,
                                  const QueryOptions& options) {
  return rep_->RunRange(store, expr, options.text, range, options);
}

Result<QueryResult> Engine::Rep::RunRange(storage::Queryable& store, const Expr& expr,
                                          std::string_view text, RangeSpec range,
                                          const QueryOptions& query_options) {
  if (expr.type != ValueType::kScalar && expr.type != ValueType::kVector) {
    return Status::Invalid("invalid expression type \"" + std::string(ValueTypeText(expr.type)) +
                           "\" for range query, must be Scalar or instant Vector");
  }
  if (range.step < Duration(1)) return Status::Invalid("step must be at least 1ms");
  if (range.end < range.start) return QueryResult{Matrix{}, {}, {}, {}};
  const int64_t interval = range.step.count();
  const auto count = static_cast<size_t>((range.end - range.start).count() / interval) + 1;
  return Run({store, expr, text, Steps{range.start.ms(), interval, count}, range.end.ms(), true,
              query_options});
}

}  // namespace canopy::promql
