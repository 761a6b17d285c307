#include "canopy/promql/value.h"

#include "canopy/promql/value_type.h"

namespace canopy::promql {

std::string_view TypeName(const Value& value) {
  struct Visitor {
    ValueType operator()(const Scalar&) const { return ValueType::kScalar; }
    ValueType operator()(const String&) const { return ValueType::kString; }
    ValueType operator()(const Vector&) const { return ValueType::kVector; }
    ValueType operator()(const Matrix&) const { return ValueType::kMatrix; }
  };
  return ResultTypeText(std::visit(Visitor{}, value));
}

}  // namespace canopy::promql
