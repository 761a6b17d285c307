#include <sys/socket.h>
#include <unistd.h>

#include <limits>
#include <utility>

#include "canopy/base/clock.h"
#include "curl_transfer.h"

// How a transfer goes over a connection that libcurl has made before.

namespace canopy::net {

int CurlTransfer::CloseSocket(void* self, curl_socket_t fd) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  // The one that the response came over is closed last: others were tries to connect.
  if (transfer.closed_by_curl_ >= 0) ::close(transfer.closed_by_curl_);
  transfer.closed_by_curl_ = fd;
  return 0;
}

void CurlTransfer::KeepConnection(CURLcode code) {
  const int fd = std::exchange(closed_by_curl_, -1);
  if (fd < 0) return;
  long version = 0;
  long redirects = 0;
  curl_easy_getinfo(handle_, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(handle_, CURLINFO_REDIRECT_COUNT, &redirects);
  const bool ends_before_connection =
      !response_.header("Content-Length").empty() || !response_.header("Transfer-Encoding").empty();
  if (code == CURLE_OK && version == CURL_HTTP_VERSION_1_1 && redirects == 0 &&
      ends_before_connection && !SameHeader(response_.header("Connection"), "close")) {
    kept_ = std::make_unique<KeptConnection>(fd);
    idle_since_ = SystemClock().MonotonicNanos();
  } else {
    ::close(fd);
  }
}

bool CurlTransfer::SendKept(int64_t now_nanos, Duration idle_timeout) {
  constexpr int64_t kNanos = 1'000'000;
  if (kept_ == nullptr) return false;
  if (now_nanos - idle_since_ > idle_timeout.count() * kNanos || !kept_->Send(plain_request_)) {
    kept_.reset();
    return false;
  }
  sent_at_ = now_nanos;
  deadline_ = options_.timeout > Duration(0) ? now_nanos + options_.timeout.count() * kNanos
                                             : std::numeric_limits<int64_t>::max();
  awaits_kept_ = true;
  return true;
}

KeptConnection::State CurlTransfer::ReceiveKept(std::span<char> buffer, int64_t now_nanos) {
  using State = KeptConnection::State;
  const State state = kept_->Receive(buffer, *this);
  switch (state) {
    case State::kWaiting:
      return state;
    case State::kDone:
      if (!kept_->reusable()) kept_.reset();
      break;
    case State::kUnusable:
      awaits_kept_ = false;
      response_.headers.clear();
      kept_.reset();
      return state;
    case State::kBroken:
      if (status_.ok()) status_ = too_long_ ? TooLong() : kept_->error();
      kept_.reset();
      break;
  }
  EndKept(now_nanos);
  return state;
}

void CurlTransfer::EndKeptLate(int64_t now_nanos) {
  status_ = Status::Timeout("context deadline exceeded");
  kept_.reset();
  EndKept(now_nanos);
}

void CurlTransfer::EndKept(int64_t now_nanos) {
  awaits_kept_ = false;
  idle_since_ = now_nanos;
  response_.duration = Duration((now_nanos - sent_at_) / 1'000'000);
  response_.url = request_.url;
}

bool CurlTransfer::TakeHead(ResponseHead head) {
  // More heads follow, perhaps of another protocol.
  if (head.code < 200) return false;
  if (config().follow_redirects && head.code >= 300 && head.code < 400 &&
      !FindHeader(head.headers, "Location").empty())
    return false;
  response_.code = head.code;
  response_.headers = std::move(head.headers);
  return true;
}

bool CurlTransfer::TakeBody(std::string_view bytes) { return OnBody(bytes) == bytes.size(); }

}  // namespace canopy::net
