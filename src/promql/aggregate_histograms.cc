#include "aggregate_histograms.h"

namespace canopy::promql {

void GroupedHistograms::Add(size_t group, const SeriesLabels& labels, const Row& row,
                            const Accumulator& floats) {
  if (group >= groups_.size()) groups_.resize(group + 1);
  auto& cells = groups_[group];
  cells.resize(steps_);
  for (size_t s = 0; s < steps_; ++s) {
    const model::FloatHistogram* h = row.histogram(s);
    if (h == nullptr) continue;
    if (!cells[s]) {
      cells[s] = std::make_unique<Cell>();
      cells[s]->after_floats = floats.Has(group, s);
    }
    AddTo(*cells[s], labels, *h);
    if (cells[s]->incompatible && floats.Has(group, s)) {
      cells[s]->incompatible = false;
      cells[s]->after_floats = true;
    }
  }
}

void GroupedHistograms::AddTo(Cell& cell, const SeriesLabels& labels,
                              const model::FloatHistogram& h) {
  if (cell.incompatible || cell.after_floats) return;
  cell.hints.See(h);
  model::HistogramMerge merge;
  if (aggregate_.op == AggregateOp::kSum) {
    if (cell.sum) {
      merge = cell.sum->Add(h);
    } else {
      cell.sum.emplace(h);
    }
  } else if (cell.mean) {
    merge = cell.mean->Add(h);
  } else {
    cell.mean.emplace(h);
  }
  const PositionRange pos = aggregate_.expr->pos;
  if (merge.bounds_reconciled) query_.annotations.MismatchedCustomBuckets("aggregation", pos);
  if (merge.compatible) return;
  cell.incompatible = true;
  query_.annotations.MixedExponentialCustomHistograms(labels.Get(model::kMetricName), pos);
}

void GroupedHistograms::Finish(size_t group, RowTable& rows) {
  if (group >= groups_.size() || groups_[group].empty()) return;
  const PositionRange pos = aggregate_.expr->pos;
  for (size_t s = 0; s < steps_; ++s) {
    const Cell* cell = groups_[group][s].get();
    if (cell == nullptr) continue;
    if (cell->incompatible) {
      rows.floats(group)[s] = Absent();
    } else if (IsPresent(rows.floats(group)[s])) {
      query_.annotations.MixedFloatsHistogramsInAggregation(pos);
      rows.floats(group)[s] = Absent();
    } else {
      if (cell->hints.collide()) query_.annotations.CounterResetCollision("aggregation", pos);
      model::FloatHistogram h = cell->sum ? cell->sum->Total() : cell->mean->Mean();
      model::Compact(h);
      rows.SetHistogram(group, s, std::make_shared<const model::FloatHistogram>(std::move(h)));
    }
  }
}

}  // namespace canopy::promql
