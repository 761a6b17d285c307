#include "wire.h"

#include <Poco/Exception.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

namespace canopy::net {
namespace {

constexpr size_t kMostAtOnce = size_t{1} << 30;  // lengths are ints here

Poco::Timespan ToTimespan(Duration d) { return Poco::Timespan(d.count() * 1000); }

// Runs `call` and turns what it throws into a Status.
template <class Call>
Status Guard(Call call) {
  try {
    call();
    return {};
  } catch (const Poco::TimeoutException&) {
    return Status::Timeout("i/o timeout");
  } catch (const Poco::Exception& e) {
    return Status::Canceled("connection broken: " + e.displayText());
  } catch (const std::exception& e) {
    return Status::Canceled(std::string("connection broken: ") + e.what());
  }
}

}  // namespace

Wire::Wire(const Poco::Net::StreamSocket& socket, bool tls)
    : socket_(std::make_unique<Poco::Net::StreamSocket>(socket)),
      fd_(socket.impl()->sockfd()),
      tls_(tls) {}

Wire::~Wire() = default;

Result<size_t> Wire::Read(char* to, size_t size, Duration timeout) {
  int n = 0;
  CANOPY_RETURN_IF_ERROR(Guard([&] {
    if (timeout != read_timeout_) {
      // Zero would mean: no timeout.
      socket_->setReceiveTimeout(ToTimespan(std::max(timeout, Duration(1))));
      read_timeout_ = timeout;
    }
    n = socket_->receiveBytes(to, static_cast<int>(std::min(size, kMostAtOnce)));
  }));
  return n > 0 ? static_cast<size_t>(n) : size_t{0};
}

Status Wire::Write(std::string_view bytes, bool more) {
  // TLS makes records of its own and takes no flags.
  const int flags = tls_ ? 0 : MSG_NOSIGNAL | (more ? MSG_MORE : 0);
  while (!bytes.empty()) {
    int n = 0;
    CANOPY_RETURN_IF_ERROR(Guard([&] {
      n = socket_->sendBytes(bytes.data(), static_cast<int>(std::min(bytes.size(), kMostAtOnce)),
                             flags);
    }));
    if (n <= 0) return Status::Canceled("connection broken");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

void Wire::SetWriteTimeout(Duration timeout) {
  // A socket that is broken already says so at the next write.
  (void)Guard([&] { socket_->setSendTimeout(ToTimespan(timeout)); });
}

bool Wire::disconnected() const {
  pollfd p{fd_, POLLRDHUP, 0};
  return ::poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void Wire::ShutdownRead() { ::shutdown(fd_, SHUT_RD); }
void Wire::ShutdownWrite() {
  // Of TLS this sends the closing alert too.
  (void)Guard([&] { socket_->shutdownSend(); });
}
void Wire::ShutdownBoth() { ::shutdown(fd_, SHUT_RDWR); }

std::string Wire::peer_address() const {
  std::string out;
  (void)Guard([&] { out = socket_->peerAddress().toString(); });
  return out;
}

}  // namespace canopy::net
