#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/alert.h"
#include "canopy/model/labels.h"
#include "canopy/rules/snapshot.h"

// The life of a rule's alerts: pure, without clock, store or templates.
//
//   no alert --result--> pending --hold has passed--> firing --no result--> inactive --> forgotten
//                           |                            ^                     |
//                           '--no result--> forgotten    '--- while within keep_firing_for
//
// An inactive alert is kept, and told of again and again, for some time: Alertmanager may have been
// away when it ended.

namespace canopy::rules {

// How long an alert that has ended is kept.
inline constexpr Duration kResolvedRetention = std::chrono::minutes(15);

struct AlertInstance {
  model::Annotations annotations;
  AlertState state = AlertState::kPending;
  double value = 0;
  Timestamp active_at;
  std::optional<Timestamp> fired_at;
  std::optional<Timestamp> resolved_at;
  std::optional<Timestamp> keep_firing_since;
  std::optional<Timestamp> last_sent_at;

  bool active() const { return state != AlertState::kInactive; }
};

struct AlertPolicy {
  Duration hold{0};
  Duration keep_firing_for{0};
  uint64_t limit = 0;  // 0: none
};

// One element of the expression's result, with its labels and annotations as the rule makes them.
struct AlertInput {
  model::Labels labels;
  model::Annotations annotations;
  double value = 0;
};

// Not thread-safe.
class AlertSet {
 public:
  using Map = std::map<model::Labels, AlertInstance>;

  // One evaluation at `now`. Fails, and then has changed nothing, when two inputs have the same
  // labels; fails and forgets all alerts when more are active than the limit allows.
  Status Step(Timestamp now, std::vector<AlertInput> inputs, const AlertPolicy& policy);

  const Map& alerts() const { return alerts_; }
  // The highest state of all.
  AlertState state() const;
  // Puts back what an earlier process knew: since when this alert is active.
  void SetActiveAt(const model::Labels& labels, Timestamp active_at);

  // The alerts that Alertmanager must be told of: firing or ended, and either news or not told of
  // for `resend_delay`. They count as told from now on; those that fire are valid until
  // now + `validity`.
  std::vector<model::Alert> TakeDue(Timestamp now, Duration resend_delay, Duration validity,
                                    const std::string& generator_url);

 private:
  void StepOne(Timestamp now, AlertInstance& alert, bool in_result, const AlertPolicy& policy);

  Map alerts_;
};

}  // namespace canopy::rules
