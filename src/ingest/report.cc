#include "report.h"

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

}  // namespace

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
