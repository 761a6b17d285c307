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

// How the values of a label came and went, for what is derived from all of them.
class ValueHistory {
 public:
  explicit ValueHistory(uint64_t version) : removed_at_(version) {}

  // How many have come since there is the label.
  uint64_t added() const { return forgotten_ + recent_.size(); }
  // LabelIndex::version() when one went last; at first when the label came.
  uint64_t removed_at() const { return removed_at_; }
  // Those that came after the first `added`; some of them may have gone again. None: that was too
  // long ago.
  std::optional<std::span<const model::Symbol>> AddedSince(uint64_t added) const {
    if (added < forgotten_) return std::nullopt;
    return std::span(recent_).subspan(added - forgotten_);
  }

  void Add(model::Symbol value) {
    if (recent_.size() == kRecent) {
      forgotten_ += recent_.size();
      recent_.clear();
    }
    recent_.push_back(value);
  }
  void Remove(uint64_t version) { removed_at_ = version; }

 private:
  static constexpr size_t kRecent = 4096;

  std::vector<model::Symbol> recent_;
  uint64_t forgotten_ = 0;
  uint64_t removed_at_;
};

// Which series have which labels. For the head's writer; const methods for whoever holds its lock.
class LabelIndex {
 public:
  struct Label {
    explicit Label(uint64_t version) : history(version) {}

    absl::flat_hash_map<model::Symbol, PostingList> values;
    ValueHistory history;
  };

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
  const Label* FindLabel(model::Symbol name) const;
  // Series that have the label at all.
  Roaring WithName(model::Symbol name) const;
  const Roaring& all() const { return all_; }

  const absl::flat_hash_map<model::Symbol, Label>& labels() const { return labels_; }
  // Another one whenever a series has come or gone.
  uint64_t version() const { return version_; }
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
  // The list of a series' i-th label, for Add().
  PostingList& ListOf(model::SymbolPair pair, size_t i);

  SymbolTable& symbols_;
  Graveyard& graveyard_;
  absl::flat_hash_map<model::Symbol, Label> labels_;  // by name
  absl::flat_hash_set<std::unique_ptr<NameSet>, NamesHash, NamesEqual> name_sets_;
  Roaring all_;
  uint64_t version_ = 0;

  // Series that come one after the other have most labels in common: where those of the last one
  // were found, unless anything has moved since.
  struct Place {
    model::SymbolPair pair;
    Label* label = nullptr;
    PostingList* list = nullptr;
  };
  std::vector<Place> places_;
};

}  // namespace canopy::tsdb
