#pragma once

#include <algorithm>
#include <vector>

#include "canopy/model/labels.h"

namespace canopy::federation {

// What series get that lack it, sorted by name: external labels, and an empty instance.
inline std::vector<model::LabelView> MissingLabels(const model::Labels& external) {
  std::vector<model::LabelView> extras(external.begin(), external.end());
  if (!external.Has(model::kInstance)) {
    const auto at = std::ranges::lower_bound(extras, model::kInstance, {}, &model::LabelView::name);
    extras.insert(at, {model::kInstance, ""});
  }
  return extras;
}

}  // namespace canopy::federation
