#include "exemplar_store.h"

#include <algorithm>
#include <compare>
#include <utility>

#include "canopy/base/check.h"
#include "canopy/base/log.h"

namespace canopy::tsdb {

using model::Exemplar;

namespace {

constexpr std::string_view kInStorage = "prometheus_tsdb_exemplar_exemplars_in_storage";
constexpr std::string_view kSeriesInStorage =
    "prometheus_tsdb_exemplar_series_with_exemplars_in_storage";
constexpr std::string_view kLastTimestamp =
    "prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds";
constexpr std::string_view kMaxExemplars = "prometheus_tsdb_exemplar_max_exemplars";

size_t CountCharacters(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool TooLong(const Exemplar& exemplar) {
  size_t characters = 0;
  for (const auto& [name, value] : exemplar.labels)
    characters += CountCharacters(name) + CountCharacters(value);
  return characters > ExemplarStore::kMaxLabelCharacters;
}

// By time, then value, then labels: the buckets of a native histogram may each have one of the same
// time. Where Prometheus compares hashes of labels, any order will do.
std::strong_ordering Order(const Exemplar& a, const Exemplar& b) {
  if (const auto by_time = a.time <=> b.time; by_time != 0) return by_time;
  if (const auto by_value = std::strong_order(a.value, b.value); by_value != 0) return by_value;
  return a.labels <=> b.labels;
}

// Whether one of `time` may be stored behind a younger one.
bool IsWithin(Duration window, Timestamp newest, Timestamp time) {
  return time < newest && newest - time < window;
}

// Seen a second time. NaN is NaN: otherwise one without a time would be stored at each scrape.
bool Same(const Exemplar& a, const Exemplar& b) {
  if ((a.has_time || b.has_time) && a.time != b.time) return false;
  return (a.value == b.value || std::strong_order(a.value, b.value) == 0) && a.labels == b.labels;
}

// One series may be there twice, under the ref that it had before it was dropped.
void JoinSeries(std::vector<storage::ExemplarSeries>& found) {
  std::ranges::sort(found, {}, &storage::ExemplarSeries::labels);
  size_t kept = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    if (kept == 0 || found[kept - 1].labels != found[i].labels) {
      if (kept != i) found[kept] = std::move(found[i]);
      ++kept;
      continue;
    }
    std::vector<Exemplar>& all = found[kept - 1].exemplars;
    std::ranges::move(found[i].exemplars, std::back_inserter(all));
    std::ranges::sort(all, [](const Exemplar& a, const Exemplar& b) { return Order(a, b) < 0; });
    all.erase(std::unique(all.begin(), all.end(), Same), all.end());
  }
  found.erase(found.begin() + static_cast<ptrdiff_t>(kept), found.end());
}

}  // namespace

ExemplarStore::ExemplarStore(SelfMetrics& metrics, size_t capacity)
    : registry_(metrics),
      appended_(metrics.AddCounter("prometheus_tsdb_exemplar_exemplars_appended_total",
                                   "Total number of appended exemplars.")),
      out_of_order_(
          metrics.AddCounter("prometheus_tsdb_exemplar_out_of_order_exemplars_total",
                             "Total number of out of order exemplar ingestion failed attempts.")),
      capacity_(std::min<size_t>(capacity, kNone)),
      mu_(LockRank::kLeaf) {
  metrics.AddGaugeFn(kInStorage, "Number of exemplars currently in circular storage.", [this] {
    const MutexLock lock(mu_);
    return static_cast<double>(ring_.size());
  });
  metrics.AddGaugeFn(kSeriesInStorage,
                     "Number of series with exemplars currently in circular storage.", [this] {
                       const MutexLock lock(mu_);
                       return static_cast<double>(chains_.size());
                     });
  metrics.AddGaugeFn(
      kLastTimestamp,
      "The timestamp of the oldest exemplar stored in circular storage. Useful to check for what "
      "time range the current exemplar buffer limit allows. This usually means the last timestamp "
      "for all exemplars for a typical setup. This is not true though if one of the series "
      "timestamp is in future compared to rest series.",
      [this] {
        const MutexLock lock(mu_);
        return ring_.empty() ? 0 : ring_[first_].exemplar.time.seconds();
      });
  metrics.AddGaugeFn(kMaxExemplars,
                     "Total number of exemplars the exemplar storage can store, resizeable.",
                     [this] { return static_cast<double>(capacity_.load()); });
}

ExemplarStore::~ExemplarStore() {
  for (const std::string_view name : {kInStorage, kSeriesInStorage, kLastTimestamp, kMaxExemplars})
    registry_.Remove(name, {});
}

size_t ExemplarStore::Resize(size_t capacity) {
  capacity = std::min<size_t>(capacity, kNone);
  const MutexLock lock(mu_);
  if (capacity == capacity_) return ring_.size();
  std::vector<Entry> ring = std::exchange(ring_, {});
  const auto chains = std::exchange(chains_, {});
  const size_t first = std::exchange(first_, 0);
  capacity_ = capacity;
  for (size_t i = ring.size() - std::min(capacity, ring.size()); i < ring.size(); ++i) {
    Entry& entry = ring[(first + i) % ring.size()];
    Put(entry.series, chains.at(entry.series.value()).labels, std::move(entry.exemplar));
  }
  return ring_.size();
}

void ExemplarStore::SetOutOfOrderWindow(Duration window) {
  const MutexLock lock(mu_);
  out_of_order_window_ = window;
}

uint32_t ExemplarStore::Admit(std::vector<ExemplarRow>& rows) const {
  const size_t too_long =
      std::erase_if(rows, [](const ExemplarRow& row) { return TooLong(*row.exemplar); });
  if (too_long > 0) LOG_DEBUG("Exemplars with too many characters left out", {"count", too_long});
  std::ranges::sort(rows, [](const ExemplarRow& a, const ExemplarRow& b) {
    return a.series != b.series ? a.series < b.series : Order(*a.exemplar, *b.exemplar) < 0;
  });
  uint32_t out_of_order = 0;
  size_t kept = 0;
  const MutexLock lock(mu_);
  for (size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    const SeriesRef series = rows[begin].series;
    const Chain* const chain = FindChain(series);
    const Exemplar* newest = chain != nullptr ? &ring_[chain->newest].exemplar : nullptr;
    const Exemplar* late = nullptr;  // the last one that was taken out of order
    uint32_t older = 0;
    for (end = begin; end < rows.size() && rows[end].series == series; ++end) {
      const Exemplar* const exemplar = rows[end].exemplar;
      if (newest != nullptr && Same(*newest, *exemplar)) continue;
      if (newest == nullptr || Order(*exemplar, *newest) > 0) {
        newest = exemplar;
      } else if (!IsWithin(out_of_order_window_, newest->time, exemplar->time)) {
        ++older;
        continue;
      } else if ((late != nullptr && late->time == exemplar->time) ||
                 HasTime(*chain, exemplar->time)) {
        continue;
      } else {
        late = exemplar;
      }
      rows[kept++] = {series, exemplar};
    }
    if (older == end - begin) out_of_order += older;
  }
  rows.resize(kept);
  out_of_order_.Add(out_of_order);
  return out_of_order;
}

uint32_t ExemplarStore::Add(std::span<const ExemplarRow> rows,
                            std::span<const model::Labels> labels) {
  const MutexLock lock(mu_);
  if (capacity_ == 0) return 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto chain = chains_.find(rows[i].series.value());
    Put(rows[i].series,
        chain != chains_.end() ? chain->second.labels
                               : std::make_shared<const model::Labels>(labels[i]),
        *rows[i].exemplar);
  }
  appended_.Add(static_cast<double>(rows.size()));
  return static_cast<uint32_t>(rows.size());
}

void ExemplarStore::Replay(SeriesRef series, const model::Labels& labels,
                           const Exemplar& exemplar) {
  if (TooLong(exemplar)) return;
  const MutexLock lock(mu_);
  if (capacity_ == 0) return;
  const auto chain = chains_.find(series.value());
  if (chain == chains_.end()) {
    Put(series, std::make_shared<const model::Labels>(labels), exemplar);
    return;
  }
  // Nothing that the log has was the same but for its time when it was stored.
  const Exemplar& newest = ring_[chain->second.newest].exemplar;
  if (Order(exemplar, newest) <= 0 &&
      (!IsWithin(out_of_order_window_, newest.time, exemplar.time) ||
       HasTime(chain->second, exemplar.time)))
    return;
  Put(series, chain->second.labels, exemplar);
}

const ExemplarStore::Chain* ExemplarStore::FindChain(SeriesRef series) const {
  const auto chain = chains_.find(series.value());
  return chain != chains_.end() ? &chain->second : nullptr;
}

// From the newest on: late ones are mostly not very late.
uint32_t ExemplarStore::FindPlace(const Chain& chain, Timestamp time) const {
  uint32_t place = chain.newest;
  while (place != kNone && ring_[place].exemplar.time > time) place = ring_[place].before;
  return place;
}

bool ExemplarStore::HasTime(const Chain& chain, Timestamp time) const {
  const uint32_t place = FindPlace(chain, time);
  return place != kNone && ring_[place].exemplar.time == time;
}

void ExemplarStore::Put(SeriesRef series, SharedLabels labels, Exemplar exemplar) {
  uint32_t place = first_;
  if (ring_.size() < capacity_) {
    place = static_cast<uint32_t>(ring_.size());
    ring_.emplace_back();
  } else {
    Evict(place);
    first_ = place + 1 == ring_.size() ? 0 : place + 1;
  }
  Chain& chain = chains_[series.value()];
  if (chain.labels == nullptr) chain.labels = std::move(labels);
  const uint32_t before = FindPlace(chain, exemplar.time);
  const uint32_t next = before != kNone ? ring_[before].next : chain.oldest;
  ring_[place] = {series, before, next, std::move(exemplar)};
  (before != kNone ? ring_[before].next : chain.oldest) = place;
  (next != kNone ? ring_[next].before : chain.newest) = place;
}

void ExemplarStore::Evict(uint32_t place) {
  const Entry& entry = ring_[place];
  const auto it = chains_.find(entry.series.value());
  CANOPY_DCHECK(it != chains_.end());
  Chain& chain = it->second;
  (entry.before != kNone ? ring_[entry.before].next : chain.oldest) = entry.next;
  (entry.next != kNone ? ring_[entry.next].before : chain.newest) = entry.before;
  if (chain.oldest == kNone) chains_.erase(it);
}

std::vector<ExemplarStore::Found> ExemplarStore::FindChains(Timestamp mint, Timestamp maxt) const {
  std::vector<Found> found;
  const MutexLock lock(mu_);
  for (const auto& [ref, chain] : chains_) {
    if (ring_[chain.newest].exemplar.time >= mint && ring_[chain.oldest].exemplar.time <= maxt)
      found.push_back({SeriesRef(ref), chain.labels});
  }
  return found;
}

// Regular expressions are tried without the lock, for which appends would wait.
std::vector<storage::ExemplarSeries> ExemplarStore::Select(
    std::span<const model::Matchers> selectors, Timestamp mint, Timestamp maxt) const {
  std::vector<Found> found = FindChains(mint, maxt);
  std::erase_if(found, [&](const Found& series) {
    return std::ranges::none_of(selectors, [&](const model::Matchers& matchers) {
      return model::MatchesAll(matchers, *series.labels);
    });
  });
  std::vector<storage::ExemplarSeries> out;
  for (const Found& series : found) {
    std::vector<Exemplar> exemplars;
    const MutexLock lock(mu_);
    const auto chain = chains_.find(series.series.value());
    if (chain == chains_.end()) continue;
    for (uint32_t i = chain->second.oldest; i != kNone; i = ring_[i].next) {
      const Exemplar& exemplar = ring_[i].exemplar;
      if (exemplar.time > maxt) break;
      if (exemplar.time >= mint) exemplars.push_back(exemplar);
    }
    if (!exemplars.empty()) out.push_back({*series.labels, std::move(exemplars)});
  }
  JoinSeries(out);
  return out;
}

}  // namespace canopy::tsdb
