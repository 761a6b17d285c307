#pragma once

#include <thread>
#include <unordered_set>

#include "canopy/base/mutex.h"
#include "canopy/net/server.h"
#include "canopy/promql/engine.h"

namespace canopy::api {

// Cancels queries whose client has gone: one thread asks the connections of all running queries,
// and sleeps when there have been none for a while. Thread-safe.
class DisconnectWatch {
 public:
  DisconnectWatch();
  ~DisconnectWatch();
  DisconnectWatch(const DisconnectWatch&) = delete;
  DisconnectWatch& operator=(const DisconnectWatch&) = delete;

  // A query of `request`, for as long as this lives. Its token is canceled soon after the client
  // has gone, or at once by CancelAll().
  class Query {
   public:
    Query(DisconnectWatch& watch, const net::Request& request);
    ~Query();
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    const promql::CancelToken* token() const { return &token_; }

   private:
    friend class DisconnectWatch;
    DisconnectWatch& watch_;
    const net::Request& request_;
    promql::CancelToken token_;
  };

  // Cancels what runs and what is yet to come: the server is shutting down.
  void CancelAll();

 private:
  void Run();

  Mutex mu_;
  CondVar changed_;
  std::unordered_set<Query*> running_ CANOPY_GUARDED_BY(mu_);
  bool canceled_ CANOPY_GUARDED_BY(mu_) = false;
  bool asleep_ CANOPY_GUARDED_BY(mu_) = false;
  bool stopping_ CANOPY_GUARDED_BY(mu_) = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace canopy::api
