#include "printer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/model/labels.h"
#include "canopy/promql/parser.h"

namespace canopy::promql {

std::string_view ValueTypeText(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kString:
      return "string";
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
  }
  return "";
}

std::string_view ResultTypeText(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kString:
      return "string";
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
  }
  return "";
}

std::string_view AggregateOpText(AggregateOp op) {
  constexpr std::string_view kTexts[] = {
      "sum",    "avg",  "min",     "max",      "count",        "group",  "stddev",
      "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"};
  static_assert(std::size(kTexts) == static_cast<size_t>(AggregateOp::kLimitRatio) + 1);
  return kTexts[static_cast<size_t>(op)];
}

std::string_view BinaryOpText(BinaryOp op) {
  constexpr std::string_view kTexts[] = {"^", "*",  "/",  "%",   "atan2",  "+",
                                         "-", "==", "!=", "<=",  "<",      ">=",
                                         ">", "</", ">/", "and", "unless", "or"};
  static_assert(std::size(kTexts) == static_cast<size_t>(BinaryOp::kOr) + 1);
  return kTexts[static_cast<size_t>(op)];
}

void Printer::Print(const Expr& e) {
  const size_t start = out_.size();
  Node(e);
  if (lengths_ != nullptr) (*lengths_)[&e] = out_.size() - start;
}

void Printer::Node(const Expr& e) {
  switch (e.kind) {
    case ExprKind::kNumber:
      return Number(e.As<NumberLiteral>());
    case ExprKind::kString:
      return base::AppendQuoted(out_, e.As<StringLiteral>().value);
    case ExprKind::kVectorSelector:
      return Vector(e.As<VectorSelector>());
    case ExprKind::kMatrixSelector:
      return Matrix(e.As<MatrixSelector>());
    case ExprKind::kSubquery:
      Print(*e.As<Subquery>().expr);
      return SubquerySuffix(e.As<Subquery>());
    case ExprKind::kCall:
      return CallOf(e.As<Call>());
    case ExprKind::kAggregate:
      return AggregateOf(e.As<Aggregate>());
    case ExprKind::kBinary:
      return BinaryOf(e.As<Binary>());
    case ExprKind::kUnary:
      Add(e.As<Unary>().negative ? "-" : "+");
      return Print(*e.As<Unary>().expr);
    case ExprKind::kParen:
      Add("(");
      Print(*e.As<Paren>().expr);
      return Add(")");
    case ExprKind::kDuration:
      return DurationOf(e.As<DurationExpr>());
  }
}

void Printer::Number(const NumberLiteral& n) {
  if (!n.is_duration) return base::AppendFloatPlain(out_, n.value);
  const auto ms = static_cast<int64_t>(std::llround(n.value * 1000));
  Add(FormatDuration(Duration(ms)));
}

void Printer::Selector(const VectorSelector& s) {
  Add(s.name);
  std::vector<std::string> matchers;
  for (const model::Matcher& m : s.matchers) {
    const bool is_the_name = m.name() == model::kMetricName &&
                             m.type() == model::MatchType::kEqual && m.value() == s.name &&
                             !m.value().empty();
    if (!is_the_name) matchers.push_back(m.ToString());
  }
  if (matchers.empty()) {
    if (s.name.empty()) Add("{}");
    return;
  }
  std::sort(matchers.begin(), matchers.end());
  Add("{");
  for (size_t i = 0; i < matchers.size(); ++i) {
    if (i > 0) Add(",");
    Add(matchers[i]);
  }
  Add("}");
}

void Printer::Extension(const VectorSelector& s) {
  if (s.anchored) Add(" anchored");
  if (s.smoothed) Add(" smoothed");
}

void Printer::At(const TimeModifiers& m) {
  if (m.at == AtKind::kStart) Add(" @ start()");
  if (m.at == AtKind::kEnd) Add(" @ end()");
  if (m.at != AtKind::kTimestamp) return;
  char buffer[64];
  const int n = std::snprintf(buffer, sizeof buffer, " @ %.3f", m.at_time.seconds());
  Add(std::string_view(buffer, static_cast<size_t>(n)));
}

void Printer::Offset(const TimeModifiers& m) {
  if (!m.offset_expr && m.offset.count() == 0) return;
  Add(" offset ");
  DurationOrExpr(m.offset, m.offset_expr);
}

void Printer::DurationOrExpr(Duration d, const ExprPtr& expr) {
  if (expr)
    Print(*expr);
  else
    Add(FormatDuration(d));
}

void Printer::Vector(const VectorSelector& s) {
  Selector(s);
  At(s.modifiers);
  Extension(s);
  Offset(s.modifiers);
}

void Printer::Matrix(const MatrixSelector& m) {
  Selector(*m.selector);
  Add("[");
  DurationOrExpr(m.range, m.range_expr);
  Add("]");
  Extension(*m.selector);
  At(m.selector->modifiers);
  Offset(m.selector->modifiers);
}

void Printer::SubquerySuffix(const Subquery& s) {
  Add("[");
  DurationOrExpr(s.range, s.range_expr);
  Add(":");
  if (s.step_expr || s.step.count() != 0) DurationOrExpr(s.step, s.step_expr);
  Add("]");
  At(s.modifiers);
  Offset(s.modifiers);
}

void Printer::CallOf(const Call& c) {
  Add(c.function->name);
  Add("(");
  for (size_t i = 0; i < c.args.size(); ++i) {
    if (i > 0) Add(", ");
    Print(*c.args[i]);
  }
  Add(")");
}

void Printer::LabelList(const std::vector<std::string>& labels) {
  Add(" (");
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) Add(", ");
    if (model::IsLegacyLabelName(labels[i]))
      Add(labels[i]);
    else
      base::AppendQuoted(out_, labels[i]);
  }
  Add(")");
}

void Printer::AggregateHead(const Aggregate& a) {
  Add(AggregateOpText(a.op));
  if (!a.without && a.grouping.empty()) return;
  Add(a.without ? " without" : " by");
  LabelList(a.grouping);
  Add(" ");
}

void Printer::AggregateOf(const Aggregate& a) {
  AggregateHead(a);
  Add("(");
  if (a.param) {
    Print(*a.param);
    Add(", ");
  }
  Print(*a.expr);
  Add(")");
}

void Printer::BinaryOf(const Binary& b) {
  // +Inf on the left of ^ would be read as the sign of the whole power.
  const auto* base = b.lhs->TryAs<NumberLiteral>();
  if (b.op == BinaryOp::kPow && base != nullptr && std::isinf(base->value))
    Add("Inf");
  else
    Print(*b.lhs);
  Add(" ");
  OperatorWithModifiers(b);
  Add(" ");
  Print(*b.rhs);
}

void Printer::OperatorWithModifiers(const Binary& b) {
  Add(BinaryOpText(b.op));
  if (b.return_bool) Add(" bool");
  if (b.matching) Matching(*b.matching);
}

void Printer::Matching(const VectorMatching& m) {
  const bool grouped = m.card == Cardinality::kManyToOne || m.card == Cardinality::kOneToMany;
  if (m.on || grouped || !m.labels.empty()) {
    Add(m.on ? " on" : " ignoring");
    LabelList(m.labels);
  }
  if (grouped) {
    Add(m.card == Cardinality::kManyToOne ? " group_left" : " group_right");
    LabelList(m.include);
  }
  if (m.fill_lhs && m.fill_rhs && *m.fill_lhs == *m.fill_rhs) return Fill("fill", m.fill_lhs);
  Fill("fill_left", m.fill_lhs);
  Fill("fill_right", m.fill_rhs);
}

void Printer::Fill(std::string_view word, const std::optional<double>& value) {
  if (!value) return;
  Add(" ");
  Add(word);
  Add(" (");
  base::AppendFloatShortest(out_, *value);
  Add(")");
}

void Printer::DurationOf(const DurationExpr& d) {
  switch (d.op) {
    case DurationOp::kStep:
      return Add("step()");
    case DurationOp::kRange:
      return Add("range()");
    case DurationOp::kMinOf:
    case DurationOp::kMaxOf:
      Add(d.op == DurationOp::kMinOf ? "min_of(" : "max_of(");
      Print(*d.lhs);
      Add(", ");
      Print(*d.rhs);
      return Add(")");
    case DurationOp::kNegate:
      Add("-");
      return Print(*d.rhs);
    case DurationOp::kGroup:
      Add("(");
      Print(*d.rhs);
      return Add(")");
    default: {
      constexpr std::string_view kTexts[] = {" + ", " - ", " * ", " / ", " % ", " ^ "};
      Print(*d.lhs);
      Add(kTexts[static_cast<size_t>(d.op)]);
      return Print(*d.rhs);
    }
  }
}

std::string ToString(const Expr& expr) {
  Printer printer;
  printer.Print(expr);
  return printer.Take();
}

}  // namespace canopy::promql
