#include "disconnect_watch.h"

namespace canopy::api {

// Ten times a second: what a query wastes at most for a client that is gone. Asking costs a system
// call for each running query, of which there are few.
constexpr Duration kInterval{100};

DisconnectWatch::DisconnectWatch()
    : mu_(LockRank::kApi), task_("api-clients", kInterval, [this] { Look(); }) {}

DisconnectWatch::Query::Query(DisconnectWatch& watch, const net::Request& request)
    : watch_(watch), request_(request) {
  const MutexLock lock(watch_.mu_);
  watch_.running_.insert(this);
  if (watch_.canceled_) token_.Cancel();
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
void DisconnectWatch::Look() {
  const MutexLock lock(mu_);
  for (Query* query : running_)
    if (query->request_.disconnected()) query->token_.Cancel();
}

}  // namespace canopy::api
