#include <cmath>
#include <utility>

#include "canopy/base/check.h"
#include "canopy/chunk/histogram.h"
#include "canopy/model/sample.h"
#include "chunk/histogram_layout.h"
#include "chunk/varbit.h"

namespace canopy::chunk {
namespace {

using model::CounterResetHint;
using model::HistogramSpan;

void PutZeroThreshold(BitWriter& out, double threshold) {
  int exponent = 0;
  const bool half = std::frexp(threshold, &exponent) == 0.5;
  if (threshold == 0) {
    out.Put(0, 8);
  } else if (half && exponent >= -242 && exponent <= 11) {
    out.Put(static_cast<uint64_t>(exponent + 243), 8);
  } else {
    out.Put(255, 8);
    out.Put(std::bit_cast<uint64_t>(threshold), 64);
  }
}

void PutSpans(BitWriter& out, const std::vector<HistogramSpan>& spans) {
  PutUvarbit(out, spans.size());
  for (const HistogramSpan span : spans) {
    PutUvarbit(out, span.length);
    PutVarbit(out, span.offset);
  }
}

void PutBound(BitWriter& out, double bound) {
  // 25 bits of a varbit hold 2^25-1, of which 0 says that the float itself follows.
  constexpr double kMost = 33554430;
  const double thousands = bound * 1000;
  if (thousands >= 0 && thousands <= kMost && std::round(thousands) / 1000 == bound) {
    PutUvarbit(out, static_cast<uint64_t>(std::round(thousands)) + 1);
  } else {
    PutUvarbit(out, 0);
    out.Put(std::bit_cast<uint64_t>(bound), 64);
  }
}

// Numbers of the first sample, and of those behind it. A count is not a bucket: of integers it is
// not signed.
void BeginCount(BitWriter& out, DoubleDelta& cell, uint64_t count) {
  cell = {count, 0};
  PutUvarbit(out, count);
}
void BeginCount(BitWriter& out, XorValue& cell, double count) {
  cell = {.bits = std::bit_cast<uint64_t>(count)};
  out.Put(cell.bits, 64);
}
void BeginBucket(BitWriter& out, DoubleDelta& cell, int64_t listed) {
  cell = {static_cast<uint64_t>(listed), 0};
  PutVarbit(out, listed);
}
void BeginBucket(BitWriter& out, XorValue& cell, double listed) { BeginCount(out, cell, listed); }

void PutDouble(BitWriter& out, DoubleDelta& cell, uint64_t value) {
  const uint64_t delta = value - cell.value;
  PutVarbit(out, static_cast<int64_t>(delta - cell.delta));
  cell = {value, delta};
}
void PutCell(BitWriter& out, DoubleDelta& cell, uint64_t count) { PutDouble(out, cell, count); }
void PutCell(BitWriter& out, DoubleDelta& cell, int64_t listed) {
  PutDouble(out, cell, static_cast<uint64_t>(listed));
}
void PutCell(BitWriter& out, XorValue& cell, double v) {
  PutXor(out, cell, std::bit_cast<uint64_t>(v));
}

// Counts of a marker: of integers nothing is written that could be large, as nobody reads them.
void PutMarkerCount(BitWriter& out, DoubleDelta&) { PutVarbit(out, 0); }
void PutMarkerCount(BitWriter& out, XorValue& cell) { PutXor(out, cell, 0); }

uint64_t CountOf(const DoubleDelta& cell, const model::Histogram&) { return cell.value; }
double CountOf(const XorValue& cell, const model::FloatHistogram&) {
  return std::bit_cast<double>(cell.bits);
}
int64_t ListedOf(const DoubleDelta& cell) { return static_cast<int64_t>(cell.value); }
double ListedOf(const XorValue& cell) { return std::bit_cast<double>(cell.bits); }

}  // namespace

template <class H>
void HistogramEncoder<H>::Clear() {
  out_.Clear(kHistogramHeaderBytes);
  starts_ = {};
  size_ = 0;
  header_ = CounterResetHint::kUnknown;
}

template <class H>
const std::string& HistogramEncoder<H>::bytes() {
  constexpr uint8_t kFlags[] = {0b00, 0b10, 0b01, 0b11};  // by hint
  const auto flags = static_cast<uint8_t>(kFlags[static_cast<size_t>(header_)] << 6);
  const auto high = static_cast<uint8_t>(size_ >> 8);
  std::string& bytes = out_.bytes();
  bytes[0] = static_cast<char>(form_ == HistogramForm::kPlain ? high : flags | high);
  bytes[1] = static_cast<char>(size_ & 0xff);
  // Else it is that of the starts, who keep it themselves.
  if (form_ == HistogramForm::kPlain) bytes[2] = static_cast<char>(flags);
  return bytes;
}

template <class H>
void HistogramEncoder<H>::CompareSide(const SideState& state, const Side& side, Fit& fit,
                                      bool& fell) {
  Count in_chunk = 0;
  Count in_sample = 0;
  if (state.spans == side.spans) {
    for (size_t i = 0; i < state.cells.size(); ++i) {
      in_chunk = ListedCount(ListedOf(state.cells[i]), in_chunk);
      in_sample = ListedCount(side.buckets[i], in_sample);
      fell |= in_chunk > in_sample;
    }
    return;
  }
  ForEachOfBoth(state.spans, side.spans, [&](int64_t, size_t mine, size_t its) {
    if (mine != kNoPlace) in_chunk = ListedCount(ListedOf(state.cells[mine]), in_chunk);
    if (its != kNoPlace) in_sample = ListedCount(side.buckets[its], in_sample);
    fit.widens |= mine == kNoPlace;
    fit.lacks |= its == kNoPlace;
    if (mine != kNoPlace) fell |= its == kNoPlace ? in_chunk != 0 : in_chunk > in_sample;
  });
}

// Prometheus says "no reset" of a counter behind a chunk of gauges; nothing is known there.
template <class H>
typename HistogramEncoder<H>::Fit HistogramEncoder<H>::Examine(const H& h) const {
  Fit fit;
  const bool gauge = h.hint == CounterResetHint::kGauge;
  if (gauge) fit.header = CounterResetHint::kGauge;
  if (h.hint == CounterResetHint::kReset) {
    fit.header = CounterResetHint::kReset;
    return fit;
  }
  if (model::IsStale(h.sum)) {
    fit.fits = true;
    fit.header = header_ == CounterResetHint::kGauge ? header_ : CounterResetHint::kNotReset;
    return fit;
  }
  if (model::IsStale(std::bit_cast<double>(sum_.bits))) return fit;
  if (gauge != (header_ == CounterResetHint::kGauge)) return fit;
  bool fell = h.count < CountOf(count_, h);
  const bool same_layout = h.schema == schema_ && h.zero_threshold == zero_threshold_;
  const bool same_bounds = h.custom_values == custom_values_;
  if (same_layout && same_bounds && (gauge || !fell)) {
    fell |= h.zero_count < CountOf(zero_count_, h);
    CompareSide(positive_, h.positive, fit, fell);
    CompareSide(negative_, h.negative, fit, fell);
  }
  if (gauge) {
    fit.fits = same_layout && same_bounds;
    return fit;
  }
  // Other bounds are another counter; another resolution may be of the same one.
  if (fell || (same_layout && !same_bounds)) {
    fit.header = CounterResetHint::kReset;
  } else if (same_layout) {
    fit.header = CounterResetHint::kNotReset;
    fit.fits = true;
  }
  return fit;
}

template <class H>
CounterResetHint HistogramEncoder<H>::HeaderBehind(const H& h) const {
  if (size_ > 0) return Examine(h).header;
  const bool says = h.hint == CounterResetHint::kGauge || h.hint == CounterResetHint::kReset;
  return says ? h.hint : CounterResetHint::kUnknown;
}

template <class H>
void HistogramEncoder<H>::Begin(int64_t t, const H& h, CounterResetHint header, int64_t start) {
  Clear();
  header_ = header;
  if (model::IsStale(h.sum)) {
    H marker;
    marker.sum = h.sum;
    PutFirst(t, marker, start);
  } else {
    PutFirst(t, h, start);
  }
  size_ = 1;
}

template <class H>
typename HistogramEncoder<H>::Outcome HistogramEncoder<H>::Append(int64_t t, const H& h,
                                                                  int64_t start) {
  if (size_ == 0) {
    Begin(t, h, HeaderBehind(h), start);
    return Outcome::kAppended;
  }
  if (size_ == max_samples()) return Outcome::kNewChunk;
  const Fit fit = Examine(h);
  if (!fit.fits) return Outcome::kNewChunk;
  if (!fit.widens && !fit.lacks) {
    PutNext(t, h, start);
    return Outcome::kAppended;
  }
  if (fit.widens) {
    Recode({UnionOfSpans(positive_.spans, h.positive.spans),
            UnionOfSpans(negative_.spans, h.negative.spans)});
  }
  H wide = h;
  WidenSide(wide.positive, positive_.spans);
  WidenSide(wide.negative, negative_.spans);
  PutNext(t, wide, start);
  return fit.widens ? Outcome::kRecoded : Outcome::kAppended;
}

template <class H>
void HistogramEncoder<H>::Recode(const std::array<std::vector<HistogramSpan>, 2>& spans) {
  const std::string old = bytes();
  HistogramDecoder<H> samples(old, form_);
  const CounterResetHint header = header_;
  Clear();
  while (samples.Next()) {
    H h = samples.histogram();
    WidenSide(h.positive, spans[0]);
    WidenSide(h.negative, spans[1]);
    if (size_ == 0)
      Begin(samples.time(), h, header, samples.start());
    else
      PutNext(samples.time(), h, samples.start());
  }
  CANOPY_CHECK(samples.status().ok());
}

template <class H>
void HistogramEncoder<H>::PutLayout(const H& h) {
  schema_ = h.schema;
  zero_threshold_ = h.zero_threshold;
  custom_values_ = h.custom_values;
  BeginSide(positive_, h.positive);
  BeginSide(negative_, h.negative);
  PutZeroThreshold(out_, zero_threshold_);
  PutVarbit(out_, schema_);
  PutSpans(out_, positive_.spans);
  PutSpans(out_, negative_.spans);
  if (!h.custom_buckets()) return;
  PutUvarbit(out_, custom_values_.size());
  for (const double bound : custom_values_) PutBound(out_, bound);
}

template <class H>
void HistogramEncoder<H>::BeginSide(SideState& state, const Side& side) {
  state.spans = WithoutEmptySpans(side.spans);
  state.cells.assign(side.buckets.size(), {});
}

template <class H>
void HistogramEncoder<H>::PutFirst(int64_t t, const H& h, int64_t start) {
  PutLayout(h);
  time_ = {static_cast<uint64_t>(t), 0};
  PutVarbit(out_, t);
  BeginCount(out_, count_, h.count);
  BeginCount(out_, zero_count_, h.zero_count);
  BeginCount(out_, sum_, h.sum);
  for (size_t i = 0; i < h.positive.buckets.size(); ++i)
    BeginBucket(out_, positive_.cells[i], h.positive.buckets[i]);
  for (size_t i = 0; i < h.negative.buckets.size(); ++i)
    BeginBucket(out_, negative_.cells[i], h.negative.buckets[i]);
  PutStart(t, start);
}

// REQUIRES: the sample lists the buckets of the chunk, or is a marker.
template <class H>
void HistogramEncoder<H>::PutNext(int64_t t, const H& h, int64_t start) {
  PutDouble(out_, time_, static_cast<uint64_t>(t));
  const bool marker = model::IsStale(h.sum);
  if (marker) {
    PutMarkerCount(out_, count_);
    PutMarkerCount(out_, zero_count_);
  } else {
    PutCell(out_, count_, h.count);
    PutCell(out_, zero_count_, h.zero_count);
  }
  PutXor(out_, sum_, std::bit_cast<uint64_t>(h.sum));
  if (!marker) {
    PutBuckets(positive_, h.positive);
    PutBuckets(negative_, h.negative);
  }
  PutStart(t, start);
  ++size_;
}

template <class H>
void HistogramEncoder<H>::PutStart(int64_t t, int64_t start) {
  if (form_ == HistogramForm::kWithStarts) starts_.Put(out_, t, start);
}

template <class H>
void HistogramEncoder<H>::PutBuckets(SideState& state, const Side& side) {
  for (size_t i = 0; i < state.cells.size(); ++i) PutCell(out_, state.cells[i], side.buckets[i]);
}

template class HistogramEncoder<model::Histogram>;
template class HistogramEncoder<model::FloatHistogram>;

}  // namespace canopy::chunk
