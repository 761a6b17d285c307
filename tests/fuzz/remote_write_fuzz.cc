#include <map>

#include "canopy/base/check.h"
#include "canopy/base/log.h"
#include "canopy/model/sample.h"
#include "canopy/net/compress.h"
#include "canopy/remote/write.h"

// Any message is answered, and what reaches the store keeps the appender's contract: the samples of
// a series in order of time, names that are names.

namespace {

using namespace canopy;

class CheckingAppender : public storage::Appender {
 public:
  Result<storage::AppendReport> Append(const storage::Batch& batch) override {
    std::map<model::Labels, Timestamp> last;
    for (const storage::NewSample& sample : batch.new_samples) {
      CANOPY_CHECK(!sample.labels.metric_name().empty());
      const auto [it, first] = last.try_emplace(sample.labels, sample.time);
      CANOPY_CHECK(first || it->second < sample.time);
      it->second = sample.time;
    }
    for (const storage::NewHistogram& h : batch.new_histograms) {
      CANOPY_CHECK(!h.labels.metric_name().empty());
      const auto check = [](const auto& histogram) {
        CANOPY_CHECK(model::IsStale(histogram.sum) || model::Validate(histogram).ok());
      };
      std::visit(check, h.value);
    }
    return storage::AppendReport{};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static SelfMetrics metrics;
  static CheckingAppender appender;
  static remote::WriteReceiver receiver(appender, SystemClock(), metrics);
  log::SetLevel(log::Level::kError);
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  std::string body;
  net::Compress(net::Encoding::kSnappy, message, body);
  const int code = receiver.Write("", "snappy", body).code;
  CANOPY_CHECK(code == 204 || code == 400);
  // As compressed bytes, too.
  CANOPY_CHECK(receiver.Write("", "snappy", message).code != 500);
  return 0;
}
