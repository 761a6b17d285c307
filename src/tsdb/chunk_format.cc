#include "tsdb/chunk_format.h"

#include <algorithm>

#include "canopy/base/bytes.h"
#include "canopy/model/sample.h"

namespace canopy::tsdb {
namespace {

using storage::ColumnBuffer;

void SetFloats(const model::Histogram& from, model::FloatHistogram& to) {
  model::ToFloat(from, to);
}
void SetFloats(const model::FloatHistogram& from, model::FloatHistogram& to) { to = from; }

// The column that takes a chunk's starts, filled up to its first sample; null when it has none.
std::vector<int64_t>* StartsFor(ChunkEncoding encoding, std::string_view data, ColumnBuffer& out) {
  if (!MayHaveStarts(encoding, data)) return nullptr;
  out.start_times.resize(out.times.size(), chunk::kNoStart);
  return &out.start_times;
}

template <class H>
Status DecodeHistograms(ChunkEncoding encoding, std::string_view data, ColumnBuffer& out) {
  out.histograms.resize(out.times.size());
  std::vector<int64_t>* const starts = StartsFor(encoding, data, out);
  chunk::HistogramDecoder<H> samples(data, HistogramFormOf(encoding));
  while (samples.Next()) {
    out.times.push_back(samples.time());
    if (starts != nullptr) starts->push_back(samples.start());
    if (samples.stale()) {
      out.values.push_back(model::StaleNan());
      out.histograms.push_back(nullptr);
      continue;
    }
    model::FloatHistogram& histogram = out.NewHistogram();
    SetFloats(samples.histogram(), histogram);
    if (Status s = model::Validate(histogram); !s.ok()) return Status::Corrupt(s.message());
    out.values.push_back(model::NormalNan());
    out.histograms.push_back(&histogram);
  }
  return samples.status();
}

Status DecodeSamples(ChunkEncoding encoding, std::string_view data, ColumnBuffer& out) {
  switch (encoding) {
    case ChunkEncoding::kXor:
      return chunk::DecodeXor(data, out.times, out.values);
    case ChunkEncoding::kXor2:
      return chunk::DecodeXor2(data, out.times, out.values, StartsFor(encoding, data, out));
    case ChunkEncoding::kHistogram:
    case ChunkEncoding::kHistogramSt:
      return DecodeHistograms<model::Histogram>(encoding, data, out);
    case ChunkEncoding::kFloatHistogram:
    case ChunkEncoding::kFloatHistogramSt:
      return DecodeHistograms<model::FloatHistogram>(encoding, data, out);
    case ChunkEncoding::kNone:
      break;
  }
  return Status::Corrupt(ChunkEncodingName(encoding));
}

}  // namespace

std::string ChunkEncodingName(ChunkEncoding encoding) {
  switch (encoding) {
    case ChunkEncoding::kNone:
      return "none";
    case ChunkEncoding::kXor:
      return "XOR";
    case ChunkEncoding::kHistogram:
      return "histogram";
    case ChunkEncoding::kFloatHistogram:
      return "floathistogram";
    case ChunkEncoding::kXor2:
      return "XOR2";
    case ChunkEncoding::kHistogramSt:
      return "histogramST";
    case ChunkEncoding::kFloatHistogramSt:
      return "floathistogramST";
  }
  return "encoding " + std::to_string(static_cast<unsigned>(encoding));
}

size_t ChunkSampleCount(ChunkEncoding encoding, std::string_view data) {
  if (HoldsHistograms(encoding)) return chunk::HistogramCount(data, HistogramFormOf(encoding));
  return base::ByteReader(data).Be16();
}

Status DecodeChunk(ChunkEncoding encoding, std::string_view data, ColumnBuffer& out) {
  const size_t before = out.times.size();
  const bool had_histograms = !out.histograms.empty();
  const bool had_starts = !out.start_times.empty();
  Status status = DecodeSamples(encoding, data, out);
  const auto first = out.times.begin() + static_cast<std::ptrdiff_t>(before);
  if (status.ok() &&
      std::adjacent_find(first, out.times.end(), std::greater_equal<>()) != out.times.end())
    status = Status::Corrupt("times of a chunk do not ascend");
  if (status.ok()) {
    if (!out.histograms.empty()) out.histograms.resize(out.times.size());
    if (!out.start_times.empty()) out.start_times.resize(out.times.size(), chunk::kNoStart);
    return status;
  }
  out.times.resize(before);
  out.values.resize(before);
  out.histograms.resize(had_histograms ? before : 0);
  out.start_times.resize(had_starts ? before : 0);
  return status;
}

}  // namespace canopy::tsdb
