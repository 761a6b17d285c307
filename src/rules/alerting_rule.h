#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "canopy/rules/template.h"
#include "rules/alert_set.h"
#include "rules/rule.h"

namespace canopy::rules {

inline constexpr std::string_view kAlertsMetric = "ALERTS";
inline constexpr std::string_view kForStateMetric = "ALERTS_FOR_STATE";
inline constexpr std::string_view kAlertStateLabel = "alertstate";

// An alert: expression -> templates -> AlertSet -> ALERTS and ALERTS_FOR_STATE.
class AlertingRule : public Rule {
 public:
  // A rule that is not `restored` keeps its series to itself until the state of an earlier process
  // has been read back from them: it would overwrite it.
  AlertingRule(const GroupSpec& group, const RuleSpec& spec, const promql::Features& features,
               bool restored);

  Result<std::vector<RuleRow>> Eval(const RuleEnv& env, const RuleTime& when) override;
  std::vector<model::Alert> TakeDueAlerts(Timestamp now, Duration resend_delay,
                                          Duration validity) override;
  void CopyState(const Rule& from) override;

  bool restored() const;
  void SetRestored();
  // Calls `active_at(labels)` for every alert and puts in force what it returns.
  void RestoreActiveAt(
      const std::function<std::optional<Timestamp>(const model::Labels&)>& active_at);

 private:
  // A text that is the same for all alerts, or a template.
  struct Text {
    std::string name;
    std::string constant;
    std::optional<Result<Template>> parsed;
  };

  static std::vector<Text> Prepare(const std::string& alert, const model::Annotations& texts);
  std::vector<AlertInput> Expand(const RuleEnv& env, const promql::Vector& vector,
                                 Timestamp at) const;
  std::string ExpandText(const RuleEnv& env, const Text& text, const TemplateData& data) const;
  std::vector<RuleRow> Rows() const CANOPY_REQUIRES(mu_);
  void FillSnapshot(RuleSnapshot& out) const override CANOPY_REQUIRES(mu_);

  // Constant after construction.
  const AlertPolicy policy_;
  const model::Labels external_labels_;
  const std::string external_url_;
  const std::string generator_url_;
  const std::vector<Text> labels_;
  const std::vector<Text> annotations_;

  AlertSet alerts_ CANOPY_GUARDED_BY(mu_);
  bool restored_ CANOPY_GUARDED_BY(mu_);
};

}  // namespace canopy::rules
