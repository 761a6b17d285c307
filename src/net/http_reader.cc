#include "http_reader.h"

#include <algorithm>
#include <chrono>

#include "chunk_decoder.h"

namespace canopy::net {
namespace {

constexpr size_t kReadSize = size_t{16} << 10;

}  // namespace

Status HttpReader::Fill(Duration timeout) {
  if (begin_ > 0 && end_ + kReadSize > buffer_.size()) {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + kReadSize) buffer_.resize(end_ + kReadSize);
  CANOPY_ASSIGN_OR_RETURN(const size_t n,
                          wire_.Read(buffer_.data() + end_, buffer_.size() - end_, timeout));
  if (n == 0) return Status::Canceled("unexpected EOF");
  end_ += n;
  return {};
}

void HttpReader::Consume(size_t n) {
  begin_ += n;
  if (begin_ == end_) begin_ = end_ = 0;
}

bool HttpReader::WaitForRequest() {
  // What a long request has needed is given back while the connection rests.
  if (begin_ == end_ && buffer_.size() > 8 * kReadSize) {
    buffer_.resize(kReadSize);
    buffer_.shrink_to_fit();
  }
  return begin_ < end_ || Fill(timeout_).ok();
}

bool HttpReader::ReadHead(RequestHead& head, HeadError& error) {
  error = HeadError();
  // Empty lines before a request are to be overlooked, RFC 9112, 2.2.
  while (begin_ < end_ && (buffer_[begin_] == '\r' || buffer_[begin_] == '\n')) Consume(1);
  using Steady = std::chrono::steady_clock;
  const auto deadline = Steady::now() + timeout_;
  size_t looked_at = 0;
  for (;;) {
    const size_t size = FindHeadEnd(pending(), looked_at);
    if (size > max_head_bytes_ || (size == 0 && pending().size() > max_head_bytes_)) {
      error = {431, "431 Request Header Fields Too Large"};
      return false;
    }
    if (size > 0) {
      error = ParseHead(pending().substr(0, size), head);
      Consume(size);
      return !error;
    }
    looked_at = pending().size();
    // The whole head must come in time, however many pieces it is sent in.
    const auto left = std::chrono::ceil<Duration>(deadline - Steady::now());
    if (left <= Duration(0)) return false;
    if (!Fill(left).ok()) return false;
  }
}

Status HttpReader::TakeBytes(uint64_t size, std::string& out) {
  const size_t here = static_cast<size_t>(std::min<uint64_t>(size, pending().size()));
  out.append(pending().substr(0, here));
  Consume(here);
  size -= here;
  // The rest goes straight to where it is wanted, which grows as bytes come: a length that is a lie
  // costs no memory.
  while (size > 0) {
    const size_t used = out.size();
    const size_t want = static_cast<size_t>(std::min<uint64_t>(size, std::max(used, kReadSize)));
    out.resize(used + want);
    const auto n = wire_.Read(out.data() + used, want, timeout_);
    out.resize(used + (n.ok() ? *n : 0));
    if (!n.ok()) return n.status();
    if (*n == 0) return Status::Canceled("unexpected EOF");
    size -= *n;
  }
  return {};
}

Status HttpReader::ReadChunks(size_t limit, std::string& out) {
  ChunkDecoder decoder;
  for (;;) {
    std::string_view rest = pending();
    CANOPY_ASSIGN_OR_RETURN(const std::string_view piece, decoder.Next(rest));
    const size_t room = limit - out.size();
    if (piece.size() > room || decoder.left() > room - piece.size())
      return Status::Limit("http: request body too large");
    out.append(piece);
    const bool all_used = rest.empty();
    Consume(pending().size() - rest.size());
    if (decoder.done()) return {};
    if (all_used) CANOPY_RETURN_IF_ERROR(Fill(timeout_));
  }
}

Status HttpReader::ReadBody(const RequestHead& head, size_t limit, std::string& out) {
  if (head.chunked) return ReadChunks(limit, out);
  const uint64_t size = head.content_length.value_or(0);
  if (size > limit) return Status::Limit("http: request body too large");
  return TakeBytes(size, out);
}

}  // namespace canopy::net
