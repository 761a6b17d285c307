#include "tests/support/histogram_st_chunks.h"

namespace canopy::testing {

std::string HistogramStChunk::bytes() const {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(value(hex[i]) * 16 + value(hex[i + 1])));
  return out;
}

model::Histogram HistogramStChunk::Integers(size_t sample) const {
  const auto n = static_cast<int64_t>(sample * sample);
  model::Histogram h;
  h.sum = 1.5 * static_cast<double>(n);
  h.count = static_cast<uint64_t>(3 * n + 6);
  h.positive.buckets = {n + 1, 2, -1};
  if (custom_buckets) {
    h.schema = model::kCustomBucketsSchema;
    h.positive.spans = {{0, 3}};
    h.custom_values = {0.5, 1, 2.25};
  } else {
    h.schema = 2;
    h.zero_threshold = 0.001;
    h.zero_count = static_cast<uint64_t>(n / 2);
    h.count += h.zero_count;
    h.positive.spans = {{1, 2}, {3, 1}};
  }
  if (gauge) h.hint = model::CounterResetHint::kGauge;
  return h;
}

model::FloatHistogram HistogramStChunk::Floats(size_t sample) const {
  model::FloatHistogram out;
  model::ToFloat(Integers(sample), out);
  out.count += 0.5;
  out.positive.buckets[0] += 0.5;
  return out;
}

}  // namespace canopy::testing
