#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "canopy/base/ids.h"
#include "canopy/base/mutex.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/time.h"
#include "canopy/model/exemplar.h"
#include "canopy/model/labels.h"
#include "canopy/model/matcher.h"
#include "canopy/storage/exemplar_queryable.h"

namespace canopy::tsdb {

// An exemplar on its way into the store.
struct ExemplarRow {
  SeriesRef series;
  const model::Exemplar* exemplar;
};

// The newest exemplars of all series, at most a fixed number of them, in memory: a ring, in which
// the ones of a series are chained. A new one takes the place of the one that was stored longest
// ago, whose series it is all the same. Thread-safe.
class ExemplarStore {
 public:
  // Source: OpenMetrics 1.0, "Exemplars": characters of names and values together.
  static constexpr size_t kMaxLabelCharacters = 128;

  // A capacity of 0 keeps nothing.
  ExemplarStore(SelfMetrics& metrics, size_t capacity);
  ~ExemplarStore();
  ExemplarStore(const ExemplarStore&) = delete;
  ExemplarStore& operator=(const ExemplarStore&) = delete;

  // Cheap enough for each append.
  bool enabled() const { return capacity_.load(std::memory_order_relaxed) > 0; }
  // Keeps the newest. Returns how many are left.
  size_t Resize(size_t capacity);
  // From now on exemplars are taken that are less than so much older than the newest one of their
  // series; zero, as at first: none older.
  void SetOutOfOrderWindow(Duration window);

  // Sorts the rows by series and time, and removes those that are not to be stored: too many
  // characters, in the store already, or older than what the store takes of the series. Of one that
  // is taken out of order only the time is compared with what the store has, as in Prometheus.
  // Returns how many of the last kind there were where all of a series' rows were so.
  uint32_t Admit(std::vector<ExemplarRow>& rows) const;
  // Stores rows that Admit() has left; `labels` are those of their series, one for each row.
  // Returns how many were stored. REQUIRES: nothing was added since Admit().
  uint32_t Add(std::span<const ExemplarRow> rows, std::span<const model::Labels> labels);
  // One that an earlier process had stored: as Admit() and Add(), but counts nothing.
  void Replay(SeriesRef series, const model::Labels& labels, const model::Exemplar& exemplar);

  // As storage::ExemplarQueryable.
  std::vector<storage::ExemplarSeries> Select(std::span<const model::Matchers> selectors,
                                              Timestamp mint, Timestamp maxt) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Entry {
    SeriesRef series;
    uint32_t before = kNone;  // of the same series, by time
    uint32_t next = kNone;
    model::Exemplar exemplar;
  };
  // Shared with readers, which match labels without the lock.
  using SharedLabels = std::shared_ptr<const model::Labels>;
  // Times ascend from the oldest to the newest. So does the order of storing, but for what came out
  // of order.
  struct Chain {
    SharedLabels labels;
    uint32_t oldest = kNone;
    uint32_t newest = kNone;
  };
  struct Found {
    SeriesRef series;
    SharedLabels labels;
  };

  const Chain* FindChain(SeriesRef series) const CANOPY_REQUIRES(mu_);
  // Where the newest one stands that is not younger; kNone: all are.
  uint32_t FindPlace(const Chain& chain, Timestamp time) const CANOPY_REQUIRES(mu_);
  bool HasTime(const Chain& chain, Timestamp time) const CANOPY_REQUIRES(mu_);
  void Put(SeriesRef series, SharedLabels labels, model::Exemplar exemplar) CANOPY_REQUIRES(mu_);
  void Evict(uint32_t place) CANOPY_REQUIRES(mu_);
  std::vector<Found> FindChains(Timestamp mint, Timestamp maxt) const;

  SelfMetrics& registry_;
  Counter& appended_;
  Counter& out_of_order_;
  std::atomic<size_t> capacity_;

  mutable Mutex mu_;
  Duration out_of_order_window_ CANOPY_GUARDED_BY(mu_){0};
  std::vector<Entry> ring_ CANOPY_GUARDED_BY(mu_);  // grows up to the capacity
  // The one that was stored longest ago: the place of the next one, once the ring is full.
  uint32_t first_ CANOPY_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<uint64_t, Chain> chains_ CANOPY_GUARDED_BY(mu_);  // by ref
};

}  // namespace canopy::tsdb
