#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/mutex.h"
#include "canopy/rules/manager.h"
#include "rules/group_spec.h"
#include "rules/rule.h"
#include "rules/rule_metrics.h"
#include "rules/rule_series.h"

namespace canopy::rules {

// What groups work with; borrowed from the manager, which outlives them.
struct GroupEnv {
  const Clock& clock;
  storage::Appender& appender;
  SelfMetrics& metrics;
  const SendAlerts& send;
  const ManagerOptions& options;
  RuleEnv rule;
};

// A group that runs: evaluates its rules in order, stores what they make, and says of series that
// are no longer made that they have ended. Evaluate() and CopyState() are called by one thread at
// a time; the rest is thread-safe.
class Group {
 public:
  // A group that is not `restored` reads the state of its alerts back from the store after its
  // second evaluation: before, scrapes and other rules may not have caught up.
  Group(const GroupEnv& env, GroupSpec spec, bool restored);

  const GroupSpec& spec() const { return spec_; }
  GroupMetrics& metrics() { return metrics_; }

  void Evaluate(Timestamp slot);
  // No further rule is begun.
  void Stop() { stopped_ = true; }

  // Takes over what rules of the same identity know; what others have written is ended at the next
  // evaluation. `from` does not run any more.
  void CopyState(const Group& from);
  // The series that the rules wrote last, for a group that is gone.
  std::vector<SeriesRef> WrittenSeries() const;

  GroupSnapshot Snapshot() const;

 private:
  struct Slot {
    std::unique_ptr<Rule> rule;
    RuleSeries written;
  };

  size_t EvaluateRule(Slot& slot, const RuleTime& when);
  Status Store(Slot& slot, const std::vector<RuleRow>& rows, Timestamp at);
  void EndStale(Timestamp at);
  void Restore();
  Duration SendValidity() const;

  // Constant after construction.
  const GroupEnv& env_;
  const GroupSpec spec_;
  GroupMetrics metrics_;

  // Used by the evaluating thread alone.
  std::vector<Slot> rules_;  // the vector itself never changes
  std::vector<SeriesRef> stale_;
  bool restored_;
  int evaluations_ = 0;

  std::atomic<bool> stopped_{false};

  mutable Mutex mu_;
  double evaluation_seconds_ CANOPY_GUARDED_BY(mu_) = 0;
  std::optional<Timestamp> last_evaluation_ CANOPY_GUARDED_BY(mu_);
};

}  // namespace canopy::rules
