// What queries cost by themselves: over columns in memory, so that nothing is decoded. Prints the
// best of some runs for each query: CPU time of one thread, and wall time with a second one to
// help. With an argument, only queries that contain it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/workers.h"
#include "canopy/promql/engine.h"
#include "promql/script_store.h"

namespace canopy::promql {
namespace {

constexpr int64_t kInterval = 15'000;
constexpr int64_t kSpan = 6 * 3'600'000;
constexpr int kInstances = 40;

// Samples of one series every 15 s, at a phase that its instance has.
template <class Next>
void Fill(ScriptStore& store, const model::Labels& labels, int instance, int64_t span, Next next) {
  std::vector<model::Sample> samples;
  for (int64_t t = 371 * instance % kInterval; t <= span; t += kInterval)
    samples.push_back({Timestamp::FromMs(t), next()});
  store.Add(labels, samples);
}

void FillCounters(ScriptStore& store, std::mt19937_64& random) {
  std::uniform_int_distribution<int> step(0, 20);
  for (int i = 0; i < 4000; ++i) {
    const int instance = i % kInstances;
    double value = 0;
    Fill(store,
         {{"__name__", "m_total"},
          {"code", std::to_string(200 + i / kInstances % 10)},
          {"instance", "host-" + std::to_string(instance)},
          {"job", "job-" + std::to_string(instance % 8)},
          {"path", "/p" + std::to_string(i / kInstances / 10)}},
         instance, kSpan, [&] { return value += step(random); });
  }
}

void FillGauges(ScriptStore& store, std::mt19937_64& random) {
  std::normal_distribution<double> noise(100, 15);
  for (int i = 0; i < 1000; ++i) {
    const int instance = i % kInstances;
    Fill(store,
         {{"__name__", "g"},
          {"instance", "host-" + std::to_string(instance)},
          {"sensor", std::to_string(i / kInstances)}},
         instance, kSpan, [&] { return noise(random); });
  }
}

void FillHistograms(ScriptStore& store, std::mt19937_64& random) {
  const std::vector<std::string> bounds = {"0.005", "0.01", "0.05", "0.1", "0.5",
                                           "1",     "2.5",  "5",    "10",  "+Inf"};
  std::uniform_int_distribution<int> step(0, 5);
  for (int i = 0; i < 1000; ++i) {
    const int instance = i % kInstances;
    for (size_t b = 0; b < bounds.size(); ++b) {
      double value = 0;
      Fill(store,
           {{"__name__", "b_bucket"},
            {"handler", "/h" + std::to_string(i / kInstances)},
            {"instance", "host-" + std::to_string(instance)},
            {"job", "job-" + std::to_string(instance % 8)},
            {"le", bounds[b]}},
           instance, kSpan / 4, [&] { return value += step(random) + static_cast<double>(3 * b); });
    }
  }
}

struct Case {
  std::string query;
  int64_t range;  // 0: instant
  int64_t step;
};

double CpuMs() { return static_cast<double>(std::clock()) * 1000 / CLOCKS_PER_SEC; }
double WallMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

double BestMs(Engine& engine, ScriptStore& store, const Case& c, double (*clock)()) {
  const int64_t end = c.query.find("b_bucket") == c.query.npos ? kSpan : kSpan / 4;
  double best = 1e9;
  for (int run = 0; run < (std::getenv("RUNS") ? std::atoi(std::getenv("RUNS")) : 9); ++run) {
    const double start = clock();
    const auto result = c.range == 0
                            ? engine.Instant(store, c.query, Timestamp::FromMs(end))
                            : engine.Range(store, c.query,
                                           RangeSpec{Timestamp::FromMs(end - c.range),
                                                     Timestamp::FromMs(end), Duration(c.step)});
    if (!result.ok()) {
      std::fprintf(stderr, "%s: %s\n", c.query.c_str(), result.status().message().c_str());
      std::exit(1);
    }
    best = std::min(best, clock() - start);
  }
  return best;
}

int Main(int argc, char** argv) {
  std::mt19937_64 random(1);
  ScriptStore store;
  FillCounters(store, random);
  FillGauges(store, random);
  FillHistograms(store, random);
  SelfMetrics metrics;
  Workers workers("query", 1, 64);
  EngineOptions options;
  Engine one(options, SystemClock(), metrics);
  options.workers = &workers;
  SelfMetrics more_metrics;
  Engine two(options, SystemClock(), more_metrics);

  constexpr int64_t kHour = 3'600'000;
  const std::vector<Case> cases = {
      {"sum by (code) (rate(m_total[5m]))", 6 * kHour, 60'000},
      {"sum by (code) (rate(m_total[5m]))", 3 * kHour, 60'000},
      {"sum by (job) (rate(m_total[5m]))", kHour, 15'000},
      {"sum by (job) (rate(m_total[5m]))", 0, 0},
      {"histogram_quantile(0.9, rate(b_bucket[5m]))", kHour, 60'000},
      {"histogram_quantile(0.9, rate(b_bucket[5m]))", 0, 0},
      {"histogram_quantile(0.9, sum by (le, job) (rate(b_bucket[5m])))", 0, 0},
      {"avg_over_time(g[6h])", 0, 0},
      {"avg_over_time(g[1h])", 5 * kHour, 60'000},
      {"max_over_time(g[1h])", 5 * kHour, 60'000},
      {"quantile_over_time(0.9, g[1h])", 5 * kHour, 60'000},
      {"stddev_over_time(g[1h])", 5 * kHour, 60'000},
      {"topk(10, rate(m_total[5m]))", 0, 0},
      {"count({__name__!=\"\"})", 0, 0},
      {"sum by (instance) (g) / on (instance) group_left sum by (instance) (g)", kHour, 15'000},
      {"rate(m_total[5m]) / rate(m_total[1h])", kHour, 60'000},
      {"g{instance=\"host-1\",sensor=\"1\"}", 6 * kHour, 15'000},
      {"g{instance=\"host-1\",sensor=\"1\"}", 0, 0},
  };
  for (const Case& c : cases) {
    if (argc > 1 && c.query.find(argv[1]) == c.query.npos) continue;
    const std::string span =
        c.range == 0 ? "instant"
                     : std::to_string(c.range / kHour) + "h/" + std::to_string(c.step / 1000) + "s";
    std::printf("%-75s %-9s %9.3f ms CPU %9.3f ms with a helper\n", c.query.c_str(), span.c_str(),
                BestMs(one, store, c, CpuMs), BestMs(two, store, c, WallMs));
  }
  return 0;
}

}  // namespace
}  // namespace canopy::promql

int main(int argc, char** argv) { return canopy::promql::Main(argc, argv); }
