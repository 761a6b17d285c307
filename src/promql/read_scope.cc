#include "read_scope.h"

#include <algorithm>

namespace canopy::promql {

void ReadCounts::Clear() {
  total = 0;
  read = 0;
  std::fill(total_per_step.begin(), total_per_step.end(), 0);
  std::fill(read_per_step.begin(), read_per_step.end(), 0);
}

ReadScope::ReadScope(ReadCounts& counts, const Steps& steps)
    : kind_(Kind::kRoot),
      counts_(&counts),
      steps_(steps),
      by_step_(!counts.total_per_step.empty()) {}

ReadScope::ReadScope(Kind kind, const ReadScope& parent, const Steps& steps)
    : kind_(kind),
      counts_(parent.counts_),
      parent_(&parent),
      steps_(steps),
      repeat_(parent.repeat_),
      by_step_(parent.by_step_) {}

ReadScope ReadScope::Invariant(const ReadScope& parent, const Steps& steps) {
  ReadScope out(Kind::kInvariant, parent, steps);
  out.repeat_ *= static_cast<int64_t>(steps.count);
  return out;
}

ReadScope ReadScope::InSubquery(const ReadScope& parent, const Steps& steps, int64_t offset_ms,
                                int64_t range_ms, bool result) {
  ReadScope out(Kind::kSubquery, parent, steps);
  out.offset_ms_ = offset_ms;
  out.range_ms_ = range_ms;
  if (!result) out.repeat_ = 0;
  // Windows with gaps between them: what lies in a gap is seen by none.
  out.by_step_ |= steps.count > 1 && range_ms < steps.interval;
  return out;
}

void ReadScope::Add(int64_t samples, int64_t fresh) const {
  counts_->total.fetch_add(samples * repeat_, std::memory_order_relaxed);
  counts_->read.fetch_add(fresh, std::memory_order_relaxed);
}

bool ReadScope::ToParent(int64_t& time_ms) const {
  if (kind_ == Kind::kInvariant || steps_.count == 1) {
    time_ms = steps_.start;
    return true;
  }
  const int64_t seen = time_ms + offset_ms_;
  int64_t step = 0;
  if (seen > steps_.start) step = (seen - steps_.start + steps_.interval - 1) / steps_.interval;
  step = std::min(step, static_cast<int64_t>(steps_.count) - 1);
  time_ms = steps_.at(static_cast<size_t>(step));
  return seen > time_ms - range_ms_;
}

void ReadScope::AddAt(int64_t time_ms, int64_t samples, int64_t fresh) const {
  counts_->total.fetch_add(samples * repeat_, std::memory_order_relaxed);
  int64_t time = time_ms;
  const ReadScope* scope = this;
  bool seen = true;
  for (; seen && scope->kind_ != Kind::kRoot; scope = scope->parent_) seen = scope->ToParent(time);
  if (seen) counts_->read.fetch_add(fresh, std::memory_order_relaxed);
  if (counts_->total_per_step.empty()) return;
  while (scope->kind_ != Kind::kRoot) scope = scope->parent_;
  const Steps& steps = scope->steps_;
  const auto place = [&](int64_t t) {
    return static_cast<size_t>(std::clamp<int64_t>((t - steps.start) / steps.interval, 0,
                                                   static_cast<int64_t>(steps.count) - 1));
  };
  if (seen) counts_->read_per_step[place(time)] += fresh;
  if (kind_ == Kind::kInvariant && parent_->kind_ == Kind::kRoot) {
    for (int64_t& total : counts_->total_per_step) total += samples;
  } else if (repeat_ > 0) {
    counts_->total_per_step[place(time)] += samples * repeat_;
  }
}

}  // namespace canopy::promql
