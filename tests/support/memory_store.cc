#include "tests/support/memory_store.h"

#include <algorithm>
#include <set>
#include <string>

#include "canopy/base/check.h"

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
  {
    const MutexLock lock(mu_);
    histograms_[labels][time] = std::move(histogram);
  }
  Add(labels, time, model::NormalNan());
}

AppendResult MemoryStore::Put(const model::Labels& labels, model::Sample sample) {
  if (sample.time < min_time_) return AppendResult::kTooOld;
  std::vector<model::Sample>& samples = (*series_)[labels];
  if (!samples.empty()) {
    const model::Sample& last = samples.back();
    if (sample.time < last.time) return AppendResult::kOutOfOrder;
    if (sample.time == last.time) {
      return model::SameBits(sample.value, last.value) ? AppendResult::kDuplicate
                                                       : AppendResult::kConflict;
    }
  }
  samples.push_back(sample);
  return AppendResult::kStored;
}

Result<storage::AppendReport> MemoryStore::Append(const storage::Batch& batch) {
  const MutexLock lock(mu_);
  if (!failure_.ok()) return failure_;
  // Readers keep what they had.
  if (series_.use_count() > 1) series_ = std::make_shared<MemorySeries>(*series_);
  storage::AppendReport report;
  uint32_t index = 0;
  const auto note = [&](AppendResult result) {
    if (result != AppendResult::kStored) report.rejected.push_back({index, result});
    ++index;
  };
  for (const storage::SeriesSample& s : batch.samples) {
    const uint64_t ref = s.series.value();
    if (ref == 0 || ref > refs_.size())
      note(AppendResult::kUnknownSeries);
    else
      note(Put(refs_[ref - 1], {s.time, s.value}));
  }
  for (const storage::NewSample& s : batch.new_samples) {
    const auto [it, created] = ref_of_.try_emplace(s.labels, SeriesRef(refs_.size() + 1));
    if (created) {
      refs_.push_back(s.labels);
      ++report.created;
    }
    report.refs.push_back(it->second);
    note(Put(s.labels, {s.time, s.value}));
  }
  std::set<SeriesRef> shown(report.refs.begin(), report.refs.end());
  for (const storage::SeriesSample& s : batch.samples) shown.insert(s.series);
  for (const SeriesRef ref : batch.ended)
    if (ref && ref.value() <= refs_.size() && !shown.contains(ref))
      (void)Put(refs_[ref.value() - 1], {batch.ended_at, model::StaleNan()});
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

void MemoryStore::FailWith(Status status) {
  const MutexLock lock(mu_);
  failure_ = std::move(status);
}

void MemoryStore::SetMinTime(Timestamp min_time) {
  const MutexLock lock(mu_);
  min_time_ = min_time;
}

}  // namespace canopy::testing
