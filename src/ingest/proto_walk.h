#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "canopy/exposition/proto.h"
#include "page_walk.h"

namespace canopy::ingest {

// A page in protobuf. Each page gets a list of its series: to find a series again, what it is
// called has to be read anyway. One walk, one page. Not thread-safe.
class ProtoWalk final : public Walk, private exposition::ProtoSink {
 public:
  // Everything passed by reference must outlive the walk. The batch is emptied first.
  ProtoWalk(std::string_view page, const PageRules& rules, const model::Labels& target,
            const Scrape& scrape, const Entries& old_page, WalkMemory& memory);

  Status Run() override;
  const WalkFigures& figures() const override { return figures_; }
  bool differs() const override { return true; }
  uint64_t metadata_hash() const override { return metadata_hash_; }
  void AddVanished(std::vector<SeriesRef>& out) const override;

 private:
  using Series = exposition::ProtoSeries;
  using Value = storage::HistogramValue;

  void Family(const exposition::ProtoFamily& family) override;
  Status Sample(const Series& series, double value) override;
  Status Histogram(const Series& series, Value value) override;

  // Where the sample goes: push(ref) for a series that is known, push(labels) for one that is not.
  template <class Push>
  Status Take(const Series& series, bool histogram, Push push);
  SeriesIndex::Place Find(uint64_t hash);
  template <class Push>
  Status TakeRepeated(const Series& series, uint64_t hash, const SeriesIndex::Place& first,
                      bool histogram, Push push);
  template <class Push>
  Status TakeNew(const Series& series, uint64_t hash, bool histogram, Push push);
  // False when it is dropped by relabelling.
  Result<bool> FinishLabels(const Series& series, model::Labels& out);
  // False: past the limit, or too far in the future.
  bool CountAppended(const Series& series);

  bool HasOwnTime(const Series& series) const {
    return rules_.honor_timestamps && series.time.has_value();
  }
  Timestamp TimeOf(const Series& series) const { return HasOwnTime(series) ? *series.time : time_; }
  Entry::Kind KindOf(const Series& series) const {
    return HasOwnTime(series) && !rules_.track_timestamps_staleness ? Entry::Kind::kUntracked
                                                                    : Entry::Kind::kTracked;
  }
  std::vector<uint32_t>& AddedOf(bool histogram) {
    return histogram ? memory_.added_histograms : memory_.added;
  }
  void AddExemplars(const Series& series, SeriesRef ref);
  void AddExemplars(const Series& series, const model::Labels& labels);
  // One that names no time is of its sample's.
  model::Exemplar Timed(const Series& series, model::Exemplar exemplar) const;

  const std::string_view page_;
  const PageRules& rules_;
  const model::Labels& target_;
  const Timestamp time_;
  const Timestamp newest_allowed_;
  const Entries& old_;
  WalkMemory& memory_;

  size_t cursor_ = 0;  // where the old page would have the next series
  uint64_t appended_ = 0;
  uint64_t metadata_hash_ = 0;
  // Of the family that is being read, where they are labels.
  model::MetricType type_ = model::MetricType::kUnknown;
  std::string unit_;
  uint64_t salt_ = 0;  // of both, in the hashes of series
  WalkFigures figures_;
};

}  // namespace canopy::ingest
