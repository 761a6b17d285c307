#include "wal_histogram_value.h"

#include <utility>

#include "canopy/model/sample.h"

namespace canopy::tsdb {
namespace {

template <class To, class From>
std::vector<To> Spans(const std::vector<From>& spans) {
  std::vector<To> out;
  out.reserve(spans.size());
  for (const From& span : spans) out.push_back({span.offset, span.length});
  return out;
}

template <class Row, class H>
Row RowOf(SeriesRef ref, Timestamp time, int64_t start, const H& h) {
  Row row;
  row.ref = ref;
  row.time = time;
  row.start = start;
  row.counter_reset_hint = static_cast<uint8_t>(h.hint);
  row.schema = h.schema;
  row.zero_threshold = h.zero_threshold;
  row.zero_count = h.zero_count;
  row.count = h.count;
  row.sum = h.sum;
  row.positive_spans = Spans<RefHistogramSpan>(h.positive.spans);
  row.negative_spans = Spans<RefHistogramSpan>(h.negative.spans);
  row.positive_buckets = h.positive.buckets;
  row.negative_buckets = h.negative.buckets;
  row.custom_values = h.custom_values;
  return row;
}

template <class H, class Row>
Result<storage::HistogramValue> ValueOf(const Row& row) {
  H h;
  h.sum = row.sum;
  if (model::IsStale(row.sum)) return storage::HistogramValue(std::move(h));
  h.hint = static_cast<model::CounterResetHint>(row.counter_reset_hint & 3);
  h.schema = row.schema;
  h.zero_threshold = row.zero_threshold;
  h.zero_count = row.zero_count;
  h.count = row.count;
  h.positive = {Spans<model::HistogramSpan>(row.positive_spans), row.positive_buckets};
  h.negative = {Spans<model::HistogramSpan>(row.negative_spans), row.negative_buckets};
  h.custom_values = row.custom_values;
  if (const Status status = model::Validate(h); !status.ok())
    return Status::Corrupt(status.message());
  return storage::HistogramValue(std::move(h));
}

}  // namespace

RefHistogram ToRow(SeriesRef ref, Timestamp time, int64_t start, const model::Histogram& h) {
  return RowOf<RefHistogram>(ref, time, start, h);
}
RefFloatHistogram ToRow(SeriesRef ref, Timestamp time, int64_t start,
                        const model::FloatHistogram& h) {
  return RowOf<RefFloatHistogram>(ref, time, start, h);
}
Result<storage::HistogramValue> FromRow(const RefHistogram& row) {
  return ValueOf<model::Histogram>(row);
}
Result<storage::HistogramValue> FromRow(const RefFloatHistogram& row) {
  return ValueOf<model::FloatHistogram>(row);
}

}  // namespace canopy::tsdb
