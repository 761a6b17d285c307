#include "function_impl.h"

#include <array>

namespace canopy::promql {
namespace {

using Table = std::array<const FunctionImpl*, kFunctionCount>;

Table BuildTable() {
  Table table{};
  for (const auto family :
       {CounterFunctions(), OverTimeFunctions(), TrendFunctions(), MathFunctions(), TimeFunctions(),
        LabelFunctions(), VectorFunctions(), HistogramFunctions()}) {
    for (const FunctionImpl& impl : family) table[static_cast<size_t>(impl.id)] = &impl;
  }
  return table;
}

}  // namespace

const FunctionImpl* FindImpl(FunctionId id) {
  static const Table table = BuildTable();
  return table[static_cast<size_t>(id)];
}

}  // namespace canopy::promql
