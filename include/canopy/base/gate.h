#pragma once

#include "canopy/base/mutex.h"

namespace canopy {

// Refuses new work and waits for running work: how a service shuts down. Each piece of work that
// may outlive its caller enters first; Close() returns when the last one has left. Thread-safe.
class Gate {
 public:
  // RAII for one piece of work. False when the gate is closing: do not start.
  class Pass {
   public:
    explicit Pass(Gate& gate) : gate_(gate.Enter() ? &gate : nullptr) {}
    ~Pass() {
      if (gate_) gate_->Leave();
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    Gate* gate_;
  };

  Gate() : mu_(LockRank::kLeaf) {}
  bool Enter();
  void Leave();
  // Idempotent. Must not be called from inside a Pass.
  void Close();
  bool closed() const;

 private:
  mutable Mutex mu_;
  CondVar idle_;
  int running_ CANOPY_GUARDED_BY(mu_) = 0;
  bool closed_ CANOPY_GUARDED_BY(mu_) = false;
};

}  // namespace canopy
