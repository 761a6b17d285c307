#include "annotations.h"

#include <algorithm>
#include <cstdio>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/base/time.h"

namespace canopy::promql {
namespace {

constexpr std::string_view kWarningPrefix = "PromQL warning: ";
constexpr std::string_view kInfoPrefix = "PromQL info: ";

// Go's %g.
std::string ShortestG(double v) {
  std::string out;
  base::AppendFloatShortest(out, v);
  return out;
}

// Go's %.2g: as C has it.
std::string TwoDigits(double v) {
  char buffer[40];
  std::snprintf(buffer, sizeof(buffer), "%.2g", v);
  return buffer;
}

std::string WithMetric(std::string text, std::string_view metric) {
  if (metric.empty()) return text;
  return text + " for metric name " + base::Quoted(metric);
}

// "line:column", both from 1.
std::string PositionText(std::string_view query, uint32_t at) {
  const std::string_view before = query.substr(0, at);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t column = newline == before.npos ? at : at - newline - 1;
  return std::to_string(lines + 1) + ":" + std::to_string(column + 1);
}

std::string SecondsRfc3339(int64_t ms) {
  return FormatRfc3339(Timestamp::FromMs(ms / 1000 * 1000));
}

}  // namespace

void Annotations::Add(Kind kind, std::string text, PositionRange pos) {
  text.insert(0, kind == Kind::kWarning ? kWarningPrefix : kInfoPrefix);
  MutexLock lock(mu_);
  Note& note = notes_[std::move(text)];
  note.kind = kind;
  note.pos = pos;
}

void Annotations::InvalidQuantile(double q, PositionRange pos) {
  Add(Kind::kWarning, "quantile value should be between 0 and 1, got " + ShortestG(q), pos);
}

void Annotations::InvalidRatio(double ratio, double capped, PositionRange pos) {
  Add(Kind::kWarning,
      "ratio value should be between -1 and 1, got " + ShortestG(ratio) + ", capping to " +
          ShortestG(capped),
      pos);
}

void Annotations::BadBucketLabel(std::string_view metric, std::string_view label,
                                 PositionRange pos) {
  Add(Kind::kWarning,
      WithMetric(
          "bucket label \"le\" is missing or has a malformed value of " + base::Quoted(label),
          metric),
      pos);
}

void Annotations::SortInRangeQuery(PositionRange pos) {
  Add(Kind::kWarning,
      "sort is ineffective for range queries since results are always ordered by labels", pos);
}

void Annotations::PossibleNonCounter(std::string_view metric, PositionRange pos) {
  Add(Kind::kInfo,
      "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
          base::Quoted(metric),
      pos);
}

void Annotations::PossibleNonCounterLabel(std::string_view metric, std::string_view type,
                                          PositionRange pos) {
  Add(Kind::kInfo,
      "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", "
      "got " +
          base::Quoted(type) + ": " + base::Quoted(metric),
      pos);
}

void Annotations::MixedFloatsHistograms(std::string_view metric, PositionRange pos) {
  Add(Kind::kWarning,
      "encountered a mix of histograms and floats for metric name " + base::Quoted(metric), pos);
}

void Annotations::MixedFloatsHistogramsInAggregation(PositionRange pos) {
  Add(Kind::kWarning, "encountered a mix of histograms and floats for aggregation", pos);
}

void Annotations::MixedClassicNativeHistograms(std::string_view metric, PositionRange pos) {
  Add(Kind::kWarning, WithMetric("vector contains a mix of classic and native histograms", metric),
      pos);
}

void Annotations::HistogramIgnoredInAggregation(std::string_view aggregation, PositionRange pos) {
  Add(Kind::kInfo, "ignored histogram in " + std::string(aggregation) + " aggregation", pos);
}

void Annotations::HistogramIgnoredInMixedRange(std::string_view metric, PositionRange pos) {
  Add(Kind::kInfo,
      "ignored histograms in a range containing both floats and histograms for metric name " +
          base::Quoted(metric),
      pos);
}

void Annotations::IncompatibleTypes(std::string_view lhs, std::string_view op, std::string_view rhs,
                                    PositionRange pos) {
  std::string text = "incompatible sample types encountered for binary operator ";
  text.append(base::Quoted(op)).append(": ").append(lhs).append(" ").append(op);
  Add(Kind::kInfo, text.append(" ").append(rhs), pos);
}

void Annotations::MixedExponentialCustomHistograms(std::string_view metric, PositionRange pos) {
  Add(Kind::kWarning,
      "vector contains a mix of histograms with exponential and custom buckets schemas for metric "
      "name " +
          base::Quoted(metric),
      pos);
}

void Annotations::IncompatibleBucketLayout(std::string_view op, PositionRange pos) {
  Add(Kind::kWarning,
      "incompatible bucket layout encountered for binary operator " + std::string(op), pos);
}

void Annotations::HistogramNotCounter(std::string_view metric, PositionRange pos) {
  Add(Kind::kWarning, "this native histogram metric is not a counter: " + base::Quoted(metric),
      pos);
}

void Annotations::HistogramNotGauge(std::string_view metric, PositionRange pos) {
  Add(Kind::kWarning, "this native histogram metric is not a gauge: " + base::Quoted(metric), pos);
}

void Annotations::CounterResetCollision(std::string_view operation, PositionRange pos) {
  Add(Kind::kWarning, "conflicting counter resets during histogram " + std::string(operation), pos);
}

void Annotations::MismatchedCustomBuckets(std::string_view operation, PositionRange pos) {
  Add(Kind::kInfo, "mismatched custom buckets were reconciled during " + std::string(operation),
      pos);
}

void Annotations::QuantileIsNan(std::string_view metric, PositionRange pos) {
  Add(Kind::kInfo,
      WithMetric("input to histogram_quantile has NaN observations, result is NaN", metric), pos);
}

void Annotations::QuantileIsSkewed(std::string_view metric, PositionRange pos) {
  Add(Kind::kInfo,
      WithMetric("input to histogram_quantile has NaN observations, result is skewed higher",
                 metric),
      pos);
}

void Annotations::FractionWithoutNans(std::string_view metric, PositionRange pos) {
  Add(Kind::kInfo,
      WithMetric("input to histogram_fraction has NaN observations, which are excluded from all "
                 "fractions",
                 metric),
      pos);
}

void Annotations::StartTimeOverlap(std::string_view metric, PositionRange pos) {
  std::string text(kWarningPrefix);
  text += "sample has start time that overlaps with previous sample timestamp for metric ";
  text += base::Quoted(metric);
  MutexLock lock(mu_);
  Note& note = notes_[std::move(text)];
  note.kind = Kind::kWarning;
  note.pos = pos;
  ++note.count;
}

void Annotations::ForcedMonotonic(std::string_view metric, PositionRange pos, int64_t time_ms,
                                  const ForcedMonotonicity& what) {
  std::string text = WithMetric(
      std::string(kInfoPrefix) +
          "input to histogram_quantile needed to be fixed for monotonicity (see "
          "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
      metric);
  MutexLock lock(mu_);
  const auto [it, fresh] = notes_.try_emplace(std::move(text));
  Note& note = it->second;
  if (fresh) {
    note = {Kind::kInfo, pos, true, what, time_ms, time_ms, 1};
    return;
  }
  note.pos = pos;
  note.forced.min_bucket = std::min(note.forced.min_bucket, what.min_bucket);
  note.forced.max_bucket = std::max(note.forced.max_bucket, what.max_bucket);
  note.forced.max_diff = std::max(note.forced.max_diff, what.max_diff);
  note.min_time = std::min(note.min_time, time_ms);
  note.max_time = std::max(note.max_time, time_ms);
  ++note.count;
}

void Annotations::Clear() {
  MutexLock lock(mu_);
  notes_.clear();
}

std::vector<std::string> Annotations::Render(Kind kind, std::string_view query) const {
  std::vector<std::string> out;
  MutexLock lock(mu_);
  for (const auto& [text, note] : notes_) {
    if (note.kind != kind) continue;
    std::string line = text;
    if (note.is_forced) {
      line += ", from buckets " + ShortestG(note.forced.min_bucket) + " to " +
              ShortestG(note.forced.max_bucket) + ", with a max diff of " +
              TwoDigits(note.forced.max_diff) + ", over " + std::to_string(note.count) +
              " samples from " + SecondsRfc3339(note.min_time) + " to " +
              SecondsRfc3339(note.max_time);
    } else if (note.count > 1) {
      line += " (" + std::to_string(note.count) + " occurrences)";
    }
    out.push_back(line + " (" + PositionText(query, note.pos.start) + ")");
  }
  return out;
}

std::vector<std::string> Annotations::Warnings(std::string_view query) const {
  return Render(Kind::kWarning, query);
}

std::vector<std::string> Annotations::Infos(std::string_view query) const {
  return Render(Kind::kInfo, query);
}

}  // namespace canopy::promql
