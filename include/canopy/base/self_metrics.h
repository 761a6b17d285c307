#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/clock.h"

// What Canopy shows about itself at /metrics, with Prometheus's own names where the thing is the
// same. Metrics are created once and live as long as the registry; updates are lock-free atomics.

namespace canopy {

class Counter {
 public:
  void Add(double v = 1) { value_.fetch_add(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Gauge {
 public:
  void Set(double v) { value_.store(v, std::memory_order_relaxed); }
  void Add(double v) { value_.fetch_add(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// A classic histogram: counts by upper bound, cumulative when rendered.
class HistogramMetric {
 public:
  explicit HistogramMetric(std::vector<double> bounds);
  void Observe(double v);

  const std::vector<double>& bounds() const { return bounds_; }
  // Observations in the bucket of bounds()[i]; i == bounds().size() is +Inf. Not cumulative.
  uint64_t count(size_t i) const { return counts_[i].load(std::memory_order_relaxed); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

// A summary over the last ten minutes, with the quantiles 0.01, 0.05, 0.5, 0.9 and 0.99 to 1 % of
// their value. Thread-safe.
class SummaryMetric {
 public:
  // `clock` must outlive it; only its monotonic side is read.
  explicit SummaryMetric(const Clock& clock = SystemClock());
  ~SummaryMetric();
  void Observe(double v);
  struct Snapshot {
    std::vector<std::pair<double, double>> quantiles;  // (quantile, value or NaN when empty)
    double sum = 0;
    uint64_t count = 0;
  };
  Snapshot Read() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

// Names and labels of all metrics of this process. Thread-safe. The same (name, labels) asked for
// twice gives the same object; asked for with another kind is a bug.
class SelfMetrics {
 public:
  using MetricLabels = std::vector<std::pair<std::string, std::string>>;

  // `clock` moves the windows of summaries and must outlive the registry.
  explicit SelfMetrics(const Clock& clock = SystemClock());
  ~SelfMetrics();
  SelfMetrics(const SelfMetrics&) = delete;
  SelfMetrics& operator=(const SelfMetrics&) = delete;

  Counter& AddCounter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& AddGauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  HistogramMetric& AddHistogram(std::string_view name, std::string_view help,
                                std::vector<double> bounds, MetricLabels labels = {});
  SummaryMetric& AddSummary(std::string_view name, std::string_view help, MetricLabels labels = {});
  // A gauge or counter whose value is asked for when rendered. `read` must be thread-safe; it is
  // called without any lock of the registry held.
  void AddGaugeFn(std::string_view name, std::string_view help, std::function<double()> read,
                  MetricLabels labels = {});
  void AddCounterFn(std::string_view name, std::string_view help, std::function<double()> read,
                    MetricLabels labels = {});
  // Forgets every metric whose labels contain all of `labels` (a scrape pool that went away).
  // References to them are dead after this. Waits for renderings under way, so that no `read`
  // function of theirs runs after it: hold no lock that such a function takes.
  void Remove(std::string_view name, const MetricLabels& labels);

  // Adds process_* (CPU, resident memory, open files, start time) as client libraries name them.
  void AddProcessMetrics();

  // All of it as text 0.0.4, families sorted by name.
  std::string RenderText() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace canopy
