#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/histogram.h"
#include "canopy/model/matcher.h"
#include "canopy/model/symbols.h"
#include "canopy/storage/queryable.h"

namespace canopy::federation {

struct NewestSample {
  Timestamp time;
  double value = 0;
  // The sample is this; null for a float. Lives until the buffer is used again.
  const model::FloatHistogram* histogram = nullptr;

  bool gauge_histogram() const {
    return histogram && histogram->hint == model::CounterResetHint::kGauge;
  }
};

// What one page of /federate shows: of each series that a selector matches the newest sample, all
// from one cut of the store, families in the order of their names. Immutable; const methods are
// thread-safe with a buffer each.
class Selection {
 public:
  // The series of one metric name.
  struct Family {
    std::string name;
    std::vector<uint32_t> series;  // numbers for labels() and Newest()
  };

  // Samples within [now - lookback, now] count, both ends included. No selectors: nothing.
  static Result<Selection> Resolve(storage::Queryable& store,
                                   std::span<const model::Matchers> selectors, Timestamp now,
                                   Duration lookback);

  std::span<const Family> families() const { return families_; }
  // Series without a metric name cannot be exposed; they are left out and counted here.
  uint64_t nameless() const { return nameless_; }

  model::SeriesLabelsView labels(uint32_t series) const { return set_->labels(series); }
  // None when the series has ended with a staleness marker, or has no sample in the range.
  Result<std::optional<NewestSample>> Newest(uint32_t series, storage::ColumnBuffer& buffer) const;

 private:
  Selection() = default;
  void GroupByName();

  Timestamp from_;
  Timestamp until_;
  std::unique_ptr<storage::Querier> querier_;  // outlives set_
  std::unique_ptr<storage::SeriesSet> set_;
  std::vector<Family> families_;
  uint64_t nameless_ = 0;
};

}  // namespace canopy::federation
