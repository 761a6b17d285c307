// How long queries go without looking at the clock: what a deadline or a client that goes away has
// to wait for, at most. Over many series, since what is done for all of them is what takes long.
#include <time.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/promql/engine.h"
#include "promql/script_store.h"

namespace canopy::promql {
namespace {

// Its time is what this thread has computed, so that a busy machine changes nothing. Remembers the
// longest time between two looks.
class GapClock final : public Clock {
 public:
  Timestamp Now() const override { return {}; }
  int64_t MonotonicNanos() const override {
    timespec t{};
    BOOST_REQUIRE(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
    const int64_t now = int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
    if (last_ != 0) longest_ = std::max(longest_, now - last_);
    last_ = now;
    return now;
  }
  void Reset() { last_ = longest_ = 0; }
  int64_t longest_ms() const { return longest_ / 1'000'000; }

 private:
  mutable int64_t last_ = 0;
  mutable int64_t longest_ = 0;
};

constexpr int kSeries = 20'000;
constexpr int64_t kMinuteMs = 60'000;

void Fill(ScriptStore& store, std::string_view name, int series, int64_t samples,
          const model::Labels& more = {}) {
  for (int i = 0; i < series; ++i) {
    std::vector<model::Sample> values;
    for (int64_t n = 0; n < samples; ++n)
      values.push_back({Timestamp::FromMs(n * kMinuteMs), static_cast<double>((n + i) % 17)});
    model::LabelsBuilder labels(more);
    labels.Set("__name__", std::string(name));
    labels.Set("i", std::to_string(i));
    labels.Set("g", std::to_string(i % 10));
    labels.Set("path", "/some/longer/path/of/a/request/" + std::to_string(i / 7));
    labels.Set("le", std::to_string(i % 5));
    store.Add(labels.Build(), values);
  }
}

// One step costs, so that each row takes its time.
struct Many {
  Many() {
    Fill(store, "m", kSeries, 3);
    Fill(store, "n", kSeries, 3);
    Fill(store, "long", 2, 20'000);
  }
  int64_t Longest(std::string_view query, RangeSpec range) {
    clock.Reset();
    SelfMetrics metrics;
    EngineOptions options;
    options.timeout = std::chrono::hours(10);
    options.max_samples = 500'000'000;
    options.features.experimental_functions = true;
    Engine engine(options, clock, metrics);
    const auto result = range.step > Duration(0) ? engine.Range(store, query, range)
                                                 : engine.Instant(store, query, range.end);
    BOOST_TEST(result.ok(), (result.ok() ? "" : result.status().message()));
    return clock.longest_ms();
  }
  ScriptStore store;
  GapClock clock;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kAllowedMs = 500;
#else
constexpr int64_t kAllowedMs = 100;
#endif

}  // namespace

BOOST_FIXTURE_TEST_CASE(no_part_of_a_query_goes_long_without_a_look_at_the_clock, Many) {
  const auto at = [](int64_t minute) { return Timestamp::FromMs(minute * kMinuteMs); };
  const auto f = [&](std::string_view query, RangeSpec range) {
    BOOST_TEST_CONTEXT(query) {
      const int64_t ms = Longest(query, range);
      BOOST_TEST_MESSAGE(query << ": " << ms << " ms");
      BOOST_TEST(ms <= kAllowedMs);
    }
  };
  // Many series, one step.
  for (const std::string_view query : {"m",
                                       "abs(m)",
                                       "sort(m)",
                                       "sort_desc(m)",
                                       "sort_by_label(m, \"path\", \"i\")",
                                       "topk(10, m)",
                                       "topk(15000, m)",
                                       "quantile(0.5, m)",
                                       "sum by (i, path) (m)",
                                       "sum without (i) (m)",
                                       "count by (path) ({__name__=~\"m|n\"})",
                                       "limitk(15000, m)",
                                       "limit_ratio(0.9, m)",
                                       "count_values(\"v\", m)",
                                       "m + n",
                                       "m + on (i) n",
                                       "m + ignoring (le) n",
                                       "m + on (i, path) group_left (g) n",
                                       "m and n",
                                       "m or n",
                                       "m unless on (i) n",
                                       "m > bool n",
                                       "label_replace(m, \"x\", \"$1\", \"path\", \".*/([0-9]+)\")",
                                       "label_join(m, \"x\", \"-\", \"path\", \"i\", \"g\")",
                                       "histogram_quantile(0.9, m)",
                                       "abs({__name__=~\"m|n\", i=~\"1.*\", __name__=\"m\"})",
                                       "rate(m[5m])",
                                       "m[5m]",
                                       "max_over_time(m[2m:1m])",
                                       "absent(m)",
                                       "scalar(m)",
                                       "timestamp(m)",
                                       "m == m",
                                       "absent_over_time(m[5m])",
                                       "stddev(m)",
                                       "-m",
                                       "m * 2"})
    f(query, {{}, at(2), {}});
  // Few series, many steps, long windows.
  const RangeSpec range{at(0), at(20'000), Duration(2 * kMinuteMs)};
  for (const std::string_view query : {"long",
                                       "sum(long)",
                                       "rate(long[1d])",
                                       "quantile_over_time(0.5, long[7d])",
                                       "stddev_over_time(long[1d])",
                                       "mad_over_time(long[6h])",
                                       "deriv(long[1d])",
                                       "double_exponential_smoothing(long[6h], 0.5, 0.5)",
                                       "predict_linear(long[1d], 60)",
                                       "max_over_time(long[7d])",
                                       "changes(long[1d])",
                                       "sum_over_time(long[1d])",
                                       "topk(1, long)",
                                       "long + long",
                                       "long and long",
                                       "time()",
                                       "scalar(long)",
                                       "day_of_month(long)",
                                       "count_values(\"v\", long)",
                                       "quantile(0.5, long)",
                                       "sum_over_time(long[1d:1m])",
                                       "histogram_quantile(0.5, long)",
                                       "sort(long)",
                                       "vector(time() + time() * time())",
                                       "ts_of_max_over_time(long[1d])"})
    f(query, range);
}

}  // namespace canopy::promql
