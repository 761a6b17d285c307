#include "rules/template_value.h"

#include <charconv>
#include <system_error>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"

namespace canopy::rules {

namespace {

std::string_view IntTypeName(IntType type) {
  switch (type) {
    case IntType::kInt:
      return "int";
    case IntType::kInt64:
      return "int64";
    case IntType::kUint8:
      return "uint8";
    case IntType::kMonth:
      return "time.Month";
    case IntType::kWeekday:
      return "time.Weekday";
  }
  return "int";
}

struct TypeNamer {
  std::string_view operator()(std::monostate) const { return "<nil>"; }
  std::string_view operator()(bool) const { return "bool"; }
  std::string_view operator()(const Integer& v) const { return IntTypeName(v.type); }
  std::string_view operator()(double) const { return "float64"; }
  std::string_view operator()(const std::string&) const { return "string"; }
  std::string_view operator()(const Html&) const { return "template.HTML"; }
  std::string_view operator()(const model::Labels&) const { return "map[string]string"; }
  std::string_view operator()(const std::shared_ptr<const AnyMap>&) const {
    return "map[string]interface {}";
  }
  std::string_view operator()(const std::shared_ptr<const AlertData>&) const {
    return "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL "
           "string; Value interface {} }";
  }
  std::string_view operator()(const SampleList&) const { return "template.queryResult"; }
  std::string_view operator()(const SamplePtr&) const { return "*template.sample"; }
  std::string_view operator()(const GoTime&) const { return "*time.Time"; }
  std::string_view operator()(const GoDuration&) const { return "*time.Duration"; }
};

struct Truth {
  bool operator()(std::monostate) const { return false; }
  bool operator()(bool v) const { return v; }
  bool operator()(const Integer& v) const { return v.value != 0; }
  bool operator()(double v) const { return v != 0; }
  bool operator()(const std::string& v) const { return !v.empty(); }
  bool operator()(const Html& v) const { return !v.text.empty(); }
  bool operator()(const model::Labels& v) const { return !v.empty(); }
  bool operator()(const std::shared_ptr<const AnyMap>& v) const { return !v->empty(); }
  bool operator()(const std::shared_ptr<const AlertData>&) const { return true; }
  bool operator()(const SampleList& v) const { return v.size() != 0; }
  bool operator()(const SamplePtr& v) const { return v.get() != nullptr; }
  bool operator()(const GoTime&) const { return true; }
  bool operator()(const GoDuration&) const { return true; }
};

// A number by its form, but beyond what a double holds.
bool IsTooLarge(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc::result_out_of_range && end == text.data() + text.size();
}

}  // namespace

std::string_view GoTypeName(const Value& v) { return std::visit(TypeNamer(), v.rep); }

bool IsTrue(const Value& v) { return std::visit(Truth(), v.rep); }

size_t Weight(const Value& v) {
  if (const auto* s = v.As<std::string>()) return s->size();
  if (const auto* h = v.As<Html>()) return h->text.size();
  if (const auto* l = v.As<model::Labels>()) return l->bytes().size();
  return 0;
}

Result<double> ConvertToFloat(const Value& v) {
  if (const auto* d = v.As<double>()) return *d;
  if (const auto* i = v.As<Integer>()) {
    if (i->type == IntType::kInt || i->type == IntType::kInt64) {
      return static_cast<double>(i->value);
    }
  }
  if (const auto* d = v.As<GoDuration>()) return static_cast<double>(d->nanos) / 1e9;
  if (const auto* s = v.As<std::string>()) {
    if (const auto parsed = base::ParseFloat(*s)) return *parsed;
    return Status::Execution("strconv.ParseFloat: parsing " + base::Quoted(*s) +
                             (IsTooLarge(*s) ? ": value out of range" : ": invalid syntax"));
  }
  return Status::Execution("can't convert " + std::string(GoTypeName(v)) + " to float");
}

}  // namespace canopy::rules
