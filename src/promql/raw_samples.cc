#include "raw_samples.h"

#include <algorithm>

#include "interpolate.h"
#include "pace.h"

namespace canopy::promql {
namespace {

// With delayed name removal series may become equal here; they must not share a time.
template <class Samples>
void JoinSamples(Samples& samples, const Samples& more) {
  samples.insert(samples.end(), more.begin(), more.end());
  std::stable_sort(samples.begin(), samples.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  for (size_t i = 1; i < samples.size(); ++i)
    if (samples[i].time == samples[i - 1].time)
      Fail("vector cannot contain metrics with the same labelset");
}

void JoinEqual(Matrix& matrix) {
  Matrix joined;
  for (MatrixSeries& series : matrix) {
    if (joined.empty() || joined.back().labels != series.labels) {
      joined.push_back(std::move(series));
      continue;
    }
    JoinSamples(joined.back().samples, series.samples);
    JoinSamples(joined.back().histograms, series.histograms);
  }
  matrix = std::move(joined);
}

// What `anchored` and `smoothed` make of the floats of a range: one at either end of it, and those
// strictly within. Nothing where the functions that take such ranges have no value.
std::vector<model::Sample> ExtendedSamples(const storage::Columns& columns,
                                           const RangeOfSteps& range) {
  const bool smoothed = range.edges == Edges::kSmoothed;
  if (!columns.histograms.empty()) {
    Fail(std::string(smoothed ? "smoothed" : "anchored") +
         " modifier is not supported with histograms");
  }
  Windows window;
  FindWindows(columns.times, range, window);
  std::vector<model::Sample> out;
  if (window.begin[0] == window.end[0]) return out;
  const uint32_t first = window.begin[0];
  const uint32_t last = window.end[0] - 1;
  const int64_t until = range.look.at(0);
  const int64_t after = until - range.range_ms;
  const auto value = [&](uint32_t n, bool between, uint32_t pair, int64_t at) {
    if (!between) return columns.values[n];
    return Interpolate(columns.values[pair], columns.values[pair + 1], columns.times[pair],
                       columns.times[pair + 1], at, false);
  };
  out.push_back({Timestamp::FromMs(after),
                 value(first, smoothed && columns.times[first] < after, first, after)});
  for (uint32_t n = first; n <= last; ++n)
    if (columns.times[n] > after && columns.times[n] < until)
      out.push_back({Timestamp::FromMs(columns.times[n]), columns.values[n]});
  out.push_back({Timestamp::FromMs(until),
                 value(last, columns.times[last] > until, last == 0 ? 0 : last - 1, until)});
  return out;
}

// Puts the samples of columns into `series`; returns how many they count for.
size_t AddSamples(const storage::Columns& columns, MatrixSeries& series) {
  size_t samples = 0;
  for (size_t n = 0; n < columns.times.size(); ++n) {
    const auto time = Timestamp::FromMs(columns.times[n]);
    const model::FloatHistogram* h = columns.histograms.empty() ? nullptr : columns.histograms[n];
    samples += h ? SamplesOf(*h) : 1;
    if (h) {
      series.histograms.push_back({time, std::make_shared<const model::FloatHistogram>(*h)});
    } else {
      series.samples.push_back({time, columns.values[n]});
    }
  }
  return samples;
}

}  // namespace

void SortByLabels(const Query& query, Matrix& matrix) {
  Pace pace(query);
  std::sort(matrix.begin(), matrix.end(), [&](const MatrixSeries& a, const MatrixSeries& b) {
    pace.Step();
    return a.labels < b.labels;
  });
}

Matrix RawSamples(Query& query, const ColumnSource& source) {
  Matrix out;
  HeldSamples held(query);
  for (size_t i = 0; i < source.size(); ++i) {
    query.Check();
    const storage::Columns columns = source.Read(i, query.scratch);
    if (columns.times.empty()) continue;
    const SeriesLabels labels = source.labels(i);
    MatrixSeries series{labels.drop_name() ? labels.WithoutMetadata().Build() : labels.Build(), {}};
    size_t samples = 0;
    if (source.range().edges == Edges::kPlain) {
      samples = AddSamples(columns, series);
    } else {
      series.samples = ExtendedSamples(columns, source.range());
      samples = series.samples.size();
    }
    if (samples == 0) continue;
    held.Add(samples);
    const auto counted = static_cast<int64_t>(samples);
    if (source.reads_samples()) query.scope().AddAt(query.steps.start, counted, counted);
    out.push_back(std::move(series));
  }
  SortByLabels(query, out);
  JoinEqual(out);
  return out;
}

}  // namespace canopy::promql
