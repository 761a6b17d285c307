#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/net/url.h"
#include "rules/generator_url.h"
#include "rules/go_printf.h"
#include "rules/template_functions.h"
#include "rules/template_text.h"

// The functions that Prometheus adds to Go's templates.

namespace canopy::rules {

namespace {

using Args = std::span<const Value>;
using Env = FunctionEnv;

const std::string& Text(const Value& v) { return *v.As<std::string>(); }
Status Error(std::string message) { return Status::Execution(std::move(message)); }

Value TextValue(std::string text) { return Value(std::move(text)); }

// --- queries ---

Result<Value> Query(const Env& env, Args args) {
  if (env.query == nullptr || !*env.query) return Error("queries are not possible here");
  CANOPY_ASSIGN_OR_RETURN(auto samples, (*env.query)(Text(args[0]), env.now));
  const size_t size = samples.size();
  return Value(
      SampleList{std::make_shared<const std::vector<TemplateSample>>(std::move(samples)), 0, size});
}

Result<Value> First(const Env&, Args args) {
  const SampleList& list = *args[0].As<SampleList>();
  if (list.size() == 0) return Error("first() called on vector with no elements");
  return Value(SamplePtr{list.all, list.begin});
}

// Go's panic where the pointer is nil.
Result<const TemplateSample*> Sample(const Value& v) {
  const TemplateSample* sample = v.As<SamplePtr>()->get();
  if (sample != nullptr) return sample;
  return Error("runtime error: invalid memory address or nil pointer dereference");
}

Result<Value> Label(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const auto* sample, Sample(args[1]));
  return TextValue(std::string(sample->labels.Get(Text(args[0]))));
}
Result<Value> SampleValue(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const auto* sample, Sample(args[0]));
  return Value(sample->value, true);
}
Result<Value> StrValue(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const auto* sample, Sample(args[0]));
  return TextValue(std::string(sample->labels.Get("__value__")));
}

Result<Value> SortByLabel(const Env&, Args args) {
  const SampleList& list = *args[1].As<SampleList>();
  if (list.size() == 0) return args[1];
  const auto at = [&](size_t i) {
    return list.all->begin() + static_cast<std::ptrdiff_t>(list.begin + i);
  };
  auto sorted = std::make_shared<std::vector<TemplateSample>>(at(0), at(list.size()));
  const std::string& label = Text(args[0]);
  std::stable_sort(sorted->begin(), sorted->end(),
                   [&](const TemplateSample& a, const TemplateSample& b) {
                     return a.labels.Get(label) < b.labels.Get(label);
                   });
  return Value(SampleList{std::move(sorted), 0, list.size()});
}

// --- numbers ---

std::string FourDigits(double v) {
  const Value value{v};
  return GoSprintf("%.4g", {&value, 1}, 100);
}

// v scaled to its prefix: "1.5k" in steps of 1000, or of 1024.
std::string WithPrefix(double v, double step, std::span<const std::string_view> prefixes) {
  std::string_view prefix;
  for (const std::string_view p : prefixes) {
    if (std::abs(v) < step) break;
    prefix = p;
    v /= step;
  }
  return FourDigits(v) + std::string(prefix);
}
std::string WithSmallPrefix(double v) {
  constexpr std::array<std::string_view, 8> kPrefixes = {"m", "u", "n", "p", "f", "a", "z", "y"};
  std::string_view prefix;
  for (const std::string_view p : kPrefixes) {
    if (std::abs(v) >= 1) break;
    prefix = p;
    v *= 1000;
  }
  return FourDigits(v) + std::string(prefix);
}

Result<Value> Humanize(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const double v, ConvertToFloat(args[0]));
  if (v == 0 || !std::isfinite(v)) return TextValue(FourDigits(v));
  if (std::abs(v) < 1) return TextValue(WithSmallPrefix(v));
  constexpr std::array<std::string_view, 8> kPrefixes = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
  return TextValue(WithPrefix(v, 1000, kPrefixes));
}

Result<Value> Humanize1024(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const double v, ConvertToFloat(args[0]));
  if (std::abs(v) <= 1 || !std::isfinite(v)) return TextValue(FourDigits(v));
  constexpr std::array<std::string_view, 8> kPrefixes = {"ki", "Mi", "Gi", "Ti",
                                                         "Pi", "Ei", "Zi", "Yi"};
  return TextValue(WithPrefix(v, 1024, kPrefixes));
}

Result<Value> HumanizePercentage(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const double v, ConvertToFloat(args[0]));
  return TextValue(FourDigits(v * 100) + "%");
}

// What Go makes of a number that has no place in an integer.
int64_t ToInt64(double v) {
  return v >= -0x1p63 && v < 0x1p63 ? static_cast<int64_t>(v) : std::numeric_limits<int64_t>::min();
}

Result<Value> HumanizeDuration(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(double v, ConvertToFloat(args[0]));
  if (!std::isfinite(v)) return TextValue(FourDigits(v));
  if (v == 0) return TextValue("0s");
  if (std::abs(v) < 1) return TextValue(WithSmallPrefix(v) + "s");
  std::string out = v < 0 ? "-" : "";
  v = std::abs(v);
  const int64_t seconds = ToInt64(v);
  const auto part = [&](int64_t n, const char* unit) { out += std::to_string(n) + unit; };
  if (seconds < 60 && seconds >= 0) return TextValue(out + FourDigits(v) + "s");
  if (seconds / 86400 != 0) part(seconds / 86400, "d ");
  if (seconds / 3600 != 0) part(seconds / 3600 % 24, "h ");
  part(seconds / 60 % 60, "m ");
  part(seconds % 60, "s");
  return TextValue(std::move(out));
}

Result<GoTime> FloatToTime(double v) {
  const double nanos = v * 1e9;
  if (nanos >= 0x1p63 || nanos < -0x1p63) {
    std::string text;
    base::AppendFloatShortest(text, v);
    return Error(text +
                 " cannot be represented as a nanoseconds timestamp since it overflows int64");
  }
  // Prometheus's times are milliseconds: the rest is cut off, towards zero.
  const int64_t ms = ToInt64(nanos) / 1'000'000;
  GoTime t;
  t.seconds = ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
  t.nanos = static_cast<int32_t>((ms - t.seconds * 1000) * 1'000'000);
  return t;
}

Result<Value> HumanizeTimestamp(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const double v, ConvertToFloat(args[0]));
  if (!std::isfinite(v)) return TextValue(FourDigits(v));
  CANOPY_ASSIGN_OR_RETURN(const GoTime t, FloatToTime(v));
  return TextValue(GoTimeText(t));
}

Result<Value> ToTime(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const double v, ConvertToFloat(args[0]));
  if (!std::isfinite(v)) return Error("value is NaN or Inf");
  CANOPY_ASSIGN_OR_RETURN(GoTime t, FloatToTime(v));
  return Value(std::move(t));
}

Result<Value> ToDuration(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const double v, ConvertToFloat(args[0]));
  return Value(GoDuration{ToInt64(v * 1e9)});
}

Result<Value> Now(const Env& env, Args) { return Value(env.now.seconds()); }

Result<Value> ParseDurationText(const Env&, Args args) {
  std::string_view text = Text(args[0]);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  CANOPY_ASSIGN_OR_RETURN(const Duration d, ParseDuration(text));
  const double seconds = static_cast<double>(d.count()) / 1000.0;
  return Value(negative ? -seconds : seconds);
}

// --- texts ---

Result<Value> ReReplaceAll(const Env& env, Args args) {
  const std::string& regex = Text(args[0]);
  auto out = ReplaceAllMatches(regex, Text(args[1]), Text(args[2]), env.max_bytes);
  if (out.ok()) return TextValue(*std::move(out));
  if (out.status().code() == Code::kLimit) return out.status();
  const bool backquote = regex.find_first_of("`\n") == std::string::npos;
  return Error("regexp: Compile(" + (backquote ? "`" + regex + "`" : base::Quoted(regex)) +
               "): " + out.status().message());
}

Result<Value> Match(const Env&, Args args) {
  CANOPY_ASSIGN_OR_RETURN(const bool matches, MatchesAnywhere(Text(args[0]), Text(args[1])));
  return Value(matches);
}

Result<Value> ArgsMap(const Env&, Args args) {
  auto map = std::make_shared<AnyMap>();
  for (size_t i = 0; i < args.size(); ++i) (*map)["arg" + std::to_string(i)] = args[i];
  return Value(std::shared_ptr<const AnyMap>(std::move(map)));
}

Result<Value> PathPrefix(const Env& env, Args) {
  CANOPY_ASSIGN_OR_RETURN(const net::Url url, net::ParseUrl(env.external_url));
  CANOPY_ASSIGN_OR_RETURN(std::string path, net::PathUnescape(url.path));
  return TextValue(std::move(path));
}

// A function of one text that cannot fail.
template <auto kFn>
Result<Value> OneText(const Env&, Args args) {
  return TextValue(kFn(Text(args[0])));
}

}  // namespace

std::span<const TemplateFunction> PrometheusFunctions() {
  using enum Param;
  static const std::vector<TemplateFunction> kFunctions = {
      {"query", {kString}, false, Query},
      {"first", {kSamples}, false, First},
      {"label", {kString, kSample}, false, Label},
      {"value", {kSample}, false, SampleValue},
      {"strvalue", {kSample}, false, StrValue},
      {"sortByLabel", {kString, kSamples}, false, SortByLabel},
      {"args", {kAny}, true, ArgsMap},
      {"humanize", {kAny}, false, Humanize},
      {"humanize1024", {kAny}, false, Humanize1024},
      {"humanizeDuration", {kAny}, false, HumanizeDuration},
      {"humanizePercentage", {kAny}, false, HumanizePercentage},
      {"humanizeTimestamp", {kAny}, false, HumanizeTimestamp},
      {"toTime", {kAny}, false, ToTime},
      {"toDuration", {kAny}, false, ToDuration},
      {"now", {}, false, Now},
      {"parseDuration", {kString}, false, ParseDurationText},
      {"reReplaceAll", {kString, kString, kString}, false, ReReplaceAll},
      {"match", {kString, kString}, false, Match},
      {"title", {kString}, false, OneText<TitleText>},
      {"toUpper", {kString}, false, OneText<ToUpperText>},
      {"toLower", {kString}, false, OneText<ToLowerText>},
      {"stripPort", {kString}, false, OneText<StripPort>},
      {"stripDomain", {kString}, false, OneText<StripDomain>},
      {"graphLink", {kString}, false, OneText<GraphLink>},
      {"tableLink", {kString}, false, OneText<TableLink>},
      {"urlQueryEscape", {kString}, false, OneText<net::QueryEscape>},
      {"safeHtml",
       {kString},
       false,
       [](const Env&, Args args) -> Result<Value> { return Value(Html{Text(args[0])}); }},
      {"pathPrefix", {}, false, PathPrefix},
      {"externalURL",
       {},
       false,
       [](const Env& env, Args) -> Result<Value> {
         return TextValue(std::string(env.external_url));
       }},
  };
  return kFunctions;
}

}  // namespace canopy::rules
