#include "tsdb/wal_histogram_record.h"

#include <bit>
#include <type_traits>

#include "canopy/base/bytes.h"
#include "tsdb/wal_record.h"

namespace canopy::tsdb {
namespace {

using base::ByteReader;

void Put(std::string& out, double v) { base::PutBe64(out, std::bit_cast<uint64_t>(v)); }
void Put(std::string& out, uint64_t v) { base::PutUvarint(out, v); }
void Put(std::string& out, int64_t v) { base::PutVarint(out, v); }
void Put(std::string& out, const RefHistogramSpan& span) {
  base::PutVarint(out, span.offset);
  base::PutUvarint(out, span.length);
}
template <class T>
void Put(std::string& out, const std::vector<T>& list) {
  base::PutUvarint(out, list.size());
  for (const T& item : list) Put(out, item);
}

void Get(ByteReader& in, double& v) { v = in.BeDouble(); }
void Get(ByteReader& in, uint64_t& v) { v = in.Uvarint(); }
void Get(ByteReader& in, int64_t& v) { v = in.Varint(); }
void Get(ByteReader& in, RefHistogramSpan& span) {
  span.offset = static_cast<int32_t>(in.Varint());
  span.length = static_cast<uint32_t>(in.Uvarint());
}
// Grows with what is there, whatever the length claims.
template <class T>
void Get(ByteReader& in, std::vector<T>& list) {
  list.clear();
  for (uint64_t n = in.Uvarint(); n > 0 && in.ok(); --n) Get(in, list.emplace_back());
}

template <class Histogram>
void PutHistogram(std::string& out, const Histogram& h) {
  out.push_back(static_cast<char>(h.counter_reset_hint));
  base::PutVarint(out, h.schema);
  Put(out, h.zero_threshold);
  Put(out, h.zero_count);
  Put(out, h.count);
  Put(out, h.sum);
  Put(out, h.positive_spans);
  Put(out, h.negative_spans);
  Put(out, h.positive_buckets);
  Put(out, h.negative_buckets);
  if (h.schema == kCustomBucketsSchema) Put(out, h.custom_values);
}

template <class Histogram>
void GetHistogram(ByteReader& in, Histogram& h) {
  h.counter_reset_hint = in.U8();
  h.schema = static_cast<int32_t>(in.Varint());
  Get(in, h.zero_threshold);
  Get(in, h.zero_count);
  Get(in, h.count);
  Get(in, h.sum);
  Get(in, h.positive_spans);
  Get(in, h.negative_spans);
  Get(in, h.positive_buckets);
  Get(in, h.negative_buckets);
  h.custom_values.clear();
  if (h.schema == kCustomBucketsSchema) Get(in, h.custom_values);
}

template <class Histogram>
void EncodeWithStarts(std::span<const Histogram> rows, RecordType type, std::string& out) {
  if (rows.empty()) return;
  out.push_back(static_cast<char>(type));
  uint64_t ref = 0;
  uint64_t first_time = 0;
  RowStarts starts;
  for (const Histogram& row : rows) {
    const auto time = static_cast<uint64_t>(row.time.ms());
    base::PutVarint(out, static_cast<int64_t>(row.ref.value() - ref));
    base::PutVarint(out, static_cast<int64_t>(time - first_time));
    char start[RowStarts::kMaxBytes];
    out.append(start, starts.Write(start, row.start));
    PutHistogram(out, row);
    ref = row.ref.value();
    if (&row == rows.data()) first_time = time;
  }
}

template <class Histogram>
void EncodeKind(std::span<const Histogram> rows, bool custom, RecordType type, std::string& out) {
  const Histogram* first = nullptr;
  for (const Histogram& row : rows) {
    if ((row.schema == kCustomBucketsSchema) != custom) continue;
    if (first == nullptr) {
      first = &row;
      out.push_back(static_cast<char>(type));
      base::PutBe64(out, row.ref.value());
      base::PutBe64(out, static_cast<uint64_t>(row.time.ms()));
    }
    base::PutVarint(out, static_cast<int64_t>(row.ref.value() - first->ref.value()));
    base::PutVarint(out, static_cast<int64_t>(static_cast<uint64_t>(row.time.ms()) -
                                              static_cast<uint64_t>(first->time.ms())));
    PutHistogram(out, row);
  }
}

// The refs and times of rows in either version of the record.
class RowKeys {
 public:
  explicit RowKeys(bool v2) : v2_(v2) {}

  void Read(ByteReader& in, SeriesRef& ref, Timestamp& time, int64_t& start) {
    if (first_ && !v2_) {
      ref_ = in.Be64();
      t0_ = in.Be64();
      first_ = false;
    }
    const auto dref = static_cast<uint64_t>(in.Varint());
    const auto dt = static_cast<uint64_t>(in.Varint());
    ref = SeriesRef(ref_ + dref);
    time = Timestamp::FromMs(static_cast<int64_t>(t0_ + dt));
    if (!v2_) return;
    ref_ = ref.value();
    if (first_) t0_ = dt;
    first_ = false;
    start = starts_.Read(in);
  }

 private:
  const bool v2_;
  bool first_ = true;
  uint64_t ref_ = 0;  // of the first row; in version 2 of the row before
  uint64_t t0_ = 0;
  RowStarts starts_;
};

template <class Histogram>
Status Decode(std::string_view record, RecordType v2,
              const std::function<void(const Histogram&)>& emit) {
  RowKeys keys(TypeOfRecord(record) == v2);
  ByteReader in(record.substr(1));
  Histogram row;
  for (size_t rows = 0; !in.empty(); ++rows) {
    keys.Read(in, row.ref, row.time, row.start);
    GetHistogram(in, row);
    if (!in.ok()) return internal::MalformedRecord(record, rows);
    emit(row);
  }
  return {};
}

}  // namespace

void EncodeHistograms(std::span<const RefHistogram> rows, LogForm form, std::string& exponential,
                      std::string& custom) {
  if (form == LogForm::kWithStarts)
    return EncodeWithStarts(rows, RecordType::kHistogramSamplesV2, exponential);
  EncodeKind(rows, false, RecordType::kHistogramSamples, exponential);
  EncodeKind(rows, true, RecordType::kCustomBucketsHistogramSamples, custom);
}

void EncodeFloatHistograms(std::span<const RefFloatHistogram> rows, LogForm form,
                           std::string& exponential, std::string& custom) {
  if (form == LogForm::kWithStarts)
    return EncodeWithStarts(rows, RecordType::kFloatHistogramSamplesV2, exponential);
  EncodeKind(rows, false, RecordType::kFloatHistogramSamples, exponential);
  EncodeKind(rows, true, RecordType::kCustomBucketsFloatHistogramSamples, custom);
}

Status DecodeHistograms(std::string_view record,
                        const std::function<void(const RefHistogram&)>& row) {
  const RecordType type = TypeOfRecord(record);
  if (type != RecordType::kHistogramSamples && type != RecordType::kCustomBucketsHistogramSamples &&
      type != RecordType::kHistogramSamplesV2)
    return internal::MalformedRecord(record, 0);
  return Decode(record, RecordType::kHistogramSamplesV2, row);
}

Status DecodeFloatHistograms(std::string_view record,
                             const std::function<void(const RefFloatHistogram&)>& row) {
  const RecordType type = TypeOfRecord(record);
  if (type != RecordType::kFloatHistogramSamples &&
      type != RecordType::kCustomBucketsFloatHistogramSamples &&
      type != RecordType::kFloatHistogramSamplesV2)
    return internal::MalformedRecord(record, 0);
  return Decode(record, RecordType::kFloatHistogramSamplesV2, row);
}

}  // namespace canopy::tsdb
