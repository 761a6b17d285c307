#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/model/histogram.h"
#include "canopy/model/labels.h"
#include "canopy/model/sample.h"
#include "canopy/storage/appender.h"
#include "canopy/storage/exemplar_queryable.h"
#include "canopy/storage/queryable.h"

namespace canopy::testing {

// Where a native histogram stands, the value is model::NormalNan().
using MemorySeries = std::map<model::Labels, std::vector<model::Sample>>;
using MemoryHistograms =
    std::map<model::Labels, std::map<Timestamp, std::shared_ptr<const model::FloatHistogram>>>;
using MemoryExemplars = std::map<model::Labels, std::vector<model::Exemplar>>;

// A store that is as plain as can be: every series a vector of samples, every query a walk over all
// of them. What tests of services read and write, and an oracle for stores that are clever.
// Thread-safe.
class MemoryStore : public storage::Appender,
                    public storage::Queryable,
                    public storage::ExemplarQueryable {
 public:
  MemoryStore();
  ~MemoryStore() override;

  // A series as promqltest writes it: Load("10s", "m{a=\"b\"} 0+1x10"): its first value at time 0.
  // Aborts on a text that does not parse.
  void Load(Duration interval, std::string_view description);
  void Add(const model::Labels& labels, Timestamp time, double value);
  void Add(const model::Labels& labels, Timestamp time,
           std::shared_ptr<const model::FloatHistogram> histogram);

  Result<storage::AppendReport> Append(const storage::Batch& batch) override;
  Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp mint, Timestamp maxt) override;

  Result<std::vector<storage::ExemplarSeries>> SelectExemplars(
      std::span<const model::Matchers> selectors, Timestamp mint, Timestamp maxt) override;

  // Everything, staleness markers included.
  MemorySeries All() const;
  MemoryExemplars AllExemplars() const;
  // As it was appended, of integers or of floats. Null when there is none at that time.
  std::shared_ptr<const storage::HistogramValue> HistogramAt(const model::Labels& labels,
                                                             Timestamp time) const;

  // From now on, appends and queriers fail with this; ok ends it.
  void FailWith(Status status);
  // Older samples are refused as out of bounds.
  void SetMinTime(Timestamp min_time);

 private:
  storage::AppendResult Put(const model::Labels& labels, model::Sample sample)
      CANOPY_REQUIRES(mu_) {
    return Put(labels, sample, nullptr);
  }
  // With the histogram that the sample is, or null for a float.
  storage::AppendResult Put(const model::Labels& labels, model::Sample sample,
                            const storage::HistogramValue* histogram) CANOPY_REQUIRES(mu_);
  storage::AppendResult PutHistogram(const model::Labels& labels, Timestamp time,
                                     const storage::HistogramValue& value) CANOPY_REQUIRES(mu_);
  SeriesRef RefOf(const model::Labels& labels, storage::AppendReport& report) CANOPY_REQUIRES(mu_);
  // Null when there is no such series.
  const model::Labels* LabelsOf(SeriesRef ref) const CANOPY_REQUIRES(mu_);
  bool PutExemplar(const model::Labels& labels, const model::Exemplar& exemplar)
      CANOPY_REQUIRES(mu_);

  mutable Mutex mu_;
  std::shared_ptr<MemorySeries> series_ CANOPY_GUARDED_BY(mu_);  // copied before it is changed
  MemoryHistograms histograms_ CANOPY_GUARDED_BY(mu_);
  std::map<model::Labels, std::map<Timestamp, std::shared_ptr<const storage::HistogramValue>>>
      histogram_values_ CANOPY_GUARDED_BY(mu_);
  MemoryExemplars exemplars_ CANOPY_GUARDED_BY(mu_);
  std::vector<model::Labels> refs_ CANOPY_GUARDED_BY(mu_);  // of SeriesRef - 1
  std::map<model::Labels, SeriesRef> ref_of_ CANOPY_GUARDED_BY(mu_);
  Status failure_ CANOPY_GUARDED_BY(mu_);
  Timestamp min_time_ CANOPY_GUARDED_BY(mu_) = Timestamp::Min();
};

}  // namespace canopy::testing
