#include <algorithm>

#include "binary_match.h"
#include "binary_op.h"
#include "evaluator.h"

// Operators with scalars on one side or both. Between vectors: binary_match.cc and binary_set.cc.

namespace canopy::promql {
namespace {

// Each value of a vector with a scalar.
class WithScalar final : public WrappedSource {
 public:
  WithScalar(SourcePtr inner, const Binary& binary, std::vector<double> scalar, bool scalar_first)
      : WrappedSource(std::move(inner)),
        op_(binary.op),
        return_bool_(binary.return_bool),
        scalar_(std::move(scalar)),
        scalar_first_(scalar_first) {}

  bool Fill(size_t i, Scratch& scratch, std::span<double> row) const override {
    if (!inner().Fill(i, scratch, row)) return false;
    return WithOperator(
        op_, [&](auto op) { return scalar_first_ ? Apply<true>(op, row) : Apply<false>(op, row); });
  }

 private:
  // A comparison yields the vector's value, on whichever side it stands.
  template <bool kScalarFirst, class Op>
  bool Apply(Op op, std::span<double> row) const {
    const bool comparison = IsComparison(op_);
    bool any = false;
    for (size_t s = 0; s < row.size(); ++s) {
      if (IsAbsent(row[s])) continue;
      const double v = row[s];
      const OpResult r = kScalarFirst ? op(scalar_[s], v) : op(v, scalar_[s]);
      if (return_bool_) {
        row[s] = r.keep ? 1 : 0;
      } else if (!r.keep) {
        row[s] = Absent();
        continue;
      } else {
        row[s] = comparison ? v : r.value;
      }
      any = true;
    }
    return any;
  }

  const BinaryOp op_;
  const bool return_bool_;
  const std::vector<double> scalar_;
  const bool scalar_first_;
};

SourcePtr VectorWithScalar(Evaluator& evaluator, const Binary& binary, const Steps& steps) {
  const bool scalar_first = binary.lhs->type == ValueType::kScalar;
  // Evaluated in the order in which they are written: errors come as in Prometheus.
  std::vector<double> scalar;
  if (scalar_first) scalar = evaluator.Scalar(*binary.lhs, steps);
  SourcePtr vector = evaluator.Vector(scalar_first ? *binary.rhs : *binary.lhs, steps);
  if (!scalar_first) scalar = evaluator.Scalar(*binary.rhs, steps);
  Query& query = evaluator.query();
  if (IsTrim(binary.op) && vector->size() > 0)
    query.annotations.TrimOfFloats(BinaryOpText(binary.op), binary.pos);
  auto out =
      std::make_unique<WithScalar>(std::move(vector), binary, std::move(scalar), scalar_first);
  if (!MakesNewMetric(binary.op) && !binary.return_bool) return out;
  return DropMetadata(query, std::move(out), steps.count, Collisions::kMerge);
}

}  // namespace

SourcePtr EvalBinary(Evaluator& evaluator, const Binary& binary, const Steps& steps) {
  if (!binary.matching) return VectorWithScalar(evaluator, binary, steps);
  SourcePtr lhs = evaluator.Vector(*binary.lhs, steps);
  SourcePtr rhs = evaluator.Vector(*binary.rhs, steps);
  Query& query = evaluator.query();
  if (IsSetOperator(binary.op))
    return CombineSets(query, binary, std::move(lhs), std::move(rhs), steps.count);
  return MatchVectors(query, binary, std::move(lhs), std::move(rhs), steps.count);
}

std::vector<double> EvalScalarBinary(Evaluator& evaluator, const Binary& binary,
                                     const Steps& steps) {
  std::vector<double> out = evaluator.Scalar(*binary.lhs, steps);
  const std::vector<double> rhs = evaluator.Scalar(*binary.rhs, steps);
  const bool comparison = IsComparison(binary.op);
  WithOperator(binary.op, [&](auto op) {
    for (size_t s = 0; s < out.size(); ++s) {
      const OpResult r = op(out[s], rhs[s]);
      out[s] = comparison ? (r.keep ? 1 : 0) : r.value;
    }
  });
  return out;
}

}  // namespace canopy::promql
