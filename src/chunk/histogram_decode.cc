#include <cmath>

#include "canopy/chunk/histogram.h"
#include "canopy/model/sample.h"
#include "chunk/varbit.h"

namespace canopy::chunk {
namespace {

using model::CounterResetHint;
using model::HistogramSpan;

// Bounds are kept once in a chunk, and again in each histogram that comes out of it: more than this
// of them together is no data.
constexpr uint64_t kMaxBoundsOfAll = uint64_t{1} << 24;

double GetZeroThreshold(BitReader& in) {
  const uint64_t byte = in.Get(8);
  if (byte == 0) return 0;
  if (byte == 255) return std::bit_cast<double>(in.Get(64));
  return std::ldexp(0.5, static_cast<int>(byte) - 243);
}

void ReadCount(BitReader& in, DoubleDelta& cell) { cell = {GetUvarbit(in), 0}; }
void ReadCount(BitReader& in, XorValue& cell) { cell = {.bits = in.Get(64)}; }
void ReadBucket(BitReader& in, DoubleDelta& cell) {
  cell = {static_cast<uint64_t>(GetVarbit(in)), 0};
}
void ReadBucket(BitReader& in, XorValue& cell) { ReadCount(in, cell); }

// False when the bytes cannot be.
bool ReadCell(BitReader& in, DoubleDelta& cell) {
  cell.delta += static_cast<uint64_t>(GetVarbit(in));
  cell.value += cell.delta;
  return true;
}
bool ReadCell(BitReader& in, XorValue& cell) { return GetXor(in, cell); }

void Set(uint64_t& out, const DoubleDelta& cell) { out = cell.value; }
void Set(int64_t& out, const DoubleDelta& cell) { out = static_cast<int64_t>(cell.value); }
void Set(double& out, const XorValue& cell) { out = std::bit_cast<double>(cell.bits); }

}  // namespace

uint16_t HistogramCount(std::string_view bytes, HistogramForm form) {
  if (bytes.size() < kHistogramHeaderBytes) return 0;
  const unsigned count =
      static_cast<uint8_t>(bytes[0]) << 8 | unsigned{static_cast<uint8_t>(bytes[1])};
  return static_cast<uint16_t>(form == HistogramForm::kPlain ? count : count & 0x3fff);
}

template <class H>
HistogramDecoder<H>::HistogramDecoder(std::string_view bytes, HistogramForm form)
    : in_(bytes.substr(std::min(bytes.size(), kHistogramHeaderBytes))),
      size_(HistogramCount(bytes, form)) {
  if (bytes.size() < kHistogramHeaderBytes) {
    status_ = Status::Corrupt("histogram chunk without a header");
    return;
  }
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (form == HistogramForm::kWithStarts) starts_.emplace(byte(2));
  constexpr CounterResetHint kHints[] = {CounterResetHint::kUnknown, CounterResetHint::kNotReset,
                                         CounterResetHint::kReset, CounterResetHint::kGauge};
  header_ = kHints[byte(starts_ ? 0 : 2) >> 6];
}

template <class H>
bool HistogramDecoder<H>::Fail(std::string_view what) {
  if (status_.ok()) status_ = Status::Corrupt("histogram chunk " + std::string(what));
  return false;
}

template <class H>
Status HistogramDecoder<H>::status() const {
  return status_;
}

template <class H>
bool HistogramDecoder<H>::Next() {
  if (!status_.ok() || read_ == size_) return false;
  if (read_ == 0) {
    if (!ReadLayout()) return false;
    ReadFirst();
  } else {
    ReadNext();
  }
  if (starts_) start_ = starts_->Get(in_, time());
  if (!in_.ok()) return Fail("ends too early");
  if (!possible_) return Fail("with an impossible window");
  ++read_;
  SetHistogram();
  return true;
}

template <class H>
bool HistogramDecoder<H>::ReadLayout() {
  histogram_.zero_threshold = GetZeroThreshold(in_);
  const int64_t schema = GetVarbit(in_);
  if (!in_.ok()) return Fail("ends too early");
  if (schema != model::kCustomBucketsSchema &&
      (schema < model::kMinExponentialSchema || schema > model::kMaxExponentialSchema)) {
    status_ = Status::Unsupported("histogram chunk of schema " + std::to_string(schema));
    return false;
  }
  histogram_.schema = static_cast<int32_t>(schema);
  if (!ReadSpans(histogram_.positive, positive_) || !ReadSpans(histogram_.negative, negative_))
    return false;
  if (histogram_.custom_buckets() && !ReadBounds()) return false;
  // As long as all counts are zero, what may be wrong is the layout.
  const Status valid = model::Validate(histogram_);
  return valid.ok() || Fail("with an impossible layout: " + valid.message());
}

// Empty spans are left out: a chunk can have many of them, which each sample would have as well.
template <class H>
bool HistogramDecoder<H>::ReadSpans(model::HistogramSide<Count>& side, std::vector<Cell>& cells) {
  uint64_t buckets = 0;
  int64_t skipped = 0;
  for (uint64_t n = GetUvarbit(in_); n > 0 && in_.ok(); --n) {
    const uint64_t length = GetUvarbit(in_);
    const int64_t offset = GetVarbit(in_);
    if (offset < INT32_MIN || offset > INT32_MAX) return Fail("with a span that is out of range");
    skipped += offset;
    // No sample has a bucket in less than a bit.
    if (length > in_.remaining_bits() || buckets + length > in_.remaining_bits())
      return Fail("with more buckets than bits");
    if (length == 0) continue;
    if (skipped < INT32_MIN || skipped > INT32_MAX) return Fail("with a span that is out of range");
    side.spans.push_back({static_cast<int32_t>(skipped), static_cast<uint32_t>(length)});
    skipped = 0;
    buckets += length;
  }
  if (!in_.ok()) return Fail("ends too early");
  side.buckets.resize(buckets);
  cells.resize(buckets);
  return true;
}

template <class H>
bool HistogramDecoder<H>::ReadBounds() {
  const uint64_t bounds = GetUvarbit(in_);
  if (bounds > in_.remaining_bits() || bounds * size_ > kMaxBoundsOfAll)
    return Fail("with too many bounds");
  for (uint64_t i = 0; i < bounds && in_.ok(); ++i) {
    const uint64_t thousands = GetUvarbit(in_);
    histogram_.custom_values.push_back(thousands == 0 ? std::bit_cast<double>(in_.Get(64))
                                                      : static_cast<double>(thousands - 1) / 1000);
  }
  return in_.ok() || Fail("ends too early");
}

template <class H>
void HistogramDecoder<H>::ReadFirst() {
  time_ = {static_cast<uint64_t>(GetVarbit(in_)), 0};
  ReadCount(in_, count_);
  ReadCount(in_, zero_count_);
  ReadCount(in_, sum_);
  for (Cell& cell : positive_) ReadBucket(in_, cell);
  for (Cell& cell : negative_) ReadBucket(in_, cell);
}

template <class H>
void HistogramDecoder<H>::ReadNext() {
  (void)ReadCell(in_, time_);
  possible_ = ReadCell(in_, count_) && ReadCell(in_, zero_count_) && ReadCell(in_, sum_);
  if (model::IsStale(std::bit_cast<double>(sum_.bits))) return;
  for (Cell& cell : positive_) possible_ &= ReadCell(in_, cell);
  for (Cell& cell : negative_) possible_ &= ReadCell(in_, cell);
}

template <class H>
void HistogramDecoder<H>::SetHistogram() {
  H& h = histogram_;
  Set(h.sum, sum_);
  stale_ = model::IsStale(h.sum);
  h.hint = header_ == CounterResetHint::kGauge ? header_
           : read_ == 1                        ? CounterResetHint::kUnknown
                                               : CounterResetHint::kNotReset;
  if (stale_) return;
  Set(h.count, count_);
  Set(h.zero_count, zero_count_);
  for (size_t i = 0; i < positive_.size(); ++i) Set(h.positive.buckets[i], positive_[i]);
  for (size_t i = 0; i < negative_.size(); ++i) Set(h.negative.buckets[i], negative_[i]);
}

template class HistogramDecoder<model::Histogram>;
template class HistogramDecoder<model::FloatHistogram>;

}  // namespace canopy::chunk
