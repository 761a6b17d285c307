#include "canopy/promql/explain.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/promql/parser.h"
#include "evaluator.h"
#include "printer.h"
#include "query.h"
#include "select.h"

namespace canopy::promql {
namespace {

std::string Time(int64_t ms) { return FormatRfc3339(Timestamp::FromMs(ms)); }

std::string Window(int64_t after, int64_t until) {
  return "(" + Time(after) + ", " + Time(until) + "]";
}

std::string StepsText(const Steps& steps) {
  if (steps.count == 0) return "no step";
  if (steps.count == 1) return "1 step at " + Time(steps.start);
  return std::to_string(steps.count) + " steps from " + Time(steps.start) + " to " +
         Time(steps.last()) + " every " + FormatDuration(Duration(steps.interval));
}

std::string TextOf(void (*print)(Printer&, const Expr&), const Expr& expr) {
  Printer printer;
  print(printer, expr);
  std::string out = printer.Take();
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

// A node by itself, without what is below it.
std::string Head(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kCall:
      return std::string(expr.As<Call>().function->name);
    case ExprKind::kAggregate:
      return TextOf([](Printer& p, const Expr& e) { p.AggregateHead(e.As<Aggregate>()); }, expr);
    case ExprKind::kBinary:
      return TextOf([](Printer& p, const Expr& e) { p.OperatorWithModifiers(e.As<Binary>()); },
                    expr);
    case ExprKind::kSubquery:
      return "subquery " +
             TextOf([](Printer& p, const Expr& e) { p.SubquerySuffix(e.As<Subquery>()); }, expr);
    case ExprKind::kUnary:
      return expr.As<Unary>().negative ? "unary -" : "unary +";
    default:
      return ToString(expr);
  }
}

class Explainer {
 public:
  explicit Explainer(Query& query) : query_(query) {}

  void Node(const Expr& with_parens, Steps steps, int depth, bool invariant) {
    const Expr& expr = Unwrap(with_parens);
    const bool constant = expr.kind == ExprKind::kNumber || expr.kind == ExprKind::kString;
    std::string notes;
    if (!invariant && !constant && steps.count > 1 && IsStepInvariant(expr)) {
      notes = "once for all steps";
      steps.count = 1;
      invariant = true;
    }
    const auto add = [&](const std::string& note) { notes += (notes.empty() ? "" : "; ") + note; };
    Steps below = steps;
    if (const auto* vector = expr.TryAs<VectorSelector>()) {
      add(Reads(*vector, steps, query_.lookback_ms));
    } else if (const auto* matrix = expr.TryAs<MatrixSelector>()) {
      add(Reads(*matrix->selector, steps, OrFail(RangeOf(*matrix, query_.times)).count()));
    } else if (const auto* subquery = expr.TryAs<Subquery>()) {
      const LookAt look = Resolve(query_, subquery->modifiers, steps);
      below =
          SubquerySteps(query_, *subquery, look, OrFail(RangeOf(*subquery, query_.times)).count());
      invariant = false;
      add(StepsText(below));
    }
    lines_.push_back({std::string(static_cast<size_t>(depth) * 2, ' ') + Head(expr), notes});
    if (expr.kind == ExprKind::kMatrixSelector || below.count == 0) return;
    ForEachChild(expr, [&](const Expr& child) { Node(child, below, depth + 1, invariant); });
  }

  std::string Text() const {
    size_t width = 0;
    for (const Line& line : lines_) width = std::max(width, line.node.size());
    std::string out;
    for (const Line& line : lines_) {
      out += line.node;
      if (!line.notes.empty())
        out += std::string(std::min<size_t>(width, 60) - std::min<size_t>(line.node.size(), 60) + 2,
                           ' ') +
               line.notes;
      out += '\n';
    }
    return out;
  }

  size_t selectors() const { return selectors_; }

 private:
  struct Line {
    std::string node;
    std::string notes;
  };

  std::string Reads(const VectorSelector& selector, const Steps& steps, int64_t back_ms) {
    ++selectors_;
    const LookAt look = Resolve(query_, selector.modifiers, steps);
    return "reads " + Window(look.first() - back_ms, look.last());
  }

  Query& query_;
  std::vector<Line> lines_;
  size_t selectors_ = 0;
};

}  // namespace

Result<std::string> Explain(const Expr& expr, RangeSpec range, const EngineOptions& options) try {
  Query::Limits limits;
  limits.deadline_nanos = INT64_MAX;
  limits.max_samples = options.max_samples;
  Query query(options, SystemClock(), limits, options.lookback_delta);
  query.steps = {range.end.ms(), 1, 1};
  query.end_ms = range.end.ms();
  if (range.step > Duration(0)) {
    const auto count = static_cast<size_t>((range.end - range.start) / range.step) + 1;
    query.steps = {range.start.ms(), range.step.count(), count};
    query.times.step = range.step;
    query.times.range = range.end - range.start;
  }
  Explainer explainer(query);
  explainer.Node(expr, query.steps, 0, false);
  std::string out = explainer.Text();
  out += "\nevaluated at " + StepsText(query.steps) + "\n";
  const DataSpan span = SpanOf(query, expr);
  if (span.min > span.max) return out + "reads no data\n";
  out += "reads the series of " + std::to_string(explainer.selectors()) +
         (explainer.selectors() == 1 ? " selector" : " selectors") + ", samples of " +
         Window(span.min - 1, span.max) + "\n";
  return out;
} catch (const EvalError& error) {
  return error.status;
}

}  // namespace canopy::promql
