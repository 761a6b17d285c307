#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/alert.h"
#include "canopy/model/labels.h"
#include "canopy/promql/features.h"
#include "canopy/rules/snapshot.h"
#include "canopy/storage/appender.h"
#include "canopy/storage/queryable.h"

namespace canopy::config {
struct RuleFile;
}
namespace canopy::promql {
class Engine;
}

namespace canopy::rules {

// Takes alerts that fire or have ended, to bring them to Alertmanager. Called from evaluation
// threads, without locks held; must not block for long.
using SendAlerts = std::function<void(std::vector<model::Alert>)>;

struct ManagerOptions {
  Duration for_outage_tolerance = std::chrono::hours(1);
  Duration for_grace_period = std::chrono::minutes(10);
  Duration resend_delay = std::chrono::minutes(1);
  // Groups evaluated at the same time, each on a thread; the rules of a group run in order.
  int max_concurrent_evals = 4;
};

// What a configuration says about rules, all files read.
struct RuleSet {
  std::vector<config::RuleFile> files;
  Duration evaluation_interval = std::chrono::minutes(1);  // for groups without their own
  Duration query_offset{0};                                // for groups without their own
  model::Labels external_labels;                           // for templates
  std::string external_url;                                // for templates and generator URLs

  RuleSet();
  ~RuleSet();
  RuleSet(RuleSet&&) noexcept;
  RuleSet& operator=(RuleSet&&) noexcept;
};

// Evaluates rule groups: each at its interval, at an offset of its own. One timer thread hands
// groups that are due to a few workers. Thread-safe.
class Manager {
 public:
  // All borrowed: they outlive the manager.
  struct Deps {
    const Clock& clock;
    storage::Appender& appender;
    storage::Queryable& queryable;
    promql::Engine& engine;
    SelfMetrics& metrics;
    SendAlerts send;
  };

  Manager(Deps deps, ManagerOptions options);
  // Stops.
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // Puts the rules in force. Groups that did not change go on undisturbed; a group that changed
  // keeps the state of those of its rules whose name and labels are the same; series of rules that
  // went away get a staleness marker. On error (a rule that does not parse) nothing changes.
  Status Update(const RuleSet& rules);

  // Starts the timer and the workers: once the store holds what it held before, so that alerts
  // are restored. Before Start(), groups are known and shown, but not evaluated.
  void Start();
  // Running queries end as canceled, groups between two rules; nothing starts any more. Idempotent.
  void Stop();

  // Evaluates on this thread every group that is due by the clock, and says when the next one
  // will be (Timestamp::Max() without groups). What the timer does; tests without Start() turn
  // their clock and call it.
  Timestamp RunDue();

  // By file, then by name.
  std::vector<GroupSnapshot> Groups() const;
  // Pending and firing alerts of all groups, in the order of Groups().
  std::vector<ActiveAlert> Alerts() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

// All that is wrong in rule files whose form is right: expressions and templates that do not parse.
// One entry a problem, "FILE:LINE: group \"G\", rule 1, \"NAME\": ...".
std::vector<std::string> CheckRuleFiles(const std::vector<config::RuleFile>& files,
                                        const promql::Features& features = {});

// Not errors, but hardly meant: rules with the same name and labels, expressions that are no vector
// and no scalar. One entry a remark, "FILE:LINE: ...".
std::vector<std::string> LintRuleFiles(const std::vector<config::RuleFile>& files);

}  // namespace canopy::rules
