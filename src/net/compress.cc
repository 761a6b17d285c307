#include "canopy/net/compress.h"

#include <libdeflate.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

#include "canopy/base/bytes.h"
#include "canopy/base/check.h"

namespace canopy::net {
namespace {

// Pages and JSON shrink to a tenth already at the cheapest level; more effort costs a multiple of
// the time for a few percent of the bytes.
constexpr int kFastDeflateLevel = 1;
constexpr int kFastZstdLevel = 1;

// What deflate can make of a byte at most; a claim beyond it is a lie.
constexpr size_t kMaxDeflateRatio = 1032;
// What a copy of three bytes makes at most, rounded up.
constexpr size_t kMaxSnappyRatio = 64;

struct FreeLibdeflate {
  void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};
struct FreeZstd {
  void operator()(ZSTD_DCtx* d) const { ZSTD_freeDCtx(d); }
};

void CompressDeflate(Encoding encoding, std::string_view in, std::string& out, int level) {
  const std::unique_ptr<libdeflate_compressor, FreeLibdeflate> c(
      libdeflate_alloc_compressor(level == 0 ? kFastDeflateLevel : level));
  CANOPY_CHECK(c != nullptr);
  const bool gzip = encoding == Encoding::kGzip;
  out.resize(gzip ? libdeflate_gzip_compress_bound(c.get(), in.size())
                  : libdeflate_zlib_compress_bound(c.get(), in.size()));
  const auto compress = gzip ? libdeflate_gzip_compress : libdeflate_zlib_compress;
  const size_t size = compress(c.get(), in.data(), in.size(), out.data(), out.size());
  CANOPY_CHECK(size > 0);
  out.resize(size);
}

Status TooLong(size_t limit) {
  return Status::Limit("decompressed size exceeds the limit of " + std::to_string(limit) +
                       " bytes");
}

// The room to begin with. A gzip member ends in its length modulo 2^32; a guess that is too small
// costs a second try, one that is too large memory, so no guess is larger than the input can make.
size_t GuessInflatedSize(Encoding encoding, std::string_view in, size_t limit) {
  size_t guess = in.size() * 8 + 256;
  if (encoding == Encoding::kGzip && in.size() >= 18) {
    const size_t claimed = base::ByteReader(in.substr(in.size() - 4)).Le32();
    guess = std::min(claimed, in.size() * kMaxDeflateRatio);
  }
  return std::min(guess, limit);
}

Status Inflate(Encoding encoding, std::string_view in, size_t limit, std::string& out) {
  const std::unique_ptr<libdeflate_decompressor, FreeLibdeflate> d(libdeflate_alloc_decompressor());
  CANOPY_CHECK(d != nullptr);
  const bool gzip = encoding == Encoding::kGzip;
  const auto decompress = gzip ? libdeflate_gzip_decompress_ex : libdeflate_zlib_decompress_ex;
  out.resize(GuessInflatedSize(encoding, in, limit));
  size_t written = 0;
  do {
    size_t in_used = 0;
    size_t out_used = 0;
    const auto result = decompress(d.get(), in.data(), in.size(), out.data() + written,
                                   out.size() - written, &in_used, &out_used);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
      if (out.size() >= limit) return TooLong(limit);
      out.resize(std::min(limit, std::max(out.size() * 2, size_t{4096})));
      continue;
    }
    if (result != LIBDEFLATE_SUCCESS)
      return Status::Corrupt(gzip ? "gzip: invalid data" : "zlib: invalid data");
    written += out_used;
    in.remove_prefix(in_used);
    if (!gzip && !in.empty()) return Status::Corrupt("zlib: data after the end of the stream");
  } while (!in.empty());
  out.resize(written);
  return {};
}

Status DecompressZstd(std::string_view in, size_t limit, std::string& out) {
  const std::unique_ptr<ZSTD_DCtx, FreeZstd> d(ZSTD_createDCtx());
  CANOPY_CHECK(d != nullptr);
  const unsigned long long claimed = ZSTD_getFrameContentSize(in.data(), in.size());
  // The claim is believed only as far as costs little; beyond, the buffer grows with the content.
  size_t room = size_t{1} << 20;
  if (claimed < room) room = static_cast<size_t>(claimed);
  out.resize(std::min(room, limit));
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  size_t rest = 1;
  // A frame is done when `rest` is zero; the input may go on with another one.
  while (from.pos < from.size || rest != 0) {
    const size_t in_before = from.pos;
    const size_t out_before = to.pos;
    rest = ZSTD_decompressStream(d.get(), &to, &from);
    if (ZSTD_isError(rest)) return Status::Corrupt(std::string("zstd: ") + ZSTD_getErrorName(rest));
    if (rest == 0 && from.pos == from.size) break;
    if (to.pos == to.size && out.size() < limit) {
      out.resize(std::min(limit, std::max(out.size() * 2, size_t{4096})));
      to.dst = out.data();
      to.size = out.size();
    } else if (from.pos == in_before && to.pos == out_before) {
      // No progress: either the output is full, or the input has ended within a frame.
      return to.pos == to.size ? TooLong(limit) : Status::Corrupt("zstd: unexpected end of data");
    }
  }
  out.resize(to.pos);
  return {};
}

Status DecompressSnappy(std::string_view in, size_t limit, std::string& out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(in.data(), in.size(), &size) ||
      size > in.size() * kMaxSnappyRatio)
    return Status::Corrupt("snappy: corrupt input");
  if (size > limit) return TooLong(limit);
  out.resize(size);
  if (!snappy::RawUncompress(in.data(), in.size(), out.data()))
    return Status::Corrupt("snappy: corrupt input");
  return {};
}

}  // namespace

Result<Encoding> ParseEncoding(std::string_view name) {
  if (name.empty() || name == "identity") return Encoding::kIdentity;
  if (name == "gzip" || name == "x-gzip") return Encoding::kGzip;
  if (name == "deflate") return Encoding::kDeflate;
  if (name == "zstd") return Encoding::kZstd;
  if (name == "snappy") return Encoding::kSnappy;
  return Status::Unsupported("unsupported content encoding \"" + std::string(name) + "\"");
}

std::string_view EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kIdentity:
      return "";
    case Encoding::kGzip:
      return "gzip";
    case Encoding::kDeflate:
      return "deflate";
    case Encoding::kZstd:
      return "zstd";
    case Encoding::kSnappy:
      return "snappy";
  }
  return "";
}

Encoding NegotiateEncoding(std::string_view accept) {
  while (!accept.empty()) {
    const size_t comma = std::min(accept.find(','), accept.size());
    std::string_view word = accept.substr(0, comma);
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    word.remove_prefix(std::min(word.find_first_not_of(" \t"), word.size()));
    word = word.substr(0, word.find_last_not_of(" \t") + 1);
    if (word == "gzip") return Encoding::kGzip;
    if (word == "deflate") return Encoding::kDeflate;
  }
  return Encoding::kIdentity;
}

void Compress(Encoding encoding, std::string_view in, std::string& out, int level) {
  switch (encoding) {
    case Encoding::kIdentity:
      out.assign(in);
      return;
    case Encoding::kGzip:
    case Encoding::kDeflate:
      CompressDeflate(encoding, in, out, level);
      return;
    case Encoding::kZstd: {
      out.resize(ZSTD_compressBound(in.size()));
      const size_t size = ZSTD_compress(out.data(), out.size(), in.data(), in.size(),
                                        level == 0 ? kFastZstdLevel : level);
      CANOPY_CHECK(!ZSTD_isError(size));
      out.resize(size);
      return;
    }
    case Encoding::kSnappy: {
      out.resize(snappy::MaxCompressedLength(in.size()));
      size_t size = 0;
      snappy::RawCompress(in.data(), in.size(), out.data(), &size);
      out.resize(size);
      return;
    }
  }
}

Status Decompress(Encoding encoding, std::string_view in, size_t limit, std::string& out) {
  switch (encoding) {
    case Encoding::kIdentity:
      if (in.size() > limit) return TooLong(limit);
      out.assign(in);
      return {};
    case Encoding::kGzip:
    case Encoding::kDeflate:
      return Inflate(encoding, in, limit, out);
    case Encoding::kZstd:
      return DecompressZstd(in, limit, out);
    case Encoding::kSnappy:
      return DecompressSnappy(in, limit, out);
  }
  return Status::Internal("unknown encoding");
}

struct StreamCompressor::Rep {
  z_stream z{};

  // Runs zlib until it wants more input, or, when finishing, until it is done.
  void Run(std::string_view in, int flush, std::string& out) {
    constexpr size_t kRoom = size_t{32} << 10;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    z.avail_in = static_cast<uInt>(in.size());
    int result = Z_OK;
    do {
      const size_t used = out.size();
      out.resize(used + kRoom);
      z.next_out = reinterpret_cast<Bytef*>(out.data() + used);
      z.avail_out = kRoom;
      result = deflate(&z, flush);
      CANOPY_CHECK(result != Z_STREAM_ERROR);
      out.resize(used + kRoom - z.avail_out);
    } while (z.avail_out == 0 && result != Z_STREAM_END);
  }
};

StreamCompressor::StreamCompressor(Encoding encoding, int level) : rep_(std::make_unique<Rep>()) {
  CANOPY_CHECK(encoding == Encoding::kGzip || encoding == Encoding::kDeflate);
  constexpr int kWindowBits = 15;
  constexpr int kGzipHeader = 16;
  const int bits = encoding == Encoding::kGzip ? kWindowBits + kGzipHeader : kWindowBits;
  constexpr int kMemory = 8;
  CANOPY_CHECK(deflateInit2(&rep_->z, level, Z_DEFLATED, bits, kMemory, Z_DEFAULT_STRATEGY) ==
               Z_OK);
}

StreamCompressor::~StreamCompressor() { deflateEnd(&rep_->z); }

void StreamCompressor::Write(std::string_view in, std::string& out) {
  // zlib counts in 32 bits.
  constexpr size_t kMost = size_t{1} << 30;
  while (!in.empty()) {
    const std::string_view part = in.substr(0, kMost);
    rep_->Run(part, Z_NO_FLUSH, out);
    in.remove_prefix(part.size());
  }
}

void StreamCompressor::Finish(std::string& out) { rep_->Run({}, Z_FINISH, out); }

}  // namespace canopy::net
