#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "tsdb/wal.h"

// Checkpoints: what is still wanted of the log's segments up to N, as a log of its own in
// wal/checkpoint.N (eight digits), so that those segments can go. It takes the place of an earlier
// checkpoint as well. Source: prometheus 3.14 tsdb/wlog/checkpoint.go.

namespace canopy::tsdb {

struct CheckpointRef {
  std::string dir;
  // The last segment that it stands for.
  uint32_t segment = 0;
};

// Ascending. A missing directory holds none.
Result<std::vector<CheckpointRef>> ListCheckpoints(Fs& fs, const std::string& wal_dir);
Result<std::optional<CheckpointRef>> LastCheckpoint(Fs& fs, const std::string& wal_dir);
Status RemoveCheckpointsBefore(Fs& fs, const std::string& wal_dir, uint32_t segment);
// What a checkpoint that was interrupted has left; to be called once at start.
Status RemoveTempCheckpoints(Fs& fs, const std::string& wal_dir);

// Writes a checkpoint aside; it counts from Commit() on. Not thread-safe.
class CheckpointWriter {
 public:
  // kExists when the log has one for this segment.
  static Result<std::unique_ptr<CheckpointWriter>> Begin(Fs& fs, std::string wal_dir,
                                                         uint32_t segment,
                                                         const WalOptions& options);
  // Removes what was written, unless it was committed.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // As WalWriter::Append(); after an error the checkpoint is to be given up.
  Status Append(std::span<const std::string_view> records) { return log_->Append(records); }
  Status Append(std::span<const WalPayload> payloads) { return log_->Append(payloads); }

  // Makes it durable under its name. Then the segments up to `segment`, and earlier checkpoints,
  // are no longer needed.
  Status Commit();

 private:
  CheckpointWriter(Fs& fs, std::string wal_dir, std::string dir)
      : fs_(fs), wal_dir_(std::move(wal_dir)), dir_(std::move(dir)) {}

  Fs& fs_;
  const std::string wal_dir_;
  const std::string dir_;
  std::unique_ptr<WalWriter> log_;
  bool committed_ = false;
};

// Appends to `kept` what is still wanted of `record`: nothing, itself, or some of its rows, encoded
// anew.
using CheckpointFilter = std::function<Status(std::string_view record, std::string& kept)>;

// What is to stand behind all that the filter keeps, as records: asked once, at the end.
using CheckpointRest = std::function<std::vector<std::string>()>;

// Reads the newest checkpoint and the segments behind it up to `segment`, asks the filter for each
// record, and writes what it keeps as the checkpoint of `segment`, in the order of the log, and
// then the rest, if there is any.
// Segments and earlier checkpoints stay: see RemoveSegmentsBefore() and RemoveCheckpointsBefore().
// kCorrupt with the place when a segment cannot be read.
Status WriteCheckpoint(Fs& fs, const std::string& wal_dir, uint32_t segment,
                       const WalOptions& options, const CheckpointFilter& filter,
                       const CheckpointRest& rest = nullptr);

}  // namespace canopy::tsdb
