#pragma once

#include <cstdint>
#include <vector>

#include "canopy/base/ids.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/labels.h"

namespace canopy::storage {

// What became of one sample.
enum class AppendResult : uint8_t {
  kStored,
  kDuplicate,      // same time and value as the newest sample: nothing to do, no error
  kConflict,       // same time as the newest sample, another value
  kOutOfOrder,     // older than the newest sample of its series
  kTooOld,         // older than what the store takes at all
  kUnknownSeries,  // the ref's series has been dropped: resolve the labels again
};

struct SeriesSample {
  SeriesRef series;
  Timestamp time;
  double value;
};

struct NewSample {
  model::Labels labels;
  Timestamp time;
  double value;
};

// One append: the page of one scrape, the results of one rule, one remote-write request.
struct Batch {
  std::vector<SeriesSample> samples;   // of series whose refs the caller knows
  std::vector<NewSample> new_samples;  // of series to be found by labels, or created
  // Series that the source no longer shows. Each gets a staleness marker at `ended_at`, after
  // everything above; but not one that this batch has a sample of (a source may show a series in
  // other words than before), that has a sample at that time or later, or that the store has
  // dropped. None of these is listed in AppendReport::rejected.
  std::vector<SeriesRef> ended;
  Timestamp ended_at;

  void Clear() {
    samples.clear();
    new_samples.clear();
    ended.clear();
  }
  size_t size() const { return samples.size() + new_samples.size() + ended.size(); }
};

struct AppendReport {
  // A sample that was not stored. `index` counts through samples, then new_samples.
  struct Rejected {
    uint32_t index;
    AppendResult result;
  };
  std::vector<SeriesRef> refs;     // of new_samples, in their order
  std::vector<Rejected> rejected;  // ascending by index; kDuplicate is listed as well
  uint32_t created = 0;            // series that did not exist before
};

// The way into a store. Thread-safe.
class Appender {
 public:
  virtual ~Appender() = default;
  // Stores the batch as one: one log record, visible to readers at once or, on error, not at all.
  // When this returns ok, what was stored survives the death of the process. Samples of one series
  // within a batch must come in order of time. Fails with kIo when the log cannot be written and
  // then has stored nothing.
  virtual Result<AppendReport> Append(const Batch& batch) = 0;
};

}  // namespace canopy::storage
