#include "rules/template_functions.h"

namespace canopy::rules {

std::string_view ParamTypeName(Param param) {
  switch (param) {
    case Param::kAny:
      return "interface {}";
    case Param::kReflect:
      return "reflect.Value";
    case Param::kString:
      return "string";
    case Param::kInt:
      return "int";
    case Param::kSamples:
      return "template.queryResult";
    case Param::kSample:
      return "*template.sample";
    case Param::kTime:
      return "time.Time";
    case Param::kDuration:
      return "time.Duration";
  }
  return "interface {}";
}

bool Fits(const Value& v, Param param) {
  switch (param) {
    case Param::kAny:
    case Param::kReflect:
      return true;
    case Param::kString:
      return v.As<std::string>() != nullptr;
    case Param::kInt:
      return v.As<Integer>() != nullptr && v.As<Integer>()->type == IntType::kInt;
    case Param::kSamples:
      return v.As<SampleList>() != nullptr;
    case Param::kSample:
      return v.As<SamplePtr>() != nullptr;
    case Param::kTime:
      return v.As<GoTime>() != nullptr;
    case Param::kDuration:
      return v.As<GoDuration>() != nullptr;
  }
  return false;
}

bool TakesNil(Param param) {
  return param == Param::kAny || param == Param::kReflect || param == Param::kSamples ||
         param == Param::kSample;
}

const TemplateFunction* FindFunction(std::string_view name) {
  // Prometheus's come first: that is how Go resolves a name that both have.
  for (const auto& functions : {PrometheusFunctions(), GoFunctions()}) {
    for (const TemplateFunction& f : functions) {
      if (f.name == name) return &f;
    }
  }
  return nullptr;
}

}  // namespace canopy::rules
