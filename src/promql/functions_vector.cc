#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "function_impl.h"
#include "sorted_source.h"

// absent, scalar, vector, sort: what makes one thing of many series, or puts them in order.

namespace canopy::promql {
namespace {

// What a series that is not there would be called: the labels that the selector asks for by
// equality, once each; of anything else nothing is known.
model::Labels LabelsOfAbsent(const Expr& arg) {
  const Expr& expr = Unwrap(arg);
  const VectorSelector* selector = expr.TryAs<VectorSelector>();
  if (const auto* matrix = expr.TryAs<MatrixSelector>()) selector = matrix->selector.get();
  if (selector == nullptr) return {};
  std::map<std::string_view, std::string_view> known;
  std::map<std::string_view, int> seen;
  for (const model::Matcher& m : selector->matchers) {
    if (m.name() == model::kMetricName) continue;
    if (m.type() == model::MatchType::kEqual && seen[m.name()]++ == 0) {
      known[m.name()] = m.value();
    } else {
      known.erase(m.name());
    }
  }
  std::vector<model::LabelView> labels;
  for (const auto& [name, value] : known)
    if (!value.empty()) labels.push_back({name, value});
  return model::Labels::FromSorted(labels);
}

// 1 at each step where no row has a value.
class AbsentSteps {
 public:
  explicit AbsentSteps(size_t steps) : out_(steps, 1.0) {}
  void See(const Row& row) {
    for (size_t s = 0; s < row.size(); ++s)
      if (row.present(s)) out_[s] = Absent();
  }
  SourcePtr Build(Query& query, const Expr& arg, bool drop_name) const {
    auto rows = std::make_unique<BuiltRows>(query, out_.size());
    if (CountPresent(out_) > 0) {
      const size_t n = rows->Add(LabelsOfAbsent(arg), drop_name);
      std::copy(out_.begin(), out_.end(), rows->row(n).begin());
    }
    rows->Seal();
    return rows;
  }

 private:
  std::vector<double> out_;
};

SourcePtr AbsentOf(Evaluator& evaluator, const Call& call, const Steps& steps) {
  AbsentSteps absent(steps.count);
  const SourcePtr source = evaluator.Vector(*call.args[0], steps);
  ForEachRow(evaluator.query(), *source, steps.count,
             [&](size_t, const Row& row) { absent.See(row); });
  return absent.Build(evaluator.query(), *call.args[0], false);
}

SourcePtr AbsentOverTime(Evaluator& evaluator, const Call& call, const Steps& steps) {
  Query& query = evaluator.query();
  AbsentSteps absent(steps.count);
  const ColumnSourcePtr source = evaluator.Columns(*call.args[0], steps);
  Windows windows;
  std::vector<double> row(steps.count);
  for (size_t i = 0; i < source->size(); ++i) {
    query.Check();
    const storage::Columns columns = source->Read(i, query.scratch);
    FindWindows(columns.times, source->range(), windows);
    CountWindows(query.scope(), *source, windows);
    for (size_t s = 0; s < row.size(); ++s)
      row[s] = windows.begin[s] < windows.end[s] ? 1 : Absent();
    absent.See(Row(row));
  }
  return absent.Build(query, *call.args[0], true);
}

// The float where there is exactly one.
void ScalarOf(Evaluator& evaluator, const Call& call, const Steps& steps, std::span<double> out) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const SourcePtr source = evaluator.Vector(*call.args[0], steps);
  std::vector<uint32_t> count(out.size(), 0);
  std::fill(out.begin(), out.end(), kNan);
  ForEachRow(evaluator.query(), *source, steps.count, [&](size_t, const Row& row) {
    for (size_t s = 0; s < row.size(); ++s) {
      if (IsAbsent(row.values[s])) continue;
      out[s] = ++count[s] == 1 ? row.values[s] : kNan;
    }
  });
}

SourcePtr VectorOf(Evaluator& evaluator, const Call& call, const Steps& steps) {
  return evaluator.ScalarAsVector(*call.args[0], steps);
}

// By value at an instant; values that are not a number come last either way.
template <bool kDescending>
SourcePtr Sort(Evaluator& evaluator, const Call& call, const Steps& steps) {
  Query& query = evaluator.query();
  if (steps.count > 1) query.annotations.SortInRangeQuery(call.pos);
  SourcePtr source = evaluator.Vector(*call.args[0], steps);
  if (steps.count > 1) return source;
  auto rows = Materialize(query, std::move(source), 1);
  // Histograms have no order: they are left out.
  std::vector<size_t> order;
  for (size_t i = 0; i < rows->size(); ++i)
    if (IsPresent(rows->row(i)[0])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const double x = rows->row(a)[0];
    const double y = rows->row(b)[0];
    if (std::isnan(x) || std::isnan(y)) return std::isnan(y) && !std::isnan(x);
    return kDescending ? x > y : x < y;
  });
  return std::make_unique<SortedSource>(std::move(rows), std::move(order));
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kAbsent, .call = AbsentOf},
    {.id = FunctionId::kAbsentOverTime, .call = AbsentOverTime},
    {.id = FunctionId::kScalar, .scalar = ScalarOf},
    {.id = FunctionId::kSort, .call = Sort<false>},
    {.id = FunctionId::kSortDesc, .call = Sort<true>},
    {.id = FunctionId::kVector, .call = VectorOf},
};

}  // namespace

std::span<const FunctionImpl> VectorFunctions() { return kFunctions; }

}  // namespace canopy::promql
