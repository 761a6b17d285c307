#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "tsdb/buffered_file.h"
#include "tsdb/chunk_format.h"

// The chunk segments of a block, in files named 000001, 000002, ... of at most 512 MiB:
//
//   segment := 0x85BD40DD <4b> | version 1 <1b> | 0 <3b> | { chunk }
//   chunk   := len of data <uvarint> | encoding <1b> | data | CRC-32C of encoding and data <4b>
//
// A chunk's reference is the number of its file, counted from 0, and the offset in it: 32 bits
// each. Source: prometheus 3.14 tsdb/chunks/chunks.go; the page is tsdb/docs/format/chunks.md.

namespace canopy::tsdb {

inline constexpr std::string_view kChunksDir = "chunks";
inline constexpr uint32_t kChunksMagic = 0x85BD40DD;
inline constexpr uint8_t kChunksVersion = 1;
inline constexpr size_t kChunksHeaderBytes = 8;
inline constexpr uint64_t kChunkSegmentBytes = 512ull << 20;

inline constexpr uint64_t ChunkRef(uint64_t file, uint64_t offset) { return file << 32 | offset; }
inline constexpr uint64_t ChunkFileOf(uint64_t ref) { return ref >> 32; }
inline constexpr uint64_t ChunkOffsetOf(uint64_t ref) { return ref & 0xffffffff; }
// "000001": of a block's first segment, whose number in references is 0.
std::string ChunkSegmentName(uint64_t number);

// Not thread-safe. After an error the files are of no use.
class ChunkWriter {
 public:
  // Creates the directory. No file before the first chunk.
  static Result<std::unique_ptr<ChunkWriter>> Create(Fs& fs, std::string dir,
                                                     uint64_t segment_bytes = kChunkSegmentBytes);

  // Returns the reference.
  Result<uint64_t> Append(ChunkEncoding encoding, std::string_view data);
  // Syncs the files and the directory.
  Status Finish();

 private:
  ChunkWriter(Fs& fs, std::string dir, uint64_t segment_bytes)
      : fs_(fs), dir_(std::move(dir)), segment_bytes_(segment_bytes) {}

  Status NextFile();

  Fs& fs_;
  const std::string dir_;
  const uint64_t segment_bytes_;
  std::optional<BufferedFile> file_;
  uint64_t files_ = 0;
  std::string scratch_;
};

struct ChunkView {
  ChunkEncoding encoding = ChunkEncoding::kNone;
  std::string_view data;
};

// All segments of a block, mapped. Thread-safe. Views live as long as it does.
class ChunkReader {
 public:
  // Checks the headers, and that no file is missing. kNotFound when there is no such directory.
  static Result<std::unique_ptr<ChunkReader>> Open(Fs& fs, std::string dir);

  // Verifies the checksum. kCorrupt when nothing of the kind lies there.
  Result<ChunkView> Read(uint64_t ref) const;
  // For who reads them in order: what lies from `first` up to `last` needs no memory until it is
  // read again.
  void Release(uint64_t first, uint64_t last) const;
  // All files together.
  uint64_t size() const { return size_; }
  size_t file_count() const { return files_.size(); }

 private:
  explicit ChunkReader(std::string dir) : dir_(std::move(dir)) {}

  const std::string dir_;
  std::vector<std::unique_ptr<MappedFile>> files_;
  uint64_t size_ = 0;
};

}  // namespace canopy::tsdb
