#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/promql/ast.h"
#include "query.h"
#include "row.h"

namespace canopy::promql {

// One side of an operator at one step: a float, or a histogram where that is not null.
struct Operand {
  double value = 0;
  HistogramPtr histogram;
};

// What went oddly between two operands.
enum class BinaryNote : uint8_t {
  kNone,
  kFloatFloat,  // types that the operator does not take: left and right
  kFloatHistogram,
  kHistogramFloat,
  kHistogramHistogram,
  kIncompatible,      // histograms whose buckets do not go together
  kResetCollision,    // one says that its counter was reset, the other that its was not
  kBoundsReconciled,  // custom bounds differed
};

// What an operator makes of two operands, at least one of which may be a histogram. Comparisons:
// the left one, if they hold. As prometheus/prometheus@d15adb9ad7 promql/engine.go vectorElemBinop.
struct ElementResult {
  bool failed = false;  // nothing came of it; not the same as a comparison that does not hold
  bool keep = false;
  Operand value;
  BinaryNote note = BinaryNote::kNone;
};
// REQUIRES: no set operator.
ElementResult ApplyToElements(BinaryOp op, const Operand& lhs, const Operand& rhs);

// Of the notes at one step only that of the last series counts, as in Prometheus. Thread-safe.
class BinaryNotes {
 public:
  BinaryNotes(Query& query, const Binary& binary);
  // Hands all that was noted to the query.
  ~BinaryNotes();

  void Add(size_t series, size_t step, BinaryNote note);

 private:
  struct Last {
    size_t series = 0;
    BinaryNote note = BinaryNote::kNone;
  };

  Query& query_;
  const Binary& binary_;
  Mutex mu_;
  std::vector<Last> last_ CANOPY_GUARDED_BY(mu_);  // by step
};

}  // namespace canopy::promql
