#include "canopy/promql/parser.h"
#include "printer.h"

namespace canopy::promql {
namespace {

// A node that fits into a line stays in one; one that does not is split, its children two spaces
// deeper. The layout, with its oddities around subqueries and operators, is Prometheus's.
class PrettyPrinter {
 public:
  PrettyPrinter(const Expr& root, size_t max_line) : max_line_(max_line) {
    Printer measure(&lengths_);
    measure.Print(root);
  }

  std::string Lines(const Expr& e, int level) const {
    if (e.kind == ExprKind::kUnary) {
      const auto& unary = e.As<Unary>();
      std::string child = Lines(*unary.expr, level);
      const size_t start = child.find_first_not_of(' ');
      return Indent(level) + (unary.negative ? "-" : "+") +
             child.substr(start == std::string::npos ? 0 : start);
    }
    const bool fits = !Splits(e) || lengths_.at(&e) <= max_line_;
    if (e.kind == ExprKind::kSubquery) {
      if (fits) return ToString(e);
      Printer suffix;
      suffix.SubquerySuffix(e.As<Subquery>());
      return Lines(*e.As<Subquery>().expr, level) + suffix.Take();
    }
    if (fits) return Indent(level) + ToString(e);
    switch (e.kind) {
      case ExprKind::kAggregate:
        return AggregateLines(e.As<Aggregate>(), level);
      case ExprKind::kBinary:
        return BinaryLines(e.As<Binary>(), level);
      case ExprKind::kCall:
        return CallLines(e.As<Call>(), level);
      default:
        return Indent(level) + Inside(*e.As<Paren>().expr, level);
    }
  }

 private:
  static bool Splits(const Expr& e) {
    return e.kind == ExprKind::kAggregate || e.kind == ExprKind::kBinary ||
           e.kind == ExprKind::kCall || e.kind == ExprKind::kParen || e.kind == ExprKind::kSubquery;
  }

  static std::string Indent(int level) { return std::string(static_cast<size_t>(level) * 2, ' '); }

  std::string Inside(const Expr& e, int level) const {
    return "(\n" + Lines(e, level + 1) + "\n" + Indent(level) + ")";
  }

  std::string AggregateLines(const Aggregate& a, int level) const {
    Printer head;
    head.AggregateHead(a);
    std::string out = Indent(level) + head.Take() + "(\n";
    if (a.param) out += Lines(*a.param, level + 1) + ",\n";
    return out + Lines(*a.expr, level + 1) + "\n" + Indent(level) + ")";
  }

  std::string BinaryLines(const Binary& b, int level) const {
    Printer op;
    op.OperatorWithModifiers(b);
    return Lines(*b.lhs, level + 1) + "\n" + Indent(level) + op.Take() + "\n" +
           Lines(*b.rhs, level + 1);
  }

  std::string CallLines(const Call& c, int level) const {
    std::string out = Indent(level) + std::string(c.function->name) + "(\n";
    for (size_t i = 0; i < c.args.size(); ++i) {
      if (i > 0) out += ",\n";
      out += Lines(*c.args[i], level + 1);
    }
    return out + "\n" + Indent(level) + ")";
  }

  const size_t max_line_;
  std::unordered_map<const Expr*, size_t> lengths_;
};

}  // namespace

std::string Pretty(const Expr& expr, size_t max_line) {
  return PrettyPrinter(expr, max_line).Lines(expr, 0);
}

}  // namespace canopy::promql
