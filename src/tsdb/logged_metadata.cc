#include "logged_metadata.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <span>

#include "wal_record.h"

namespace canopy::tsdb {
namespace {

// A reader of the log takes a record as a whole.
constexpr size_t kRowsPerRecord = 10'000;

}  // namespace

size_t LoggedMetadata::Hash::operator()(const model::Metadata& metadata) const {
  return absl::HashOf(static_cast<int>(metadata.type), metadata.help, metadata.unit);
}

const model::Metadata* LoggedMetadata::Find(SeriesRef series) const {
  const auto it = by_series_.find(series.value());
  return it != by_series_.end() ? &it->second->first : nullptr;
}

void LoggedMetadata::Set(SeriesRef series, const model::Metadata& metadata) {
  Pool::value_type& said = *pool_.try_emplace(metadata, 0).first;
  ++said.second;
  const auto [it, first] = by_series_.try_emplace(series.value(), &said);
  if (!first) Release(*std::exchange(it->second, &said));
}

void LoggedMetadata::Remove(SeriesRef series) {
  const auto it = by_series_.find(series.value());
  if (it == by_series_.end()) return;
  Release(*it->second);
  by_series_.erase(it);
}

void LoggedMetadata::Release(Pool::value_type& entry) {
  if (--entry.second > 0) return;
  // The key that is passed must outlive the call.
  pool_.erase(pool_.find(entry.first));
}

std::vector<std::string> LoggedMetadata::Encode() const {
  std::vector<RefMetadata> rows;
  rows.reserve(by_series_.size());
  for (const auto& [ref, entry] : by_series_) {
    const model::Metadata& said = entry->first;
    rows.push_back({SeriesRef(ref), said.type, said.unit, said.help});
  }
  std::ranges::sort(rows, {}, &RefMetadata::ref);
  std::vector<std::string> records;
  for (size_t i = 0; i < rows.size(); i += kRowsPerRecord)
    EncodeMetadata(std::span(rows).subspan(i, std::min(kRowsPerRecord, rows.size() - i)),
                   records.emplace_back());
  return records;
}

}  // namespace canopy::tsdb
