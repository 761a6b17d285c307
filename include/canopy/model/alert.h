#pragma once

#include <string>
#include <utility>
#include <vector>

#include "canopy/base/time.h"
#include "canopy/model/labels.h"

namespace canopy::model {

// Names and texts, sorted by name. Unlike labels they may be empty.
using Annotations = std::vector<std::pair<std::string, std::string>>;

// One alert as Alertmanager is told of it: what rules hand to notify. Identified by its labels.
struct Alert {
  Labels labels;
  Annotations annotations;
  Timestamp starts_at;  // since when it fires
  // When it ended, if `resolved`; else when Alertmanager may take it for ended unless it is told
  // of it again.
  Timestamp ends_at;
  bool resolved = false;
  std::string generator_url;  // the page that shows the alert's expression

  friend bool operator==(const Alert&, const Alert&) = default;
};

}  // namespace canopy::model
