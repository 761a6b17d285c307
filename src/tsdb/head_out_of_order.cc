// Samples that do not go behind the newest one of their series: which are taken, where they are
// kept, and how they leave.

#include <algorithm>
#include <utility>

#include "canopy/model/sample.h"
#include "head.h"
#include "head_chunk_files.h"
#include "open_histogram.h"
#include "out_of_order_source.h"
#include "wal.h"
#include "wal_histogram_value.h"
#include "wal_record.h"

namespace canopy::tsdb {

using storage::AppendReport;
using storage::AppendResult;

namespace {

constexpr int64_t kNoMinTime = std::numeric_limits<int64_t>::max();
constexpr int64_t kNoMaxTime = std::numeric_limits<int64_t>::min();

std::array<Counter*, 2> CountersOfKinds(SelfMetrics& metrics, std::string_view name,
                                        std::string_view help) {
  return {&metrics.AddCounter(name, help, {{"type", "float"}}),
          &metrics.AddCounter(name, help, {{"type", "histogram"}})};
}

// See kEverySeries.
const std::string& MarkRecord() {
  static const std::string record = [] {
    std::string out;
    const RefTombstone row{kEverySeries, Timestamp::Min(), Timestamp::Min()};
    EncodeTombstones({&row, 1}, out);
    return out;
  }();
  return record;
}

size_t KindOf(const ArrivingValue& value) { return value.histogram != nullptr ? 1 : 0; }

SampleFound FindEncoded(ChunkEncoding encoding, std::string_view data, int64_t t,
                        const ArrivingValue& value) {
  std::vector<StoredSample> samples;
  // One that cannot be read shows nothing: queries say so.
  if (!DecodeStored(encoding, data, samples).ok()) return SampleFound::kNone;
  const auto it = std::ranges::lower_bound(samples, t, {}, &StoredSample::time);
  if (it == samples.end() || it->time != t) return SampleFound::kNone;
  return CompareSamples(it->value, value);
}

SampleFound FindInValues(const Timeline& times, uint32_t start, const chunk::ValuesView& values,
                         int64_t t, const ArrivingValue& value) {
  const uint32_t* const first = times.offsets() + start;
  const uint32_t* const last = first + values.count;
  const auto* const found = std::lower_bound(
      first, last, t, [&](uint32_t offset, int64_t at) { return times.base() + offset < at; });
  if (found == last || times.base() + *found != t) return SampleFound::kNone;
  const auto place = static_cast<size_t>(found - first);
  double stored = 0;
  chunk::DecodeValues(values, place, place + 1, &stored);
  return CompareSamples(stored, value);
}

}  // namespace

Head::OutOfOrderMetrics::OutOfOrderMetrics(SelfMetrics& metrics)
    : appended(CountersOfKinds(metrics, "prometheus_tsdb_head_out_of_order_samples_appended_total",
                               "Total number of appended out of order samples.")),
      refused(CountersOfKinds(metrics, "prometheus_tsdb_out_of_order_samples_total",
                              "Total number of out of order samples ingestion failed attempts due "
                              "to out of order being disabled.")),
      out_of_bounds(CountersOfKinds(
          metrics, "prometheus_tsdb_out_of_bound_samples_total",
          "Total number of out of bound samples ingestion failed attempts with out of order "
          "support disabled.")),
      too_old(CountersOfKinds(
          metrics, "prometheus_tsdb_too_old_samples_total",
          "Total number of out of order samples ingestion failed attempts with out of support "
          "enabled, but sample outside of time window.")),
      delta(metrics.AddHistogram(
          "prometheus_tsdb_sample_ooo_delta",
          "Delta in seconds by which a sample is considered out of order (reported regardless of "
          "OOO time window and whether sample is accepted or not).",
          {600, 1800, 3600, 7200, 10800, 21600, 43200})) {}

void Head::SetOutOfOrder(Duration window, WalWriter* log) {
  const MutexLock appending(append_mu_);
  out_of_order_window_ = window;
  if (log != out_of_order_log_) out_of_order_log_is_marked_ = false;
  out_of_order_log_ = log;
}

// --- an append ---

Head::Limits Head::LimitsNow(const storage::Batch& batch) const {
  Limits limits;
  limits.newest = std::max<int64_t>(max_time_, refused_before_);
  limits.in_order_from = min_valid_time().ms();
  limits.out_of_order_from = INT64_MAX;
  if (out_of_order_window_ > Duration(0) && !batch.in_order_only)
    limits.out_of_order_from = (Timestamp::FromMs(limits.newest) - out_of_order_window_).ms();
  return limits;
}

SampleFound Head::CompareNewest(const Series& series, const ArrivingValue& value) {
  bool same = false;
  if (value.histogram != nullptr && !IsStale(*value.histogram))
    same = series.has_histogram && series.histogram->is_newest(*value.histogram);
  else if (value.histogram != nullptr || model::IsStale(value.value))
    same = model::IsStale(series.newest_value);
  else
    same = !series.has_histogram && model::SameBits(series.newest_value, value.value);
  return same ? SampleFound::kSame : SampleFound::kOther;
}

// Names and counters are Prometheus's. A source that wants nothing out of order is told what a
// store without a window would say, as far as the window reaches.
void Head::RejectLate(int64_t t, bool histogram, uint32_t index, AppendReport& report,
                      bool within_batch) {
  AppendResult result = AppendResult::kOutOfOrder;
  Counter* counter = out_of_order_metrics_.refused[histogram];
  if (out_of_order_window_ > Duration(0)) {
    if (t < (Timestamp::FromMs(limits_.newest) - out_of_order_window_).ms()) {
      result = AppendResult::kTooOld;
      counter = out_of_order_metrics_.too_old[histogram];
    }
  } else if (t < limits_.in_order_from) {
    result = AppendResult::kOutOfBounds;
    counter = out_of_order_metrics_.out_of_bounds[histogram];
  }
  counter->Add();
  if (result != AppendResult::kOutOfBounds) ObserveDelta(t);
  report.rejected.push_back({index, result, within_batch});
}

void Head::ObserveDelta(int64_t t) {
  const Duration delta = Timestamp::FromMs(limits_.newest) - Timestamp::FromMs(t);
  if (delta > Duration(0))
    out_of_order_metrics_.delta.Observe(static_cast<double>(delta.count()) / 1000);
}

void Head::PlanLate(Series& series, SeriesRef ref, int64_t t, const ArrivingValue& value,
                    uint32_t index, AppendReport& report) {
  if (t == series.newest_time && t >= limits_.in_order_from) {
    report.rejected.push_back({index, ResultOf(CompareNewest(series, value))});
    return;
  }
  if (t < limits_.out_of_order_from) {
    RejectLate(t, value.histogram != nullptr, index, report);
    return;
  }
  ObserveDelta(t);
  if (FindStored(series, SlotOf(ref), t, value) != SampleFound::kNone) {
    report.rejected.push_back({index, AppendResult::kDuplicate});
    return;
  }
  const bool first = planned_late_.emplace(&series, t).second;
  out_of_order_plan_.push_back({&series, ref, t, value, index, !first});
}

// A bit for each slot costs next to nothing where no series is repeated, as in nearly all batches.
bool Head::AnyRepeated() {
  bool repeated = false;
  const auto mark = [&](SeriesRef ref) {
    const size_t word = SlotOf(ref) / 64;
    if (word >= in_batch_.size()) in_batch_.resize(word + 1);
    const uint64_t bit = uint64_t{1} << SlotOf(ref) % 64;
    repeated |= (in_batch_[word] & bit) != 0;
    in_batch_[word] |= bit;
  };
  for (const Planned& planned : plan_) mark(planned.ref);
  for (const PlannedHistogram& planned : histogram_plan_) mark(planned.ref);
  for (const Planned& planned : plan_) in_batch_[SlotOf(planned.ref) / 64] = 0;
  for (const PlannedHistogram& planned : histogram_plan_) in_batch_[SlotOf(planned.ref) / 64] = 0;
  return repeated;
}

// Of several samples of a series in this batch, those that come after a later one are out of order
// as well.
void Head::PlanRepeated(AppendReport& report) {
  if (!limits_.any_out_of_order() || !AnyRepeated()) return;
  absl::flat_hash_map<const Series*, int64_t> newest;
  const auto is_late = [&](const auto& planned, const ArrivingValue& value) {
    // A zero where a counter started, of another sample of the same: it is put if it comes first.
    if (planned.index == kMarker) return false;
    const auto it = newest.try_emplace(planned.series, planned.series->newest_time).first;
    if (planned.time >= it->second) {
      it->second = planned.time;
      return false;
    }
    if (planned.time < limits_.out_of_order_from)
      RejectLate(planned.time, value.histogram != nullptr, planned.index, report, true);
    else
      out_of_order_plan_.push_back(
          {planned.series, planned.ref, planned.time, value, planned.index, true});
    return true;
  };
  std::erase_if(plan_, [&](const Planned& p) { return is_late(p, {p.value, nullptr, p.start}); });
  std::erase_if(histogram_plan_, [&](const PlannedHistogram& p) {
    return is_late(p, {0, p.value, p.start});
  });
}

void Head::EncodeOutOfOrder() {
  for (std::string& record : out_of_order_records_) record.clear();
  std::vector<RefHistogram> integers;
  std::vector<RefFloatHistogram> floats;
  const LogForm form = log_form();
  SamplesEncoder samples(out_of_order_records_[0], form);
  for (const PlannedOutOfOrder& planned : out_of_order_plan_) {
    const Timestamp time = Timestamp::FromMs(planned.time);
    const storage::HistogramValue* const histogram = planned.value.histogram;
    const int64_t start = planned.value.start;
    if (histogram == nullptr)
      samples.Add(planned.ref, time, planned.value.value, start);
    else if (const auto* const h = std::get_if<model::Histogram>(histogram))
      integers.push_back(ToRow(planned.ref, time, start, *h));
    else
      floats.push_back(
          ToRow(planned.ref, time, start, std::get<model::FloatHistogram>(*histogram)));
  }
  if (samples.size() > 0) samples.Finish();
  EncodeHistograms(integers, form, out_of_order_records_[1], out_of_order_records_[2]);
  EncodeFloatHistograms(floats, form, out_of_order_records_[3], out_of_order_records_[4]);
}

// The other log is written behind this one: what this one alone has can be taken back.
Status Head::WriteOutOfOrderToLog() {
  if (out_of_order_plan_.empty() || out_of_order_log_ == nullptr) return {};
  EncodeOutOfOrder();
  std::array<std::string_view, 1 + std::tuple_size_v<decltype(out_of_order_records_)>> records;
  if (!out_of_order_log_is_marked_) records[0] = MarkRecord();
  std::ranges::copy(out_of_order_records_, records.begin() + 1);
  CANOPY_RETURN_IF_ERROR(out_of_order_log_->Append(records));
  out_of_order_log_is_marked_ = true;
  return {};
}

void Head::ApplyOutOfOrder(AppendReport& report) {
  std::array<double, 2> stored{};
  for (const PlannedOutOfOrder& p : out_of_order_plan_) {
    if (p.check && FindStored(*p.series, SlotOf(p.ref), p.time, p.value) != SampleFound::kNone) {
      report.rejected.push_back({p.index, AppendResult::kDuplicate, true});
      continue;
    }
    PutOutOfOrder(*p.series, SlotOf(p.ref), p.time, p.value);
    ++stored[KindOf(p.value)];
  }
  metrics_.appended.Add(stored[0]);
  metrics_.appended_histograms.Add(stored[1]);
  for (size_t kind = 0; kind < stored.size(); ++kind)
    out_of_order_metrics_.appended[kind]->Add(stored[kind]);
}

void Head::PutOutOfOrder(Series& series, Slot slot, int64_t t, const ArrivingValue& value) {
  ArrivingValue kept = value;
  const bool has_place = value.histogram == nullptr
                             ? options_.start_times
                             : options_.histogram_form == chunk::HistogramForm::kWithStarts;
  if (!has_place) kept.start = chunk::kNoStart;
  out_of_order_[slot].Insert(t, kept, options_.block_range.count());
  series.has_out_of_order = true;
  out_of_order_min_ = std::min<int64_t>(out_of_order_min_, t);
  out_of_order_max_ = std::max<int64_t>(out_of_order_max_, t);
}

// --- what there is already ---

SampleFound Head::FindStored(const Series& series, Slot slot, int64_t t,
                             const ArrivingValue& value) const {
  SampleFound found = SampleFound::kNone;
  // In the place of one that was deleted another may come.
  const HeadDeletions::Ranges deleted = deletions_.Find(slot);
  if (deleted == nullptr || !CoversAll(*deleted, t, t)) found = FindInOrder(series, t, value);
  if (!series.has_out_of_order) return found;
  for (const OutOfOrderSeries* const samples : OutOfOrderOf(slot)) {
    if (found != SampleFound::kNone) return found;
    if (samples != nullptr) found = samples->Find(t, value);
  }
  return found;
}

SampleFound Head::FindInOrder(const Series& series, int64_t t, const ArrivingValue& value) const {
  if (series.count == 0 || t > series.newest_time) return SampleFound::kNone;
  if (t == series.newest_time) return CompareNewest(series, value);
  if (series.has_histogram) {
    const OpenHistogram& open = *series.histogram;
    if (t >= open.first_time()) return FindEncoded(open.encoding(), open.bytes(), t, value);
  } else if (t >= series.times->at(series.start)) {
    return FindInValues(*series.times, series.start, series.values(), t, value);
  }
  const std::span<const ClosedChunk> chunks = ChunksOf(series.closed);
  const auto chunk = std::ranges::lower_bound(chunks, t, {}, &ClosedChunk::max_time);
  if (chunk == chunks.end() || t < chunk->min_time) return SampleFound::kNone;
  return FindInClosed(*chunk, t, value);
}

SampleFound Head::FindInClosed(const ClosedChunk& chunk, int64_t t,
                               const ArrivingValue& value) const {
  switch (chunk.place) {
    case ClosedChunk::Place::kValues:
      return FindInValues(*chunk.values->times, chunk.values->start, chunk.values->view(), t,
                          value);
    case ClosedChunk::Place::kEncoded:
      return FindEncoded(chunk.encoding, chunk.encoded->view(), t, value);
    case ClosedChunk::Place::kFile:
      break;
  }
  const auto pinned = chunk_files_->Read(chunk.file_ref);
  if (!pinned.ok()) return SampleFound::kNone;
  return FindEncoded(pinned->chunk.encoding, pinned->chunk.data, t, value);
}

std::array<const OutOfOrderSeries*, 2> Head::OutOfOrderOf(Slot slot) const {
  std::array<const OutOfOrderSeries*, 2> out{};
  const OutOfOrderSamples* const lots[] = {frozen_.get(), &out_of_order_};
  for (size_t i = 0; i < out.size(); ++i) {
    if (lots[i] == nullptr) continue;
    if (const auto it = lots[i]->find(slot); it != lots[i]->end()) out[i] = &it->second;
  }
  return out;
}

// --- on their way to blocks ---

Status Head::SyncOutOfOrderLog() {
  WalWriter* log = nullptr;
  {
    const MutexLock appending(append_mu_);
    log = out_of_order_log_;
  }
  return log != nullptr ? log->SyncFinished() : Status();
}

Result<FrozenOutOfOrder> Head::FreezeOutOfOrder() {
  const MutexLock appending(append_mu_);
  if (frozen_ == nullptr) {
    uint32_t next_segment = 0;
    if (out_of_order_log_ != nullptr) {
      CANOPY_ASSIGN_OR_RETURN(next_segment, out_of_order_log_->NextSegment());
      // The mark goes with the segments before.
      out_of_order_log_is_marked_ = false;
    }
    const WriterLock lock(mu_);
    frozen_ = std::make_shared<const OutOfOrderSamples>(std::exchange(out_of_order_, {}));
    after_frozen_ = next_segment;
  }
  return FrozenOutOfOrder{frozen_, after_frozen_};
}

void Head::DropFrozen() {
  // Freed without the locks.
  std::shared_ptr<const OutOfOrderSamples> dropped;
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  if (frozen_ == nullptr) return;
  dropped = std::move(frozen_);
  for (const auto& [slot, samples] : *dropped)
    if (!out_of_order_.contains(slot)) table_.at(slot).has_out_of_order = false;
  int64_t min_time = kNoMinTime;
  int64_t max_time = kNoMaxTime;
  for (const auto& [slot, samples] : out_of_order_) {
    min_time = std::min(min_time, samples.min_time());
    max_time = std::max(max_time, samples.max_time());
  }
  out_of_order_min_ = min_time;
  out_of_order_max_ = max_time;
}

std::unique_ptr<BlockSource> Head::SourceOutOfOrder(
    std::shared_ptr<const OutOfOrderSamples> samples, Timestamp start, std::stop_token stop) {
  return std::make_unique<OutOfOrderSource>(*this, std::move(samples), start.ms(), std::move(stop));
}

bool Head::ReplayOutOfOrder(SeriesRef ref, int64_t t, const ArrivingValue& value,
                            bool may_be_deleted) {
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  Series* const series = ReplayedSeries(ref);
  if (series == nullptr) return false;
  if (may_be_deleted) {
    const HeadDeletions::Ranges deleted = deletions_.Find(SlotOf(ref));
    if (deleted != nullptr && CoversAll(*deleted, t, t)) return true;
  }
  // Prometheus may have taken what is there in order as well.
  if (FindStored(*series, SlotOf(ref), t, value) == SampleFound::kNone)
    PutOutOfOrder(*series, SlotOf(ref), t, value);
  return true;
}

}  // namespace canopy::tsdb
