#include "start_times.h"

#include "series_cache.h"

namespace canopy::ingest {
namespace {

constexpr std::string_view kCreated = "_created";

// What a line and its `_created` have in common.
uint64_t HashOf(std::string_view family, model::MetricType type, model::LabelsBuilder& labels) {
  labels.Set(model::kMetricName, family);
  if (type == model::MetricType::kHistogram) labels.Del(model::kBucketBound);
  if (type == model::MetricType::kSummary) labels.Del(model::kQuantile);
  return HashSeries(labels.Build().bytes(), type);
}

}  // namespace

void StartTimes::Begin(std::string_view page, storage::Batch& batch) {
  page_ = page;
  batch_ = &batch;
  EndFamily();
}

void StartTimes::EndFamily() {
  lines_.clear();
  ranges_.clear();
  read_ = 0;
}

void StartTimes::AddLine(std::string_view series, List list) {
  size_t size = 0;
  switch (list) {
    case List::kNone:
      break;
    case List::kSamples:
      size = batch_->samples.size();
      break;
    case List::kNewSamples:
      size = batch_->new_samples.size();
      break;
    case List::kHistograms:
      size = batch_->histograms.size();
      break;
    case List::kNewHistograms:
      size = batch_->new_histograms.size();
      break;
  }
  lines_.push_back({series, list, static_cast<uint32_t>(size - (list == List::kNone ? 0 : 1))});
}

// Source: prometheus 3.14 model/textparse/openmetricsparse.go typeRequiresST, isCreatedSeries.
bool StartTimes::IsCreated(std::string_view name, model::MetricType type) {
  const bool counts = type == model::MetricType::kCounter ||
                      type == model::MetricType::kHistogram || type == model::MetricType::kSummary;
  return counts && name.ends_with(kCreated);
}

void StartTimes::ReadLines(std::string_view family, model::MetricType type) {
  for (; read_ < lines_.size(); ++read_) {
    const std::string_view series = lines_[read_].series;
    exposition::PageParser line(page_.substr(static_cast<size_t>(series.data() - page_.data())),
                                exposition::PageFormat::kOpenMetrics);
    labels_.Clear();
    if (line.Next() != exposition::Entry::kSample || !line.AddLabels(labels_).ok() ||
        !labels_.Get(model::kMetricName).starts_with(family))
      continue;
    Range& range = ranges_[HashOf(family, type, labels_)];
    if (range.end != read_ || range.begin == range.end) range.begin = read_;
    range.end = read_ + 1;
  }
}

StartTimes::Lines StartTimes::Find(std::string_view family, model::MetricType type,
                                   model::LabelsBuilder& labels) {
  const std::string_view name = labels.Get(model::kMetricName);
  if (name.substr(0, name.size() - kCreated.size()) != family) return {};
  ReadLines(family, type);
  const auto it = ranges_.find(HashOf(family, type, labels));
  if (it == ranges_.end()) return {};
  return {static_cast<uint32_t>(lines_.size() - it->second.begin),
          static_cast<uint32_t>(it->second.end - it->second.begin)};
}

void StartTimes::Set(Lines lines, double seconds) {
  // As Prometheus truncates it. NaN and what is out of range are no times.
  const double ms = seconds * 1000;
  if (!(ms > -0x1p62 && ms < 0x1p62)) return;
  const auto start = static_cast<int64_t>(ms);
  const auto put = [&](std::vector<int64_t>& times, size_t size, uint32_t place) {
    times.resize(size, 0);
    times[place] = start;
  };
  if (lines.first > lines_.size()) return;
  const size_t begin = lines_.size() - lines.first;
  for (size_t i = begin; i < begin + lines.count && i < lines_.size(); ++i) {
    const uint32_t place = lines_[i].place;
    switch (lines_[i].list) {
      case List::kNone:
        break;
      case List::kSamples:
        put(batch_->start_times, batch_->samples.size(), place);
        break;
      case List::kNewSamples:
        put(batch_->new_start_times, batch_->new_samples.size(), place);
        break;
      case List::kHistograms:
        batch_->histograms[place].start_time = start;
        break;
      case List::kNewHistograms:
        batch_->new_histograms[place].start_time = start;
        break;
    }
  }
}

}  // namespace canopy::ingest
