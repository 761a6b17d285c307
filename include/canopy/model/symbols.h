#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

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

// The names and values of one series' labels, side by side or in arrays of their own: a store may
// keep the names once for all series that have the same. A view.
class SymbolPairs {
 public:
  class Iterator {
   public:
    using value_type = SymbolPair;
    using reference = SymbolPair;
    using pointer = void;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    Iterator() = default;
    Iterator(const Symbol* name, const Symbol* value, size_t stride)
        : name_(name), value_(value), stride_(stride) {}
    SymbolPair operator*() const { return {*name_, *value_}; }
    Iterator& operator++() {
      name_ += stride_;
      value_ += stride_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator old = *this;
      ++*this;
      return old;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.value_ == b.value_; }

   private:
    const Symbol* name_ = nullptr;
    const Symbol* value_ = nullptr;
    size_t stride_ = 1;
  };

  SymbolPairs() = default;
  SymbolPairs(std::span<const SymbolPair> pairs)  // NOLINT: implicit on purpose
      : size_(pairs.size()), stride_(2) {
    static_assert(sizeof(SymbolPair) == 2 * sizeof(Symbol));
    if (pairs.empty()) return;
    names_ = &pairs.front().name;
    values_ = &pairs.front().value;
  }
  SymbolPairs(const std::vector<SymbolPair>& pairs)  // NOLINT: implicit on purpose
      : SymbolPairs(std::span<const SymbolPair>(pairs)) {}
  // REQUIRES: as many names as values.
  SymbolPairs(std::span<const Symbol> names, std::span<const Symbol> values)
      : names_(names.data()), values_(values.data()), size_(names.size()) {}

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  SymbolPair operator[](size_t i) const { return {names_[i * stride_], values_[i * stride_]}; }
  Iterator begin() const { return {names_, values_, stride_}; }
  Iterator end() const { return {names_ + size_ * stride_, values_ + size_ * stride_, stride_}; }

 private:
  const Symbol* names_ = nullptr;
  const Symbol* values_ = nullptr;
  size_t size_ = 0;
  size_t stride_ = 1;
};

// The labels of one stored series, sorted by name. A view: valid while the series set lives.
class SeriesLabelsView {
 public:
  SeriesLabelsView(const SymbolSource& symbols, SymbolPairs pairs)
      : symbols_(&symbols), pairs_(pairs) {}

  const SymbolSource& symbols() const { return *symbols_; }
  SymbolPairs pairs() const { return pairs_; }
  // "" when there is no such label.
  std::string_view Get(std::string_view name) const;
  Labels ToLabels() const;

 private:
  const SymbolSource* symbols_;
  SymbolPairs pairs_;
};

}  // namespace canopy::model
