#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/chunk/encodings.h"
#include "canopy/model/matcher.h"
#include "canopy/storage/appender.h"
#include "canopy/storage/exemplar_queryable.h"
#include "canopy/storage/queryable.h"

namespace canopy::tsdb {

// How far Open() is with the log, in numbers of segments: current goes from min to max.
// Thread-safe.
struct ReplayProgress {
  std::atomic<int> min{0};
  std::atomic<int> max{0};
  std::atomic<int> current{0};
};

struct Options {
  // The data directory: holds blocks, wal/ and lock, in Prometheus's own layout.
  std::string dir;
  // What the head is cut into: blocks of this length, aligned to multiples of it. A block is cut
  // once the head spans one and a half times as much.
  Duration block_range = std::chrono::hours(2);
  // Blocks grow together up to this; zero: a tenth of retention_time, 31 days at most.
  Duration max_block_range{0};
  // Blocks that end so long before the newest one go; zero: none.
  Duration retention_time = std::chrono::days(15);
  // The oldest blocks go while all of the directory is larger; zero: none.
  uint64_t retention_bytes = 0;
  // As SetFloatEncoding().
  chunk::FloatEncoding float_encoding = chunk::FloatEncoding::kXor;
  // As SetOutOfOrderWindow().
  Duration out_of_order_window{0};
  uint64_t wal_segment_bytes = 128ull << 20;
  // Records of the log are compressed with snappy, as Prometheus's are by default.
  bool wal_compression = true;
  // Off: two processes may open the directory. For --storage.tsdb.no-lockfile.
  bool lock_dir = true;
  // Where a sample says when its counter started, and that is later than all of its series, a zero
  // goes in at that time.
  bool start_time_zeros = false;
  // When counters started is kept: of floats as far as they are XOR2 on disk, of histograms as
  // `histogram_form` says.
  bool start_times = false;
  chunk::HistogramForm histogram_form = chunk::HistogramForm::kPlain;
  // Exemplars that are kept in memory, and logged; 0: none are.
  uint64_t max_exemplars = 0;
  // What batches say of their series goes to the log, when it is not what the log says already.
  bool metadata = false;
  // How often a thread of the store looks whether there is something to compact or to drop; zero:
  // never by itself, only when Compact() is called.
  Duration maintenance_interval = std::chrono::minutes(1);
  // Kept up to date while the store opens; may be null. Must outlive the store.
  ReplayProgress* replay_progress = nullptr;
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

// The store of one node, in Prometheus's format: the head, which is in memory with a write-ahead
// log behind it, and blocks on disk. Time is the data's, never the wall clock's: an empty store
// takes samples of any age, and from then on those that are at most one and a half block ranges
// older than the newest, and not in the time of a block that was cut. Samples that come later than
// that, or after later ones of their series, are taken within the out-of-order window, if there is
// one; they have a log and blocks of their own. Thread-safe. Queriers must be gone before the Db is
// destroyed.
class Db : public storage::Appender, public storage::Queryable, public storage::ExemplarQueryable {
 public:
  // Locks the directory, replays what is there (also what Prometheus left: checkpoint, segments,
  // head chunks), and is then ready. A torn or corrupt end of the log is dropped, counted and
  // logged, and is no error. kExists with the holder's pid when another process has the directory.
  static Result<std::unique_ptr<Db>> Open(Fs& fs, const Clock& clock, SelfMetrics& metrics,
                                          Options options);

  // As storage::Appender. Appends of several threads are fine and are stored one after the other.
  // A sample before min_valid_time() is kOutOfBounds; where there is an out-of-order window, one
  // outside of both is kTooOld. Within the window what is older than its series' newest sample is
  // stored, unless the head has a sample of that time, which stays: then it is kDuplicate. Blocks
  // are not looked at: what comes last counts. Exemplars have a record of their own in the log,
  // behind the samples': when that cannot be written, they are lost and the error is logged, for
  // the samples are stored by then.
  Result<storage::AppendReport> Append(const storage::Batch& batch) override = 0;
  // As storage::Queryable. A set of a Select with newest_only costs one copy per series.
  Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp mint, Timestamp maxt) override = 0;

  // Of as many exemplars as max_exemplars says, the ones that were appended last.
  Result<std::vector<storage::ExemplarSeries>> SelectExemplars(
      std::span<const model::Matchers> selectors, Timestamp mint, Timestamp maxt) override = 0;
  // From now on so many are kept; 0: none. When there are more, the newest stay.
  virtual void SetMaxExemplars(uint64_t max) = 0;

  // The oldest time that Append takes in order; Timestamp::Min() while the store is empty.
  virtual Timestamp min_valid_time() const = 0;
  // How far behind the newest sample of all a sample may lie that is older than its series' newest
  // one; zero: none is taken. Exemplars may lie less than that behind the newest one of their
  // series. Counts for appends from now on. kIo when the log of such samples cannot be opened; all
  // is then as before.
  virtual Status SetOutOfOrderWindow(Duration window) = 0;
  // What floats become when they are written to disk from now on: head chunks, blocks of the head
  // and of samples out of order, and what compaction encodes anew. What is there stays as it is.
  virtual void SetFloatEncoding(chunk::FloatEncoding encoding) = 0;
  // Each list holds at most `top` entries. Looks at every series: not for a hot path.
  virtual HeadStats Stats(size_t top) const = 0;
  // Cuts blocks from the head, truncates the log, joins blocks, drops those beyond retention: all
  // that is due. What the store's own thread does each maintenance_interval. Of several errors the
  // first is returned, and all are logged.
  virtual Status Compact() = 0;

  // These wait for a compaction that runs, and keep the next one back; appends and queries go on.

  // Deletes the samples that are there of mint <= t <= maxt, of the series that every matcher
  // matches; of all series when there is none. Queries from now on do not show them, whatever
  // happens to the process or the machine; those that began before may. After an error some may be
  // deleted.
  virtual Status Delete(std::span<const model::Matcher> matchers, Timestamp mint,
                        Timestamp maxt) = 0;
  // Rewrites blocks without what was deleted from them, which is in their files until then; one
  // with nothing left goes.
  virtual Status CleanTombstones() = 0;
  // Makes dir/snapshots/NAME, a data directory of its own with all blocks, by hard links, and the
  // head as one more, unless `with_head` is false; as a whole or not at all. Returns NAME, as
  // Prometheus makes them. Samples that are appended meanwhile may be missing.
  virtual Result<std::string> Snapshot(bool with_head) = 0;

  // For a shutdown: blocks that are being written are given up, with kCanceled, and none is begun.
  virtual void RequestStop() = 0;
};

}  // namespace canopy::tsdb
