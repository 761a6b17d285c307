#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "canopy/base/bytes.h"
#include "canopy/base/status.h"
#include "canopy/model/symbols.h"

namespace canopy::tsdb {

// The symbol table of an index, in place: one offset is kept for each 32 strings. Symbols are
// numbers in the order of the strings. Immutable; thread-safe.
class IndexSymbols final : public model::SymbolSource {
 public:
  // `file` is the index from its beginning, and must outlive this. Checks the checksum, the order
  // and every length.
  static Result<IndexSymbols> Open(std::string_view file, uint64_t offset);

  uint32_t size() const { return size_; }
  // Whether number 0 is the empty string.
  bool has_empty() const { return has_empty_; }
  // REQUIRES: symbol < size().
  std::string_view Lookup(model::Symbol symbol) const override;
  std::optional<model::Symbol> Find(std::string_view text) const override;

  // Walks over all symbols in order. The table's strings, not the table, must outlive it.
  class Cursor {
   public:
    explicit Cursor(const IndexSymbols& symbols) : rest_(symbols.strings_), left_(symbols.size_) {
      if (left_ > 0) text_ = rest_.String();
    }
    bool done() const { return left_ == 0; }
    // REQUIRES of both: !done().
    std::string_view text() const { return text_; }
    void Next() {
      if (--left_ > 0) text_ = rest_.String();
    }

   private:
    base::ByteReader rest_;
    uint32_t left_;
    std::string_view text_;
  };

 private:
  IndexSymbols() = default;

  std::string_view strings_;
  std::vector<uint32_t> offsets_;  // within strings_, of each 32nd
  uint32_t size_ = 0;
  bool has_empty_ = false;
};

}  // namespace canopy::tsdb
