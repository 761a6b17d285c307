#include "tsdb/head_chunk_scan.h"

#include <utility>

#include "tsdb/chunk_file.h"
#include "tsdb/wal_segment.h"

namespace canopy::tsdb {
namespace {

class Scanner {
 public:
  explicit Scanner(const HeadChunkFn& fn) : fn_(fn) {}

  void File(const std::string& path, uint32_t number, bool is_last,
            std::shared_ptr<const MappedFile> file) {
    path_ = path;
    bytes_ = file->bytes();
    out_.files.push_back(std::move(file));
    out_.bytes += bytes_.size();
    // Created, and nothing has reached the disk.
    if (is_last && bytes_.find_first_not_of('\0') == bytes_.npos) return;
    const auto take = [&](size_t offset, const HeadChunk& chunk) {
      ++out_.chunks;
      fn_(ChunkRef(number, offset), chunk);
    };
    HeadChunksEnd end = ReadHeadChunks(bytes_, is_last, take);
    if (!end.reason.empty()) Fault(end.offset, end.torn, std::move(end.reason));
  }
  void Missing(const std::string& path) {
    path_ = path;
    bytes_ = {};
    Fault(0, false, "files before it are missing");
  }
  HeadChunkScan Take() { return std::move(out_); }

 private:
  void Fault(uint64_t offset, bool torn, std::string reason) {
    out_.faults.push_back({path_, offset, bytes_.size() - offset, torn, std::move(reason)});
  }

  const HeadChunkFn& fn_;
  HeadChunkScan out_;
  std::string path_;
  std::string_view bytes_;
};

}  // namespace

Result<HeadChunkScan> ScanHeadChunks(Fs& fs, const std::string& dir, const HeadChunkFn& fn) {
  CANOPY_ASSIGN_OR_RETURN(const std::vector<uint32_t> numbers, ListSegments(fs, dir));
  Scanner scanner(fn);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const std::string path = JoinPath(dir, ChunkSegmentName(numbers[i]));
    if (i > 0 && numbers[i] != numbers[i - 1] + 1) scanner.Missing(path);
    CANOPY_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, fs.Map(path));
    scanner.File(path, numbers[i], i + 1 == numbers.size(), std::move(file));
  }
  return scanner.Take();
}

}  // namespace canopy::tsdb
