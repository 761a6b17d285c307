#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/ids.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "wal_record.h"

// Native histograms in the write-ahead log (the other records are in wal_record.h):
//
//   histograms    := type | ref0 <8b> | t0 <8b> { ref-ref0 <varint> | t-t0 <varint> | histogram }
//   histograms_v2 := type | ref0, t0, st0 <varint> | histogram
//                    { ref-previous ref <varint> | t-t0 <varint> | st | histogram }
//   histogram     := hint <1b> | schema <varint> | zero threshold <8b>
//                    | zero count, count <uvarint; 8b float> | sum <8b>
//                    | spans | spans | buckets | buckets               positive, then negative
//                    | custom values                                   with schema -53 only
//   spans         := n <uvarint> | { offset <varint> | length <uvarint> } x n
//   buckets       := n <uvarint> | { delta <varint>; count <8b float> } x n
//   custom values := n <uvarint> | { bound <8b> } x n
//
// Types: 7 integer and 8 float with exponential buckets, 9 and 10 with custom buckets, 12 and 13
// the second version of both kinds of buckets, with start timestamps.
// Source: prometheus 3.14 tsdb/record/record.go.

namespace canopy::tsdb {

inline constexpr int32_t kCustomBucketsSchema = -53;

struct RefHistogramSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const RefHistogramSpan&, const RefHistogramSpan&) = default;
};

// A row, exactly as recorded: schemas that nobody knows and buckets that do not fit the spans come
// through, and are for the caller to refuse.
template <class Count, class Bucket>
struct RefHistogramOf {
  SeriesRef ref;
  Timestamp time;
  int64_t start = 0;  // when its counter started (Unix ms); 0: not known
  uint8_t counter_reset_hint = 0;
  int32_t schema = 0;
  double zero_threshold = 0;
  Count zero_count = 0;
  Count count = 0;
  double sum = 0;
  std::vector<RefHistogramSpan> positive_spans;
  std::vector<RefHistogramSpan> negative_spans;
  std::vector<Bucket> positive_buckets;
  std::vector<Bucket> negative_buckets;
  std::vector<double> custom_values;
  friend bool operator==(const RefHistogramOf&, const RefHistogramOf&) = default;
};
// Buckets are the first count and then what each one adds to the one before.
using RefHistogram = RefHistogramOf<uint64_t, int64_t>;
// Buckets are counts.
using RefFloatHistogram = RefHistogramOf<double, double>;

// Exponential and custom buckets go to records of their own; with starts, to one. Each of the two
// strings gets one record appended, or nothing when there is no row of its kind.
void EncodeHistograms(std::span<const RefHistogram> rows, LogForm form, std::string& exponential,
                      std::string& custom);
void EncodeFloatHistograms(std::span<const RefFloatHistogram> rows, LogForm form,
                           std::string& exponential, std::string& custom);

// Records of the types 7, 9 and 12; 8, 10 and 13. The row is reused from call to call.
Status DecodeHistograms(std::string_view record,
                        const std::function<void(const RefHistogram&)>& row);
Status DecodeFloatHistograms(std::string_view record,
                             const std::function<void(const RefFloatHistogram&)>& row);

}  // namespace canopy::tsdb
