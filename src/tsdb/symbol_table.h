#pragma once

#include <absl/container/flat_hash_set.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/model/symbols.h"
#include "graveyard.h"

namespace canopy::tsdb {

// The head's strings, each once, with a count of its uses. A string that has lost its last use is
// kept until Sweep(), and its number until no reader can hold it.
// Lookup and Find are for everyone at any time; the rest is for the head's writer.
class SymbolTable final : public model::SymbolSource {
 public:
  SymbolTable();
  ~SymbolTable() override;
  SymbolTable(const SymbolTable&) = delete;
  SymbolTable& operator=(const SymbolTable&) = delete;

  std::string_view Lookup(model::Symbol symbol) const override {
    const Entry& entry = At(symbol);
    return {entry.text, entry.size};
  }
  std::optional<model::Symbol> Find(std::string_view text) const override;
  // What Lookup() reads, and, when that is there, the text.
  void Prefetch(model::Symbol symbol) const { __builtin_prefetch(&At(symbol)); }
  void PrefetchText(model::Symbol symbol) const { __builtin_prefetch(At(symbol).text); }
  // Calls fn(item, text) for each item of a range, `symbol_of(item)` being its symbol. The texts
  // lie all over the memory: those of some items are on their way while others are looked at.
  template <class Range, class SymbolOf, class Fn>
  void ForEachText(const Range& items, SymbolOf symbol_of, Fn fn) const;

  // As Find, for the writer itself, without a lock.
  std::optional<model::Symbol> FindForWriter(std::string_view text) const;
  // Adds the text when it is not there, and no use.
  model::Symbol Intern(std::string_view text);
  void AddUse(model::Symbol symbol) { ++At(symbol).uses; }
  void DropUse(model::Symbol symbol) {
    if (--At(symbol).uses == 0) ListUnused(symbol);
  }
  // Frees what is without use, as soon as no reader can see it.
  void Sweep(Graveyard& graveyard);

  size_t size() const;
  // Of the strings and the table.
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    char* text = nullptr;
    uint32_t size = 0;
    std::atomic<uint32_t> uses{0};
    bool unused = false;  // listed in unused_, or buried
  };
  // Entries never move: readers look at them without a lock.
  static constexpr size_t kPageBits = 14;
  static constexpr size_t kPageSize = size_t{1} << kPageBits;
  static constexpr size_t kMaxPages = size_t{1} << 14;

  struct TextHash {
    using is_transparent = void;
    const SymbolTable* table;
    size_t operator()(std::string_view text) const;
    size_t operator()(model::Symbol symbol) const { return (*this)(table->Lookup(symbol)); }
  };
  struct TextEqual {
    using is_transparent = void;
    const SymbolTable* table;
    bool operator()(model::Symbol a, model::Symbol b) const { return a == b; }
    bool operator()(model::Symbol a, std::string_view b) const { return table->Lookup(a) == b; }
    bool operator()(std::string_view a, model::Symbol b) const { return table->Lookup(b) == a; }
  };

  Entry& At(model::Symbol symbol) const {
    return pages_[symbol >> kPageBits].load(std::memory_order_acquire)[symbol & (kPageSize - 1)];
  }
  model::Symbol NewNumber();
  void ListUnused(model::Symbol symbol);
  void Free(model::Symbol symbol);

  std::array<std::atomic<Entry*>, kMaxPages> pages_{};
  std::atomic<size_t> bytes_{0};
  // The writer's.
  model::Symbol next_ = 0;
  std::vector<model::Symbol> free_;
  std::vector<model::Symbol> unused_;  // some of them are in use again

  mutable SharedMutex mu_;
  absl::flat_hash_set<model::Symbol, TextHash, TextEqual> by_text_ CANOPY_GUARDED_BY(mu_);
};

template <class Range, class SymbolOf, class Fn>
void SymbolTable::ForEachText(const Range& items, SymbolOf symbol_of, Fn fn) const {
  constexpr size_t kBatch = 16;
  std::array<decltype(&*items.begin()), kBatch> batch;
  auto next = items.begin();
  while (next != items.end()) {
    size_t size = 0;
    for (; size < kBatch && next != items.end(); ++next) {
      batch[size] = &*next;
      Prefetch(symbol_of(*batch[size++]));
    }
    for (size_t i = 0; i < size; ++i) PrefetchText(symbol_of(*batch[i]));
    for (size_t i = 0; i < size; ++i) fn(*batch[i], Lookup(symbol_of(*batch[i])));
  }
}

}  // namespace canopy::tsdb
