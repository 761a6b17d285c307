#include "head.h"

#include <algorithm>
#include <utility>

#include "head_block_source.h"
#include "head_querier.h"
#include "open_histogram.h"

namespace canopy::tsdb {
namespace {

constexpr int64_t kNoMinTime = std::numeric_limits<int64_t>::max();
constexpr int64_t kNoMaxTime = std::numeric_limits<int64_t>::min();

constexpr std::string_view kGauges[] = {
    "prometheus_tsdb_head_series", "prometheus_tsdb_head_chunks", "prometheus_tsdb_head_min_time",
    "prometheus_tsdb_head_max_time"};

}  // namespace

Head::Metrics::Metrics(SelfMetrics& metrics)
    : appended(metrics.AddCounter("prometheus_tsdb_head_samples_appended_total",
                                  "Total number of appended samples.", {{"type", "float"}})),
      appended_histograms(metrics.AddCounter("prometheus_tsdb_head_samples_appended_total",
                                             "Total number of appended samples.",
                                             {{"type", "histogram"}})),
      created(metrics.AddCounter("prometheus_tsdb_head_series_created_total",
                                 "Total number of series created in the head")),
      removed(metrics.AddCounter("prometheus_tsdb_head_series_removed_total",
                                 "Total number of series removed in the head")),
      chunks_created(metrics.AddCounter("prometheus_tsdb_head_chunks_created_total",
                                        "Total number of chunks created in the head")),
      chunks_removed(metrics.AddCounter("prometheus_tsdb_head_chunks_removed_total",
                                        "Total number of chunks removed in the head")) {}

Head::Head(SelfMetrics& metrics, HeadOptions options)
    : options_(options),
      registry_(metrics),
      metrics_(metrics),
      out_of_order_metrics_(metrics),
      float_encoding_(options.float_encoding),
      min_time_(kNoMinTime),
      max_time_(kNoMaxTime),
      refused_before_(Timestamp::Min().ms()),
      dropped_before_(Timestamp::Min().ms()),
      out_of_order_min_(kNoMinTime),
      out_of_order_max_(kNoMaxTime),
      append_mu_(LockRank::kAppend),
      oldest_stored_(kNoMinTime),
      mu_(LockRank::kHead),
      index_(symbols_, graveyard_),
      writer_(graveyard_, options.samples_per_chunk, options.block_range.count(),
              options.histogram_form) {
  const auto gauge = [&](std::string_view name, std::string_view help, auto read) {
    metrics.AddGaugeFn(name, help, [read] { return static_cast<double>(read()); });
  };
  gauge(kGauges[0], "Total number of series in the head block.",
        [this] { return series_count_.load(); });
  gauge(kGauges[1], "Total number of chunks in the head block.",
        [this] { return metrics_.chunks_created.value() - metrics_.chunks_removed.value(); });
  gauge(kGauges[2],
        "Minimum time bound of the head block. The unit is decided by the library consumer.",
        [this] { return min_time_.load(); });
  gauge(kGauges[3],
        "Maximum timestamp of the head block. The unit is decided by the library consumer.",
        [this] { return max_time_.load(); });
}

Head::~Head() {
  for (const std::string_view name : kGauges) registry_.Remove(name, {});
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  Slot next = 0;
  do {
    next = table_.ForSome(next, [&](Slot, Series& series) {
      writer_.Drop(series);
      index_.DropLabels(series.labels);
    });
  } while (next != 0);
  symbols_.Sweep(graveyard_);
  graveyard_.Collect();
}

Timestamp Head::min_valid_time() const {
  const Timestamp refused = Timestamp::FromMs(refused_before_);
  const int64_t newest = max_time_;
  if (newest == kNoMaxTime) return refused;
  return std::max(refused, Timestamp::FromMs(newest) - options_.span);
}

void Head::RefuseBefore(Timestamp time) {
  // An append under way has been let in under the old rule: it ends first.
  const MutexLock appending(append_mu_);
  refused_before_ = std::max<int64_t>(refused_before_, time.ms());
}

void Head::RemoveSeries(Slot slot, int segment) {
  Series& series = table_.at(slot);
  const uint64_t ref = table_.RefOf(slot).value();
  metrics_.chunks_removed.Add(series.chunk_count());
  writer_.Drop(series);
  start_times_.Drop(slot, graveyard_);
  deletions_.Remove(slot);
  metadata_.Remove(SeriesRef(ref));
  index_.Remove(slot, *series.labels);
  SeriesLabels* const labels = series.labels;
  table_.Remove(slot);
  index_.DropLabels(labels);
  dropped_[ref] = segment;
  std::erase(unlogged_, SeriesRef(ref));
  metrics_.removed.Add();
}

void Head::DropBefore(Timestamp time, int segment) {
  const int64_t limit = time.ms();
  if (limit <= dropped_before_) return;
  RefuseBefore(time);
  dropped_before_ = limit;
  int64_t oldest = kNoMinTime;
  {
    const MutexLock appending(append_mu_);
    oldest_stored_ = kNoMinTime;
  }
  Slot next = 0;
  do {
    const MutexLock appending(append_mu_);
    const WriterLock lock(mu_);
    next = table_.ForSome(next, [&](Slot slot, Series& series) {
      if (series.newest_time < limit && !series.has_out_of_order) {
        RemoveSeries(slot, segment);
        return;
      }
      metrics_.chunks_removed.Add(writer_.DropChunksBefore(series, limit));
      start_times_.DropBefore(slot, limit, graveyard_);
      if (series.newest_time < limit) return;
      oldest = std::min(oldest, std::max(limit, series.oldest_time()));
    });
    series_count_ = table_.size();
  } while (next != 0);
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  deletions_.DropBefore(limit);
  symbols_.Sweep(graveyard_);
  graveyard_.Collect();
  // A series that the walk had passed may have got older samples than it found.
  min_time_ = table_.size() == 0 ? kNoMinTime : std::min(oldest, oldest_stored_);
}

bool Head::KeepsInLog(SeriesRef ref, int segment) const {
  const MutexLock appending(append_mu_);
  if (table_.Find(ref) != nullptr || aliases_.contains(ref.value())) return true;
  const auto it = dropped_.find(ref.value());
  return it != dropped_.end() && it->second >= segment;
}

void Head::ForgetDropped(int segment) {
  const MutexLock appending(append_mu_);
  absl::erase_if(dropped_, [&](const auto& entry) { return entry.second < segment; });
}

std::unique_ptr<BlockSource> Head::Source(Timestamp start, Timestamp end, std::stop_token stop) {
  return std::make_unique<HeadBlockSource>(*this, start, end, std::move(stop));
}

std::unique_ptr<storage::Querier> Head::NewQuerier(Timestamp mint, Timestamp maxt) {
  return std::make_unique<HeadQuerier>(*this, mint, maxt);
}

namespace {

// The `top` largest, descending; of equal ones the first by name.
void KeepTop(std::vector<NamedCount>& counts, size_t top) {
  const auto larger = [](const NamedCount& a, const NamedCount& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  };
  const size_t kept = std::min(top, counts.size());
  std::partial_sort(counts.begin(), counts.begin() + static_cast<ptrdiff_t>(kept), counts.end(),
                    larger);
  counts.resize(kept);
}

}  // namespace

HeadStats Head::Stats(size_t top) const {
  const ReaderLock lock(mu_);
  HeadStats stats;
  stats.num_series = table_.size();
  stats.min_time = min_time();
  stats.max_time = max_time();
  table_.ForAll([&](Slot, const Series& series) { stats.chunk_count += series.chunk_count(); });
  for (const auto& [name, label] : index_.labels()) {
    const auto& values = label.values;
    const std::string name_text(symbols_.Lookup(name));
    stats.num_label_pairs += values.size();
    uint64_t bytes = 0;
    std::vector<NamedCount> pairs;
    for (const auto& [value, list] : values) {
      const std::string_view text = symbols_.Lookup(value);
      bytes += list.size() * (name_text.size() + text.size());
      pairs.push_back({std::string(text), list.size()});
    }
    stats.label_value_count_by_label_name.push_back({name_text, values.size()});
    stats.memory_in_bytes_by_label_name.push_back({name_text, bytes});
    KeepTop(pairs, top);
    if (name_text == model::kMetricName) stats.series_count_by_metric_name = pairs;
    for (NamedCount& pair : pairs)
      stats.series_count_by_label_pair.push_back({name_text + "=" + pair.name, pair.value});
  }
  KeepTop(stats.label_value_count_by_label_name, top);
  KeepTop(stats.memory_in_bytes_by_label_name, top);
  KeepTop(stats.series_count_by_label_pair, top);
  return stats;
}

}  // namespace canopy::tsdb
