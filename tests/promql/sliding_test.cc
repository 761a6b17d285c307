// The engine's functions over ranges against naive ones that look at each window by itself.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <random>

#include "canopy/promql/engine.h"
#include "tests/support/memory_store.h"

namespace canopy::promql {
namespace {

using Window = std::vector<model::Sample>;
// The result for (from, until], or none.
using Reference = std::function<std::optional<double>(const Window&, double from, double until)>;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double Sum(const Window& w) {
  long double sum = 0;
  for (const auto& s : w) sum += s.value;
  return static_cast<double>(sum);
}

double Variance(const Window& w) {
  const long double mean = static_cast<long double>(Sum(w)) / w.size();
  long double squares = 0;
  for (const auto& s : w) squares += (s.value - mean) * (s.value - mean);
  return static_cast<double>(squares / w.size());
}

std::vector<double> Sorted(const Window& w) {
  std::vector<double> values;
  for (const auto& s : w) values.push_back(s.value);
  std::sort(values.begin(), values.end(),
            [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  return values;
}

double Quantile(const Window& w, double q) {
  const std::vector<double> values = Sorted(w);
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(rank);
  const size_t high = std::min(low + 1, values.size() - 1);
  const double weight = rank - std::floor(rank);
  return values[low] * (1 - weight) + values[high] * weight;
}

// min or max: NaN only where there is nothing else.
double Extreme(const Window& w, bool max) {
  double best = kNan;
  for (const auto& s : w)
    if (std::isnan(best) || (max ? s.value > best : s.value < best)) best = s.value;
  return best;
}

// When the last of the equal ones was.
double TimeOfExtreme(const Window& w, bool max) {
  const double extreme = Extreme(w, max);
  for (size_t i = w.size(); i-- > 0;)
    if (w[i].value == extreme || std::isnan(extreme)) return w[i].time.seconds();
  return kNan;
}

double Count(const Window& w, const std::function<bool(double, double)>& happens) {
  double n = 0;
  for (size_t i = 1; i < w.size(); ++i) n += happens(w[i - 1].value, w[i].value) ? 1 : 0;
  return n;
}

bool Falls(double a, double b) { return b < a; }
bool Differs(double a, double b) { return a != b && !(std::isnan(a) && std::isnan(b)); }

// rate and its kin, by the documented rule: extrapolate to a border that is nearer than 1.1
// average intervals, else by half of one; a counter not below zero.
std::optional<double> Extrapolated(const Window& w, double from, double until, bool counter,
                                   bool per_second) {
  if (w.size() < 2) return std::nullopt;
  double increase = w.back().value - w.front().value;
  for (size_t i = 1; counter && i < w.size(); ++i)
    if (w[i].value < w[i - 1].value) increase += w[i - 1].value;
  const double sampled = w.back().time.seconds() - w.front().time.seconds();
  const double average = sampled / static_cast<double>(w.size() - 1);
  double to_start = w.front().time.seconds() - from;
  double to_end = until - w.back().time.seconds();
  if (to_start >= average * 1.1) to_start = average / 2;
  if (to_end >= average * 1.1) to_end = average / 2;
  if (counter && increase > 0 && w.front().value >= 0)
    to_start = std::min(to_start, sampled * (w.front().value / increase));
  const double result = increase * (sampled + to_start + to_end) / sampled;
  return per_second ? result / (until - from) : result;
}

// rate and its kin of ranges with edges: `w` are all samples near the range. What a series was at
// when the range began, the samples within, and what it was at when it ended.
std::optional<double> Extended(const Window& w, double from, double until, bool counter,
                               bool per_second, bool smoothed) {
  const auto line = [&](const model::Sample& a, const model::Sample& b, double at) {
    const double begin = counter && b.value < a.value ? 0 : a.value;
    return begin +
           (b.value - begin) * (at - a.time.seconds()) / (b.time.seconds() - a.time.seconds());
  };
  const model::Sample* before = nullptr;
  const model::Sample* last_before = nullptr;
  const model::Sample* at_end = nullptr;
  std::vector<double> points;
  for (const auto& s : w) {
    const double t = s.time.seconds();
    if (t <= from) before = &s;
    if (t < until) last_before = &s;
    if (t > from && t < until) points.push_back(s.value);
    if (t >= until && at_end == nullptr && (smoothed || t == until)) at_end = &s;
  }
  // Something must be within; or, smoothed, on either side of it.
  if (points.empty() && at_end == nullptr) return std::nullopt;
  if (before == nullptr && points.empty() && at_end->time.seconds() > until) return std::nullopt;
  if (before != nullptr) {
    const auto* next = before + 1;
    const bool between = smoothed && before->time.seconds() < from;
    points.insert(points.begin(), between ? line(*before, *next, from) : before->value);
  } else {
    points.insert(points.begin(), points.empty() ? at_end->value : points.front());
  }
  if (at_end != nullptr && at_end->time.seconds() > until) {
    points.push_back(line(*last_before, *at_end, until));
  } else if (at_end != nullptr) {
    points.push_back(at_end->value);
  } else {
    points.push_back(points.back());
  }
  double increase = points.back() - points.front();
  for (size_t i = 1; counter && i < points.size(); ++i)
    if (points[i] < points[i - 1]) increase += points[i - 1];
  return per_second ? increase / (until - from) : increase;
}

// How often something happens, from the sample before the range on.
std::optional<double> AnchoredCount(const Window& w, double from, bool (*happens)(double, double)) {
  if (w.back().time.seconds() <= from) return std::nullopt;
  size_t first = 0;
  while (first + 1 < w.size() && w[first + 1].time.seconds() <= from) ++first;
  return Count(Window(w.begin() + static_cast<ptrdiff_t>(first), w.end()), happens);
}

std::optional<double> Slope(const Window& w) {
  if (w.size() < 2) return std::nullopt;
  long double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<long double>(w.size());
  bool constant = true;
  for (const auto& s : w) {
    const long double t = s.time.seconds() - w.front().time.seconds();
    constant &= s.value == w.front().value;
    x += t;
    y += s.value;
    xx += t * t;
    xy += t * s.value;
  }
  if (constant) return std::isinf(w.front().value) ? kNan : 0;
  return static_cast<double>((xy - x * y / n) / (xx - x * x / n));
}

struct Case {
  std::string function;  // before the selector
  std::string rest;      // behind it
  Reference reference;
  double tolerance;        // relative to the largest value that went in
  std::string edges = {};  // anchored, smoothed: the reference sees what is around the window too
};

std::vector<Case> Cases() {
  const auto plain = [](double (*fn)(const Window&)) {
    return [fn](const Window& w, double, double) { return std::optional(fn(w)); };
  };
  return {
      {"sum_over_time(", ")", plain(Sum), 1e-12},
      {"avg_over_time(", ")",
       [](const Window& w, double, double) {
         return std::optional(Sum(w) / static_cast<double>(w.size()));
       },
       1e-12},
      {"count_over_time(", ")",
       [](const Window& w, double, double) { return std::optional(double(w.size())); }, 0},
      {"first_over_time(", ")",
       [](const Window& w, double, double) { return std::optional(w.front().value); }, 0},
      {"last_over_time(", ")",
       [](const Window& w, double, double) { return std::optional(w.back().value); }, 0},
      {"min_over_time(", ")",
       [](const Window& w, double, double) { return std::optional(Extreme(w, false)); }, 0},
      {"max_over_time(", ")",
       [](const Window& w, double, double) { return std::optional(Extreme(w, true)); }, 0},
      {"present_over_time(", ")", [](const Window&, double, double) { return std::optional(1.0); },
       0},
      {"stdvar_over_time(", ")", plain(Variance), 1e-9},
      {"stddev_over_time(", ")",
       [](const Window& w, double, double) { return std::optional(std::sqrt(Variance(w))); }, 1e-7},
      {"ts_of_max_over_time(", ")",
       [](const Window& w, double, double) { return std::optional(TimeOfExtreme(w, true)); }, 0},
      {"ts_of_min_over_time(", ")",
       [](const Window& w, double, double) { return std::optional(TimeOfExtreme(w, false)); }, 0},
      {"quantile_over_time(0.3, ", ")",
       [](const Window& w, double, double) { return std::optional(Quantile(w, 0.3)); }, 1e-15},
      {"changes(", ")",
       [](const Window& w, double, double) { return std::optional(Count(w, Differs)); }, 0},
      {"resets(", ")",
       [](const Window& w, double, double) { return std::optional(Count(w, Falls)); }, 0},
      {"rate(", ")",
       [](const Window& w, double from, double until) {
         return Extrapolated(w, from, until, true, true);
       },
       1e-12},
      {"increase(", ")",
       [](const Window& w, double from, double until) {
         return Extrapolated(w, from, until, true, false);
       },
       1e-12},
      {"delta(", ")",
       [](const Window& w, double from, double until) {
         return Extrapolated(w, from, until, false, false);
       },
       1e-12},
      {"idelta(", ")",
       [](const Window& w, double, double) -> std::optional<double> {
         if (w.size() < 2) return std::nullopt;
         return w.back().value - w[w.size() - 2].value;
       },
       0},
      {"deriv(", ")", [](const Window& w, double, double) { return Slope(w); }, 1e-9},
  };
}

std::vector<Case> CasesWithEdges() {
  std::vector<Case> out;
  for (const bool smoothed : {false, true}) {
    const auto add = [&](const char* function, bool counter, bool per_second) {
      out.push_back({function, ")",
                     [=](const Window& w, double from, double until) {
                       return Extended(w, from, until, counter, per_second, smoothed);
                     },
                     1e-12, smoothed ? "smoothed" : "anchored"});
    };
    add("rate(", true, true);
    add("increase(", true, false);
    add("delta(", false, false);
  }
  for (const bool changes : {false, true}) {
    out.push_back({changes ? "changes(" : "resets(", ")",
                   [=](const Window& w, double from, double) {
                     return AnchoredCount(w, from, changes ? Differs : Falls);
                   },
                   0, "anchored"});
  }
  return out;
}

enum class Shape { kGauge, kCounter, kConstant, kWithNan, kHuge };

Window RandomSeries(std::mt19937& random, Shape shape) {
  std::uniform_real_distribution<double> real(-1000, 1000);
  Window out;
  double value = 0;
  int64_t t = static_cast<int64_t>(random() % 20'000);
  while (t < 3'600'000) {
    switch (shape) {
      case Shape::kGauge:
        value = real(random);
        break;
      case Shape::kCounter:
        value = random() % 20 == 0 ? 0 : value + static_cast<double>(random() % 50);
        break;
      case Shape::kConstant:
        value = 42;
        break;
      case Shape::kWithNan:
        value = random() % 4 == 0 ? kNan : real(random);
        break;
      case Shape::kHuge:
        value = real(random) * 1e300;
        break;
    }
    const bool ends = random() % 60 == 0;
    out.push_back({Timestamp::FromMs(t), ends ? model::StaleNan() : value});
    t += random() % 30 == 0 ? 240'000 : 15'000 + static_cast<int64_t>(random() % 3) - 1;
  }
  return out;
}

bool Close(double a, double b, double tolerance, double scale) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::abs(a - b) <= tolerance * std::max({std::abs(a), std::abs(b), scale});
}

class Checker {
 public:
  explicit Checker(const Window& series) : series_(series) {
    for (const auto& s : series) {
      if (!model::IsStale(s.value)) kept_.push_back(s);
      if (std::isfinite(s.value)) scale_ = std::max(scale_, std::abs(s.value));
      store_.Add({{"__name__", "m"}}, s.time, s.value);
    }
  }

  void Check(const Case& c, int64_t range_s, int64_t step_s, int64_t offset_s) {
    const std::string query = c.function + "m[" + std::to_string(range_s) + "s] " + c.edges +
                              " offset " + std::to_string(offset_s) + "s" + c.rest;
    SelfMetrics metrics;
    EngineOptions options;
    options.features.extended_range_selectors = true;
    options.features.experimental_functions = true;
    Engine engine(options, SystemClock(), metrics);
    const RangeSpec range{Timestamp::FromMs(-100'000), Timestamp::FromMs(4'000'000),
                          Duration(step_s * 1000)};
    const auto result = engine.Range(store_, query, range);
    BOOST_REQUIRE_MESSAGE(result.ok(), query << ": " << result.status().message());
    const auto& matrix = std::get<Matrix>(result->value);
    std::map<Timestamp, double> got;
    if (!matrix.empty())
      for (const auto& s : matrix[0].samples) got[s.time] = s.value;
    for (Timestamp t = range.start; t <= range.end; t = t + range.step) {
      const std::optional<double> want = Expected(c, t - Duration(offset_s * 1000), range_s);
      const auto it = got.find(t);
      BOOST_TEST_CONTEXT(query << " at " << t.ms()) {
        BOOST_REQUIRE((it != got.end()) == want.has_value());
        if (!want) continue;
        // Slopes and variances are of other sizes than their values.
        const double scale = c.function == "stdvar_over_time(" ? scale_ * scale_ : scale_;
        BOOST_REQUIRE_MESSAGE(Close(it->second, *want, c.tolerance, scale),
                              it->second << " is not " << *want);
      }
    }
  }

 private:
  std::optional<double> Expected(const Case& c, Timestamp until, int64_t range_s) const {
    const Timestamp from = until - Duration(range_s * 1000);
    constexpr Duration kLookback = std::chrono::minutes(5);
    Window window;
    for (const auto& s : kept_) {
      if (s.time > from - (c.edges.empty() ? Duration(0) : kLookback) &&
          s.time <= until + (c.edges == "smoothed" ? kLookback : Duration(0)))
        window.push_back(s);
    }
    if (window.empty()) return std::nullopt;
    return c.reference(window, from.seconds(), until.seconds());
  }

  const Window series_;
  Window kept_;
  double scale_ = 0;
  testing::MemoryStore store_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(windows_that_slide_yield_what_single_windows_yield) {
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (const Shape shape : {Shape::kGauge, Shape::kCounter, Shape::kConstant, Shape::kWithNan}) {
      for (int round = 0; round < 3; ++round) {
        Checker checker(RandomSeries(random, shape));
        for (const Case& c : CasesWithEdges()) {
          if (shape == Shape::kWithNan) continue;
          checker.Check(c, 60, 30, 0);
          checker.Check(c, 1200, 30, 15);
          checker.Check(c, 20, 300, -60);
          checker.Check(c, 7, 3, 0);
        }
        for (const Case& c : Cases()) {
          // NaNs meet what asks for differences of neighbours in ways of their own.
          if (shape == Shape::kWithNan && c.function == "quantile_over_time(0.3, ") continue;
          checker.Check(c, 60, 30, 0);      // windows that overlap little
          checker.Check(c, 1200, 30, 0);    // much
          checker.Check(c, 7200, 60, 120);  // all
          checker.Check(c, 20, 300, -60);   // not at all
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(sums_that_overflow_do_so_as_one_by_one) {
  std::mt19937 random(7);
  Checker checker(RandomSeries(random, Shape::kHuge));
  // Means do not overflow where sums would.
  const Case mean = {"avg_over_time(", ")",
                     [](const Window& w, double, double) {
                       long double sum = 0;
                       for (const auto& s : w) sum += s.value;
                       return std::optional(static_cast<double>(sum / w.size()));
                     },
                     1e-12};
  checker.Check(mean, 1200, 30, 0);
}

BOOST_AUTO_TEST_CASE(variances_of_large_values_are_as_exact_as_their_differences) {
  std::mt19937 random(11);
  testing::MemoryStore store;
  Window all;
  for (int64_t t = 0; t <= 3'600'000; t += 15'000) {
    // Times of day, as some metrics show them.
    all.push_back({Timestamp::FromMs(t), 1.7e9 + static_cast<double>(random() % 1000) / 8});
    store.Add({{"__name__", "m"}}, all.back().time, all.back().value);
  }
  SelfMetrics metrics;
  Engine engine({}, SystemClock(), metrics);
  const auto result = engine.Range(store, "stdvar_over_time(m[20m])",
                                   {Timestamp(), all.back().time, Duration(30'000)});
  BOOST_REQUIRE(result.ok());
  for (const auto& s : std::get<Matrix>(result->value)[0].samples) {
    Window window;
    for (const auto& v : all)
      if (v.time > s.time - Duration(1'200'000) && v.time <= s.time) window.push_back(v);
    const double want = Variance(window);
    BOOST_TEST_CONTEXT("at " << s.time.ms()) {
      BOOST_REQUIRE(std::abs(s.value - want) <= 1e-12 * want);
    }
  }
}

}  // namespace canopy::promql
