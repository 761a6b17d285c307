#include "tsdb/chunk_file.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "canopy/base/bytes.h"
#include "canopy/base/crc32c.h"
#include "canopy/base/number.h"
#include "tsdb/wal_segment.h"

namespace canopy::tsdb {
namespace {

Status CheckHeader(std::string_view file) {
  base::ByteReader in(file);
  const uint32_t magic = in.Be32();
  const uint8_t version = in.U8();
  in.Bytes(kChunksHeaderBytes - 5);
  if (!in.ok()) return Status::Corrupt("chunk segment is too short for a header");
  if (magic != kChunksMagic) return Status::Corrupt("this is no chunk segment");
  if (version != kChunksVersion)
    return Status::Unsupported("chunk segment version " + std::to_string(version));
  return {};
}

Result<ChunkView> ReadChunk(std::string_view file, uint64_t offset) {
  if (offset < kChunksHeaderBytes || offset >= file.size())
    return Status::Corrupt("no chunk can begin there");
  base::ByteReader in(file.substr(offset));
  const uint64_t size = in.Uvarint();
  if (!in.ok() || size >= in.remaining()) return Status::Corrupt("chunk ends behind its file");
  const std::string_view summed = in.Bytes(size + 1);
  const uint32_t sum = in.Be32();
  if (!in.ok()) return Status::Corrupt("chunk ends behind its file");
  if (base::Crc32c(summed) != sum) return Status::Corrupt("unexpected checksum");
  return ChunkView{static_cast<ChunkEncoding>(summed[0]), summed.substr(1)};
}

}  // namespace

std::string ChunkSegmentName(uint64_t number) {
  std::string out;
  base::AppendUint(out, number);
  if (out.size() < 6) out.insert(0, 6 - out.size(), '0');
  return out;
}

Result<std::unique_ptr<ChunkWriter>> ChunkWriter::Create(Fs& fs, std::string dir,
                                                         uint64_t segment_bytes) {
  CANOPY_RETURN_IF_ERROR(fs.MakeDirs(dir));
  return std::unique_ptr<ChunkWriter>(new ChunkWriter(fs, std::move(dir), segment_bytes));
}

Status ChunkWriter::NextFile() {
  if (file_) CANOPY_RETURN_IF_ERROR(file_->Sync());
  CANOPY_ASSIGN_OR_RETURN(file_,
                          BufferedFile::Create(fs_, JoinPath(dir_, ChunkSegmentName(files_ + 1))));
  ++files_;
  file_->PutBe32(kChunksMagic);
  const char rest[] = {kChunksVersion, 0, 0, 0};
  file_->Append({rest, sizeof rest});
  return {};
}

Result<uint64_t> ChunkWriter::Append(ChunkEncoding encoding, std::string_view data) {
  const uint64_t size = base::kMaxVarintBytes + 1 + data.size() + sizeof(uint32_t);
  if (data.size() > std::numeric_limits<uint32_t>::max())
    return Status::Limit("a chunk is larger than 4 GiB");
  // Prometheus's segments hold one chunk at least, whatever its size.
  if (!file_ || (file_->pos() > kChunksHeaderBytes && file_->pos() + size > segment_bytes_))
    CANOPY_RETURN_IF_ERROR(NextFile());
  const uint64_t ref = ChunkRef(files_ - 1, file_->pos());
  scratch_.clear();
  base::PutUvarint(scratch_, data.size());
  const size_t summed = scratch_.size();
  scratch_.push_back(static_cast<char>(encoding));
  scratch_.append(data);
  base::PutBe32(scratch_, base::Crc32c(std::string_view(scratch_).substr(summed)));
  file_->Append(scratch_);
  return ref;
}

Status ChunkWriter::Finish() {
  if (file_) CANOPY_RETURN_IF_ERROR(file_->Sync());
  return fs_.SyncDir(dir_);
}

Result<std::unique_ptr<ChunkReader>> ChunkReader::Open(Fs& fs, std::string dir) {
  std::unique_ptr<ChunkReader> out(new ChunkReader(std::move(dir)));
  CANOPY_ASSIGN_OR_RETURN(std::vector<std::string> names, fs.List(out->dir_));
  std::erase_if(names, [](const std::string& name) { return !ParseSegmentName(name); });
  for (uint64_t number = 1; number <= names.size(); ++number) {
    const std::string name = ChunkSegmentName(number);
    if (!std::ranges::binary_search(names, name))
      return Status::Corrupt("chunk segment " + name + " is missing").In(out->dir_);
    const std::string path = JoinPath(out->dir_, name);
    CANOPY_ASSIGN_OR_RETURN(auto file, fs.Map(path));
    if (const Status status = CheckHeader(file->bytes()); !status.ok()) return status.In(path);
    out->size_ += file->bytes().size();
    out->files_.push_back(std::move(file));
  }
  return out;
}

void ChunkReader::Release(uint64_t first, uint64_t last) const {
  for (uint64_t file = ChunkFileOf(first); file <= ChunkFileOf(last) && file < files_.size();
       ++file) {
    const std::string_view bytes = files_[file]->bytes();
    const size_t begin = file == ChunkFileOf(first) ? ChunkOffsetOf(first) : 0;
    const size_t end = file == ChunkFileOf(last) ? ChunkOffsetOf(last) : bytes.size();
    if (begin < end && end <= bytes.size()) files_[file]->Release(bytes.substr(begin, end - begin));
  }
}

Result<ChunkView> ChunkReader::Read(uint64_t ref) const {
  const uint64_t file = ChunkFileOf(ref);
  if (file >= files_.size()) {
    return Status::Corrupt("chunk segment " + ChunkSegmentName(file + 1) + " does not exist")
        .In(dir_);
  }
  auto chunk = ReadChunk(files_[file]->bytes(), ChunkOffsetOf(ref));
  if (!chunk.ok()) {
    return chunk.status()
        .In("offset " + std::to_string(ChunkOffsetOf(ref)))
        .In(JoinPath(dir_, ChunkSegmentName(file + 1)));
  }
  return chunk;
}

}  // namespace canopy::tsdb
