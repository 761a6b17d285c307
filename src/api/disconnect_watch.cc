#include "disconnect_watch.h"

#include "canopy/base/workers.h"

namespace canopy::api {
namespace {

// Ten times a second: what a query wastes at most for a client that is gone. Asking costs a system
// call for each running query, of which there are few.
constexpr Duration kInterval{100};
// So many looks without a query until the thread goes to sleep: to wake it costs a query more than
// a look costs the server.
constexpr int kIdleLooks = 50;

}  // namespace

DisconnectWatch::DisconnectWatch()
    : mu_(LockRank::kApi), thread_([this] {
        SetThreadName("api-clients");
        Run();
      }) {}

DisconnectWatch::~DisconnectWatch() {
  {
    const MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

DisconnectWatch::Query::Query(DisconnectWatch& watch, const net::Request& request)
    : watch_(watch), request_(request) {
  const MutexLock lock(watch_.mu_);
  watch_.running_.insert(this);
  if (watch_.canceled_) token_.Cancel();
  if (watch_.asleep_) watch_.changed_.NotifyAll();
}

DisconnectWatch::Query::~Query() {
  const MutexLock lock(watch_.mu_);
  watch_.running_.erase(this);
}

void DisconnectWatch::CancelAll() {
  const MutexLock lock(mu_);
  canceled_ = true;
  for (Query* query : running_) query->token_.Cancel();
}

// Under the lock, so that no query ends while its connection is asked.
void DisconnectWatch::Run() {
  const MutexLock lock(mu_);
  for (int idle = 0; !stopping_;) {
    for (Query* query : running_)
      if (query->request_.disconnected()) query->token_.Cancel();
    idle = running_.empty() ? idle + 1 : 0;
    asleep_ = idle >= kIdleLooks;
    if (!asleep_) {
      (void)changed_.WaitFor(mu_, kInterval);
      continue;
    }
    while (running_.empty() && !stopping_) changed_.Wait(mu_);
    idle = 0;
  }
}

}  // namespace canopy::api
