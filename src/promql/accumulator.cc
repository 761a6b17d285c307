#include "accumulator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "canopy/base/kahan.h"
#include "quantile.h"
#include "row.h"

namespace canopy::promql {
namespace {

using base::IsInf;
using base::KahanMean;
using base::SumError;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A row of T per group, one array for all.
template <class T>
class Rows {
 public:
  explicit Rows(size_t steps, T initial) : steps_(steps), initial_(initial) {}
  void AddRow() { all_.resize(all_.size() + steps_, initial_); }
  T* row(size_t group) { return all_.data() + group * steps_; }
  const T* row(size_t group) const { return all_.data() + group * steps_; }

 private:
  const size_t steps_;
  const T initial_;
  std::vector<T> all_;
};

class Sum final : public Accumulator {
 public:
  // From -0 on, since adding that changes nothing, not even the sign of a zero: so a value that is
  // absent is added as -0, and the loop has no branch.
  explicit Sum(size_t steps) : sum_(steps, -0.0), c_(steps, 0), seen_(steps, 0) {}

  void AddGroup() override {
    sum_.AddRow();
    c_.AddRow();
    seen_.AddRow();
  }

  void Add(size_t group, size_t first, std::span<const double> values) override {
    double* __restrict sum = sum_.row(group) + first;
    double* __restrict c = c_.row(group) + first;
    unsigned char* __restrict seen = seen_.row(group) + first;
    const double* __restrict in = values.data();
    for (size_t i = 0; i < values.size(); ++i) {
      const bool present = IsPresent(in[i]);
      const double x = present ? in[i] : -0.0;
      const double s = sum[i];
      const double t = s + x;
      const double next_c = c[i] + SumError(s, x, t);
      c[i] = IsInf(t) ? 0.0 : next_c;
      sum[i] = t;
      seen[i] = static_cast<unsigned char>(seen[i] | static_cast<unsigned char>(present));
    }
  }

  bool Has(size_t group, size_t step) const override { return seen_.row(group)[step] != 0; }

  void Finish(size_t group, std::span<double> out) override {
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = seen_.row(group)[i] ? sum_.row(group)[i] + c_.row(group)[i] : Absent();
  }

 private:
  Rows<double> sum_;
  Rows<double> c_;
  Rows<unsigned char> seen_;
};

class Avg final : public Accumulator {
 public:
  explicit Avg(size_t steps) : means_(steps, {}), seen_(steps, 0) {}

  void AddGroup() override {
    means_.AddRow();
    seen_.AddRow();
  }

  void Add(size_t group, size_t first, std::span<const double> values) override {
    KahanMean* means = means_.row(group) + first;
    unsigned char* seen = seen_.row(group) + first;
    for (size_t i = 0; i < values.size(); ++i) {
      if (IsAbsent(values[i])) continue;
      means[i].Add(values[i]);
      seen[i] = 1;
    }
  }

  bool Has(size_t group, size_t step) const override { return seen_.row(group)[step] != 0; }

  void Finish(size_t group, std::span<double> out) override {
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = seen_.row(group)[i] ? means_.row(group)[i].value() : Absent();
  }

 private:
  Rows<KahanMean> means_;
  Rows<unsigned char> seen_;
};

// Keeps a value as long as it beats the next: NaN only where there is nothing else.
template <class Better>
class Extreme final : public Accumulator {
 public:
  explicit Extreme(size_t steps) : best_(steps, Absent()) {}

  void AddGroup() override { best_.AddRow(); }
  void Add(size_t group, size_t first, std::span<const double> values) override {
    double* best = best_.row(group) + first;
    for (size_t i = 0; i < values.size(); ++i) {
      const bool taken =
          IsPresent(values[i]) && (std::isnan(best[i]) || Better()(values[i], best[i]));
      best[i] = taken ? values[i] : best[i];
    }
  }
  void Finish(size_t group, std::span<double> out) override {
    std::copy_n(best_.row(group), out.size(), out.begin());
  }

 private:
  Rows<double> best_;
};

// count, and group, which is 1 where count is more.
template <bool kGroup>
class Count final : public Accumulator {
 public:
  explicit Count(size_t steps) : counts_(steps, 0) {}

  void AddGroup() override { counts_.AddRow(); }
  void Add(size_t group, size_t first, std::span<const double> values) override {
    uint32_t* counts = counts_.row(group) + first;
    for (size_t i = 0; i < values.size(); ++i)
      counts[i] += static_cast<uint32_t>(IsPresent(values[i]));
  }
  void Finish(size_t group, std::span<double> out) override {
    for (size_t i = 0; i < out.size(); ++i) {
      const uint32_t n = counts_.row(group)[i];
      out[i] = n == 0 ? Absent() : kGroup ? 1.0 : static_cast<double>(n);
    }
  }

 private:
  Rows<uint32_t> counts_;
};

// Welford's running variance; Prometheus compensates no error here.
template <bool kRoot>
class Variance final : public Accumulator {
 public:
  explicit Variance(size_t steps) : states_(steps, {}) {}

  void AddGroup() override { states_.AddRow(); }
  void Add(size_t group, size_t first, std::span<const double> values) override {
    State* states = states_.row(group) + first;
    for (size_t i = 0; i < values.size(); ++i) {
      if (IsAbsent(values[i])) continue;
      State& s = states[i];
      s.count += 1;
      if (s.count == 1) {
        s.mean = values[i];
        s.squares = std::isfinite(values[i]) ? 0 : kNan;
        continue;
      }
      const double delta = values[i] - s.mean;
      s.mean += delta / s.count;
      s.squares += delta * (values[i] - s.mean);
    }
  }
  void Finish(size_t group, std::span<double> out) override {
    for (size_t i = 0; i < out.size(); ++i) {
      const State& s = states_.row(group)[i];
      const double variance = s.squares / s.count;
      out[i] = s.count == 0 ? Absent() : kRoot ? std::sqrt(variance) : variance;
    }
  }

 private:
  struct State {
    double count = 0;
    double mean = 0;
    double squares = 0;
  };
  Rows<State> states_;
};

// Has to keep all values: steps by groups, each with its series.
class QuantileOf final : public Accumulator {
 public:
  QuantileOf(size_t steps, std::vector<double> q) : steps_(steps), q_(std::move(q)) {}

  void AddGroup() override { values_.resize(values_.size() + steps_); }
  void Add(size_t group, size_t first, std::span<const double> values) override {
    std::vector<double>* of_steps = values_.data() + group * steps_ + first;
    for (size_t i = 0; i < values.size(); ++i)
      if (IsPresent(values[i])) of_steps[i].push_back(values[i]);
  }
  void Finish(size_t group, std::span<double> out) override {
    for (size_t i = 0; i < out.size(); ++i) {
      std::vector<double>& values = values_[group * steps_ + i];
      out[i] = values.empty() ? Absent() : Quantile(q_[i], values);
    }
  }

 private:
  const size_t steps_;
  const std::vector<double> q_;
  std::vector<std::vector<double>> values_;
};

}  // namespace

std::unique_ptr<Accumulator> NewAccumulator(AggregateOp op, size_t steps,
                                            std::vector<double> param) {
  switch (op) {
    case AggregateOp::kSum:
      return std::make_unique<Sum>(steps);
    case AggregateOp::kAvg:
      return std::make_unique<Avg>(steps);
    case AggregateOp::kMin:
      return std::make_unique<Extreme<std::less<>>>(steps);
    case AggregateOp::kMax:
      return std::make_unique<Extreme<std::greater<>>>(steps);
    case AggregateOp::kCount:
      return std::make_unique<Count<false>>(steps);
    case AggregateOp::kGroup:
      return std::make_unique<Count<true>>(steps);
    case AggregateOp::kStddev:
      return std::make_unique<Variance<true>>(steps);
    case AggregateOp::kStdvar:
      return std::make_unique<Variance<false>>(steps);
    case AggregateOp::kQuantile:
      return std::make_unique<QuantileOf>(steps, std::move(param));
    default:
      return nullptr;
  }
}

}  // namespace canopy::promql
