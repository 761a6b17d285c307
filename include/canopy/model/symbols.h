#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "canopy/model/labels.h"

// Label names and values as small numbers. A store keeps each string once and gives it a number; a
// series is numbers. Queries group and match by number and look at strings only for what they
// return.

namespace canopy::model {

using Symbol = uint32_t;

// A store's strings. Const methods are thread-safe; views stay valid while the querier that handed
// the source out lives.
class SymbolSource {
 public:
  virtual ~SymbolSource() = default;
  virtual std::string_view Lookup(Symbol symbol) const = 0;
  // None when no series of the store has the string.
  virtual std::optional<Symbol> Find(std::string_view text) const = 0;
};

struct SymbolPair {
  Symbol name;
  Symbol value;
  friend bool operator==(const SymbolPair&, const SymbolPair&) = default;
};

// The labels of one stored series, sorted by name. A view: valid while the series set lives.
class SeriesLabelsView {
 public:
  SeriesLabelsView(const SymbolSource& symbols, std::span<const SymbolPair> pairs)
      : symbols_(&symbols), pairs_(pairs) {}

  const SymbolSource& symbols() const { return *symbols_; }
  std::span<const SymbolPair> pairs() const { return pairs_; }
  // "" when there is no such label.
  std::string_view Get(std::string_view name) const;
  Labels ToLabels() const;

 private:
  const SymbolSource* symbols_;
  std::span<const SymbolPair> pairs_;
};

}  // namespace canopy::model
