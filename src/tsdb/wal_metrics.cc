#include "wal_metrics.h"

namespace canopy::tsdb {

ReplayMetrics::ReplayMetrics(SelfMetrics& metrics)
    : corruptions_(metrics.AddCounter("prometheus_tsdb_wal_corruptions_total",
                                      "Total number of WAL corruptions.")),
      lost_bytes_(metrics.AddCounter("canopy_tsdb_wal_lost_bytes_total",
                                     "Bytes of the WAL that were dropped because they could not "
                                     "be read.")),
      unknown_references_(metrics.AddCounter(
          "prometheus_tsdb_wal_replay_unknown_refs_total",
          "Total number of unknown series references encountered during WAL replay.",
          {{"type", "samples"}})),
      unknown_out_of_order_(metrics.AddCounter(
          "prometheus_tsdb_wbl_replay_unknown_refs_total",
          "Total number of unknown series references encountered during WBL replay.",
          {{"type", "samples"}})),
      unknown_exemplar_references_(metrics.AddCounter(
          "prometheus_tsdb_wal_replay_unknown_refs_total",
          "Total number of unknown series references encountered during WAL replay.",
          {{"type", "exemplars"}})),
      unknown_metadata_references_(metrics.AddCounter(
          "prometheus_tsdb_wal_replay_unknown_refs_total",
          "Total number of unknown series references encountered during WAL replay.",
          {{"type", "metadata"}})),
      seconds_(metrics.AddGauge("prometheus_tsdb_data_replay_duration_seconds",
                                "Time taken to replay the data on disk.")) {}

void ReplayMetrics::NoteLost(const ReplayReport& report) {
  corruptions_.Add(static_cast<double>(report.corruptions));
  lost_bytes_.Add(static_cast<double>(report.lost_bytes));
}

void ReplayMetrics::NoteOutOfOrder(const ReplayReport& report) {
  NoteLost(report);
  unknown_out_of_order_.Add(static_cast<double>(report.unknown_series));
}

void ReplayMetrics::Note(const ReplayReport& report, double seconds) {
  NoteLost(report);
  unknown_references_.Add(static_cast<double>(report.unknown_series));
  unknown_exemplar_references_.Add(static_cast<double>(report.unknown_exemplar_series));
  unknown_metadata_references_.Add(static_cast<double>(report.unknown_metadata_series));
  seconds_.Set(seconds);
}

namespace {

struct WalCounter {
  std::string_view name;
  std::string_view help;
  std::atomic<uint64_t> WalCounters::*counter;
};
constexpr WalCounter kWalCounters[] = {
    {"writes_failed_total", "Total number of write log writes that failed.",
     &WalCounters::writes_failed},
    {"page_flushes_total", "Total number of page flushes.", &WalCounters::page_flushes},
    {"completed_pages_total", "Total number of completed pages.", &WalCounters::completed_pages},
    {"record_part_writes_total", "Total number of record parts written before flushing.",
     &WalCounters::record_part_writes},
    {"record_parts_bytes_written_total",
     "Total number of record part bytes written before flushing, including CRC and compression "
     "headers.",
     &WalCounters::record_part_bytes},
    {"record_bytes_saved_total", "Total number of bytes saved by the optional record compression.",
     &WalCounters::record_bytes_saved},
};
constexpr std::string_view kSegmentGauge = "segment_current";

}  // namespace

WalMetrics::WalMetrics(SelfMetrics& metrics, std::string_view prefix, const WalWriter& wal)
    : metrics_(metrics), prefix_(prefix) {
  for (const WalCounter& entry : kWalCounters) {
    metrics.AddCounterFn(
        prefix_ + std::string(entry.name), entry.help, [&wal, counter = entry.counter] {
          return static_cast<double>((wal.counters().*counter).load(std::memory_order_relaxed));
        });
  }
  metrics.AddGaugeFn(prefix_ + std::string(kSegmentGauge), "Write log segment index.",
                     [&wal] { return static_cast<double>(wal.segment()); });
}

WalMetrics::~WalMetrics() {
  for (const WalCounter& entry : kWalCounters)
    metrics_.Remove(prefix_ + std::string(entry.name), {});
  metrics_.Remove(prefix_ + std::string(kSegmentGauge), {});
}

}  // namespace canopy::tsdb
