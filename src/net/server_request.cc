#include "server_request.h"

namespace canopy::net {
namespace {

// As Go: a body that nobody wanted is read to its end up to here, beyond it the connection is
// closed, which costs less.
constexpr size_t kMaxSkipped = size_t{256} << 10;

}  // namespace

Result<std::string_view> ServerRequest::ReadBody(size_t limit) {
  if (!body_read_) {
    body_read_ = true;
    if (head_.expects_continue && head_.has_body())
      body_status_ = wire_.Write("HTTP/1.1 100 Continue\r\n\r\n");
    if (body_status_.ok()) body_status_ = reader_.ReadBody(head_, limit, body_);
  }
  if (!body_status_.ok()) return body_status_;
  if (body_.size() > limit) return Status::Limit("http: request body too large");
  return std::string_view(body_);
}

bool ServerRequest::SkipBody() {
  if (!head_.has_body()) return true;
  // Who waits for our word before sending has not had it, and may send or not.
  if (!body_read_ && head_.expects_continue) return false;
  return ReadBody(body_read_ ? body_.size() : kMaxSkipped).ok();
}

}  // namespace canopy::net
