#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "canopy/base/check.h"

// Bytes over TCP on loopback, without any HTTP of ours: for what a well-behaved peer never sends.

namespace canopy::net {

inline timeval Seconds(int s) { return timeval{s, 0}; }

class RawConnection {
 public:
  explicit RawConnection(int fd) : fd_(fd) {
    const timeval patience = Seconds(20);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  // To "127.0.0.1:port".
  explicit RawConnection(const std::string& address) : RawConnection(Dial(address)) {}
  ~RawConnection() { Close(); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // False when the peer has gone.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  // Until `end` has come or the peer has closed; what has come so far.
  std::string ReadUntil(std::string_view end) {
    std::string out;
    char c = 0;
    while (!out.ends_with(end) && ::recv(fd_, &c, 1, 0) == 1) out.push_back(c);
    return out;
  }
  std::string ReadAll() {
    std::string out;
    char buffer[65536];
    ssize_t n = 0;
    while ((n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0)
      out.append(buffer, static_cast<size_t>(n));
    return out;
  }
  std::string ReadExactly(size_t size) {
    std::string out(size, ' ');
    for (size_t at = 0; at < size;) {
      const ssize_t n = ::recv(fd_, out.data() + at, size - at, 0);
      if (n <= 0) {
        out.resize(at);
        break;
      }
      at += static_cast<size_t>(n);
    }
    return out;
  }
  void CloseWrite() { ::shutdown(fd_, SHUT_WR); }
  // Closes with a reset instead of an end.
  void Reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    Close();
  }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }

 private:
  static int Dial(const std::string& address) {
    const size_t colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
    CANOPY_CHECK(::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) == 1);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CANOPY_CHECK(fd >= 0);
    CANOPY_CHECK(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return fd;
  }

  int fd_;
};

// Accepts connections one after the other and plays `serve` on each; ends when destroyed.
class RawServer {
 public:
  explicit RawServer(std::function<void(RawConnection&)> serve) : serve_(std::move(serve)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CANOPY_CHECK(fd_ >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CANOPY_CHECK(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CANOPY_CHECK(::listen(fd_, 1024) == 0);
    socklen_t size = sizeof address;
    CANOPY_CHECK(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] {
      for (;;) {
        const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        RawConnection connection(fd);
        serve_(connection);
      }
    });
  }
  ~RawServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  const std::string& address() const { return address_; }
  std::string url(std::string_view path = "/") const {
    return "http://" + address_ + std::string(path);
  }

 private:
  const std::function<void(RawConnection&)> serve_;
  int fd_ = -1;
  std::string address_;
  std::thread thread_;
};

// A port on loopback that nothing listens on (a moment ago).
inline std::string FreeAddress() {
  return RawServer([](RawConnection&) {}).address();
}

}  // namespace canopy::net
