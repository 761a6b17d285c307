#include "tsdb/head_chunk_format.h"

#include <algorithm>

#include "canopy/base/bytes.h"
#include "canopy/base/crc32c.h"

namespace canopy::tsdb {
namespace {

constexpr uint8_t kOutOfOrder = 0x80;

bool AllZero(std::string_view bytes) { return bytes.find_first_not_of('\0') == bytes.npos; }

}  // namespace

void AppendHeadChunk(std::string& out, const HeadChunk& chunk) {
  const size_t begin = out.size();
  base::PutBe64(out, chunk.series.value());
  base::PutBe64(out, static_cast<uint64_t>(chunk.mint));
  base::PutBe64(out, static_cast<uint64_t>(chunk.maxt));
  const auto encoding = static_cast<uint8_t>(chunk.encoding);
  out.push_back(static_cast<char>(chunk.out_of_order ? encoding | kOutOfOrder : encoding));
  base::PutString(out, chunk.data);
  base::PutBe32(out, base::Crc32c(std::string_view(out).substr(begin)));
}

HeadChunkFound ParseHeadChunk(std::string_view file, size_t offset, HeadChunk& chunk,
                              size_t& size) {
  const std::string_view rest = file.substr(offset);
  base::ByteReader in(rest);
  chunk.series = SeriesRef(in.Be64());
  chunk.mint = static_cast<int64_t>(in.Be64());
  chunk.maxt = static_cast<int64_t>(in.Be64());
  const uint8_t encoding = in.U8();
  chunk.encoding = static_cast<ChunkEncoding>(encoding & ~kOutOfOrder);
  chunk.out_of_order = (encoding & kOutOfOrder) != 0;
  chunk.data = in.String();
  const size_t summed = rest.size() - in.remaining();
  const uint32_t sum = in.Be32();
  if (in.ok() && chunk.series && base::Crc32c(rest.substr(0, summed)) == sum) {
    // A writer that could not mean it.
    if (chunk.mint > chunk.maxt || !IsKnownEncoding(chunk.encoding))
      return HeadChunkFound::kCorrupt;
    size = rest.size() - in.remaining();
    return HeadChunkFound::kChunk;
  }
  // Cut off by a power cut, wholly or in part: what was not written reads as zeros. A length that
  // was damaged points behind the end as well, but then a chunk that is whole can be found later
  // on, and nobody looks for that: what comes after it has no place that could be told.
  if (AllZero(rest)) return HeadChunkFound::kEnd;
  return !in.ok() || AllZero(in.rest()) ? HeadChunkFound::kTorn : HeadChunkFound::kCorrupt;
}

HeadChunksEnd ReadHeadChunks(std::string_view file, bool is_last,
                             const std::function<void(size_t offset, const HeadChunk&)>& fn) {
  HeadChunksEnd end;
  if (file.size() < kHeadChunksHeaderBytes) {
    end.reason = "file is too short for a header";
    end.torn = is_last;
    return end;
  }
  base::ByteReader in(file);
  const uint32_t magic = in.Be32();
  const uint8_t version = in.U8();
  if (magic != kHeadChunksMagic) {
    end.reason = "this is no head chunk file";
    return end;
  }
  if (version != kHeadChunksVersion) {
    end.reason = "head chunk file version " + std::to_string(version) + " is not known";
    end.unknown_version = true;
    return end;
  }
  end.offset = kHeadChunksHeaderBytes;
  while (end.offset < file.size()) {
    HeadChunk chunk;
    size_t size = 0;
    const HeadChunkFound found = ParseHeadChunk(file, end.offset, chunk, size);
    if (found == HeadChunkFound::kEnd) break;
    if (found != HeadChunkFound::kChunk) {
      end.torn = found == HeadChunkFound::kTorn && is_last;
      end.reason = end.torn ? "file ends within a chunk" : "unexpected checksum";
      break;
    }
    fn(end.offset, chunk);
    end.offset += size;
  }
  return end;
}

}  // namespace canopy::tsdb
