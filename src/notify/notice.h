#pragma once

#include <memory>
#include <string>

#include "canopy/base/time.h"
#include "canopy/model/alert.h"

namespace canopy::notify {

// One alert on its way to one Alertmanager, ready to be sent.
struct Notice {
  std::string alert;  // its labels as text, which identify it: `{alertname="Hot", room="a"}`
  bool resolved = false;
  Timestamp ends_at;
  // The object that is posted; what goes to many Alertmanagers is there once.
  std::shared_ptr<const std::string> json;
};

Notice MakeNotice(const model::Alert& alert);

// How long after its end an alert's end is worth telling: as long as rules tell it.
inline constexpr Duration kResolvedRetention = std::chrono::minutes(15);

}  // namespace canopy::notify
