#pragma once

#include "canopy/base/self_metrics.h"
#include "replay.h"
#include "wal.h"

namespace canopy::tsdb {

// What became of the log at start, under Prometheus's names.
class ReplayMetrics {
 public:
  explicit ReplayMetrics(SelfMetrics& metrics);
  void Note(const ReplayReport& report, double seconds);

 private:
  Counter& corruptions_;
  Counter& lost_bytes_;
  Counter& unknown_references_;
  Gauge& seconds_;
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
