#include "canopy/promql/testscript.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/base/self_metrics.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/model/histogram_math.h"
#include "canopy/promql/parser.h"
#include "script_nhcb.h"
#include "script_reader.h"
#include "script_store.h"

namespace canopy::promql {
namespace {

// How far results may be from what is expected, relatively.
constexpr double kTolerance = 1e-6;

bool AlmostEqual(double a, double b) {
  if (model::IsStale(a) || model::IsStale(b)) return model::IsStale(a) && model::IsStale(b);
  if ((std::isnan(a) && std::isnan(b)) || a == b) return true;
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  const double sum = std::abs(a) + std::abs(b);
  const double diff = std::abs(a - b);
  if (a == 0 || b == 0 || sum < kMinNormal) return diff < kTolerance * kMinNormal;
  return diff / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

std::string Text(double v) {
  std::string out;
  base::AppendFloatPlain(out, v);
  return out;
}

std::string Text(const model::FloatHistogram& h) { return model::ToTestExpression(h); }

bool AlmostEqual(const model::HistogramSide<double>& a, const model::HistogramSide<double>& b) {
  return a.spans == b.spans &&
         std::equal(a.buckets.begin(), a.buckets.end(), b.buckets.begin(), b.buckets.end(),
                    [](double x, double y) { return AlmostEqual(x, y); });
}

// Empty buckets aside. What is known of counter resets is compared where it was written.
bool AlmostEqual(const SeriesDescription::Histogram& expected, model::FloatHistogram actual) {
  model::FloatHistogram want = *expected.histogram;
  model::Compact(want);
  model::Compact(actual);
  return want.schema == actual.schema && AlmostEqual(want.count, actual.count) &&
         AlmostEqual(want.sum, actual.sum) && want.custom_values == actual.custom_values &&
         want.zero_threshold == actual.zero_threshold &&
         AlmostEqual(want.zero_count, actual.zero_count) &&
         AlmostEqual(want.positive, actual.positive) &&
         AlmostEqual(want.negative, actual.negative) &&
         (!expected.hint_given || want.hint == actual.hint);
}

// Ends a check. Thrown and caught in this file only.
struct Mismatch {
  std::string what;
};

// Functions whose value depends on the step even where their arguments do not.
bool DependsOnStep(FunctionId id) {
  switch (id) {
    case FunctionId::kDaysInMonth:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kEnd:
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kYear:
    case FunctionId::kPredictLinear:
    case FunctionId::kRange:
    case FunctionId::kStart:
    case FunctionId::kStep:
    case FunctionId::kTime:
    case FunctionId::kTimestamp:
      return true;
    default:
      return false;
  }
}

// Gives every selector that has no fixed time, and every outermost subquery, `@ at`: start() and
// end() were that. False when the value
// would still change with the time of evaluation.
bool PinTo(Expr& expr, Timestamp at) {
  const auto pin = [&](TimeModifiers& modifiers) {
    if (modifiers.at == AtKind::kTimestamp) return;
    modifiers.at = AtKind::kTimestamp;
    modifiers.at_time = at;
  };
  if (expr.kind == ExprKind::kVectorSelector) pin(expr.As<VectorSelector>().modifiers);
  if (expr.kind == ExprKind::kSubquery) {
    // What is within is pinned by it; but a function there may depend on the step all the same.
    pin(expr.As<Subquery>().modifiers);
    return true;
  }
  if (expr.kind == ExprKind::kCall && DependsOnStep(expr.As<Call>().function->id)) return false;
  bool pinned = true;
  ForEachChild(expr, [&](const Expr& child) {
    // The tree is this function's own: it was parsed for it.
    pinned &= PinTo(const_cast<Expr&>(child), at);
  });
  return pinned;
}

bool AsksForQueryTimes(std::string_view query) {
  for (const std::string_view call : {"start()", "end()", "range()", "step()"})
    if (query.find(call) != query.npos) return true;
  return false;
}

class Checker {
 public:
  explicit Checker(const ScriptEval& eval) : eval_(eval) {}

  void CheckFailure(const Status& status) const {
    if (!eval_.expects(ExpectKind::kFail)) throw Mismatch{"failed: " + status.message()};
    for (const Expectation& e : eval_.expectations) {
      if (e.kind == ExpectKind::kFail && !e.Matches(status.message()))
        throw Mismatch{"expected the error " + base::Quoted(e.text) + ", got " +
                       base::Quoted(status.message())};
    }
  }

  void CheckAnnotations(const QueryResult& result) const {
    if (eval_.any_warning && result.warnings.empty()) throw Mismatch{"expected a warning"};
    if (eval_.any_info && result.infos.empty()) throw Mismatch{"expected an info"};
    CheckAnnotations(result.warnings, ExpectKind::kWarn, ExpectKind::kNoWarn, "warning");
    CheckAnnotations(result.infos, ExpectKind::kInfo, ExpectKind::kNoInfo, "info");
  }

  void CheckValue(const Value& value) const {
    CheckType(value);
    std::visit([&](const auto& v) { Check(v); }, value);
  }

 private:
  void CheckAnnotations(const std::vector<std::string>& actual, ExpectKind kind, ExpectKind none,
                        const std::string& name) const {
    if (eval_.expects(none) && !actual.empty())
      throw Mismatch{"unexpected " + name + ": " + actual[0]};
    if (!eval_.expects(kind)) return;
    if (actual.empty()) throw Mismatch{"expected a " + name + ", got none"};
    const auto matches = [&](const Expectation& e, const std::string& text) {
      return e.kind == kind && e.Matches(text);
    };
    for (const Expectation& e : eval_.expectations) {
      if (e.kind == kind && std::none_of(actual.begin(), actual.end(),
                                         [&](const auto& text) { return matches(e, text); }))
        throw Mismatch{"expected the " + name + " " + base::Quoted(e.text) + ", got " +
                       base::Quoted(actual[0])};
    }
    for (const std::string& text : actual) {
      if (std::none_of(eval_.expectations.begin(), eval_.expectations.end(),
                       [&](const Expectation& e) { return matches(e, text); }))
        throw Mismatch{"unexpected " + name + ": " + text};
    }
  }

  // What is expected says of which type it is, but that nothing at all may be an empty vector, an
  // empty matrix or an empty string.
  void CheckType(const Value& value) const {
    const std::string type(TypeName(value));
    if (eval_.string && type != "string") throw Mismatch{"expected a string, got a " + type};
    if (eval_.scalar && type != "scalar") throw Mismatch{"expected a scalar, got a " + type};
    if (eval_.range_vector && type != "matrix")
      throw Mismatch{"expected a range vector, got a " + type};
    if (type == "matrix" && !eval_.range_vector && !eval_.range)
      throw Mismatch{"got a range vector, which takes \"expect range vector\""};
    if (type == "string" && !eval_.series.empty()) throw Mismatch{"expected series, got a string"};
  }

  void Check(const Scalar& scalar) const {
    if (!eval_.scalar || !eval_.series.empty())
      throw Mismatch{"expected no scalar, got " + Text(scalar.value)};
    if (!AlmostEqual(*eval_.scalar, scalar.value))
      throw Mismatch{"expected " + Text(*eval_.scalar) + ", got " + Text(scalar.value)};
  }

  void Check(const String& string) const {
    if (eval_.string.value_or("") != string.value)
      throw Mismatch{"expected the string " + base::Quoted(eval_.string.value_or("")) + ", got " +
                     base::Quoted(string.value)};
  }

  void Check(const Vector& vector) const {
    for (size_t at = 0; at < vector.size(); ++at) {
      const VectorSample& element = vector[at];
      const double value = element.sample.value;
      const std::string actual = element.histogram ? Text(*element.histogram) : Text(value);
      const std::string name = element.labels.ToString();
      const size_t place = PlaceOf(element.labels, "value " + actual);
      if (eval_.expects(ExpectKind::kOrdered) && place != at)
        throw Mismatch{"expected " + name + " at position " + std::to_string(place + 1) +
                       ", got it at " + std::to_string(at + 1)};
      const SeriesDescription& expected = eval_.series[place];
      const SeriesDescription::Histogram* histogram = expected.histogram(0);
      const double want = expected.values.empty() || !expected.values[0] ? 0 : *expected.values[0];
      const bool equal = histogram
                             ? element.histogram && AlmostEqual(*histogram, *element.histogram)
                             : !element.histogram && AlmostEqual(want, value);
      if (!equal) {
        throw Mismatch{"expected " + (histogram ? Text(*histogram->histogram) : Text(want)) +
                       " for " + name + ", got " + actual};
      }
    }
    CheckAllFound(vector);
  }

  void Check(const Matrix& matrix) const {
    if (eval_.expects(ExpectKind::kOrdered)) throw Mismatch{"expected an order, got a matrix"};
    for (size_t i = 1; i < matrix.size(); ++i)
      if (matrix[i].labels < matrix[i - 1].labels) throw Mismatch{"the matrix is not sorted"};
    for (const MatrixSeries& series : matrix)
      CheckSeries(series, eval_.series[PlaceOf(series.labels, Describe(series))]);
    CheckAllFound(matrix);
  }

  void CheckSeries(const MatrixSeries& actual, const SeriesDescription& expected) const {
    MatrixSeries want{actual.labels, {}};
    std::vector<const SeriesDescription::Histogram*> histograms;
    for (size_t i = 0; i < expected.values.size(); ++i) {
      const Timestamp time = eval_.start + eval_.step * static_cast<int64_t>(i);
      if (time > eval_.end) throw Mismatch{"more values are expected than the range has steps"};
      if (const auto* histogram = expected.histogram(i)) {
        histograms.push_back(histogram);
        want.histograms.push_back({time, histogram->histogram});
      } else if (expected.values[i]) {
        want.samples.push_back({time, *expected.values[i]});
      }
    }
    bool equal = std::equal(want.samples.begin(), want.samples.end(), actual.samples.begin(),
                            actual.samples.end(), [](const auto& a, const auto& b) {
                              return a.time == b.time && AlmostEqual(a.value, b.value);
                            });
    equal &= want.histograms.size() == actual.histograms.size();
    for (size_t i = 0; equal && i < histograms.size(); ++i) {
      equal = want.histograms[i].time == actual.histograms[i].time &&
              AlmostEqual(*histograms[i], *actual.histograms[i].histogram);
    }
    if (!equal) throw Mismatch{"expected " + Describe(want) + ", got " + Describe(actual)};
  }

  size_t PlaceOf(const model::Labels& labels, const std::string& value) const {
    const auto it = Find(labels);
    if (it == eval_.series.end())
      throw Mismatch{"unexpected " + labels.ToString() + " with " + value};
    return static_cast<size_t>(it - eval_.series.begin());
  }

  // Of equal labels the last counts, as there.
  std::vector<SeriesDescription>::const_iterator Find(const model::Labels& labels) const {
    auto found = eval_.series.end();
    for (auto it = eval_.series.begin(); it != eval_.series.end(); ++it)
      if (it->labels == labels) found = it;
    return found;
  }

  template <class Elements>
  void CheckAllFound(const Elements& elements) const {
    for (const SeriesDescription& expected : eval_.series) {
      if (std::none_of(elements.begin(), elements.end(),
                       [&](const auto& e) { return e.labels == expected.labels; }))
        throw Mismatch{"expected " + expected.labels.ToString() + ", not found"};
    }
  }

  static std::string Describe(const MatrixSeries& series) {
    std::string out = series.labels.ToString();
    for (const model::Sample& sample : series.samples)
      out += " " + Text(sample.value) + "@" + std::to_string(sample.time.ms());
    for (const HistogramSample& sample : series.histograms)
      out += " " + Text(*sample.histogram) + "@" + std::to_string(sample.time.ms());
    return out;
  }

  const ScriptEval& eval_;
};

class Runner {
 public:
  Runner(const EngineOptions& options, const Clock& clock) : engine_(options, clock, metrics_) {}

  Status Run(const ScriptClear&) {
    store_.Clear();
    return {};
  }

  Status Run(const ScriptLoad& load) {
    // Of a series that a command has twice, the last is meant.
    LoadedSeries loaded;
    for (const ScriptLoad::Series& series : load.series)
      loaded[series.description.labels] = SamplesOf(series, load.interval);
    for (const auto& [labels, samples] : loaded) store_.Add(labels, samples);
    if (!load.with_nhcb) return {};
    CANOPY_ASSIGN_OR_RETURN(const LoadedSeries converted, ConvertClassicHistograms(loaded));
    for (const auto& [labels, samples] : converted) store_.Add(labels, samples);
    return {};
  }

  Status Run(const ScriptEval& eval) {
    try {
      if (eval.range) {
        EvalRange(eval);
      } else {
        EvalInstants(eval);
      }
      ++report_.passed;
    } catch (const Mismatch& mismatch) {
      report_.failures.push_back({eval.line, eval.query + ": " + mismatch.what});
    }
    return {};
  }

  ScriptReport report() && { return std::move(report_); }

 private:
  static std::vector<ScriptSample> SamplesOf(const ScriptLoad::Series& series, Duration interval) {
    std::vector<ScriptSample> out;
    const SeriesDescription& description = series.description;
    for (size_t i = 0; i < description.values.size(); ++i) {
      ScriptSample sample;
      sample.time = Timestamp() + interval * static_cast<int64_t>(i);
      if (const auto* histogram = description.histogram(i)) {
        sample.histogram = histogram->histogram;
      } else if (description.values[i]) {
        sample.value = *description.values[i];
      } else {
        continue;
      }
      if (!series.starts.empty() && series.starts[i])
        sample.start_ms = sample.time.ms() + *series.starts[i];
      out.push_back(std::move(sample));
    }
    return out;
  }

  void EvalRange(const ScriptEval& eval) {
    const Checker checker(eval);
    const auto result =
        engine_.Range(store_, eval.query, RangeSpec{eval.start, eval.end, eval.step});
    if (!result.ok()) return checker.CheckFailure(result.status());
    CheckResult(eval, checker, *result);
  }

  static void CheckResult(const ScriptEval& eval, const Checker& checker,
                          const QueryResult& result) {
    if (eval.expects(ExpectKind::kFail)) throw Mismatch{"expected an error, got none"};
    checker.CheckAnnotations(result);
    checker.CheckValue(result.value);
  }

  void EvalInstants(const ScriptEval& eval) {
    EvalInstant(eval, eval.query, eval.at);
    auto expr = ParseExpr(eval.query, engine_.options().features);
    if (!expr.ok() || !PinTo(**expr, eval.at)) return;
    const std::string pinned = ToString(**expr);
    const int64_t ms = eval.at.ms();
    const std::vector<int64_t> times = ms == 0
                                           ? std::vector<int64_t>{-1000, 0, 1000}
                                           : std::vector<int64_t>{-10 * ms, 0, ms / 5, ms, 10 * ms};
    for (const int64_t time : times) EvalInstant(eval, pinned, Timestamp::FromMs(time));
  }

  void EvalInstant(const ScriptEval& eval, const std::string& query, Timestamp at) try {
    const Checker checker(eval);
    const auto result = engine_.Instant(store_, query, at);
    if (!result.ok()) return checker.CheckFailure(result.status());
    CheckResult(eval, checker, *result);
    if (eval.range_vector || eval.string || AsksForQueryTimes(query)) return;
    CheckMiddleOfRange(eval, checker, query, at, result->value);
  } catch (Mismatch& mismatch) {
    if (query != eval.query)
      mismatch.what += " (as " + query + " at " + std::to_string(at.ms()) + " ms)";
    throw;
  }

  // The same at the middle one of three steps.
  void CheckMiddleOfRange(const ScriptEval& eval, const Checker& checker, const std::string& query,
                          Timestamp at, const Value& value) {
    constexpr Duration kStep = std::chrono::minutes(1);
    const auto result = engine_.Range(store_, query, RangeSpec{at - kStep, at + kStep, kStep});
    if (!result.ok()) throw Mismatch{"over a range: " + result.status().message()};
    if (eval.expects(ExpectKind::kOrdered)) return;
    Vector middle;
    for (const MatrixSeries& series : std::get<Matrix>(result->value))
      for (const model::Sample& sample : series.samples)
        if (sample.time == at) middle.push_back({series.labels, sample});
    for (const MatrixSeries& series : std::get<Matrix>(result->value))
      for (const HistogramSample& sample : series.histograms)
        if (sample.time == at) middle.push_back({series.labels, {at, 0}, sample.histogram});
    try {
      if (std::holds_alternative<Scalar>(value)) {
        if (middle.empty()) throw Mismatch{"expected a scalar, got nothing"};
        checker.CheckValue(Scalar{at, middle[0].sample.value});
      } else {
        checker.CheckValue(middle);
      }
    } catch (Mismatch& mismatch) {
      mismatch.what = "over a range: " + mismatch.what;
      throw;
    }
  }

  SelfMetrics metrics_;
  Engine engine_;
  ScriptStore store_;
  ScriptReport report_;
};

}  // namespace

Result<ScriptReport> RunTestScript(std::string_view script, const EngineOptions& options,
                                   const Clock& clock) {
  CANOPY_ASSIGN_OR_RETURN(const std::vector<ScriptCommand> commands, ReadScript(script));
  Runner runner(options, clock);
  for (const ScriptCommand& command : commands)
    CANOPY_RETURN_IF_ERROR(std::visit([&](const auto& c) { return runner.Run(c); }, command));
  return std::move(runner).report();
}

EngineOptions ScriptEngineOptions(std::string_view file_name) {
  EngineOptions options;
  options.timeout = std::chrono::minutes(100);
  options.max_samples = 10'000;
  options.features.experimental_functions = true;
  options.features.extended_range_selectors = true;
  options.features.binop_fill_modifiers = true;
  options.features.delayed_name_removal = !file_name.ends_with("names_dropped_at_once.test");
  options.features.use_start_timestamps = true;
  options.features.type_and_unit_labels = file_name.starts_with("type_and_unit");
  return options;
}

}  // namespace canopy::promql
