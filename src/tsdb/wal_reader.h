#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "tsdb/wal_segment.h"

namespace canopy::tsdb {

// Memory that one thread unpacks records into, reused from record to record.
struct WalScratch {
  std::string joined;
  std::string plain;
};

// A record where it lies: in a mapped segment, its checksums verified, still in fragments and
// perhaps compressed. Cheap to hand to another thread, and holds the segment's mapping.
class WalRecord {
 public:
  // What the log was given, as a view of the segment or of `scratch`. kCorrupt when it cannot be
  // unpacked; then see WalReader::Condemn(). Const methods are thread-safe.
  Result<std::string_view> Unpack(WalScratch& scratch) const;
  // As it is, to be copied into another log.
  WalPayload Raw(WalScratch& scratch) const;

  bool in_checkpoint() const { return in_checkpoint_; }
  uint32_t segment() const { return segment_; }
  // Of its first fragment in the segment.
  uint64_t offset() const { return offset_; }
  // "segment 00000007: offset 131072": for messages.
  std::string Place() const;

 private:
  friend class WalReader;
  std::shared_ptr<const MappedFile> file_;
  uint64_t offset_ = 0;
  uint32_t size_ = 0;  // of the data, without headers
  uint32_t fragments_ = 0;
  uint32_t source_ = 0;  // the reader's number of the segment
  uint32_t segment_ = 0;
  bool in_checkpoint_ = false;
  net::Encoding encoding_ = net::Encoding::kIdentity;
};

// Where a log stops making sense.
struct WalCorruption {
  std::string path;  // of the segment
  uint32_t segment = 0;
  uint64_t offset = 0;  // where the first record begins that is not whole
  bool in_checkpoint = false;
  std::string reason;
  // The last segment ends within the record, as a power cut leaves it, and a writer that is at it.
  bool torn = false;
  // What Repair() will drop: from the offset to the segment's end, and the segments behind it.
  uint64_t lost_bytes = 0;

  // kCorrupt: "wal/00000007: offset 131072: unexpected checksum"
  Status status() const;
};

// Reads a log from its start: a checkpoint first, when there is one, then the segments behind it.
// Not thread-safe; the records are.
//
//   while (reader.Next(record)) ...
//   if (reader.corruption()) { log it; reader.Repair(); go on with Next() }
//   if (!reader.status().ok()) fail
class WalReader {
 public:
  struct Options {
    // The directory of the checkpoint; empty: none.
    std::string checkpoint;
    // Segments of the log from ... to, both included.
    uint32_t first = 0;
    uint32_t last = UINT32_MAX;
  };
  // Lists what there is; a missing directory is an empty log.
  static Result<std::unique_ptr<WalReader>> Open(Fs& fs, std::string dir, const Options& options);
  // The newest checkpoint of the log and all segments behind it.
  static Result<std::unique_ptr<WalReader>> OpenAll(Fs& fs, std::string dir);

  // False at the end, at a corruption, and when a segment cannot be opened. Empty records are
  // passed over.
  bool Next(WalRecord& record);
  // kCorrupt as corruption() says, kIo, or ok at the end.
  const Status& status() const { return status_; }
  const std::optional<WalCorruption>& corruption() const { return corruption_; }

  // Makes a record that Next() gave the place of a corruption: it could not be unpacked, or its
  // rows make no sense. Of several places the first counts. Reading stops there.
  void Condemn(const WalRecord& record, std::string reason);

  // Cuts the log off at the corruption, as Prometheus does: the segment ends before the first
  // record that is not whole, and segments behind it are removed, since what they hold may rest on
  // what was lost. In a checkpoint this concerns the checkpoint only; Next() then goes on with the
  // log. Durable when it returns ok. Records of before stay valid.
  Status Repair();
  // For readers that must not change anything: goes on as after Repair(), whose place it takes.
  void Skip();

  // How much there is, and how much was read: for logs and /api/v1/status/walreplay.
  uint64_t total_bytes() const { return total_bytes_; }
  uint64_t read_bytes() const;
  size_t segments() const { return sources_.size(); }
  // The newest segment of the log; none when there are none.
  std::optional<uint32_t> last_segment() const;
  // The oldest one, whatever a checkpoint covers.
  std::optional<uint32_t> first_segment() const;
  // Which one is read; none while it is a checkpoint, or at the end.
  std::optional<uint32_t> current_segment() const;

 private:
  struct Source {
    std::string path;
    uint32_t segment;
    bool in_checkpoint;
    uint64_t size;
  };
  // A record that is being put together.
  struct Partial {
    uint64_t start = 0;
    uint32_t size = 0;
    uint32_t fragments = 0;
    uint8_t flags = 0;
  };
  enum class Step { kRecord, kMore, kEndOfSegment, kFault };

  explicit WalReader(Fs& fs) : fs_(fs) {}
  Status AddSegments(const std::string& dir, uint32_t first, uint32_t last, bool in_checkpoint);
  bool OpenSegment();
  Step ReadFragment(Partial& partial);
  Step SkipPadding(const Partial& partial, size_t page_left);
  Step Fault(const Partial& partial, std::string reason);
  Step Torn(const Partial& partial, std::string reason);
  // The source behind the last one that the corruption takes with it.
  size_t EndOfLost() const;
  void ReleaseRead();
  void GoOn();
  void SetCorruption(size_t source, uint64_t offset, std::string reason);

  Fs& fs_;
  std::vector<Source> sources_;
  uint64_t total_bytes_ = 0;

  size_t current_ = 0;                      // source
  std::shared_ptr<const MappedFile> file_;  // of it; null: not opened yet
  uint64_t offset_ = 0;
  uint64_t released_ = 0;
  Status status_;
  std::optional<WalCorruption> corruption_;
};

}  // namespace canopy::tsdb
