#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "annotations.h"
#include "canopy/base/clock.h"
#include "canopy/base/status.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/model/symbols.h"
#include "canopy/promql/durations.h"
#include "canopy/promql/engine.h"
#include "canopy/storage/queryable.h"
#include "histogram_stats.h"
#include "read_scope.h"
#include "row.h"

namespace canopy::promql {

// Ends an evaluation. Thrown and caught inside this module only: the engine turns it into a Status.
struct EvalError {
  Status status;
  // Not an error: the query is to be evaluated again, with `histograms_in_buckets`.
  bool histograms_in_buckets = false;
};
[[noreturn]] void Fail(std::string message);  // kExecution
template <class T>
T OrFail(Result<T> result) {
  if (!result.ok()) throw EvalError{result.status()};
  return std::move(result).value();
}

// Where the samples of one window lie at each step, and what follows from their times alone. For
// series that share their times it is found once.
struct Windows {
  // Step i sees samples [begin[i], end[i]).
  std::vector<uint32_t> begin;
  std::vector<uint32_t> end;
  // With anchored or smoothed, among which samples those were looked for: [seen_begin, seen_end).
  // Empty otherwise.
  std::vector<uint32_t> seen_begin;
  std::vector<uint32_t> seen_end;
  int64_t samples = 0;   // seen by all steps together
  int64_t fresh = 0;     // of these, what no earlier step had seen
  uint32_t largest = 0;  // seen by one step, at most

  uint32_t first_seen(size_t step) const {
    return seen_begin.empty() ? begin[step] : seen_begin[step];
  }
  uint32_t after_seen(size_t step) const { return seen_end.empty() ? end[step] : seen_end[step]; }
  uint32_t Fresh(size_t step) const {
    const uint32_t after = after_seen(step);
    const uint32_t known = step == 0 ? 0 : after_seen(step - 1);
    return after - std::max(first_seen(step), std::min(known, after));
  }

  // For rate and its kin, filled by them: see functions_counter.cc.
  struct Extrapolation {
    double sampled_interval;
    double to_start;
    double to_end;
    double factor;
  };
  std::vector<Extrapolation> extrapolation;
};

// What was found for series that share their times, by their times_id. Series of several targets
// may come in turns: as many as there are places are remembered.
template <class T>
class ByTimes {
 public:
  // `find(T&)` fills in what is not known yet.
  template <class Find>
  T& Get(uint64_t times_id, Find find) {
    if (places_.empty()) places_.resize(kPlaces);
    Place& place = times_id == 0 ? unshared_ : places_[times_id % kPlaces];
    if (times_id == 0 || place.times_id != times_id) {
      find(place.found);
      place.times_id = times_id;
    }
    return place.found;
  }

 private:
  static constexpr size_t kPlaces = 64;
  struct Place {
    uint64_t times_id = 0;
    T found;
  };
  Place unshared_;
  std::vector<Place> places_;
};

// Memory that a node of the plan uses for one series after another.
struct NodeBuffers {
  storage::ColumnBuffer columns;
  storage::ColumnBuffer kept;  // without staleness markers
  std::vector<double> row;
  // For each step the newest sample that counts; -1 for none.
  ByTimes<std::vector<int32_t>> newest;
  ByTimes<Windows> windows;
  std::vector<double> values;
  std::vector<uint32_t> indexes;
  // Of series with native histograms: the row of a subquery, the floats alone, and their windows.
  std::vector<HistogramPtr> histograms;
  storage::ColumnBuffer floats;
  storage::ColumnBuffer stats;
  Windows float_windows;
  std::vector<model::HistogramBucket> buckets;
  // The metric whose name was looked at last: the next series is likely to have the same.
  const model::SymbolSource* name_source = nullptr;
  std::optional<model::Symbol> name_symbol;
  std::optional<model::Symbol> checked_name;
};

// Such memory for all nodes, of one thread.
class Scratch {
 public:
  NodeBuffers& of(size_t node) {
    while (nodes_.size() <= node) nodes_.push_back(std::make_unique<NodeBuffers>());
    return *nodes_[node];
  }

 private:
  std::vector<std::unique_ptr<NodeBuffers>> nodes_;
};

// One query while it runs: what all parts of its evaluation share. Thread-safe where several
// threads compute series of one query: Check, Hold, Release, read scopes and the annotations.
class Query {
 public:
  struct Limits {
    int64_t deadline_nanos = 0;  // of the clock's monotonic time
    int64_t max_samples = 0;
    const CancelToken* cancel = nullptr;
  };
  Query(const EngineOptions& o, const Clock& clock, Limits limits, Duration lookback);

  // Ends the query when it was canceled or its time is over. Costs some 20 ns: once per series, and
  // within a series once per thousand operations or so.
  void Check() const;
  // What it would end with.
  Status Interrupted() const;
  // Ends the query when it has more steps than it may have samples: before rows are made for them.
  void CheckSteps(size_t count) const;
  // Samples that the evaluation keeps in memory, counted as Prometheus does: what an expression
  // yields counts until the expression around it is done.
  void Hold(int64_t samples);
  void Release(int64_t samples) { held_.fetch_sub(samples, std::memory_order_relaxed); }
  // Places of rows, whether there is a value or not: where series are short-lived and steps are
  // many, these are what takes memory. At most four times as many as samples, which is no more
  // memory than Prometheus needs for them.
  void HoldPlaces(int64_t places);
  void ReleasePlaces(int64_t places) { places_.fetch_sub(places, std::memory_order_relaxed); }
  // What samples count for that selectors read: of those that are being built. See InScope.
  const ReadScope& scope() const { return *scope_; }
  void BeginReads(bool per_step);

  size_t NewNode() { return next_node_++; }

  // Forgets what was counted and noted. REQUIRES: nothing of an evaluation is left.
  void StartAgain();

  const EngineOptions& engine;
  const int64_t lookback_ms;
  storage::Querier* querier = nullptr;
  int64_t max_time_ms = 0;  // up to which the querier sees
  // Of the whole query: what start(), end(), step() and range() mean. The end may lie after the
  // last step.
  Steps steps;
  int64_t end_ms = 0;
  QueryTimes times;
  bool per_step_stats = false;
  SelectorSet without_buckets;
  // Some series with a bucket's bound in its label has native histograms: see
  // functions_histogram.cc.
  bool histograms_in_buckets = false;
  Annotations annotations;
  Scratch scratch;

  const ReadCounts& reads() const { return reads_; }
  int64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  friend class InScope;

  const Clock& clock_;
  const Limits limits_;
  size_t next_node_ = 0;
  std::atomic<int64_t> held_{0};
  std::atomic<int64_t> places_{0};
  std::atomic<int64_t> peak_{0};
  ReadCounts reads_;
  std::deque<ReadScope> scopes_;
  const ReadScope* scope_ = nullptr;
};

// While it lives, selectors are built in an inner scope.
class InScope {
 public:
  InScope(Query& query, const ReadScope& scope) : query_(query), outer_(query.scope_) {
    query.scope_ = &query.scopes_.emplace_back(scope);
  }
  ~InScope() { query_.scope_ = outer_; }
  InScope(const InScope&) = delete;
  InScope& operator=(const InScope&) = delete;

 private:
  Query& query_;
  const ReadScope* const outer_;
};

// Samples that one result keeps, and places for them; given back when it goes.
class HeldSamples {
 public:
  explicit HeldSamples(Query& query) : query_(query) {}
  ~HeldSamples() {
    query_.Release(count_.load(std::memory_order_relaxed));
    query_.ReleasePlaces(places_);
  }
  HeldSamples(const HeldSamples&) = delete;
  HeldSamples& operator=(const HeldSamples&) = delete;

  void Add(size_t samples) {
    count_.fetch_add(static_cast<int64_t>(samples), std::memory_order_relaxed);
    query_.Hold(static_cast<int64_t>(samples));
  }
  // Before the memory is asked for. Not thread-safe.
  void AddPlaces(size_t places) {
    places_ += static_cast<int64_t>(places);
    query_.HoldPlaces(static_cast<int64_t>(places));
  }

 private:
  Query& query_;
  std::atomic<int64_t> count_{0};
  int64_t places_ = 0;
};

}  // namespace canopy::promql
