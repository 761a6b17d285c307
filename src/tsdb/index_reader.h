#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/model/symbols.h"
#include "tsdb/index_format.h"
#include "tsdb/index_symbols.h"
#include "tsdb/postings_view.h"

namespace canopy::tsdb {

// An index, mapped. In memory are one offset for each 32 symbols, and of each 32nd value of a label
// the place in the postings table. The bytes may be hostile: whatever is wrong is kCorrupt with the
// offset, and nothing is read outside of the file. Immutable; thread-safe. Views and strings that
// it returns live as long as it does.
class IndexReader {
 public:
  // Checks symbols and postings table from end to end; series and lists are checked as they are
  // read. kUnsupported for another version of the format.
  static Result<std::unique_ptr<IndexReader>> Open(Fs& fs, std::string path);

  const IndexSymbols& symbols() const { return *symbols_; }
  const IndexToc& toc() const { return toc_; }
  std::string_view bytes() const { return file_->bytes(); }
  const std::string& path() const { return path_; }

  // Appends to `labels`, and to `chunks` unless it is null; ones that do not overlap with
  // [mint, maxt] are left out. kNotFound when there can be no such series.
  Status ReadSeries(SeriesId id, std::vector<model::SymbolPair>& labels,
                    std::vector<ChunkMeta>* chunks, int64_t mint = INT64_MIN,
                    int64_t maxt = INT64_MAX) const;

  // All series.
  Result<PostingsView> AllPostings() const;
  // Empty when no series has this label.
  Result<PostingsView> Postings(std::string_view name, std::string_view value) const;
  // The list at an offset of the postings table.
  Result<PostingsView> ListAt(uint64_t offset) const;

  // Sorted.
  std::vector<std::string_view> LabelNames() const;
  // An upper bound, no further off than 32.
  size_t ValueCount(std::string_view name) const;
  // Calls fn(value, offset of its list) for each value of the label from `from` on, in order, until
  // it is false.
  using ValueFn = std::function<bool(std::string_view value, uint64_t list)>;
  void ForEachValue(std::string_view name, std::string_view from, const ValueFn& fn) const;

 private:
  struct Entry {
    std::string_view name;
    std::string_view value;
    uint64_t list;
  };
  // Places in the table: of the first value, of each 32nd after it, and behind the last.
  struct Values {
    std::vector<uint32_t> samples;
    uint32_t end = 0;
  };

  IndexReader(std::string path, std::unique_ptr<MappedFile> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  Status ReadHeader();
  Status ReadTable();
  // REQUIRES: the place of an entry.
  Entry EntryAt(uint32_t place, uint32_t& next) const;

  const std::string path_;
  const std::unique_ptr<MappedFile> file_;
  IndexToc toc_;
  std::optional<IndexSymbols> symbols_;
  std::string_view table_;
  uint64_t all_postings_ = 0;  // 0: the index has no series
  std::map<std::string_view, Values> values_;
};

}  // namespace canopy::tsdb
