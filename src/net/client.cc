#include "canopy/net/client.h"

#include <utility>

#include "canopy/base/mutex.h"

namespace canopy::net {

HttpResponse HttpClient::Fetch(HttpRequest request, HttpOptions options) {
  struct Waiting {
    Mutex mu{LockRank::kLeaf};
    CondVar arrived;
    bool done = false;
    HttpResponse response;
  };
  // Shared: the callback may still be leaving when this thread has gone on.
  const auto waiting = std::make_shared<Waiting>();
  options.run_on = nullptr;
  Send(std::move(request), std::move(options), [waiting](HttpResponse response) {
    MutexLock lock(waiting->mu);
    waiting->response = std::move(response);
    waiting->done = true;
    waiting->arrived.NotifyAll();
  });
  MutexLock lock(waiting->mu);
  while (!waiting->done) waiting->arrived.Wait(waiting->mu);
  return std::move(waiting->response);
}

}  // namespace canopy::net
