#include "canopy/tsdb/db.h"

#include <utility>

#include "blocks.h"
#include "canopy/base/log.h"
#include "canopy/base/workers.h"
#include "canopy/storage/merge.h"
#include "compactor.h"
#include "exemplar_appender.h"
#include "exemplar_store.h"
#include "head.h"
#include "head_chunk_files.h"
#include "replay.h"
#include "wal.h"
#include "wal_checkpoint.h"
#include "wal_metrics.h"

namespace canopy::tsdb {
namespace {

class DbImpl final : public Db {
 public:
  DbImpl(Fs& fs, SelfMetrics& metrics, Options options, std::unique_ptr<DirLock> lock)
      : fs_(fs),
        metrics_(metrics),
        options_(std::move(options)),
        lock_(std::move(lock)),
        replay_metrics_(metrics),
        exemplars_(metrics, options_.max_exemplars),
        blocks_(fs, options_.dir),
        head_(metrics, {.span = options_.block_range * 3 / 2,
                        .block_range = options_.block_range,
                        .float_encoding = options_.float_encoding,
                        .histogram_form = options_.histogram_form,
                        .metadata = options_.metadata,
                        .start_time_zeros = options_.start_time_zeros,
                        .start_times = options_.start_times}),
        out_of_order_mu_(LockRank::kDb) {}

  ~DbImpl() override {
    if (compactor_) compactor_->RequestStop();
    maintenance_.reset();
    compactor_.reset();
    wal_metrics_.reset();
    out_of_order_metrics_.reset();
    if (chunk_files_ != nullptr) {
      if (const Status status = chunk_files_->Sync(); !status.ok())
        LOG_ERROR("Closing the head chunks failed", {"err", status.message()});
    }
    for (WalWriter* const log : {out_of_order_log_.get(), wal_.get()}) {
      if (log == nullptr) continue;
      if (const Status status = log->Close(); !status.ok())
        LOG_ERROR("Closing a log failed", {"dir", log->dir()}, {"err", status.message()});
    }
  }

  Status Start(const Clock& clock) {
    CANOPY_RETURN_IF_ERROR(blocks_.Load());
    // What is in blocks is not taken from the log once more.
    head_.RefuseBefore(blocks_.end());
    const std::string dir = JoinPath(options_.dir, "wal");
    CANOPY_RETURN_IF_ERROR(fs_.MakeDirs(dir));
    CANOPY_RETURN_IF_ERROR(RemoveTempCheckpoints(fs_, dir));
    CANOPY_RETURN_IF_ERROR(OpenChunkFiles());
    exemplars_.SetOutOfOrderWindow(options_.out_of_order_window);
    CANOPY_ASSIGN_OR_RETURN(const ReplayReport report, Replay(clock, dir));
    CANOPY_RETURN_IF_ERROR(ReplayOutOfOrder());
    CANOPY_ASSIGN_OR_RETURN(wal_, WalWriter::Open(fs_, dir, LogOptions()));
    head_.DropBefore(report.dropped_before, static_cast<int>(wal_->segment()));
    head_.SetLog(
        [this](std::span<const std::string_view> records) { return wal_->Append(records); });
    exemplar_appender_ = std::make_unique<ExemplarAppender>(head_, *wal_, exemplars_);
    wal_metrics_ = std::make_unique<WalMetrics>(metrics_, kWalMetrics, *wal_);
    // What there is of it is to be cut off once it is in blocks, window or not.
    if (fs_.IsDirectory(out_of_order_dir())) CANOPY_RETURN_IF_ERROR(OpenOutOfOrderLog());
    CANOPY_RETURN_IF_ERROR(SetOutOfOrderWindow(options_.out_of_order_window));
    compactor_ = std::make_unique<Compactor>(fs_, clock, metrics_, options_, head_, *chunk_files_,
                                             blocks_, *wal_);
    if (options_.maintenance_interval.count() > 0) {
      maintenance_ = std::make_unique<PeriodicTask>("tsdb-maintain", options_.maintenance_interval,
                                                    [this] { (void)compactor_->Run(); });
    }
    return {};
  }

  Result<storage::AppendReport> Append(const storage::Batch& batch) override {
    auto report = head_.Append(batch);
    const bool exemplars = !batch.exemplars.empty() || !batch.new_exemplars.empty();
    if (exemplars && report.ok() && exemplars_.enabled())
      exemplar_appender_->Append(batch, *report);
    return report;
  }

  // The head's querier first: from then on nothing is dropped from the head that is not in the
  // blocks seen here.
  Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp mint, Timestamp maxt) override {
    auto head = head_.NewQuerier(mint, maxt);
    const std::vector<BlockPtr> blocks = blocks_.Overlapping(mint, maxt);
    if (blocks.empty()) return head;
    std::vector<std::unique_ptr<storage::Querier>> queriers;
    for (const BlockPtr& block : blocks) queriers.push_back(NewBlockQuerier(block, mint, maxt));
    queriers.push_back(std::move(head));
    return storage::MergeQueriers(std::move(queriers));
  }

  Result<std::vector<storage::ExemplarSeries>> SelectExemplars(
      std::span<const model::Matchers> selectors, Timestamp mint, Timestamp maxt) override {
    return exemplars_.Select(selectors, mint, maxt);
  }
  void SetMaxExemplars(uint64_t max) override { (void)exemplars_.Resize(max); }

  void SetFloatEncoding(chunk::FloatEncoding encoding) override {
    head_.SetFloatEncoding(encoding);
  }

  Timestamp min_valid_time() const override { return head_.min_valid_time(); }
  Status SetOutOfOrderWindow(Duration window) override {
    const MutexLock lock(out_of_order_mu_);
    if (window > Duration(0)) CANOPY_RETURN_IF_ERROR(OpenOutOfOrderLog());
    head_.SetOutOfOrder(window, out_of_order_log_.get());
    exemplars_.SetOutOfOrderWindow(window);
    return {};
  }
  HeadStats Stats(size_t top) const override { return head_.Stats(top); }
  Status Compact() override { return compactor_->Run(); }
  Status Delete(std::span<const model::Matcher> matchers, Timestamp mint, Timestamp maxt) override {
    return compactor_->Delete(matchers, mint, maxt);
  }
  Status CleanTombstones() override { return compactor_->CleanTombstones(); }
  Result<std::string> Snapshot(bool with_head) override { return compactor_->Snapshot(with_head); }
  void RequestStop() override { compactor_->RequestStop(); }

 private:
  std::string out_of_order_dir() const { return JoinPath(options_.dir, kOutOfOrderLogDir); }
  WalOptions LogOptions() const {
    return {.segment_bytes = options_.wal_segment_bytes,
            .compression =
                options_.wal_compression ? net::Encoding::kSnappy : net::Encoding::kIdentity};
  }

  // Stays open from then on.
  Status OpenOutOfOrderLog() {
    if (out_of_order_log_ != nullptr) return {};
    CANOPY_ASSIGN_OR_RETURN(out_of_order_log_,
                            WalWriter::Open(fs_, out_of_order_dir(), LogOptions()));
    out_of_order_metrics_ =
        std::make_unique<WalMetrics>(metrics_, kOutOfOrderLogMetrics, *out_of_order_log_);
    return {};
  }

  Status OpenChunkFiles() {
    CANOPY_ASSIGN_OR_RETURN(chunk_files_,
                            HeadChunkFiles::Open(fs_, JoinPath(options_.dir, kHeadChunksDir),
                                                 [this](uint64_t ref, const HeadChunk& chunk) {
                                                   head_.FoundInFile(ref, chunk);
                                                 }));
    if (const auto& fault = chunk_files_->fault(); fault) {
      LOG_WARN("Head chunks are cut off where they cannot be read; the log has their samples",
               {"file", fault->path}, {"offset", fault->offset}, {"err", fault->reason});
      CANOPY_RETURN_IF_ERROR(chunk_files_->Repair());
    }
    head_.SetChunkFiles(chunk_files_.get());
    return {};
  }

  Result<ReplayReport> Replay(const Clock& clock, const std::string& dir) {
    const int64_t started = clock.MonotonicNanos();
    CANOPY_ASSIGN_OR_RETURN(const ReplayReport report,
                            ReplayLog(fs_, dir, head_, exemplars_, options_.replay_progress));
    const double seconds = static_cast<double>(clock.MonotonicNanos() - started) / 1e9;
    replay_metrics_.Note(report, seconds);
    LOG_INFO("WAL replay completed", {"series", report.series}, {"samples", report.samples},
             {"exemplars", report.exemplars}, {"records", report.records}, {"seconds", seconds});
    WarnOfLosses(report);
    return report;
  }

  Status ReplayOutOfOrder() {
    CANOPY_ASSIGN_OR_RETURN(const ReplayReport report,
                            ReplayOutOfOrderLog(fs_, out_of_order_dir(), head_));
    replay_metrics_.NoteOutOfOrder(report);
    if (report.records > 0) {
      LOG_INFO("Replay of the out-of-order log completed", {"samples", report.samples},
               {"records", report.records});
    }
    WarnOfLosses(report);
    return {};
  }

  static void WarnOfLosses(const ReplayReport& report) {
    if (report.unknown_series > 0)
      LOG_WARN("Unknown series references encountered", {"samples", report.unknown_series});
    if (report.unknown_exemplar_series > 0)
      LOG_WARN("Unknown series references encountered",
               {"exemplars", report.unknown_exemplar_series});
    if (report.unknown_metadata_series > 0)
      LOG_WARN("Unknown series references encountered",
               {"metadata", report.unknown_metadata_series});
    if (report.impossible_histograms > 0)
      LOG_WARN("Histograms that cannot be left out", {"samples", report.impossible_histograms});
    if (report.unknown_records > 0)
      LOG_WARN("Records of unknown kinds left out", {"records", report.unknown_records});
    if (report.unknown_deletions > 0)
      LOG_INFO("Deletions of series that are gone left out", {"rows", report.unknown_deletions});
  }

  Fs& fs_;
  SelfMetrics& metrics_;
  const Options options_;
  const std::unique_ptr<DirLock> lock_;
  ReplayMetrics replay_metrics_;
  ExemplarStore exemplars_;
  Blocks blocks_;
  std::unique_ptr<HeadChunkFiles> chunk_files_;
  Head head_;
  std::unique_ptr<WalWriter> wal_;
  std::unique_ptr<ExemplarAppender> exemplar_appender_;
  std::unique_ptr<WalMetrics> wal_metrics_;
  Mutex out_of_order_mu_;  // one change of the window at a time
  std::unique_ptr<WalWriter> out_of_order_log_;
  std::unique_ptr<WalMetrics> out_of_order_metrics_;
  std::unique_ptr<Compactor> compactor_;
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
  auto db = std::make_unique<DbImpl>(fs, metrics, std::move(options), std::move(lock));
  CANOPY_RETURN_IF_ERROR(db->Start(clock));
  return std::unique_ptr<Db>(std::move(db));
}

}  // namespace canopy::tsdb
