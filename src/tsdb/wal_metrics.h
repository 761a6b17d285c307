#pragma once

#include "canopy/base/self_metrics.h"
#include "replay.h"
#include "wal.h"

namespace canopy::tsdb {

// Replay and truncation, under Prometheus's names.
class DbMetrics {
 public:
  explicit DbMetrics(SelfMetrics& metrics);
  void NoteReplay(const ReplayReport& report, double seconds);
  void NoteTruncation(bool ok);

 private:
  Counter& corruptions_;
  Counter& lost_bytes_;
  Counter& unknown_references_;
  Gauge& replay_seconds_;
  Counter& truncations_;
  Counter& truncations_failed_;
};

// What the log's writer counts, for as long as this lives.
class WalMetrics {
 public:
  WalMetrics(SelfMetrics& metrics, const WalWriter& wal);
  ~WalMetrics();
  WalMetrics(const WalMetrics&) = delete;
  WalMetrics& operator=(const WalMetrics&) = delete;

 private:
  SelfMetrics& metrics_;
};

}  // namespace canopy::tsdb
