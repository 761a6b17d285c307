#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/model/symbols.h"
#include "tsdb/buffered_file.h"
#include "tsdb/index_format.h"
#include "tsdb/index_symbols.h"

namespace canopy::tsdb {

// Writes an index from front to back: all symbols, then all series, then Finish(). What is kept in
// memory are four bytes for each series, and the postings of a few labels at a time; symbols and
// the postings table grow in files beside the index, which are removed again. Not thread-safe.
// After an error the files are of no use.
class IndexWriter {
 public:
  // Replaces the file.
  static Result<std::unique_ptr<IndexWriter>> Create(Fs& fs, std::string path);
  ~IndexWriter();
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;

  // In ascending order; they are numbered from 0. kInvalid when out of order.
  Status AddSymbol(std::string_view text);
  // Series come sorted by labels, the labels sorted by name, chunks by time, and refs of chunks
  // ascend over all series. kInvalid otherwise, and for symbols that were not added.
  Status AddSeries(std::span<const model::SymbolPair> labels, std::span<const ChunkMeta> chunks);
  // Writes the rest and syncs the file; its directory is the caller's to sync.
  Status Finish();

 private:
  // The series that have one label.
  struct Entry {
    model::Symbol name;
    model::Symbol value;
    SeriesId id;
  };

  IndexWriter(Fs& fs, BufferedFile file, BufferedFile symbols)
      : fs_(fs), file_(std::move(file)), aside_(std::move(symbols)) {}

  Status CheckSeries(std::span<const model::SymbolPair> labels,
                     std::span<const ChunkMeta> chunks) const;
  Status FinishSymbols();
  Status WritePostings();
  // What series have of these names, which are sorted, read from the index as it is now.
  std::vector<Entry> UsesOf(std::span<const model::Symbol> names, const MappedFile& index) const;
  Status WriteLabelPostings(std::span<const model::Symbol> names, const MappedFile& index,
                            const IndexSymbols& symbols);
  Status WriteList(std::string_view name, std::string_view value, std::span<const Entry> entries);
  // Moves a file that grew beside the index into it, behind a length and `count`.
  Status MoveIn(BufferedFile& aside, uint32_t count);

  Fs& fs_;
  BufferedFile file_;
  BufferedFile aside_;  // of symbols, later of the postings table
  IndexToc toc_;
  bool symbols_done_ = false;
  uint32_t symbol_count_ = 0;
  std::string last_symbol_;
  std::vector<SeriesId> ids_;
  std::vector<model::SymbolPair> last_labels_;
  uint64_t last_ref_ = 0;
  absl::flat_hash_map<model::Symbol, uint32_t> name_uses_;
  uint32_t lists_ = 0;
  std::string scratch_;
};

}  // namespace canopy::tsdb
