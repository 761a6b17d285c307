#include "grouping.h"

#include <algorithm>
#include <limits>

namespace canopy::promql {
namespace {

// Stands for the value of a label that a series does not have.
constexpr model::Symbol kNoValue = std::numeric_limits<model::Symbol>::max();

void AppendSymbol(std::string& key, model::Symbol symbol) {
  key.append(reinterpret_cast<const char*>(&symbol), sizeof(symbol));
}

std::vector<std::string> Sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

Grouping::Grouping(std::vector<std::string> names, GroupBy by)
    : names_(Sorted(std::move(names))),
      without_(by != GroupBy::kNamed),
      keeps_name_(by == GroupBy::kOthersAndName) {}

size_t Grouping::GroupOf(const SeriesLabels& labels) {
  if (!without_ && names_.empty()) return labels_.empty() ? FindOrAdd(labels) : 0;
  const bool hides = labels.hidden() != SeriesLabels::Hidden::kNothing;
  // Built labels are few, and those without metadata differ from what their symbols say.
  if (labels.symbols() == nullptr ||
      (hides && !without_ && std::any_of(names_.begin(), names_.end(), IsMetadataLabel)))
    return FindOrAdd(labels);
  SymbolIndex& index = IndexOf(labels.symbols());
  if (const auto value = OnlyValue(index, labels)) {
    const auto [it, fresh] = index.group_of_value.try_emplace(*value);
    if (fresh) it->second = FindOrAdd(labels);
    return it->second;
  }
  SymbolKey(index, labels, key_);
  if (const auto it = index.group_of_key.find(key_); it != index.group_of_key.end())
    return it->second;
  return index.group_of_key[key_] = FindOrAdd(labels);
}

Grouping::SymbolIndex& Grouping::IndexOf(const model::SymbolSource* source) {
  for (SymbolIndex& index : indexes_)
    if (index.source == source) return index;
  SymbolIndex index{source, {}, source->Find(model::kMetricName), {}, {}};
  for (const std::string& name : names_)
    if (const auto symbol = source->Find(name)) index.names.push_back(*symbol);
  return indexes_.emplace_back(std::move(index));
}

// The symbol of the one label that is grouped by, where there is one.
std::optional<model::Symbol> Grouping::OnlyValue(const SymbolIndex& index,
                                                 const SeriesLabels& labels) const {
  if (without_ || names_.size() != 1) return std::nullopt;
  if (index.names.empty()) return kNoValue;
  for (const model::SymbolPair pair : labels.pairs())
    if (pair.name == index.names[0]) return pair.value;
  return kNoValue;
}

void Grouping::SymbolKey(const SymbolIndex& index, const SeriesLabels& labels,
                         std::string& key) const {
  key.clear();
  const auto grouped = [&](model::Symbol name) {
    return std::find(index.names.begin(), index.names.end(), name) != index.names.end();
  };
  const bool drops_name = without_ && !keeps_name_;
  for (const model::SymbolPair pair : labels.pairs()) {
    if (grouped(pair.name) == without_ || (drops_name && pair.name == index.metric_name)) continue;
    AppendSymbol(key, pair.name);
    AppendSymbol(key, pair.value);
  }
  if (labels.hidden() != SeriesLabels::Hidden::kNothing)
    key += labels.hidden() == SeriesLabels::Hidden::kName ? 'n' : 'm';
}

bool Grouping::Keeps(std::string_view name) const {
  const bool named = std::binary_search(names_.begin(), names_.end(), name);
  return without_ ? !named && (keeps_name_ || name != model::kMetricName) : named;
}

size_t Grouping::FindOrAdd(const SeriesLabels& labels) {
  std::vector<model::LabelView> kept;
  labels.ForEach([&](std::string_view name, std::string_view value) {
    if (Keeps(name)) kept.push_back({name, value});
  });
  const auto [it, fresh] =
      group_of_labels_.try_emplace(model::Labels::FromSorted(kept), labels_.size());
  if (fresh) labels_.push_back(it->first);
  return it->second;
}

}  // namespace canopy::promql
