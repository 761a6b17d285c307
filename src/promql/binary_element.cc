#include "binary_element.h"

#include "binary_op.h"
#include "canopy/model/histogram_math.h"

namespace canopy::promql {
namespace {

using model::FloatHistogram;

ElementResult Wrong(BinaryNote note) {
  ElementResult out;
  out.failed = true;
  out.note = note;
  return out;
}

ElementResult Histogram(FloatHistogram h, BinaryNote note = BinaryNote::kNone) {
  ElementResult out;
  out.keep = true;
  out.value.histogram = std::make_shared<const FloatHistogram>(std::move(h));
  out.note = note;
  return out;
}

ElementResult OfFloats(BinaryOp op, double lhs, double rhs) {
  if (IsTrim(op)) return Wrong(BinaryNote::kFloatFloat);
  const OpResult r = WithOperator(op, [&](auto fn) { return fn(lhs, rhs); });
  ElementResult out;
  out.keep = r.keep;
  out.value.value = r.value;
  return out;
}

ElementResult Scaled(const FloatHistogram& h, double factor) {
  FloatHistogram out = h;
  model::Multiply(out, factor);
  model::Compact(out);
  return Histogram(std::move(out));
}

ElementResult OfHistogramAndFloat(BinaryOp op, const FloatHistogram& lhs, double rhs) {
  FloatHistogram out = lhs;
  switch (op) {
    case BinaryOp::kMul:
      return Scaled(lhs, rhs);
    case BinaryOp::kDiv:
      model::Divide(out, rhs);
      model::Compact(out);
      return Histogram(std::move(out));
    case BinaryOp::kTrimUpper:
      model::Trim(out, rhs, model::TrimSide::kUpper);
      return Histogram(std::move(out));
    case BinaryOp::kTrimLower:
      model::Trim(out, rhs, model::TrimSide::kLower);
      return Histogram(std::move(out));
    default:
      return Wrong(BinaryNote::kHistogramFloat);
  }
}

ElementResult SumOrDifference(BinaryOp op, const FloatHistogram& lhs, const FloatHistogram& rhs) {
  FloatHistogram out = lhs;
  const bool sum = op == BinaryOp::kAdd;
  const model::HistogramMerge merge = sum ? model::Add(out, rhs) : model::Subtract(out, rhs);
  if (!merge.compatible) return Wrong(BinaryNote::kIncompatible);
  // There is no knowing what a sum of counters would be of which one was reset.
  if (merge.reset_collision) return Wrong(BinaryNote::kResetCollision);
  if (!sum) out.hint = model::CounterResetHint::kGauge;
  model::Compact(out);
  return Histogram(std::move(out),
                   merge.bounds_reconciled ? BinaryNote::kBoundsReconciled : BinaryNote::kNone);
}

ElementResult OfHistograms(BinaryOp op, const Operand& lhs, const Operand& rhs) {
  switch (op) {
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
      return SumOrDifference(op, *lhs.histogram, *rhs.histogram);
    case BinaryOp::kEqual:
    case BinaryOp::kNotEqual: {
      ElementResult out;
      out.keep = model::SameHistogram(*lhs.histogram, *rhs.histogram) == (op == BinaryOp::kEqual);
      out.value.histogram = lhs.histogram;
      return out;
    }
    default:
      return Wrong(BinaryNote::kHistogramHistogram);
  }
}

void Tell(Annotations& notes, const Binary& binary, BinaryNote note) {
  const std::string_view op = BinaryOpText(binary.op);
  const std::string_view operation = binary.op == BinaryOp::kAdd ? "addition" : "subtraction";
  switch (note) {
    case BinaryNote::kNone:
      return;
    case BinaryNote::kFloatFloat:
      return notes.IncompatibleTypes("float", op, "float", binary.pos);
    case BinaryNote::kFloatHistogram:
      return notes.IncompatibleTypes("float", op, "histogram", binary.pos);
    case BinaryNote::kHistogramFloat:
      return notes.IncompatibleTypes("histogram", op, "float", binary.pos);
    case BinaryNote::kHistogramHistogram:
      return notes.IncompatibleTypes("histogram", op, "histogram", binary.pos);
    case BinaryNote::kIncompatible:
      return notes.IncompatibleBucketLayout(op, binary.pos);
    case BinaryNote::kResetCollision:
      return notes.CounterResetCollision(operation, binary.pos);
    case BinaryNote::kBoundsReconciled:
      return notes.MismatchedCustomBuckets(operation, binary.pos);
  }
}

}  // namespace

ElementResult ApplyToElements(BinaryOp op, const Operand& lhs, const Operand& rhs) {
  if (!lhs.histogram && !rhs.histogram) return OfFloats(op, lhs.value, rhs.value);
  if (lhs.histogram && rhs.histogram) return OfHistograms(op, lhs, rhs);
  if (lhs.histogram) return OfHistogramAndFloat(op, *lhs.histogram, rhs.value);
  if (op == BinaryOp::kMul) return Scaled(*rhs.histogram, lhs.value);
  return Wrong(BinaryNote::kFloatHistogram);
}

BinaryNotes::BinaryNotes(Query& query, const Binary& binary)
    : query_(query), binary_(binary), mu_(LockRank::kLeaf) {}

BinaryNotes::~BinaryNotes() {
  std::vector<Last> noted;
  {
    MutexLock lock(mu_);
    noted.swap(last_);
  }
  uint32_t told = 0;
  for (const Last& last : noted) {
    const uint32_t bit = 1u << static_cast<unsigned>(last.note);
    if ((told & bit) == 0) Tell(query_.annotations, binary_, last.note);
    told |= bit;
  }
}

void BinaryNotes::Add(size_t series, size_t step, BinaryNote note) {
  if (note == BinaryNote::kNone) return;
  MutexLock lock(mu_);
  if (step >= last_.size()) last_.resize(step + 1);
  Last& last = last_[step];
  if (last.note == BinaryNote::kNone || series >= last.series) last = {series, note};
}

}  // namespace canopy::promql
