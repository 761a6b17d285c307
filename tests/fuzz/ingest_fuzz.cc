#include <cstdint>
#include <string_view>
#include <variant>

#include "canopy/base/check.h"
#include "canopy/base/log.h"
#include "canopy/ingest/page.h"
#include "canopy/model/histogram.h"
#include "tests/support/manual_clock.h"

// Any run of pages (parted by 0xff) is stored or refused; and a page that was stored shows nothing
// new and ends nothing when it comes again.

namespace {

using namespace canopy;

// Takes everything; every new sample is another series.
class CountingStore : public storage::Appender {
 public:
  Result<storage::AppendReport> Append(const storage::Batch& batch) override {
    storage::AppendReport report;
    const auto valid = [](const auto& h) { CANOPY_CHECK(model::Validate(h).ok()); };
    for (const auto& h : batch.new_histograms) std::visit(valid, h.value);
    for (const auto& h : batch.histograms) {
      CANOPY_CHECK(h.series && h.series.value() < next_);
      std::visit(valid, h.value);
    }
    for (const auto& s : batch.samples) CANOPY_CHECK(s.series && s.series.value() < next_);
    for (size_t i = batch.new_samples.size() + batch.new_histograms.size(); i > 0; --i)
      report.refs.emplace_back(next_++);
    for (const SeriesRef ref : batch.ended) CANOPY_CHECK(ref && ref.value() < next_);
    ended = batch.ended.size();
    return report;
  }
  size_t ended = 0;

 private:
  uint64_t next_ = 1;
};

struct Target {
  Target(const std::shared_ptr<const ingest::PageRules>& rules, exposition::PageFormat f)
      : format(f), pages("fuzz", {{"job", "j"}}, rules, store, clock, counters, pool) {}

  ingest::ScrapeReport Store(std::string_view page) {
    clock.Advance(std::chrono::seconds(1));
    return pages.Store({clock.Now(), clock.Now(), 0, Duration(1)}, page, format, scratch);
  }

  exposition::PageFormat format;
  testing::ManualClock clock;
  SelfMetrics metrics;
  ingest::PageMetrics counters{metrics};
  ingest::MetadataPool pool;
  CountingStore store;
  ingest::Scratch scratch;
  ingest::TargetPages pages;
};

void Feed(std::string_view input, exposition::PageFormat format) {
  auto rules = std::make_shared<ingest::PageRules>();
  rules->honor_labels = !input.empty() && (input[0] & 1) != 0;
  rules->track_timestamps_staleness = !input.empty() && (input[0] & 2) != 0;
  rules->convert_classic_histograms = !input.empty() && (input[0] & 4) != 0;
  rules->classic_histograms_too = !input.empty() && (input[0] & 8) != 0;
  rules->type_and_unit_labels = !input.empty() && (input[0] & 16) != 0;
  Target target(rules, format);
  while (!input.empty()) {
    const std::string_view page = input.substr(0, input.find('\xff'));
    input.remove_prefix(std::min(page.size() + 1, input.size()));
    const auto first = target.Store(page);
    const auto second = target.Store(page);
    CANOPY_CHECK(first.error.ok() == second.error.ok());
    CANOPY_CHECK(first.scraped == second.scraped && first.kept == second.kept);
    CANOPY_CHECK(first.kept <= first.scraped && first.added <= first.kept);
    if (first.error.ok()) CANOPY_CHECK(second.added == 0 && target.store.ended == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  log::SetLevel(log::Level::kError);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Feed(input, exposition::PageFormat::kText);
  Feed(input, exposition::PageFormat::kOpenMetrics);
  return 0;
}
