#pragma once

#include <vector>

#include "series_source.h"

namespace canopy::promql {

// Series of another source in an order of their own.
class SortedSource final : public WrappedSource {
 public:
  SortedSource(SourcePtr inner, std::vector<size_t> order)
      : WrappedSource(std::move(inner)), order_(std::move(order)) {}
  size_t size() const override { return order_.size(); }
  SeriesLabels labels(size_t i) const override { return inner().labels(order_[i]); }
  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    return inner().Fill(order_[i], scratch, row);
  }

 private:
  const std::vector<size_t> order_;
};

}  // namespace canopy::promql
