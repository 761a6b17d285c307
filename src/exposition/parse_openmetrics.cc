// OpenMetrics 1.0.

#include <array>
#include <cmath>
#include <utility>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/exposition/parse.h"
#include "lexeme.h"

namespace canopy::exposition {
namespace {

using model::MetricType;

constexpr std::array<std::pair<std::string_view, MetricType>, 8> kTypes = {{
    {"counter", MetricType::kCounter},
    {"gauge", MetricType::kGauge},
    {"histogram", MetricType::kHistogram},
    {"gaugehistogram", MetricType::kGaugeHistogram},
    {"summary", MetricType::kSummary},
    {"info", MetricType::kInfo},
    {"stateset", MetricType::kStateset},
    {"unknown", MetricType::kUnknown},
}};
constexpr std::string_view kNoEnd = "data does not end with # EOF";

bool ParseType(std::string_view text, MetricType& type) {
  for (const auto& [name, t] : kTypes) {
    if (name != text) continue;
    type = t;
    return true;
  }
  return false;
}

// "unit" is right for "name_unit".
bool UnitFits(std::string_view family, std::string_view unit) {
  return family.size() > unit.size() && family.ends_with(unit) &&
         family[family.size() - unit.size() - 1] == '_';
}

// Truncated to milliseconds, as Prometheus does; but whole milliseconds stay what they are: 1.001 *
// 1000 is a bit less than 1001. Beyond what 64 bits hold: the ends of time.
Timestamp FromSeconds(double seconds) {
  constexpr double kRoundingError = 1e-3;
  double ms = seconds * 1000;
  if (const double whole = std::nearbyint(ms); std::abs(ms - whole) < kRoundingError) ms = whole;
  if (ms >= 0x1p63) return Timestamp::Max();
  if (ms < -0x1p63) return Timestamp::Min();
  return Timestamp::FromMs(static_cast<int64_t>(ms));
}

}  // namespace

Entry PageParser::NextOpenMetrics() {
  has_exemplar_ = false;
  if (p_ == end_) {
    Fail(std::string(kNoEnd));
    return Entry::kError;
  }
  Entry entry = Entry::kSample;
  const char* next = nullptr;
  if (*p_ == '#') {
    next = OpenMetricsMetadata(p_, entry);
  } else if (*p_ == '{' || NameEnd(p_, end_, true) != p_) {
    next = Series(p_);
    if (next) next = OpenMetricsTail(next);
  } else {
    Fail("expected a valid start token", {Token::kInvalid, p_, p_});
  }
  if (!next) return Entry::kError;
  // The end stays the end however often it is asked for.
  if (entry != Entry::kEnd) p_ = next;
  return entry;
}

const char* PageParser::OpenMetricsMetadata(const char* at, Entry& entry) {
  std::string_view line = rest();
  if (line.starts_with("# EOF")) {
    line.remove_prefix(5);
    if (line.starts_with('\n')) line.remove_prefix(1);
    if (!line.empty()) return Fail("unexpected data after # EOF");
    entry = Entry::kEnd;
    return end_;
  }
  const std::string_view keyword = line.substr(std::min<size_t>(2, line.size()), 4);
  if (!line.starts_with("# ") || line.size() < 7 || line[6] != ' ' ||
      (keyword != "HELP" && keyword != "TYPE" && keyword != "UNIT")) {
    // Prometheus's lexer shows how far it understood the line.
    const size_t known = line.starts_with("# ") ? 2 : 1;
    return Fail("expected a valid start token", {Token::kInvalid, at, at + known});
  }
  at = MetadataName(at + 7, keyword);
  if (!at) return nullptr;
  const char* const line_end = LineEnd(at);
  if (at == end_ || *at != ' ' || line_end == end_)
    return Fail("expected text in " + std::string(keyword));
  text_ = {at + 1, static_cast<size_t>(line_end - at - 1)};
  if (keyword == "TYPE") {
    entry = Entry::kType;
    if (!ParseType(text_, type_)) return Fail("invalid metric type " + base::Quoted(text_));
  } else if (keyword == "HELP") {
    entry = Entry::kHelp;
    if (!model::IsValidUtf8(text_))
      return Fail("help text " + base::Quoted(text_) + " is not a valid utf8 string");
  } else {
    entry = Entry::kUnit;
    if (!text_.empty() && !UnitFits(family_, text_)) {
      return Fail("unit " + base::Quoted(text_) + " not a suffix of metric " +
                  base::Quoted(family_));
    }
  }
  return line_end + 1;
}

// Value, time and exemplar of a sample, from behind its series to behind the line.
const char* PageParser::OpenMetricsTail(const char* at) {
  if (at == end_) return Fail("expected value after metric", {Token::kEnd, p_, at});
  if (*at != ' ' || at + 1 == end_ || at[1] == ' ' || at[1] == '\n')
    return Fail("expected value after metric", {Token::kInvalid, at, at});
  at = FloatToken(at + 1, value_);
  if (!at) return nullptr;
  time_.reset();
  has_exemplar_ = false;
  if (at == end_) return Fail(std::string(kNoEnd));
  if (*at == '\n') return at + 1;
  const auto exemplar_follows = [&] {
    return std::string_view(at, static_cast<size_t>(end_ - at)).starts_with(" # {");
  };
  if (exemplar_follows()) return ExemplarTail(at + 4);
  at = SecondsToken(at, "timestamp", time_);
  if (!at) return nullptr;
  if (at == end_) return Fail(std::string(kNoEnd));
  if (*at == '\n') return at + 1;
  if (exemplar_follows()) return ExemplarTail(at + 4);
  if (at + 1 < end_ && at[1] != ' ' && at[1] != '\n') {
    const char* stop = at + 1;
    while (stop < end_ && *stop != ' ' && *stop != '\n') ++stop;
    return Fail("expected next entry after timestamp", {Token::kTimestamp, at, stop});
  }
  return Fail("expected next entry after timestamp", {Token::kInvalid, at, at + 1});
}

// A blank and a finite number of seconds.
const char* PageParser::SecondsToken(const char* at, std::string_view what,
                                     std::optional<Timestamp>& time) {
  if (at + 1 == end_ || at[1] == ' ' || at[1] == '\n')
    return Fail("expected timestamp or new record", {Token::kInvalid, at, at + 1});
  double seconds = 0;
  at = FloatToken(at + 1, seconds);
  if (!at) return nullptr;
  if (!std::isfinite(seconds)) {
    std::string message = "invalid " + std::string(what) + " ";
    base::AppendFloatPlain(message, seconds);
    return Fail(std::move(message));
  }
  time = FromSeconds(seconds);
  return at;
}

// From behind " # {" to behind the line.
const char* PageParser::ExemplarTail(const char* at) {
  exemplar_labels_.clear();
  exemplar_time_.reset();
  const char* const labels = at;
  at = LabelPairs(at, exemplar_labels_, nullptr);
  if (!at) return nullptr;
  constexpr std::string_view kExpected = "expected value after exemplar labels";
  if (at == end_) return Fail(kExpected, {Token::kEnd, at == labels ? at : at - 1, at});
  if (*at != ' ' || at + 1 == end_ || at[1] == ' ' || at[1] == '\n')
    return Fail(kExpected, {Token::kInvalid, at, at});
  at = FloatToken(at + 1, exemplar_value_);
  if (!at) return nullptr;
  if (at < end_ && *at == ' ') {
    at = SecondsToken(at, "exemplar timestamp", exemplar_time_);
    if (!at) return nullptr;
    if (at < end_ && *at != '\n')
      return Fail("expected next entry after exemplar timestamp", {Token::kTimestamp, at, at + 1});
  }
  if (at == end_) return Fail(std::string(kNoEnd));
  has_exemplar_ = true;
  return at + 1;
}

}  // namespace canopy::exposition
