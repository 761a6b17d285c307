#include "histogram_stats.h"

#include "binary_op.h"
#include "canopy/model/histogram_math.h"

namespace canopy::promql {
namespace {

using model::CounterResetHint;
using model::FloatHistogram;

// What stands around an expression.
struct Around {
  bool wants_stats = false;
  bool wants_buckets = false;
};

void Visit(const Expr& expr, Around around, SelectorSet& out) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      if (around.wants_stats && !around.wants_buckets) out.insert(&expr.As<VectorSelector>());
      return;
    case ExprKind::kSubquery:
      // Finds resets between the samples that it picks.
      around.wants_buckets = true;
      break;
    case ExprKind::kBinary:
      around.wants_buckets |= IsTrim(expr.As<Binary>().op);
      break;
    case ExprKind::kCall:
      switch (expr.As<Call>().function->id) {
        case FunctionId::kHistogramCount:
        case FunctionId::kHistogramSum:
        case FunctionId::kHistogramAvg:
          around.wants_stats = true;
          break;
        case FunctionId::kHistogramQuantile:
        case FunctionId::kHistogramQuantiles:
        case FunctionId::kHistogramFraction:
          around.wants_buckets = true;
          break;
        default:
          break;
      }
      break;
    default:
      break;
  }
  ForEachChild(expr, [&](const Expr& child) { Visit(child, around, out); });
}

CounterResetHint HintOf(const FloatHistogram& h, const FloatHistogram* before) {
  if (h.hint != CounterResetHint::kUnknown || before == nullptr) return h.hint;
  return model::DetectReset(h, *before) ? CounterResetHint::kReset : CounterResetHint::kNotReset;
}

}  // namespace

SelectorSet SelectorsWithoutBuckets(const Expr& expr) {
  SelectorSet out;
  Visit(expr, {}, out);
  return out;
}

storage::Columns WithoutBuckets(const storage::Columns& columns, storage::ColumnBuffer& buffer) {
  buffer.Clear();
  const FloatHistogram* before = nullptr;
  for (const FloatHistogram* h : columns.histograms) {
    if (h == nullptr) {
      buffer.histograms.push_back(nullptr);
      continue;
    }
    FloatHistogram& stats = buffer.NewHistogram();
    stats.hint = HintOf(*h, before);
    stats.schema = h->schema;
    stats.count = h->count;
    stats.sum = h->sum;
    buffer.histograms.push_back(&stats);
    before = h;
  }
  storage::Columns out = columns;
  out.histograms = buffer.histograms;
  return out;
}

}  // namespace canopy::promql
