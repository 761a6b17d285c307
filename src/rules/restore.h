#pragma once

#include <optional>

#include "canopy/base/time.h"
#include "canopy/storage/queryable.h"

// The state of alerts over a restart: since when a pending alert is active stands in the series
// ALERTS_FOR_STATE.

namespace canopy::rules {

class AlertingRule;

struct RestoreLimits {
  Duration outage_tolerance{0};  // older state is not believed
  Duration grace_period{0};      // no alert fires sooner than this after the restoration
};

// Since when an alert counts as active that was active since `active_at` at `down_at`, the last
// time somebody looked. Time in which nobody looked counts neither as active nor as quiet. Pure.
Timestamp RestoredActiveAt(Timestamp active_at, Timestamp down_at, Timestamp now, Duration hold,
                           Duration grace_period);

// Gives the rule's alerts what the store knows of them; from then on the rule writes its series.
// A store that cannot be read is logged, and the alerts begin anew.
void RestoreForState(AlertingRule& rule, storage::Queryable& store, Timestamp now,
                     const RestoreLimits& limits);

}  // namespace canopy::rules
