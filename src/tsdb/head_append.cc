// How a batch gets into the head.

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <limits>

#include "canopy/model/sample.h"
#include "head.h"
#include "open_histogram.h"
#include "wal.h"
#include "wal_histogram_value.h"
#include "wal_record.h"

namespace canopy::tsdb {

using model::LabelView;
using model::Symbol;
using storage::AppendReport;
using storage::AppendResult;
using storage::Batch;

namespace {

// The lists of a batch that name series by labels, as one: new_samples, then new_histograms.
class Newcomers {
 public:
  explicit Newcomers(const Batch& batch) : batch_(batch) {}

  size_t size() const { return floats() + batch_.new_histograms.size(); }
  const model::Labels& labels(uint32_t i) const {
    return is_float(i) ? batch_.new_samples[i].labels : histogram(i).labels;
  }
  Timestamp time(uint32_t i) const {
    return is_float(i) ? batch_.new_samples[i].time : histogram(i).time;
  }
  int64_t start_time(uint32_t i) const {
    if (!is_float(i)) return histogram(i).start_time;
    return batch_.new_start_times.empty() ? 0 : batch_.new_start_times[i];
  }
  // Its place among all samples of the batch.
  uint32_t index(uint32_t i) const {
    const size_t before = batch_.samples.size() + (is_float(i) ? 0 : batch_.histograms.size());
    return static_cast<uint32_t>(before + i);
  }
  bool is_float(uint32_t i) const { return i < floats(); }
  const storage::NewHistogram& histogram(uint32_t i) const {
    return batch_.new_histograms[i - floats()];
  }

 private:
  size_t floats() const { return batch_.new_samples.size(); }

  const Batch& batch_;
};

// Of the sample numbered `index`.
SeriesRef RefOfSample(const Batch& batch, const AppendReport& report, size_t index) {
  if (index < batch.samples.size()) return batch.samples[index].series;
  index -= batch.samples.size();
  if (index < batch.new_samples.size()) return report.refs[index];
  index -= batch.new_samples.size();
  if (index < batch.histograms.size()) return batch.histograms[index].series;
  index -= batch.histograms.size();
  return report.refs[batch.new_samples.size() + index];
}

}  // namespace

Result<AppendReport> Head::Append(const Batch& batch) {
  const MutexLock lock(append_mu_);
  AppendReport report;
  ClearPlans();
  limits_ = LimitsNow(batch);
  PlanSamples(batch, report);
  PlanHistograms(batch, report);
  CANOPY_RETURN_IF_ERROR(PlanNewSamples(batch, report));
  PlanRepeated(report);
  PlanMarkers(batch, report);
  PlanMetadata(batch, report);
  if (report.rejected.size() > 1)
    std::ranges::sort(report.rejected, {}, &AppendReport::Rejected::index);
  CANOPY_RETURN_IF_ERROR(WritePlanToLog());
  ApplyMetadata();
  ApplyPlan(report);
  return report;
}

void Head::ClearPlans() {
  plan_.clear();
  histogram_plan_.clear();
  histogram_zeros_.clear();
  out_of_order_plan_.clear();
  planned_late_.clear();
  metadata_plan_.clear();
}

// What the series itself says; that a batch has two samples of one series shows when they are put.
void Head::Plan(Series& series, SeriesRef ref, int64_t t, const ArrivingValue& value,
                uint32_t index, AppendReport& report) {
  series.PrefetchEnd();
  if (t > series.newest_time && t >= limits_.in_order_from)
    plan_.push_back({&series, ref, t, value.value, value.start, index});
  else
    PlanLate(series, ref, t, value, index, report);
}

void Head::PlanHistogram(Series& series, SeriesRef ref, int64_t t, const ArrivingValue& value,
                         uint32_t index, AppendReport& report) {
  if (t > series.newest_time && t >= limits_.in_order_from)
    histogram_plan_.push_back({&series, ref, t, value.histogram, value.start, index});
  else
    PlanLate(series, ref, t, value, index, report);
}

// A marker is of the kind that the series has.
void Head::PlanMarker(Series& series, SeriesRef ref, int64_t t, uint32_t index) {
  if (series.has_histogram)
    histogram_plan_.push_back(
        {&series, ref, t, &StaleHistogram(series.histogram->integers()), chunk::kNoStart, index});
  else
    plan_.push_back({&series, ref, t, model::StaleNan(), chunk::kNoStart, index});
}

void Head::PlanHistograms(const Batch& batch, AppendReport& report) {
  auto index = static_cast<uint32_t>(batch.samples.size() + batch.new_samples.size());
  for (const storage::SeriesHistogram& sample : batch.histograms) {
    Series* const series = table_.Find(sample.series);
    if (sample.time.ms() < limits_.oldest()) {
      RejectLate(sample.time.ms(), true, index, report);
    } else if (series == nullptr) {
      report.rejected.push_back({index, AppendResult::kUnknownSeries});
    } else {
      if (options_.start_time_zeros && sample.start_time != 0)
        PlanHistogramZero(*series, sample.series, sample.start_time, sample.time.ms(),
                          sample.value);
      PlanHistogram(*series, sample.series, sample.time.ms(),
                    {0, &sample.value, KeptStart(sample.start_time)}, index, report);
    }
    ++index;
  }
}

void Head::PlanSamples(const Batch& batch, AppendReport& report) {
  const int64_t oldest = limits_.oldest();
  const bool starts = options_.start_times && !batch.start_times.empty();
  const bool zeros = options_.start_time_zeros && !batch.start_times.empty();
  plan_.reserve(batch.size());
  for (uint32_t i = 0; i < batch.samples.size(); ++i) {
    const storage::SeriesSample& sample = batch.samples[i];
    Series* const series = table_.Find(sample.series);
    if (sample.time.ms() < oldest) {
      RejectLate(sample.time.ms(), false, i, report);
    } else if (series == nullptr) {
      report.rejected.push_back({i, AppendResult::kUnknownSeries});
    } else {
      if (zeros && batch.start_times[i] != 0)
        PlanZero(*series, sample.series, batch.start_times[i], sample.time.ms());
      Plan(*series, sample.series, sample.time.ms(),
           {sample.value, nullptr, starts ? batch.start_times[i] : chunk::kNoStart}, i, report);
    }
  }
}

bool Head::LookUp(const model::Labels& labels) {
  names_.clear();
  values_.clear();
  for (const LabelView label : labels) {
    const auto name = symbols_.FindForWriter(label.name);
    const auto value = name ? symbols_.FindForWriter(label.value) : std::nullopt;
    if (!value) return false;
    names_.push_back(*name);
    values_.push_back(*value);
  }
  return true;
}

std::optional<Slot> Head::FindByLookedUp() const {
  const NameSet* const names = index_.FindNames(names_);
  return names ? table_.FindByLabels(names, values_) : std::nullopt;
}

// Series that come one after the other have most labels in common.
template <class Labels>
void Head::InternLabels(const Labels& labels) {
  const auto intern = [&](std::vector<Symbol>& symbols, size_t i, std::string_view text) {
    if (i == symbols.size())
      symbols.push_back(symbols_.Intern(text));
    else if (symbols_.Lookup(symbols[i]) != text)
      symbols[i] = symbols_.Intern(text);
  };
  size_t size = 0;
  for (const LabelView label : labels) {
    intern(names_, size, label.name);
    intern(values_, size, label.value);
    ++size;
  }
  names_.resize(size);
  values_.resize(size);
}

Status Head::PlanNewSamples(const Batch& batch, AppendReport& report) {
  const Newcomers newcomers(batch);
  report.refs.resize(newcomers.size());
  unknown_.clear();
  for (uint32_t i = 0; i < newcomers.size(); ++i) {
    const model::Labels& labels = newcomers.labels(i);
    if (labels.empty()) return Status::Invalid("a series has no labels");
    // One that cannot be stored makes no series.
    if (newcomers.time(i).ms() < limits_.oldest()) continue;
    if (LookUp(labels)) {
      if (const auto slot = FindByLookedUp()) {
        report.refs[i] = table_.RefOf(*slot);
        continue;
      }
    }
    unknown_.push_back(i);
  }
  if (!unknown_.empty()) CANOPY_RETURN_IF_ERROR(CreateSeries(batch, report));
  for (uint32_t i = 0; i < newcomers.size(); ++i) {
    const SeriesRef ref = report.refs[i];
    const uint32_t index = newcomers.index(i);
    const int64_t t = newcomers.time(i).ms();
    const int64_t start = newcomers.start_time(i);
    const bool zero = options_.start_time_zeros && start != chunk::kNoStart;
    if (!ref) {
      RejectLate(t, !newcomers.is_float(i), index, report);
    } else if (newcomers.is_float(i)) {
      if (zero) PlanZero(table_.at(SlotOf(ref)), ref, start, t);
      Plan(table_.at(SlotOf(ref)), ref, t, {batch.new_samples[i].value, nullptr, KeptStart(start)},
           index, report);
    } else {
      const storage::HistogramValue& value = newcomers.histogram(i).value;
      if (zero) PlanHistogramZero(table_.at(SlotOf(ref)), ref, start, t, value);
      PlanHistogram(table_.at(SlotOf(ref)), ref, t, {0, &value, KeptStart(start)}, index, report);
    }
  }
  return {};
}

Status Head::CreateSeries(const Batch& batch, AppendReport& report) {
  const Newcomers newcomers(batch);
  const WriterLock lock(mu_);
  for (const uint32_t i : unknown_) {
    InternLabels(newcomers.labels(i));
    std::optional<Slot> slot = FindByLookedUp();
    if (!slot) {
      SeriesLabels* const labels = index_.NewLabels(names_, values_);
      const Result<Slot> added = table_.Add(labels);
      if (!added.ok()) {
        index_.DropLabels(labels);
        return added.status();
      }
      slot = *added;
      index_.Add(*slot, *labels);
      unlogged_.push_back(table_.RefOf(*slot));
      ++report.created;
    }
    report.refs[i] = table_.RefOf(*slot);
  }
  metrics_.created.Add(report.created);
  series_count_ = table_.size();
  return {};
}

void Head::PlanMarkers(const Batch& batch, const AppendReport& report) {
  if (batch.ended.empty()) return;
  const int64_t t = batch.ended_at.ms();
  if (t < limits_.in_order_from) return;
  // Of what is stored, only samples of an earlier time have to be looked for: later ones keep the
  // marker out anyway. A sample that is refused shows its series all the same.
  absl::flat_hash_set<const Series*> shown;
  for (const Planned& planned : plan_)
    if (planned.time < t) shown.insert(planned.series);
  // They are put after the floats, and so after the markers of series that have floats.
  for (const PlannedHistogram& planned : histogram_plan_) shown.insert(planned.series);
  for (const PlannedOutOfOrder& planned : out_of_order_plan_) shown.insert(planned.series);
  for (const AppendReport::Rejected& rejected : report.rejected)
    shown.insert(table_.Find(RefOfSample(batch, report, rejected.index)));
  for (const SeriesRef ref : batch.ended) {
    Series* const series = table_.Find(ref);
    if (series == nullptr || series->newest_time >= t || shown.contains(series)) continue;
    PlanMarker(*series, ref, t, kMarker);
  }
}

LogForm Head::log_form() const {
  return options_.start_times ? LogForm::kWithStarts : LogForm::kPlain;
}

Status Head::WritePlanToLog() {
  CANOPY_RETURN_IF_ERROR(WriteOutOfOrderToLog());
  const Status status = WriteInOrderToLog();
  if (!status.ok() && !out_of_order_plan_.empty() && out_of_order_log_ != nullptr) {
    // What fails now is tried again before the next batch.
    (void)out_of_order_log_->TakeBack();
    out_of_order_log_is_marked_ = false;
  }
  return status;
}

Status Head::WriteInOrderToLog() {
  if (!log_) {
    unlogged_.clear();
    return {};
  }
  std::string_view records[7];
  size_t count = 0;
  if (!unlogged_.empty()) {
    series_record_.clear();
    SeriesEncoder encoder(series_record_);
    for (const SeriesRef ref : unlogged_) {
      const model::SeriesLabelsView labels(symbols_, table_.Find(ref)->labels->pairs());
      encoder.Add(ref, labels.ToLabels());
    }
    records[count++] = series_record_;
  }
  if (!metadata_plan_.empty()) {
    EncodeMetadataPlan();
    records[count++] = metadata_record_;
  }
  if (!plan_.empty()) {
    samples_record_.clear();
    SamplesEncoder encoder(samples_record_, log_form());
    for (const Planned& planned : plan_)
      encoder.Add(planned.ref, Timestamp::FromMs(planned.time), planned.value, planned.start);
    encoder.Finish();
    records[count++] = samples_record_;
  }
  if (!histogram_plan_.empty()) {
    EncodeHistogramPlan();
    for (const std::string& record : histogram_records_)
      if (!record.empty()) records[count++] = record;
  }
  if (count == 0) return {};
  CANOPY_RETURN_IF_ERROR(log_(std::span(records).first(count)));
  unlogged_.clear();
  return {};
}

void Head::EncodeHistogramPlan() {
  std::vector<RefHistogram> integers;
  std::vector<RefFloatHistogram> floats;
  for (const PlannedHistogram& planned : histogram_plan_) {
    const Timestamp time = Timestamp::FromMs(planned.time);
    if (const auto* const h = std::get_if<model::Histogram>(planned.value))
      integers.push_back(ToRow(planned.ref, time, planned.start, *h));
    else
      floats.push_back(
          ToRow(planned.ref, time, planned.start, std::get<model::FloatHistogram>(*planned.value)));
  }
  for (std::string& record : histogram_records_) record.clear();
  EncodeHistograms(integers, log_form(), histogram_records_[0], histogram_records_[1]);
  EncodeFloatHistograms(floats, log_form(), histogram_records_[2], histogram_records_[3]);
}

template <class AnyPlanned>
void Head::RejectRepeated(const AnyPlanned& planned, const ArrivingValue& value,
                          AppendReport& report) {
  if (planned.index == kMarker) return;
  if (planned.time < planned.series->newest_time)
    RejectLate(planned.time, value.histogram != nullptr, planned.index, report, true);
  else
    report.rejected.push_back(
        {planned.index, ResultOf(CompareNewest(*planned.series, value)), true});
}

void Head::ApplyPlan(AppendReport& report) {
  if (plan_.empty() && histogram_plan_.empty() && out_of_order_plan_.empty()) return;
  // How far ahead a series is fetched into the cache.
  constexpr size_t kAhead = 8;
  uint64_t stored = 0;
  uint64_t histograms = 0;
  int64_t min_time = std::numeric_limits<int64_t>::max();
  int64_t max_time = max_time_;
  const size_t sorted = report.rejected.size();
  {
    const WriterLock lock(mu_);
    const uint64_t chunks = writer_.chunks_created();
    writer_.BeginBatch();
    for (size_t i = 0; i < plan_.size(); ++i) {
      if (i + kAhead < plan_.size()) __builtin_prefetch(plan_[i + kAhead].series->bytes);
      const Planned& p = plan_[i];
      if (p.time > p.series->newest_time) {
        const uint64_t begun = writer_.chunks_created();
        writer_.Put(*p.series, p.time, p.value);
        NoteStart(SlotOf(p.ref), p.time, p.value, p.start);
        if (writer_.chunks_created() != begun) NoteClosed(p.ref, *p.series);
        min_time = std::min(min_time, p.time);
        max_time = std::max(max_time, p.time);
        ++stored;
      } else {
        // A second sample of the series in this batch. The log has it too: replay comes to the
        // same.
        RejectRepeated(p, {p.value, nullptr}, report);
      }
    }
    for (const PlannedHistogram& p : histogram_plan_) {
      if (p.time > p.series->newest_time) {
        const uint64_t begun = writer_.chunks_created();
        writer_.PutHistogram(*p.series, p.time, *p.value, p.start);
        if (writer_.chunks_created() != begun) NoteClosed(p.ref, *p.series);
        min_time = std::min(min_time, p.time);
        max_time = std::max(max_time, p.time);
        ++histograms;
      } else {
        RejectRepeated(p, {0, p.value}, report);
      }
    }
    if (!out_of_order_plan_.empty()) ApplyOutOfOrder(report);
    graveyard_.Collect();
    oldest_stored_ = std::min(oldest_stored_, min_time);
    min_time_ = std::min<int64_t>(min_time_, min_time);
    max_time_ = max_time;
    metrics_.chunks_created.Add(static_cast<double>(writer_.chunks_created() - chunks));
  }
  metrics_.appended.Add(static_cast<double>(stored));
  if (histograms > 0) metrics_.appended_histograms.Add(static_cast<double>(histograms));
  if (report.rejected.size() > sorted)
    std::ranges::sort(report.rejected, {}, &AppendReport::Rejected::index);
}

template void Head::InternLabels(const std::span<const LabelView>& labels);  // for replay

}  // namespace canopy::tsdb
