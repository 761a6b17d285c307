#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/histogram.h"
#include "canopy/model/matcher.h"
#include "canopy/model/symbols.h"

namespace canopy::storage {

// Samples of one series as arrays of equal length, times ascending (Unix ms), staleness markers
// included. A view into the store or into the caller's buffer.
struct Columns {
  std::span<const int64_t> times;
  // Where a native histogram stands, the value is model::NormalNan(). A marker that was stored as a
  // histogram is shown as one that was stored as a float: here, and as null below.
  std::span<const double> values;
  // Series that are scraped together share their times: within one SeriesSet, equal non-zero ids
  // promise equal `times`, so that work on times is done once for all of them. Zero promises
  // nothing.
  uint64_t times_id = 0;
  // Empty when all of these samples are floats, as nearly always: whoever reads asks once per
  // series, not per sample. Otherwise one entry per sample: the histogram, or null for a float.
  // They are valid, with their buckets in order, and live as long as the columns.
  std::span<const model::FloatHistogram* const> histograms = {};
  // When each sample's counter started (Unix ms), 0 where that is not known. Empty when it is not
  // known of any, or the store does not keep it.
  std::span<const int64_t> start_times = {};
};

// Memory that Read() may decode into; reused from series to series. Not thread-safe.
struct ColumnBuffer {
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<const model::FloatHistogram*> histograms;
  std::vector<int64_t> start_times;

  // A histogram to decode into, which lives until Clear(). It may hold what an earlier one left:
  // set every field. Their memory is kept and used again.
  model::FloatHistogram& NewHistogram() {
    if (used_ == owned_.size()) owned_.push_back(std::make_unique<model::FloatHistogram>());
    return *owned_[used_++];
  }
  void Clear() {
    times.clear();
    values.clear();
    histograms.clear();
    start_times.clear();
    used_ = 0;
  }
  // All of it. REQUIRES: `histograms` and `start_times` are empty, or have an entry per sample.
  Columns View() const { return {times, values, 0, histograms, start_times}; }

 private:
  std::vector<std::unique_ptr<model::FloatHistogram>> owned_;
  size_t used_ = 0;
};

// The series that a selection found, with random access, so that several threads can share the
// work. What it shows is one cut: of every append either all or nothing. Const methods are
// thread-safe.
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  virtual size_t size() const = 0;
  virtual model::SeriesLabelsView labels(size_t i) const = 0;
  // Samples of series i within the querier's [mint, maxt], narrowed to `from` <= t <= `until`. The
  // result lives until `buffer` is used again or the set dies.
  virtual Result<Columns> Read(size_t i, Timestamp from, Timestamp until,
                               ColumnBuffer& buffer) const = 0;
  // These series are about to be looked at, some ten of them: what lies all over the memory may be
  // called for together.
  virtual void Prefetch(std::span<const uint32_t> /*series*/) const {}
};

// Whether work is still wanted: an error says no, and is what the work ends with.
class Interrupt {
 public:
  virtual ~Interrupt() = default;
  virtual Status Check() const = 0;
};

// Asks it at every thousandth step or so. Not thread-safe.
class Patience {
 public:
  // Null: it has no end.
  explicit Patience(const Interrupt* interrupt) : interrupt_(interrupt) {}
  Status Step() {
    if (interrupt_ == nullptr || ++steps_ % 1024 != 0) return {};
    return interrupt_->Check();
  }

 private:
  const Interrupt* interrupt_;
  uint32_t steps_ = 0;
};

struct SelectHints {
  // By labels, as Prometheus orders series. Costs strings: ask only when the order is shown.
  bool sorted = false;
  // Only the newest sample of each series within the range is wanted: it is kept decoded.
  bool newest_only = false;
  // No samples are wanted at all: only labels. Series with no sample in the range may be included.
  bool labels_only = false;
  // 0: none. More matching series fail the selection with kLimit.
  uint64_t max_series = 0;
  // Ends a selection that takes long: of a million series, or of values that a regex is tried on.
  const Interrupt* interrupt = nullptr;
};

// A consistent look at the store over [mint, maxt]. Not thread-safe; what it returns must not
// outlive it.
class Querier {
 public:
  virtual ~Querier() = default;
  // All series that match every matcher and may have samples in the range. No matchers: every
  // series.
  virtual Result<std::unique_ptr<SeriesSet>> Select(std::span<const model::Matcher> matchers,
                                                    const SelectHints& hints) = 0;
  // The union of several selections: a series that more than one of them matches appears once. All
  // of it is one cut. The default asks Select for each and joins by labels; a store that can join
  // earlier does.
  virtual Result<std::unique_ptr<SeriesSet>> SelectAny(std::span<const model::Matchers> selectors,
                                                       const SelectHints& hints);
  // Sorted, without duplicates, of series that match. `limit` 0: all.
  virtual Result<std::vector<std::string>> LabelNames(std::span<const model::Matcher> matchers,
                                                      uint64_t limit) = 0;
  virtual Result<std::vector<std::string>> LabelValues(std::string_view name,
                                                       std::span<const model::Matcher> matchers,
                                                       uint64_t limit) = 0;
};

// Where queries read. Thread-safe.
class Queryable {
 public:
  virtual ~Queryable() = default;
  // Both ends included.
  virtual Result<std::unique_ptr<Querier>> NewQuerier(Timestamp mint, Timestamp maxt) = 0;
};

}  // namespace canopy::storage
