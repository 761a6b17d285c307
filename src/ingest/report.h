#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "canopy/base/ids.h"
#include "canopy/ingest/page.h"
#include "canopy/model/labels.h"
#include "canopy/model/metadata.h"
#include "canopy/storage/appender.h"

namespace canopy::ingest {

// Of a report series; null: it is none.
const model::Metadata* MetadataOfReport(std::string_view metric);

// The series that a scrape writes about itself: `up` and its companions.
class ReportSeries {
 public:
  // Adds the samples of one scrape to the batch.
  void AddTo(storage::Batch& batch, const PageRules& rules, const model::Labels& target,
             const Scrape& scrape, const ScrapeReport& report);
  // What the store said to that batch: remembers new refs, forgets dropped ones. True when samples
  // were refused because their series had been dropped: AddTo() once more, to an empty batch.
  bool Learn(const storage::Batch& batch, const storage::AppendReport& result);
  // Appends the refs of all series, which are then forgotten.
  void End(std::vector<SeriesRef>& out);

  // How many samples of the batch come before those of the report.
  size_t page_samples() const { return page_samples_; }
  size_t page_new_samples() const { return page_new_samples_; }

 private:
  static constexpr size_t kCount = 8;

  std::array<SeriesRef, kCount> refs_{};
  size_t page_samples_ = 0;
  size_t page_new_samples_ = 0;
  // Which series the batch's report samples belong to, in order.
  std::array<uint8_t, kCount> known_{};
  std::array<uint8_t, kCount> unknown_{};
  size_t known_count_ = 0;
  size_t unknown_count_ = 0;
};

}  // namespace canopy::ingest
