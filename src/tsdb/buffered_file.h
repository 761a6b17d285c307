#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "canopy/base/bytes.h"
#include "canopy/base/crc32c.h"
#include "canopy/base/fs.h"
#include "canopy/base/status.h"

namespace canopy::tsdb {

// A file that is written from front to back in large pieces. The first error is kept and returned
// by every later Flush(): callers look once in a while. Not thread-safe.
class BufferedFile {
 public:
  static Result<BufferedFile> Create(Fs& fs, std::string path) {
    CANOPY_ASSIGN_OR_RETURN(auto file, fs.Create(path));
    return BufferedFile(std::move(file), std::move(path));
  }

  const std::string& path() const { return path_; }
  // Where the next byte goes.
  uint64_t pos() const { return flushed_ + buffer_.size(); }

  void Append(std::string_view bytes) {
    buffer_.append(bytes);
    if (buffer_.size() >= kBufferBytes) (void)Flush();
  }
  void PutBe32(uint32_t v) { base::PutBe32(buffer_, v); }
  void PadTo(size_t alignment) {
    const size_t over = pos() % alignment;
    if (over != 0) Append(std::string(alignment - over, '\0'));
  }

  // Hands everything to the system.
  Status Flush() {
    if (status_.ok() && !buffer_.empty()) status_ = file_->Append(buffer_);
    flushed_ += buffer_.size();
    buffer_.clear();
    return status_;
  }
  // Flushes, and makes it durable.
  Status Sync() {
    CANOPY_RETURN_IF_ERROR(Flush());
    return file_->Sync();
  }

 private:
  static constexpr size_t kBufferBytes = 256 << 10;

  BufferedFile(std::unique_ptr<WritableFile> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  std::unique_ptr<WritableFile> file_;
  std::string path_;
  std::string buffer_;
  uint64_t flushed_ = 0;
  Status status_;
};

}  // namespace canopy::tsdb
