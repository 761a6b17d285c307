#include "tsdb/wal.h"

#include <algorithm>
#include <utility>

#include "canopy/base/bytes.h"
#include "canopy/base/crc32c.h"
#include "canopy/base/log.h"
#include "tsdb/wal_checkpoint.h"

namespace canopy::tsdb {
namespace {

// A batch is laid out whole before it is written; one beyond this size goes in several writes, so
// that the buffer stays small.
constexpr size_t kFlushBytes = 4 << 20;
// Ended segments that may wait for SyncFinished().
constexpr size_t kMaxUnsynced = 2;

constexpr uint64_t kPageData = kWalPageBytes - kFragmentHeaderBytes;

uint8_t FlagOf(net::Encoding encoding) {
  switch (encoding) {
    case net::Encoding::kSnappy:
      return kSnappyFlag;
    case net::Encoding::kZstd:
      return kZstdFlag;
    default:
      return 0;
  }
}

FragmentType TypeOf(bool first, bool last) {
  if (first) return last ? FragmentType::kFull : FragmentType::kFirst;
  return last ? FragmentType::kLast : FragmentType::kMiddle;
}

void Count(std::atomic<uint64_t>& counter, uint64_t n = 1) {
  counter.fetch_add(n, std::memory_order_relaxed);
}

// What the records take in an empty segment, at most.
uint64_t FramedSize(std::span<const WalPayload> payloads) {
  uint64_t size = 0;
  for (const WalPayload& payload : payloads) {
    const uint64_t fragments = payload.bytes.size() / kPageData + 2;
    size += payload.bytes.size() + fragments * 2 * kFragmentHeaderBytes;
  }
  return size;
}

}  // namespace

WalWriter::WalWriter(Fs& fs, std::string dir, const WalOptions& options)
    : fs_(fs), dir_(std::move(dir)), options_(options), mu_(LockRank::kWal) {}

WalWriter::~WalWriter() = default;

Result<std::unique_ptr<WalWriter>> WalWriter::Open(Fs& fs, std::string dir,
                                                   const WalOptions& options) {
  if (options.segment_bytes == 0 || options.segment_bytes % kWalPageBytes != 0)
    return Status::Invalid("WAL segment size must be a multiple of 32 KiB");
  CANOPY_RETURN_IF_ERROR(fs.MakeDirs(dir));
  CANOPY_ASSIGN_OR_RETURN(const std::vector<uint32_t> segments, ListSegments(fs, dir));
  CANOPY_ASSIGN_OR_RETURN(const auto checkpoint, LastCheckpoint(fs, dir));
  uint32_t next = segments.empty() ? 0 : segments.back() + 1;
  if (checkpoint) next = std::max(next, checkpoint->segment + 1);
  std::unique_ptr<WalWriter> writer(new WalWriter(fs, std::move(dir), options));
  MutexLock lock(writer->mu_);
  CANOPY_RETURN_IF_ERROR(writer->OpenSegment(next));
  CANOPY_RETURN_IF_ERROR(fs.SyncDir(writer->dir_));
  return writer;
}

uint32_t WalWriter::segment() const {
  MutexLock lock(mu_);
  return end_.segment;
}

uint64_t WalWriter::segment_size() const {
  MutexLock lock(mu_);
  return end_.offset;
}

Status WalWriter::Append(std::span<const std::string_view> records) {
  MutexLock lock(mu_);
  if (compressed_.size() < records.size()) compressed_.resize(records.size());
  payloads_.clear();
  for (size_t i = 0; i < records.size(); ++i) {
    payloads_.push_back(CompressRecord(records[i], options_.compression, compressed_[i]));
    Count(counters_.record_bytes_saved, records[i].size() - payloads_.back().bytes.size());
  }
  return AppendBatch(payloads_);
}

Status WalWriter::Append(std::span<const WalPayload> payloads) {
  MutexLock lock(mu_);
  return AppendBatch(payloads);
}

Status WalWriter::AppendBatch(std::span<const WalPayload> payloads) {
  if (closed_) return Status::Unavailable("log " + dir_ + " is closed");
  Status status = RollBack();
  if (status.ok()) {
    last_batch_ = end_;
    status = WriteBatch(payloads);
    if (!status.ok()) {
      roll_back_to_ = last_batch_;
      // What fails now is tried again before the next batch.
      (void)RollBack();
    }
  }
  if (!status.ok()) Count(counters_.writes_failed);
  return status;
}

Status WalWriter::WriteBatch(std::span<const WalPayload> payloads) {
  const uint64_t size = FramedSize(payloads);
  // A batch that an empty segment takes whole is not spread over two.
  if (end_.offset + size > options_.segment_bytes && size <= options_.segment_bytes)
    CANOPY_RETURN_IF_ERROR(Roll());
  for (const WalPayload& payload : payloads) {
    if (payload.bytes.size() > Room() && end_.offset > 0) CANOPY_RETURN_IF_ERROR(Roll());
    Frame(payload);
    if (pending_.size() >= kFlushBytes) CANOPY_RETURN_IF_ERROR(Flush());
  }
  return Flush();
}

uint64_t WalWriter::Room() const {
  if (end_.offset >= options_.segment_bytes) return 0;
  // There is always room for a header: pages that have none left are padded at once.
  const uint64_t in_page = kWalPageBytes - end_.offset % kWalPageBytes - kFragmentHeaderBytes;
  const uint64_t pages = options_.segment_bytes / kWalPageBytes - end_.offset / kWalPageBytes - 1;
  return in_page + pages * kPageData;
}

void WalWriter::Frame(const WalPayload& payload) {
  std::string_view rest = payload.bytes;
  const uint8_t flag = FlagOf(payload.encoding);
  bool first = true;
  while (!rest.empty()) {
    const size_t left = kWalPageBytes - end_.offset % kWalPageBytes;
    const std::string_view part = rest.substr(0, left - kFragmentHeaderBytes);
    rest.remove_prefix(part.size());
    char header[kFragmentHeaderBytes];
    header[0] = static_cast<char>(static_cast<uint8_t>(TypeOf(first, rest.empty())) | flag);
    base::WriteBe16(header + 1, static_cast<uint16_t>(part.size()));
    base::WriteBe32(header + 3, base::Crc32c(part));
    pending_.append(header, sizeof header).append(part);
    end_.offset += sizeof header + part.size();
    first = false;
    Count(counters_.record_part_writes);
    Count(counters_.record_part_bytes, sizeof header + part.size());
    if (left - sizeof header - part.size() < kFragmentHeaderBytes) PadPage();
  }
}

void WalWriter::PadPage() {
  const size_t used = end_.offset % kWalPageBytes;
  if (used != 0) {
    pending_.append(kWalPageBytes - used, '\0');
    end_.offset += kWalPageBytes - used;
  }
  Count(counters_.completed_pages);
}

Status WalWriter::Flush() {
  if (pending_.empty()) return {};
  const Status status = file_->Append(pending_);
  pending_.clear();
  Count(counters_.page_flushes);
  return status;
}

Status WalWriter::OpenSegment(uint32_t segment) {
  CANOPY_ASSIGN_OR_RETURN(file_, fs_.Create(SegmentPath(dir_, segment)));
  end_ = {segment, 0};
  return {};
}

Status WalWriter::Roll() {
  if (end_.offset % kWalPageBytes != 0) PadPage();
  CANOPY_RETURN_IF_ERROR(Flush());
  if (finished_.size() >= kMaxUnsynced) {
    // Nothing of the batch at hand depends on it.
    if (const Status synced = SyncAll(std::exchange(finished_, {})); !synced.ok())
      LOG_ERROR("Syncing ended WAL segments failed", {"err", synced.message()});
  }
  CANOPY_ASSIGN_OR_RETURN(auto next, fs_.Create(SegmentPath(dir_, end_.segment + 1)));
  finished_.push_back({end_.segment, std::move(file_)});
  file_ = std::move(next);
  end_ = {end_.segment + 1, 0};
  return {};
}

Status WalWriter::RollBack() {
  if (!roll_back_to_) return {};
  const Place to = *roll_back_to_;
  pending_.clear();
  // Newest first: whenever this ends early, no gap is left. A segment may be there that was created
  // and never became the active one.
  for (uint32_t segment = end_.segment + 1; segment > to.segment; --segment) {
    const Status removed = fs_.Remove(SegmentPath(dir_, segment));
    if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
    std::erase_if(finished_, [&](const Finished& f) { return f.segment == segment; });
  }
  if (end_.segment != to.segment) {
    std::erase_if(finished_, [&](const Finished& f) { return f.segment == to.segment; });
    CANOPY_ASSIGN_OR_RETURN(file_, fs_.OpenAppend(SegmentPath(dir_, to.segment)));
    end_.segment = to.segment;
  }
  CANOPY_RETURN_IF_ERROR(file_->Truncate(to.offset));
  end_ = to;
  roll_back_to_.reset();
  return {};
}

Status WalWriter::TakeBack() {
  MutexLock lock(mu_);
  roll_back_to_ = last_batch_;
  return RollBack();
}

Result<uint32_t> WalWriter::NextSegment() {
  MutexLock lock(mu_);
  if (closed_) return Status::Unavailable("log " + dir_ + " is closed");
  CANOPY_RETURN_IF_ERROR(RollBack());
  const Place before = end_;
  const Status status = Roll();
  if (!status.ok()) {
    roll_back_to_ = before;
    (void)RollBack();
    return status;
  }
  return end_.segment;
}

Status WalWriter::SyncAll(std::vector<Finished> files) {
  for (const Finished& finished : files) CANOPY_RETURN_IF_ERROR(finished.file->Sync());
  return files.empty() ? Status() : fs_.SyncDir(dir_);
}

Status WalWriter::SyncFinished() {
  std::vector<Finished> files;
  {
    MutexLock lock(mu_);
    files.swap(finished_);
  }
  return SyncAll(std::move(files));
}

Status WalWriter::Sync() {
  MutexLock lock(mu_);
  if (closed_) return Status::Unavailable("log " + dir_ + " is closed");
  CANOPY_RETURN_IF_ERROR(RollBack());
  CANOPY_RETURN_IF_ERROR(SyncAll(std::exchange(finished_, {})));
  CANOPY_RETURN_IF_ERROR(file_->Sync());
  return fs_.SyncDir(dir_);
}

Status WalWriter::Close() {
  CANOPY_RETURN_IF_ERROR(Sync());
  MutexLock lock(mu_);
  closed_ = true;
  file_.reset();
  return {};
}

Status RemoveSegmentsBefore(Fs& fs, const std::string& dir, uint32_t first_kept) {
  CANOPY_ASSIGN_OR_RETURN(const std::vector<uint32_t> segments, ListSegments(fs, dir));
  for (const uint32_t segment : segments) {
    if (segment >= first_kept) break;
    CANOPY_RETURN_IF_ERROR(fs.Remove(SegmentPath(dir, segment)));
  }
  return fs.SyncDir(dir);
}

}  // namespace canopy::tsdb
