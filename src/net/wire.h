#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "canopy/base/status.h"
#include "canopy/base/time.h"

namespace Poco::Net {
class StreamSocket;
}

namespace canopy::net {

// One accepted connection, plain or TLS, with blocking reads and writes: where the exceptions of
// the socket library end. Reads and writes are of one thread; the rest is thread-safe.
class Wire {
 public:
  explicit Wire(const Poco::Net::StreamSocket& socket, bool tls);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // At least one byte into `to`; 0 when the peer has closed its side. kTimeout after `timeout`,
  // kCanceled when the connection broke.
  Result<size_t> Read(char* to, size_t size, Duration timeout);
  // All of it. `more` says that another write follows at once, so that small parts share a packet.
  Status Write(std::string_view bytes, bool more = false);
  // kTimeout ends a Write() that makes no progress for so long.
  void SetWriteTimeout(Duration timeout);

  // The peer has closed, or the connection broke.
  bool disconnected() const;
  // Reads see the end from now on.
  void ShutdownRead();
  void ShutdownWrite();
  void ShutdownBoth();
  std::string peer_address() const;

 private:
  const std::unique_ptr<Poco::Net::StreamSocket> socket_;
  const int fd_;
  const bool tls_;
  Duration read_timeout_{0};
};

}  // namespace canopy::net
