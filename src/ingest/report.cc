#include "report.h"

#include <algorithm>

#include "page_labels.h"

namespace canopy::ingest {
namespace {

constexpr std::array<std::string_view, 8> kNames = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    // From here on with extra_scrape_metrics only.
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
};
constexpr size_t kOrdinary = 5;

// In the order of kNames, word for word as Prometheus's: logs of both say the same.
const std::array<model::Metadata, kNames.size()>& MetadataOfNames() {
  constexpr auto kGauge = model::MetricType::kGauge;
  static const std::array<model::Metadata, kNames.size()> kAll = {{
      {kGauge,
       "Health of the scrape target. 1 means the target is healthy, 0 if the scrape failed.",
       "targets"},
      {kGauge, "Duration of the last scrape in seconds.", "seconds"},
      {kGauge, "Number of samples last scraped.", "samples"},
      {kGauge, "Number of samples remaining after metric relabeling was applied.", "samples"},
      {kGauge, "Number of series in the last scrape.", "series"},
      {kGauge, "The configured scrape timeout for a target.", "seconds"},
      {kGauge,
       "The configured sample limit for a target. Returns zero if there is no limit configured.",
       "samples"},
      {kGauge,
       "The uncompressed size of the last scrape response, if successful. Scrapes failing because "
       "body_size_limit is exceeded report -1, other scrape failures report 0.",
       "bytes"},
  }};
  return kAll;
}

}  // namespace

const model::Metadata* MetadataOfReport(std::string_view metric) {
  const auto name = std::ranges::find(kNames, metric);
  if (name == kNames.end()) return nullptr;
  return &MetadataOfNames()[static_cast<size_t>(name - kNames.begin())];
}

void ReportSeries::AddTo(storage::Batch& batch, const PageRules& rules, const model::Labels& target,
                         const Scrape& scrape, const ScrapeReport& report) {
  const std::array<double, kCount> values = {
      report.error.ok() ? 1.0 : 0.0,
      report.duration_seconds,
      static_cast<double>(report.scraped),
      static_cast<double>(report.kept),
      static_cast<double>(report.added),
      std::chrono::duration<double>(scrape.timeout).count(),
      static_cast<double>(rules.sample_limit),
      static_cast<double>(report.body_bytes),
  };
  page_samples_ = batch.samples.size();
  page_new_samples_ = batch.new_samples.size();
  known_count_ = unknown_count_ = 0;
  for (size_t i = 0; i < (rules.extra_scrape_metrics ? kCount : kOrdinary); ++i) {
    if (refs_[i]) {
      batch.samples.push_back({refs_[i], scrape.time, values[i]});
      known_[known_count_++] = static_cast<uint8_t>(i);
    } else {
      batch.new_samples.push_back({ReportLabels(kNames[i], target), scrape.time, values[i]});
      unknown_[unknown_count_++] = static_cast<uint8_t>(i);
    }
  }
  // They have none.
  if (!batch.start_times.empty()) batch.start_times.resize(batch.samples.size());
  if (!batch.new_start_times.empty()) batch.new_start_times.resize(batch.new_samples.size());
}

bool ReportSeries::Learn(const storage::Batch& batch, const storage::AppendReport& result) {
  for (size_t i = 0; i < unknown_count_; ++i)
    refs_[unknown_[i]] = result.refs[page_new_samples_ + i];
  bool again = false;
  for (const auto& rejected : result.rejected) {
    if (rejected.result != storage::AppendResult::kUnknownSeries ||
        rejected.index < page_samples_ || rejected.index >= batch.samples.size())
      continue;
    refs_[known_[rejected.index - page_samples_]] = SeriesRef();
    again = true;
  }
  return again;
}

void ReportSeries::End(std::vector<SeriesRef>& out) {
  for (SeriesRef& ref : refs_) {
    if (ref) out.push_back(ref);
    ref = SeriesRef();
  }
}

}  // namespace canopy::ingest
