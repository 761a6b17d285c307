#include "tsdb/head_chunk_files.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "canopy/base/bytes.h"
#include "tsdb/chunk_file.h"
#include "tsdb/wal_segment.h"

namespace canopy::tsdb {
namespace {

constexpr size_t kFlushBytes = 1 << 20;

// As Prometheus sees it: the file was created, and nothing has reached the disk.
bool WasNeverWritten(std::string_view file) {
  return file.size() < kHeadChunksHeaderBytes || file.find_first_not_of('\0') == file.npos;
}

}  // namespace

HeadChunkFiles::~HeadChunkFiles() = default;

std::string HeadChunkFiles::PathOf(uint32_t number) const {
  return JoinPath(dir_, ChunkSegmentName(number));
}

Result<std::unique_ptr<HeadChunkFiles>> HeadChunkFiles::Open(Fs& fs, std::string dir,
                                                             const LoadFn& load,
                                                             uint64_t file_bytes) {
  CANOPY_RETURN_IF_ERROR(fs.MakeDirs(dir));
  std::unique_ptr<HeadChunkFiles> out(new HeadChunkFiles(fs, std::move(dir), file_bytes));
  MutexLock lock(out->mu_);
  CANOPY_RETURN_IF_ERROR(out->Load(load));
  return out;
}

Status HeadChunkFiles::Load(const LoadFn& load) {
  CANOPY_ASSIGN_OR_RETURN(const std::vector<uint32_t> numbers, ListSegments(fs_, dir_));
  for (const uint32_t number : numbers) {
    if (fault_)
      unread_.push_back(number);
    else
      CANOPY_RETURN_IF_ERROR(LoadFile(number, number == numbers.back(), load));
  }
  return {};
}

Status HeadChunkFiles::LoadFile(uint32_t number, bool is_last, const LoadFn& load) {
  const std::string path = PathOf(number);
  CANOPY_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> mapped, fs_.Map(path));
  const std::string_view bytes = mapped->bytes();
  if (is_last && WasNeverWritten(bytes)) return fs_.Remove(path);
  File& file = files_[number];
  file.mapped = mapped;
  const auto take = [&](size_t offset, const HeadChunk& chunk) {
    load(ChunkRef(number, offset), chunk);
    file.maxt = std::max(file.maxt, chunk.maxt);
  };
  HeadChunksEnd end = ReadHeadChunks(bytes, is_last, take);
  if (end.unknown_version) return Status::Unsupported(std::move(end.reason)).In(path);
  if (!end.reason.empty())
    fault_ = {path, end.offset, bytes.size() - end.offset, end.torn, std::move(end.reason)};
  file.size = end.offset;
  mapped->Release(bytes);
  return {};
}

Status HeadChunkFiles::Repair() {
  MutexLock lock(mu_);
  if (!fault_) return {};
  // The last first: what is cut off must not come back between others.
  while (!unread_.empty()) {
    CANOPY_RETURN_IF_ERROR(fs_.Remove(PathOf(unread_.back())));
    unread_.pop_back();
  }
  if (fault_->offset < kHeadChunksHeaderBytes) {
    CANOPY_RETURN_IF_ERROR(fs_.Remove(fault_->path));
    files_.erase(std::prev(files_.end()));
  } else {
    CANOPY_ASSIGN_OR_RETURN(const auto file, fs_.OpenAppend(fault_->path));
    CANOPY_RETURN_IF_ERROR(file->Truncate(fault_->offset));
    CANOPY_RETURN_IF_ERROR(file->Sync());
  }
  fault_.reset();
  return fs_.SyncDir(dir_);
}

Status HeadChunkFiles::FlushLocked() {
  if (pending_.empty()) return {};
  File& file = files_.rbegin()->second;
  const Status status = current_->Append(pending_);
  if (!status.ok()) {
    // Whatever has got there must not stay before what comes next. References of chunks that wait
    // remain true: all of them go to the same places later.
    (void)current_->Truncate(file.size);
    return status;
  }
  file.size += pending_.size();
  pending_.clear();
  return {};
}

Status HeadChunkFiles::EndFile() {
  if (current_ == nullptr) return {};
  CANOPY_RETURN_IF_ERROR(FlushLocked());
  CANOPY_RETURN_IF_ERROR(current_->Sync());
  current_.reset();
  return {};
}

Status HeadChunkFiles::NextFile() {
  CANOPY_RETURN_IF_ERROR(EndFile());
  const uint32_t number = files_.empty() ? 1 : files_.rbegin()->first + 1;
  CANOPY_ASSIGN_OR_RETURN(auto file, fs_.Create(PathOf(number)));
  CANOPY_RETURN_IF_ERROR(fs_.SyncDir(dir_));
  current_ = std::move(file);
  files_[number];
  base::PutBe32(pending_, kHeadChunksMagic);
  base::PutBe32(pending_, uint32_t{kHeadChunksVersion} << 24);
  return {};
}

Result<uint64_t> HeadChunkFiles::Append(const HeadChunk& chunk) {
  std::string bytes;
  AppendHeadChunk(bytes, chunk);
  MutexLock lock(mu_);
  const auto end = [&] { return files_.rbegin()->second.size + pending_.size(); };
  if (current_ == nullptr || end() + bytes.size() > file_bytes_) CANOPY_RETURN_IF_ERROR(NextFile());
  auto& [number, file] = *files_.rbegin();
  const uint64_t ref = ChunkRef(number, end());
  pending_.append(bytes);
  if (pending_.size() >= kFlushBytes) {
    if (const Status status = FlushLocked(); !status.ok()) {
      pending_.resize(pending_.size() - bytes.size());
      return status;
    }
  }
  file.maxt = std::max(file.maxt, chunk.maxt);
  return ref;
}

Status HeadChunkFiles::Flush() {
  MutexLock lock(mu_);
  return FlushLocked();
}

Status HeadChunkFiles::Sync() {
  MutexLock lock(mu_);
  CANOPY_RETURN_IF_ERROR(FlushLocked());
  return current_ == nullptr ? Status() : current_->Sync();
}

Result<HeadChunkFiles::Pinned> HeadChunkFiles::Read(uint64_t ref) const {
  const auto number = static_cast<uint32_t>(ChunkFileOf(ref));
  const uint64_t offset = ChunkOffsetOf(ref);
  const auto corrupt = [&](const char* what) {
    return Status::Corrupt(what).In("offset " + std::to_string(offset)).In(PathOf(number));
  };
  Pinned out;
  std::string_view bytes;
  uint64_t place = offset;
  {
    MutexLock lock(mu_);
    const auto it = files_.find(number);
    if (it == files_.end()) return corrupt("head chunk file does not exist");
    File& file = it->second;
    const bool is_current = current_ != nullptr && it == std::prev(files_.end());
    if (offset < file.size) {
      if (file.mapped == nullptr || file.mapped->bytes().size() < file.size) {
        CANOPY_ASSIGN_OR_RETURN(file.mapped, fs_.Map(PathOf(number)));
      }
      out.owner = file.mapped;
      bytes = file.mapped->bytes().substr(0, file.size);
    } else if (is_current && offset - file.size < pending_.size()) {
      HeadChunk waiting;
      size_t size = 0;
      place = offset - file.size;
      if (ParseHeadChunk(pending_, place, waiting, size) != HeadChunkFound::kChunk)
        return corrupt("no chunk can begin there");
      const auto copy = std::make_shared<const std::string>(pending_, place, size);
      out.owner = copy;
      bytes = *copy;
      place = 0;
    } else {
      return corrupt("no chunk can begin there");
    }
  }
  size_t size = 0;
  if (offset < kHeadChunksHeaderBytes ||
      ParseHeadChunk(bytes, place, out.chunk, size) != HeadChunkFound::kChunk)
    return corrupt("no chunk, or an unexpected checksum");
  return out;
}

void HeadChunkFiles::Release() const {
  MutexLock lock(mu_);
  for (const auto& [number, file] : files_)
    if (file.mapped != nullptr) file.mapped->Release(file.mapped->bytes());
}

Status HeadChunkFiles::RemoveBefore(int64_t time) {
  MutexLock lock(mu_);
  while (!files_.empty()) {
    const auto& [number, file] = *files_.begin();
    const bool is_current = current_ != nullptr && files_.size() == 1;
    if (is_current || file.maxt >= time) break;
    const Status removed = fs_.Remove(PathOf(number));
    if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
    files_.erase(files_.begin());
  }
  return EndFile();
}

uint64_t HeadChunkFiles::size() const {
  MutexLock lock(mu_);
  uint64_t out = 0;
  for (const auto& [number, file] : files_) out += file.size;
  return out;
}

}  // namespace canopy::tsdb
