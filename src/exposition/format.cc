#include "canopy/exposition/format.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "canopy/base/number.h"

namespace canopy::exposition {
namespace {

using model::MetricType;

// The highest bit of each byte of `word` that is `byte`; above the lowest such byte others may be
// set as well.
uint64_t BytesEqual(uint64_t word, uint8_t byte) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const uint64_t x = word ^ kOnes * byte;
  return (x - kOnes) & ~x & kOnes << 7;
}

// The place of the first \, " or line feed, or the text's size. Label values are short and hardly
// ever have one: eight bytes at a time.
size_t FindEscaped(std::string_view text) {
  static_assert(std::endian::native == std::endian::little);
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= text.size(); at += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    const uint64_t found = BytesEqual(word, '\\') | BytesEqual(word, '"') | BytesEqual(word, '\n');
    if (found != 0) return at + static_cast<size_t>(std::countr_zero(found)) / 8;
  }
  while (at < text.size() && text[at] != '\\' && text[at] != '"' && text[at] != '\n') ++at;
  return at;
}

// Help in the text format keeps its quotes.
void AppendEscapedHelp(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\') {
      out.append("\\\\");
    } else if (c == '\n') {
      out.append("\\n");
    } else {
      out.push_back(c);
    }
  }
}

void AppendQuotedName(std::string& out, std::string_view name) {
  out.push_back('"');
  AppendEscaped(out, name);
  out.push_back('"');
}

void AppendMetadataStart(std::string& out, std::string_view keyword, std::string_view name) {
  out.append("# ").append(keyword).push_back(' ');
  if (model::IsLegacyMetricName(name)) {
    out.append(name);
  } else {
    AppendQuotedName(out, name);
  }
  out.push_back(' ');
}

std::string_view TextType(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
    case MetricType::kGauge:
    case MetricType::kHistogram:
    case MetricType::kSummary:
      return model::MetricTypeText(type);
    default:
      return "untyped";
  }
}

// Milliseconds as seconds with as many decimals as needed: 1500 -> "1.5".
void AppendSeconds(std::string& out, int64_t ms) {
  if (ms < 0) out.push_back('-');
  const uint64_t size = ms < 0 ? -static_cast<uint64_t>(ms) : static_cast<uint64_t>(ms);
  base::AppendUint(out, size / 1000);
  std::array<char, 4> decimals = {'.', static_cast<char>('0' + size / 100 % 10),
                                  static_cast<char>('0' + size / 10 % 10),
                                  static_cast<char>('0' + size % 10)};
  size_t used = decimals.size();
  while (used > 2 && decimals[used - 1] == '0') --used;
  out.append(decimals.data(), used);
}

void AppendOpenMetricsFloat(std::string& out, double v) {
  const size_t start = out.size();
  base::AppendFloatShortest(out, v == 0 ? 0 : v);
  if (std::isfinite(v) && out.find_first_of(".e", start) == std::string::npos) out.append(".0");
}

}  // namespace

void AppendEscaped(std::string& out, std::string_view text) {
  while (true) {
    const size_t at = FindEscaped(text);
    out.append(text.substr(0, at));
    if (at == text.size()) return;
    out.push_back('\\');
    out.push_back(text[at] == '\n' ? 'n' : text[at]);
    text.remove_prefix(at + 1);
  }
}

void AppendTextType(std::string& out, std::string_view name, MetricType type) {
  AppendMetadataStart(out, "TYPE", name);
  out.append(TextType(type)).push_back('\n');
}

void AppendTextHelp(std::string& out, std::string_view name, std::string_view help) {
  AppendMetadataStart(out, "HELP", name);
  AppendEscapedHelp(out, help);
  out.push_back('\n');
}

void AppendOpenMetricsType(std::string& out, std::string_view name, MetricType type) {
  AppendMetadataStart(out, "TYPE", name);
  out.append(model::MetricTypeText(type)).push_back('\n');
}

void AppendOpenMetricsHelp(std::string& out, std::string_view name, std::string_view help) {
  AppendMetadataStart(out, "HELP", name);
  AppendEscaped(out, help);
  out.push_back('\n');
}

void AppendOpenMetricsUnit(std::string& out, std::string_view name, std::string_view unit) {
  AppendMetadataStart(out, "UNIT", name);
  out.append(unit).push_back('\n');
}

SampleLine::SampleLine(std::string& out, std::string_view name) : out_(out) {
  if (model::IsLegacyMetricName(name)) {
    out_.append(name);
  } else {
    out_.push_back('{');
    AppendQuotedName(out_, name);
    open_ = true;
  }
}

void SampleLine::Label(std::string_view name, std::string_view value) {
  out_.push_back(open_ ? ',' : '{');
  open_ = true;
  if (model::IsLegacyLabelName(name)) {
    out_.append(name);
  } else {
    AppendQuotedName(out_, name);
  }
  out_.append("=\"");
  AppendEscaped(out_, value);
  out_.push_back('"');
}

void SampleLine::Close() {
  if (open_) out_.push_back('}');
  out_.push_back(' ');
}

void SampleLine::EndText(double value, std::optional<Timestamp> time) {
  Close();
  // Minus zero loses its sign, as in Prometheus's own pages.
  base::AppendFloatShortest(out_, value == 0 ? 0 : value);
  if (time) {
    out_.push_back(' ');
    base::AppendInt(out_, time->ms());
  }
  out_.push_back('\n');
}

void SampleLine::EndOpenMetrics(double value, std::optional<Timestamp> time) {
  Close();
  AppendOpenMetricsFloat(out_, value);
  if (time) {
    out_.push_back(' ');
    AppendSeconds(out_, time->ms());
  }
  out_.push_back('\n');
}

std::string FormatOpenMetricsFloat(double v) {
  std::string out;
  AppendOpenMetricsFloat(out, v);
  return out;
}

}  // namespace canopy::exposition
