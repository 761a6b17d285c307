#include "tests/support/memory_store.h"

#include <algorithm>
#include <set>
#include <string>

#include "canopy/base/check.h"
#include "canopy/model/histogram_math.h"

namespace canopy::testing {
namespace {

using storage::AppendResult;

// All strings of one look at the store; symbols are their places in order.
class Symbols final : public model::SymbolSource {
 public:
  explicit Symbols(const MemorySeries& series) {
    std::set<std::string> all;
    for (const auto& [labels, samples] : series) {
      for (const model::LabelView label : labels) {
        all.emplace(label.name);
        all.emplace(label.value);
      }
    }
    strings_.assign(all.begin(), all.end());
  }
  std::string_view Lookup(model::Symbol symbol) const override { return strings_[symbol]; }
  std::optional<model::Symbol> Find(std::string_view text) const override {
    const auto it = std::lower_bound(strings_.begin(), strings_.end(), text);
    if (it == strings_.end() || *it != text) return std::nullopt;
    return static_cast<model::Symbol>(it - strings_.begin());
  }

 private:
  std::vector<std::string> strings_;
};

struct Entry {
  std::vector<model::SymbolPair> pairs;
  const std::vector<model::Sample>* samples;
  const MemoryHistograms::mapped_type* histograms;  // null when there is none
};

class Set final : public storage::SeriesSet {
 public:
  Set(const Symbols& symbols, std::vector<Entry> entries)
      : symbols_(symbols), entries_(std::move(entries)) {}

  size_t size() const override { return entries_.size(); }
  model::SeriesLabelsView labels(size_t i) const override { return {symbols_, entries_[i].pairs}; }
  Result<storage::Columns> Read(size_t i, Timestamp from, Timestamp until,
                                storage::ColumnBuffer& buffer) const override {
    const Entry& entry = entries_[i];
    buffer.Clear();
    for (const model::Sample& sample : *entry.samples) {
      if (sample.time < from || sample.time > until) continue;
      buffer.times.push_back(sample.time.ms());
      buffer.values.push_back(sample.value);
      if (entry.histograms == nullptr) continue;
      const auto it = entry.histograms->find(sample.time);
      buffer.histograms.push_back(it == entry.histograms->end() ? nullptr : it->second.get());
    }
    return storage::Columns{buffer.times, buffer.values, 0, buffer.histograms};
  }

 private:
  const Symbols& symbols_;
  const std::vector<Entry> entries_;
};

// Clips reads to the querier's range.
class MemoryQuerier final : public storage::Querier {
 public:
  MemoryQuerier(std::shared_ptr<const MemorySeries> series, MemoryHistograms histograms,
                Timestamp mint, Timestamp maxt)
      : symbols_(*series), histograms_(std::move(histograms)) {
    for (const auto& [labels, samples] : *series) {
      std::vector<model::Sample>& kept = series_[labels];
      for (const model::Sample& sample : samples)
        if (sample.time >= mint && sample.time <= maxt) kept.push_back(sample);
      if (kept.empty()) series_.erase(labels);
    }
  }

  Result<std::unique_ptr<storage::SeriesSet>> Select(std::span<const model::Matcher> matchers,
                                                     const storage::SelectHints& hints) override {
    std::vector<Entry> entries;
    for (const auto& [labels, samples] : series_) {
      if (!model::MatchesAll(matchers, labels)) continue;
      const auto histograms = histograms_.find(labels);
      Entry entry{{}, &samples, histograms == histograms_.end() ? nullptr : &histograms->second};
      for (const model::LabelView label : labels)
        entry.pairs.push_back({*symbols_.Find(label.name), *symbols_.Find(label.value)});
      entries.push_back(std::move(entry));
    }
    if (hints.max_series != 0 && entries.size() > hints.max_series)
      return Status::Limit("more than " + std::to_string(hints.max_series) + " series");
    // Nobody may rely on an order that was not asked for.
    if (!hints.sorted) std::reverse(entries.begin(), entries.end());
    return std::unique_ptr<storage::SeriesSet>(std::make_unique<Set>(symbols_, std::move(entries)));
  }

  Result<std::vector<std::string>> LabelNames(std::span<const model::Matcher> matchers,
                                              uint64_t limit) override {
    std::set<std::string> names;
    for (const auto& [labels, samples] : series_) {
      if (!model::MatchesAll(matchers, labels)) continue;
      for (const model::LabelView label : labels) names.emplace(label.name);
    }
    return First(names, limit);
  }

  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               std::span<const model::Matcher> matchers,
                                               uint64_t limit) override {
    std::set<std::string> values;
    for (const auto& [labels, samples] : series_)
      if (model::MatchesAll(matchers, labels) && labels.Has(name)) values.emplace(labels.Get(name));
    return First(values, limit);
  }

 private:
  static std::vector<std::string> First(const std::set<std::string>& all, uint64_t limit) {
    std::vector<std::string> out(all.begin(), all.end());
    if (limit != 0 && out.size() > limit) out.resize(limit);
    return out;
  }

  const Symbols symbols_;
  const MemoryHistograms histograms_;
  MemorySeries series_;
};

model::FloatHistogram Floats(const storage::HistogramValue& value) {
  model::FloatHistogram out;
  model::ToFloat(value, out);
  return out;
}

bool SameValue(const storage::HistogramValue& a, const storage::HistogramValue& b) {
  return a.index() == b.index() && model::SameHistogram(Floats(a), Floats(b));
}

}  // namespace

MemoryStore::MemoryStore() : mu_(LockRank::kHead), series_(std::make_shared<MemorySeries>()) {}
MemoryStore::~MemoryStore() = default;

void MemoryStore::Add(const model::Labels& labels, Timestamp time, double value) {
  storage::Batch batch;
  batch.new_samples.push_back({labels, time, value});
  const auto report = Append(batch);
  CANOPY_CHECK(report.ok() && report->rejected.empty());
}

void MemoryStore::Add(const model::Labels& labels, Timestamp time,
                      std::shared_ptr<const model::FloatHistogram> histogram) {
  storage::Batch batch;
  batch.new_histograms.push_back({labels, time, *histogram});
  const auto report = Append(batch);
  CANOPY_CHECK(report.ok() && report->rejected.empty());
}

AppendResult MemoryStore::Put(const model::Labels& labels, model::Sample sample,
                              const storage::HistogramValue* histogram) {
  if (sample.time < min_time_) return AppendResult::kOutOfBounds;
  std::vector<model::Sample>& samples = (*series_)[labels];
  auto& histograms = histogram_values_[labels];
  if (!samples.empty()) {
    const model::Sample& last = samples.back();
    if (sample.time < last.time) return AppendResult::kOutOfOrder;
    if (sample.time == last.time) {
      const auto it = histograms.find(last.time);
      const bool same = (it != histograms.end()) == (histogram != nullptr) &&
                        (histogram != nullptr ? SameValue(*it->second, *histogram)
                                              : model::SameBits(sample.value, last.value));
      return same ? AppendResult::kDuplicate : AppendResult::kConflict;
    }
  }
  samples.push_back(sample);
  if (histogram != nullptr) {
    const auto kept = std::make_shared<const storage::HistogramValue>(*histogram);
    histograms[sample.time] = kept;
    histograms_[labels][sample.time] = std::make_shared<const model::FloatHistogram>(Floats(*kept));
  }
  return AppendResult::kStored;
}

AppendResult MemoryStore::PutHistogram(const model::Labels& labels, Timestamp time,
                                       const storage::HistogramValue& value) {
  const bool ends = std::visit([](const auto& h) { return model::IsStale(h.sum); }, value);
  return ends ? Put(labels, {time, model::StaleNan()})
              : Put(labels, {time, model::NormalNan()}, &value);
}

SeriesRef MemoryStore::RefOf(const model::Labels& labels, storage::AppendReport& report) {
  const auto [it, created] = ref_of_.try_emplace(labels, SeriesRef(refs_.size() + 1));
  if (created) {
    refs_.push_back(labels);
    ++report.created;
  }
  report.refs.push_back(it->second);
  return it->second;
}

const model::Labels* MemoryStore::LabelsOf(SeriesRef ref) const {
  return ref && ref.value() <= refs_.size() ? &refs_[ref.value() - 1] : nullptr;
}

// Only newer ones than there are.
bool MemoryStore::PutExemplar(const model::Labels& labels, const model::Exemplar& exemplar) {
  if (!ref_of_.contains(labels)) return false;
  std::vector<model::Exemplar>& all = exemplars_[labels];
  if (!all.empty() && exemplar.time <= all.back().time) return false;
  all.push_back(exemplar);
  return true;
}

Result<storage::AppendReport> MemoryStore::Append(const storage::Batch& batch) {
  const MutexLock lock(mu_);
  if (!failure_.ok()) return failure_;
  // Readers keep what they had.
  if (series_.use_count() > 1) series_ = std::make_shared<MemorySeries>(*series_);
  storage::AppendReport report;
  uint32_t index = 0;
  // What batches have samples of, and the newest time of before.
  std::map<SeriesRef, Timestamp> shown;
  const auto note = [&](SeriesRef ref, const model::Labels* labels, Timestamp time, auto put) {
    AppendResult result = AppendResult::kUnknownSeries;
    bool within_batch = false;
    if (labels != nullptr) {
      const std::vector<model::Sample>& samples = (*series_)[*labels];
      const Timestamp newest = samples.empty() ? Timestamp::Min() : samples.back().time;
      const Timestamp before = shown.try_emplace(ref, newest).first->second;
      result = put(*labels);
      within_batch = result != AppendResult::kOutOfBounds && time > before;
    }
    if (result != AppendResult::kStored) report.rejected.push_back({index, result, within_batch});
    ++index;
  };
  const auto note_float = [&](SeriesRef ref, const model::Labels* labels, Timestamp time,
                              double value) CANOPY_REQUIRES(mu_) {
    note(ref, labels, time, [&](const model::Labels& l) { return Put(l, {time, value}); });
  };
  const auto note_histogram = [&](SeriesRef ref, const model::Labels* labels, Timestamp time,
                                  const storage::HistogramValue& value) CANOPY_REQUIRES(mu_) {
    note(ref, labels, time, [&](const model::Labels& l) { return PutHistogram(l, time, value); });
  };
  for (const storage::SeriesSample& s : batch.samples)
    note_float(s.series, LabelsOf(s.series), s.time, s.value);
  for (const storage::NewSample& s : batch.new_samples)
    note_float(RefOf(s.labels, report), &s.labels, s.time, s.value);
  for (const storage::SeriesHistogram& h : batch.histograms)
    note_histogram(h.series, LabelsOf(h.series), h.time, h.value);
  for (const storage::NewHistogram& h : batch.new_histograms)
    note_histogram(RefOf(h.labels, report), &h.labels, h.time, h.value);
  for (const storage::SeriesExemplar& e : batch.exemplars)
    if (const model::Labels* const labels = LabelsOf(e.series))
      report.exemplars += PutExemplar(*labels, e.exemplar);
  for (const storage::NewExemplar& e : batch.new_exemplars)
    report.exemplars += PutExemplar(e.series, e.exemplar);
  for (const SeriesRef ref : batch.ended)
    if (const model::Labels* const labels = LabelsOf(ref); labels && !shown.contains(ref))
      (void)Put(*labels, {batch.ended_at, model::StaleNan()});
  return report;
}

Result<std::unique_ptr<storage::Querier>> MemoryStore::NewQuerier(Timestamp mint, Timestamp maxt) {
  const MutexLock lock(mu_);
  if (!failure_.ok()) return failure_;
  return std::unique_ptr<storage::Querier>(
      std::make_unique<MemoryQuerier>(series_, histograms_, mint, maxt));
}

MemorySeries MemoryStore::All() const {
  const MutexLock lock(mu_);
  return *series_;
}

Result<std::vector<storage::ExemplarSeries>> MemoryStore::SelectExemplars(
    std::span<const model::Matchers> selectors, Timestamp mint, Timestamp maxt) {
  const MutexLock lock(mu_);
  if (!failure_.ok()) return failure_;
  std::vector<storage::ExemplarSeries> out;
  for (const auto& entry : exemplars_) {
    const bool wanted = std::ranges::any_of(selectors, [&](const model::Matchers& matchers) {
      return model::MatchesAll(matchers, entry.first);
    });
    storage::ExemplarSeries series{entry.first, {}};
    for (const model::Exemplar& exemplar : entry.second)
      if (wanted && exemplar.time >= mint && exemplar.time <= maxt)
        series.exemplars.push_back(exemplar);
    if (!series.exemplars.empty()) out.push_back(std::move(series));
  }
  return out;
}

MemoryExemplars MemoryStore::AllExemplars() const {
  const MutexLock lock(mu_);
  return exemplars_;
}

std::shared_ptr<const storage::HistogramValue> MemoryStore::HistogramAt(const model::Labels& labels,
                                                                        Timestamp time) const {
  const MutexLock lock(mu_);
  const auto series = histogram_values_.find(labels);
  if (series == histogram_values_.end()) return nullptr;
  const auto it = series->second.find(time);
  return it == series->second.end() ? nullptr : it->second;
}

void MemoryStore::FailWith(Status status) {
  const MutexLock lock(mu_);
  failure_ = std::move(status);
}

void MemoryStore::SetMinTime(Timestamp min_time) {
  const MutexLock lock(mu_);
  min_time_ = min_time;
}

}  // namespace canopy::testing
