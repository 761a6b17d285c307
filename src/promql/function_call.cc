#include "function_call.h"

#include <algorithm>
#include <string>

#include "function_impl.h"

namespace canopy::promql {
namespace {

// Values of the scalar arguments, in order.
std::vector<std::vector<double>> ScalarArguments(Evaluator& evaluator, const Call& call,
                                                 const Steps& steps) {
  std::vector<std::vector<double>> out;
  for (const ExprPtr& arg : call.args)
    if (arg->type == ValueType::kScalar) out.push_back(evaluator.Scalar(*arg, steps));
  return out;
}

// abs(v), clamp(v, a, b)
class RowCall final : public WrappedSource {
 public:
  RowCall(SourcePtr inner, RowFn fn, std::vector<std::vector<double>> scalars)
      : WrappedSource(std::move(inner)), fn_(fn), scalars_(std::move(scalars)) {}
  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    if (!inner().Fill(i, scratch, row)) return false;
    // Functions of numbers do not see histograms.
    const bool only_floats = !row.has_histograms();
    row.histograms.clear();
    return fn_(row.values, scalars_) && (only_floats || row.AnyPresent());
  }

 private:
  const RowFn fn_;
  const std::vector<std::vector<double>> scalars_;
};

SourcePtr TimeVector(Query& query, const Steps& steps) {
  auto rows = std::make_unique<BuiltRows>(query, steps.count);
  rows->Add({}, false);
  for (size_t s = 0; s < steps.count; ++s)
    rows->row(0)[s] = static_cast<double>(steps.at(s)) / 1000;
  return rows;
}

SourcePtr CallRowFunction(Evaluator& evaluator, const Call& call, const FunctionImpl& impl,
                          const Steps& steps) {
  Query& query = evaluator.query();
  if (impl.of_time_too && call.args.empty())
    return std::make_unique<RowCall>(TimeVector(query, steps), impl.row,
                                     std::vector<std::vector<double>>());
  const auto vector = std::find_if(call.args.begin(), call.args.end(), [](const ExprPtr& arg) {
    return arg->type == ValueType::kVector;
  });
  auto scalars = ScalarArguments(evaluator, call, steps);
  auto out =
      std::make_unique<RowCall>(evaluator.Vector(**vector, steps), impl.row, std::move(scalars));
  return DropMetadata(query, std::move(out), steps.count, Collisions::kMerge);
}

bool EndsAsCounter(std::string_view name) {
  for (const std::string_view suffix : {"_total", "_sum", "_count", "_bucket"})
    if (name.ends_with(suffix)) return true;
  return false;
}

// rate(m[5m]), quantile_over_time(0.9, m[1h])
class RangeCall final : public SeriesSource {
 public:
  RangeCall(Query& query, const Call& call, const FunctionImpl& impl, ColumnSourcePtr columns,
            PositionRange argument, std::vector<std::vector<double>> scalars)
      : query_(query),
        call_(call),
        impl_(impl),
        columns_(std::move(columns)),
        kernel_(IsExtended() ? impl.extended : impl.range),
        mixed_kernel_(IsExtended() ? impl.mixed_extended : impl.mixed),
        uses_start_times_(impl.uses_start_times && query.engine.features.use_start_timestamps &&
                          kernel_ == impl.range),
        argument_(argument),
        scalars_(std::move(scalars)),
        scope_(query.scope()),
        node_(query.NewNode()),
        held_(query) {}

  size_t size() const override { return columns_->size(); }
  SeriesLabels labels(size_t i) const override { return columns_->labels(i); }
  bool distinct_without_metadata() const override { return columns_->distinct_without_metadata(); }

  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    const storage::Columns columns = columns_->Read(i, scratch);
    row.histograms.clear();
    if (columns.times.empty()) return false;
    NodeBuffers& buffers = scratch.of(node_);
    const LookAt& look = columns_->look();
    Windows& windows = buffers.windows.Get(columns.times_id, [&](Windows& out) {
      FindWindows(columns.times, columns_->range(), out);
    });
    if (windows.samples == 0) return false;
    RangeInput in{query_,
                  call_,
                  look,
                  columns_->range_ms(),
                  scalars_,
                  columns.times,
                  columns.values,
                  windows,
                  buffers,
                  *columns_,
                  i,
                  argument_};
    const bool starts_count = uses_start_times_ && !columns.start_times.empty();
    if (!columns.histograms.empty() || starts_count) {
      in.histograms = columns.histograms;
      if (starts_count) in.start_times = columns.start_times;
      FillMixed(in, row);
    } else {
      CountRead(windows);
      kernel_(in, row.values);
    }
    const size_t floats = CountPresent(row.values);
    const size_t samples = row.has_histograms() ? row.Samples() : floats;
    if (samples == 0) return false;
    held_.Add(samples);
    if (impl_.checks_counter && floats > 0 && IsNewName(columns_->labels(i), buffers))
      CheckCounter(columns_->labels(i));
    return true;
  }

 private:
  bool IsExtended() const { return columns_->range().edges != Edges::kPlain; }

  void FillMixed(const RangeInput& in, Row& row) const {
    CountMixedRead(in);
    std::fill(row.values.begin(), row.values.end(), Absent());
    if (mixed_kernel_) {
      mixed_kernel_(in, row);
    } else {
      FillFromFloats(in, row);
    }
  }

  // As if there were no histograms. Where there are in a window with floats, it is said.
  void FillFromFloats(const RangeInput& in, Row& row) const {
    storage::ColumnBuffer& floats = in.buffers.floats;
    floats.Clear();
    for (size_t n = 0; n < in.times.size(); ++n) {
      if (in.histogram(n) != nullptr) continue;
      floats.times.push_back(in.times[n]);
      floats.values.push_back(in.values[n]);
    }
    Windows& windows = in.buffers.float_windows;
    FindWindows(floats.times, columns_->range(), windows);
    kernel_({query_, call_, in.look, in.range_ms, in.scalars, floats.times, floats.values, windows,
             in.buffers, in.source, in.series, in.argument},
            row.values);
    for (size_t s = 0; s < row.size(); ++s) {
      const uint32_t n = windows.end[s] - windows.begin[s];
      if (n > 0 && n < in.windows.end[s] - in.windows.begin[s])
        query_.annotations.HistogramIgnoredInMixedRange(in.metric_name(), call_.args[0]->pos);
    }
  }

  // A histogram counts for as many samples as it takes memory.
  void CountMixedRead(const RangeInput& in) const {
    std::vector<int64_t> until(in.times.size() + 1, 0);
    for (size_t n = 0; n < in.times.size(); ++n) {
      const model::FloatHistogram* h = in.histogram(n);
      until[n + 1] = until[n] + (h ? static_cast<int64_t>(SamplesOf(*h)) : 1);
    }
    int64_t largest = 0;
    for (size_t s = 0; s < in.steps(); ++s) {
      const uint32_t end = in.windows.after_seen(s);
      const int64_t samples = until[end] - until[in.windows.first_seen(s)];
      const int64_t fresh = until[end] - until[end - in.windows.Fresh(s)];
      largest = std::max(largest, samples);
      scope_.AddAt(in.look.steps.at(s), samples, columns_->reads_samples() ? fresh : 0);
    }
    query_.Hold(largest);
    query_.Release(largest);
  }

  void CountRead(const Windows& windows) const {
    CountWindows(scope_, *columns_, windows);
    // The window that is looked at is in memory.
    query_.Hold(windows.largest);
    query_.Release(windows.largest);
  }

  // False when the name is that of the last series, as far as symbols tell.
  bool IsNewName(const SeriesLabels& labels, NodeBuffers& buffers) const {
    if (labels.symbols() == nullptr || query_.engine.features.type_and_unit_labels) return true;
    if (buffers.name_source != labels.symbols()) {
      buffers.name_source = labels.symbols();
      buffers.name_symbol = labels.symbols()->Find(model::kMetricName);
      buffers.checked_name = std::nullopt;
    }
    for (const model::SymbolPair pair : labels.pairs()) {
      if (pair.name != buffers.name_symbol) continue;
      if (pair.value == buffers.checked_name) return false;
      buffers.checked_name = pair.value;
      break;
    }
    return true;
  }

  // Says so when the metric's name is not that of a counter.
  void CheckCounter(const SeriesLabels& labels) const {
    const std::string_view name = labels.Get(model::kMetricName);
    if (name.empty()) return;
    if (query_.engine.features.type_and_unit_labels) {
      const std::string_view type = labels.Get(model::kMetricType);
      if (type != "counter" && type != "histogram")
        query_.annotations.PossibleNonCounterLabel(name, type, argument_);
    } else if (!EndsAsCounter(name)) {
      query_.annotations.PossibleNonCounter(name, argument_);
    }
  }

  Query& query_;
  const Call& call_;
  const FunctionImpl& impl_;
  const ColumnSourcePtr columns_;
  const RangeFn kernel_;
  const MixedRangeFn mixed_kernel_;
  const bool uses_start_times_;
  const PositionRange argument_;
  const std::vector<std::vector<double>> scalars_;
  const ReadScope& scope_;
  const size_t node_;
  mutable HeldSamples held_;
};

SourcePtr CallRangeFunction(Evaluator& evaluator, const Call& call, const FunctionImpl& impl,
                            const Steps& steps) {
  Query& query = evaluator.query();
  const auto range = std::find_if(call.args.begin(), call.args.end(), [](const ExprPtr& arg) {
    return arg->type == ValueType::kMatrix;
  });
  ColumnSourcePtr columns = evaluator.Columns(**range, steps);
  auto scalars = ScalarArguments(evaluator, call, steps);
  auto out = std::make_unique<RangeCall>(query, call, impl, std::move(columns), (*range)->pos,
                                         std::move(scalars));
  // What first_over_time and last_over_time show is the metric still, at another time.
  if (impl.keeps_name) return out;
  return DropMetadata(query, std::move(out), steps.count, Collisions::kRefuse);
}

// Names of the functions that take such edges, sorted.
std::string NamesOfFunctionsWith(Edges edges) {
  std::string out;
  for (const Function& function : AllFunctions()) {
    if (!ImplOf(function.id).Takes(edges)) continue;
    if (!out.empty()) out += ", ";
    out += function.name;
  }
  return out;
}

void CheckEdges(const Call& call, const FunctionImpl& impl) {
  for (const ExprPtr& arg : call.args) {
    const auto* matrix = Unwrap(*arg).TryAs<MatrixSelector>();
    if (matrix == nullptr) continue;
    const Edges edges = EdgesOf(*matrix->selector);
    if (impl.Takes(edges)) continue;
    Fail(std::string(edges == Edges::kAnchored ? "anchored" : "smoothed") +
         " modifier can only be used with: " + NamesOfFunctionsWith(edges) + " - not with " +
         std::string(call.function->name));
  }
}

}  // namespace

SourcePtr CallVectorFunction(Evaluator& evaluator, const Call& call, const Steps& steps) {
  const FunctionImpl& impl = ImplOf(call.function->id);
  CheckEdges(call, impl);
  if (impl.range) return CallRangeFunction(evaluator, call, impl, steps);
  if (impl.row) return CallRowFunction(evaluator, call, impl, steps);
  return impl.call(evaluator, call, steps);
}

std::vector<double> CallScalarFunction(Evaluator& evaluator, const Call& call, const Steps& steps) {
  std::vector<double> out(steps.count);
  ImplOf(call.function->id).scalar(evaluator, call, steps, out);
  return out;
}

}  // namespace canopy::promql
