// How samples of the head are deleted: they stay where they are, and are not shown.

#include <algorithm>
#include <limits>

#include "head.h"
#include "match.h"
#include "open_histogram.h"
#include "wal_record.h"

namespace canopy::tsdb {
namespace {

// Rows of one record: a reader of the log takes a record as a whole.
constexpr size_t kRowsPerRecord = 10'000;

bool IsOfAllTime(int64_t mint, int64_t maxt) {
  return mint == std::numeric_limits<int64_t>::min() && maxt == std::numeric_limits<int64_t>::max();
}

std::vector<std::string> Encode(std::span<const RefTombstone> rows) {
  std::vector<std::string> records;
  for (size_t i = 0; i < rows.size(); i += kRowsPerRecord)
    EncodeTombstones(rows.subspan(i, std::min(kRowsPerRecord, rows.size() - i)),
                     records.emplace_back());
  return records;
}

}  // namespace

Result<uint64_t> Head::Delete(std::span<const model::Matcher> matchers, Timestamp mint,
                              Timestamp maxt) {
  // Found as by a query: appends go on while expressions are matched.
  std::vector<SeriesRef> found;
  {
    const ReaderLock lock(mu_);
    CANOPY_ASSIGN_OR_RETURN(const Roaring matched, Match(index_, table_, known_matches_, matchers));
    for (const Slot slot : matched) found.push_back(table_.RefOf(slot));
  }
  const MutexLock appending(append_mu_);
  const int64_t first = std::max<int64_t>(mint.ms(), dropped_before_);
  std::vector<RefTombstone> rows;
  for (const SeriesRef ref : found) {
    const Series* const series = table_.Find(ref);
    if (series == nullptr || series->count == 0) continue;
    // Only what is there, as Prometheus has it: what comes later is not deleted.
    const int64_t from = std::max(first, series->oldest_time());
    const int64_t until = std::min(maxt.ms(), series->newest_time);
    if (from <= until) rows.push_back({ref, Timestamp::FromMs(from), Timestamp::FromMs(until)});
  }
  if (rows.empty()) return uint64_t{0};
  if (log_) {
    // The log must name a series before it can say that something of it was deleted.
    ClearPlans();
    CANOPY_RETURN_IF_ERROR(WritePlanToLog());
    const std::vector<std::string> records = Encode(rows);
    CANOPY_RETURN_IF_ERROR(log_(std::vector<std::string_view>(records.begin(), records.end())));
  }
  const WriterLock lock(mu_);
  for (const RefTombstone& row : rows)
    deletions_.Add(SlotOf(row.ref), {row.mint.ms(), row.maxt.ms()});
  return uint64_t{rows.size()};
}

bool Head::ReplayDeletion(SeriesRef ref, int64_t mint, int64_t maxt) {
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  // Prometheus has written down ranges that end before they begin: they delete nothing.
  if (mint > maxt || maxt < refused_before_) return true;
  if (ReplayedSeries(ref) == nullptr) return false;
  // That is how Prometheus says that a series has left its head as a whole, for a block.
  if (IsOfAllTime(mint, maxt)) {
    RemoveSeries(SlotOf(ref), 0);
    series_count_ = table_.size();
  } else {
    deletions_.Add(SlotOf(ref), {mint, maxt});
  }
  return true;
}

}  // namespace canopy::tsdb
