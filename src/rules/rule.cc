#include "rules/rule.h"

#include "canopy/base/check.h"
#include "canopy/promql/parser.h"
#include "rules/alerting_rule.h"
#include "rules/recording_rule.h"

namespace canopy::rules {

namespace {

promql::ExprPtr Parsed(const std::string& expr, const promql::Features& features) {
  auto parsed = promql::ParseExpr(expr, features);
  CANOPY_CHECK(parsed.ok());  // it was printed by the parser's own module
  return *std::move(parsed);
}

}  // namespace

Rule::Rule(const RuleSpec& spec, const promql::Features& features)
    : spec_(spec), expr_(Parsed(spec.expr, features)), mu_(LockRank::kRules) {}

Result<promql::Vector> Rule::Query(const RuleEnv& env, Timestamp at) const {
  promql::QueryOptions options;
  options.cancel = &env.cancel;
  options.text = spec_.expr;
  options.origin = env.origin;
  CANOPY_ASSIGN_OR_RETURN(auto result, env.engine.Instant(env.store, *expr_, at, options));
  return AsVector(std::move(result.value));
}

void Rule::SetOutcome(const Status& status) {
  const MutexLock lock(mu_);
  health_ = status.ok() ? RuleHealth::kGood : RuleHealth::kBad;
  last_error_ = status.ok() ? "" : status.message();
}

void Rule::SetEvaluated(Timestamp at, double seconds) {
  const MutexLock lock(mu_);
  last_evaluation_ = at;
  evaluation_seconds_ = seconds;
}

double Rule::evaluation_seconds() const {
  const MutexLock lock(mu_);
  return evaluation_seconds_;
}

RuleSnapshot Rule::Snapshot() const {
  RuleSnapshot out;
  out.kind = spec_.kind;
  out.name = spec_.name;
  out.query = spec_.expr;
  out.labels = spec_.labels;
  out.hold = spec_.hold;
  out.keep_firing_for = spec_.keep_firing_for;
  out.annotations = spec_.annotations;
  const MutexLock lock(mu_);
  out.health = health_;
  out.last_error = last_error_;
  out.evaluation_seconds = evaluation_seconds_;
  out.last_evaluation = last_evaluation_;
  FillSnapshot(out);
  return out;
}

Result<promql::Vector> AsVector(promql::Value value) {
  if (auto* vector = std::get_if<promql::Vector>(&value)) return std::move(*vector);
  if (const auto* scalar = std::get_if<promql::Scalar>(&value)) {
    promql::Vector out(1);
    out[0].sample = {scalar->time, scalar->value};
    return out;
  }
  return Status::Execution("rule result is not a vector or scalar");
}

AlertingRule* AsAlerting(Rule& rule) {
  return rule.spec().kind == RuleKind::kAlerting ? static_cast<AlertingRule*>(&rule) : nullptr;
}

std::unique_ptr<Rule> MakeRule(const GroupSpec& group, const RuleSpec& spec,
                               const promql::Features& features, bool restored) {
  if (spec.kind == RuleKind::kAlerting) {
    return std::make_unique<AlertingRule>(group, spec, features, restored);
  }
  return std::make_unique<RecordingRule>(group, spec, features);
}

}  // namespace canopy::rules
