#pragma once

#include <cstdint>
#include <string_view>

namespace canopy::promql {

enum class ValueType : uint8_t { kScalar, kString, kVector, kMatrix };

// As error messages name it: "scalar", "string", "instant vector", "range vector".
std::string_view ValueTypeText(ValueType type);
// As the HTTP API's resultType names it: "scalar", "string", "vector", "matrix".
std::string_view ResultTypeText(ValueType type);

}  // namespace canopy::promql
