#include "chunk_decoder.h"

#include <algorithm>
#include <charconv>

namespace canopy::net {
namespace {

constexpr size_t kMaxLine = size_t{4} << 10;
constexpr size_t kMaxTrailer = size_t{64} << 10;

Status BadChunk() { return Status::Invalid("malformed chunked encoding"); }

Result<uint64_t> ParseSize(std::string_view line) {
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  const std::string_view rest(end, static_cast<size_t>(line.data() + line.size() - end));
  // What may follow the size is an extension.
  if (error != std::errc() || (!rest.empty() && rest[0] != ';' && rest[0] != ' '))
    return BadChunk();
  return size;
}

}  // namespace

Result<std::string_view> ChunkDecoder::Next(std::string_view& in) {
  while (!in.empty() && !done()) {
    if (place_ == Place::kData) {
      const std::string_view piece =
          in.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, in.size())));
      in.remove_prefix(piece.size());
      left_ -= piece.size();
      if (left_ == 0) place_ = Place::kDataEnd;
      return piece;
    }
    CANOPY_ASSIGN_OR_RETURN(const bool whole, TakeLine(in));
    if (!whole) break;
    CANOPY_RETURN_IF_ERROR(EndLine());
    line_.clear();
  }
  return std::string_view();
}

Result<bool> ChunkDecoder::TakeLine(std::string_view& in) {
  const size_t newline = in.find('\n');
  line_.append(in.substr(0, newline));
  if (line_.size() > (place_ == Place::kTrailer ? kMaxTrailer : kMaxLine)) return BadChunk();
  in.remove_prefix(std::min(newline, in.size()));
  if (newline == std::string_view::npos) return false;
  in.remove_prefix(1);
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  return true;
}

Status ChunkDecoder::EndLine() {
  switch (place_) {
    case Place::kSize: {
      CANOPY_ASSIGN_OR_RETURN(left_, ParseSize(line_));
      place_ = left_ > 0 ? Place::kData : Place::kTrailer;
      return {};
    }
    case Place::kDataEnd:
      if (!line_.empty()) return BadChunk();
      place_ = Place::kSize;
      return {};
    case Place::kTrailer:
      trailer_ += line_.size();
      if (trailer_ > kMaxTrailer) return BadChunk();
      if (line_.empty()) place_ = Place::kDone;
      return {};
    case Place::kData:
    case Place::kDone:
      break;
  }
  return Status::Internal("a line within a chunk");
}

}  // namespace canopy::net
