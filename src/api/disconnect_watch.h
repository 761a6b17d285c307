#pragma once

#include <unordered_set>

#include "canopy/base/mutex.h"
#include "canopy/base/workers.h"
#include "canopy/net/server.h"
#include "canopy/promql/engine.h"

namespace canopy::api {

// Cancels queries whose client has gone: one thread asks the connections of all running queries,
// and sleeps when there are none. Thread-safe.
class DisconnectWatch {
 public:
  DisconnectWatch();

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
  void Look();

  Mutex mu_;
  std::unordered_set<Query*> running_ CANOPY_GUARDED_BY(mu_);
  bool canceled_ CANOPY_GUARDED_BY(mu_) = false;
  PeriodicTask task_;  // last: its thread uses the rest
};

}  // namespace canopy::api
