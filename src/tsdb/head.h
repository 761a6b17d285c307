#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/ids.h"
#include "canopy/base/mutex.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/chunk/float_encoder.h"
#include "canopy/model/labels.h"
#include "canopy/model/matcher.h"
#include "canopy/model/metadata.h"
#include "canopy/storage/appender.h"
#include "canopy/storage/queryable.h"
#include "canopy/tsdb/db.h"
#include "graveyard.h"
#include "head_deletions.h"
#include "known_matches.h"
#include "label_index.h"
#include "logged_metadata.h"
#include "out_of_order.h"
#include "series_table.h"
#include "series_writer.h"
#include "start_times.h"
#include "symbol_table.h"

namespace canopy::tsdb {

class BlockSource;
class HeadChunkFiles;
class WalWriter;
struct HeadChunk;
struct RefSample;
enum class LogForm : uint8_t;

struct HeadOptions {
  // Samples so much older than the newest one are refused.
  Duration span;
  // Chunks do not cross multiples of this.
  Duration block_range;
  uint32_t samples_per_chunk = 120;
  // As tsdb::Options:
  chunk::FloatEncoding float_encoding = chunk::FloatEncoding::kXor;
  chunk::HistogramForm histogram_form = chunk::HistogramForm::kPlain;
  bool metadata = false;
  bool start_time_zeros = false;
  bool start_times = false;
};

// The out-of-order samples that the head has at some moment; they stay in the head, which goes on
// with others beside them.
struct FrozenOutOfOrder {
  std::shared_ptr<const OutOfOrderSamples> samples;
  // The first segment of the out-of-order log that has none of them.
  uint32_t next_segment = 0;
};

// Writes the records of one append to the log, all or none.
using WriteLog = std::function<Status(std::span<const std::string_view> records)>;

// The newest samples of all series, in memory. What an append does: under `append_mu_`, which puts
// appends in a row, refs and labels become series, samples that cannot be stored are sorted out,
// and the log gets its records; then, under the exclusive `mu_`, all samples are put into their
// series. A reader copies the records of the series that it wants under the shared `mu_`: that is
// its cut, and appends wait no longer than for the copy. Thread-safe.
class Head {
 public:
  Head(SelfMetrics& metrics, HeadOptions options);
  ~Head();
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;

  // Before replay, and not at all where nothing is to be in files.
  void SetChunkFiles(HeadChunkFiles* files) { chunk_files_ = files; }
  // Before the first Append().
  void SetLog(WriteLog log) { log_ = std::move(log); }
  // From the next Append() on. Samples that do not go behind the newest one of their series are
  // taken up to `window` before the newest of all; zero: none is. They go to `log`, which must
  // outlive the head; null: to none.
  void SetOutOfOrder(Duration window, WalWriter* log);

  // What floats become when they are written to a file, or to a block, from now on.
  void SetFloatEncoding(chunk::FloatEncoding encoding) { float_encoding_ = encoding; }
  chunk::Encodings encodings() const { return {float_encoding_, options_.histogram_form}; }

  Result<storage::AppendReport> Append(const storage::Batch& batch);
  // From now on samples of mint <= t <= maxt that series have which match are not shown, and do not
  // go into blocks. The log says so when it returns, but is not synced. Returns how many series had
  // any. Runs side by side with appends and queries, but not with Source() or DropBefore().
  Result<uint64_t> Delete(std::span<const model::Matcher> matchers, Timestamp mint, Timestamp maxt);
  // Like storage::Queryable. Must not outlive the head.
  std::unique_ptr<storage::Querier> NewQuerier(Timestamp mint, Timestamp maxt);

  // head_lookup.cc, for what is kept beside the head. None when no series has the labels.
  SeriesRef FindSeries(const model::Labels& labels) const;
  // One for each ref: none when its series is not here.
  std::vector<model::Labels> LabelsOf(std::span<const SeriesRef> refs) const;

  // Timestamp::Min() while nothing has been stored, refused or dropped.
  Timestamp min_valid_time() const;
  // From now on refuses older samples: what lies before does not change any more.
  void RefuseBefore(Timestamp time);
  // Whether it is in a block or beyond retention: what is older is not here any more.
  Timestamp dropped_before() const { return Timestamp::FromMs(dropped_before_); }
  // Max() and Min() when empty.
  Timestamp min_time() const { return Timestamp::FromMs(min_time_); }
  Timestamp max_time() const { return Timestamp::FromMs(max_time_); }
  size_t series_count() const { return series_count_; }
  HeadStats Stats(size_t top) const;

  // What the head has of start <= t < end, without what was deleted. Samples that come meanwhile
  // may be in it or not. REQUIRES: nothing is dropped or deleted while the source lives. Gives
  // kCanceled when `stop` is requested.
  std::unique_ptr<BlockSource> Source(Timestamp start, Timestamp end, std::stop_token stop);

  // Whether it may have samples that came out of order, both ends included.
  bool HasOutOfOrder(Timestamp mint, Timestamp maxt) const {
    return out_of_order_min_ <= maxt.ms() && out_of_order_max_ >= mint.ms();
  }
  // Makes ended segments of the out-of-order log durable, as WalWriter::SyncFinished().
  Status SyncOutOfOrderLog();
  // Freezes what has come out of order, and ends the segment of its log. Until DropFrozen() there
  // is no more than one such lot: asked again, it is given again.
  Result<FrozenOutOfOrder> FreezeOutOfOrder();
  // What was frozen is in blocks that queriers see, all but those that AwaitQueriers() waits for.
  void DropFrozen();
  // Those of the block that begins at `start`. REQUIRES: DropFrozen() is not called meanwhile.
  std::unique_ptr<BlockSource> SourceOutOfOrder(std::shared_ptr<const OutOfOrderSamples> samples,
                                                Timestamp start, std::stop_token stop);

  // Writes closed chunks to files, all but the newest of each series, and lets go of their memory.
  // By one thread at a time; appends go on meanwhile. After an error the rest stays in memory, for
  // the next time.
  Status SpillChunks();

  // Waits until queriers of this moment have gone, as long as `most`: they may rely on what is
  // about to be dropped. False when one is still there.
  bool AwaitQueriers(Duration most) { return graveyard_.AwaitReaders(most); }
  // Drops what is older: chunks, then series that have nothing else. Appends go on meanwhile.
  // `segment` is the log's newest: series that go now may be named in it and those before.
  void DropBefore(Timestamp time, int segment);
  // Whether records of the log before `segment` that name the series still mean something behind
  // it.
  bool KeepsInLog(SeriesRef ref, int segment) const;
  // Forgets series that were dropped before that.
  void ForgetDropped(int segment);

  // --- replay, before anything else is called, from one thread; samples that are refused are left
  // out ---

  // A chunk of a file, in the order of files. Series get theirs when the log names them. Takes no
  // lock: the files hold theirs.
  void FoundInFile(uint64_t file_ref, const HeadChunk& chunk) CANOPY_TSA(no_thread_safety_analysis);
  // A series of the log. It may get another ref than the log's; the next append logs that one.
  SeriesRef ReplaySeries(SeriesRef ref, std::span<const model::LabelView> labels);
  // The samples of one record. Returns of how many there is no such series.
  uint64_t ReplaySamples(std::span<const RefSample> samples);
  // False when there is no such series.
  bool ReplayDeletion(SeriesRef ref, int64_t mint, int64_t maxt);
  bool ReplayHistogram(SeriesRef ref, int64_t t, int64_t start,
                       const storage::HistogramValue& value);
  // Nothing, and true, where metadata is not logged.
  bool ReplayMetadata(SeriesRef ref, model::Metadata metadata);
  // The log's ref becomes the one here, whose labels are returned; none: there is no such series.
  model::Labels ReplayedLabels(SeriesRef& ref);
  Status FinishReplay();
  // After that: a sample of the out-of-order log, unless it `may_be_deleted`, and is. False when
  // there is no such series.
  bool ReplayOutOfOrder(SeriesRef ref, int64_t t, const ArrivingValue& value, bool may_be_deleted);

 private:
  friend class HeadQuerier;
  friend class HeadBlockSource;
  friend class OutOfOrderSource;

  struct Planned {
    Series* series;
    SeriesRef ref;
    int64_t time;
    double value;
    int64_t start;
    uint32_t index;  // in the batch; kMarker: none
  };
  struct PlannedHistogram {
    Series* series;
    SeriesRef ref;
    int64_t time;
    const storage::HistogramValue* value;
    int64_t start;
    uint32_t index;
  };
  struct PlannedOutOfOrder {
    Series* series;
    SeriesRef ref;
    int64_t time;
    ArrivingValue value;
    uint32_t index;
    bool check;  // once more, before it is put: another sample of this batch may be in its place
  };
  struct PlannedMetadata {
    SeriesRef ref;
    const model::Metadata* metadata;
  };
  // What this append takes. Times in Unix milliseconds.
  struct Limits {
    int64_t newest = 0;             // of all samples before
    int64_t in_order_from = 0;      // behind the newest of their series
    int64_t out_of_order_from = 0;  // anywhere; INT64_MAX: nowhere

    bool any_out_of_order() const { return out_of_order_from != INT64_MAX; }
    int64_t oldest() const { return std::min(in_order_from, out_of_order_from); }
  };
  struct InFiles {
    std::vector<ClosedChunk> chunks;
    bool ended = false;  // one was not taken
  };
  static constexpr uint32_t kMarker = UINT32_MAX;  // or a zero where a counter started

  struct Metrics {
    explicit Metrics(SelfMetrics& metrics);
    Counter& appended;
    Counter& appended_histograms;
    Counter& created;
    Counter& removed;
    Counter& chunks_created;
    Counter& chunks_removed;
  };
  // One for each kind of sample: floats, histograms.
  struct OutOfOrderMetrics {
    explicit OutOfOrderMetrics(SelfMetrics& metrics);
    std::array<Counter*, 2> appended;
    std::array<Counter*, 2> refused;
    std::array<Counter*, 2> out_of_bounds;
    std::array<Counter*, 2> too_old;
    HistogramMetric& delta;
  };

  // head_append.cc
  void ClearPlans() CANOPY_REQUIRES(append_mu_);
  void PlanSamples(const storage::Batch& batch, storage::AppendReport& report)
      CANOPY_REQUIRES(append_mu_);
  Status PlanNewSamples(const storage::Batch& batch, storage::AppendReport& report)
      CANOPY_REQUIRES(append_mu_);
  Status CreateSeries(const storage::Batch& batch, storage::AppendReport& report)
      CANOPY_REQUIRES(append_mu_);
  void PlanMarkers(const storage::Batch& batch, const storage::AppendReport& report)
      CANOPY_REQUIRES(append_mu_);
  void PlanHistograms(const storage::Batch& batch, storage::AppendReport& report)
      CANOPY_REQUIRES(append_mu_);
  // A float, and a histogram.
  void Plan(Series& series, SeriesRef ref, int64_t t, const ArrivingValue& value, uint32_t index,
            storage::AppendReport& report) CANOPY_REQUIRES(append_mu_);
  void PlanHistogram(Series& series, SeriesRef ref, int64_t t, const ArrivingValue& value,
                     uint32_t index, storage::AppendReport& report) CANOPY_REQUIRES(append_mu_);
  void PlanMarker(Series& series, SeriesRef ref, int64_t t, uint32_t index)
      CANOPY_REQUIRES(append_mu_);
  Status WritePlanToLog() CANOPY_REQUIRES(append_mu_);
  Status WriteInOrderToLog() CANOPY_REQUIRES(append_mu_);
  void EncodeHistogramPlan() CANOPY_REQUIRES(append_mu_);
  void ApplyPlan(storage::AppendReport& report) CANOPY_REQUIRES(append_mu_);
  // One that does not go behind what this batch has put before it.
  template <class AnyPlanned>
  void RejectRepeated(const AnyPlanned& planned, const ArrivingValue& value,
                      storage::AppendReport& report) CANOPY_REQUIRES(append_mu_);
  // Symbols of the labels' names and values, into names_ and values_. False when one of them is not
  // there, and then no series has these labels.
  bool LookUp(const model::Labels& labels) CANOPY_REQUIRES(append_mu_);
  template <class Labels>
  void InternLabels(const Labels& labels) CANOPY_REQUIRES(append_mu_, mu_);
  std::optional<Slot> FindByLookedUp() const CANOPY_REQUIRES(append_mu_);

  // head_out_of_order.cc
  Limits LimitsNow(const storage::Batch& batch) const CANOPY_REQUIRES(append_mu_);
  // For what is taken neither in order nor out of it.
  void RejectLate(int64_t t, bool histogram, uint32_t index, storage::AppendReport& report,
                  bool within_batch = false) CANOPY_REQUIRES(append_mu_);
  // head_start_times.cc
  void PlanZero(Series& series, SeriesRef ref, int64_t start, int64_t t)
      CANOPY_REQUIRES(append_mu_);
  bool TakesZero(const Series& series, int64_t start, int64_t t) const CANOPY_REQUIRES(append_mu_);
  void PlanHistogramZero(Series& series, SeriesRef ref, int64_t start, int64_t t,
                         const storage::HistogramValue& value) CANOPY_REQUIRES(append_mu_);
  // For what does not go behind the newest sample of its series.
  void PlanLate(Series& series, SeriesRef ref, int64_t t, const ArrivingValue& value,
                uint32_t index, storage::AppendReport& report) CANOPY_REQUIRES(append_mu_);
  void PlanRepeated(storage::AppendReport& report) CANOPY_REQUIRES(append_mu_);
  bool AnyRepeated() CANOPY_REQUIRES(append_mu_);
  void EncodeOutOfOrder() CANOPY_REQUIRES(append_mu_);
  Status WriteOutOfOrderToLog() CANOPY_REQUIRES(append_mu_);
  void ObserveDelta(int64_t t) CANOPY_REQUIRES(append_mu_);
  // REQUIRES: the sample has the time of the newest one.
  static SampleFound CompareNewest(const Series& series, const ArrivingValue& value);
  void ApplyOutOfOrder(storage::AppendReport& report) CANOPY_REQUIRES(append_mu_, mu_);
  void PutOutOfOrder(Series& series, Slot slot, int64_t t, const ArrivingValue& value)
      CANOPY_REQUIRES(append_mu_, mu_);
  SampleFound FindStored(const Series& series, Slot slot, int64_t t,
                         const ArrivingValue& value) const CANOPY_REQUIRES(append_mu_);
  SampleFound FindInOrder(const Series& series, int64_t t, const ArrivingValue& value) const
      CANOPY_REQUIRES(append_mu_);
  SampleFound FindInClosed(const ClosedChunk& chunk, int64_t t, const ArrivingValue& value) const;
  // Both may have samples of a series; null: none.
  std::array<const OutOfOrderSeries*, 2> OutOfOrderOf(Slot slot) const CANOPY_REQUIRES_SHARED(mu_);

  // head_metadata.cc
  void PlanMetadata(const storage::Batch& batch, const storage::AppendReport& report)
      CANOPY_REQUIRES(append_mu_);
  void EncodeMetadataPlan() CANOPY_REQUIRES(append_mu_);
  void ApplyMetadata() CANOPY_REQUIRES(append_mu_);

  // head_spill.cc
  void NoteClosed(SeriesRef ref, const Series& series) CANOPY_REQUIRES(append_mu_);
  Status Spill(std::span<const SeriesRef> refs);
  void AttachFiles(SeriesRef in_log, Series& series) CANOPY_REQUIRES(append_mu_, mu_);
  Status ReopenLastChunks() CANOPY_REQUIRES(append_mu_, mu_);
  Status ReplayChunk(Slot slot, Series& series, const HeadChunk& chunk)
      CANOPY_REQUIRES(append_mu_, mu_);

  // head_replay.cc; the log's ref becomes the one here.
  Series* ReplayedSeries(SeriesRef& ref) CANOPY_REQUIRES(append_mu_, mu_);
  void NoteReplayed(int64_t t);
  void ReplaySample(SeriesRef ref, Series& series, const RefSample& row)
      CANOPY_REQUIRES(append_mu_, mu_);
  // Behind each float that is put into its series.
  void NoteStart(Slot slot, int64_t t, double value, int64_t start)
      CANOPY_REQUIRES(append_mu_, mu_);
  void AddAlias(SeriesRef in_log, SeriesRef here) CANOPY_REQUIRES(append_mu_, mu_);
  void DropPredecessor(SeriesRef ref) CANOPY_REQUIRES(append_mu_, mu_);
  void RemoveSeries(Slot slot, int segment) CANOPY_REQUIRES(append_mu_, mu_);

  LogForm log_form() const;
  int64_t KeptStart(int64_t start) const { return options_.start_times ? start : 0; }

  // Constant after construction.
  const HeadOptions options_;
  SelfMetrics& registry_;
  Metrics metrics_;
  OutOfOrderMetrics out_of_order_metrics_;
  WriteLog log_;
  HeadChunkFiles* chunk_files_ = nullptr;

  std::atomic<chunk::FloatEncoding> float_encoding_;
  // Times in Unix milliseconds.
  std::atomic<int64_t> min_time_;
  std::atomic<int64_t> max_time_;
  std::atomic<int64_t> refused_before_;
  std::atomic<int64_t> dropped_before_;
  std::atomic<int64_t> out_of_order_min_;
  std::atomic<int64_t> out_of_order_max_;
  std::atomic<size_t> series_count_ = 0;

  // Held by whoever changes anything: so its holder reads all below without mu_.
  mutable Mutex append_mu_;
  std::vector<Planned> plan_ CANOPY_GUARDED_BY(append_mu_);
  std::vector<PlannedHistogram> histogram_plan_ CANOPY_GUARDED_BY(append_mu_);
  std::deque<storage::HistogramValue> histogram_zeros_ CANOPY_GUARDED_BY(append_mu_);
  std::vector<PlannedOutOfOrder> out_of_order_plan_ CANOPY_GUARDED_BY(append_mu_);
  std::vector<PlannedMetadata> metadata_plan_ CANOPY_GUARDED_BY(append_mu_);
  Limits limits_ CANOPY_GUARDED_BY(append_mu_);
  Duration out_of_order_window_ CANOPY_GUARDED_BY(append_mu_){0};
  WalWriter* out_of_order_log_ CANOPY_GUARDED_BY(append_mu_) = nullptr;
  // It says that what is behind it is ours.
  bool out_of_order_log_is_marked_ CANOPY_GUARDED_BY(append_mu_) = false;
  // What is in that plan, by series and time.
  absl::flat_hash_set<std::pair<const Series*, int64_t>> planned_late_
      CANOPY_GUARDED_BY(append_mu_);
  // A bit for each slot; all zero but while an append looks for series that it has twice.
  std::vector<uint64_t> in_batch_ CANOPY_GUARDED_BY(append_mu_);
  std::array<std::string, 5> out_of_order_records_ CANOPY_GUARDED_BY(append_mu_);
  // Places in new_samples and, behind them, new_histograms.
  std::vector<uint32_t> unknown_ CANOPY_GUARDED_BY(append_mu_);
  std::vector<model::Symbol> names_ CANOPY_GUARDED_BY(append_mu_);
  std::vector<model::Symbol> values_ CANOPY_GUARDED_BY(append_mu_);
  // Created, but not in the log yet.
  std::vector<SeriesRef> unlogged_ CANOPY_GUARDED_BY(append_mu_);
  // The oldest sample that was stored since DropBefore() began its walk over the series.
  int64_t oldest_stored_ CANOPY_GUARDED_BY(append_mu_);
  std::string series_record_ CANOPY_GUARDED_BY(append_mu_);
  std::string samples_record_ CANOPY_GUARDED_BY(append_mu_);
  std::string metadata_record_ CANOPY_GUARDED_BY(append_mu_);
  LoggedMetadata metadata_ CANOPY_GUARDED_BY(append_mu_);
  // Of integers with exponential and with custom buckets, and of floats.
  std::array<std::string, 4> histogram_records_ CANOPY_GUARDED_BY(append_mu_);
  // Series that have closed a chunk since SpillChunks().
  std::vector<SeriesRef> closed_ CANOPY_GUARDED_BY(append_mu_);
  // During a start: the chunks in files of series that the log has not named yet.
  absl::flat_hash_map<uint64_t, InFiles> in_files_ CANOPY_GUARDED_BY(append_mu_);
  // Series that are gone, and the newest segment that may name them.
  absl::flat_hash_map<uint64_t, int> dropped_ CANOPY_GUARDED_BY(append_mu_);
  // Refs of a log that was replayed whose series has another one here.
  absl::flat_hash_map<uint64_t, SeriesRef> aliases_ CANOPY_GUARDED_BY(append_mu_);

  mutable SharedMutex mu_;
  Graveyard graveyard_;  // has its own lock for readers
  SymbolTable symbols_;  // has its own lock for readers
  LabelIndex index_ CANOPY_GUARDED_BY(mu_);
  KnownMatches known_matches_;  // of index_; has its own lock
  SeriesTable table_ CANOPY_GUARDED_BY(mu_);
  SeriesWriter writer_ CANOPY_GUARDED_BY(mu_);
  StartTimes start_times_ CANOPY_GUARDED_BY(mu_);  // empty where they are not kept
  HeadDeletions deletions_ CANOPY_GUARDED_BY(mu_);
  OutOfOrderSamples out_of_order_ CANOPY_GUARDED_BY(mu_);
  std::shared_ptr<const OutOfOrderSamples> frozen_ CANOPY_GUARDED_BY(mu_);
  uint32_t after_frozen_ CANOPY_GUARDED_BY(mu_) = 0;  // segment of their log
};

}  // namespace canopy::tsdb
