#include "function_impl.h"

#include <array>

#include "canopy/base/check.h"

namespace canopy::promql {
namespace {

using Table = std::array<const FunctionImpl*, kFunctionCount>;

Table BuildTable() {
  Table table{};
  for (const auto family :
       {CounterFunctions(), OverTimeFunctions(), TrendFunctions(), MathFunctions(), TimeFunctions(),
        LabelFunctions(), VectorFunctions(), HistogramFunctions(), InfoFunctions()}) {
    for (const FunctionImpl& impl : family) table[static_cast<size_t>(impl.id)] = &impl;
  }
  for (const FunctionImpl* impl : table) CANOPY_CHECK(impl != nullptr);
  return table;
}

}  // namespace

const FunctionImpl& ImplOf(FunctionId id) {
  static const Table table = BuildTable();
  return *table[static_cast<size_t>(id)];
}

}  // namespace canopy::promql
