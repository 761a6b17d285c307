#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "canopy/promql/ast.h"

namespace canopy::promql {

// Writes trees as Prometheus prints them, in one line. What is indented takes its lines from here
// too: see pretty.cc.
class Printer {
 public:
  // With `lengths`, notes how many bytes each node takes.
  explicit Printer(std::unordered_map<const Expr*, size_t>* lengths = nullptr)
      : lengths_(lengths) {}

  void Print(const Expr& e);
  // "sum by (job) ": what stands before an aggregation's parenthesis.
  void AggregateHead(const Aggregate& a);
  // "+ bool on (job)": what stands between the two sides.
  void OperatorWithModifiers(const Binary& b);
  // "[5m:1m] @ start() offset 1m": what stands behind a subquery's expression.
  void SubquerySuffix(const Subquery& s);

  std::string Take() { return std::move(out_); }

 private:
  void Add(std::string_view text) { out_.append(text); }
  void Node(const Expr& e);
  void Number(const NumberLiteral& n);
  void Selector(const VectorSelector& s);
  void Vector(const VectorSelector& s);
  void Matrix(const MatrixSelector& m);
  void CallOf(const Call& c);
  void AggregateOf(const Aggregate& a);
  void BinaryOf(const Binary& b);
  void DurationOf(const DurationExpr& d);
  void DurationOrExpr(Duration d, const ExprPtr& expr);
  void Extension(const VectorSelector& s);
  void At(const TimeModifiers& m);
  void Offset(const TimeModifiers& m);
  void Matching(const VectorMatching& m);
  void LabelList(const std::vector<std::string>& labels);
  void Fill(std::string_view word, const std::optional<double>& value);

  std::unordered_map<const Expr*, size_t>* lengths_;
  std::string out_;
};

}  // namespace canopy::promql
