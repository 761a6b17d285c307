#include <string_view>

#include "canopy/base/check.h"
#include "canopy/base/log.h"
#include "canopy/ingest/page.h"
#include "canopy/model/histogram.h"
#include "tests/support/manual_clock.h"

// Any bytes as a page in protobuf, twice in a row: what reaches the store keeps the contract of its
// batch.

namespace {

using namespace canopy;

class CheckingAppender : public storage::Appender {
 public:
  Result<storage::AppendReport> Append(const storage::Batch& batch) override {
    for (const storage::NewSample& s : batch.new_samples) {
      CANOPY_CHECK(!s.labels.empty());
      for (const model::LabelView l : s.labels) CANOPY_CHECK(model::IsValidUtf8(l.value));
    }
    const auto valid = [](const auto& h) { CANOPY_CHECK(model::Validate(h).ok()); };
    for (const auto& h : batch.histograms) std::visit(valid, h.value);
    for (const auto& h : batch.new_histograms) {
      CANOPY_CHECK(!h.labels.metric_name().empty());
      std::visit(valid, h.value);
    }
    storage::AppendReport report;
    for (size_t i = batch.new_samples.size() + batch.new_histograms.size(); i > 0; --i)
      report.refs.push_back(SeriesRef(++refs_));
    return report;
  }

 private:
  uint64_t refs_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  log::SetLevel(log::Level::kError);
  const std::string_view page(reinterpret_cast<const char*>(data), size);
  testing::ManualClock clock;
  SelfMetrics metrics;
  ingest::PageMetrics counters(metrics);
  ingest::MetadataPool pool;
  CheckingAppender store;
  const auto rules = std::make_shared<ingest::PageRules>();
  rules->classic_histograms_too = size % 2 == 0;
  rules->convert_classic_histograms = size % 5 < 2;
  rules->native_histograms = size % 7 != 0;
  rules->type_and_unit_labels = size % 11 < 5;
  rules->exemplars = true;
  rules->native_histogram_bucket_limit = size % 3 == 0 ? 100 : 0;
  ingest::TargetPages pages("target", {{"job", "j"}}, rules, store, clock, counters, pool);
  ingest::Scratch scratch;
  for (int i = 0; i < 2; ++i) {
    clock.Advance(std::chrono::seconds(1));
    (void)pages.Store({clock.Now(), clock.Now(), 0, std::chrono::seconds(10)}, page,
                      exposition::PageFormat::kProto, scratch);
  }
  return 0;
}
