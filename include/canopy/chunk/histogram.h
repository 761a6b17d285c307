#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/chunk/bits.h"
#include "canopy/chunk/encodings.h"
#include "canopy/chunk/starts.h"
#include "canopy/model/histogram.h"

// Prometheus's chunks of native histograms, byte for byte: of integers (encoding 2, histogramST 5)
// and of floats (encoding 3, floathistogramST 6). The ST ones have start timestamps, as starts.h
// draws them.
//
//   chunk    := n <2b be> | reset <2 bit> 0 <6 bit> | layout | first | { next }
//   ST chunk := reset <2 bit> n <14 bit> | header of starts <1b> | layout | first | start
//               | { next | start }
//   reset    := 00 unknown | 01 no reset before the first sample | 10 a reset | 11 gauges
//   layout   := zero threshold | schema <varbit> | spans | spans | bounds   positive, then negative
//   spans    := n <uvarbit> | { length <uvarbit> | offset <varbit> } x n
//   bounds   := n <uvarbit> | { bound } x n                                 with schema -53 only
//   bound    := (bound * 1000 + 1) <uvarbit>         a multiple of 0.001 up to 33554.43
//             | 0 <bound 64 bit>                     any other
//   zero threshold := 0 <1b> | e <1b>, which is 2^(e-244) | 255 <1b> <64 bit>
//
//   integers, first := t <varbit> | count, zero count <uvarbit> | sum <64 bit> | bucket <varbit>
//   ...
//             next  := t, count, zero count, sum, bucket ...: deltas of deltas, <varbit>; but sum
//             is
//                      the change of a float
//   floats,   first := t <varbit> | count, zero count, sum, bucket ... <64 bit>
//             next  := t delta of delta <varbit> | count, zero count, sum, bucket ...: changes
//   change   := as bits.h draws it; each number has a window of its own
//   varbit   := 0 | 10 <3 bit> | 110 <6 bit> | 1110 <9 bit> | 11110 <12 bit> | 111110 <18 bit>
//             | 1111110 <25 bit> | 11111110 <56 bit> | 11111111 <64 bit>
//               signed, a field of n bits holds -(2^(n-1)-1) .. 2^(n-1)
//
// Buckets of integers are differences to the bucket before. A staleness marker is a sum with its
// bits: it has no buckets, and counts that mean nothing; only further markers come behind it.
// Within a chunk no counter is reset and no bucket goes: a sample that has fewer gets empty ones,
// one that has more makes the chunk be written anew with the wider layout.
//
// Source: prometheus 3.14 tsdb/chunkenc/{histogram,float_histogram,histogram_meta,varbit}.go, and
// {histogram,float_histogram}_st.go; the page tsdb/docs/format/chunks.md draws the same, but for
// the ST ones, which it only names.

namespace canopy::chunk {

inline constexpr size_t kHistogramHeaderBytes = 3;

// An integer that is written as the delta of its delta. Wraps around.
struct DoubleDelta {
  uint64_t value = 0;
  uint64_t delta = 0;
};

// Builds one chunk. H is model::Histogram or model::FloatHistogram, always a valid one, whose hint
// says kGauge or not for all samples of a chunk. Not thread-safe.
template <class H>
class HistogramEncoder {
 public:
  explicit HistogramEncoder(HistogramForm form = HistogramForm::kPlain) : form_(form) { Clear(); }
  void Clear();
  HistogramForm form() const { return form_; }

  enum class Outcome : uint8_t {
    kAppended,
    kRecoded,   // as well; but all bytes are new ones
    kNewChunk,  // not taken: the sample must be the first of another chunk
  };
  // Times must ascend. Into an empty chunk as Begin(). A plain chunk has no place for the start.
  Outcome Append(int64_t t, const H& h, int64_t start = kNoStart);

  // Of a chunk that begins with `h` and comes right behind this one: what is known about the
  // counter in between. What the histogram says itself counts first.
  model::CounterResetHint HeaderBehind(const H& h) const;
  // Starts over, with this one sample.
  void Begin(int64_t t, const H& h, model::CounterResetHint header, int64_t start = kNoStart);

  uint16_t size() const { return size_; }
  // The chunk as it is now.
  const std::string& bytes();
  size_t byte_size() const { return out_.bytes().size(); }

 private:
  static constexpr bool kIntegers = std::is_same_v<H, model::Histogram>;
  using Cell = std::conditional_t<kIntegers, DoubleDelta, XorValue>;
  using Count = std::conditional_t<kIntegers, int64_t, double>;
  using Side = model::HistogramSide<Count>;

  struct SideState {
    std::vector<model::HistogramSpan> spans;  // none of them empty
    std::vector<Cell> cells;
  };
  // How the buckets of a sample go together with those of the chunk.
  struct Fit {
    bool fits = false;
    bool widens = false;  // the sample has buckets that the chunk has not
    bool lacks = false;   // the other way round
    model::CounterResetHint header = model::CounterResetHint::kUnknown;
  };

  Fit Examine(const H& h) const;
  static void CompareSide(const SideState& state, const Side& side, Fit& fit, bool& fell);
  void PutLayout(const H& h);
  static void BeginSide(SideState& state, const Side& side);
  void PutFirst(int64_t t, const H& h, int64_t start);
  void PutNext(int64_t t, const H& h, int64_t start);
  void PutStart(int64_t t, int64_t start);
  void PutBuckets(SideState& state, const Side& side);
  void Recode(const std::array<std::vector<model::HistogramSpan>, 2>& spans);

  // What the header can say.
  uint16_t max_samples() const { return form_ == HistogramForm::kPlain ? 0xffff : 0x3fff; }

  HistogramForm form_;
  BitWriter out_;
  StartWriter starts_;
  uint16_t size_ = 0;
  model::CounterResetHint header_ = model::CounterResetHint::kUnknown;
  int32_t schema_ = 0;
  double zero_threshold_ = 0;
  std::vector<double> custom_values_;
  DoubleDelta time_;
  Cell count_;
  Cell zero_count_;
  XorValue sum_;
  SideState positive_;
  SideState negative_;
};
extern template class HistogramEncoder<model::Histogram>;
extern template class HistogramEncoder<model::FloatHistogram>;

// Of the chunk; 0 when it is too short to have one.
uint16_t HistogramCount(std::string_view bytes, HistogramForm form);

// Reads one chunk, sample by sample. The bytes may be hostile, and must outlive this: what comes
// out of them has at most as many buckets as they have bits. Spans and buckets fit together; that
// counts make sense is not checked (model::Validate). Not thread-safe.
template <class H>
class HistogramDecoder {
 public:
  explicit HistogramDecoder(std::string_view bytes, HistogramForm form = HistogramForm::kPlain);

  // False at the end, and when status() says what is wrong: kCorrupt, or kUnsupported for a schema
  // of a later version.
  bool Next();
  Status status() const;

  // Of the chunk.
  uint16_t size() const { return size_; }
  model::CounterResetHint header() const { return header_; }
  // Of the sample; valid until the next one. The hint is kUnknown for the first of a counter: what
  // comes before it need not be the sample that the header means. After a staleness marker nothing
  // but the sum is of use.
  int64_t time() const { return static_cast<int64_t>(time_.value); }
  // kNoStart in a plain chunk.
  int64_t start() const { return start_; }
  bool stale() const { return stale_; }
  const H& histogram() const { return histogram_; }

 private:
  static constexpr bool kIntegers = std::is_same_v<H, model::Histogram>;
  using Cell = std::conditional_t<kIntegers, DoubleDelta, XorValue>;
  using Count = std::conditional_t<kIntegers, int64_t, double>;

  bool ReadLayout();
  bool ReadSpans(model::HistogramSide<Count>& side, std::vector<Cell>& cells);
  bool ReadBounds();
  void ReadFirst();
  void ReadNext();
  void SetHistogram();
  bool Fail(std::string_view what);

  BitReader in_;
  std::optional<StartReader> starts_;
  int64_t start_ = kNoStart;
  uint16_t size_ = 0;
  uint16_t read_ = 0;
  model::CounterResetHint header_ = model::CounterResetHint::kUnknown;
  bool stale_ = false;
  bool possible_ = true;  // no window that cannot be
  Status status_;
  DoubleDelta time_;
  Cell count_;
  Cell zero_count_;
  XorValue sum_;
  std::vector<Cell> positive_;
  std::vector<Cell> negative_;
  H histogram_;
};
extern template class HistogramDecoder<model::Histogram>;
extern template class HistogramDecoder<model::FloatHistogram>;

using IntHistogramEncoder = HistogramEncoder<model::Histogram>;
using FloatHistogramEncoder = HistogramEncoder<model::FloatHistogram>;
using IntHistogramDecoder = HistogramDecoder<model::Histogram>;
using FloatHistogramDecoder = HistogramDecoder<model::FloatHistogram>;

}  // namespace canopy::chunk
