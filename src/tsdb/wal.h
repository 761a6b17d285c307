#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/mutex.h"
#include "canopy/base/status.h"
#include "tsdb/wal_segment.h"

namespace canopy::tsdb {

struct WalOptions {
  // A multiple of the page size. A record larger than that gets a segment of its own.
  uint64_t segment_bytes = 128ull << 20;
  net::Encoding compression = net::Encoding::kSnappy;
};

// What has been done so far, for prometheus_tsdb_wal_*.
struct WalCounters {
  std::atomic<uint64_t> writes_failed{0};
  std::atomic<uint64_t> page_flushes{0};  // calls that wrote
  std::atomic<uint64_t> completed_pages{0};
  std::atomic<uint64_t> record_part_writes{0};
  std::atomic<uint64_t> record_part_bytes{0};
  std::atomic<uint64_t> record_bytes_saved{0};
};

// Writes a log, a checkpoint's or an out-of-order log. Thread-safe; batches are written one after
// the other.
//
// As in Prometheus, a batch is written but not synced: it survives the death of the process, and
// that of the machine once the system has written it, or Sync() was called. After a write that
// failed, the log ends where it did before the batch: what is left of it is cut off before anything
// else is written.
class WalWriter {
 public:
  // Creates the directory, and begins a new segment behind those that are there: they are never
  // written to again, so a torn one must have been repaired before (see WalReader).
  static Result<std::unique_ptr<WalWriter>> Open(Fs& fs, std::string dir,
                                                 const WalOptions& options);
  // Closes without syncing.
  ~WalWriter();
  WalWriter(const WalWriter&) = delete;
  WalWriter& operator=(const WalWriter&) = delete;

  // All of the records or, with kIo, none of them; the caller may go on and try again. Empty
  // records are passed over. One write for the batch, but where it does not fit into one segment.
  // The second form compresses nothing: for callers that did so themselves, on their own thread, by
  // CompressRecord().
  Status Append(std::span<const std::string_view> records);
  Status Append(std::span<const WalPayload> payloads);

  // Takes the last batch back that Append() has written since Open(), for callers that could not
  // finish what they wrote it for. After an error it is taken back before anything else is written.
  // REQUIRES: not called twice for one batch.
  Status TakeBack();

  // Ends the active segment and begins the next, whose number is returned.
  Result<uint32_t> NextSegment();
  // Syncs segments that were ended since the last call, without keeping appends waiting. To be
  // called now and then by a thread that may wait: when it was not, ending a segment does it.
  Status SyncFinished();
  // Makes durable all that has been appended so far.
  Status Sync();
  // Sync(), and nothing can be appended any more.
  Status Close();

  // The segment that is being written, and its size so far.
  uint32_t segment() const;
  uint64_t segment_size() const;
  const std::string& dir() const { return dir_; }
  const WalCounters& counters() const { return counters_; }

 private:
  struct Place {
    uint32_t segment = 0;
    uint64_t offset = 0;
  };
  struct Finished {
    uint32_t segment;
    std::unique_ptr<WritableFile> file;
  };

  WalWriter(Fs& fs, std::string dir, const WalOptions& options);

  Status AppendBatch(std::span<const WalPayload> payloads) CANOPY_REQUIRES(mu_);
  Status WriteBatch(std::span<const WalPayload> payloads) CANOPY_REQUIRES(mu_);
  // What can still be put into the segment in one record.
  uint64_t Room() const CANOPY_REQUIRES(mu_);
  void Frame(const WalPayload& payload) CANOPY_REQUIRES(mu_);
  void PadPage() CANOPY_REQUIRES(mu_);
  Status Flush() CANOPY_REQUIRES(mu_);
  Status Roll() CANOPY_REQUIRES(mu_);
  Status OpenSegment(uint32_t segment) CANOPY_REQUIRES(mu_);
  // Cuts off what a failed batch has left.
  Status RollBack() CANOPY_REQUIRES(mu_);
  Status SyncAll(std::vector<Finished> files);

  Fs& fs_;
  const std::string dir_;
  const WalOptions options_;
  WalCounters counters_;

  mutable Mutex mu_;
  // Null once closed.
  std::unique_ptr<WritableFile> file_ CANOPY_GUARDED_BY(mu_);
  bool closed_ CANOPY_GUARDED_BY(mu_) = false;
  // Where the next fragment goes; what lies behind the file's end is in pending_.
  Place end_ CANOPY_GUARDED_BY(mu_);
  std::string pending_ CANOPY_GUARDED_BY(mu_);
  // Set while there may be something behind this place that must not stay.
  std::optional<Place> roll_back_to_ CANOPY_GUARDED_BY(mu_);
  // Where the last batch begins.
  Place last_batch_ CANOPY_GUARDED_BY(mu_);
  std::vector<Finished> finished_ CANOPY_GUARDED_BY(mu_);
  // Reused from batch to batch.
  std::vector<std::string> compressed_ CANOPY_GUARDED_BY(mu_);
  std::vector<WalPayload> payloads_ CANOPY_GUARDED_BY(mu_);
};

// Removes the segments before `first_kept`, oldest first.
Status RemoveSegmentsBefore(Fs& fs, const std::string& dir, uint32_t first_kept);

}  // namespace canopy::tsdb
