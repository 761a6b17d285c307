#include "select.h"

#include <algorithm>

#include "scan.h"

namespace canopy::promql {
namespace {

RangeOfSteps RangeOfSelector(const Query& query, const MatrixSelector& matrix, const Steps& steps) {
  return {Resolve(query, matrix.selector->modifiers, steps),
          OrFail(RangeOf(matrix, query.times)).count(), EdgesOf(*matrix.selector),
          query.lookback_ms};
}

void Widen(DataSpan& span, int64_t min, int64_t max) {
  span.min = std::min(span.min, min);
  span.max = std::max(span.max, max);
}

// Sets `look` by the first selector of an expression; false when there is none.
bool FindReference(const Query& query, const Expr& expr, const Steps& steps, LookAt& look) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      look = Resolve(query, expr.As<VectorSelector>().modifiers, steps);
      return true;
    case ExprKind::kSubquery: {
      const auto& subquery = expr.As<Subquery>();
      if (!FindReference(query, *subquery.expr, steps, look)) return false;
      if (look.fixed) return true;
      const LookAt around = Resolve(query, subquery.modifiers, steps);
      look.fixed = around.fixed;
      look.fixed_time = around.fixed_time - look.offset;
      look.offset += around.offset;
      return true;
    }
    case ExprKind::kAggregate:
      // The parameter is looked at last, wherever it is written.
      return FindReference(query, *expr.As<Aggregate>().expr, steps, look) ||
             (expr.As<Aggregate>().param &&
              FindReference(query, *expr.As<Aggregate>().param, steps, look));
    default: {
      bool found = false;
      ForEachChild(expr, [&](const Expr& child) {
        found = found || FindReference(query, child, steps, look);
      });
      return found;
    }
  }
}

// `steps` count two: the first and the last time at which `expr` is evaluated.
void AddSpan(const Query& query, const Expr& expr, const Steps& steps, DataSpan& span) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector: {
      const auto& selector = expr.As<VectorSelector>();
      const LookAt look = Resolve(query, selector.modifiers, steps);
      return Widen(span, look.first() - query.lookback_ms + 1,
                   look.last() + (selector.smoothed ? query.lookback_ms : 0));
    }
    case ExprKind::kMatrixSelector: {
      const RangeOfSteps range = RangeOfSelector(query, expr.As<MatrixSelector>(), steps);
      return Widen(span, range.first_ms(), range.last_ms());
    }
    case ExprKind::kSubquery: {
      const auto& subquery = expr.As<Subquery>();
      const LookAt look = Resolve(query, subquery.modifiers, steps);
      const int64_t start = look.first() - OrFail(RangeOf(subquery, query.times)).count();
      return AddSpan(query, *subquery.expr, Steps{start, look.last() - start, 2}, span);
    }
    case ExprKind::kCall:
      if (expr.As<Call>().function->id == FunctionId::kInfo) {
        const Expr& v = *expr.As<Call>().args[0];
        const LookAt look = LookOfInfo(query, v, steps);
        Widen(span, look.first() - query.lookback_ms + 1, look.last());
        // The other argument is no selection.
        return AddSpan(query, v, steps, span);
      }
      [[fallthrough]];
    default:
      ForEachChild(expr, [&](const Expr& child) { AddSpan(query, child, steps, span); });
  }
}

// True when the set's series have no type or unit label: without their names they are still
// different, if they all have the same name.
bool NoTypeOrUnit(const storage::SeriesSet& series) {
  if (series.size() == 0) return true;
  const model::SymbolSource& symbols = series.labels(0).symbols();
  return !symbols.Find(model::kMetricType) && !symbols.Find(model::kMetricUnit);
}

bool HasOneName(const VectorSelector& selector) {
  return std::any_of(selector.matchers.begin(), selector.matchers.end(), [](const auto& m) {
    return m.type() == model::MatchType::kEqual && m.name() == model::kMetricName &&
           !m.value().empty();
  });
}

class InstantSelector final : public SeriesSource {
 public:
  InstantSelector(Query& query, std::shared_ptr<const storage::SeriesSet> series,
                  const VectorSelector& selector, const LookAt& look, SelectedValue what)
      : query_(query),
        series_(std::move(series)),
        look_(look),
        what_(what),
        without_buckets_(query.without_buckets.contains(&selector)),
        scope_(query.scope()),
        node_(query.NewNode()),
        distinct_(HasOneName(selector) && NoTypeOrUnit(*series_)),
        held_(query) {}

  size_t size() const override { return series_->size(); }
  SeriesLabels labels(size_t i) const override { return SeriesLabels(series_->labels(i)); }
  bool distinct_without_metadata() const override { return distinct_; }

  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    NodeBuffers& buffers = scratch.of(node_);
    row.histograms.clear();
    const auto from = Timestamp::FromMs(look_.first() - query_.lookback_ms + 1);
    const auto until = Timestamp::FromMs(look_.last());
    storage::Columns columns = OrFail(series_->Read(i, from, until, buffers.columns));
    if (columns.times.empty()) return false;
    if (without_buckets_ && !columns.histograms.empty())
      columns = WithoutBuckets(columns, buffers.stats);
    if (row.size() == 1) {
      const size_t last = columns.times.size() - 1;
      row.values[0] = columns.values[last];
      if (IsAbsent(row.values[0])) return false;
      if (what_ != SelectedValue::kValue) {
        row.values[0] = TimeOf(columns, last);
      } else if (!columns.histograms.empty() && columns.histograms[last] != nullptr) {
        row.SetHistogram(0, Share(columns, last));
        return Count(row.Samples(), row);
      }
      return Count(1, row);
    }
    const std::vector<int32_t>& newest =
        buffers.newest.Get(columns.times_id, [&](std::vector<int32_t>& out) {
          FindNewest(columns.times, look_, query_.lookback_ms, out);
        });
    const size_t present = Gather(columns, newest, row.values);
    if (what_ != SelectedValue::kValue) {
      for (size_t s = 0; s < row.size(); ++s)
        if (IsPresent(row.values[s]))
          row.values[s] = TimeOf(columns, static_cast<size_t>(newest[s]));
    } else if (!columns.histograms.empty()) {
      GatherHistograms(columns, newest, row);
      return Count(row.Samples(), row);
    }
    return Count(present, row);
  }

 private:
  static double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

  double TimeOf(const storage::Columns& columns, size_t n) const {
    if (what_ == SelectedValue::kTime) return Seconds(columns.times[n]);
    return columns.start_times.empty() ? 0 : Seconds(columns.start_times[n]);
  }

  static HistogramPtr Share(const storage::Columns& columns, size_t n) {
    return std::make_shared<const model::FloatHistogram>(*columns.histograms[n]);
  }

  // How many values there are.
  static size_t Gather(const storage::Columns& columns, std::span<const int32_t> newest,
                       std::span<double> row) {
    size_t present = 0;
    for (size_t s = 0; s < row.size(); ++s) {
      const int32_t n = newest[s];
      // A staleness marker is read as what it is: no value at this step.
      const double value = n < 0 ? Absent() : columns.values[static_cast<size_t>(n)];
      present += IsPresent(value) ? 1 : 0;
      row[s] = value;
    }
    return present;
  }

  // A histogram that several steps see is copied once.
  static void GatherHistograms(const storage::Columns& columns, std::span<const int32_t> newest,
                               Row& row) {
    HistogramPtr copy;
    int32_t copied = -1;
    for (size_t s = 0; s < row.size(); ++s) {
      if (newest[s] < 0 || columns.histograms[static_cast<size_t>(newest[s])] == nullptr) continue;
      if (newest[s] != copied) copy = Share(columns, static_cast<size_t>(newest[s]));
      copied = newest[s];
      row.SetHistogram(s, copy);
    }
  }

  // `samples` is row.Samples(), which whoever gathers floats has at hand.
  bool Count(size_t samples, const Row& row) const {
    if (samples == 0) return false;
    held_.Add(samples);
    if (!scope_.by_step()) {
      scope_.Add(static_cast<int64_t>(samples), static_cast<int64_t>(samples));
      return true;
    }
    for (size_t s = 0; s < row.size(); ++s) {
      const model::FloatHistogram* h = row.histogram(s);
      if (h == nullptr && IsAbsent(row.values[s])) continue;
      const int64_t n = h ? static_cast<int64_t>(SamplesOf(*h)) : 1;
      scope_.AddAt(look_.steps.at(s), n, n);
    }
    return true;
  }

  Query& query_;
  const std::shared_ptr<const storage::SeriesSet> series_;
  const LookAt look_;
  const SelectedValue what_;
  const bool without_buckets_;
  const ReadScope& scope_;
  const size_t node_;
  const bool distinct_;
  mutable HeldSamples held_;
};

class RangeSelector final : public ColumnSource {
 public:
  RangeSelector(Query& query, std::shared_ptr<const storage::SeriesSet> series,
                const VectorSelector& selector, const RangeOfSteps& range)
      : ColumnSource(range),
        series_(std::move(series)),
        without_buckets_(query.without_buckets.contains(&selector)),
        node_(query.NewNode()),
        distinct_(HasOneName(selector) && NoTypeOrUnit(*series_)) {}

  size_t size() const override { return series_->size(); }
  SeriesLabels labels(size_t i) const override { return SeriesLabels(series_->labels(i)); }
  bool distinct_without_metadata() const override { return distinct_; }

  storage::Columns Read(size_t i, Scratch& scratch) const override {
    NodeBuffers& buffers = scratch.of(node_);
    const auto from = Timestamp::FromMs(range().first_ms());
    const auto until = Timestamp::FromMs(range().last_ms());
    storage::Columns columns = OrFail(series_->Read(i, from, until, buffers.columns));
    if (without_buckets_ && !columns.histograms.empty())
      columns = WithoutBuckets(columns, buffers.stats);
    return WithoutMarkers(columns, buffers.kept);
  }

 private:
  const std::shared_ptr<const storage::SeriesSet> series_;
  const bool without_buckets_;
  const size_t node_;
  const bool distinct_;
};

}  // namespace

void FindNewest(std::span<const int64_t> times, const LookAt& look, int64_t lookback_ms,
                std::vector<int32_t>& out) {
  const size_t steps = look.steps.count;
  out.resize(steps);
  size_t next = 0;
  for (size_t i = 0; i < steps; ++i) {
    const int64_t ref = look.at(i);
    while (next < times.size() && times[next] <= ref) ++next;
    const bool found = next > 0 && times[next - 1] > ref - lookback_ms;
    out[i] = found ? static_cast<int32_t>(next - 1) : -1;
  }
}

LookAt LookOfInfo(const Query& query, const Expr& v, const Steps& steps) {
  LookAt look;
  look.steps = steps;
  FindReference(query, v, steps, look);
  return look;
}

Edges EdgesOf(const VectorSelector& selector) {
  return selector.anchored   ? Edges::kAnchored
         : selector.smoothed ? Edges::kSmoothed
                             : Edges::kPlain;
}

storage::Columns WithoutMarkers(const storage::Columns& columns, storage::ColumnBuffer& kept) {
  if (!HasMarker(columns.values)) return columns;
  kept.Clear();
  for (size_t n = 0; n < columns.times.size(); ++n) {
    if (IsAbsent(columns.values[n])) continue;
    kept.times.push_back(columns.times[n]);
    kept.values.push_back(columns.values[n]);
    if (!columns.histograms.empty()) kept.histograms.push_back(columns.histograms[n]);
    if (!columns.start_times.empty()) kept.start_times.push_back(columns.start_times[n]);
  }
  return {kept.times, kept.values, 0, kept.histograms, kept.start_times};
}

DataSpan SpanOf(const Query& query, const Expr& expr) {
  DataSpan span;
  AddSpan(query, expr, Steps{query.steps.start, query.steps.last() - query.steps.start, 2}, span);
  return span;
}

std::shared_ptr<const storage::SeriesSet> Selections::Select(const VectorSelector& selector,
                                                             bool newest_only) {
  for (const Selection& made : made_) {
    if (made.newest_only == newest_only && made.selector->matchers == selector.matchers)
      return made.series;
  }
  auto series = SelectNow(selector.matchers, newest_only);
  made_.push_back({&selector, newest_only, series});
  return series;
}

std::shared_ptr<const storage::SeriesSet> Selections::SelectNow(const model::Matchers& matchers,
                                                                bool newest_only) {
  struct EndOfQuery final : storage::Interrupt {
    explicit EndOfQuery(const Query& q) : query(q) {}
    Status Check() const override { return query.Interrupted(); }
    const Query& query;
  };
  const EndOfQuery end(query_);
  storage::SelectHints hints;
  hints.newest_only = newest_only;
  hints.interrupt = &end;
  auto series = query_.querier->Select(matchers, hints);
  query_.Check();
  if (!series.ok()) throw EvalError{series.status().In("expanding series")};
  return std::move(series).value();
}

SourcePtr SelectInstant(Query& query, Selections& selections, const VectorSelector& selector,
                        const Steps& steps, SelectedValue what) {
  const LookAt look = Resolve(query, selector.modifiers, steps);
  if (selector.smoothed && what == SelectedValue::kValue)
    return SelectSmoothed(query, selections.Select(selector, false), selector, look);
  // Only the store's newest sample is kept decoded: the hint helps where nothing newer is hidden.
  // Without buckets, what came before is looked at as well.
  const bool newest_only = steps.count == 1 && look.last() == query.max_time_ms &&
                           !query.without_buckets.contains(&selector);
  return std::make_unique<InstantSelector>(query, selections.Select(selector, newest_only),
                                           selector, look, what);
}

ColumnSourcePtr SelectRange(Query& query, Selections& selections, const MatrixSelector& matrix,
                            const Steps& steps) {
  const VectorSelector& selector = *matrix.selector;
  return std::make_unique<RangeSelector>(query, selections.Select(selector, false), selector,
                                         RangeOfSelector(query, matrix, steps));
}

}  // namespace canopy::promql
