#pragma once

#include <string>
#include <vector>

#include "canopy/config/config.h"
#include "canopy/discovery/discovery.h"

namespace canopy::notify {

// The alerts endpoints of the Alertmanagers in these groups, in their order.
struct Endpoints {
  std::vector<std::string> active;   // each once
  std::vector<std::string> dropped;  // by relabelling; as they were before it
};

// A target that relabelling leaves without a usable address is logged and left out.
// Source: prometheus 3.14 notifier.AlertmanagerFromGroup.
Endpoints FindEndpoints(const config::AlertmanagerConfig& config,
                        const std::vector<discovery::TargetGroup>& groups);

}  // namespace canopy::notify
