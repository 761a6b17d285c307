#include "column_source.h"

#include <algorithm>

namespace canopy::promql {

LookAt Resolve(const Query& query, const TimeModifiers& modifiers, const Steps& steps) {
  LookAt out;
  out.steps = steps;
  out.offset = OrFail(OffsetOf(modifiers, query.times)).count();
  switch (modifiers.at) {
    case AtKind::kNone:
      return out;
    case AtKind::kTimestamp:
      out.fixed_time = modifiers.at_time.ms();
      break;
    case AtKind::kStart:
      out.fixed_time = query.steps.start;
      break;
    case AtKind::kEnd:
      out.fixed_time = query.end_ms;
      break;
  }
  out.fixed = true;
  out.fixed_time -= out.offset;
  return out;
}

void CountWindows(const ReadScope& scope, const ColumnSource& source, const Windows& windows) {
  const bool reads = source.reads_samples();
  if (!scope.by_step()) return scope.Add(windows.samples, reads ? windows.fresh : 0);
  for (size_t s = 0; s < windows.begin.size(); ++s) {
    scope.AddAt(source.look().steps.at(s), windows.after_seen(s) - windows.first_seen(s),
                reads ? windows.Fresh(s) : 0);
  }
}

namespace {

void FindPlainWindows(std::span<const int64_t> times, const LookAt& look, int64_t range_ms,
                      Windows& out) {
  uint32_t begin = 0;
  uint32_t end = 0;
  const auto n = static_cast<uint32_t>(times.size());
  for (size_t i = 0; i < look.steps.count; ++i) {
    const int64_t until = look.at(i);
    const int64_t after = until - range_ms;
    while (end < n && times[end] <= until) ++end;
    while (begin < end && times[begin] <= after) ++begin;
    out.begin[i] = begin;
    out.end[i] = end;
    out.samples += end - begin;
    out.fresh += out.Fresh(i);
    out.largest = std::max(out.largest, end - begin);
  }
}

void FindExtendedWindows(std::span<const int64_t> times, const RangeOfSteps& range, Windows& out) {
  const size_t steps = range.look.steps.count;
  const bool smoothed = range.edges == Edges::kSmoothed;
  const int64_t ahead = smoothed ? range.lookback_ms : 0;
  const auto n = static_cast<uint32_t>(times.size());
  out.seen_begin.resize(steps);
  out.seen_end.resize(steps);
  uint32_t seen_begin = 0;
  uint32_t seen_end = 0;
  uint32_t within = 0;  // the first behind the range's start
  uint32_t at_end = 0;  // the first that is not before its end
  for (size_t i = 0; i < steps; ++i) {
    const int64_t until = range.look.at(i);
    const int64_t after = until - range.range_ms;
    while (seen_end < n && times[seen_end] <= until + ahead) ++seen_end;
    while (seen_begin < seen_end && times[seen_begin] <= after - range.lookback_ms) ++seen_begin;
    while (within < n && times[within] <= after) ++within;
    while (at_end < n && times[at_end] < until) ++at_end;
    uint32_t begin = std::min(within, seen_end);
    if (begin > seen_begin) --begin;
    uint32_t end = smoothed && at_end < seen_end ? at_end + 1 : seen_end;
    // Nothing happened in the range, or nothing was there yet. A point in time has no within.
    const bool nothing_within = range.range_ms > 0 && end > begin && times[end - 1] <= after;
    if (nothing_within || (end > begin && times[begin] > until)) end = begin;
    out.begin[i] = begin;
    out.end[i] = end;
    out.seen_begin[i] = seen_begin;
    out.seen_end[i] = seen_end;
    out.samples += seen_end - seen_begin;
    out.fresh += out.Fresh(i);
    out.largest = std::max(out.largest, seen_end - seen_begin);
  }
}

}  // namespace

void FindWindows(std::span<const int64_t> times, const RangeOfSteps& range, Windows& out) {
  out.begin.resize(range.look.steps.count);
  out.end.resize(range.look.steps.count);
  out.extrapolation.clear();
  out.samples = 0;
  out.fresh = 0;
  out.largest = 0;
  if (range.edges == Edges::kPlain) {
    FindPlainWindows(times, range.look, range.range_ms, out);
  } else {
    FindExtendedWindows(times, range, out);
  }
}

}  // namespace canopy::promql
