#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "canopy/model/labels.h"
#include "canopy/rules/template.h"
#include "rules/go_time.h"

// What flows through a template: the few Go types that Prometheus's data and functions bring along.
// Their names and their ways of being printed are Go's, because users read both.

namespace canopy::rules {

enum class IntType : uint8_t { kInt, kInt64, kUint8, kMonth, kWeekday };

struct Integer {
  int64_t value = 0;
  IntType type = IntType::kInt;
};

// template.HTML: text that safeHtml vouches for. A type of its own, as in Go.
struct Html {
  std::string text;
};

// []*sample: the result of a query, or a slice of one. Shares the elements.
struct SampleList {
  std::shared_ptr<const std::vector<TemplateSample>> all;
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
};

// *sample: one element of such a list, or nil.
struct SamplePtr {
  std::shared_ptr<const std::vector<TemplateSample>> all;
  size_t index = 0;
  const TemplateSample* get() const { return all ? &(*all)[index] : nullptr; }
};

// What an alert's template starts with: `.`
struct AlertData {
  model::Labels labels;
  model::Labels external_labels;
  std::string external_url;
  double value = 0;
};

struct Value;
using AnyMap = std::map<std::string, Value>;

// The empty alternative is what Go's reflection calls the invalid value: nil, or a key that is not
// there; it prints as "<no value>".
using ValueRep =
    std::variant<std::monostate, bool, Integer, double, std::string, Html, model::Labels,
                 std::shared_ptr<const AnyMap>, std::shared_ptr<const AlertData>, SampleList,
                 SamplePtr, GoTime, GoDuration>;

struct Value {
  ValueRep rep;
  // Its static type is interface{}: only shows in error messages.
  bool boxed = false;

  Value() = default;
  Value(ValueRep r, bool b = false) : rep(std::move(r)), boxed(b) {}  // NOLINT: implicit on purpose
  static Value Int(int64_t v, IntType type = IntType::kInt) { return ValueRep(Integer{v, type}); }

  bool valid() const { return rep.index() != 0; }
  template <class T>
  const T* As() const {
    return std::get_if<T>(&rep);
  }
};

// The Go type: "int", "float64", "map[string]string", "template.queryResult", ...; "<nil>" for the
// invalid value.
std::string_view GoTypeName(const Value& v);

// What `if` takes for true: everything but false, 0, nil and what is empty.
bool IsTrue(const Value& v);

// Bytes that a copy of the value takes beside the fixed part: what limits count.
size_t Weight(const Value& v);

// The number that Prometheus's humanize functions make of a value: kExecution with Go's words for
// what is no number.
Result<double> ConvertToFloat(const Value& v);

}  // namespace canopy::rules
