#include "symbol_table.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "canopy/base/check.h"
#include "canopy/base/hash.h"

namespace canopy::tsdb {

using model::Symbol;

size_t SymbolTable::TextHash::operator()(std::string_view text) const {
  return base::SeededHash(text);
}

SymbolTable::SymbolTable() : mu_(LockRank::kLeaf), by_text_(0, TextHash{this}, TextEqual{this}) {}

SymbolTable::~SymbolTable() {
  for (Symbol symbol = 0; symbol < next_; ++symbol) std::free(At(symbol).text);
  for (std::atomic<Entry*>& page : pages_) delete[] page.load();
}

std::optional<Symbol> SymbolTable::Find(std::string_view text) const {
  const ReaderLock lock(mu_);
  return FindForWriter(text);
}

std::optional<Symbol> SymbolTable::FindForWriter(std::string_view text) const {
  const auto it = by_text_.find(text);
  // One without use is about to go: it must not be found by a reader that outlives it.
  if (it == by_text_.end() || At(*it).uses == 0) return std::nullopt;
  return *it;
}

Symbol SymbolTable::NewNumber() {
  if (!free_.empty()) {
    const Symbol symbol = free_.back();
    free_.pop_back();
    return symbol;
  }
  const size_t page = next_ >> kPageBits;
  CANOPY_CHECK(page < kMaxPages);
  if (pages_[page].load(std::memory_order_relaxed) == nullptr) {
    pages_[page].store(new Entry[kPageSize], std::memory_order_release);
    bytes_.fetch_add(kPageSize * sizeof(Entry), std::memory_order_relaxed);
  }
  return next_++;
}

Symbol SymbolTable::Intern(std::string_view text) {
  if (const auto it = by_text_.find(text); it != by_text_.end()) return *it;
  const Symbol symbol = NewNumber();
  Entry& entry = At(symbol);
  entry.text = static_cast<char*>(std::malloc(text.size() + 1));
  if (entry.text == nullptr) throw std::bad_alloc();
  std::memcpy(entry.text, text.data(), text.size());
  entry.size = static_cast<uint32_t>(text.size());
  bytes_.fetch_add(text.size(), std::memory_order_relaxed);
  const WriterLock lock(mu_);
  by_text_.insert(symbol);
  ListUnused(symbol);
  return symbol;
}

void SymbolTable::ListUnused(Symbol symbol) {
  if (std::exchange(At(symbol).unused, true)) return;
  unused_.push_back(symbol);
}

void SymbolTable::Sweep(Graveyard& graveyard) {
  for (const Symbol symbol : unused_) {
    if (At(symbol).uses != 0) {
      At(symbol).unused = false;
      continue;
    }
    graveyard.Bury(
        [](void* table, uint64_t what) {
          static_cast<SymbolTable*>(table)->Free(static_cast<Symbol>(what));
        },
        this, symbol);
  }
  unused_.clear();
}

void SymbolTable::Free(Symbol symbol) {
  Entry& entry = At(symbol);
  entry.unused = false;
  if (entry.uses != 0) return;  // it has come into use again
  {
    const WriterLock lock(mu_);
    by_text_.erase(symbol);
  }
  bytes_.fetch_sub(entry.size, std::memory_order_relaxed);
  std::free(entry.text);
  entry.text = nullptr;
  entry.size = 0;
  free_.push_back(symbol);
}

size_t SymbolTable::size() const {
  const ReaderLock lock(mu_);
  return by_text_.size();
}

}  // namespace canopy::tsdb
