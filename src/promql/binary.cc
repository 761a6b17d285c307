#include <algorithm>

#include "binary_element.h"
#include "binary_match.h"
#include "binary_op.h"
#include "evaluator.h"

// Operators with scalars on one side or both. Between vectors: binary_match.cc and binary_set.cc.

namespace canopy::promql {
namespace {

// Each value of a vector with a scalar.
class WithScalar final : public WrappedSource {
 public:
  WithScalar(Query& query, SourcePtr inner, const Binary& binary, std::vector<double> scalar,
             bool scalar_first)
      : WrappedSource(std::move(inner)),
        op_(binary.op),
        return_bool_(binary.return_bool),
        scalar_(std::move(scalar)),
        scalar_first_(scalar_first),
        notes_(query, binary) {}

  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    if (!inner().Fill(i, scratch, row)) return false;
    if (row.has_histograms() || IsTrim(op_)) return ApplyMixed(i, row);
    return WithOperator(op_, [&](auto op) {
      return scalar_first_ ? Apply<true>(op, row.values) : Apply<false>(op, row.values);
    });
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

  // The same where histograms may stand.
  bool ApplyMixed(size_t series, Row& row) const {
    for (size_t s = 0; s < row.size(); ++s) {
      if (!row.present(s)) continue;
      const Operand element{row.values[s], row.has_histograms() ? row.histograms[s] : nullptr};
      const Operand scalar{scalar_[s], nullptr};
      ElementResult r = scalar_first_ ? ApplyToElements(op_, scalar, element)
                                      : ApplyToElements(op_, element, scalar);
      notes_.Add(series, s, r.note);
      if (IsComparison(op_) && scalar_first_) r.value = element;
      if (r.failed || (!r.keep && !return_bool_)) {
        row.Clear(s);
      } else if (return_bool_) {
        row.SetFloat(s, r.keep ? 1 : 0);
      } else if (r.value.histogram) {
        row.SetHistogram(s, std::move(r.value.histogram));
      } else {
        row.SetFloat(s, r.value.value);
      }
    }
    return row.AnyPresent();
  }

  const BinaryOp op_;
  const bool return_bool_;
  const std::vector<double> scalar_;
  const bool scalar_first_;
  mutable BinaryNotes notes_;
};

SourcePtr VectorWithScalar(Evaluator& evaluator, const Binary& binary, const Steps& steps) {
  const bool scalar_first = binary.lhs->type == ValueType::kScalar;
  // Evaluated in the order in which they are written: errors come as in Prometheus.
  std::vector<double> scalar;
  if (scalar_first) scalar = evaluator.Scalar(*binary.lhs, steps);
  SourcePtr vector = evaluator.Vector(scalar_first ? *binary.rhs : *binary.lhs, steps);
  if (!scalar_first) scalar = evaluator.Scalar(*binary.rhs, steps);
  Query& query = evaluator.query();
  auto out = std::make_unique<WithScalar>(query, std::move(vector), binary, std::move(scalar),
                                          scalar_first);
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
