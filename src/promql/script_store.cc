#include "script_store.h"

#include <algorithm>
#include <set>

#include "canopy/model/histogram_math.h"

namespace canopy::promql {

class ScriptSeriesSet final : public storage::SeriesSet {
 public:
  ScriptSeriesSet(const ScriptStore::Symbols& symbols,
                  std::vector<const ScriptStore::Series*> series, Timestamp mint, Timestamp maxt)
      : symbols_(symbols), series_(std::move(series)), mint_(mint), maxt_(maxt) {}

  size_t size() const override { return series_.size(); }
  model::SeriesLabelsView labels(size_t i) const override { return {symbols_, series_[i]->pairs}; }
  Result<storage::Columns> Read(size_t i, Timestamp from, Timestamp until,
                                storage::ColumnBuffer& /*buffer*/) const override {
    const ScriptStore::Series& series = *series_[i];
    const int64_t first = std::max(from, mint_).ms();
    const int64_t last = std::min(until, maxt_).ms();
    const auto begin = std::lower_bound(series.times.begin(), series.times.end(), first);
    const auto end = std::upper_bound(begin, series.times.end(), last);
    const auto offset = static_cast<size_t>(begin - series.times.begin());
    const auto count = static_cast<size_t>(end - begin);
    storage::Columns out{std::span(series.times).subspan(offset, count),
                         std::span(series.values).subspan(offset, count), series.times_id};
    if (series.extras) AddExtras(*series.extras, offset, count, out);
    return out;
  }

 private:
  static void AddExtras(const ScriptStore::Extras& extras, size_t offset, size_t count,
                        storage::Columns& out) {
    if (!extras.histograms.empty())
      out.histograms = std::span(extras.histograms).subspan(offset, count);
    if (!extras.start_times.empty())
      out.start_times = std::span(extras.start_times).subspan(offset, count);
  }

  const ScriptStore::Symbols& symbols_;
  const std::vector<const ScriptStore::Series*> series_;
  const Timestamp mint_;
  const Timestamp maxt_;
};

class ScriptQuerier final : public storage::Querier {
 public:
  ScriptQuerier(const ScriptStore& store, Timestamp mint, Timestamp maxt)
      : store_(store), mint_(mint), maxt_(maxt) {}

  Result<std::unique_ptr<storage::SeriesSet>> Select(std::span<const model::Matcher> matchers,
                                                     const storage::SelectHints& hints) override {
    std::vector<const ScriptStore::Series*> found;
    for (const auto& [labels, series] : store_.series_)
      if (model::MatchesAll(matchers, labels)) found.push_back(&series);
    if (hints.max_series != 0 && found.size() > hints.max_series)
      return Status::Limit("more than " + std::to_string(hints.max_series) + " series");
    return std::unique_ptr<storage::SeriesSet>(
        std::make_unique<ScriptSeriesSet>(store_.symbols_, std::move(found), mint_, maxt_));
  }

  Result<std::vector<std::string>> LabelNames(std::span<const model::Matcher> matchers,
                                              uint64_t limit) override {
    std::set<std::string> names;
    for (const auto& [labels, series] : store_.series_) {
      if (!model::MatchesAll(matchers, labels)) continue;
      for (const model::LabelView label : labels) names.emplace(label.name);
    }
    return First(names, limit);
  }

  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               std::span<const model::Matcher> matchers,
                                               uint64_t limit) override {
    std::set<std::string> values;
    for (const auto& [labels, series] : store_.series_)
      if (model::MatchesAll(matchers, labels) && labels.Has(name)) values.emplace(labels.Get(name));
    return First(values, limit);
  }

 private:
  static std::vector<std::string> First(const std::set<std::string>& all, uint64_t limit) {
    std::vector<std::string> out(all.begin(), all.end());
    if (limit != 0 && out.size() > limit) out.resize(limit);
    return out;
  }

  const ScriptStore& store_;
  const Timestamp mint_;
  const Timestamp maxt_;
};

model::Symbol ScriptStore::Symbols::Intern(std::string_view text) {
  if (const auto known = Find(text)) return *known;
  const auto symbol = static_cast<model::Symbol>(texts_.size());
  symbols_.emplace(texts_.emplace_back(text), symbol);
  return symbol;
}

std::optional<model::Symbol> ScriptStore::Symbols::Find(std::string_view text) const {
  const auto it = symbols_.find(text);
  return it == symbols_.end() ? std::nullopt : std::optional(it->second);
}

// As prometheus/prometheus@d15adb9ad7 tsdb/chunkenc/float_histogram.go reads them: within a chunk
// there are no resets, and a chunk ends when the layout does; nothing is believed of its first one,
// not even what was written.
HistogramPtr ScriptStore::AsStored(Extras& extras, const model::FloatHistogram& h) {
  using enum model::CounterResetHint;
  auto stored = std::make_shared<model::FloatHistogram>(h);
  const model::FloatHistogram* last = extras.last_of_chunk.get();
  const bool reset = h.hint == kReset;
  if (h.hint == kGauge) {
    extras.last_of_chunk = nullptr;
    return stored;
  }
  stored->hint = kUnknown;
  if (last != nullptr && !reset && h.schema == last->schema &&
      h.zero_threshold == last->zero_threshold && h.custom_values == last->custom_values &&
      !model::DetectReset(*stored, *last))
    stored->hint = kNotReset;
  extras.last_of_chunk = stored;
  return stored;
}

void ScriptStore::AddSample(Series& series, const ScriptSample& sample) {
  const size_t before = series.times.size();
  series.times.push_back(sample.time.ms());
  series.values.push_back(sample.histogram ? model::NormalNan() : sample.value);
  if (!series.extras) {
    if (!sample.histogram && sample.start_ms == 0) return;
    series.extras = std::make_unique<Extras>();
  }
  Extras& extras = *series.extras;
  if (sample.histogram) {
    extras.histograms.resize(before, nullptr);
    extras.owned.push_back(AsStored(extras, *sample.histogram));
    extras.histograms.push_back(extras.owned.back().get());
  } else {
    extras.last_of_chunk = nullptr;
    if (!extras.histograms.empty()) extras.histograms.push_back(nullptr);
  }
  if (sample.start_ms == 0 && extras.start_times.empty()) return;
  extras.start_times.resize(before, 0);
  extras.start_times.push_back(sample.start_ms);
}

void ScriptStore::Add(const model::Labels& labels, const std::vector<model::Sample>& samples) {
  std::vector<ScriptSample> all;
  all.reserve(samples.size());
  for (const model::Sample& sample : samples) all.push_back({sample.time, sample.value});
  Add(labels, all);
}

void ScriptStore::Add(const model::Labels& labels, const std::vector<ScriptSample>& samples) {
  Series& series = series_[labels];
  if (series.pairs.empty()) {
    for (const model::LabelView label : labels)
      series.pairs.push_back({symbols_.Intern(label.name), symbols_.Intern(label.value)});
  }
  for (const ScriptSample& sample : samples)
    if (series.times.empty() || sample.time.ms() > series.times.back()) AddSample(series, sample);
  series.times_id = times_ids_.try_emplace(series.times, times_ids_.size() + 1).first->second;
}

void ScriptStore::Clear() {
  series_.clear();
  times_ids_.clear();
}

Result<std::unique_ptr<storage::Querier>> ScriptStore::NewQuerier(Timestamp mint, Timestamp maxt) {
  return std::unique_ptr<storage::Querier>(std::make_unique<ScriptQuerier>(*this, mint, maxt));
}

}  // namespace canopy::promql
