#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "function_impl.h"

// time(), timestamp(v), and the parts of a date in UTC; and what the query itself was asked for:
// start(), end(), step(), range().

namespace canopy::promql {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;

// Seconds as an integer, as x86 converts: what does not fit, NaN included, is the least there is.
constexpr int64_t kNoSeconds = std::numeric_limits<int64_t>::min();

int64_t WholeSeconds(double seconds) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!(seconds >= -kLimit && seconds < kLimit)) return kNoSeconds;
  return static_cast<int64_t>(seconds);
}

int64_t DayOf(int64_t seconds) {
  // Go's calendar counts from a year zero that lies later than this, and wraps round: what it shows
  // for NaN is the day of 2^63 seconds, in the year 292277026596.
  if (seconds == kNoSeconds) return 106'751'991'167'300;
  const int64_t day = seconds / kSecondsPerDay;
  return seconds % kSecondsPerDay < 0 ? day - 1 : day;
}

int64_t SecondOfDay(int64_t seconds) {
  if (seconds == kNoSeconds) return 55'808;
  return seconds - DayOf(seconds) * kSecondsPerDay;
}

struct Date {
  int64_t year;
  int month;  // 1 to 12
  int day;    // 1 to 31
};

bool IsLeap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

// In years that begin in March leap days come last, and a date follows from its day by divisions:
// the algorithm of H. Hinnant, "chrono-compatible low-level date algorithms".
Date DateOf(int64_t seconds) {
  constexpr int64_t kDaysPerEra = 146'097;         // 400 years
  const int64_t since = DayOf(seconds) + 719'468;  // days since 0000-03-01
  const int64_t era = (since >= 0 ? since : since - kDaysPerEra + 1) / kDaysPerEra;
  const int64_t of_era = since - era * kDaysPerEra;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * of_year + 2) / 153;
  Date out{};
  out.day = static_cast<int>(of_year - (153 * shifted + 2) / 5 + 1);
  out.month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  out.year = year_of_era + era * 400 + (out.month <= 2 ? 1 : 0);
  return out;
}

int DaysIn(int month, int64_t year) {
  if (month == 2) return IsLeap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

double Minute(int64_t t) { return static_cast<double>(SecondOfDay(t) / 60 % 60); }
double Hour(int64_t t) { return static_cast<double>(SecondOfDay(t) / 3600); }
double DayOfWeek(int64_t t) {
  const int64_t day = (DayOf(t) + 4) % 7;  // 1970-01-01 was a Thursday
  return static_cast<double>(day < 0 ? day + 7 : day);
}
double DayOfMonth(int64_t t) { return DateOf(t).day; }
double DayOfYear(int64_t t) {
  const Date date = DateOf(t);
  int day = date.day;
  for (int month = 1; month < date.month; ++month) day += DaysIn(month, date.year);
  return day;
}
double DaysInMonth(int64_t t) {
  const Date date = DateOf(t);
  return DaysIn(date.month, date.year);
}
double Month(int64_t t) { return DateOf(t).month; }
double Year(int64_t t) { return static_cast<double>(DateOf(t).year); }

template <double (*kFn)(int64_t)>
bool Part(std::span<double> row, ScalarArgs /*scalars*/) {
  for (double& v : row)
    if (IsPresent(v)) v = kFn(WholeSeconds(v));
  return true;
}

void Time(Evaluator& /*evaluator*/, const Call& /*call*/, const Steps& steps,
          std::span<double> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(steps.at(i)) / 1000;
}

// What is the same at all steps.
template <double (*kFn)(const Query&)>
void OfQuery(Evaluator& evaluator, const Call& /*call*/, const Steps& /*steps*/,
             std::span<double> out) {
  std::fill(out.begin(), out.end(), kFn(evaluator.query()));
}
double StartOf(const Query& q) { return static_cast<double>(q.steps.start) / 1000; }
double EndOf(const Query& q) { return static_cast<double>(q.end_ms) / 1000; }
double RangeOfQuery(const Query& q) { return static_cast<double>(q.times.range.count()) / 1000; }
double StepOfQuery(const Query& q) {
  return q.steps.start == q.end_ms ? 0 : static_cast<double>(q.times.step.count()) / 1000;
}

// Of a selector, when its samples were taken; of anything else, when it was computed.
class StepTimes final : public WrappedSource {
 public:
  StepTimes(SourcePtr inner, const Steps& steps) : WrappedSource(std::move(inner)), steps_(steps) {}
  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    if (!inner().Fill(i, scratch, row)) return false;
    for (size_t s = 0; s < row.size(); ++s)
      if (row.present(s)) row.values[s] = static_cast<double>(steps_.at(s)) / 1000;
    row.histograms.clear();
    return true;
  }

 private:
  const Steps steps_;
};

SourcePtr TimestampOf(Evaluator& evaluator, const Call& call, const Steps& steps) {
  Query& query = evaluator.query();
  const Expr& arg = Unwrap(*call.args[0]);
  SourcePtr times;
  if (const auto* selector = arg.TryAs<VectorSelector>()) {
    times = SelectInstant(query, evaluator.selections(), *selector, steps, SelectedValue::kTime);
  } else {
    times = std::make_unique<StepTimes>(evaluator.Vector(arg, steps), steps);
  }
  return DropMetadata(query, std::move(times), steps.count, Collisions::kMerge);
}

// Of a selector, when the counters of its samples started. There is nothing to show of anything
// else, nor without use-start-timestamps.
SourcePtr StartTimestamp(Evaluator& evaluator, const Call& call, const Steps& steps) {
  Query& query = evaluator.query();
  const Expr& arg = Unwrap(*call.args[0]);
  const auto* selector = arg.TryAs<VectorSelector>();
  if (selector == nullptr || !query.engine.features.use_start_timestamps) {
    evaluator.Vector(arg, steps);
    return EmptySource(query, steps.count);
  }
  return DropMetadata(
      query, SelectInstant(query, evaluator.selections(), *selector, steps, SelectedValue::kStart),
      steps.count, Collisions::kMerge);
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kDayOfMonth, .row = Part<DayOfMonth>, .of_time_too = true},
    {.id = FunctionId::kDayOfWeek, .row = Part<DayOfWeek>, .of_time_too = true},
    {.id = FunctionId::kDayOfYear, .row = Part<DayOfYear>, .of_time_too = true},
    {.id = FunctionId::kDaysInMonth, .row = Part<DaysInMonth>, .of_time_too = true},
    {.id = FunctionId::kEnd, .scalar = OfQuery<EndOf>},
    {.id = FunctionId::kHour, .row = Part<Hour>, .of_time_too = true},
    {.id = FunctionId::kMinute, .row = Part<Minute>, .of_time_too = true},
    {.id = FunctionId::kMonth, .row = Part<Month>, .of_time_too = true},
    {.id = FunctionId::kRange, .scalar = OfQuery<RangeOfQuery>},
    {.id = FunctionId::kStart, .scalar = OfQuery<StartOf>},
    {.id = FunctionId::kStartTimestamp, .call = StartTimestamp},
    {.id = FunctionId::kStep, .scalar = OfQuery<StepOfQuery>},
    {.id = FunctionId::kTime, .scalar = Time},
    {.id = FunctionId::kTimestamp, .call = TimestampOf},
    {.id = FunctionId::kYear, .row = Part<Year>, .of_time_too = true},
};

}  // namespace

std::span<const FunctionImpl> TimeFunctions() { return kFunctions; }

}  // namespace canopy::promql
