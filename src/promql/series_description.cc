#include "canopy/promql/series_description.h"

#include <algorithm>
#include <cmath>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/model/sample.h"
#include "parse.h"

namespace canopy::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// One item of the sequence: `first`, or `first` and steps of `step`, `count` values in all.
struct Item {
  std::optional<double> first;
  double step = 0;
  uint64_t count = 1;
};

class ItemReader {
 public:
  ItemReader(std::string_view item, size_t pos) : rest_(item), item_(item), pos_(pos) {}

  Item Read() {
    Item out;
    if (rest_.starts_with("{{"))
      Fail("native histograms in series descriptions are not supported yet");
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
      size_t end = pos;
      while (end < text.size() && !IsSpace(text[end])) ++end;
      const Item item = ItemReader(text.substr(pos, end - pos), pos).Read();
      if (item.count > max_values - out.values.size()) {
        throw ParseFailure{static_cast<uint32_t>(pos),
                           "more than " + std::to_string(max_values) + " values in one series"};
      }
      // Added up, as Prometheus does it, and not multiplied: rounding is part of what tests see.
      auto value = item.first;
      for (uint64_t i = 0; i < item.count; ++i) {
        out.values.push_back(value);
        if (value && item.step != 0) *value += item.step;
      }
      pos = end;
    }
    return out;
  } catch (const ParseFailure& failure) {
    return ToStatus(failure, text);
  }
}

}  // namespace canopy::promql
