#include <string>
#include <vector>

#include "canopy/base/check.h"
#include "tests/fuzz/repair_sums.h"
#include "tests/support/mem_fs.h"
#include "tsdb/head_chunk_files.h"

// Any bytes as a head chunk file behind its header: what is read before the first fault is read
// again after the repair, and then there is no fault.

namespace {

using namespace canopy;
using namespace canopy::tsdb;

std::vector<std::pair<uint64_t, std::string>> Load(Fs& fs, std::unique_ptr<HeadChunkFiles>& out) {
  std::vector<std::pair<uint64_t, std::string>> chunks;
  auto files = HeadChunkFiles::Open(fs, "/h", [&](uint64_t ref, const HeadChunk& chunk) {
    chunks.emplace_back(ref, chunk.data);
  });
  CANOPY_CHECK(files.ok());
  out = std::move(*files);
  for (const auto& [ref, data] : chunks) {
    const auto pinned = out->Read(ref);
    CANOPY_CHECK(pinned.ok() && pinned->chunk.data == data);
  }
  return chunks;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes("\x01\x30\xbc\x91\1\0\0\0", 8);
  bytes.append(reinterpret_cast<const char*>(data), size);
  // Sums are made right, as far as lengths lead to them; a first byte that is odd keeps them wrong.
  for (size_t at = 8; size > 0 && data[0] % 2 == 0 && at < bytes.size();) {
    base::ByteReader in(std::string_view(bytes).substr(at));
    in.Bytes(3 * sizeof(uint64_t) + 1);
    in.String();
    if (!in.ok()) break;
    const size_t end = bytes.size() - in.remaining();
    testing::PutSum(bytes, at, end);
    at = end + sizeof(uint32_t);
  }
  testing::MemFs fs;
  CANOPY_CHECK(fs.MakeDirs("/h").ok());
  {
    const auto file = fs.Create("/h/000001");
    CANOPY_CHECK((*file)->Append(bytes).ok());
  }
  std::unique_ptr<HeadChunkFiles> files;
  const auto chunks = Load(fs, files);
  CANOPY_CHECK(files->Repair().ok());
  CANOPY_CHECK(Load(fs, files) == chunks);
  CANOPY_CHECK(!files->fault().has_value());
  return 0;
}
