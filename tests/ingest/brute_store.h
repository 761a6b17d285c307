#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "canopy/base/check.h"
#include "canopy/base/number.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/model/sample.h"
#include "canopy/storage/appender.h"

namespace canopy::ingest {

// A store that does what the contract of Appender says, one sample at a time, and can forget which
// refs it has handed out, as a store does that drops series. Not thread-safe.
class BruteStore : public storage::Appender {
 public:
  Result<storage::AppendReport> Append(const storage::Batch& batch) override {
    if (!failure.ok()) return failure;
    ++batches;
    storage::AppendReport report;
    starts.clear();
    NoteStarts(batch);
    uint32_t index = 0;
    const auto note = [&](storage::AppendResult result) {
      if (result != storage::AppendResult::kStored) report.rejected.push_back({index, result});
      ++index;
    };
    for (const auto& s : batch.samples) {
      const auto it = labels_of_.find(s.series);
      note(it == labels_of_.end() ? storage::AppendResult::kUnknownSeries
                                  : Put(it->second, {s.time, s.value}));
    }
    for (const auto& s : batch.new_samples) {
      report.refs.push_back(RefOf(s.labels, report.created));
      note(Put(s.labels, {s.time, s.value}));
    }
    for (const auto& h : batch.histograms) {
      const auto it = labels_of_.find(h.series);
      note(it == labels_of_.end() ? storage::AppendResult::kUnknownSeries
                                  : Put(it->second, h.time, h.value));
      exemplars += std::ranges::count(batch.exemplars, h.series, &storage::SeriesExemplar::series);
    }
    for (const auto& h : batch.new_histograms) {
      report.refs.push_back(RefOf(h.labels, report.created));
      note(Put(h.labels, h.time, h.value));
      exemplars += std::ranges::count(batch.new_exemplars, h.labels, &storage::NewExemplar::series);
    }
    std::set<SeriesRef> shown(report.refs.begin(), report.refs.end());
    for (const auto& h : batch.histograms) shown.insert(h.series);
    for (const auto& s : batch.samples) shown.insert(s.series);
    for (const SeriesRef ref : batch.ended) {
      const auto it = labels_of_.find(ref);
      if (it != labels_of_.end() && !shown.contains(ref))
        (void)Put(it->second, {batch.ended_at, model::StaleNan()});
    }
    return report;
  }

  void Forget() {
    labels_of_.clear();
    refs_.clear();
  }
  // Every ref with the given remainder.
  void ForgetSome(uint64_t divisor) {
    std::erase_if(labels_of_, [&](const auto& item) { return item.first.value() % divisor == 0; });
    std::erase_if(refs_, [&](const auto& item) { return item.second.value() % divisor == 0; });
  }

  // One line per series: `a{b="c"} 1@1000 stale@2000`. Histograms as Prometheus prints them, with
  // an i before those of integers.
  std::string Text(bool stale = true, bool reports = false) const {
    std::string out;
    for (const auto& [labels, samples] : series) {
      if (!reports && (labels.metric_name() == "up" || labels.metric_name().starts_with("scrape_")))
        continue;
      std::string line = labels.ToString();
      bool any = false;
      for (const model::Sample& s : samples) {
        const bool ends = model::IsStale(s.value);
        if (ends && !stale) continue;
        any = true;
        line.push_back(' ');
        if (const auto h = histograms.find({labels, s.time}); h != histograms.end()) {
          line.append(h->second);
        } else if (ends) {
          line.append("stale");
        } else {
          base::AppendFloatShortest(line, s.value);
        }
        line.push_back('@');
        base::AppendInt(line, s.time.ms());
      }
      if (any) out.append(line).push_back('\n');
    }
    return out;
  }

  std::map<model::Labels, std::vector<model::Sample>> series;
  std::map<std::pair<model::Labels, Timestamp>, std::string> histograms;
  std::ptrdiff_t exemplars = 0;  // of histograms
  // Of the last batch, what each series says about the start of its counter.
  std::map<model::Labels, int64_t> starts;
  Status failure;
  int batches = 0;
  Timestamp min_time = Timestamp::Min();

 private:
  void NoteStarts(const storage::Batch& batch) {
    const auto check = [](size_t times, size_t samples) {
      CANOPY_CHECK(times == 0 || times == samples);
    };
    check(batch.start_times.size(), batch.samples.size());
    check(batch.new_start_times.size(), batch.new_samples.size());
    const auto note = [&](SeriesRef ref, int64_t start) {
      if (const auto it = labels_of_.find(ref); it != labels_of_.end() && start != 0)
        starts[it->second] = start;
    };
    for (size_t i = 0; i < batch.start_times.size(); ++i)
      note(batch.samples[i].series, batch.start_times[i]);
    for (size_t i = 0; i < batch.new_start_times.size(); ++i)
      if (batch.new_start_times[i] != 0)
        starts[batch.new_samples[i].labels] = batch.new_start_times[i];
    for (const auto& h : batch.histograms) note(h.series, h.start_time);
    for (const auto& h : batch.new_histograms)
      if (h.start_time != 0) starts[h.labels] = h.start_time;
  }

  SeriesRef RefOf(const model::Labels& labels, uint32_t& created) {
    const auto [it, is_new] = refs_.try_emplace(labels, SeriesRef(next_ref_));
    if (is_new) {
      ++next_ref_;
      ++created;
      labels_of_[it->second] = labels;
    }
    return it->second;
  }
  // The sample itself is then some number that is the same for the same histogram.
  storage::AppendResult Put(const model::Labels& labels, Timestamp time,
                            const storage::HistogramValue& value) {
    model::FloatHistogram floats;
    model::ToFloat(value, floats);
    const bool integers = std::holds_alternative<model::Histogram>(value);
    const std::string text = (integers ? "i" : "") + model::ToString(floats);
    const auto number = static_cast<double>(std::hash<std::string>()(text) >> 12);
    const storage::AppendResult result = Put(labels, {time, number});
    if (result == storage::AppendResult::kStored) histograms[{labels, time}] = text;
    return result;
  }
  storage::AppendResult Put(const model::Labels& labels, model::Sample s) {
    if (s.time < min_time) return storage::AppendResult::kOutOfBounds;
    auto& samples = series[labels];
    if (!samples.empty() && samples.back().time == s.time) {
      return model::SameBits(samples.back().value, s.value) ? storage::AppendResult::kDuplicate
                                                            : storage::AppendResult::kConflict;
    }
    if (!samples.empty() && samples.back().time > s.time) return storage::AppendResult::kOutOfOrder;
    samples.push_back(s);
    return storage::AppendResult::kStored;
  }

  std::map<model::Labels, SeriesRef> refs_;
  std::map<SeriesRef, model::Labels> labels_of_;
  uint64_t next_ref_ = 1;
};

}  // namespace canopy::ingest
