// The load of the bench: many targets, /0/metrics, /1/metrics, ..., each with the same number of
// series. Target n is at 127.1.(n / 250).(n % 250 + 1), since real ones have an address apiece and
// HTTP clients keep connections by address; any of them answers for all, and so does 127.0.0.1.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tests/bench/page.h"

namespace {

using canopy::bench::Page;

struct Connection {
  std::string in;
  std::string out;  // what the socket would not take yet
};

class Server {
 public:
  Server(uint16_t port, uint32_t targets, int series) : epoll_(epoll_create1(0)) {
    Listen(INADDR_LOOPBACK, port);
    for (uint32_t i = 0; i < targets; ++i) {
      pages_.push_back(std::make_unique<Page>(static_cast<int>(i), series));
      Listen(127u << 24 | 1u << 16 | i / 250 << 8 | (i % 250 + 1), port);
    }
  }

  [[noreturn]] void Run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<size_t>(i)];
        if (listeners_.contains(event.data.fd)) {
          Accept(event.data.fd);
        } else if (!((event.events & EPOLLOUT) ? Flush(event.data.fd) : Read(event.data.fd))) {
          close(event.data.fd);
          connections_.erase(event.data.fd);
        }
      }
    }
  }

 private:
  void Listen(uint32_t host, uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(host);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd, 1024) != 0) {
      std::perror("load");
      std::exit(1);
    }
    listeners_.insert(fd);
    Watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  }

  void Watch(int fd, uint32_t what, int operation) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void Accept(int listener) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_[fd];
    Watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  }

  bool Read(int fd) {
    std::array<char, 4096> buffer;
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n <= 0) return n < 0 && errno == EAGAIN;
    Connection& c = connections_[fd];
    c.in.append(buffer.data(), static_cast<size_t>(n));
    const size_t end = c.in.find("\r\n\r\n");
    if (end == std::string::npos) return c.in.size() < 65536;
    Answer(c);
    c.in.erase(0, end + 4);
    return Flush(fd);
  }

  void Answer(Connection& c) {
    char* rest = nullptr;
    const auto target = std::strtoul(c.in.c_str() + std::strlen("GET /"), &rest, 10);
    if (c.in.rfind("GET /", 0) != 0 || target >= pages_.size()) {
      c.out += "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
      return;
    }
    const std::string& page = pages_[target]->Next();
    c.out +=
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; "
        "charset=utf-8\r\nContent-Length: ";
    c.out.append(std::to_string(page.size())).append("\r\n\r\n").append(page);
  }

  bool Flush(int fd) {
    Connection& c = connections_[fd];
    const ssize_t n = write(fd, c.out.data(), c.out.size());
    if (n < 0 && errno != EAGAIN) return false;
    if (n > 0) c.out.erase(0, static_cast<size_t>(n));
    Watch(fd, c.out.empty() ? EPOLLIN : EPOLLOUT, EPOLL_CTL_MOD);
    if (c.out.empty()) c.out.shrink_to_fit();
    return true;
  }

  std::unordered_set<int> listeners_;
  int epoll_;
  std::vector<std::unique_ptr<Page>> pages_;
  std::unordered_map<int, Connection> connections_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: load PORT TARGETS SERIES_PER_TARGET\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  rlimit files{};  // two a target, one more for each scraper
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Server(static_cast<uint16_t>(std::atoi(argv[1])), static_cast<uint32_t>(std::atoi(argv[2])),
         std::atoi(argv[3]))
      .Run();
}
