#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "canopy/base/bytes.h"
#include "canopy/base/ids.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/labels.h"
#include "canopy/model/metadata.h"

// What a record of the write-ahead log says, byte for byte as Prometheus has it:
//
//   series      := 0x01 { ref <8b> | labels }
//   samples     := 0x02 ref0 <8b> | t0 <8b> { ref-ref0 <varint> | t-t0 <varint> | value <8b> }
//   tombstones  := 0x03 { ref <8b> | mint <varint> | maxt <varint> }
//   exemplars   := 0x04 ref0 <8b> | t0 <8b> { ref-ref0, t-t0 <varint> | value <8b> | labels }
//   mmapmarkers := 0x05 { ref <8b> | head chunk ref <8b> }                 (in wbl/ only)
//   metadata    := 0x06 { ref <uvarint> | type <1b> | n <uvarint> | { name | text } x n }
//   samples_v2  := 0x0b ref0, t0, st0 <varint> | value <8b>
//                  { ref-previous ref <varint> | t-t0 <varint> | st | value <8b> }
//   labels      := n <uvarint> | { name | value } x n
//   st          := 0x00 none | 0x01 as the row before | 0x02 st-st0 <varint>
//   strings are a uvarint length and bytes, integers are big endian, times are Unix milliseconds
//
// Histogram records are in wal_histogram_record.h. Source: prometheus 3.14 tsdb/record/record.go.
// Its page tsdb/docs/format/wal.md says uvarint where the code writes signed varints: the code
// decides. samples_v2 is what a store writes that keeps start timestamps.
//
// Records come out of a log whose checksums fit, so that a malformed one is rare; the decoders
// still take any bytes. They call back for each row as they go, and return kCorrupt when the rest
// cannot be read: rows before it have been seen by then.

namespace canopy::tsdb {

enum class RecordType : uint8_t {
  kSeries = 1,
  kSamples = 2,
  kTombstones = 3,
  kExemplars = 4,
  kMmapMarkers = 5,
  kMetadata = 6,
  kHistogramSamples = 7,
  kFloatHistogramSamples = 8,
  kCustomBucketsHistogramSamples = 9,
  kCustomBucketsFloatHistogramSamples = 10,
  kSamplesV2 = 11,
  kHistogramSamplesV2 = 12,
  kFloatHistogramSamplesV2 = 13,
  // An empty record, or one of a later version: readers count and skip it.
  kUnknown = 255,
};
RecordType TypeOfRecord(std::string_view record);
// As Prometheus names it in metrics and logs: "series", "histogram_samples", "unknown".
std::string_view RecordTypeName(RecordType type);

// Rows. Views are valid during the callback.
struct RefSeries {
  SeriesRef ref;
  // Sorted by name, names unique, no value empty, whatever the record says.
  std::span<const model::LabelView> labels;
};
struct RefSample {
  SeriesRef ref;
  Timestamp time;
  double value = 0;
  int64_t start = 0;  // when its counter started (Unix ms); 0: not known
};
// Samples of the series with mint <= t <= maxt are deleted.
struct RefTombstone {
  SeriesRef ref;
  Timestamp mint;
  Timestamp maxt;
};
// Ours, and of no series, so that Prometheus passes it over: the tombstone says that samples up to
// maxt are not the head's any more, though the log has them. It stands in for blocks that were
// newest and are gone: what a block has is not taken from the log, and what it had must not be.
//
// In the out-of-order log, which has no other tombstones, it says that what is behind it is ours.
// What Prometheus has in there is deleted where the log says so: its deletions leave that log as it
// is. Ours empty it first, so that what is in it came later.
inline constexpr SeriesRef kEverySeries{};
struct RefExemplar {
  SeriesRef ref;
  Timestamp time;
  double value = 0;
  std::span<const model::LabelView> labels;  // as RefSeries::labels
};
// What the out-of-order log says once a series' samples so far are in a head chunk.
struct RefMmapMarker {
  SeriesRef ref;
  uint64_t head_chunk = 0;
};
struct RefMetadata {
  SeriesRef ref;
  model::MetricType type = model::MetricType::kUnknown;
  std::string_view unit;
  std::string_view help;
};

// Whether records say when counters started: samples_v2 and histograms_v2 do.
enum class LogForm : uint8_t { kPlain, kWithStarts };
// Of a record of samples or histograms.
LogForm LogFormOf(std::string_view record);

// Appends one series record to `out`.
class SeriesEncoder {
 public:
  explicit SeriesEncoder(std::string& out) : out_(out) {
    out_.push_back(static_cast<char>(RecordType::kSeries));
  }
  // `labels`: a range of LabelView with a size(), sorted by name.
  template <class Labels>
  void Add(SeriesRef ref, const Labels& labels) {
    base::PutBe64(out_, ref.value());
    base::PutUvarint(out_, labels.size());
    for (const model::LabelView label : labels) {
      base::PutString(out_, label.name);
      base::PutString(out_, label.value);
    }
  }
  // Their bytes are what the record wants.
  void Add(SeriesRef ref, const model::Labels& labels) {
    base::PutBe64(out_, ref.value());
    base::PutUvarint(out_, labels.size());
    out_.append(labels.bytes());
  }

 private:
  std::string& out_;
};

// The column `st`, row by row, as one record has it.
class RowStarts {
 public:
  // At most kMaxBytes to `p`; returns where they end.
  static constexpr size_t kMaxBytes = 1 + base::kMaxVarintBytes;
  char* Write(char* p, int64_t start);
  int64_t Read(base::ByteReader& in);

 private:
  bool any_ = false;
  int64_t first_ = 0;
  int64_t before_ = 0;
};

// Appends one samples record to `out`, which is whole after Finish(). A few nanoseconds a sample:
// rows are laid out in a buffer of fixed size, without a look at the string's capacity.
class SamplesEncoder {
 public:
  explicit SamplesEncoder(std::string& out, LogForm form = LogForm::kPlain)
      : out_(out), form_(form) {
    const bool plain = form == LogForm::kPlain;
    *p_++ = static_cast<char>(plain ? RecordType::kSamples : RecordType::kSamplesV2);
  }
  SamplesEncoder(const SamplesEncoder&) = delete;
  SamplesEncoder& operator=(const SamplesEncoder&) = delete;

  // A plain record has no place for the start.
  void Add(SeriesRef ref, Timestamp time, double value, int64_t start = 0) {
    if (p_ > buffer_ + sizeof buffer_ - kMaxRowBytes) Flush();
    if (form_ == LogForm::kWithStarts) {
      AddWithStart(ref.value(), static_cast<uint64_t>(time.ms()), start);
    } else {
      if (size_ == 0) {
        ref_ = ref.value();
        first_time_ = static_cast<uint64_t>(time.ms());
        p_ = base::WriteBe64(base::WriteBe64(p_, ref_), first_time_);
      }
      p_ = base::WriteVarint(p_, static_cast<int64_t>(ref.value() - ref_));
      p_ = base::WriteVarint(p_,
                             static_cast<int64_t>(static_cast<uint64_t>(time.ms()) - first_time_));
    }
    p_ = base::WriteBe64(p_, std::bit_cast<uint64_t>(value));
    ++size_;
  }
  void Finish() { Flush(); }
  size_t size() const { return size_; }

 private:
  // Of a plain record's first row; others are shorter.
  static constexpr size_t kMaxRowBytes = 16 + 2 * base::kMaxVarintBytes + 8;
  void AddWithStart(uint64_t ref, uint64_t time, int64_t start);
  void Flush() {
    out_.append(buffer_, p_);
    p_ = buffer_;
  }

  std::string& out_;
  const LogForm form_;
  uint64_t ref_ = 0;  // of the first row; with starts of the row before
  uint64_t first_time_ = 0;
  RowStarts starts_;
  size_t size_ = 0;
  char buffer_[4096];
  char* p_ = buffer_;
};

// Each appends one record to `out`.
void EncodeTombstones(std::span<const RefTombstone> rows, std::string& out);
void EncodeExemplars(std::span<const RefExemplar> rows, std::string& out);
void EncodeMmapMarkers(std::span<const RefMmapMarker> rows, std::string& out);
void EncodeMetadata(std::span<const RefMetadata> rows, std::string& out);

Status DecodeSeries(std::string_view record, const std::function<void(const RefSeries&)>& row);
Status DecodeTombstones(std::string_view record,
                        const std::function<void(const RefTombstone&)>& row);
Status DecodeExemplars(std::string_view record, const std::function<void(const RefExemplar&)>& row);
Status DecodeMmapMarkers(std::string_view record,
                         const std::function<void(const RefMmapMarker&)>& row);
Status DecodeMetadata(std::string_view record, const std::function<void(const RefMetadata&)>& row);

namespace internal {
Status DecodeSamplesV2(std::string_view record, const std::function<void(const RefSample&)>& row);
// "samples record: malformed after 12 rows"
Status MalformedRecord(std::string_view record, size_t rows);
}  // namespace internal

// `row` is called as void(const RefSample&). Takes both kinds of samples records.
template <class Row>
Status DecodeSamples(std::string_view record, Row&& row) {
  const RecordType type = TypeOfRecord(record);
  if (type == RecordType::kSamplesV2) return internal::DecodeSamplesV2(record, row);
  if (type != RecordType::kSamples) return internal::MalformedRecord(record, 0);
  if (record.size() == 1) return {};
  if (record.size() < 17) return internal::MalformedRecord(record, 0);
  const char* p = record.data() + 1;
  const char* const end = record.data() + record.size();
  const uint64_t ref0 = base::LoadBe64(p);
  const uint64_t t0 = base::LoadBe64(p + 8);
  p += 16;
  const auto sample = [&](uint64_t ref, uint64_t t, uint64_t value) {
    row(RefSample{SeriesRef(ref0 + ref), Timestamp::FromMs(static_cast<int64_t>(t0 + t)),
                  std::bit_cast<double>(value)});
  };
  size_t rows = 0;
  // While a row of any size is sure to be there, its bytes need no look at the end.
  for (; static_cast<size_t>(end - p) >= 2 * base::kMaxVarintBytes + 8; ++rows) {
    uint64_t ref = 0;
    uint64_t t = 0;
    if (!base::LoadUvarint(p, ref) || !base::LoadUvarint(p, t))
      return internal::MalformedRecord(record, rows);
    sample(base::UnZigZag(ref), base::UnZigZag(t), base::LoadBe64(p));
    p += 8;
  }
  base::ByteReader in(std::string_view(p, static_cast<size_t>(end - p)));
  for (; !in.empty(); ++rows) {
    const auto ref = static_cast<uint64_t>(in.Varint());
    const auto t = static_cast<uint64_t>(in.Varint());
    const uint64_t value = in.Be64();
    if (!in.ok()) return internal::MalformedRecord(record, rows);
    sample(ref, t, value);
  }
  return {};
}

}  // namespace canopy::tsdb
