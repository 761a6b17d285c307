#include <algorithm>

#include "select.h"

namespace canopy::promql {
namespace {

constexpr int64_t kDefaultStepMs = 60'000;

class Subsamples final : public ColumnSource {
 public:
  Subsamples(Query& query, SourcePtr inner, const Steps& inner_steps, const LookAt& look,
             int64_t range_ms)
      : ColumnSource({look, range_ms}), inner_(std::move(inner)), node_(query.NewNode()) {
    times_.reserve(inner_steps.count);
    for (size_t i = 0; i < inner_steps.count; ++i) times_.push_back(inner_steps.at(i));
  }

  size_t size() const override { return inner_->size(); }
  SeriesLabels labels(size_t i) const override { return inner_->labels(i); }
  bool distinct_without_metadata() const override { return inner_->distinct_without_metadata(); }
  bool reads_samples() const override { return false; }

  storage::Columns Read(size_t i, Scratch& scratch) const override {
    NodeBuffers& buffers = scratch.of(node_);
    buffers.row.resize(times_.size());
    Row row(buffers.row);
    if (times_.empty() || !inner_->Fill(i, scratch, row)) return {};
    // Rows without gaps share their times.
    if (CountPresent(row.values) == times_.size()) return {times_, row.values, 1};
    storage::ColumnBuffer& kept = buffers.kept;
    kept.Clear();
    for (size_t n = 0; n < times_.size(); ++n) {
      if (!row.present(n)) continue;
      kept.times.push_back(times_[n]);
      kept.values.push_back(row.histogram(n) ? model::NormalNan() : row.values[n]);
      if (row.has_histograms()) kept.histograms.push_back(WithoutHint(row.histograms[n]));
    }
    buffers.histograms = std::move(row.histograms);
    return {kept.times, kept.values, 0, kept.histograms};
  }

 private:
  // What was known of resets between samples does not hold between those that a subquery picks:
  // some are left out, some come twice.
  static const model::FloatHistogram* WithoutHint(HistogramPtr& h) {
    if (h && (h->hint == model::CounterResetHint::kReset ||
              h->hint == model::CounterResetHint::kNotReset)) {
      auto copy = std::make_shared<model::FloatHistogram>(*h);
      copy->hint = model::CounterResetHint::kUnknown;
      h = std::move(copy);
    }
    return h.get();
  }

  const SourcePtr inner_;
  const size_t node_;
  std::vector<int64_t> times_;
};

}  // namespace

Steps SubquerySteps(const Query& query, const Subquery& subquery, const LookAt& look,
                    int64_t range_ms) {
  int64_t interval = OrFail(StepOf(subquery, query.times)).count();
  if (interval == 0) {
    const auto& by_range = query.engine.default_subquery_step;
    interval = by_range ? by_range(Duration(range_ms)).count() : kDefaultStepMs;
    interval = std::max<int64_t>(interval, 1);
  }
  // Multiples of the interval, so that the steps are the same whenever the query is asked.
  const int64_t after = look.first() - range_ms;
  Steps out;
  out.interval = interval;
  out.start = after / interval * interval;
  if (out.start <= after) out.start += interval;
  out.count = 0;
  if (look.last() >= out.start)
    out.count = static_cast<size_t>((look.last() - out.start) / interval) + 1;
  return out;
}

ColumnSourcePtr SubqueryColumns(Query& query, SourcePtr inner, const Steps& inner_steps,
                                const LookAt& look, int64_t range_ms) {
  return std::make_unique<Subsamples>(query, std::move(inner), inner_steps, look, range_ms);
}

}  // namespace canopy::promql
