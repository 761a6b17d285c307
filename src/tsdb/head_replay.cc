// How the head gets back what a log has.

#include <algorithm>
#include <array>
#include <span>

#include "head.h"
#include "head_chunk_files.h"
#include "wal_record.h"

namespace canopy::tsdb {

using model::LabelView;

SeriesRef Head::ReplaySeries(SeriesRef ref, std::span<const LabelView> labels) {
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  InternLabels(labels);
  if (const auto known = FindByLookedUp()) {
    const SeriesRef here = table_.RefOf(*known);
    if (here != ref) AddAlias(ref, here);
    AttachFiles(ref, table_.at(*known));
    return here;
  }
  SeriesLabels* const block = index_.NewLabels(names_, values_);
  SeriesRef here = ref;
  DropPredecessor(ref);
  if (!table_.AddAt(ref, block)) {
    const Result<Slot> slot = table_.Add(block);
    if (!slot.ok()) {
      index_.DropLabels(block);
      return {};
    }
    here = table_.RefOf(*slot);
    AddAlias(ref, here);
    unlogged_.push_back(here);
  }
  index_.Add(SlotOf(here), *block);
  series_count_ = table_.size();
  AttachFiles(ref, table_.at(SlotOf(here)));
  return here;
}

void Head::AddAlias(SeriesRef in_log, SeriesRef here) {
  aliases_[in_log.value()] = here;
  table_.Mention(in_log);
}

// A slot that another series has now was free when that one came: what was there before is to be
// dropped, as it was then. But not when it is young: then the refs are of another kind than ours.
void Head::DropPredecessor(SeriesRef ref) {
  const uint16_t generation = GenerationOf(ref);
  for (uint16_t before = generation; ref.value() < kMaxRef && before-- > 0;) {
    const Series* const series = table_.Find(MakeRef(SlotOf(ref), before));
    if (series == nullptr) continue;
    if (series->newest_time < (max_time() - options_.span).ms()) RemoveSeries(SlotOf(ref), 0);
    return;
  }
}

Series* Head::ReplayedSeries(SeriesRef& ref) {
  if (!aliases_.empty()) {
    const auto it = aliases_.find(ref.value());
    if (it != aliases_.end()) {
      ref = it->second;
      return table_.Find(ref);
    }
  }
  Series* const series = table_.Find(ref);
  if (series == nullptr) table_.Mention(ref);
  return series;
}

void Head::NoteReplayed(int64_t t) {
  min_time_.store(std::min(min_time_.load(std::memory_order_relaxed), t),
                  std::memory_order_relaxed);
  max_time_.store(std::max(max_time_.load(std::memory_order_relaxed), t),
                  std::memory_order_relaxed);
}

uint64_t Head::ReplaySamples(std::span<const RefSample> samples) {
  struct Found {
    SeriesRef ref;
    Series* series;
  };
  constexpr size_t kBatch = 32;
  std::array<Found, kBatch> found;
  uint64_t unknown = 0;
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  writer_.BeginBatch();
  while (!samples.empty()) {
    const auto batch = samples.first(std::min(samples.size(), kBatch));
    samples = samples.subspan(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      found[i].ref = batch[i].ref;
      found[i].series = ReplayedSeries(found[i].ref);
      if (found[i].series != nullptr) found[i].series->PrefetchEnd();
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      if (found[i].series == nullptr)
        ++unknown;
      else
        ReplaySample(found[i].ref, *found[i].series, batch[i]);
    }
  }
  return unknown;
}

void Head::ReplaySample(SeriesRef ref, Series& series, const RefSample& row) {
  const int64_t t = row.time.ms();
  if (t <= series.newest_time || t < refused_before_.load(std::memory_order_relaxed)) return;
  const uint64_t begun = writer_.chunks_created();
  writer_.Put(series, t, row.value);
  NoteStart(SlotOf(ref), t, row.value, row.start);
  if (writer_.chunks_created() != begun) NoteClosed(ref, series);
  NoteReplayed(t);
}

bool Head::ReplayHistogram(SeriesRef ref, int64_t t, int64_t start,
                           const storage::HistogramValue& value) {
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  Series* const series = ReplayedSeries(ref);
  if (series == nullptr) return false;
  if (t <= series->newest_time || t < refused_before_) return true;
  const uint64_t begun = writer_.chunks_created();
  writer_.PutHistogram(*series, t, value, start);
  if (writer_.chunks_created() != begun) NoteClosed(ref, *series);
  NoteReplayed(t);
  return true;
}

Status Head::FinishReplay() {
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  table_.FindFreeSlots();
  in_files_.clear();
  return chunk_files_ != nullptr ? ReopenLastChunks() : Status();
}

}  // namespace canopy::tsdb
