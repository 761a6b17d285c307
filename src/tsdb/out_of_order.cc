#include "out_of_order.h"

#include <algorithm>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "canopy/base/check.h"
#include "canopy/model/histogram_math.h"
#include "canopy/model/sample.h"
#include "canopy/storage/merge.h"
#include "open_histogram.h"

namespace canopy::tsdb {
namespace {

// As many as Prometheus keeps open: 24 bytes each is little, and sorting them in is cheap.
constexpr size_t kOpenSamples = 32;
// Of chunks that stay in memory.
constexpr chunk::Encodings kEncodings = {chunk::FloatEncoding::kXor2,
                                         chunk::HistogramForm::kWithStarts};

bool IsStaleValue(const StoredValue& value) {
  if (const auto* const v = std::get_if<double>(&value)) return model::IsStale(*v);
  if (const auto* const h = std::get_if<model::Histogram>(&value)) return model::IsStale(h->sum);
  return model::IsStale(std::get<model::FloatHistogram>(value).sum);
}

model::FloatHistogram ToFloats(const model::Histogram& h) {
  model::FloatHistogram out;
  model::ToFloat(h, out);
  return out;
}

bool SameHistograms(const StoredValue& stored, const storage::HistogramValue& value) {
  if (const auto* const floats = std::get_if<model::FloatHistogram>(&stored))
    return !HoldsIntegers(value) &&
           model::SameHistogram(*floats, std::get<model::FloatHistogram>(value));
  const auto* const integers = std::get_if<model::Histogram>(&stored);
  return integers != nullptr && HoldsIntegers(value) &&
         model::SameHistogram(ToFloats(*integers), ToFloats(std::get<model::Histogram>(value)));
}

StoredValue ToStored(const storage::HistogramValue& value) {
  return std::visit([](const auto& h) { return StoredValue(h); }, value);
}

// Of the sample that was added last.
void AddStart(int64_t start, storage::ColumnBuffer& out) {
  if (start == chunk::kNoStart && out.start_times.empty()) return;
  out.start_times.resize(out.times.size(), chunk::kNoStart);
  out.start_times.back() = start;
}

// A column of its own sample by sample, as DecodeChunk() makes it of a chunk.
void AppendSample(const StoredSample& sample, storage::ColumnBuffer& out) {
  out.times.push_back(sample.time);
  AddStart(sample.start, out);
  if (IsStaleValue(sample.value)) {
    out.values.push_back(model::StaleNan());
    out.histograms.push_back(nullptr);
    return;
  }
  model::FloatHistogram& histogram = out.NewHistogram();
  if (const auto* const integers = std::get_if<model::Histogram>(&sample.value))
    model::ToFloat(*integers, histogram);
  else
    histogram = std::get<model::FloatHistogram>(sample.value);
  out.values.push_back(model::NormalNan());
  out.histograms.push_back(&histogram);
}

// The part of the sorted samples with from <= t <= until.
template <class Sample>
std::span<const Sample> InRange(const std::vector<Sample>& samples, int64_t from, int64_t until) {
  const auto begin = std::ranges::lower_bound(samples, from, {}, &Sample::time);
  const auto end = std::ranges::upper_bound(begin, samples.end(), until, {}, &Sample::time);
  return {begin, end};
}

int64_t LastOfBlock(int64_t start, int64_t block_range) {
  int64_t last = 0;
  return __builtin_add_overflow(start, block_range - 1, &last) ? std::numeric_limits<int64_t>::max()
                                                               : last;
}

template <class Sample>
void InsertByTime(std::vector<Sample>& samples, Sample sample) {
  // They mostly come in order among themselves.
  if (samples.empty() || samples.back().time < sample.time) {
    samples.push_back(std::move(sample));
    return;
  }
  const auto place = std::ranges::upper_bound(samples, sample.time, {}, &Sample::time);
  samples.insert(place, std::move(sample));
}

}  // namespace

int64_t StartOfBlock(int64_t t, int64_t block_range) {
  const int64_t rest = t % block_range;
  const int64_t into = rest < 0 ? rest + block_range : rest;
  int64_t start = 0;
  return __builtin_sub_overflow(t, into, &start) ? std::numeric_limits<int64_t>::min() : start;
}

SampleFound CompareSamples(const StoredValue& stored, const ArrivingValue& value) {
  const bool stale =
      value.histogram != nullptr ? IsStale(*value.histogram) : model::IsStale(value.value);
  // A marker is the same whatever kind it is of.
  if (stale) return IsStaleValue(stored) ? SampleFound::kSame : SampleFound::kOther;
  if (value.histogram != nullptr)
    return SameHistograms(stored, *value.histogram) ? SampleFound::kSame : SampleFound::kOther;
  const auto* const number = std::get_if<double>(&stored);
  return number != nullptr && model::SameBits(*number, value.value) ? SampleFound::kSame
                                                                    : SampleFound::kOther;
}

SampleFound OutOfOrderSeries::Find(int64_t t, const ArrivingValue& value) const {
  if (t < min_time_ || t > max_time_) return SampleFound::kNone;
  if (const auto found = InRange(floats_, t, t); !found.empty())
    return CompareSamples(found[0].value, value);
  if (const auto found = InRange(histograms_, t, t); !found.empty())
    return CompareSamples(found[0].value, value);
  std::vector<StoredSample> samples;
  for (const auto& chunk : chunks_) {
    if (t < chunk->min_time || t > chunk->max_time) continue;
    samples.clear();
    // Of our own making.
    CANOPY_CHECK(DecodeStored(chunk->encoding, chunk->data, samples).ok());
    if (const auto found = InRange(samples, t, t); !found.empty())
      return CompareSamples(found[0].value, value);
  }
  return SampleFound::kNone;
}

void OutOfOrderSeries::Insert(int64_t t, const ArrivingValue& value, int64_t block_range) {
  min_time_ = std::min(min_time_, t);
  max_time_ = std::max(max_time_, t);
  if (value.histogram != nullptr) {
    InsertByTime(histograms_, StoredSample{t, ToStored(*value.histogram), value.start});
    if (histograms_.size() >= kOpenSamples) Close(histograms_, block_range);
  } else {
    InsertByTime(floats_, Float{t, value.value, value.start});
    if (floats_.size() >= kOpenSamples) Close(floats_, block_range);
  }
}

template <class Samples>
void OutOfOrderSeries::Close(Samples& open, int64_t block_range) {
  ChunkBuilder builder(kOpenSamples, kEncodings);
  std::vector<SourceChunk> made;
  int64_t start = StartOfBlock(open.front().time, block_range);
  for (const auto& sample : open) {
    if (const int64_t own = StartOfBlock(sample.time, block_range); own != start) {
      builder.Flush(made);
      start = own;
    }
    if constexpr (std::is_same_v<Samples, std::vector<Float>>)
      builder.Add(sample.time, sample.value, sample.start);
    else
      builder.Add(sample);
  }
  builder.Flush(made);
  for (const SourceChunk& chunk : made) {
    chunks_.push_back(std::make_shared<const Chunk>(
        Chunk{chunk.mint, chunk.maxt, chunk.encoding, std::string(chunk.data)}));
  }
  open.clear();
}

Status OutOfOrderSeries::ReadInto(int64_t from, int64_t until, storage::ColumnBuffer& into) const {
  storage::ColumnBuffer column;
  storage::ColumnBuffer scratch;
  for (const auto& chunk : chunks_) {
    if (chunk->max_time < from || chunk->min_time > until) continue;
    column.Clear();
    CANOPY_RETURN_IF_ERROR(DecodeChunk(chunk->encoding, chunk->data, column));
    storage::MergeColumns(into, column.View(), scratch);
  }
  column.Clear();
  for (const Float& sample : InRange(floats_, from, until)) {
    column.times.push_back(sample.time);
    column.values.push_back(sample.value);
    AddStart(sample.start, column);
  }
  storage::MergeColumns(into, column.View(), scratch);
  column.Clear();
  for (const StoredSample& sample : InRange(histograms_, from, until)) AppendSample(sample, column);
  storage::MergeColumns(into, column.View(), scratch);
  return {};
}

Status OutOfOrderSeries::Collect(int64_t start, int64_t block_range,
                                 std::vector<StoredSample>& out) const {
  const int64_t last = LastOfBlock(start, block_range);
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  for (const auto& chunk : chunks_)
    if (chunk->min_time >= start && chunk->min_time <= last)
      CANOPY_RETURN_IF_ERROR(DecodeStored(chunk->encoding, chunk->data, out));
  for (const Float& sample : InRange(floats_, start, last))
    out.push_back({sample.time, sample.value, sample.start});
  for (const StoredSample& sample : InRange(histograms_, start, last)) out.push_back(sample);
  std::ranges::sort(out.begin() + begin, out.end(), {}, &StoredSample::time);
  return {};
}

bool OutOfOrderSeries::HasBlock(int64_t start, int64_t block_range) const {
  const int64_t last = LastOfBlock(start, block_range);
  if (last < min_time_ || start > max_time_) return false;
  return !InRange(floats_, start, last).empty() || !InRange(histograms_, start, last).empty() ||
         std::ranges::any_of(chunks_, [&](const auto& chunk) {
           return chunk->min_time >= start && chunk->min_time <= last;
         });
}

void OutOfOrderSeries::AddBlocks(int64_t block_range, std::set<int64_t>& starts) const {
  for (const auto& chunk : chunks_) starts.insert(StartOfBlock(chunk->min_time, block_range));
  for (const Float& sample : floats_) starts.insert(StartOfBlock(sample.time, block_range));
  for (const StoredSample& sample : histograms_)
    starts.insert(StartOfBlock(sample.time, block_range));
}

}  // namespace canopy::tsdb
