// The load of the bench: many targets, /0/metrics, /1/metrics, ..., each with the same number of
// series. Target n is at 127.1.(n / 250).(n % 250 + 1), since real ones have an address apiece and
// HTTP clients keep connections by address; any of them answers for all, and so does 127.0.0.1.
//
// Serving must cost next to nothing beside the scraper under test, so pages are built once, their
// numbers keep their width, and a scrape only writes the digits that moved. What the pages hold is
// what real ones do: four tenths counters by handler, method and code, three tenths histograms, two
// tenths gauges of containers, a tenth that never moves.
//
// With START_MS and STEP_MS every line bears its own time, which begins there and moves on by a
// step with each scrape: hours pass in minutes. With CHURN_MS, of that time, a tenth of the series
// give way to new ones every so often.
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

namespace {

// A number on a page: `width` digits at `offset`, worth `value`, growing by up to `step` with each
// scrape.
struct Slot {
  uint32_t offset;
  uint8_t width;
  bool walks;  // up and down, as gauges do
  uint32_t step;
  uint64_t value;
};

// The time of the data, in milliseconds.
struct Calendar {
  int64_t start = 0;  // 0: lines have no time of their own
  int64_t step = 0;
  int64_t churn = 0;  // 0: series stay
};

uint32_t Random() {
  static uint64_t state = 88172645463325252ULL;  // xorshift: the same pages in every run
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<uint32_t>(state >> 16);
}

class Page {
 public:
  Page(int target, int series, const Calendar& calendar)
      : calendar_(calendar), now_(calendar.start) {
    Counters(series * 4 / 10);
    Histograms(series * 3 / 10);
    Gauges(target, series * 2 / 10);
    Constants(target, series - series_);
    text_.shrink_to_fit();
    slots_.shrink_to_fit();
  }

  // The page as it is now; the next call shows numbers that moved.
  const std::string& Next() {
    for (Slot& slot : slots_) {
      const uint32_t by = Random() % (slot.step + 1);
      slot.value = slot.walks && (by & 1) ? slot.value - by : slot.value + by;
      Write(slot);
    }
    if (calendar_.start != 0) PassTime();
    return text_;
  }

 private:
  static constexpr size_t kTimeDigits = 13;

  void PassTime() {
    const std::string time = std::to_string(now_);
    for (const uint32_t offset : times_) text_.replace(offset, kTimeDigits, time);
    if (calendar_.churn != 0) {
      const int64_t generation = (now_ - calendar_.start) / calendar_.churn;
      if (generation != generation_) Replace(generation);
    }
    now_ += calendar_.step;
  }

  // A third of the containers, which are three tenths of the series, get new names.
  void Replace(int64_t generation) {
    generation_ = generation;
    const std::string name = std::to_string(1000 + generation % 1000);
    for (size_t i = static_cast<size_t>(generation % 3); i < generations_.size(); i += 3)
      text_.replace(generations_[i], name.size(), name);
  }

  static constexpr std::array<std::string_view, 5> kCodes = {"200", "302", "404", "429", "500"};
  static constexpr std::array<std::string_view, 4> kMethods = {"get", "post", "put", "delete"};
  static constexpr std::array<std::string_view, 12> kBounds = {
      "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"};

  void Head(std::string_view name, std::string_view type) {
    text_.append("# HELP ").append(name).append(" What it is, in a few words.\n");
    text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  }

  void Write(const Slot& slot) {
    uint64_t rest = slot.value;
    for (uint32_t i = slot.width; i-- > 0; rest /= 10)
      text_[slot.offset + i] = static_cast<char>('0' + rest % 10);
  }

  // One series: its text so far is in text_. `first` has `width` digits, and room to grow.
  void Number(uint8_t width, uint64_t first, uint32_t step, bool walks,
              std::string_view tail = "") {
    text_ += ' ';
    const Slot slot{static_cast<uint32_t>(text_.size()), width, walks, step, first};
    text_.append(width, '0').append(tail);
    if (calendar_.start != 0) {
      times_.push_back(static_cast<uint32_t>(text_.size() + 1));
      text_.append(" ").append(kTimeDigits, '0');
    }
    text_ += '\n';
    Write(slot);
    if (step > 0) slots_.push_back(slot);
    ++series_;
  }

  static std::string Handler(int i) { return "/api/v2/resource-" + std::to_string(i) + "/items"; }

  void Counters(int count) {
    Head("http_requests_total", "counter");
    for (int i = 0; i < count; ++i) {
      const auto n = static_cast<size_t>(i);
      text_.append("http_requests_total{code=\"").append(kCodes[n % 5]).append("\",handler=\"");
      text_.append(Handler(i / 20))
          .append("\",method=\"")
          .append(kMethods[n / 5 % 4])
          .append("\"}");
      Number(7, 1000000 + Random() % 4000000, i % 5 == 0 ? 200 : 3, false);
    }
  }

  void Histograms(int count) {
    const std::string name = "http_request_duration_seconds";
    Head(name, "histogram");
    for (int h = 0; h < count / 14; ++h) {
      const std::string labels = "{handler=\"" + Handler(h) + "\"";
      for (size_t b = 0; b < kBounds.size(); ++b) {
        text_.append(name)
            .append("_bucket")
            .append(labels)
            .append(",le=\"")
            .append(kBounds[b])
            .append("\"}");
        Number(7, 1000000 + b * 250000, static_cast<uint32_t>(3 + 2 * b), false);
      }
      text_.append(name).append("_sum").append(labels).append("}");
      Number(6, 100000 + Random() % 400000, 40, false, ".0625");
      text_.append(name).append("_count").append(labels).append("}");
      Number(7, 4000000, 25, false);
    }
  }

  void Gauges(int target, int count) {
    Head("container_memory_working_set_bytes", "gauge");
    for (int i = 0; i < count; ++i) {
      text_ += "container_memory_working_set_bytes";
      Container(target, i);
      Number(9, 200000000 + Random() % 600000000, 400000, true);
    }
  }

  void Constants(int target, int count) {
    Head("kube_pod_container_info", "gauge");
    for (int i = 0; i < count; ++i) {
      text_ += "kube_pod_container_info";
      Container(target, i);
      Number(1, 1, 0, false);
    }
  }

  void Container(int target, int i) {
    const int pod = target * 1000 + i;
    text_ += "{container=\"app-" + std::to_string(i % 3) + "\",namespace=\"team-" +
             std::to_string(i % 17) + "\",pod=\"service-" + std::to_string(i % 40) + "-7d9f5b6c4-" +
             std::to_string(pod * 2654435761U) + "-";
    generations_.push_back(static_cast<uint32_t>(text_.size()));
    text_ += "1000\"}";
  }

  const Calendar calendar_;
  int64_t now_;
  int64_t generation_ = 0;
  std::string text_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> times_;        // where they stand
  std::vector<uint32_t> generations_;  // likewise, of containers
  int series_ = 0;
};

struct Connection {
  std::string in;
  std::string out;  // what the socket would not take yet
};

class Server {
 public:
  Server(uint16_t port, uint32_t targets, int series, const Calendar& calendar)
      : epoll_(epoll_create1(0)) {
    Listen(INADDR_LOOPBACK, port);
    for (uint32_t i = 0; i < targets; ++i) {
      pages_.push_back(std::make_unique<Page>(static_cast<int>(i), series, calendar));
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
  if (argc < 4 || argc == 5 || argc > 7) {
    std::fprintf(stderr,
                 "usage: load PORT TARGETS SERIES_PER_TARGET [START_MS STEP_MS [CHURN_MS]]\n");
    return 2;
  }
  Calendar calendar;
  if (argc > 5) calendar.start = std::atoll(argv[4]);
  if (argc > 5) calendar.step = std::atoll(argv[5]);
  if (argc > 6) calendar.churn = std::atoll(argv[6]);
  signal(SIGPIPE, SIG_IGN);
  rlimit files{};  // two a target, one more for each scraper
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Server(static_cast<uint16_t>(std::atoi(argv[1])), static_cast<uint32_t>(std::atoi(argv[2])),
         std::atoi(argv[3]), calendar)
      .Run();
}
