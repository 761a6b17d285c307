#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/model/labels.h"
#include "canopy/model/symbols.h"

namespace canopy::promql {

// The labels that say what a metric is: its name, and with type-and-unit-labels its type and unit.
// What changes values in a way that makes it another metric drops them.
bool IsMetadataLabel(std::string_view name);

// Labels of one series within an evaluation: those of a stored series, or built ones; perhaps
// without the metadata. A view: valid while the source that it came from lives.
class SeriesLabels {
 public:
  explicit SeriesLabels(model::SeriesLabelsView stored)
      : symbols_(&stored.symbols()), pairs_(stored.pairs()) {}
  explicit SeriesLabels(const model::Labels& built) : built_(&built) {}

  // What is not shown of the labels that say what the metric is.
  enum class Hidden : uint8_t { kNothing, kName, kMetadata };

  // The same without metadata labels, or without the name alone.
  SeriesLabels WithoutMetadata() const { return Hiding(Hidden::kMetadata); }
  SeriesLabels WithoutName() const { return Hiding(std::max(hidden_, Hidden::kName)); }
  // The same, to lose its metadata when the whole query is done (delayed name removal).
  SeriesLabels WithDropName(bool drop) const {
    SeriesLabels out = *this;
    out.drop_name_ = drop;
    return out;
  }

  bool drop_name() const { return drop_name_; }
  Hidden hidden() const { return hidden_; }
  // Null for built labels.
  const model::SymbolSource* symbols() const { return symbols_; }
  model::SymbolPairs pairs() const { return pairs_; }

  // "" when there is none.
  std::string_view Get(std::string_view name) const;
  model::Labels Build() const;

  // Calls fn(name, value), sorted by name.
  template <class Fn>
  void ForEach(Fn fn) const {
    const auto visit = [&](std::string_view name, std::string_view value) {
      if (!Hides(name)) fn(name, value);
    };
    if (built_) {
      for (const model::LabelView label : *built_) visit(label.name, label.value);
    } else {
      for (const model::SymbolPair pair : pairs_)
        visit(symbols_->Lookup(pair.name), symbols_->Lookup(pair.value));
    }
  }

 private:
  SeriesLabels Hiding(Hidden hidden) const {
    SeriesLabels out = *this;
    out.hidden_ = hidden;
    return out;
  }
  bool Hides(std::string_view name) const {
    if (hidden_ == Hidden::kNothing) return false;
    return hidden_ == Hidden::kName ? name == model::kMetricName : IsMetadataLabel(name);
  }

  const model::Labels* built_ = nullptr;
  const model::SymbolSource* symbols_ = nullptr;
  model::SymbolPairs pairs_;
  Hidden hidden_ = Hidden::kNothing;
  bool drop_name_ = false;
};

// Text that two sets of labels share exactly when they are equal.
void AppendLabelKey(std::string& key, std::string_view name, std::string_view value);
std::string LabelsKey(const SeriesLabels& labels);

// {__name__="up", job="a"}: as messages show series, the name like any other label.
std::string InBraces(const SeriesLabels& labels);

}  // namespace canopy::promql
