#include "canopy/tsdb/db.h"

#include <utility>

#include "canopy/base/log.h"
#include "canopy/base/workers.h"
#include "checkpoint.h"
#include "head.h"
#include "replay.h"
#include "wal.h"
#include "wal_checkpoint.h"
#include "wal_metrics.h"

namespace canopy::tsdb {
namespace {

// Old data goes in steps of a part of the retention: each step costs a walk over all series and a
// checkpoint.
constexpr int kDropSteps = 6;

WalOptions LogOptions(const Options& options) {
  return {
      .segment_bytes = options.wal_segment_bytes,
      .compression = options.wal_compression ? net::Encoding::kSnappy : net::Encoding::kIdentity};
}

class HeadDb final : public Db {
 public:
  HeadDb(Fs& fs, SelfMetrics& metrics, Options options, std::unique_ptr<DirLock> lock)
      : fs_(fs),
        options_(std::move(options)),
        lock_(std::move(lock)),
        metrics_(metrics),
        maintenance_mu_(LockRank::kDb),
        head_(metrics,
              {.retention = options_.head_retention, .block_range = options_.block_range}) {}

  ~HeadDb() override {
    maintenance_.reset();
    wal_metrics_.reset();
    if (wal_ == nullptr) return;
    if (const Status status = wal_->Close(); !status.ok())
      LOG_ERROR("Closing the WAL failed", {"err", status.message()});
  }

  Status Start(const Clock& clock, SelfMetrics& metrics) {
    const std::string dir = JoinPath(options_.dir, "wal");
    CANOPY_RETURN_IF_ERROR(fs_.MakeDirs(dir));
    CANOPY_RETURN_IF_ERROR(RemoveTempCheckpoints(fs_, dir));
    const int64_t started = clock.MonotonicNanos();
    CANOPY_ASSIGN_OR_RETURN(const ReplayReport report, ReplayLog(fs_, dir, head_));
    const double seconds = static_cast<double>(clock.MonotonicNanos() - started) / 1e9;
    metrics_.NoteReplay(report, seconds);
    LOG_INFO("WAL replay completed", {"series", report.series}, {"samples", report.samples},
             {"records", report.records}, {"seconds", seconds});
    if (report.unknown_series > 0)
      LOG_WARN("Unknown series references encountered", {"samples", report.unknown_series});
    if (report.unknown_records > 0)
      LOG_WARN("Records of unknown kinds left out", {"records", report.unknown_records});
    CANOPY_ASSIGN_OR_RETURN(wal_, WalWriter::Open(fs_, dir, LogOptions(options_)));
    head_.SetLog(
        [this](std::span<const std::string_view> records) { return wal_->Append(records); });
    wal_metrics_ = std::make_unique<WalMetrics>(metrics, *wal_);
    if (options_.maintenance_interval.count() > 0) {
      maintenance_ = std::make_unique<PeriodicTask>("tsdb-maintain", options_.maintenance_interval,
                                                    [this] { Maintain(); });
    }
    return {};
  }

  Result<storage::AppendReport> Append(const storage::Batch& batch) override {
    return head_.Append(batch);
  }
  Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp mint, Timestamp maxt) override {
    return head_.NewQuerier(mint, maxt);
  }
  Timestamp min_valid_time() const override { return head_.min_valid_time(); }
  HeadStats Stats(size_t top) const override { return head_.Stats(top); }

  Status DropOld() override {
    const MutexLock lock(maintenance_mu_);
    if (head_.series_count() == 0) return {};
    const Timestamp limit = head_.min_valid_time();
    head_.DropBefore(limit, static_cast<int>(wal_->segment()));
    const Status status =
        TruncateLog(fs_, *wal_, LogOptions(options_), head_, limit).In("truncation of the log");
    metrics_.NoteTruncation(status.ok());
    return status;
  }

 private:
  void Maintain() {
    if (const Status status = wal_->SyncFinished(); !status.ok())
      LOG_ERROR("WAL sync failed", {"err", status.message()});
    const Duration step = options_.head_retention / kDropSteps;
    if (head_.series_count() == 0 || head_.min_valid_time() - head_.min_time() < step) return;
    if (const Status status = DropOld(); !status.ok())
      LOG_ERROR("Dropping old data failed", {"err", status.message()});
  }

  Fs& fs_;
  const Options options_;
  const std::unique_ptr<DirLock> lock_;
  DbMetrics metrics_;
  Mutex maintenance_mu_;  // one maintenance at a time
  Head head_;
  std::unique_ptr<WalWriter> wal_;
  std::unique_ptr<WalMetrics> wal_metrics_;
  std::unique_ptr<PeriodicTask> maintenance_;
};

}  // namespace

Result<std::unique_ptr<Db>> Db::Open(Fs& fs, const Clock& clock, SelfMetrics& metrics,
                                     Options options) {
  CANOPY_RETURN_IF_ERROR(fs.MakeDirs(options.dir));
  std::unique_ptr<DirLock> lock;
  if (options.lock_dir) {
    CANOPY_ASSIGN_OR_RETURN(lock, fs.LockDir(options.dir));
  }
  auto db = std::make_unique<HeadDb>(fs, metrics, std::move(options), std::move(lock));
  CANOPY_RETURN_IF_ERROR(db->Start(clock, metrics));
  return std::unique_ptr<Db>(std::move(db));
}

}  // namespace canopy::tsdb
