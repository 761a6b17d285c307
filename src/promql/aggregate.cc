#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <bit>
#include <string>

#include "accumulator.h"
#include "aggregate_histograms.h"
#include "aggregate_select.h"
#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/model/histogram_buckets.h"
#include "evaluator.h"
#include "grouping.h"
#include "pace.h"

// sum, avg, min, max, count, group, stddev, stdvar, quantile, count_values. What selects series,
// like topk, is in aggregate_select.cc.

namespace canopy::promql {
namespace {

void WarnOfQuantile(Query& query, std::span<const double> q, PositionRange pos) {
  const auto [least, most] = ExtremesOf(q);
  if (most != most) query.annotations.InvalidQuantile(most, pos);
  if (most > 1) query.annotations.InvalidQuantile(most, pos);
  if (least < 0) query.annotations.InvalidQuantile(least, pos);
}

// Consumes series as they come; one row per group is kept.
class GroupedRows {
 public:
  GroupedRows(Query& query, const Aggregate& aggregate, size_t steps, std::vector<double> param)
      : query_(query),
        aggregate_(aggregate),
        steps_(steps),
        grouping_(aggregate.grouping, aggregate.without),
        accumulator_(NewAccumulator(aggregate.op, steps, std::move(param))) {}

  void Add(const SeriesLabels& labels, const Row& row) {
    const size_t group = grouping_.GroupOf(labels);
    if (group == drop_name_.size()) {
      drop_name_.push_back(false);
      accumulator_->AddGroup();
    }
    drop_name_[group] = drop_name_[group] || labels.drop_name();
    if (row.has_histograms()) return AddMixed(group, labels, row);
    accumulator_->Add(group, 0, row.values);
  }

  SourcePtr Build() {
    auto out = std::make_unique<BuiltRows>(query_, steps_);
    for (size_t group = 0; group < grouping_.size(); ++group) {
      const size_t n = out->Add(grouping_.labels(group), drop_name_[group]);
      accumulator_->Finish(group, out->row(n));
      if (histograms_) histograms_->Finish(group, out->rows());
    }
    out->Seal();
    return out;
  }

 private:
  void AddMixed(size_t group, const SeriesLabels& labels, const Row& row) {
    switch (aggregate_.op) {
      case AggregateOp::kSum:
      case AggregateOp::kAvg:
        if (!histograms_) histograms_.emplace(query_, aggregate_, steps_);
        histograms_->Add(group, labels, row, *accumulator_);
        return accumulator_->Add(group, 0, row.values);
      case AggregateOp::kCount:
      case AggregateOp::kGroup:
        // Only that something is there counts.
        presence_.assign(row.values.begin(), row.values.end());
        for (size_t s = 0; s < steps_; ++s)
          if (row.histogram(s)) presence_[s] = 1;
        return accumulator_->Add(group, 0, presence_);
      default:
        query_.annotations.HistogramIgnoredInAggregation(AggregateOpText(aggregate_.op),
                                                         aggregate_.expr->pos);
        return accumulator_->Add(group, 0, row.values);
    }
  }

  Query& query_;
  const Aggregate& aggregate_;
  const size_t steps_;
  Grouping grouping_;
  const std::unique_ptr<Accumulator> accumulator_;
  std::optional<GroupedHistograms> histograms_;  // once there are any
  std::vector<double> presence_;
  std::vector<bool> drop_name_;
};

// How often each value occurs: the value goes into a label.
class ValueCounts {
 public:
  ValueCounts(Query& query, const Aggregate& aggregate, const std::string& label, size_t steps)
      : label_(label),
        grouping_(BaseNames(aggregate, label), aggregate.without),
        shows_value_(!aggregate.without || !Names(aggregate, label)),
        pace_(query),
        out_(std::make_unique<BuiltRows>(query, steps)) {}

  void Add(const SeriesLabels& labels, const Row& row) {
    const size_t group = grouping_.GroupOf(labels);
    for (size_t s = 0; s < row.size(); ++s) {
      if (!row.present(s)) continue;
      pace_.Step();
      const model::FloatHistogram* h = row.histogram(s);
      double& count =
          out_->row(h ? RowOfText(group, model::ToString(*h)) : RowOf(group, row.values[s]))[s];
      count = IsAbsent(count) ? 1 : count + 1;
    }
  }

  SourcePtr Build() {
    out_->Seal();
    return std::move(out_);
  }

 private:
  static bool Names(const Aggregate& aggregate, const std::string& label) {
    return std::find(aggregate.grouping.begin(), aggregate.grouping.end(), label) !=
           aggregate.grouping.end();
  }

  // The value takes the place of what its label held.
  static std::vector<std::string> BaseNames(const Aggregate& aggregate, const std::string& label) {
    std::vector<std::string> names = aggregate.grouping;
    if (aggregate.without) {
      names.push_back(label);
    } else {
      std::erase(names, label);
    }
    return names;
  }

  size_t RowOf(size_t group, double value) {
    const auto [it, fresh] =
        rows_.try_emplace(std::pair(group, std::bit_cast<uint64_t>(value)), out_->size());
    if (!fresh) return it->second;
    std::string text;
    base::AppendFloatPlain(text, value);
    it->second = RowOfText(group, text);
    return it->second;
  }

  // All NaNs have the same text.
  size_t RowOfText(size_t group, std::string_view text) {
    model::LabelsBuilder builder(grouping_.labels(group));
    if (shows_value_) builder.Set(label_, text);
    const auto [known, first] = row_of_labels_.try_emplace(builder.Build(), out_->size());
    if (first) out_->Add(known->first, false);
    return known->second;
  }

  const std::string& label_;
  Grouping grouping_;
  const bool shows_value_;
  Pace pace_;
  std::unique_ptr<BuiltRows> out_;
  absl::flat_hash_map<std::pair<size_t, uint64_t>, size_t> rows_;
  absl::flat_hash_map<model::Labels, size_t> row_of_labels_;
};

SourcePtr CountValues(Evaluator& evaluator, const Aggregate& aggregate, const Steps& steps) {
  Query& query = evaluator.query();
  const std::string& label = Evaluator::String(*aggregate.param);
  if (label.empty() || !model::IsValidUtf8(label))
    Fail("invalid label name " + base::Quoted(label));
  const SourcePtr source = evaluator.Vector(*aggregate.expr, steps);
  ValueCounts counts(query, aggregate, label, steps.count);
  ForEachRow(query, *source, steps.count,
             [&](size_t i, const Row& row) { counts.Add(source->labels(i), row); });
  return counts.Build();
}

}  // namespace

SourcePtr EvalAggregate(Evaluator& evaluator, const Aggregate& aggregate, const Steps& steps) {
  Query& query = evaluator.query();
  if (aggregate.op == AggregateOp::kCountValues) return CountValues(evaluator, aggregate, steps);
  std::vector<double> param;
  if (aggregate.param) param = evaluator.Scalar(*aggregate.param, steps);
  SourcePtr source = evaluator.Vector(*aggregate.expr, steps);
  if (SelectsSeries(aggregate.op))
    return SelectSeries(query, aggregate, std::move(source), steps.count, param);

  if (aggregate.op == AggregateOp::kQuantile) WarnOfQuantile(query, param, aggregate.param->pos);
  GroupedRows groups(query, aggregate, steps.count, std::move(param));
  ForEachRow(query, *source, steps.count,
             [&](size_t i, const Row& row) { groups.Add(source->labels(i), row); });
  return groups.Build();
}

}  // namespace canopy::promql
