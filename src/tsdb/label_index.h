#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <roaring/roaring.hh>
#include <span>
#include <vector>

#include "canopy/model/symbols.h"
#include "graveyard.h"
#include "posting_list.h"
#include "symbol_table.h"

namespace canopy::tsdb {

// The label names that some series have in common, sorted as texts. There are few such sets.
struct NameSet {
  std::vector<model::Symbol> names;
  uint32_t series = 0;
  Roaring members;
};

// The labels of one series: its names, and the values side by side. From malloc().
struct SeriesLabels {
  NameSet* names;
  model::Symbol values[1];

  size_t size() const { return names->names.size(); }
  model::SymbolPairs pairs() const { return {names->names, std::span(values, size())}; }
};

// Which series have which labels. For the head's writer; const methods for whoever holds its lock.
class LabelIndex {
 public:
  using Values = absl::flat_hash_map<model::Symbol, PostingList>;

  LabelIndex(SymbolTable& symbols, Graveyard& graveyard);
  ~LabelIndex();

  // A new block for SeriesLabels, uses of its symbols counted. REQUIRES: as many values as names.
  SeriesLabels* NewLabels(std::span<const model::Symbol> names,
                          std::span<const model::Symbol> values);
  // Buries the block.
  void DropLabels(SeriesLabels* labels);

  // REQUIRES: labels outlive their slot here.
  void Add(Slot slot, const SeriesLabels& labels);
  void Remove(Slot slot, const SeriesLabels& labels);

  // The set with just these names, if some series has it.
  NameSet* FindNames(std::span<const model::Symbol> names) const;
  // Null: no series has such a label.
  const PostingList* Find(model::Symbol name, model::Symbol value) const;
  const Values* ValuesOf(model::Symbol name) const;
  // Series that have the label at all.
  Roaring WithName(model::Symbol name) const;
  const Roaring& all() const { return all_; }

  const absl::flat_hash_map<model::Symbol, Values>& names() const { return values_; }
  const SymbolTable& symbols() const { return symbols_; }

 private:
  struct NamesHash {
    using is_transparent = void;
    size_t operator()(std::span<const model::Symbol> names) const;
    size_t operator()(const std::unique_ptr<NameSet>& set) const { return (*this)(set->names); }
  };
  struct NamesEqual {
    using is_transparent = void;
    bool operator()(const std::unique_ptr<NameSet>& a, const std::unique_ptr<NameSet>& b) const {
      return a == b;
    }
    bool operator()(const std::unique_ptr<NameSet>& a, std::span<const model::Symbol> b) const;
  };

  NameSet* InternNames(std::span<const model::Symbol> names);

  SymbolTable& symbols_;
  Graveyard& graveyard_;
  absl::flat_hash_map<model::Symbol, Values> values_;  // by name
  absl::flat_hash_set<std::unique_ptr<NameSet>, NamesHash, NamesEqual> name_sets_;
  Roaring all_;
};

}  // namespace canopy::tsdb
