#pragma once

#include <memory>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/mutex.h"
#include "canopy/base/status.h"
#include "canopy/promql/ast.h"
#include "canopy/promql/engine.h"
#include "canopy/rules/snapshot.h"
#include "rules/alert_set.h"
#include "rules/group_spec.h"
#include "rules/rule_metrics.h"
#include "rules/rule_row.h"

namespace canopy::rules {

// What an evaluation of a rule works with.
struct RuleEnv {
  storage::Queryable& store;
  promql::Engine& engine;
  const promql::CancelToken& cancel;
  const RuleMetrics& metrics;
  promql::QueryOrigin origin = {};  // filled in by the group
};

// When it takes place: at the group's slot, over data of `offset` before it.
struct RuleTime {
  Timestamp slot;
  Duration offset{0};
  Timestamp data() const { return slot - offset; }
};

// One rule of a group that runs. Evaluated by one thread at a time; what it shows may be asked for
// from any thread.
class Rule {
 public:
  virtual ~Rule() = default;
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;

  const RuleSpec& spec() const { return spec_; }
  // The samples to be stored at when.data().
  virtual Result<std::vector<RuleRow>> Eval(const RuleEnv& env, const RuleTime& when) = 0;
  // The alerts that are to be sent on, those of the last Eval.
  virtual std::vector<model::Alert> TakeDueAlerts(Timestamp, Duration, Duration) { return {}; }
  // Takes over the state of a rule of the same identity that does not run any more.
  virtual void CopyState(const Rule&) {}

  void SetOutcome(const Status& status);
  void SetEvaluated(Timestamp at, double seconds);
  double evaluation_seconds() const;
  RuleSnapshot Snapshot() const;

 protected:
  explicit Rule(const RuleSpec& spec, const promql::Features& features);

  // The expression's value as a vector; a scalar is one sample without labels.
  Result<promql::Vector> Query(const RuleEnv& env, Timestamp at) const;
  bool evaluated() const CANOPY_REQUIRES(mu_) { return last_evaluation_.has_value(); }
  virtual void FillSnapshot(RuleSnapshot&) const CANOPY_REQUIRES(mu_) {}

  // Constant after construction.
  const RuleSpec spec_;
  const promql::ExprPtr expr_;

  mutable Mutex mu_;

 private:
  RuleHealth health_ CANOPY_GUARDED_BY(mu_) = RuleHealth::kUnknown;
  std::string last_error_ CANOPY_GUARDED_BY(mu_);
  double evaluation_seconds_ CANOPY_GUARDED_BY(mu_) = 0;
  std::optional<Timestamp> last_evaluation_ CANOPY_GUARDED_BY(mu_);
};

// An instant query's value as a vector; kExecution when it is neither that nor a scalar.
Result<promql::Vector> AsVector(promql::Value value);

class AlertingRule;
// Null for a recording rule.
AlertingRule* AsAlerting(Rule& rule);

std::unique_ptr<Rule> MakeRule(const GroupSpec& group, const RuleSpec& spec,
                               const promql::Features& features, bool restored);

}  // namespace canopy::rules
