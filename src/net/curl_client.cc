#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "canopy/base/check.h"
#include "canopy/base/clock.h"
#include "canopy/base/mutex.h"
#include "client_timers.h"
#include "curl_transfer.h"

namespace canopy::net {
namespace {

constexpr size_t kMaxSpareHandles = 256;
// Of standing requests: a handle takes about 10 KiB.
constexpr size_t kMaxKeptHandles = 2048;
// What a kept connection is read through: stays in the cache, and takes most pages in a few reads.
constexpr size_t kReadBuffer = size_t{64} << 10;
// Of the responses that wait, so many may be taken on the client's own thread, one by one through
// the same warm buffers; the others go to other threads.
constexpr int kRunHere = 16;

// libcurl is driven by its socket interface over epoll: a thousand connections that wait cost
// nothing when another one moves, which its own poll() loop would make them.
class CurlHttpClient final : public HttpClient {
 public:
  explicit CurlHttpClient(CurlClientOptions options);
  ~CurlHttpClient() override;

  HttpRequestId Send(HttpRequest request, HttpOptions options, Callback done) override;
  std::unique_ptr<StandingRequest> Prepare(HttpRequest request, HttpOptions options) override;
  HttpRequestId Send(StandingRequest& request, std::string body_buffer, Callback done) override;
  void Cancel(HttpRequestId id) override;
  std::unique_ptr<Timer> NewTimer(std::function<Duration()> task) override {
    return timers_.Add(std::move(task));
  }

 private:
  using TransferPtr = std::shared_ptr<CurlTransfer>;
  struct Standing;

  HttpRequestId SendTransfer(TransferPtr transfer, Callback done);
  void Run();
  void Wake();
  int WaitTime() const;
  // Starts and cancels what was asked for; false when it is time to end.
  bool TakeRequests();
  CURL* HandleFor(const CurlTransfer& transfer);
  void StartTransfer(TransferPtr transfer);
  void SendByCurl(CurlTransfer& transfer);
  // What has happened on a kept connection.
  void TakeFromKept(const TransferPtr& transfer, bool run_here);
  void WatchKept(const TransferPtr& transfer);
  void EndLateKept();
  int64_t next_deadline() const {
    return deadlines_.empty() ? ClientTimers::kNever : deadlines_.begin()->first;
  }
  void FinishDone();
  // Takes the transfer off libcurl; its handle is kept for another one or the next time.
  TransferPtr Detach(CURL* handle);
  TransferPtr Detach(CurlTransfer& transfer);
  void Finish(TransferPtr transfer, bool run_here);
  void Hand(TransferPtr transfer);
  void HandOverdue();
  void CancelAll();

  static int SocketCallback(CURL*, curl_socket_t fd, int what, void* self, void* known);
  static int TimerCallback(CURLM*, long timeout_ms, void* self);

  const CurlClientOptions options_;
  const long max_idle_connections_;
  const EnvironmentProxies environment_;
  Fs& fs_;
  CURLM* const multi_;
  const int epoll_;
  const int wakeup_;
  std::atomic<uint64_t> last_id_{0};
  std::atomic<size_t> standing_{0};

  Mutex mu_;
  std::vector<TransferPtr> incoming_ CANOPY_GUARDED_BY(mu_);
  std::vector<HttpRequestId> canceled_ CANOPY_GUARDED_BY(mu_);
  bool stopping_ CANOPY_GUARDED_BY(mu_) = false;

  // Of the client's thread alone.
  std::unordered_map<uint64_t, TransferPtr> running_;
  std::vector<CURL*> spare_;
  // By the number of their socket. A number may since have become another socket's: then whoever
  // had it is gone, or has another connection.
  std::vector<std::weak_ptr<CurlTransfer>> kept_;
  std::set<std::pair<int64_t, uint64_t>> deadlines_;  // of what runs over kept connections, and ids
  std::vector<char> read_buffer_;
  std::vector<TransferPtr> overdue_;         // finished, but their workers' queue was full
  bool look_again_ = false;                  // this thread has asked for something itself
  int64_t timer_at_ = ClientTimers::kNever;  // libcurl's, in monotonic nanoseconds

  ClientTimers timers_;
  std::thread thread_;
};

// Half of the files that this process may open are for others.
long MaxIdleConnections(long wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  return std::min(wanted, std::max(1L, static_cast<long>(limit.rlim_cur / 2)));
}

CURLM* NewMulti() {
  static std::once_flag once;
  std::call_once(once, [] { CANOPY_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  CURLM* multi = curl_multi_init();
  CANOPY_CHECK(multi != nullptr);
  return multi;
}

CurlHttpClient::CurlHttpClient(CurlClientOptions options)
    : options_(std::move(options)),
      max_idle_connections_(MaxIdleConnections(options_.max_idle_connections)),
      environment_(EnvironmentProxies::Read()),
      fs_(options_.fs != nullptr ? *options_.fs : PosixFs()),
      multi_(NewMulti()),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      mu_(LockRank::kNet),
      read_buffer_(kReadBuffer),
      timers_([this] { Wake(); }) {
  CANOPY_CHECK(epoll_ >= 0 && wakeup_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wakeup_;
  CANOPY_CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) == 0);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, SocketCallback);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, TimerCallback);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // Its default is a multiple of the requests under way, which would close every connection of
  // targets that are asked one after the other.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, max_idle_connections_);
  // Signals are for the threads that ask for them; libcurl's own threads inherit this.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] {
    SetThreadName("http-client");
    Run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

CurlHttpClient::~CurlHttpClient() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  for (CURL* handle : spare_) curl_easy_cleanup(handle);
  curl_multi_cleanup(multi_);
  ::close(epoll_);
  ::close(wakeup_);
}

// The client whose thread this is.
thread_local const void* t_client = nullptr;

void CurlHttpClient::Wake() {
  if (t_client == this) {
    look_again_ = true;
    return;
  }
  const uint64_t one = 1;
  // Full only if nobody has read 2^64 wake-ups: then it is awake.
  (void)!::write(wakeup_, &one, sizeof one);
}

struct CurlHttpClient::Standing final : StandingRequest {
  Standing(std::atomic<size_t>& n, size_t max_connections, HttpRequest request, HttpOptions options)
      : transfer(std::make_shared<CurlTransfer>(std::move(request), std::move(options),
                                                KeepsOf(n++, max_connections))),
        count(n) {}
  ~Standing() override { --count; }

  static Keeps KeepsOf(size_t standing, size_t max_connections) {
    if (standing < std::min(kMaxKeptHandles, max_connections)) return Keeps::kConnection;
    return Keeps::kNothing;
  }

  const TransferPtr transfer;
  std::atomic<size_t>& count;
};

std::unique_ptr<HttpClient::StandingRequest> CurlHttpClient::Prepare(HttpRequest request,
                                                                     HttpOptions options) {
  return std::make_unique<Standing>(standing_, static_cast<size_t>(max_idle_connections_),
                                    std::move(request), std::move(options));
}

HttpRequestId CurlHttpClient::Send(StandingRequest& request, std::string body_buffer,
                                   Callback done) {
  TransferPtr transfer = static_cast<Standing&>(request).transfer;
  transfer->GiveBuffer(std::move(body_buffer));
  return SendTransfer(std::move(transfer), std::move(done));
}

HttpRequestId CurlHttpClient::Send(HttpRequest request, HttpOptions options, Callback done) {
  return SendTransfer(
      std::make_shared<CurlTransfer>(std::move(request), std::move(options), Keeps::kNothing),
      std::move(done));
}

HttpRequestId CurlHttpClient::SendTransfer(TransferPtr transfer, Callback done) {
  const HttpRequestId id(++last_id_);
  transfer->Begin(id, std::move(done));
  transfer->Prepare(fs_, environment_, options_.user_agent);
  bool first = false;
  {
    MutexLock lock(mu_);
    CANOPY_CHECK(!stopping_);
    first = incoming_.empty();
    incoming_.push_back(std::move(transfer));
  }
  if (first) Wake();
  return id;
}

void CurlHttpClient::Cancel(HttpRequestId id) {
  {
    MutexLock lock(mu_);
    canceled_.push_back(id);
  }
  Wake();
}

int CurlHttpClient::SocketCallback(CURL*, curl_socket_t fd, int what, void* self, void* known) {
  auto& client = *static_cast<CurlHttpClient*>(self);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(client.epoll_, EPOLL_CTL_DEL, fd, nullptr);
    return 0;
  }
  epoll_event event{};
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  event.data.fd = fd;
  const int operation = known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(client.epoll_, operation, fd, &event) != 0) {
    // The number may be known from a socket that was closed, or forgotten with it.
    const int other = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(client.epoll_, other, fd, &event) != 0) return -1;
  }
  curl_multi_assign(client.multi_, fd, self);
  return 0;
}

int CurlHttpClient::TimerCallback(CURLM*, long timeout_ms, void* self) {
  auto& client = *static_cast<CurlHttpClient*>(self);
  client.timer_at_ = timeout_ms < 0
                         ? ClientTimers::kNever
                         : SystemClock().MonotonicNanos() + int64_t{timeout_ms} * 1'000'000;
  return 0;
}

int CurlHttpClient::WaitTime() const {
  if (look_again_) return 0;
  if (!overdue_.empty()) return 1;
  const int64_t next = std::min({timer_at_, timers_.next_due(), next_deadline()});
  if (next == ClientTimers::kNever) return -1;
  const int64_t left = next - SystemClock().MonotonicNanos();
  // Rounded up: a wait of zero would spin through the last millisecond.
  return left <= 0 ? 0 : static_cast<int>(std::min<int64_t>(left / 1'000'000 + 1, 60'000));
}

void CurlHttpClient::Run() {
  constexpr int kEvents = 256;
  epoll_event events[kEvents];
  int still_running = 0;
  t_client = this;
  for (bool more = true; more;) {
    const int n = epoll_wait(epoll_, events, kEvents, WaitTime());
    CANOPY_CHECK(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; ++i) {
      if (events[i].data.fd == wakeup_) {
        uint64_t count = 0;
        (void)!::read(wakeup_, &count, sizeof count);
        continue;
      }
      const auto fd = static_cast<size_t>(events[i].data.fd);
      if (const TransferPtr transfer = fd < kept_.size() ? kept_[fd].lock() : nullptr;
          transfer != nullptr && transfer->has_kept(events[i].data.fd)) {
        TakeFromKept(transfer, n - i <= kRunHere);
        continue;
      }
      int what = 0;
      if ((events[i].events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
      if ((events[i].events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
      if ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
      curl_multi_socket_action(multi_, events[i].data.fd, what, &still_running);
    }
    timers_.RunDue();
    more = TakeRequests();
    if (timer_at_ != ClientTimers::kNever && SystemClock().MonotonicNanos() >= timer_at_) {
      timer_at_ = ClientTimers::kNever;
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &still_running);
    }
    FinishDone();
    EndLateKept();
    HandOverdue();
  }
  CancelAll();
}

bool CurlHttpClient::TakeRequests() {
  std::vector<TransferPtr> incoming;
  std::vector<HttpRequestId> canceled;
  bool stopping = false;
  look_again_ = false;
  {
    MutexLock lock(mu_);
    incoming.swap(incoming_);
    canceled.swap(canceled_);
    stopping = stopping_;
  }
  for (TransferPtr& transfer : incoming) {
    if (transfer->failed())
      Hand(std::move(transfer));
    else
      StartTransfer(std::move(transfer));
  }
  for (const HttpRequestId id : canceled) {
    const auto it = running_.find(id.value());
    if (it == running_.end()) continue;
    TransferPtr transfer = Detach(*it->second);
    transfer->Fail(Status::Canceled("context canceled"));
    Hand(std::move(transfer));
  }
  return !stopping;
}

CURL* CurlHttpClient::HandleFor(const CurlTransfer& transfer) {
  CURL* handle = transfer.handle();
  if (handle != nullptr) {
    curl_easy_reset(handle);
  } else if (!spare_.empty()) {
    handle = spare_.back();
    spare_.pop_back();
  } else {
    handle = curl_easy_init();
    CANOPY_CHECK(handle != nullptr);
  }
  return handle;
}

void CurlHttpClient::StartTransfer(TransferPtr transfer) {
  const uint64_t id = transfer->id().value();
  if (transfer->SendKept(SystemClock().MonotonicNanos(), options_.idle_timeout))
    deadlines_.emplace(transfer->deadline(), id);
  else
    SendByCurl(*transfer);
  running_.emplace(id, std::move(transfer));
}

void CurlHttpClient::SendByCurl(CurlTransfer& transfer) {
  if (!transfer.started())
    transfer.Start(HandleFor(transfer), options_.user_agent, options_.idle_timeout);
  CANOPY_CHECK(curl_multi_add_handle(multi_, transfer.handle()) == CURLM_OK);
}

CurlHttpClient::TransferPtr CurlHttpClient::Detach(CURL* handle) {
  CurlTransfer* transfer = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
  curl_multi_remove_handle(multi_, handle);
  const auto it = running_.find(transfer->id().value());
  CANOPY_CHECK(it != running_.end());
  TransferPtr out = std::move(it->second);
  running_.erase(it);
  handle = out->TakeHandle();
  if (handle == nullptr) return out;
  if (spare_.size() < kMaxSpareHandles) {
    curl_easy_reset(handle);
    spare_.push_back(handle);
  } else {
    curl_easy_cleanup(handle);
  }
  return out;
}

CurlHttpClient::TransferPtr CurlHttpClient::Detach(CurlTransfer& transfer) {
  if (!transfer.awaits_kept()) return Detach(transfer.handle());
  deadlines_.erase({transfer.deadline(), transfer.id().value()});
  transfer.DropKept();
  return std::move(running_.extract(transfer.id().value()).mapped());
}

void CurlHttpClient::FinishDone() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const handle = message->easy_handle;
    CurlTransfer* transfer = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
    transfer->End(message->data.result);
    TransferPtr done = Detach(handle);
    if (done->kept() != nullptr) WatchKept(done);
    Finish(std::move(done), left < kRunHere);
  }
}

void CurlHttpClient::Finish(TransferPtr transfer, bool run_here) {
  if (run_here && transfer->short_enough())
    transfer->Deliver();
  else
    Hand(std::move(transfer));
}

void CurlHttpClient::WatchKept(const TransferPtr& transfer) {
  const int fd = transfer->kept()->fd();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    transfer->DropKept();
    return;
  }
  if (kept_.size() <= static_cast<size_t>(fd)) kept_.resize(static_cast<size_t>(fd) + 1);
  kept_[static_cast<size_t>(fd)] = transfer;
}

void CurlHttpClient::TakeFromKept(const TransferPtr& transfer, bool run_here) {
  // Nothing was asked for: the peer has closed it, or is out of step.
  if (!transfer->awaits_kept()) return transfer->DropKept();
  const uint64_t id = transfer->id().value();
  const std::pair<int64_t, uint64_t> deadline(transfer->deadline(), id);
  const auto state = transfer->ReceiveKept(read_buffer_, SystemClock().MonotonicNanos());
  if (state == KeptConnection::State::kWaiting) return;
  deadlines_.erase(deadline);
  if (state == KeptConnection::State::kUnusable) return SendByCurl(*transfer);
  running_.erase(id);
  Finish(transfer, run_here);
}

void CurlHttpClient::EndLateKept() {
  if (deadlines_.empty()) return;
  const int64_t now = SystemClock().MonotonicNanos();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto it = running_.find(deadlines_.begin()->second);
    deadlines_.erase(deadlines_.begin());
    TransferPtr transfer = std::move(it->second);
    running_.erase(it);
    transfer->EndKeptLate(now);
    Hand(std::move(transfer));
  }
}

void CurlHttpClient::Hand(TransferPtr transfer) {
  if (transfer->run_on() == nullptr)
    transfer->Deliver();
  else if (!transfer->run_on()->TrySubmit([transfer] { transfer->Deliver(); }))
    overdue_.push_back(std::move(transfer));
}

void CurlHttpClient::HandOverdue() {
  std::vector<TransferPtr> waiting;
  waiting.swap(overdue_);
  for (TransferPtr& transfer : waiting) {
    // Workers that stop take nothing more; the callback is owed all the same.
    if (transfer->run_on()->stopping())
      transfer->Deliver();
    else
      Hand(std::move(transfer));
  }
}

void CurlHttpClient::CancelAll() {
  while (!running_.empty()) {
    TransferPtr transfer = Detach(*running_.begin()->second);
    transfer->Fail(Status::Canceled("context canceled"));
    overdue_.push_back(std::move(transfer));
  }
  for (const TransferPtr& transfer : overdue_) {
    Workers* const workers = transfer->run_on();
    if (workers == nullptr || !workers->Submit([transfer] { transfer->Deliver(); }))
      transfer->Deliver();
  }
  overdue_.clear();
}

}  // namespace

std::unique_ptr<HttpClient> NewCurlHttpClient(CurlClientOptions options) {
  return std::make_unique<CurlHttpClient>(std::move(options));
}

}  // namespace canopy::net
