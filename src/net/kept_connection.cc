#include "kept_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "errno_text.h"

namespace canopy::net {
namespace {

constexpr size_t kMaxHead = size_t{64} << 10;

std::string_view Front(std::string_view bytes, uint64_t most) {
  return bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(most, bytes.size())));
}

}  // namespace

KeptConnection::KeptConnection(int fd) : fd_(fd) {}

KeptConnection::~KeptConnection() { ::close(fd_); }

bool KeptConnection::Send(std::string_view request) {
  in_body_ = false;
  head_text_.clear();
  error_ = {};
  // An idle connection has room for a request; one that has not is not worth waiting for.
  const ssize_t sent = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent == static_cast<ssize_t>(request.size());
}

KeptConnection::State KeptConnection::Receive(std::span<char> buffer, Sink& sink) {
  while (true) {
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return State::kWaiting;
    if (n <= 0) return Ended(n < 0 ? errno : 0);
    const State state = TakeBytes({buffer.data(), static_cast<size_t>(n)}, sink);
    // A short read has emptied the socket: to look again costs more than to be told of more.
    if (state != State::kWaiting || static_cast<size_t>(n) < buffer.size()) return state;
  }
}

KeptConnection::State KeptConnection::TakeBytes(std::string_view bytes, Sink& sink) {
  if (!in_body_) {
    const State state = TakeHead(bytes, sink);
    if (!in_body_ || state != State::kWaiting) return state;
  }
  return TakeBody(bytes, sink);
}

KeptConnection::State KeptConnection::TakeHead(std::string_view& bytes, Sink& sink) {
  const size_t before = head_text_.size();
  // Most heads come whole, at the front of what has come.
  if (before > 0) head_text_.append(bytes);
  const std::string_view text = before > 0 ? std::string_view(head_text_) : bytes;
  const size_t size = FindHeadEnd(text, before);
  if (size == 0) {
    if (text.size() > kMaxHead) return State::kUnusable;
    if (before == 0) head_text_.assign(bytes);
    return State::kWaiting;
  }
  ResponseHead head;
  if (!ParseResponseHead(text.substr(0, size), head)) return State::kUnusable;
  bytes.remove_prefix(size - before);
  reusable_ = head.keep_alive;
  left_ = head.content_length.value_or(0);
  if (!head.has_body() || (head.content_length && left_ == 0))
    body_ = Body::kNone;
  else if (head.chunked)
    body_ = Body::kChunks;
  else
    body_ = head.content_length ? Body::kLength : Body::kUntilEnd;
  chunks_ = {};
  if (!sink.TakeHead(std::move(head))) return State::kUnusable;
  in_body_ = true;
  return body_ == Body::kNone ? Finish(bytes) : State::kWaiting;
}

KeptConnection::State KeptConnection::TakeBody(std::string_view bytes, Sink& sink) {
  if (bytes.empty()) return State::kWaiting;
  if (body_ == Body::kChunks) return TakeChunks(bytes, sink);
  const std::string_view piece = body_ == Body::kLength ? Front(bytes, left_) : bytes;
  if (!sink.TakeBody(piece)) return State::kBroken;
  if (body_ == Body::kUntilEnd) return State::kWaiting;
  left_ -= piece.size();
  return left_ == 0 ? Finish(bytes.substr(piece.size())) : State::kWaiting;
}

KeptConnection::State KeptConnection::TakeChunks(std::string_view bytes, Sink& sink) {
  while (true) {
    const Result<std::string_view> piece = chunks_.Next(bytes);
    if (!piece.ok()) {
      error_ = piece.status();
      return State::kBroken;
    }
    if (!piece->empty() && !sink.TakeBody(*piece)) return State::kBroken;
    if (chunks_.done()) return Finish(bytes);
    if (bytes.empty()) return State::kWaiting;
  }
}

KeptConnection::State KeptConnection::Finish(std::string_view behind) {
  if (!behind.empty()) reusable_ = false;
  return State::kDone;
}

KeptConnection::State KeptConnection::Ended(int error) {
  reusable_ = false;
  if (!in_body_) return State::kUnusable;
  if (error == 0 && body_ == Body::kUntilEnd) return State::kDone;
  error_ = error == 0 ? Status::Unavailable("unexpected EOF")
                      : Status::Unavailable("read: " + ErrnoText(error));
  return State::kBroken;
}

}  // namespace canopy::net
