#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "canopy/base/ids.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/exemplar.h"
#include "canopy/model/histogram.h"
#include "canopy/model/labels.h"
#include "canopy/model/metadata.h"

namespace canopy::storage {

// What became of one sample.
enum class AppendResult : uint8_t {
  kStored,
  // It is there already: nothing to do, no error. Of samples that are older than the newest one of
  // their series, where the store takes such, only the time counts: what is there stays.
  kDuplicate,
  kConflict,       // the newest sample of its series has the same time and another value
  kOutOfOrder,     // older than the newest sample of its series, and the store takes no such
  kOutOfBounds,    // older than what the store takes at all, which takes nothing out of order
  kTooOld,         // older than what the store takes out of order
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

// Of integers, as targets expose and Prometheus stores them, or of floats, as rules and federation
// make them. A store gives back what it got, and readers floats.
using HistogramValue = std::variant<model::Histogram, model::FloatHistogram>;

// When its counter started is in Unix ms, 0 where that is not known.
struct SeriesHistogram {
  SeriesRef series;
  Timestamp time;
  HistogramValue value;
  int64_t start_time = 0;
};
struct NewHistogram {
  model::Labels labels;
  Timestamp time;
  HistogramValue value;
  int64_t start_time = 0;
};

struct SeriesExemplar {
  SeriesRef series;
  model::Exemplar exemplar;
};
struct NewExemplar {
  model::Labels series;
  model::Exemplar exemplar;
};

// What a source says of its metrics, by the names that their series have in the store.
class MetadataByName {
 public:
  // Null: nothing. Valid as long as the source.
  virtual const model::Metadata* Find(std::string_view metric) const = 0;

 protected:
  ~MetadataByName() = default;
};

// One append: the page of one scrape, the results of one rule, one remote-write request. Most have
// nothing but samples: then each other list costs a look at its size.
struct Batch {
  std::vector<SeriesSample> samples;   // of series whose refs the caller knows
  std::vector<NewSample> new_samples;  // of series to be found by labels, or created
  // Native histograms. They are valid (model::Validate): whoever takes them from outside checks. A
  // staleness marker is one whose sum has its bits, and of which nothing else counts. A series may
  // have floats and histograms in turn.
  std::vector<SeriesHistogram> histograms;
  std::vector<NewHistogram> new_histograms;
  // When the counters of `samples` and `new_samples` started: empty where nothing is known,
  // otherwise one for each, Unix ms, 0 where it is not known.
  std::vector<int64_t> start_times;
  std::vector<int64_t> new_start_times;
  // Of series that exist, if only since this batch; others are passed over, and so are those that
  // the store has. Stores that keep no exemplars ignore them. In any order.
  std::vector<SeriesExemplar> exemplars;
  std::vector<NewExemplar> new_exemplars;
  // What the source says of the series of new_samples and new_histograms and, where it has changed,
  // of all that the batch has samples of; null: nothing. Lives until the append is done. For logs:
  // queries read metadata elsewhere, and stores that log none ignore it.
  const MetadataByName* metadata = nullptr;
  bool metadata_changed = false;
  // Series that the source no longer shows. Each gets a staleness marker at `ended_at`, after
  // everything above; but not one that this batch has a sample of (a source may show a series in
  // other words than before), that has a sample at that time or later, or that the store has
  // dropped. None of these is listed in AppendReport::rejected. The marker is a histogram where the
  // newest sample is one.
  std::vector<SeriesRef> ended;
  Timestamp ended_at;
  // What is older than the newest sample of its series is refused even by a store that would take
  // it: for sources that should never have any.
  bool in_order_only = false;

  void Clear() {
    samples.clear();
    new_samples.clear();
    histograms.clear();
    new_histograms.clear();
    start_times.clear();
    new_start_times.clear();
    exemplars.clear();
    new_exemplars.clear();
    metadata = nullptr;
    metadata_changed = false;
    ended.clear();
    in_order_only = false;
  }
  // Samples of all kinds, and markers.
  size_t size() const { return sample_count() + ended.size(); }
  // How far AppendReport counts.
  size_t sample_count() const {
    return samples.size() + new_samples.size() + histograms.size() + new_histograms.size();
  }
};

struct AppendReport {
  // A sample that was not stored. `index` counts through samples, new_samples, histograms and
  // new_histograms, which are also stored in this order.
  struct Rejected {
    uint32_t index;
    AppendResult result;
    // By itself it would have been stored: another sample of the batch was in its way.
    bool within_batch = false;
  };
  std::vector<SeriesRef> refs;     // of new_samples, then of new_histograms, in their order
  std::vector<Rejected> rejected;  // ascending by index; kDuplicate is listed as well
  uint32_t created = 0;            // series that did not exist before
  uint32_t exemplars = 0;          // that were stored
  // Exemplars of series of which the batch has only such that are older than what is stored. A
  // source that shows its last few each time repeats most of them: that is no fault.
  uint32_t exemplars_out_of_order = 0;
};

// The way into a store. Thread-safe.
class Appender {
 public:
  virtual ~Appender() = default;
  // Stores the batch as one: one log record, visible to readers at once or, on error, not at all.
  // When this returns ok, what was stored survives the death of the process. Samples of one series
  // are stored in the order of the batch, one list behind the other: those that come after a later
  // one are out of order. Fails with kIo when the log cannot be written and then has stored
  // nothing.
  virtual Result<AppendReport> Append(const Batch& batch) = 0;
};

}  // namespace canopy::storage
