#include "canopy/promql/series_description.h"

#include <algorithm>
#include <cmath>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/model/histogram_math.h"
#include "canopy/model/sample.h"
#include "parse.h"
#include "series_histogram.h"

namespace canopy::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// One item of the sequence: `first`, or `first` and steps of `step`, `count` values in all.
struct Item {
  std::optional<double> first;
  double step = 0;
  uint64_t count = 1;
  // Instead of these, a histogram and what is added to it, or taken off it.
  std::optional<WrittenHistogram> histogram;
  std::optional<WrittenHistogram> histogram_step;
  bool falling = false;
};

class ItemReader {
 public:
  ItemReader(std::string_view item, size_t pos) : rest_(item), item_(item), pos_(pos) {}

  Item Read() {
    Item out;
    if (rest_.starts_with("{{")) return ReadHistogram();
    if (rest_.starts_with('_')) {
      rest_.remove_prefix(1);
      if (!rest_.empty()) out.count = Repetitions();
      return out;
    }
    out.first = Number();
    if (rest_.empty()) return out;
    if (rest_[0] == '+' || rest_[0] == '-') out.step = Number();
    // One more than is written: the value at time zero.
    out.count = Repetitions() + 1;
    return out;
  }

 private:
  Item ReadHistogram() {
    Item out;
    out.histogram = Histogram();
    if (rest_.empty()) return out;
    if (rest_.starts_with("+{{") || rest_.starts_with("-{{")) {
      out.falling = rest_[0] == '-';
      rest_.remove_prefix(1);
      out.histogram_step = Histogram();
      if (out.histogram->histogram.schema > out.histogram_step->histogram.schema) {
        Fail("error combining histograms: cannot merge from schema " +
             std::to_string(out.histogram_step->histogram.schema) + " to " +
             std::to_string(out.histogram->histogram.schema));
      }
    }
    out.count = Repetitions() + 1;
    return out;
  }

  WrittenHistogram Histogram() { return TakeHistogram(rest_, pos_ + item_.size() - rest_.size()); }

  [[noreturn]] void Fail(std::string message) const {
    throw ParseFailure{static_cast<uint32_t>(pos_), std::move(message)};
  }
  [[noreturn]] void BadValue() const {
    Fail("unexpected " + base::Quoted(item_) + " in series values, expected number or \"stale\"");
  }

  double Number() {
    if (rest_ == "stale") {
      rest_ = {};
      return model::StaleNan();
    }
    // Up to the sign of a step or the x of a repetition; an exponent has a sign of its own.
    size_t end = 1;
    while (end < rest_.size() && rest_[end] != 'x' &&
           ((rest_[end] != '+' && rest_[end] != '-') || rest_[end - 1] == 'e' ||
            rest_[end - 1] == 'E'))
      ++end;
    const auto value = base::ParseFloat(rest_.substr(0, end));
    if (!value) BadValue();
    rest_.remove_prefix(end);
    return *value;
  }

  uint64_t Repetitions() {
    if (rest_.empty() || rest_[0] != 'x') BadValue();
    const auto count = base::ParseUint(rest_.substr(1));
    if (!count || *count == UINT64_MAX)
      Fail("invalid repetition in series values: " + base::Quoted(rest_.substr(1)));
    return *count;
  }

  std::string_view rest_;
  const std::string_view item_;
  const size_t pos_;
};

// Where an item ends: at a blank that is in no histogram.
size_t EndOfItem(std::string_view text, size_t pos) {
  while (pos < text.size() && !IsSpace(text[pos])) {
    const size_t close = text.substr(pos).starts_with("{{") ? text.find("}}", pos) : text.npos;
    pos = close == text.npos ? pos + 1 : close + 2;
  }
  return pos;
}

void AppendFloats(const Item& item, SeriesDescription& out) {
  // Added up, as Prometheus does it, and not multiplied: rounding is part of what tests see.
  auto value = item.first;
  for (uint64_t i = 0; i < item.count; ++i) {
    out.values.push_back(value);
    if (value && item.step != 0) *value += item.step;
  }
}

void AppendHistograms(const Item& item, SeriesDescription& out, size_t pos) {
  out.histograms.resize(out.values.size());
  model::FloatHistogram h = item.histogram->histogram;
  // Of a sequence, what is written of the step counts.
  const bool hint_given = (item.histogram_step ? item.histogram_step : item.histogram)->hint_given;
  for (uint64_t i = 0; i < item.count; ++i) {
    out.values.push_back(std::nullopt);
    out.histograms.push_back({std::make_shared<const model::FloatHistogram>(h), hint_given});
    if (!item.histogram_step) continue;
    const model::FloatHistogram& step = item.histogram_step->histogram;
    const model::HistogramMerge merge =
        item.falling ? model::Subtract(h, step) : model::Add(h, step);
    if (!merge.compatible) {
      throw ParseFailure{static_cast<uint32_t>(pos),
                         "error combining histograms: one has custom buckets, the other has not"};
    }
  }
}

}  // namespace

Result<SeriesDescription> ParseSeriesDescription(std::string_view text, size_t max_values) {
  try {
    Parser parser(text, Features{});
    SeriesDescription out;
    out.labels = parser.Metric();
    size_t pos = parser.position();
    if (pos < text.size() && !IsSpace(text[pos]))
      throw ParseFailure{static_cast<uint32_t>(pos), "expected a space before the series values"};
    while (pos < text.size()) {
      if (IsSpace(text[pos])) {
        ++pos;
        continue;
      }
      const size_t end = EndOfItem(text, pos);
      const Item item = ItemReader(text.substr(pos, end - pos), pos).Read();
      if (item.count > max_values - out.values.size()) {
        throw ParseFailure{static_cast<uint32_t>(pos),
                           "more than " + std::to_string(max_values) + " values in one series"};
      }
      if (item.histogram) {
        AppendHistograms(item, out, pos);
      } else {
        AppendFloats(item, out);
      }
      pos = end;
    }
    if (!out.histograms.empty()) out.histograms.resize(out.values.size());
    return out;
  } catch (const ParseFailure& failure) {
    return ToStatus(failure, text);
  }
}

}  // namespace canopy::promql
