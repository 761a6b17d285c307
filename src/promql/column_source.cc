#include "column_source.h"

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

void FindWindows(std::span<const int64_t> times, const LookAt& look, int64_t range_ms,
                 Windows& out) {
  const size_t steps = look.steps.count;
  out.begin.resize(steps);
  out.end.resize(steps);
  out.extrapolation.clear();
  out.samples = 0;
  out.largest = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
  const auto n = static_cast<uint32_t>(times.size());
  for (size_t i = 0; i < steps; ++i) {
    const int64_t until = look.at(i);
    const int64_t after = until - range_ms;
    while (end < n && times[end] <= until) ++end;
    while (begin < end && times[begin] <= after) ++begin;
    out.begin[i] = begin;
    out.end[i] = end;
    out.samples += end - begin;
    out.largest = std::max(out.largest, end - begin);
  }
}

}  // namespace canopy::promql
