#include <cmath>
#include <limits>

#include "rules/template_functions.h"

// The methods of what toTime and toDuration return.

namespace canopy::rules {

namespace {

using Args = std::span<const Value>;
using Env = FunctionEnv;

__extension__ typedef __int128 Int128;  // no overflow over any year

constexpr int64_t kSecond = 1'000'000'000;

const GoTime& Time(const Value& v) { return *v.As<GoTime>(); }
GoDuration Length(const Value& v) { return *v.As<GoDuration>(); }
Value Int64(int64_t v) { return Value::Int(v, IntType::kInt64); }

// The Unix time in units of 1/`per_second`; Go's arithmetic wraps, this one does not overflow.
Value UnixIn(const GoTime& t, int64_t per_second) {
  int64_t v = 0;
  if (__builtin_mul_overflow(t.seconds, per_second, &v)) {
    return Int64(t.seconds < 0 ? std::numeric_limits<int64_t>::min()
                               : std::numeric_limits<int64_t>::max());
  }
  return Int64(v + t.nanos / (kSecond / per_second));
}

bool Before(const GoTime& a, const GoTime& b) {
  return a.seconds != b.seconds ? a.seconds < b.seconds : a.nanos < b.nanos;
}

// Down to a multiple of `unit`; up from its half where `nearest`.
GoDuration ToMultiple(GoDuration d, GoDuration unit, bool nearest) {
  if (unit.nanos <= 0) return d;
  const int64_t rest = d.nanos % unit.nanos;
  int64_t v = d.nanos - rest;
  if (nearest && std::abs(rest) >= unit.nanos - std::abs(rest)) {
    if (__builtin_add_overflow(v, d.nanos < 0 ? -unit.nanos : unit.nanos, &v)) return d;
  }
  return {v};
}

// Go counts from the year 1, so that multiples of a week fall on Mondays.
constexpr int64_t kYearOneSeconds = -62135596800;

GoTime TimeToMultiple(const GoTime& t, GoDuration unit, bool nearest) {
  if (unit.nanos <= 0) return t;
  const auto nanos = static_cast<Int128>(t.seconds - kYearOneSeconds) * kSecond + t.nanos;
  auto rest = static_cast<int64_t>(nanos % unit.nanos);
  if (rest < 0) rest += unit.nanos;
  if (nearest && rest >= unit.nanos - rest) return AddDuration(t, {unit.nanos - rest});
  return AddDuration(t, {-rest});
}

Result<Value> AddDate(const Env&, Args a) {
  const GoTime& t = Time(a[0]);
  const CivilTime c = ToCivil(t);
  for (size_t i = 1; i < 4; ++i) {
    if (std::abs(a[i].As<Integer>()->value) > 1'000'000) {
      return Status::Execution("date out of range");
    }
  }
  GoTime out = t;
  out.seconds =
      FromCivil(c.year + a[1].As<Integer>()->value, c.month + a[2].As<Integer>()->value,
                c.day + a[3].As<Integer>()->value, c.hour * 3600 + c.minute * 60 + c.second) -
      t.offset;
  return Value(out);
}

Result<Value> Utc(const Env&, Args a) {
  GoTime t = Time(a[0]);
  t.offset = 0;
  t.zone = "UTC";
  return Value(t);
}

using M = TemplateFunction;

const std::vector<M>& TimeMethods() {
  using enum Param;
  static const std::vector<M> kMethods = {
      {"Add",
       {kDuration},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(AddDuration(Time(a[0]), Length(a[1])));
       }},
      {"Sub",
       {kTime},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(TimeBetween(Time(a[0]), Time(a[1])));
       }},
      {"AddDate", {kInt, kInt, kInt}, false, AddDate},
      {"After",
       {kTime},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value(Before(Time(a[1]), Time(a[0]))); }},
      {"Before",
       {kTime},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value(Before(Time(a[0]), Time(a[1]))); }},
      {"Equal",
       {kTime},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(!Before(Time(a[0]), Time(a[1])) && !Before(Time(a[1]), Time(a[0])));
       }},
      {"IsZero",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(Time(a[0]).seconds == kYearOneSeconds && Time(a[0]).nanos == 0);
       }},
      {"Format",
       {kString},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(FormatGoTime(Time(a[0]), *a[1].As<std::string>()));
       }},
      {"String",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value(GoTimeText(Time(a[0]))); }},
      {"Unix",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Int64(Time(a[0]).seconds); }},
      {"UnixMilli",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return UnixIn(Time(a[0]), 1000); }},
      {"UnixMicro",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return UnixIn(Time(a[0]), 1'000'000); }},
      {"UnixNano",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return UnixIn(Time(a[0]), kSecond); }},
      {"UTC", {}, false, Utc},
      {"Local",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value(InLocalZone(Time(a[0]))); }},
      {"Year",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value::Int(ToCivil(Time(a[0])).year); }},
      {"Month",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value::Int(ToCivil(Time(a[0])).month, IntType::kMonth);
       }},
      {"Day",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value::Int(ToCivil(Time(a[0])).day); }},
      {"Hour",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value::Int(ToCivil(Time(a[0])).hour); }},
      {"Minute",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value::Int(ToCivil(Time(a[0])).minute); }},
      {"Second",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value::Int(ToCivil(Time(a[0])).second); }},
      {"Nanosecond",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value::Int(Time(a[0]).nanos); }},
      {"YearDay",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value::Int(ToCivil(Time(a[0])).year_day);
       }},
      {"Weekday",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value::Int(ToCivil(Time(a[0])).weekday, IntType::kWeekday);
       }},
      {"Truncate",
       {kDuration},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(TimeToMultiple(Time(a[0]), Length(a[1]), false));
       }},
      {"Round",
       {kDuration},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(TimeToMultiple(Time(a[0]), Length(a[1]), true));
       }},
  };
  return kMethods;
}

// As Go divides: whole units and the rest apart, so that no digit is lost.
double InUnits(GoDuration d, int64_t unit) {
  return static_cast<double>(d.nanos / unit) +
         static_cast<double>(d.nanos % unit) / static_cast<double>(unit);
}

const std::vector<M>& DurationMethods() {
  using enum Param;
  static const std::vector<M> kMethods = {
      {"String",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value(GoDurationText(Length(a[0]))); }},
      {"Hours",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(InUnits(Length(a[0]), 3600 * kSecond));
       }},
      {"Minutes",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(InUnits(Length(a[0]), 60 * kSecond));
       }},
      {"Seconds",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Value(InUnits(Length(a[0]), kSecond)); }},
      {"Milliseconds",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Int64(Length(a[0]).nanos / 1'000'000); }},
      {"Microseconds",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Int64(Length(a[0]).nanos / 1000); }},
      {"Nanoseconds",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> { return Int64(Length(a[0]).nanos); }},
      {"Abs",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> {
         const int64_t n = Length(a[0]).nanos;
         if (n == std::numeric_limits<int64_t>::min()) {
           return Value(GoDuration{std::numeric_limits<int64_t>::max()});
         }
         return Value(GoDuration{std::abs(n)});
       }},
      {"Round",
       {kDuration},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(ToMultiple(Length(a[0]), Length(a[1]), true));
       }},
      {"Truncate",
       {kDuration},
       false,
       [](const Env&, Args a) -> Result<Value> {
         return Value(ToMultiple(Length(a[0]), Length(a[1]), false));
       }},
  };
  return kMethods;
}

const std::vector<M>& NamedIntMethods() {
  static const std::vector<M> kMethods = {
      {"String",
       {},
       false,
       [](const Env&, Args a) -> Result<Value> {
         const Integer& i = *a[0].As<Integer>();
         return Value(
             std::string(i.type == IntType::kMonth ? MonthName(i.value) : WeekdayName(i.value)));
       }},
  };
  return kMethods;
}

const std::vector<M>* MethodsOf(const Value& v) {
  if (v.As<GoTime>()) return &TimeMethods();
  if (v.As<GoDuration>()) return &DurationMethods();
  const auto* i = v.As<Integer>();
  const bool named = i != nullptr && (i->type == IntType::kMonth || i->type == IntType::kWeekday);
  return named ? &NamedIntMethods() : nullptr;
}

}  // namespace

const TemplateFunction* FindMethod(const Value& receiver, std::string_view name) {
  const std::vector<M>* methods = MethodsOf(receiver);
  if (methods == nullptr) return nullptr;
  for (const M& m : *methods) {
    if (m.name == name) return &m;
  }
  return nullptr;
}

}  // namespace canopy::rules
