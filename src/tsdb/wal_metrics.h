#pragma once

#include <string>
#include <string_view>

#include "canopy/base/self_metrics.h"
#include "replay.h"
#include "wal.h"

namespace canopy::tsdb {

// What became of the log at start, under Prometheus's names.
class ReplayMetrics {
 public:
  explicit ReplayMetrics(SelfMetrics& metrics);
  void Note(const ReplayReport& report, double seconds);
  // Of the out-of-order log, whose time is not told apart.
  void NoteOutOfOrder(const ReplayReport& report);

 private:
  void NoteLost(const ReplayReport& report);

  Counter& corruptions_;
  Counter& lost_bytes_;
  Counter& unknown_references_;
  Counter& unknown_out_of_order_;
  Counter& unknown_exemplar_references_;
  Counter& unknown_metadata_references_;
  Gauge& seconds_;
};

inline constexpr std::string_view kWalMetrics = "prometheus_tsdb_wal_";
inline constexpr std::string_view kOutOfOrderLogMetrics = "prometheus_tsdb_out_of_order_wbl_";

// What a log's writer counts, under names that begin like this, for as long as this lives.
class WalMetrics {
 public:
  WalMetrics(SelfMetrics& metrics, std::string_view prefix, const WalWriter& wal);
  ~WalMetrics();
  WalMetrics(const WalMetrics&) = delete;
  WalMetrics& operator=(const WalMetrics&) = delete;

 private:
  SelfMetrics& metrics_;
  const std::string prefix_;
};

}  // namespace canopy::tsdb
