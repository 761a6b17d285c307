#include "tsdb/index_reader.h"

#include <algorithm>
#include <utility>

#include "canopy/base/bytes.h"
#include "canopy/base/check.h"
#include "canopy/base/crc32c.h"
#include "tsdb/index_section.h"

namespace canopy::tsdb {
namespace {

constexpr size_t kSampling = 32;
constexpr uint64_t kTableKeys = 2;

Status SeriesFault(SeriesId id, const char* what) {
  return Status::Corrupt(what).In("series " + std::to_string(id));
}

// False when the times or the reference would leave their ranges.
bool ReadChunk(base::ByteReader& in, bool first, ChunkMeta& chunk) {
  const auto add = [](int64_t a, uint64_t b, int64_t& out) {
    return b <= INT64_MAX && !__builtin_add_overflow(a, static_cast<int64_t>(b), &out);
  };
  if (first) {
    chunk.mint = in.Varint();
  } else if (const int64_t before = chunk.maxt; !add(before, in.Uvarint(), chunk.mint)) {
    return false;
  }
  // Up to all of the 64 bits.
  const uint64_t length = in.Uvarint();
  chunk.maxt = static_cast<int64_t>(static_cast<uint64_t>(chunk.mint) + length);
  if (chunk.maxt < chunk.mint) return false;
  if (first)
    chunk.ref = in.Uvarint();
  else
    chunk.ref += static_cast<uint64_t>(in.Varint());
  return true;
}

}  // namespace

Result<std::unique_ptr<IndexReader>> IndexReader::Open(Fs& fs, std::string path) {
  CANOPY_ASSIGN_OR_RETURN(auto file, fs.Map(path));
  std::unique_ptr<IndexReader> out(new IndexReader(std::move(path), std::move(file)));
  Status status = out->ReadHeader();
  if (status.ok()) status = out->ReadTable();
  if (!status.ok()) return status.In(out->path_);
  return out;
}

Status IndexReader::ReadHeader() {
  base::ByteReader header(bytes());
  const uint32_t magic = header.Be32();
  const uint8_t version = header.U8();
  if (!header.ok() || magic != kIndexMagic) return Status::Corrupt("this is no index");
  if (version != kIndexVersion)
    return Status::Unsupported("index version " + std::to_string(version));
  if (bytes().size() < kIndexHeaderBytes + kTocBytes)
    return Status::Corrupt("file is too short for a table of contents");
  const std::string_view toc = bytes().substr(bytes().size() - kTocBytes);
  base::ByteReader in(toc);
  for (uint64_t* offset : {&toc_.symbols, &toc_.series, &toc_.label_indices,
                           &toc_.label_index_table, &toc_.postings, &toc_.postings_table}) {
    *offset = in.Be64();
  }
  if (in.Be32() != base::Crc32c(toc.substr(0, kTocBytes - kCrcBytes)))
    return Status::Corrupt("table of contents: unexpected checksum");
  CANOPY_ASSIGN_OR_RETURN(symbols_, IndexSymbols::Open(bytes(), toc_.symbols));
  return {};
}

Status IndexReader::ReadTable() {
  const auto section = ReadSection(bytes(), toc_.postings_table);
  if (!section.ok()) return section.status().In("postings table");
  base::ByteReader count_in(*section);
  const uint32_t count = count_in.Be32();
  table_ = count_in.rest();
  base::ByteReader in(table_);
  Entry before{};
  Values* values = nullptr;
  size_t place_among_values = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const auto place = static_cast<uint32_t>(table_.size() - in.remaining());
    if (in.Uvarint() != kTableKeys) return Status::Corrupt("postings table: impossible entry");
    Entry entry{in.String(), in.String(), in.Uvarint()};
    if (!in.ok()) return Status::Corrupt("postings table: ends too early");
    if (i > 0 && std::pair(entry.name, entry.value) <= std::pair(before.name, before.value))
      return Status::Corrupt("postings table: entry " + std::to_string(i) + " is out of order");
    const auto next = static_cast<uint32_t>(table_.size() - in.remaining());
    if (entry.name.empty()) {
      if (entry.value.empty()) all_postings_ = entry.list;
    } else {
      if (values == nullptr || entry.name != before.name) {
        values = &values_[entry.name];
        place_among_values = 0;
      }
      if (place_among_values++ % kSampling == 0) values->samples.push_back(place);
      values->end = next;
    }
    before = entry;
  }
  for (auto& [name, of_name] : values_) of_name.samples.shrink_to_fit();
  return {};
}

IndexReader::Entry IndexReader::EntryAt(uint32_t place, uint32_t& next) const {
  base::ByteReader in(table_.substr(place));
  in.Uvarint();
  // One after the other: in braces the order is as written.
  const Entry out{in.String(), in.String(), in.Uvarint()};
  CANOPY_DCHECK(in.ok());
  next = static_cast<uint32_t>(table_.size() - in.remaining());
  return out;
}

Status IndexReader::ReadSeries(SeriesId id, std::vector<model::SymbolPair>& labels,
                               std::vector<ChunkMeta>* chunks, int64_t mint, int64_t maxt) const {
  const uint64_t offset = uint64_t{id} * kSeriesAlign;
  if (offset < toc_.series || offset >= bytes().size())
    return Status::NotFound("no series " + std::to_string(id)).In(path_);
  const auto record = ReadUvarintSection(bytes(), offset);
  if (!record.ok()) return record.status().In("series " + std::to_string(id)).In(path_);
  base::ByteReader in(*record);
  const size_t first_label = labels.size();
  for (uint64_t left = in.Uvarint(); left > 0 && in.ok(); --left) {
    const uint64_t name = in.Uvarint();
    const uint64_t value = in.Uvarint();
    if (name >= symbols_->size() || value >= symbols_->size())
      return SeriesFault(id, "unknown symbol").In(path_);
    // The same as no label; old writers may have left such.
    if (value == 0 && symbols_->has_empty()) continue;
    if (labels.size() > first_label && name <= labels.back().name)
      return SeriesFault(id, "labels are out of order").In(path_);
    labels.push_back({static_cast<model::Symbol>(name), static_cast<model::Symbol>(value)});
  }
  if (chunks != nullptr) {
    ChunkMeta chunk;
    const uint64_t count = in.Uvarint();
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
      if (!ReadChunk(in, i == 0, chunk))
        return SeriesFault(id, "impossible time of a chunk").In(path_);
      if (in.ok() && chunk.Overlaps(mint, maxt)) chunks->push_back(chunk);
    }
  }
  if (!in.ok()) return SeriesFault(id, "record ends too early").In(path_);
  return {};
}

Result<PostingsView> IndexReader::ListAt(uint64_t offset) const {
  const auto section = ReadSection(bytes(), offset);
  if (!section.ok()) return section.status().In("postings").In(path_);
  base::ByteReader in(*section);
  const uint64_t count = in.Be32();
  if (!in.ok() || in.remaining() != count * sizeof(SeriesId)) {
    return Status::Corrupt("list has another length than its count says")
        .In("postings: offset " + std::to_string(offset))
        .In(path_);
  }
  return PostingsView(in.rest());
}

Result<PostingsView> IndexReader::AllPostings() const {
  if (all_postings_ == 0) return PostingsView();
  return ListAt(all_postings_);
}

Result<PostingsView> IndexReader::Postings(std::string_view name, std::string_view value) const {
  std::optional<uint64_t> list;
  ForEachValue(name, value, [&](std::string_view candidate, uint64_t at) {
    if (candidate == value) list = at;
    return false;
  });
  if (!list) return PostingsView();
  return ListAt(*list);
}

std::vector<std::string_view> IndexReader::LabelNames() const {
  std::vector<std::string_view> out;
  out.reserve(values_.size());
  for (const auto& [name, values] : values_) out.push_back(name);
  return out;
}

size_t IndexReader::ValueCount(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? 0 : it->second.samples.size() * kSampling;
}

void IndexReader::ForEachValue(std::string_view name, std::string_view from,
                               const ValueFn& fn) const {
  const auto it = values_.find(name);
  if (it == values_.end()) return;
  const Values& values = it->second;
  uint32_t next = 0;
  const auto value_at = [&](uint32_t place) { return EntryAt(place, next).value; };
  auto sample = std::ranges::upper_bound(values.samples, from, {}, value_at);
  if (sample != values.samples.begin()) --sample;
  for (uint32_t place = *sample; place < values.end; place = next) {
    const Entry entry = EntryAt(place, next);
    if (entry.value >= from && !fn(entry.value, entry.list)) return;
  }
}

}  // namespace canopy::tsdb
