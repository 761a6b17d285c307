#include "tsdb/wal_checkpoint.h"

#include <algorithm>
#include <utility>

#include "tsdb/wal_reader.h"

namespace canopy::tsdb {
namespace {

constexpr std::string_view kPrefix = "checkpoint.";
constexpr std::string_view kTempSuffix = ".tmp";
// Records are handed to the writer in batches of about this size.
constexpr size_t kBatchBytes = 1 << 20;

std::string CheckpointDir(std::string_view wal_dir, uint32_t segment) {
  return JoinPath(wal_dir, std::string(kPrefix) + EightDigits(segment));
}

// Records on their way into a checkpoint; memory is used again from batch to batch.
class Batch {
 public:
  explicit Batch(CheckpointWriter& out) : out_(out) {}

  std::string& Next() {
    if (size_ == records_.size()) records_.emplace_back();
    records_[size_].clear();
    return records_[size_];
  }
  Status Take() {
    if (records_[size_].empty()) return {};
    bytes_ += records_[size_++].size();
    return bytes_ < kBatchBytes ? Status() : Flush();
  }
  Status Flush() {
    const std::vector<std::string_view> views(
        records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ = 0;
    bytes_ = 0;
    return views.empty() ? Status() : out_.Append(views);
  }

 private:
  CheckpointWriter& out_;
  std::vector<std::string> records_;
  size_t size_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

Result<std::vector<CheckpointRef>> ListCheckpoints(Fs& fs, const std::string& wal_dir) {
  std::vector<CheckpointRef> out;
  auto names = fs.List(wal_dir);
  if (names.status().code() == Code::kNotFound) return out;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!std::string_view(name).starts_with(kPrefix)) continue;
    const auto segment = ParseSegmentName(std::string_view(name).substr(kPrefix.size()));
    std::string dir = JoinPath(wal_dir, name);
    if (segment && fs.IsDirectory(dir)) out.push_back({std::move(dir), *segment});
  }
  const auto by_segment = [](const CheckpointRef& a, const CheckpointRef& b) {
    return a.segment < b.segment;
  };
  std::sort(out.begin(), out.end(), by_segment);
  return out;
}

Result<std::optional<CheckpointRef>> LastCheckpoint(Fs& fs, const std::string& wal_dir) {
  CANOPY_ASSIGN_OR_RETURN(auto all, ListCheckpoints(fs, wal_dir));
  if (all.empty()) return std::optional<CheckpointRef>();
  return std::optional<CheckpointRef>(std::move(all.back()));
}

Status RemoveCheckpointsBefore(Fs& fs, const std::string& wal_dir, uint32_t segment) {
  CANOPY_ASSIGN_OR_RETURN(const auto all, ListCheckpoints(fs, wal_dir));
  for (const CheckpointRef& checkpoint : all) {
    if (checkpoint.segment >= segment) break;
    CANOPY_RETURN_IF_ERROR(fs.RemoveAll(checkpoint.dir));
  }
  return fs.SyncDir(wal_dir);
}

Status RemoveTempCheckpoints(Fs& fs, const std::string& wal_dir) {
  const auto names = fs.List(wal_dir);
  if (names.status().code() == Code::kNotFound) return {};
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (name.starts_with(kPrefix) && name.ends_with(kTempSuffix))
      CANOPY_RETURN_IF_ERROR(fs.RemoveAll(JoinPath(wal_dir, name)));
  }
  return {};
}

Result<std::unique_ptr<CheckpointWriter>> CheckpointWriter::Begin(Fs& fs, std::string wal_dir,
                                                                  uint32_t segment,
                                                                  const WalOptions& options) {
  std::string dir = CheckpointDir(wal_dir, segment);
  if (fs.Exists(dir)) return Status::Exists(dir + " is there already");
  const std::string temp = dir + std::string(kTempSuffix);
  CANOPY_RETURN_IF_ERROR(fs.RemoveAll(temp));
  std::unique_ptr<CheckpointWriter> out(
      new CheckpointWriter(fs, std::move(wal_dir), std::move(dir)));
  CANOPY_ASSIGN_OR_RETURN(out->log_, WalWriter::Open(fs, temp, options));
  return out;
}

CheckpointWriter::~CheckpointWriter() {
  if (committed_ || !log_) return;
  const std::string temp = log_->dir();
  log_.reset();
  // What cannot be removed now is removed at the next start.
  (void)fs_.RemoveAll(temp);
}

Status CheckpointWriter::Commit() {
  CANOPY_RETURN_IF_ERROR(log_->Close());
  CANOPY_RETURN_IF_ERROR(fs_.Rename(log_->dir(), dir_));
  committed_ = true;
  return fs_.SyncDir(wal_dir_);
}

Status WriteCheckpoint(Fs& fs, const std::string& wal_dir, uint32_t segment,
                       const WalOptions& options, const CheckpointFilter& filter,
                       const CheckpointRest& rest) {
  CANOPY_ASSIGN_OR_RETURN(const auto last, LastCheckpoint(fs, wal_dir));
  WalReader::Options range;
  range.last = segment;
  if (last) {
    range.checkpoint = last->dir;
    range.first = last->segment + 1;
  }
  CANOPY_ASSIGN_OR_RETURN(const auto reader, WalReader::Open(fs, wal_dir, range));
  CANOPY_ASSIGN_OR_RETURN(const auto writer,
                          CheckpointWriter::Begin(fs, wal_dir, segment, options));
  Batch batch(*writer);
  WalScratch scratch;
  WalRecord record;
  while (reader->Next(record)) {
    const auto bytes = record.Unpack(scratch);
    if (!bytes.ok()) return bytes.status().In(record.Place());
    CANOPY_RETURN_IF_ERROR(filter(*bytes, batch.Next()));
    CANOPY_RETURN_IF_ERROR(batch.Take());
  }
  CANOPY_RETURN_IF_ERROR(reader->status());
  if (rest) {
    for (std::string& kept : rest()) {
      batch.Next() = std::move(kept);
      CANOPY_RETURN_IF_ERROR(batch.Take());
    }
  }
  CANOPY_RETURN_IF_ERROR(batch.Flush());
  return writer->Commit();
}

}  // namespace canopy::tsdb
