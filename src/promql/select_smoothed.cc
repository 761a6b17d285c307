#include "counter_facts.h"
#include "interpolate.h"
#include "select.h"

// m smoothed: at each step the value on the line between the samples around it, or the last one
// where no other is known yet. As with ranges, staleness markers count for nothing.

namespace canopy::promql {
namespace {

bool IsGauge(const model::FloatHistogram& h) { return h.hint == model::CounterResetHint::kGauge; }

class SmoothedSelector final : public SeriesSource {
 public:
  SmoothedSelector(Query& query, std::shared_ptr<const storage::SeriesSet> series,
                   const VectorSelector& selector, const LookAt& look)
      : query_(query),
        series_(std::move(series)),
        // A range of no length at each step, with its edges.
        range_{look, 0, Edges::kSmoothed, query.lookback_ms},
        pos_(selector.pos),
        without_buckets_(query.without_buckets.contains(&selector)),
        scope_(query.scope()),
        node_(query.NewNode()),
        held_(query) {}

  size_t size() const override { return series_->size(); }
  SeriesLabels labels(size_t i) const override { return SeriesLabels(series_->labels(i)); }

  bool Fill(size_t i, Scratch& scratch, Row& row) const override {
    NodeBuffers& buffers = scratch.of(node_);
    row.histograms.clear();
    storage::Columns columns =
        OrFail(series_->Read(i, Timestamp::FromMs(range_.first_ms()),
                             Timestamp::FromMs(range_.last_ms()), buffers.columns));
    if (columns.times.empty()) return false;
    if (without_buckets_ && !columns.histograms.empty())
      columns = WithoutBuckets(columns, buffers.stats);
    columns = WithoutMarkers(columns, buffers.kept);
    const Windows& windows = buffers.windows.Get(
        columns.times_id, [&](Windows& out) { FindWindows(columns.times, range_, out); });
    if (windows.samples == 0) return false;
    if (columns.histograms.empty()) {
      FillFloats(columns, windows, row.values);
    } else {
      FillMixed(i, columns, windows, row);
    }
    return Count(row);
  }

 private:
  // The sample that is known at a time, where the window's first one is it.
  bool IsSample(const storage::Columns& columns, const Windows& windows, size_t s) const {
    const uint32_t n = windows.begin[s];
    return windows.end[s] - n == 1 || columns.times[n] == range_.look.at(s);
  }

  double FloatAt(const storage::Columns& columns, const Windows& windows, size_t s) const {
    const uint32_t n = windows.begin[s];
    if (IsSample(columns, windows, s)) return columns.values[n];
    return Interpolate(columns.values[n], columns.values[n + 1], columns.times[n],
                       columns.times[n + 1], range_.look.at(s), false);
  }

  void FillFloats(const storage::Columns& columns, const Windows& windows,
                  std::span<double> out) const {
    for (size_t s = 0; s < out.size(); ++s)
      out[s] = windows.begin[s] == windows.end[s] ? Absent() : FloatAt(columns, windows, s);
  }

  void FillMixed(size_t i, const storage::Columns& columns, const Windows& windows,
                 Row& row) const {
    const NotePlace place{query_.annotations,
                          SeriesLabels(series_->labels(i)).Get(model::kMetricName), pos_};
    const SampleCounts counts(columns.times.size(),
                              [&](uint32_t n) { return columns.histograms[n] != nullptr; });
    for (size_t s = 0; s < row.size(); ++s) {
      row.Clear(s);
      const uint32_t seen = windows.after_seen(s) - windows.first_seen(s);
      const uint32_t histograms = counts.in(windows.first_seen(s), windows.after_seen(s));
      if (histograms > 0 && histograms < seen) {
        place.notes.MixedFloatsHistograms(place.metric, pos_);
      } else if (windows.begin[s] == windows.end[s]) {
        continue;
      } else if (histograms == 0) {
        row.SetFloat(s, FloatAt(columns, windows, s));
      } else if (auto h = HistogramAt(columns, windows, s, place)) {
        row.SetHistogram(s, std::make_shared<const model::FloatHistogram>(*std::move(h)));
      }
    }
  }

  std::optional<model::FloatHistogram> HistogramAt(const storage::Columns& columns,
                                                   const Windows& windows, size_t s,
                                                   const NotePlace& place) const {
    const uint32_t n = windows.begin[s];
    const int64_t at = range_.look.at(s);
    const model::FloatHistogram& before = *columns.histograms[n];
    if (columns.times[n] == at) return before;
    if (IsSample(columns, windows, s)) {
      // What it says of resets it does not say of this time.
      model::FloatHistogram out = before;
      out.hint = model::CounterResetHint::kUnknown;
      return out;
    }
    const model::FloatHistogram& after = *columns.histograms[n + 1];
    if (before.custom_buckets() != after.custom_buckets()) {
      place.notes.MixedExponentialCustomHistograms(place.metric, place.pos);
      return std::nullopt;
    }
    return Interpolate(before, after, ShareOfWay(columns.times[n], columns.times[n + 1], at),
                       !IsGauge(before) || !IsGauge(after), place);
  }

  bool Count(const Row& row) const {
    const size_t samples = row.Samples();
    if (samples == 0) return false;
    held_.Add(samples);
    if (!scope_.by_step()) {
      scope_.Add(static_cast<int64_t>(samples), static_cast<int64_t>(samples));
      return true;
    }
    for (size_t s = 0; s < row.size(); ++s) {
      if (!row.present(s)) continue;
      const model::FloatHistogram* h = row.histogram(s);
      const int64_t n = h ? static_cast<int64_t>(SamplesOf(*h)) : 1;
      scope_.AddAt(range_.look.steps.at(s), n, n);
    }
    return true;
  }

  Query& query_;
  const std::shared_ptr<const storage::SeriesSet> series_;
  const RangeOfSteps range_;
  const PositionRange pos_;
  const bool without_buckets_;
  const ReadScope& scope_;
  const size_t node_;
  mutable HeldSamples held_;
};

}  // namespace

SourcePtr SelectSmoothed(Query& query, std::shared_ptr<const storage::SeriesSet> series,
                         const VectorSelector& selector, const LookAt& look) {
  return std::make_unique<SmoothedSelector>(query, std::move(series), selector, look);
}

}  // namespace canopy::promql
