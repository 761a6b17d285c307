#include "series_histogram.h"

#include <limits>
#include <string>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "parse.h"

namespace canopy::promql {
namespace {

class HistogramReader {
 public:
  HistogramReader(std::string_view body, size_t pos) : rest_(body), size_(body.size()), pos_(pos) {}

  WrittenHistogram Read() {
    for (SkipBlanks(); !rest_.empty(); SkipBlanks()) ReadField();
    Place(positive_offset_, out_.histogram.positive);
    Place(negative_offset_, out_.histogram.negative);
    const Status valid = CheckIndexes();
    if (!valid.ok()) Fail(valid.message());
    return std::move(out_);
  }

 private:
  size_t position() const { return pos_ + size_ - rest_.size(); }
  // At the word that was taken last, or where reading has come to.
  [[noreturn]] void FailAtWord(std::string message) const {
    throw ParseFailure{static_cast<uint32_t>(word_), std::move(message)};
  }
  [[noreturn]] void Fail(std::string message) const {
    throw ParseFailure{static_cast<uint32_t>(position()), std::move(message)};
  }

  void SkipBlanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }

  std::string_view TakeUntil(std::string_view ends) {
    word_ = position();
    const size_t end = std::min(rest_.find_first_of(ends), rest_.size());
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return out;
  }

  double Number() {
    const std::string_view text = TakeUntil(" \t]");
    const auto value = base::ParseFloat(text);
    if (!value) FailAtWord("expected a number in a histogram, got " + base::Quoted(text));
    return *value;
  }

  int32_t Integer() {
    const std::string_view text = TakeUntil(" \t");
    const auto value = base::ParseInt(text);
    if (!value || *value < std::numeric_limits<int32_t>::min() ||
        *value > std::numeric_limits<int32_t>::max())
      FailAtWord("expected an integer in a histogram, got " + base::Quoted(text));
    return static_cast<int32_t>(*value);
  }

  std::vector<double> Numbers() {
    if (rest_.empty() || rest_[0] != '[') Fail("expected [ in a histogram");
    rest_.remove_prefix(1);
    std::vector<double> out;
    for (SkipBlanks(); !rest_.empty() && rest_[0] != ']'; SkipBlanks()) out.push_back(Number());
    if (rest_.empty()) Fail("expected ] in a histogram");
    rest_.remove_prefix(1);
    return out;
  }

  model::CounterResetHint Hint() {
    const std::string_view text = TakeUntil(" \t");
    if (text == "unknown") return model::CounterResetHint::kUnknown;
    if (text == "reset") return model::CounterResetHint::kReset;
    if (text == "not_reset") return model::CounterResetHint::kNotReset;
    if (text == "gauge") return model::CounterResetHint::kGauge;
    FailAtWord("unknown counter reset hint " + base::Quoted(text));
  }

  void ReadField() {
    const std::string_view name = TakeUntil(": \t");
    if (rest_.empty() || rest_[0] != ':') Fail("expected a colon in a histogram");
    rest_.remove_prefix(1);
    model::FloatHistogram& h = out_.histogram;
    if (name == "schema") {
      h.schema = Integer();
    } else if (name == "sum") {
      h.sum = Number();
    } else if (name == "count") {
      h.count = Number();
    } else if (name == "z_bucket") {
      h.zero_count = Number();
    } else if (name == "z_bucket_w") {
      h.zero_threshold = Number();
    } else if (name == "custom_values") {
      h.custom_values = Numbers();
    } else if (name == "buckets") {
      h.positive.buckets = Numbers();
    } else if (name == "offset") {
      positive_offset_ = Integer();
    } else if (name == "n_buckets") {
      h.negative.buckets = Numbers();
    } else if (name == "n_offset") {
      negative_offset_ = Integer();
    } else if (name == "counter_reset_hint") {
      h.hint = Hint();
      out_.hint_given = true;
    } else {
      FailAtWord("unknown field " + base::Quoted(name) +
                 " in a histogram, expected one such as buckets:[5 10 7]");
    }
  }

  static void Place(int32_t offset, model::HistogramSide<double>& side) {
    if (side.buckets.empty()) return;
    side.spans = {{offset, static_cast<uint32_t>(side.buckets.size())}};
  }

  // What computing with it relies on. Counts may be negative: results of queries are written so.
  Status CheckIndexes() const {
    model::FloatHistogram h = out_.histogram;
    h.count = h.zero_count = 0;
    for (double& count : h.positive.buckets) count = 0;
    for (double& count : h.negative.buckets) count = 0;
    return model::Validate(h);
  }

  std::string_view rest_;
  const size_t size_;
  const size_t pos_;
  size_t word_ = 0;
  WrittenHistogram out_;
  int32_t positive_offset_ = 0;
  int32_t negative_offset_ = 0;
};

}  // namespace

WrittenHistogram TakeHistogram(std::string_view& rest, size_t pos) {
  const size_t end = rest.find("}}");
  if (end == rest.npos) {
    throw ParseFailure{static_cast<uint32_t>(pos), "expected }} behind a histogram"};
  }
  const std::string_view body = rest.substr(2, end - 2);
  rest.remove_prefix(end + 2);
  return HistogramReader(body, pos + 2).Read();
}

}  // namespace canopy::promql
