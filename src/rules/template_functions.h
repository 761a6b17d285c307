#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "rules/template_value.h"

// The functions and methods that templates may call: Go's own and Prometheus's.

namespace canopy::rules {

// What functions can see beside their arguments.
struct FunctionEnv {
  Timestamp now;
  const TemplateQuery* query = nullptr;  // may be empty
  std::string_view external_url;
  size_t max_bytes = 0;  // of a text that a function makes
};

// The type of a parameter; a value that does not fit is refused before the call, in Go's words.
enum class Param : uint8_t {
  kAny,      // interface {}
  kReflect,  // any value, "nothing" included (Go's builtins)
  kString,
  kInt,
  kSamples,
  kSample,
  kTime,
  kDuration,
};
std::string_view ParamTypeName(Param param);
// Whether the value can be given for the parameter as it is.
bool Fits(const Value& v, Param param);
// Whether `nil` can.
bool TakesNil(Param param);

struct TemplateFunction {
  using Call = Result<Value> (*)(const FunctionEnv& env, std::span<const Value> args);

  std::string_view name;
  std::vector<Param> params;
  bool variadic = false;  // the last parameter may be there any number of times
  // Null for `and` and `or`, which the executor runs itself because they may skip arguments.
  Call call = nullptr;
};

// Null when there is none of that name.
const TemplateFunction* FindFunction(std::string_view name);

// A method of a time, duration, month or weekday. The receiver is given before the arguments and
// does not count among `params`. Null when the value has none of that name.
const TemplateFunction* FindMethod(const Value& receiver, std::string_view name);

// Parts of the table, by origin: text/template's builtins, prometheus template/template.go.
std::span<const TemplateFunction> GoFunctions();
std::span<const TemplateFunction> PrometheusFunctions();

}  // namespace canopy::rules
