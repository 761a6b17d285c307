#include "canopy/exposition/parse.h"

#include <algorithm>
#include <cstring>

#include "canopy/base/check.h"
#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/exposition/format.h"
#include "canopy/model/sample.h"
#include "lexeme.h"
#include "scan_number.h"

namespace canopy::exposition {
namespace {

using model::MetricType;

bool IsLineEnd(const char* p, const char* end) { return p == end || *p == '\n'; }

// Go's strings.Replacer over the escapes that a place knows; other backslashes stay.
std::string Unescape(std::string_view text, bool quotes) {
  std::string out;
  out.reserve(text.size());
  while (true) {
    const size_t at = text.find('\\');
    out.append(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    size_t used = 2;
    if (next == '\\' || (quotes && next == '"')) {
      out.push_back(next);
    } else if (next == 'n') {
      out.push_back('\n');
    } else {
      out.push_back('\\');
      used = 1;
    }
    text.remove_prefix(at + used);
  }
}

bool HasEscapes(std::string_view text) { return text.find('\\') != std::string_view::npos; }

// Without its escapes; `buffer` holds it when there are some.
std::string_view LabelText(std::string_view raw, std::string& buffer) {
  if (!HasEscapes(raw)) return raw;
  buffer = Unescape(raw, true);
  return buffer;
}

// Whether a name ends right before `at`: what stands there could not have been part of it, and no
// brace follows after blanks.
bool EndsName(const char* at, const char* end) {
  if (at == end || (*at != ' ' && *at != '\t')) return false;
  while (at < end && (*at == ' ' || *at == '\t')) ++at;
  return at < end && *at != '{';
}

}  // namespace

PageParser::PageParser(std::string_view page, PageFormat format)
    : p_(page.data()), begin_(p_), end_(p_ + page.size()), format_(format) {
  CANOPY_CHECK(format != PageFormat::kProto);
}

Entry PageParser::Next() {
  if (!error_.ok()) return Entry::kError;
  return format_ == PageFormat::kText ? NextText() : NextOpenMetrics();
}

Entry PageParser::NextAfterSeries(size_t length) {
  if (!error_.ok()) return Entry::kError;
  const char* const at = p_ + length;
  if (at[-1] != '}' && !EndsName(at, end_)) return Next();
  series_ = {p_, length};
  const char* const next = format_ == PageFormat::kText ? TextTail(at) : OpenMetricsTail(at);
  if (!next) return Entry::kError;
  p_ = next;
  return Entry::kSample;
}

const char* PageParser::Series(const char* at) {
  name_ = {};
  labels_.clear();
  const char* const start = p_;
  if (*at != '{') {
    const char* const name = at;
    at = NameEnd(at, end_, true);
    name_ = {name, static_cast<size_t>(at - name)};
    series_ = {start, static_cast<size_t>(at - start)};
    const char* const brace = SkipBlanks(at);
    if (brace == end_ || *brace != '{') return at;
    at = brace;
  }
  at = LabelPairs(at + 1, labels_, &name_);
  if (!at) return nullptr;
  if (!name_.data()) return Fail("metric name not set while parsing: " + base::Quoted(SoFar(at)));
  series_ = {start, static_cast<size_t>(at - start)};
  return at;
}

// From behind the opening brace to behind the closing one. `name` is where a quoted metric name
// goes; null within exemplars, which have none.
const char* PageParser::LabelPairs(const char* at, std::vector<Pair>& pairs,
                                   std::string_view* name) {
  const bool text = format_ == PageFormat::kText;
  Lexeme l = LexLabel(at, false);
  while (true) {
    if (l.token == Token::kClose) return l.end;
    if (l.token != Token::kName && l.token != Token::kQuoted) return Fail("expected label name", l);
    const Lexeme label = l;
    l = LexLabel(l.end, false);
    if (name && label.token == Token::kQuoted &&
        (l.token == Token::kComma || l.token == Token::kClose)) {
      if (name->data())
        return Fail("metric name already set while parsing: " + base::Quoted(SoFar(l.end)));
      *name = label.content();
      if (l.token == Token::kComma) l = LexLabel(l.end, false);
      continue;
    }
    if (l.token != Token::kEqual) return Fail("expected equal", l);
    const Lexeme value = LexLabel(l.end, true);
    if (value.token != Token::kValueText) return Fail("expected label value", value);
    if (!model::IsValidUtf8(value.text()))
      return Fail("invalid UTF-8 label value: " + base::Quoted(value.text()));
    pairs.emplace_back(label.content(), value.content());
    l = LexLabel(value.end, false);
    if (l.token == Token::kComma) {
      l = LexLabel(l.end, false);
    } else if (!text && l.token != Token::kClose) {
      return Fail("expected comma or brace close", l);
    }
  }
}

PageParser::Lexeme PageParser::LexLabel(const char* at, bool value) const {
  const bool text = format_ == PageFormat::kText;
  at = SkipBlanks(at);
  if (at == end_) return {text ? Token::kInvalid : Token::kEnd, at, at};
  if (*at == '"') {
    // Only the text format lets values span lines; names may in both.
    const char* const close = QuotedEnd(at, text || !value);
    if (!close) return {Token::kInvalid, at, text ? end_ : LineEnd(at)};
    return {value ? Token::kValueText : Token::kQuoted, at, close};
  }
  if (value) return {Token::kInvalid, at, at};
  if (*at == '}') return {Token::kClose, at, at + 1};
  if (*at == '=') return {Token::kEqual, at, at + 1};
  if (*at == ',') return {Token::kComma, at, at + 1};
  const char* const name_end = NameEnd(at, end_, false);
  if (name_end == at) return {Token::kInvalid, at, at};
  return {Token::kName, at, name_end};
}

// OpenMetrics has no optional blanks.
const char* PageParser::SkipBlanks(const char* at) const {
  if (format_ != PageFormat::kText) return at;
  while (at < end_ && (*at == ' ' || *at == '\t')) ++at;
  return at;
}

// Behind the closing quote of the string that begins at `at`; null when it never closes.
const char* PageParser::QuotedEnd(const char* at, bool newlines) const {
  for (++at; at < end_; ++at) {
    while (at < end_ && !Is(*at, kEndsPlainText)) ++at;
    if (at == end_) return nullptr;
    if (*at == '"') return at + 1;
    if (*at == '\\' && ++at < end_ && *at == '\n') return nullptr;
    if (at < end_ && *at == '\n' && !newlines) return nullptr;
  }
  return nullptr;
}

const char* PageParser::LineEnd(const char* at) const {
  const auto size = static_cast<size_t>(end_ - at);
  const void* const found = size == 0 ? nullptr : std::memchr(at, '\n', size);
  return found ? static_cast<const char*>(found) : end_;
}

// A number up to the next blank or line end.
const char* PageParser::FloatToken(const char* at, double& value) {
  const char* const fast = ScanNumber(at, end_, value);
  if (fast && (IsLineEnd(fast, end_) || *fast == ' ')) return fast;
  const char* stop = at;
  const bool text = format_ == PageFormat::kText;
  while (!IsLineEnd(stop, end_) && *stop != ' ' && !(text && (*stop == '\t' || *stop == '{')))
    ++stop;
  const std::string_view token(at, static_cast<size_t>(stop - at));
  if (token.find_first_of("pP_") != std::string_view::npos) {
    return Fail("unsupported character in float while parsing: " + base::Quoted(SoFar(stop)));
  }
  const auto parsed = base::ParseFloat(token);
  const bool signed_nan = token.size() == 4 && (token[1] | 0x20) == 'n';
  if (!parsed || signed_nan) {
    return Fail("strconv.ParseFloat: parsing " + base::Quoted(token) +
                ": invalid syntax while parsing: " + base::Quoted(SoFar(stop)));
  }
  value = *parsed == *parsed ? *parsed : model::NormalNan();
  return stop;
}

Status PageParser::AddLabels(model::LabelsBuilder& labels) {
  const auto add = [&](std::string_view name, std::string_view value) {
    if (labels.Has(name)) {
      return Status::Invalid("label name " + base::Quoted(name) + " is not unique: " +
                             "invalid sample while parsing: " + base::Quoted(series_));
    }
    labels.SetKeepEmpty(name, value);
    return Status();
  };
  std::string name_buffer;
  std::string value_buffer;
  CANOPY_RETURN_IF_ERROR(add(model::kMetricName, LabelText(name_, name_buffer)));
  for (const auto& [raw_name, raw_value] : labels_) {
    const std::string_view name = LabelText(raw_name, name_buffer);
    std::string_view value = LabelText(raw_value, value_buffer);
    if ((type_ == MetricType::kSummary && name == model::kQuantile) ||
        (type_ == MetricType::kHistogram && name == model::kBucketBound)) {
      if (const auto bound = base::ParseFloat(value))
        value = value_buffer = FormatOpenMetricsFloat(*bound);
    }
    CANOPY_RETURN_IF_ERROR(add(name, value));
  }
  return {};
}

std::string PageParser::Help() const {
  // OpenMetrics escapes quotes in help, the text format does not.
  return Unescape(text_, format_ == PageFormat::kOpenMetrics);
}

PageParser::Exemplar PageParser::GetExemplar() const {
  Exemplar out;
  if (!has_exemplar_) return out;
  std::string name_buffer;
  std::string value_buffer;
  for (const auto& [name, value] : exemplar_labels_)
    out.labels.emplace_back(LabelText(name, name_buffer), LabelText(value, value_buffer));
  out.value = exemplar_value_;
  out.time = exemplar_time_;
  return out;
}

std::string_view PageParser::SoFar(const char* until) const {
  return {p_, static_cast<size_t>(std::min(until, end_) - p_)};
}

const char* PageParser::Fail(std::string what) {
  const auto line = 1 + std::count(begin_, p_, '\n');
  std::string message = "line ";
  base::AppendInt(message, line);
  error_ = Status::Invalid(message.append(": ").append(what));
  return nullptr;
}

const char* PageParser::Fail(std::string_view expected, const Lexeme& got) {
  const char* const stop = std::min(got.end + 1, end_);
  std::string found(got.begin, stop);
  std::string line(SoFar(stop));
  // The text format's last line may lack its line feed: it is read as if it were there.
  if (got.end >= end_ && format_ == PageFormat::kText) {
    found.push_back('\n');
    line.push_back('\n');
  }
  std::string what(expected);
  what.append(", got ").append(base::Quoted(found));
  what.append(" (\"").append(TokenName(got.token)).append("\") while parsing: ");
  return Fail(what.append(base::Quoted(line)));
}

}  // namespace canopy::exposition
