#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/storage/appender.h"
#include "canopy/storage/queryable.h"

namespace canopy::tsdb {

struct Options {
  // The data directory: holds wal/ and lock, in Prometheus's own layout.
  std::string dir;
  // Chunks that end longer than this before the newest sample of the whole store are dropped, and
  // series that have nothing else with them. Prometheus's head spans 1 to 1.5 block ranges of 2 h,
  // so at least as much is held here.
  Duration head_retention = std::chrono::hours(3);
  // Chunks do not cross multiples of this, so that blocks can be cut there.
  Duration block_range = std::chrono::hours(2);
  uint64_t wal_segment_bytes = 128ull << 20;
  // Records of the log are compressed with snappy, as Prometheus's are by default.
  bool wal_compression = true;
  // Off: two processes may open the directory. For --storage.tsdb.no-lockfile.
  bool lock_dir = true;
  // How often a thread of the store looks whether old data has to go; zero: never by itself, only
  // when DropOld() is called.
  Duration maintenance_interval = std::chrono::minutes(1);
  // Threads that decode the log at start; zero: as many as there are processors, at most four.
  int replay_threads = 0;
};

// One line of a "top" list at /api/v1/status/tsdb.
struct NamedCount {
  std::string name;
  uint64_t value = 0;
};

// What /api/v1/status/tsdb shows, in its order and under its names.
struct HeadStats {
  uint64_t num_series = 0;
  uint64_t num_label_pairs = 0;
  uint64_t chunk_count = 0;
  // Of an empty head: Timestamp::Max() and Timestamp::Min(), as Prometheus shows them.
  Timestamp min_time = Timestamp::Max();
  Timestamp max_time = Timestamp::Min();
  // Each list descending by value.
  std::vector<NamedCount> series_count_by_metric_name;
  std::vector<NamedCount> label_value_count_by_label_name;
  std::vector<NamedCount> memory_in_bytes_by_label_name;
  std::vector<NamedCount> series_count_by_label_pair;  // names are "name=value"
};

// The store of one node: samples in memory, and a write-ahead log in Prometheus's format behind
// them. Time is the data's, never the wall clock's: an empty store takes samples of any age, and
// from then on drops what is older than head_retention before its newest sample.
// Thread-safe. Queriers must be gone before the Db is destroyed.
class Db : public storage::Appender, public storage::Queryable {
 public:
  // Locks the directory, replays what is there (also what Prometheus left: checkpoint, segments,
  // head chunks), and is then ready. A torn or corrupt end of the log is dropped, counted and
  // logged, and is no error. kExists with the holder's pid when another process has the directory.
  static Result<std::unique_ptr<Db>> Open(Fs& fs, const Clock& clock, SelfMetrics& metrics,
                                          Options options);

  // As storage::Appender. Appends of several threads are fine and are stored one after the other.
  // A sample is kTooOld when it lies before min_valid_time().
  Result<storage::AppendReport> Append(const storage::Batch& batch) override = 0;
  // As storage::Queryable. A set of a Select with newest_only costs one copy per series.
  Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp mint, Timestamp maxt) override = 0;

  // The oldest time that Append takes; Timestamp::Min() while the store is empty.
  virtual Timestamp min_valid_time() const = 0;
  // Each list holds at most `top` entries. Looks at every series: not for a hot path.
  virtual HeadStats Stats(size_t top) const = 0;
  // Drops what is older than head_retention and truncates the log behind it, now. What the store's
  // own thread does each maintenance_interval.
  virtual Status DropOld() = 0;
};

}  // namespace canopy::tsdb
