#include "label_index.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "canopy/base/check.h"
#include "canopy/base/hash.h"

namespace canopy::tsdb {

using model::Symbol;

LabelIndex::LabelIndex(SymbolTable& symbols, Graveyard& graveyard)
    : symbols_(symbols), graveyard_(graveyard) {}
LabelIndex::~LabelIndex() = default;

size_t LabelIndex::NamesHash::operator()(std::span<const Symbol> names) const {
  return base::SeededHash({reinterpret_cast<const char*>(names.data()), names.size_bytes()});
}

bool LabelIndex::NamesEqual::operator()(const std::unique_ptr<NameSet>& a,
                                        std::span<const Symbol> b) const {
  return std::ranges::equal(a->names, b);
}

NameSet* LabelIndex::FindNames(std::span<const Symbol> names) const {
  const auto it = name_sets_.find(names);
  return it == name_sets_.end() ? nullptr : it->get();
}

NameSet* LabelIndex::InternNames(std::span<const Symbol> names) {
  if (NameSet* const known = FindNames(names)) return known;
  auto set = std::make_unique<NameSet>();
  set->names.assign(names.begin(), names.end());
  for (const Symbol name : names) symbols_.AddUse(name);
  return name_sets_.insert(std::move(set)).first->get();
}

SeriesLabels* LabelIndex::NewLabels(std::span<const Symbol> names, std::span<const Symbol> values) {
  CANOPY_CHECK(names.size() == values.size());
  const size_t bytes = offsetof(SeriesLabels, values) + values.size() * sizeof(Symbol);
  auto* const labels =
      static_cast<SeriesLabels*>(std::malloc(std::max(bytes, sizeof(SeriesLabels))));
  if (labels == nullptr) throw std::bad_alloc();
  labels->names = InternNames(names);
  ++labels->names->series;
  std::ranges::copy(values, labels->values);
  for (const Symbol value : values) symbols_.AddUse(value);
  return labels;
}

void LabelIndex::DropLabels(SeriesLabels* labels) {
  for (size_t i = 0; i < labels->size(); ++i) symbols_.DropUse(labels->values[i]);
  NameSet* const names = labels->names;
  graveyard_.BuryBlock(labels);
  if (--names->series > 0) return;
  for (const Symbol name : names->names) symbols_.DropUse(name);
  auto node = name_sets_.extract(name_sets_.find(std::span<const Symbol>(names->names)));
  graveyard_.Bury([](void* set, uint64_t) { delete static_cast<NameSet*>(set); },
                  node.value().release(), 0);
}

PostingList& LabelIndex::ListOf(model::SymbolPair pair, size_t i) {
  if (i == places_.size()) places_.emplace_back();
  Place& place = places_[i];
  if (place.list != nullptr && place.pair == pair) return *place.list;
  if (place.label == nullptr || place.pair.name != pair.name) {
    const auto [it, is_new] = labels_.try_emplace(pair.name, version_);
    if (is_new) std::ranges::fill(places_, Place());
    place.label = &it->second;
  }
  place.pair = pair;
  const auto [it, is_new] = place.label->values.try_emplace(pair.value);
  if (is_new) {
    place.label->history.Add(pair.value);
    for (Place& other : places_)
      if (other.label == place.label) other.list = nullptr;
  }
  place.list = &it->second;
  return *place.list;
}

void LabelIndex::Add(Slot slot, const SeriesLabels& labels) {
  size_t i = 0;
  for (const model::SymbolPair pair : labels.pairs()) ListOf(pair, i++).Add(slot);
  labels.names->members.add(slot);
  all_.add(slot);
  ++version_;
}

void LabelIndex::Remove(Slot slot, const SeriesLabels& labels) {
  places_.clear();
  for (const model::SymbolPair pair : labels.pairs()) {
    const auto label = labels_.find(pair.name);
    auto& values = label->second.values;
    const auto list = values.find(pair.value);
    list->second.Remove(slot);
    if (!list->second.empty()) continue;
    values.erase(list);
    label->second.history.Remove(version_);
    if (values.empty()) labels_.erase(label);
  }
  labels.names->members.remove(slot);
  all_.remove(slot);
  ++version_;
}

const LabelIndex::Label* LabelIndex::FindLabel(Symbol name) const {
  const auto it = labels_.find(name);
  return it == labels_.end() ? nullptr : &it->second;
}

const PostingList* LabelIndex::Find(Symbol name, Symbol value) const {
  const Label* const label = FindLabel(name);
  if (label == nullptr) return nullptr;
  const auto it = label->values.find(value);
  return it == label->values.end() ? nullptr : &it->second;
}

Roaring LabelIndex::WithName(Symbol name) const {
  std::vector<const Roaring*> parts;
  for (const auto& set : name_sets_)
    if (std::ranges::find(set->names, name) != set->names.end()) parts.push_back(&set->members);
  return parts.empty() ? Roaring() : Roaring::fastunion(parts.size(), parts.data());
}

}  // namespace canopy::tsdb
