#include "canopy/model/symbols.h"

#include <vector>

namespace canopy::model {

std::string_view SeriesLabelsView::Get(std::string_view name) const {
  for (const SymbolPair pair : pairs_) {
    if (symbols_->Lookup(pair.name) == name) return symbols_->Lookup(pair.value);
  }
  return {};
}

Labels SeriesLabelsView::ToLabels() const {
  std::vector<LabelView> views;
  views.reserve(pairs_.size());
  for (const SymbolPair pair : pairs_) {
    views.push_back({symbols_->Lookup(pair.name), symbols_->Lookup(pair.value)});
  }
  return Labels::FromSorted(views);
}

}  // namespace canopy::model
