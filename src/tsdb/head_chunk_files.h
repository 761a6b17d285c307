#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/mutex.h"
#include "canopy/base/status.h"
#include "tsdb/head_chunk_format.h"

namespace canopy::tsdb {

// What is wrong at the end of what could be read.
struct HeadChunkFault {
  std::string path;
  uint64_t offset = 0;
  uint64_t lost_bytes = 0;
  bool torn = false;  // of the last file, as a power cut leaves it: no corruption
  std::string reason;
};

// The directory of head chunk files: writes, reads, and removes old ones. Thread-safe. A chunk is
// read in place; while it waits to be written, from a copy.
class HeadChunkFiles {
 public:
  // Opens what is there, up to the first fault, which is not fatal: of a series, chunks must not be
  // missing between others, since the log is read behind the last one only.
  // `load` is called for each chunk in order of references, with views that live until it returns.
  using LoadFn = std::function<void(uint64_t ref, const HeadChunk& chunk)>;
  static Result<std::unique_ptr<HeadChunkFiles>> Open(Fs& fs, std::string dir, const LoadFn& load,
                                                      uint64_t file_bytes = kHeadChunkFileBytes);
  // Closes without syncing.
  ~HeadChunkFiles();
  HeadChunkFiles(const HeadChunkFiles&) = delete;
  HeadChunkFiles& operator=(const HeadChunkFiles&) = delete;

  const std::optional<HeadChunkFault>& fault() const { return fault_; }
  // Cuts the files off at the fault; those behind it go.
  Status Repair();

  // Returns the reference. Written out when enough has gathered, or with Flush(); durable with
  // Sync(), or when the next file is begun. With kIo the chunk is not stored.
  Result<uint64_t> Append(const HeadChunk& chunk);
  Status Flush();
  Status Sync();

  // A chunk, whose bytes live as long as the object in it. kCorrupt when there is none, or its
  // checksum is another.
  struct Pinned {
    HeadChunk chunk;
    std::shared_ptr<const void> owner;
  };
  Result<Pinned> Read(uint64_t ref) const;
  // For who reads many: what was read so far needs no memory until it is read again.
  void Release() const;

  // Removes the oldest files, as long as all of their chunks end before `time`; the file that is
  // being written ends, when it has chunks, so that it can go next time. Pinned chunks stay.
  Status RemoveBefore(int64_t time);
  // Of all files together, on disk.
  uint64_t size() const;

 private:
  struct File {
    std::shared_ptr<const MappedFile> mapped;
    uint64_t size = 0;
    int64_t maxt = INT64_MIN;
  };

  HeadChunkFiles(Fs& fs, std::string dir, uint64_t file_bytes)
      : fs_(fs), dir_(std::move(dir)), file_bytes_(file_bytes), mu_(LockRank::kWal) {}

  std::string PathOf(uint32_t number) const;
  Status Load(const LoadFn& load) CANOPY_REQUIRES(mu_);
  Status LoadFile(uint32_t number, bool is_last, const LoadFn& load) CANOPY_REQUIRES(mu_);
  Status NextFile() CANOPY_REQUIRES(mu_);
  Status FlushLocked() CANOPY_REQUIRES(mu_);
  // Ends the file that is being written.
  Status EndFile() CANOPY_REQUIRES(mu_);

  Fs& fs_;
  const std::string dir_;
  const uint64_t file_bytes_;
  std::optional<HeadChunkFault> fault_;
  std::vector<uint32_t> unread_;  // files behind the fault

  mutable Mutex mu_;
  mutable std::map<uint32_t, File> files_ CANOPY_GUARDED_BY(mu_);
  // The last file, while it is being written.
  std::unique_ptr<WritableFile> current_ CANOPY_GUARDED_BY(mu_);
  // What lies behind its end.
  std::string pending_ CANOPY_GUARDED_BY(mu_);
};

}  // namespace canopy::tsdb
