#include "canopy/promql/engine.h"

#include <algorithm>
#include <exception>

#include "canopy/promql/parser.h"
#include "evaluator.h"
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
      return RawSamples(query, *evaluator.Columns(expr, query.steps));
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

}  // namespace

struct Engine::Rep {
  Rep(EngineOptions o, const Clock& c, SelfMetrics& metrics)
      : options(std::move(o)),
        clock(c),
        slots(options.max_concurrency, c),
        running(metrics.AddGauge("prometheus_engine_queries",
                                 "The current number of queries being executed or waiting.")),
        samples(metrics.AddCounter("prometheus_engine_query_samples_total",
                                   "The total number of samples loaded by all queries.")),
        queue_time(AddTiming(metrics, "queue_time")),
        prepare_time(AddTiming(metrics, "prepare_time")),
        inner_eval(AddTiming(metrics, "inner_eval")),
        result_sort(AddTiming(metrics, "result_sort")) {
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
  Result<QueryResult> RunInTurn(const Request& request, Query& query, const Query::Limits& limits,
                                int64_t started);
  Result<QueryResult> RunInSlot(const Request& request, Query& query, int64_t started);
  Result<QueryResult> RunRange(storage::Queryable& store, const Expr& expr, std::string_view text,
                               RangeSpec range, const QueryOptions& query_options);

  const EngineOptions options;
  const Clock& clock;
  QuerySlots slots;
  Gauge& running;
  Counter& samples;
  SummaryMetric& queue_time;
  SummaryMetric& prepare_time;
  SummaryMetric& inner_eval;
  SummaryMetric& result_sort;
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
  Result<QueryResult> result = RunInTurn(request, query, limits, started);
  running.Add(-1);
  samples.Add(static_cast<double>(query.read()));
  return result;
}

Result<QueryResult> Engine::Rep::RunInTurn(const Request& request, Query& query,
                                           const Query::Limits& limits, int64_t started) {
  CANOPY_RETURN_IF_ERROR(slots.Acquire(limits.deadline_nanos, limits.cancel));
  Result<QueryResult> result = RunInSlot(request, query, started);
  slots.Release();
  return result;
}

Result<QueryResult> Engine::Rep::RunInSlot(const Request& request, Query& query,
                                           int64_t started) try {
  const int64_t admitted = clock.MonotonicNanos();
  queue_time.Observe(SecondsBetween(started, admitted));
  query.Check();
  query.CheckSteps(request.steps.count);
  query.per_step_stats = request.options.per_step_stats;
  if (query.per_step_stats) query.TrackSteps();
  query.without_buckets = SelectorsWithoutBuckets(request.expr);
  std::unique_ptr<storage::Querier> querier;
  const DataSpan span = SpanOf(query, request.expr);
  if (span.min <= span.max) {
    querier =
        OrFail(request.store.NewQuerier(Timestamp::FromMs(span.min), Timestamp::FromMs(span.max)));
    query.querier = querier.get();
    query.max_time_ms = span.max;
  }
  const int64_t prepared = clock.MonotonicNanos();
  prepare_time.Observe(SecondsBetween(admitted, prepared));

  QueryResult out;
  out.value = Evaluate(query, request.expr, request.range);
  const int64_t evaluated = clock.MonotonicNanos();
  inner_eval.Observe(SecondsBetween(prepared, evaluated));
  if (request.range) SortByLabels(std::get<Matrix>(out.value));
  const int64_t sorted = clock.MonotonicNanos();
  if (request.range) result_sort.Observe(SecondsBetween(evaluated, sorted));

  out.warnings = query.annotations.Warnings(request.text);
  out.infos = query.annotations.Infos(request.text);
  out.stats.queue_time = SecondsBetween(started, admitted);
  out.stats.preparation_time = SecondsBetween(admitted, prepared);
  out.stats.inner_eval_time = SecondsBetween(prepared, evaluated);
  out.stats.result_sort_time = SecondsBetween(evaluated, sorted);
  out.stats.total_time = SecondsBetween(started, sorted);
  out.stats.total_queryable_samples = query.read();
  out.stats.peak_samples = query.peak();
  for (size_t s = 0; s < query.read_per_step().size(); ++s)
    out.stats.samples_per_step.emplace_back(Timestamp::FromMs(query.steps.at(s)),
                                            query.read_per_step()[s]);
  return out;
} catch (const EvalError& error) {
  return error.status;
} catch (const std::exception& error) {
  return Status::Internal(std::string("unexpected error: ") + error.what());
}

Engine::Engine(EngineOptions options, const Clock& clock, SelfMetrics& metrics)
    : rep_(std::make_unique<Rep>(std::move(options), clock, metrics)) {}
Engine::~Engine() = default;

const EngineOptions& Engine::options() const { return rep_->options; }

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
