#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
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
    std::vector<uint32_t> series;  // numbers in set_
  };

  // Samples within [now - lookback, now] count, both ends included. No selectors: nothing.
  static Result<Selection> Resolve(storage::Queryable& store,
                                   std::span<const model::Matchers> selectors, Timestamp now,
                                   Duration lookback);

  std::span<const Family> families() const { return families_; }
  // Series without a metric name cannot be exposed; they are left out and counted here.
  uint64_t nameless() const { return nameless_; }

  // Calls fn(labels, sample) for the series of a family, until it gives an error. Those that have
  // ended with a staleness marker, or have no sample in the range, are passed over.
  template <class Fn>
  Status ForEachNewest(const Family& family, storage::ColumnBuffer& buffer, Fn fn) const;

 private:
  Selection() = default;
  void GroupByName();
  // False: there is none.
  Result<bool> Newest(uint32_t series, storage::ColumnBuffer& buffer, NewestSample& newest) const;

  Timestamp from_;
  Timestamp until_;
  std::unique_ptr<storage::Querier> querier_;  // outlives set_
  std::unique_ptr<storage::SeriesSet> set_;
  std::vector<Family> families_;
  uint64_t nameless_ = 0;
};

template <class Fn>
Status Selection::ForEachNewest(const Family& family, storage::ColumnBuffer& buffer, Fn fn) const {
  constexpr size_t kBatch = 16;
  NewestSample newest;
  for (std::span<const uint32_t> left = family.series; !left.empty();) {
    const auto batch = left.first(std::min(left.size(), kBatch));
    left = left.subspan(batch.size());
    set_->Prefetch(batch);
    for (const uint32_t series : batch) {
      CANOPY_ASSIGN_OR_RETURN(const bool found, Newest(series, buffer, newest));
      if (found) CANOPY_RETURN_IF_ERROR(fn(set_->labels(series), std::as_const(newest)));
    }
  }
  return {};
}

}  // namespace canopy::federation
