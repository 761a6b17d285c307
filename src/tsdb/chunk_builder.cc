#include "tsdb/chunk_builder.h"

#include <algorithm>
#include <utility>

#include "canopy/model/sample.h"

namespace canopy::tsdb {
namespace {

template <class H>
Status AddHistograms(ChunkEncoding encoding, std::string_view data,
                     std::vector<StoredSample>& out) {
  chunk::HistogramDecoder<H> samples(data, HistogramFormOf(encoding));
  while (samples.Next()) {
    if (!samples.stale()) {
      out.push_back({samples.time(), samples.histogram(), samples.start()});
      continue;
    }
    H marker;
    marker.sum = model::StaleNan();
    out.push_back({samples.time(), std::move(marker), samples.start()});
  }
  return samples.status();
}

Status AddFloats(ChunkEncoding encoding, std::string_view data, std::vector<StoredSample>& out) {
  std::vector<int64_t> times;
  std::vector<double> values;
  if (encoding == ChunkEncoding::kXor) {
    CANOPY_RETURN_IF_ERROR(chunk::DecodeXor(data, times, values));
    for (size_t i = 0; i < times.size(); ++i) out.push_back({times[i], values[i]});
    return {};
  }
  std::vector<int64_t> starts;
  CANOPY_RETURN_IF_ERROR(chunk::DecodeXor2(data, times, values, &starts));
  for (size_t i = 0; i < times.size(); ++i) out.push_back({times[i], values[i], starts[i]});
  return {};
}

Status DecodeKind(ChunkEncoding encoding, std::string_view data, std::vector<StoredSample>& out) {
  switch (encoding) {
    case ChunkEncoding::kXor:
    case ChunkEncoding::kXor2:
      return AddFloats(encoding, data, out);
    case ChunkEncoding::kHistogram:
    case ChunkEncoding::kHistogramSt:
      return AddHistograms<model::Histogram>(encoding, data, out);
    case ChunkEncoding::kFloatHistogram:
    case ChunkEncoding::kFloatHistogramSt:
      return AddHistograms<model::FloatHistogram>(encoding, data, out);
    case ChunkEncoding::kNone:
      break;
  }
  return Status::Corrupt(ChunkEncodingName(encoding));
}

}  // namespace

Status DecodeStored(ChunkEncoding encoding, std::string_view data, std::vector<StoredSample>& out) {
  const auto before = static_cast<std::ptrdiff_t>(out.size());
  CANOPY_RETURN_IF_ERROR(DecodeKind(encoding, data, out));
  const auto unordered =
      std::adjacent_find(out.begin() + before, out.end(),
                         [](const auto& a, const auto& b) { return a.time >= b.time; });
  if (unordered == out.end()) return {};
  return Status::Corrupt("times of a chunk do not ascend");
}

template <class H>
void ChunkBuilder::AddHistogram(int64_t t, const H& h, int64_t start,
                                chunk::HistogramEncoder<H>& encoder) {
  constexpr bool kIntegers = std::is_same_v<H, model::Histogram>;
  const ChunkEncoding encoding = EncodingOf(encoder.form(), kIntegers);
  if (encoding_ != encoding) {
    Close();
    encoder.Clear();
  }
  const model::CounterResetHint header = encoder.HeaderBehind(h);
  if (encoder.size() == 0 || encoder.size() == samples_per_chunk_ ||
      encoder.Append(t, h, start) == chunk::HistogramEncoder<H>::Outcome::kNewChunk) {
    Close();
    encoder.Begin(t, h, header, start);
    Open(encoding, t);
  }
  last_ = t;
}

void ChunkBuilder::Add(int64_t t, const model::Histogram& h, int64_t start) {
  AddHistogram(t, h, start, integers_);
}
void ChunkBuilder::Add(int64_t t, const model::FloatHistogram& h, int64_t start) {
  AddHistogram(t, h, start, floats_);
}

void ChunkBuilder::Close() {
  if (encoding_ == ChunkEncoding::kNone) return;
  bytes_.push_back(!HoldsHistograms(encoding_)                       ? values_.bytes()
                   : encoding_ == EncodingOf(integers_.form(), true) ? integers_.bytes()
                                                                     : floats_.bytes());
  done_.push_back({first_, last_, encoding_, bytes_.back()});
  encoding_ = ChunkEncoding::kNone;
}

void ChunkBuilder::Flush(std::vector<SourceChunk>& out) {
  Close();
  out.insert(out.end(), done_.begin(), done_.end());
  done_.clear();
}

void ChunkBuilder::Clear() {
  encoding_ = ChunkEncoding::kNone;
  bytes_.clear();
  done_.clear();
}

}  // namespace canopy::tsdb
