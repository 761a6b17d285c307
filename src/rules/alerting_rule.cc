#include "rules/alerting_rule.h"

#include "canopy/base/log.h"
#include "rules/generator_url.h"

namespace canopy::rules {

namespace {

AlertPolicy PolicyOf(const GroupSpec& group, const RuleSpec& spec) {
  return {spec.hold, spec.keep_firing_for, group.limit};
}

TemplateQuery TemplateQueryOf(const RuleEnv& env) {
  return [&env](std::string_view expr, Timestamp at) -> Result<std::vector<TemplateSample>> {
    promql::QueryOptions options;
    options.cancel = &env.cancel;
    options.origin = env.origin;
    CANOPY_ASSIGN_OR_RETURN(auto result, env.engine.Instant(env.store, expr, at, options));
    CANOPY_ASSIGN_OR_RETURN(promql::Vector vector, AsVector(std::move(result.value)));
    std::vector<TemplateSample> samples;
    samples.reserve(vector.size());
    for (promql::VectorSample& s : vector) {
      samples.push_back({std::move(s.labels), s.sample.value});
    }
    return samples;
  };
}

}  // namespace

AlertingRule::AlertingRule(const GroupSpec& group, const RuleSpec& spec,
                           const promql::Features& features, bool restored)
    : Rule(spec, features),
      policy_(PolicyOf(group, spec)),
      external_labels_(group.external_labels),
      external_url_(group.external_url),
      generator_url_(group.external_url + TableLink(spec.expr)),
      labels_(Prepare(spec.name, spec.labels)),
      annotations_(Prepare(spec.name, spec.annotations)),
      restored_(restored) {}

std::vector<AlertingRule::Text> AlertingRule::Prepare(const std::string& alert,
                                                      const model::Annotations& texts) {
  std::vector<Text> prepared;
  for (const auto& [name, text] : texts) {
    Text& out = prepared.emplace_back();
    out.name = name;
    if (text.find("{{") == std::string::npos) {
      out.constant = text;
    } else {
      out.parsed = ParseAlertTemplate(alert, text);
    }
  }
  return prepared;
}

Result<std::vector<RuleRow>> AlertingRule::Eval(const RuleEnv& env, const RuleTime& when) {
  CANOPY_ASSIGN_OR_RETURN(const promql::Vector vector, Query(env, when.data()));
  std::vector<AlertInput> inputs = Expand(env, vector, when.slot);
  const MutexLock lock(mu_);
  CANOPY_RETURN_IF_ERROR(alerts_.Step(when.slot, std::move(inputs), policy_));
  return restored_ ? Rows() : std::vector<RuleRow>();
}

std::vector<AlertInput> AlertingRule::Expand(const RuleEnv& env, const promql::Vector& vector,
                                             Timestamp at) const {
  TemplateData data;
  data.external_labels = external_labels_;
  data.external_url = external_url_;
  data.now = at;
  data.query = TemplateQueryOf(env);
  std::vector<AlertInput> inputs;
  inputs.reserve(vector.size());
  model::LabelsBuilder builder;
  for (const promql::VectorSample& sample : vector) {
    data.labels = sample.labels;
    data.value = sample.sample.value;
    AlertInput& input = inputs.emplace_back();
    input.value = sample.sample.value;
    builder.Reset(sample.labels);
    builder.Del(model::kMetricName);
    for (const Text& text : labels_) builder.Set(text.name, ExpandText(env, text, data));
    builder.Set(model::kAlertName, spec_.name);
    input.labels = builder.Build();
    for (const Text& text : annotations_) {
      input.annotations.emplace_back(text.name, ExpandText(env, text, data));
    }
  }
  return inputs;
}

std::string AlertingRule::ExpandText(const RuleEnv& env, const Text& text,
                                     const TemplateData& data) const {
  if (!text.parsed) return text.constant;
  env.metrics.template_expansions.Add();
  std::string out = ExpandOrExplain(*text.parsed, data);
  if (out.starts_with("<error expanding template: ")) {
    env.metrics.template_failures.Add();
    LOG_WARN("Expanding alert template failed", {"alert", spec_.name}, {"name", text.name},
             {"err", out}, {"labels", data.labels.ToString()});
  }
  return out;
}

std::vector<RuleRow> AlertingRule::Rows() const {
  std::vector<RuleRow> rows;
  model::LabelsBuilder builder;
  for (const auto& [labels, alert] : alerts_.alerts()) {
    if (!alert.active()) continue;
    builder.Reset(labels);
    builder.Set(model::kMetricName, kForStateMetric);
    RuleRow for_state{builder.Build(), static_cast<double>(alert.active_at.ms() / 1000)};
    builder.Set(model::kMetricName, kAlertsMetric);
    builder.Set(kAlertStateLabel, AlertStateText(alert.state));
    rows.push_back({builder.Build(), 1});
    rows.push_back(std::move(for_state));
  }
  return rows;
}

std::vector<model::Alert> AlertingRule::TakeDueAlerts(Timestamp now, Duration resend_delay,
                                                      Duration validity) {
  const MutexLock lock(mu_);
  return alerts_.TakeDue(now, resend_delay, validity, generator_url_);
}

void AlertingRule::CopyState(const Rule& from) {
  AlertSet alerts;
  bool was_restored = false;
  {
    const auto& other = static_cast<const AlertingRule&>(from);
    const MutexLock lock(other.mu_);
    alerts = other.alerts_;
    was_restored = other.restored_;
  }
  const MutexLock lock(mu_);
  alerts_ = std::move(alerts);
  restored_ = was_restored;
}

bool AlertingRule::restored() const {
  const MutexLock lock(mu_);
  return restored_;
}

void AlertingRule::SetRestored() {
  const MutexLock lock(mu_);
  restored_ = true;
}

void AlertingRule::RestoreActiveAt(
    const std::function<std::optional<Timestamp>(const model::Labels&)>& active_at) {
  const MutexLock lock(mu_);
  std::vector<std::pair<model::Labels, Timestamp>> found;
  for (const auto& [labels, alert] : alerts_.alerts()) {
    if (const auto at = active_at(labels)) found.emplace_back(labels, *at);
  }
  for (const auto& [labels, at] : found) alerts_.SetActiveAt(labels, at);
  restored_ = true;
}

void AlertingRule::FillSnapshot(RuleSnapshot& out) const {
  out.state = evaluated() ? alerts_.state() : AlertState::kUnknown;
  for (const auto& [labels, alert] : alerts_.alerts()) {
    if (!alert.active()) continue;
    ActiveAlert& shown = out.alerts.emplace_back();
    shown.labels = labels;
    shown.annotations = alert.annotations;
    shown.state = alert.state;
    shown.active_at = alert.active_at;
    shown.keep_firing_since = alert.keep_firing_since;
    shown.value = alert.value;
  }
}

}  // namespace canopy::rules
