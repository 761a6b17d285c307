#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "canopy/model/labels.h"
#include "series_labels.h"

namespace canopy::promql {

// Labels that series are grouped by: those that are named; or all others, but the metric's name;
// or all others.
enum class GroupBy : uint8_t { kNamed, kOthers, kOthersAndName };

// Which group of by(...) or without(...) a series belongs to. Asked once per series; groups are
// numbered as they appear. Labels of stored series are compared as symbols: their text is only
// looked at when a group is new.
class Grouping {
 public:
  Grouping(std::vector<std::string> names, GroupBy by);
  Grouping(std::vector<std::string> names, bool without)
      : Grouping(std::move(names), without ? GroupBy::kOthers : GroupBy::kNamed) {}

  size_t GroupOf(const SeriesLabels& labels);
  size_t size() const { return labels_.size(); }
  // Of the result: those that are grouped by.
  const model::Labels& labels(size_t group) const { return labels_[group]; }

 private:
  // What is known about the symbols of one store.
  struct SymbolIndex {
    const model::SymbolSource* source;
    std::vector<model::Symbol> names;  // of names_; those that the store lacks are left out
    std::optional<model::Symbol> metric_name;
    absl::flat_hash_map<model::Symbol, size_t> group_of_value;  // with by() and one name
    absl::flat_hash_map<std::string, size_t> group_of_key;
  };

  SymbolIndex& IndexOf(const model::SymbolSource* source);
  std::optional<model::Symbol> OnlyValue(const SymbolIndex& index,
                                         const SeriesLabels& labels) const;
  void SymbolKey(const SymbolIndex& index, const SeriesLabels& labels, std::string& key) const;
  // By text; a new group when there is none.
  size_t FindOrAdd(const SeriesLabels& labels);
  bool Keeps(std::string_view name) const;

  const std::vector<std::string> names_;  // sorted
  const bool without_;
  const bool keeps_name_;  // of what is grouped without
  std::vector<SymbolIndex> indexes_;
  absl::flat_hash_map<model::Labels, size_t> group_of_labels_;
  std::vector<model::Labels> labels_;
  std::string key_;
};

}  // namespace canopy::promql
