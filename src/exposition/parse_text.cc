// The text format 0.0.4.

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/exposition/parse.h"
#include "lexeme.h"

namespace canopy::exposition {
namespace {

using model::MetricType;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

bool ParseTextType(std::string_view text, MetricType& type) {
  if (text == "counter") {
    type = MetricType::kCounter;
  } else if (text == "gauge") {
    type = MetricType::kGauge;
  } else if (text == "histogram") {
    type = MetricType::kHistogram;
  } else if (text == "summary") {
    type = MetricType::kSummary;
  } else if (text == "untyped") {
    type = MetricType::kUnknown;
  } else {
    return false;
  }
  return true;
}

// "HELP " or "TYPE " at `at`: behind the blanks. Null: an ordinary comment.
const char* AfterKeyword(const char* at, const char* end, std::string_view keyword) {
  const std::string_view rest(at, static_cast<size_t>(end - at));
  if (!rest.starts_with(keyword)) return nullptr;
  const char* p = at + keyword.size();
  if (p == end || !IsBlank(*p)) return nullptr;
  while (p < end && IsBlank(*p)) ++p;
  return p;
}

}  // namespace

Entry PageParser::NextText() {
  has_exemplar_ = false;
  const char* at = p_;
  while (at < end_ && (*at == '\n' || IsBlank(*at))) {
    if (*at++ == '\n') p_ = at;
  }
  if (at == end_) {
    p_ = end_;
    return Entry::kEnd;
  }
  Entry entry = Entry::kSample;
  const char* next = nullptr;
  if (*at == '#') {
    next = TextMetadata(at, entry);
  } else if (*at == '{' || NameEnd(at, end_, true) != at) {
    next = Series(at);
    if (next) next = TextTail(next);
  } else {
    Fail("expected a valid start token", {Token::kInvalid, at, at});
  }
  if (!next) return Entry::kError;
  p_ = next;
  return entry;
}

const char* PageParser::MetadataName(const char* at, std::string_view keyword) {
  const char* stop = nullptr;
  if (at < end_) stop = *at == '"' ? QuotedEnd(at, true) : NameEnd(at, end_, true);
  if (!stop || stop == at) {
    return Fail("expected metric name after " + std::string(keyword), {Token::kInvalid, at, at});
  }
  family_ = Lexeme{Token::kName, at, stop}.content();
  return stop;
}

const char* PageParser::TextMetadata(const char* at, Entry& entry) {
  const char* const line_end = LineEnd(at);
  const char* const next = line_end == end_ ? end_ : line_end + 1;
  const char* p = at + 1;
  while (p < line_end && IsBlank(*p)) ++p;
  const bool spaced = p > at + 1;
  const char* help = spaced ? AfterKeyword(p, line_end, "HELP") : nullptr;
  const char* type = spaced && !help ? AfterKeyword(p, line_end, "TYPE") : nullptr;
  if (!help && !type) {
    entry = Entry::kComment;
    text_ = {at + 1, static_cast<size_t>(line_end - at - 1)};
    return next;
  }
  entry = help ? Entry::kHelp : Entry::kType;
  p = MetadataName(help ? help : type, help ? "HELP" : "TYPE");
  if (!p) return nullptr;
  // A quoted name may span lines; the text is what is left of its last one.
  const char* const text_end = LineEnd(p);
  const char* const text_begin = p < text_end ? p + 1 : p;
  text_ = {text_begin, static_cast<size_t>(text_end - text_begin)};
  if (text_.find_first_not_of(" \t") == std::string_view::npos) text_ = {};
  if (type && !ParseTextType(text_, type_))
    return Fail("invalid metric type " + base::Quoted(text_));
  if (help && !model::IsValidUtf8(text_))
    return Fail("help text " + base::Quoted(text_) + " is not a valid utf8 string");
  return text_end == end_ ? end_ : text_end + 1;
}

// Value and time of a sample, from behind its series to behind the line.
const char* PageParser::TextTail(const char* at) {
  at = SkipBlanks(at);
  if (at == end_ || *at == '\n' || *at == '{')
    return Fail("expected value after metric", {Token::kInvalid, at, at});
  at = FloatToken(at, value_);
  if (!at) return nullptr;
  time_.reset();
  at = SkipBlanks(at);
  if (at < end_ && IsDigit(*at)) {
    const char* const digits = at;
    while (at < end_ && IsDigit(*at)) ++at;
    const std::string_view token(digits, static_cast<size_t>(at - digits));
    const auto ms = base::ParseInt(token);
    if (!ms) {
      return Fail("strconv.ParseInt: parsing " + base::Quoted(token) +
                  ": value out of range while parsing: " + base::Quoted(SoFar(at)));
    }
    time_ = Timestamp::FromMs(*ms);
    at = SkipBlanks(at);
    if (at < end_ && *at != '\n')
      return Fail("expected next entry after timestamp", {Token::kInvalid, at, at});
  }
  if (at == end_) return end_;
  if (*at != '\n') return Fail("expected timestamp or new record", {Token::kInvalid, at, at});
  return at + 1;
}

}  // namespace canopy::exposition
