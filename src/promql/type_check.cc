#include <algorithm>

#include "canopy/base/quote.h"
#include "parse.h"

// The types of a finished tree, checked bottom up in the order in which Prometheus looks, so that
// of several faults the same one is reported.

namespace canopy::promql {
namespace {

[[noreturn]] void Fail(uint32_t pos, std::string message) {
  throw ParseFailure{pos, std::move(message)};
}

std::string Wanted(ValueType want, std::string_view where, ValueType got) {
  std::string out = "expected type ";
  out.append(ValueTypeText(want)).append(" in ").append(where);
  return out.append(", got ").append(ValueTypeText(got));
}

bool IsScalarOrVector(ValueType type) {
  return type == ValueType::kScalar || type == ValueType::kVector;
}

class TypeChecker {
 public:
  explicit TypeChecker(std::string_view text) : text_(text) {}

  void Check(Expr& e) {
    switch (e.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
      case ExprKind::kDuration:
        return;
      case ExprKind::kVectorSelector:
        return CheckSelector(e.As<VectorSelector>(), false);
      case ExprKind::kMatrixSelector:
        return CheckSelector(*e.As<MatrixSelector>().selector, false);
      case ExprKind::kSubquery:
        return CheckSubquery(e.As<Subquery>());
      case ExprKind::kCall:
        return CheckCall(e.As<Call>());
      case ExprKind::kAggregate:
        return CheckAggregate(e.As<Aggregate>());
      case ExprKind::kBinary:
        return CheckBinary(e.As<Binary>());
      case ExprKind::kUnary:
        return CheckUnary(e.As<Unary>());
      case ExprKind::kParen:
        return Check(*e.As<Paren>().expr);
    }
  }

 private:
  void Expect(Expr& e, ValueType want, std::string_view where) {
    Check(e);
    if (e.type != want) Fail(e.pos.start, Wanted(want, where, e.type));
  }

  void CheckSelector(const VectorSelector& s, bool may_match_everything) {
    if (!s.name.empty()) {
      // The last matcher is the one made from the name.
      for (size_t i = 0; i + 1 < s.matchers.size(); ++i) {
        if (s.matchers[i].name() != model::kMetricName) continue;
        Fail(s.pos.start, "metric name must not be set twice: " + base::Quoted(s.name) + " or " +
                              base::Quoted(s.matchers[i].value()));
      }
      return;
    }
    if (may_match_everything) return;
    if (std::all_of(s.matchers.begin(), s.matchers.end(),
                    [](const model::Matcher& m) { return m.MatchesEmpty(); }))
      Fail(s.pos.start, "vector selector must contain at least one non-empty matcher");
  }

  void CheckSubquery(Subquery& s) {
    Check(*s.expr);
    if (s.expr->type != ValueType::kVector) {
      Fail(s.pos.start, "subquery is only allowed on instant vector, got " +
                            std::string(ResultTypeText(s.expr->type)) + " instead");
    }
  }

  void CheckUnary(Unary& u) {
    Check(*u.expr);
    if (IsScalarOrVector(u.expr->type)) return;
    Fail(u.pos.start,
         "unary expression only allowed on expressions of type scalar or instant vector, got " +
             base::Quoted(ValueTypeText(u.expr->type)));
  }

  void CheckAggregate(Aggregate& a) {
    Expect(*a.expr, ValueType::kVector, "aggregation expression");
    if (!a.param) return;
    const bool string = a.op == AggregateOp::kCountValues;
    Expect(*a.param, string ? ValueType::kString : ValueType::kScalar, "aggregation parameter");
  }

  void CheckCall(Call& c) {
    CheckArgumentCount(c);
    const bool info = c.function->id == FunctionId::kInfo;
    if (info && c.args.size() > 1) CheckInfoSelector(c);
    const std::string where = "call to function " + base::Quoted(c.function->name);
    for (size_t i = 0; i < c.args.size(); ++i) {
      if (info && i == 1) continue;
      Expect(*c.args[i], c.function->arg_type(i), where);
    }
  }

  static void CheckArgumentCount(const Call& c) {
    const Function& f = *c.function;
    const auto got = static_cast<int>(c.args.size());
    std::string quantity;
    int bound = f.min_args();
    if (f.variadic == 0) {
      if (got == bound) return;
    } else if (got < f.min_args()) {
      quantity = "at least ";
    } else if (f.max_args() >= 0 && got > f.max_args()) {
      quantity = "at most ";
      bound = f.max_args();
    } else {
      return;
    }
    Fail(c.pos.start, "expected " + quantity + std::to_string(bound) + " argument(s) in call to " +
                          base::Quoted(f.name) + ", got " + std::to_string(got));
  }

  // The second argument of info() is a set of matchers and not a selection: it may match anything.
  void CheckInfoSelector(Call& c) {
    Expr& arg = *c.args[1];
    if (arg.type != ValueType::kVector) {
      Fail(c.pos.start, Wanted(ValueType::kVector, "call to function \"info\"", arg.type));
    }
    const auto* selector = arg.TryAs<VectorSelector>();
    if (selector == nullptr) Fail(arg.pos.start, "expected label selectors only");
    if (!selector->name.empty())
      Fail(arg.pos.start, "expected label selectors only, got vector selector instead");
    CheckSelector(*selector, true);
  }

  void CheckBinary(Binary& b) {
    Check(*b.lhs);
    Check(*b.rhs);
    const ValueType lt = b.lhs->type;
    const ValueType rt = b.rhs->type;
    const bool comparison = IsComparison(b.op);
    if (b.return_bool && !comparison)
      Fail(OperatorPos(b), "bool modifier can only be used on comparison operators");
    if (comparison && !b.return_bool && lt == ValueType::kScalar && rt == ValueType::kScalar)
      Fail(OperatorPos(b), "comparisons between scalars must use BOOL modifier");
    CheckMatchingLabels(b);
    for (const Expr* side : {b.lhs.get(), b.rhs.get()}) {
      if (IsScalarOrVector(side->type)) continue;
      Fail(side->pos.start, "binary expression must contain only scalar and instant vector types");
    }
    if (lt == ValueType::kVector && rt == ValueType::kVector)
      CheckVectors(b);
    else
      CheckWithScalar(b);
  }

  void CheckMatchingLabels(const Binary& b) const {
    if (!b.matching->on) return;
    for (const std::string& label : b.matching->labels) {
      const auto& include = b.matching->include;
      if (std::find(include.begin(), include.end(), label) == include.end()) continue;
      Fail(OperatorPos(b),
           "label " + base::Quoted(label) + " must not occur in ON and GROUP clause at once");
    }
  }

  static void CheckVectors(Binary& b) {
    if (!IsSetOperator(b.op)) return;
    VectorMatching& m = *b.matching;
    if (m.card == Cardinality::kOneToMany || m.card == Cardinality::kManyToOne) {
      Fail(b.pos.start,
           "no grouping allowed for " + base::Quoted(BinaryOpText(b.op)) + " operation");
    }
    m.card = Cardinality::kManyToMany;
    if (m.fill_lhs || m.fill_rhs)
      Fail(b.pos.start, "filling in missing series not allowed for set operators");
  }

  static void CheckWithScalar(Binary& b) {
    if (!b.matching->labels.empty())
      Fail(b.pos.start, "vector matching only allowed between instant vectors");
    if (b.matching->fill_lhs || b.matching->fill_rhs)
      Fail(b.pos.start, "filling in missing series only allowed between instant vectors");
    b.matching.reset();
    if (IsSetOperator(b.op)) {
      Fail(b.pos.start, "set operator " + base::Quoted(BinaryOpText(b.op)) +
                            " not allowed in binary scalar expression");
    }
  }

  uint32_t OperatorPos(const Binary& b) const {
    uint32_t pos = b.lhs->pos.end;
    while (pos < text_.size() && std::string_view(" \t\n\r").find(text_[pos]) != text_.npos) ++pos;
    return pos;
  }

  const std::string_view text_;
};

}  // namespace

void CheckTypes(Expr& root, std::string_view text) { TypeChecker(text).Check(root); }

}  // namespace canopy::promql
