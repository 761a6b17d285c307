#include "json.h"

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/net/server.h"

namespace canopy::api {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void AppendControl(std::string& out, char c) {
  switch (c) {
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    default:
      out.append("\\u00");
      out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kHex[static_cast<unsigned char>(c) & 0xf]);
  }
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20; }

// Bytes beyond ASCII as they are: labels are checked to be UTF-8 when they come in.
void AppendPlainQuoted(std::string& out, std::string_view s) {
  out.push_back('"');
  size_t start = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (!IsControl(c) && c != '"' && c != '\\') continue;
    out.append(s.substr(start, i - start));
    start = i + 1;
    if (IsControl(c)) {
      AppendControl(out, c);
    } else {
      out.push_back('\\');
      out.push_back(c);
    }
  }
  out.append(s.substr(start));
  out.push_back('"');
}

// The bytes of one character that cannot stand as it is; returns how many it took.
size_t AppendSpecial(std::string& out, std::string_view s) {
  const char c = s[0];
  if (IsControl(c)) {
    AppendControl(out, c);
  } else if (c == '"' || c == '\\') {
    out.push_back('\\');
    out.push_back(c);
  } else if (static_cast<unsigned char>(c) < 0x80) {  // < > &
    out.append("\\u00");
    out.push_back(kHex[c >> 4]);
    out.push_back(kHex[c & 0xf]);
  } else {
    const base::Rune rune = base::FirstRune(s);
    if (rune.length == 0) {
      out.append("\\ufffd");
      return 1;
    }
    if (rune.code == 0x2028 || rune.code == 0x2029)
      out.append(rune.code == 0x2028 ? "\\u2028" : "\\u2029");
    else
      out.append(s.substr(0, rune.length));
    return rune.length;
  }
  return 1;
}

void AppendHtmlQuoted(std::string& out, std::string_view s) {
  const auto plain = [](char c) {
    return !IsControl(c) && static_cast<unsigned char>(c) < 0x80 && c != '"' && c != '\\' &&
           c != '<' && c != '>' && c != '&';
  };
  out.push_back('"');
  while (!s.empty()) {
    size_t n = 0;
    while (n < s.size() && plain(s[n])) ++n;
    out.append(s.substr(0, n));
    s.remove_prefix(n);
    if (!s.empty()) s.remove_prefix(AppendSpecial(out, s));
  }
  out.push_back('"');
}

void AppendUnixTime(std::string& out, Timestamp t) {
  auto ms = static_cast<uint64_t>(t.ms());
  if (t.ms() < 0) {
    out.push_back('-');
    ms = 0 - ms;
  }
  base::AppendUint(out, ms / 1000);
  const uint64_t rest = ms % 1000;
  if (rest == 0) return;
  const char text[] = {'.', static_cast<char>('0' + rest / 100),
                       static_cast<char>('0' + rest / 10 % 10), static_cast<char>('0' + rest % 10)};
  out.append(text, sizeof text);
}

void AppendSampleValue(std::string& out, double v) {
  out.push_back('"');
  base::AppendFloatApi(out, v);
  out.push_back('"');
}

}  // namespace

void JsonWriter::BeforeValue() {
  if (comma_) out_.push_back(',');
}

void JsonWriter::AfterValue() {
  comma_ = true;
  if (out_.size() < kPiece) return;
  streamed_ = true;
  if (status_.ok()) status_ = response_.Write(out_);
  out_.clear();
}

void JsonWriter::Open(char c) {
  BeforeValue();
  out_.push_back(c);
  comma_ = false;
}

void JsonWriter::Close(char c) {
  out_.push_back(c);
  AfterValue();
}

void JsonWriter::Key(std::string_view key) {
  BeforeValue();
  AppendPlainQuoted(out_, key);
  out_.push_back(':');
  comma_ = false;
}

void JsonWriter::Text(std::string_view text) {
  BeforeValue();
  AppendHtmlQuoted(out_, text);
  AfterValue();
}

void JsonWriter::Int(int64_t v) {
  BeforeValue();
  base::AppendInt(out_, v);
  AfterValue();
}

void JsonWriter::Uint(uint64_t v) {
  BeforeValue();
  base::AppendUint(out_, v);
  AfterValue();
}

void JsonWriter::Number(double v) {
  BeforeValue();
  base::AppendFloatApi(out_, v);
  AfterValue();
}

void JsonWriter::Bool(bool v) {
  BeforeValue();
  out_.append(v ? "true" : "false");
  AfterValue();
}

void JsonWriter::Null() {
  BeforeValue();
  out_.append("null");
  AfterValue();
}

void JsonWriter::Raw(std::string_view json) {
  BeforeValue();
  out_.append(json);
  AfterValue();
}

void JsonWriter::UnixTime(Timestamp t) {
  BeforeValue();
  AppendUnixTime(out_, t);
  AfterValue();
}

void JsonWriter::Rfc3339(std::optional<Timestamp> t) {
  Text(t ? FormatRfc3339(*t) : "0001-01-01T00:00:00Z");
}

void JsonWriter::SampleValue(double v) {
  BeforeValue();
  AppendSampleValue(out_, v);
  AfterValue();
}

void JsonWriter::Point(Timestamp t, double v) {
  BeforeValue();
  out_.push_back('[');
  AppendUnixTime(out_, t);
  out_.push_back(',');
  AppendSampleValue(out_, v);
  out_.push_back(']');
  AfterValue();
}

void JsonWriter::HistogramPoint(Timestamp t, const model::FloatHistogram& h) {
  BeginArray();
  UnixTime(t);
  BeginObject();
  Key("count");
  SampleValue(h.count);
  Key("sum");
  SampleValue(h.sum);
  std::vector<model::HistogramBucket> buckets;
  model::AllBuckets(h, buckets);
  std::erase_if(buckets, [](const model::HistogramBucket& b) { return b.count == 0; });
  if (!buckets.empty()) {
    Key("buckets");
    BeginArray();
    for (const model::HistogramBucket& b : buckets) {
      BeginArray();
      Int(b.lower_inclusive ? (b.upper_inclusive ? 3 : 1) : (b.upper_inclusive ? 0 : 2));
      SampleValue(b.lower);
      SampleValue(b.upper);
      SampleValue(b.count);
      EndArray();
    }
    EndArray();
  }
  EndObject();
  EndArray();
}

void JsonWriter::AppendLabel(std::string_view name, std::string_view value, bool first) {
  if (!first) out_.push_back(',');
  AppendPlainQuoted(out_, name);
  out_.push_back(':');
  AppendPlainQuoted(out_, value);
}

void JsonWriter::Labels(const model::Labels& labels) {
  Open('{');
  bool first = true;
  for (const model::LabelView label : labels) {
    AppendLabel(label.name, label.value, first);
    first = false;
  }
  Close('}');
}

void JsonWriter::Labels(const model::SeriesLabelsView& labels) {
  Open('{');
  bool first = true;
  for (const model::SymbolPair pair : labels.pairs()) {
    AppendLabel(labels.symbols().Lookup(pair.name), labels.symbols().Lookup(pair.value), first);
    first = false;
  }
  Close('}');
}

void JsonWriter::Pairs(const model::Annotations& pairs) {
  Open('{');
  bool first = true;
  for (const auto& [name, value] : pairs) {
    AppendLabel(name, value, first);
    first = false;
  }
  Close('}');
}

Status JsonWriter::Finish() {
  if (!status_.ok()) return status_;
  status_ = streamed_ ? response_.Write(out_) : response_.Send(out_);
  out_.clear();
  return status_;
}

}  // namespace canopy::api
