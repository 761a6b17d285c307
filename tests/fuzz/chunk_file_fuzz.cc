#include "canopy/base/check.h"
#include "tests/fuzz/repair_sums.h"
#include "tests/support/mem_fs.h"
#include "tsdb/chunk_file.h"

// Any bytes as a chunk segment behind its header: at each place there is a chunk, which decodes or
// is refused, or there is none.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy;
  using namespace canopy::tsdb;
  if (size > 4096) return 0;
  std::string bytes("\x85\xbd\x40\xdd\1\0\0\0", 8);
  bytes.append(reinterpret_cast<const char*>(data), size);
  // The first chunk's sum is made right.
  base::ByteReader in(std::string_view(bytes).substr(8));
  const uint64_t claimed = in.Uvarint();
  const size_t begin = bytes.size() - in.remaining();
  if (in.ok() && claimed < bytes.size()) testing::PutSum(bytes, begin, begin + 1 + claimed);
  testing::MemFs fs;
  CANOPY_CHECK(fs.MakeDirs("/chunks").ok());
  {
    const auto file = fs.Create("/chunks/000001");
    CANOPY_CHECK((*file)->Append(bytes).ok());
  }
  const auto reader = ChunkReader::Open(fs, "/chunks");
  CANOPY_CHECK(reader.ok());
  storage::ColumnBuffer samples;
  for (uint64_t offset = 0; offset <= bytes.size(); ++offset) {
    const auto chunk = (*reader)->Read(offset);
    if (!chunk.ok()) continue;
    samples.Clear();
    const Status status = DecodeChunk(chunk->encoding, chunk->data, samples);
    CANOPY_CHECK(samples.times.size() == samples.values.size());
    CANOPY_CHECK(samples.histograms.empty() || samples.times.size() == samples.histograms.size());
    CANOPY_CHECK(samples.times.size() ==
                 (status.ok() ? ChunkSampleCount(chunk->encoding, chunk->data) : 0));
  }
  return 0;
}
