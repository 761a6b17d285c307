#include <limits>
#include <string>

#include "canopy/base/number.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/model/histogram_math.h"

namespace canopy::model {
namespace {

void Append(std::string& out, double v) { base::AppendFloatShortest(out, v); }

// Fields of a test expression, with a blank between them.
class Fields {
 public:
  void Add(std::string_view name, double v) {
    Name(name);
    Append(out_, v);
  }
  void Add(std::string_view name, int32_t v) { Add(name, std::to_string(v)); }
  void Add(std::string_view name, std::string_view text) {
    Name(name);
    out_ += text;
  }
  void Add(std::string_view name, const std::vector<double>& values) {
    Name(name);
    out_ += '[';
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_ += ' ';
      Append(out_, values[i]);
    }
    out_ += ']';
  }
  std::string Text() const { return "{{" + out_ + "}}"; }

 private:
  void Name(std::string_view name) {
    if (!out_.empty()) out_ += ' ';
    out_.append(name).append(1, ':');
  }

  std::string out_;
};

std::string_view HintText(CounterResetHint hint) {
  switch (hint) {
    case CounterResetHint::kUnknown:
      return "";
    case CounterResetHint::kReset:
      return "reset";
    case CounterResetHint::kNotReset:
      return "not_reset";
    case CounterResetHint::kGauge:
      return "gauge";
  }
  return "";
}

}  // namespace

void AppendText(std::string& out, const HistogramBucket& bucket) {
  out += bucket.lower_inclusive ? '[' : '(';
  Append(out, bucket.lower);
  out += ',';
  Append(out, bucket.upper);
  out += bucket.upper_inclusive ? ']' : ')';
  out += ':';
  Append(out, bucket.count);
}

std::string ToString(const FloatHistogram& h) {
  std::string out = "{count:";
  Append(out, h.count);
  out += ", sum:";
  Append(out, h.sum);
  // Each bucket with its own bounds, even where the zero bucket overlaps with it.
  std::vector<HistogramBucket> below;
  ForEachBucket(h.negative, [&](int32_t index, double count) {
    if (count != 0) below.push_back(NegativeBucket(h, index, count));
  });
  const auto add = [&](const HistogramBucket& bucket) {
    out += ", ";
    AppendText(out, bucket);
  };
  for (auto it = below.rbegin(); it != below.rend(); ++it) add(*it);
  if (h.zero_count != 0) add(ZeroBucket(h));
  ForEachBucket(h.positive, [&](int32_t index, double count) {
    if (count != 0) add(PositiveBucket(h, index, count));
  });
  return out + "}";
}

std::string ToTestExpression(const FloatHistogram& histogram) {
  FloatHistogram h = histogram;
  // One span on each side is all that can be written.
  Compact(h, std::numeric_limits<int32_t>::max());
  Fields out;
  if (h.schema != 0) out.Add("schema", h.schema);
  if (h.count != 0) out.Add("count", h.count);
  if (h.sum != 0) out.Add("sum", h.sum);
  if (h.zero_count != 0) out.Add("z_bucket", h.zero_count);
  if (h.zero_threshold != 0) out.Add("z_bucket_w", h.zero_threshold);
  if (h.custom_buckets()) out.Add("custom_values", h.custom_values);
  if (h.hint != CounterResetHint::kUnknown) out.Add("counter_reset_hint", HintText(h.hint));
  const auto add = [&](const HistogramSide<double>& side, std::string_view offset,
                       std::string_view buckets) {
    if (side.buckets.empty()) return;
    if (side.spans[0].offset != 0) out.Add(offset, side.spans[0].offset);
    out.Add(buckets, side.buckets);
  };
  add(h.positive, "offset", "buckets");
  add(h.negative, "n_offset", "n_buckets");
  return out.Text();
}

}  // namespace canopy::model
