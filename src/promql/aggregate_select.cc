#include "aggregate_select.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "canopy/base/hash.h"
#include "canopy/base/number.h"
#include "grouping.h"

namespace canopy::promql {
namespace {

struct Candidate {
  double value;
  size_t series;
};

// True when `a` is to be shown before `b`. Of equal ones the first to come, so that answers do not
// change from one evaluation to the next.
template <bool kTop>
bool Before(const Candidate& a, const Candidate& b) {
  const bool a_nan = std::isnan(a.value);
  const bool b_nan = std::isnan(b.value);
  if (a_nan != b_nan) return b_nan;
  if (!a_nan && a.value != b.value) return kTop ? a.value > b.value : a.value < b.value;
  return a.series < b.series;
}

// The best `k` of each group at each step.
template <bool kTop>
class BestOf {
 public:
  BestOf(size_t steps, std::span<const int64_t> k) : steps_(steps), k_(k) {}

  void Add(size_t group, size_t series, std::span<const double> row) {
    if ((group + 1) * steps_ > heaps_.size()) heaps_.resize((group + 1) * steps_);
    for (size_t s = 0; s < row.size(); ++s) {
      if (IsAbsent(row[s]) || k_[s] < 1) continue;
      AddTo(heaps_[group * steps_ + s], static_cast<size_t>(k_[s]), {row[s], series});
    }
  }

  // Calls fn(series, step, value), the best first.
  template <class Fn>
  void ForEach(Fn fn) {
    for (size_t n = 0; n < heaps_.size(); ++n) {
      std::sort(heaps_[n].begin(), heaps_[n].end(), Before<kTop>);
      for (const Candidate& c : heaps_[n]) fn(c.series, n % steps_, c.value);
    }
  }

 private:
  // The one that would go first is on top.
  static void AddTo(std::vector<Candidate>& heap, size_t k, const Candidate& c) {
    if (heap.size() < k) {
      heap.push_back(c);
      std::push_heap(heap.begin(), heap.end(), Before<kTop>);
    } else if (Before<kTop>(c, heap.front())) {
      std::pop_heap(heap.begin(), heap.end(), Before<kTop>);
      heap.back() = c;
      std::push_heap(heap.begin(), heap.end(), Before<kTop>);
    }
  }

  const size_t steps_;
  const std::span<const int64_t> k_;
  std::vector<std::vector<Candidate>> heaps_;  // groups by steps
};

// The first `k` of each group at each step.
class FirstOf {
 public:
  FirstOf(size_t steps, std::span<const int64_t> k) : steps_(steps), k_(k) {}

  template <class Fn>
  void Add(size_t group, const Row& row, Fn take) {
    if ((group + 1) * steps_ > counts_.size()) counts_.resize((group + 1) * steps_, 0);
    for (size_t s = 0; s < row.size(); ++s) {
      int64_t& count = counts_[group * steps_ + s];
      if (!row.present(s) || count >= k_[s]) continue;
      ++count;
      take(s);
    }
  }

 private:
  const size_t steps_;
  const std::span<const int64_t> k_;
  std::vector<int64_t> counts_;
};

// The result: rows for those series that are taken at some step.
class Taken {
 public:
  Taken(Query& query, SourcePtr source, size_t steps)
      : place_(source->size(), kNone),
        out_(std::make_unique<PickedRows>(query, std::move(source), steps)) {}

  void Take(size_t series, size_t step, double value) { out_->row(RowOf(series))[step] = value; }
  void Take(size_t series, size_t step, const Row& row) {
    out_->rows().SetStep(RowOf(series), step, row);
  }
  SourcePtr Build() {
    out_->Seal();
    return std::move(out_);
  }

 private:
  size_t RowOf(size_t series) {
    size_t& n = place_[series];
    if (n == kNone) n = out_->Pick(series);
    return n;
  }

  static constexpr size_t kNone = static_cast<size_t>(-1);
  std::vector<size_t> place_;
  std::unique_ptr<PickedRows> out_;
};

// Where in [0, 1] a series falls: by the hash of its labels as Prometheus keeps them in memory
// (model/labels/labels_stringlabels.go: each string behind its length, which takes one byte below
// 255), so that both pick the same series.
double SampleOffset(const SeriesLabels& labels) {
  std::string bytes;
  const auto append = [&](std::string_view text) {
    if (text.size() < 255) {
      bytes += static_cast<char>(text.size());
    } else {
      bytes += '\xff';
      for (const int shift : {0, 8, 16}) bytes += static_cast<char>(text.size() >> shift);
    }
    bytes += text;
  };
  labels.ForEach([&](std::string_view name, std::string_view value) {
    append(name);
    append(value);
  });
  return static_cast<double>(base::XxHash64(bytes)) / 18446744073709551615.0;
}

bool InRatio(double ratio, double offset) {
  return ratio >= 0 ? offset < ratio : offset >= 1.0 + ratio;
}

// How many series at each step, at most all. Empty when there are none at any step.
std::vector<int64_t> Counts(std::span<const double> param, size_t series) {
  std::vector<int64_t> k;
  const auto [least, most] = ExtremesOf(param);
  if (most < 1) return k;
  if (std::isnan(most)) Fail("Parameter value is NaN");
  const auto text = [](double v) {
    std::string out;
    base::AppendFloatShortest(out, v);
    return out;
  };
  if (least <= -9223372036854775808.0) Fail("Scalar value " + text(least) + " underflows int64");
  if (most >= 9223372036854774784.0) Fail("Scalar value " + text(most) + " overflows int64");
  for (const double v : param)
    k.push_back(std::min(static_cast<int64_t>(v), static_cast<int64_t>(series)));
  return k;
}

template <class Fn>
void ForEachGrouped(Query& query, const Aggregate& aggregate, const SeriesSource& source,
                    size_t steps, Fn fn) {
  Grouping grouping(aggregate.grouping, aggregate.without);
  ForEachRow(query, source, steps,
             [&](size_t i, const Row& row) { fn(grouping.GroupOf(source.labels(i)), i, row); });
}

// Histograms have no order: they are left out, and it is said.
void NoteIgnored(Query& query, const Aggregate& aggregate, const Row& row,
                 std::span<const int64_t> k) {
  for (size_t s = 0; s < row.histograms.size(); ++s) {
    if (row.histograms[s] == nullptr || k[s] < 1) continue;
    query.annotations.HistogramIgnoredInAggregation(AggregateOpText(aggregate.op), aggregate.pos);
    return;
  }
}

template <bool kTop>
SourcePtr Best(Query& query, const Aggregate& aggregate, SourcePtr source, size_t steps,
               std::span<const int64_t> k) {
  BestOf<kTop> best(steps, k);
  ForEachGrouped(query, aggregate, *source, steps, [&](size_t group, size_t i, const Row& row) {
    if (row.has_histograms()) NoteIgnored(query, aggregate, row, k);
    best.Add(group, i, row.values);
  });
  Taken taken(query, std::move(source), steps);
  best.ForEach([&](size_t series, size_t step, double value) { taken.Take(series, step, value); });
  return taken.Build();
}

SourcePtr First(Query& query, const Aggregate& aggregate, SourcePtr source, size_t steps,
                std::span<const int64_t> k) {
  FirstOf first(steps, k);
  const SeriesSource& from = *source;
  Taken taken(query, std::move(source), steps);
  ForEachGrouped(query, aggregate, from, steps, [&](size_t group, size_t i, const Row& row) {
    first.Add(group, row, [&](size_t step) { taken.Take(i, step, row); });
  });
  return taken.Build();
}

SourcePtr Ratio(Query& query, const Aggregate& aggregate, SourcePtr source, size_t steps,
                std::span<const double> ratios) {
  const auto [least, most] = ExtremesOf(ratios);
  if (least == 0 && most == 0) return EmptySource(query, steps);
  if (std::isnan(most)) Fail("Ratio value is NaN");
  const PositionRange pos = aggregate.param->pos;
  if (most > 1) query.annotations.InvalidRatio(most, 1, pos);
  if (least < -1) query.annotations.InvalidRatio(least, -1, pos);
  const SeriesSource& from = *source;
  Taken taken(query, std::move(source), steps);
  ForEachRow(query, from, steps, [&](size_t i, const Row& row) {
    const double offset = SampleOffset(from.labels(i));
    for (size_t s = 0; s < steps; ++s) {
      if (!row.present(s) || ratios[s] == 0) continue;
      if (InRatio(std::clamp(ratios[s], -1.0, 1.0), offset)) taken.Take(i, s, row);
    }
  });
  return taken.Build();
}

}  // namespace

Extremes ExtremesOf(std::span<const double> param) {
  Extremes out{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const double v : param) {
    if (std::isnan(v)) return {v, v};
    out.least = std::min(out.least, v);
    out.most = std::max(out.most, v);
  }
  return out;
}

bool SelectsSeries(AggregateOp op) {
  return op == AggregateOp::kTopk || op == AggregateOp::kBottomk || op == AggregateOp::kLimitk ||
         op == AggregateOp::kLimitRatio;
}

SourcePtr SelectSeries(Query& query, const Aggregate& aggregate, SourcePtr source, size_t steps,
                       std::span<const double> param) {
  if (steps == 0) return source;
  if (aggregate.op == AggregateOp::kLimitRatio)
    return Ratio(query, aggregate, std::move(source), steps, param);
  const std::vector<int64_t> k = Counts(param, source->size());
  if (k.empty()) return EmptySource(query, steps);
  if (aggregate.op == AggregateOp::kTopk)
    return Best<true>(query, aggregate, std::move(source), steps, k);
  if (aggregate.op == AggregateOp::kBottomk)
    return Best<false>(query, aggregate, std::move(source), steps, k);
  return First(query, aggregate, std::move(source), steps, k);
}

}  // namespace canopy::promql
