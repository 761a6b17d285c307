#pragma once

#include <string>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/storage/appender.h"
#include "exemplar_store.h"
#include "head.h"
#include "wal.h"

namespace canopy::tsdb {

// The way of a batch's exemplars: to the head's series, past what the store has already, into the
// log, into the store. Thread-safe.
class ExemplarAppender {
 public:
  // What is passed must outlive it.
  ExemplarAppender(const Head& head, WalWriter& wal, ExemplarStore& store)
      : head_(head), wal_(wal), store_(store), mu_(LockRank::kAppend) {}

  // After the head has taken the batch: the log then names their series before them. Notes in the
  // report what became of them; an error of the log is logged, and none is stored.
  void Append(const storage::Batch& batch, storage::AppendReport& report);

 private:
  Status WriteToLog(std::span<const ExemplarRow> rows) CANOPY_REQUIRES(mu_);

  const Head& head_;
  WalWriter& wal_;
  ExemplarStore& store_;

  // Held from the look at the store to the change of it, so that the log has just what is stored.
  Mutex mu_;
  std::string record_ CANOPY_GUARDED_BY(mu_);
};

}  // namespace canopy::tsdb
