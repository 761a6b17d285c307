#include "tsdb/index_writer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "canopy/base/bytes.h"
#include "canopy/base/check.h"
#include "canopy/base/crc32c.h"

namespace canopy::tsdb {
namespace {

using model::Symbol;
using model::SymbolPair;

// Postings that are gathered in one walk over the series, unless one label alone has more.
constexpr size_t kEntriesPerWalk = 1 << 16;
// Mapped files are read in pieces of this size, and pages that are done with are given back.
constexpr size_t kPieceBytes = 4 << 20;

bool Before(std::span<const SymbolPair> a, std::span<const SymbolPair> b) {
  return std::ranges::lexicographical_compare(a, b, [](const SymbolPair& x, const SymbolPair& y) {
    return x.name != y.name ? x.name < y.name : x.value < y.value;
  });
}

}  // namespace

IndexWriter::~IndexWriter() = default;

Result<std::unique_ptr<IndexWriter>> IndexWriter::Create(Fs& fs, std::string path) {
  CANOPY_ASSIGN_OR_RETURN(BufferedFile symbols, BufferedFile::Create(fs, path + ".symbols"));
  CANOPY_ASSIGN_OR_RETURN(BufferedFile file, BufferedFile::Create(fs, std::move(path)));
  std::unique_ptr<IndexWriter> out(new IndexWriter(fs, std::move(file), std::move(symbols)));
  out->file_.PutBe32(kIndexMagic);
  out->file_.Append({reinterpret_cast<const char*>(&kIndexVersion), 1});
  out->toc_.symbols = out->file_.pos();
  return out;
}

Status IndexWriter::AddSymbol(std::string_view text) {
  CANOPY_CHECK(!symbols_done_);
  if (symbol_count_ > 0 && text <= last_symbol_)
    return Status::Invalid("symbol \"" + std::string(text) + "\" is out of order");
  last_symbol_ = text;
  ++symbol_count_;
  scratch_.clear();
  base::PutString(scratch_, text);
  aside_.Append(scratch_);
  return {};
}

Status IndexWriter::MoveIn(BufferedFile& aside, uint32_t count) {
  CANOPY_RETURN_IF_ERROR(aside.Flush());
  const uint64_t size = aside.pos() + sizeof count;
  if (size > std::numeric_limits<uint32_t>::max())
    return Status::Limit("a table of the index is larger than 4 GiB").In(file_.path());
  std::string number;
  base::PutBe32(number, count);
  file_.PutBe32(static_cast<uint32_t>(size));
  file_.Append(number);
  uint32_t sum = base::Crc32c(number);
  CANOPY_ASSIGN_OR_RETURN(const auto mapped, fs_.Map(aside.path()));
  for (std::string_view rest = mapped->bytes(); !rest.empty();) {
    const std::string_view piece = rest.substr(0, kPieceBytes);
    rest.remove_prefix(piece.size());
    sum = base::Crc32c(piece, sum);
    file_.Append(piece);
    mapped->Release(piece);
  }
  file_.PutBe32(sum);
  return fs_.Remove(aside.path());
}

Status IndexWriter::FinishSymbols() {
  symbols_done_ = true;
  CANOPY_RETURN_IF_ERROR(MoveIn(aside_, symbol_count_));
  toc_.series = file_.pos();
  return {};
}

Status IndexWriter::CheckSeries(std::span<const SymbolPair> labels,
                                std::span<const ChunkMeta> chunks) const {
  const auto invalid = [&](std::string what) {
    return Status::Invalid(std::move(what)).In("series " + std::to_string(ids_.size()));
  };
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].name >= symbol_count_ || labels[i].value >= symbol_count_)
      return invalid("unknown symbol");
    if (i > 0 && labels[i].name <= labels[i - 1].name) return invalid("labels are out of order");
  }
  if (!ids_.empty() && !Before(last_labels_, labels)) return invalid("series is out of order");
  uint64_t ref = last_ref_;
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (chunks[i].ref < ref) return invalid("reference of a chunk is out of order");
    if (chunks[i].mint > chunks[i].maxt || (i > 0 && chunks[i].mint <= chunks[i - 1].maxt))
      return invalid("times of chunks are out of order");
    ref = chunks[i].ref;
  }
  return {};
}

Status IndexWriter::AddSeries(std::span<const SymbolPair> labels,
                              std::span<const ChunkMeta> chunks) {
  if (!symbols_done_) CANOPY_RETURN_IF_ERROR(FinishSymbols());
  CANOPY_RETURN_IF_ERROR(CheckSeries(labels, chunks));
  std::string& out = scratch_;
  out.clear();
  base::PutUvarint(out, labels.size());
  for (const SymbolPair pair : labels) {
    base::PutUvarint(out, pair.name);
    base::PutUvarint(out, pair.value);
    ++name_uses_[pair.name];
  }
  base::PutUvarint(out, chunks.size());
  for (size_t i = 0; i < chunks.size(); ++i) {
    const ChunkMeta& chunk = chunks[i];
    // Differences of 64 bits that wrap, as in Go.
    const auto difference = [](int64_t a, int64_t b) {
      return static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
    };
    if (i == 0)
      base::PutVarint(out, chunk.mint);
    else
      base::PutUvarint(out, difference(chunk.mint, chunks[i - 1].maxt));
    base::PutUvarint(out, difference(chunk.maxt, chunk.mint));
    if (i == 0)
      base::PutUvarint(out, chunk.ref);
    else
      base::PutVarint(out, static_cast<int64_t>(chunk.ref - last_ref_));
    last_ref_ = chunk.ref;
  }
  file_.PadTo(kSeriesAlign);
  if (file_.pos() >= kMaxIndexBytes) return Status::Limit("index is larger than 64 GiB");
  ids_.push_back(static_cast<SeriesId>(file_.pos() / kSeriesAlign));
  std::string length;
  base::PutUvarint(length, out.size());
  file_.Append(length);
  base::PutBe32(out, base::Crc32c(out));
  file_.Append(out);
  last_labels_.assign(labels.begin(), labels.end());
  return {};
}

Status IndexWriter::WriteList(std::string_view name, std::string_view value,
                              std::span<const Entry> entries) {
  file_.PadTo(kPostingsAlign);
  scratch_.clear();
  base::PutUvarint(scratch_, 2);
  base::PutString(scratch_, name);
  base::PutString(scratch_, value);
  base::PutUvarint(scratch_, file_.pos());
  aside_.Append(scratch_);
  ++lists_;
  scratch_.clear();
  base::PutBe32(scratch_, static_cast<uint32_t>(entries.size()));
  for (const Entry& entry : entries) base::PutBe32(scratch_, entry.id);
  file_.PutBe32(static_cast<uint32_t>(scratch_.size()));
  base::PutBe32(scratch_, base::Crc32c(scratch_));
  file_.Append(scratch_);
  return {};
}

// One walk over the series: their labels of these names, put in order.
std::vector<IndexWriter::Entry> IndexWriter::UsesOf(std::span<const Symbol> names,
                                                    const MappedFile& index) const {
  std::vector<Entry> entries;
  size_t uses = 0;
  for (const Symbol name : names) uses += name_uses_.at(name);
  entries.reserve(uses);
  size_t released = 0;
  for (const SeriesId id : ids_) {
    const size_t place = size_t{id} * kSeriesAlign;
    if (place - released >= kPieceBytes) {
      index.Release(index.bytes().substr(released, place - released));
      released = place;
    }
    base::ByteReader in(index.bytes().substr(place));
    in.Uvarint();  // the length of the record
    for (uint64_t left = in.Uvarint(); left > 0; --left) {
      const auto name = static_cast<Symbol>(in.Uvarint());
      const auto value = static_cast<Symbol>(in.Uvarint());
      if (name > names.back()) break;
      if (std::ranges::binary_search(names, name)) entries.push_back({name, value, id});
    }
  }
  index.Release(index.bytes());
  return entries;
}

Status IndexWriter::WriteLabelPostings(std::span<const Symbol> names, const MappedFile& index,
                                       const IndexSymbols& symbols) {
  std::vector<Entry> entries = UsesOf(names, index);
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    if (a.name != b.name) return a.name < b.name;
    return a.value != b.value ? a.value < b.value : a.id < b.id;
  });
  for (auto first = entries.begin(); first != entries.end();) {
    const auto last = std::find_if(first, entries.end(), [&](const Entry& entry) {
      return entry.name != first->name || entry.value != first->value;
    });
    CANOPY_RETURN_IF_ERROR(
        WriteList(symbols.Lookup(first->name), symbols.Lookup(first->value), {first, last}));
    first = last;
  }
  return {};
}

Status IndexWriter::WritePostings() {
  std::vector<Entry> all;
  all.reserve(ids_.size());
  for (const SeriesId id : ids_) all.push_back({0, 0, id});
  CANOPY_RETURN_IF_ERROR(WriteList("", "", all));
  all = {};

  CANOPY_RETURN_IF_ERROR(file_.Flush());
  CANOPY_ASSIGN_OR_RETURN(const auto mapped, fs_.Map(file_.path()));
  CANOPY_ASSIGN_OR_RETURN(const IndexSymbols symbols,
                          IndexSymbols::Open(mapped->bytes(), toc_.symbols));
  std::vector<Symbol> names;
  for (const auto& [name, uses] : name_uses_) names.push_back(name);
  std::ranges::sort(names);
  // So that there are no more walks than a series has labels.
  const size_t most = std::max(ids_.size(), kEntriesPerWalk);
  for (size_t first = 0; first < names.size();) {
    size_t last = first;
    size_t entries = 0;
    do {
      entries += name_uses_.at(names[last++]);
    } while (last < names.size() && entries + name_uses_.at(names[last]) <= most);
    CANOPY_RETURN_IF_ERROR(
        WriteLabelPostings(std::span(names).subspan(first, last - first), *mapped, symbols));
    mapped->Release(mapped->bytes());
    first = last;
  }
  return {};
}

Status IndexWriter::Finish() {
  if (!symbols_done_) CANOPY_RETURN_IF_ERROR(FinishSymbols());
  CANOPY_ASSIGN_OR_RETURN(aside_, BufferedFile::Create(fs_, file_.path() + ".postings"));
  toc_.label_indices = file_.pos();
  file_.PadTo(kPostingsAlign);
  toc_.postings = file_.pos();
  CANOPY_RETURN_IF_ERROR(WritePostings());
  toc_.label_index_table = file_.pos();
  toc_.postings_table = file_.pos();
  CANOPY_RETURN_IF_ERROR(MoveIn(aside_, lists_));
  scratch_.clear();
  for (const uint64_t offset : {toc_.symbols, toc_.series, toc_.label_indices,
                                toc_.label_index_table, toc_.postings, toc_.postings_table}) {
    base::PutBe64(scratch_, offset);
  }
  base::PutBe32(scratch_, base::Crc32c(scratch_));
  file_.Append(scratch_);
  return file_.Sync();
}

}  // namespace canopy::tsdb
