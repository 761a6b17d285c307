#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "canopy/base/status.h"

// The compressions of HTTP bodies, remote write and WAL records.

namespace canopy::net {

enum class Encoding : unsigned char {
  kIdentity,
  kGzip,     // RFC 1952
  kDeflate,  // RFC 1950: zlib, which HTTP calls deflate
  kZstd,
  kSnappy,  // block format, as remote write and WAL records have it
};

// "gzip", "deflate", "zstd", "snappy", "" or "identity"; anything else is kUnsupported.
Result<Encoding> ParseEncoding(std::string_view content_encoding);
// "gzip", ...; empty for kIdentity.
std::string_view EncodingName(Encoding encoding);

// The encoding that a response to this Accept-Encoding gets, as Prometheus chooses: the first of
// the comma-separated words that is exactly "gzip" or "deflate"; weights are not looked at, so
// "gzip;q=1" is not such a word.
Encoding NegotiateEncoding(std::string_view accept_encoding);

// Replaces `out`, whose capacity is used again. `level` is of the encoding's own scale; 0 takes one
// that favours speed. Whole inputs only; gzip and deflate by libdeflate.
void Compress(Encoding encoding, std::string_view in, std::string& out, int level = 0);

// Replaces `out`, whose capacity is used again. Never makes more than `limit` bytes, whatever the
// input claims: kLimit then. kCorrupt when the input is broken or ends early. Several gzip members
// or zstd frames one after the other are one body.
Status Decompress(Encoding encoding, std::string_view in, size_t limit, std::string& out);

// gzip or deflate of a body that is not there as a whole. Not thread-safe.
class StreamCompressor {
 public:
  // `encoding` is kGzip or kDeflate.
  explicit StreamCompressor(Encoding encoding, int level = 1);
  ~StreamCompressor();
  StreamCompressor(const StreamCompressor&) = delete;
  StreamCompressor& operator=(const StreamCompressor&) = delete;

  // Both append to `out` what is ready; after Finish() nothing more may be written.
  void Write(std::string_view in, std::string& out);
  void Finish(std::string& out);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace canopy::net
