#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "canopy/chunk/histogram.h"
#include "canopy/model/sample.h"
#include "tests/support/random_histograms.h"

// Any bytes as a histogram chunk, with start timestamps and without. What comes out of it goes into
// chunks again, and must be the same when it comes out of those.

namespace {

using namespace canopy;

template <class H>
struct Sample {
  int64_t time;
  int64_t start;
  H histogram;
};

using chunk::HistogramForm;

template <class H>
std::vector<Sample<H>> Decode(std::string_view bytes, HistogramForm form) {
  std::vector<Sample<H>> out;
  chunk::HistogramDecoder<H> decoder(bytes, form);
  uint64_t cells = 0;
  while (decoder.Next() && cells < 1'000'000) {
    const H& h = decoder.histogram();
    cells += h.positive.buckets.size() + h.negative.buckets.size() + h.custom_values.size() + 1;
    if (decoder.stale() || model::Validate(h).ok())
      out.push_back({decoder.time(), decoder.start(), h});
  }
  return out;
}

template <class H>
void Check(std::string_view bytes, HistogramForm form) {
  const std::vector<Sample<H>> samples = Decode<H>(bytes, form);
  chunk::HistogramEncoder<H> encoder(form);
  std::vector<Sample<H>> want;
  const auto check = [&] {
    const auto got = Decode<H>(encoder.bytes(), form);
    if (got.size() != want.size()) std::abort();
    for (size_t i = 0; i < got.size(); ++i) {
      if (got[i].time != want[i].time || got[i].start != want[i].start ||
          !testing::SameStored(got[i].histogram, want[i].histogram))
        std::abort();
    }
    want.clear();
  };
  for (const Sample<H>& sample : samples) {
    const auto header = encoder.HeaderBehind(sample.histogram);
    if (encoder.Append(sample.time, sample.histogram, sample.start) ==
        chunk::HistogramEncoder<H>::Outcome::kNewChunk) {
      check();
      encoder.Begin(sample.time, sample.histogram, header, sample.start);
    }
    want.push_back(sample);
  }
  check();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const HistogramForm form : {HistogramForm::kPlain, HistogramForm::kWithStarts}) {
    Check<model::Histogram>(bytes, form);
    Check<model::FloatHistogram>(bytes, form);
  }
  return 0;
}
