#include "rules/go_printf.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "rules/go_quote.h"

namespace canopy::rules {

namespace {

// Go refuses widths and precisions beyond this.
constexpr int kMaxWidth = 1'000'000;

struct Spec {
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  bool go_syntax = false;    // %#v
  bool field_names = false;  // %+v
  bool no_methods = false;   // in a remark on a wrong verb: no String() is called
  std::optional<int> width;
  std::optional<int> precision;
  uint32_t verb = 'v';
};

size_t RuneCount(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(static_cast<size_t>(DecodeRune(text).size));
    ++count;
  }
  return count;
}

// The first `count` characters.
std::string_view FirstRunes(std::string_view text, int count) {
  size_t end = 0;
  for (int i = 0; i < count && end < text.size(); ++i) {
    end += static_cast<size_t>(DecodeRune(text.substr(end)).size);
  }
  return text.substr(0, end);
}

void Pad(std::string& out, std::string_view text, const Spec& spec) {
  const auto width = static_cast<size_t>(spec.width.value_or(0));
  const size_t runes = RuneCount(text);
  const size_t fill = width > runes ? width - runes : 0;
  if (!spec.minus) out.append(fill, ' ');
  out += text;
  if (spec.minus) out.append(fill, ' ');
}

// A number: zeros go between its sign and its digits.
void PadNumber(std::string& out, std::string sign, std::string_view digits, const Spec& spec,
               bool zeros_allowed) {
  const auto width = static_cast<size_t>(spec.width.value_or(0));
  const size_t size = sign.size() + digits.size();
  if (spec.zero && !spec.minus && zeros_allowed && width > size) {
    sign.append(width - size, '0');
  }
  sign += digits;
  Pad(out, sign, spec);
}

std::string SignText(bool negative, const Spec& spec) {
  return negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
}

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// |v| under one of the verbs e f g; without precision the shortest text that reads back as v.
std::string FloatDigits(double v, char verb, std::optional<int> precision) {
  if (verb == 'g' && !precision) {
    std::string out;
    base::AppendFloatShortest(out, v);
    return out;
  }
  if (verb == 'f' && !precision) {
    std::string out;
    base::AppendFloatPlain(out, v);
    return out;
  }
  const std::chars_format format = verb == 'e'   ? std::chars_format::scientific
                                   : verb == 'f' ? std::chars_format::fixed
                                                 : std::chars_format::general;
  // 309 digits before the point; to_chars writes as many after it as it is asked for.
  std::string buffer(400 + static_cast<size_t>(precision.value_or(0)), '\0');
  char* const first = buffer.data();
  char* const last = first + buffer.size();
  const auto end = precision ? std::to_chars(first, last, v, format, *precision).ptr
                             : std::to_chars(first, last, v, format).ptr;
  buffer.resize(static_cast<size_t>(end - first));
  return buffer;
}

// Hexadecimal as Go writes it: 0x1.8p+01.
std::string HexFloat(double v, std::optional<int> precision) {
  std::string buffer(64 + static_cast<size_t>(precision.value_or(0)), '\0');
  char* const last = buffer.data() + buffer.size();
  const auto end = precision
                       ? std::to_chars(buffer.data(), last, v, std::chars_format::hex, *precision)
                       : std::to_chars(buffer.data(), last, v, std::chars_format::hex);
  buffer.resize(static_cast<size_t>(end.ptr - buffer.data()));
  const size_t sign = buffer.find('p') + 1;
  if (buffer.size() - sign == 2) buffer.insert(sign + 1, 1, '0');
  return "0x" + buffer;
}

// 4503599627370496p-52: the mantissa as an integer and the power of two.
std::string BinaryFloat(double v) {
  const auto bits = std::bit_cast<uint64_t>(v);
  const auto exponent = static_cast<int64_t>(bits >> 52 & 0x7ff);
  const uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  std::string out = std::to_string(exponent == 0 ? mantissa : mantissa | uint64_t{1} << 52);
  const int64_t power = (exponent == 0 ? 1 : exponent) - 1075;
  return out + (power < 0 ? "p" : "p+") + std::to_string(power);
}

// %#g and its kin keep the point and, for g, the zeros up to the precision.
void KeepPoint(std::string& digits, char verb, int precision) {
  const size_t mark = std::min(digits.find('e'), digits.size());
  std::string tail = digits.substr(mark);
  digits.resize(mark);
  int shown = 0;
  bool leading = true;
  for (const char c : digits) {
    if (c == '.') continue;
    if (c != '0') leading = false;
    if (!leading) ++shown;
  }
  if (digits.find('.') == std::string::npos) digits.push_back('.');
  if (verb == 'g' && shown < precision) digits.append(static_cast<size_t>(precision - shown), '0');
  digits += tail;
}

bool AppendFloat(std::string& out, double v, const Spec& spec) {
  if (spec.verb > 0x7f) return false;
  char verb = static_cast<char>(spec.verb);
  const bool upper = verb == 'E' || verb == 'G' || verb == 'X' || verb == 'F';
  const char lower = static_cast<char>(verb | 0x20);
  std::optional<int> precision = spec.precision;
  if (verb == 'v') {
    verb = 'g';
  } else if (lower == 'e' || lower == 'f') {
    if (!precision) precision = 6;
    verb = lower;
  } else if (lower == 'g' || lower == 'x' || verb == 'b') {
    verb = lower;
  } else {
    return false;
  }
  if (!std::isfinite(v)) {
    const std::string sign = std::isnan(v)              ? (spec.plus    ? "+"
                                                           : spec.space ? " "
                                                                        : "")
                             : v < 0                    ? "-"
                             : spec.space && !spec.plus ? " "
                                                        : "+";
    PadNumber(out, sign, std::isnan(v) ? "NaN" : "Inf", spec, false);
    return true;
  }
  const double size = std::abs(v);
  std::string digits = verb == 'x'   ? HexFloat(size, precision)
                       : verb == 'b' ? BinaryFloat(size)
                                     : FloatDigits(size, verb, precision);
  if (spec.sharp && verb != 'x' && verb != 'b') KeepPoint(digits, verb, precision.value_or(6));
  if (upper) digits = Upper(std::move(digits));
  PadNumber(out, SignText(std::signbit(v), spec), digits, spec, true);
  return true;
}

std::string IntegerDigits(uint64_t v, int base, const Spec& spec) {
  char buffer[72];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v, base).ptr;
  std::string digits(buffer, end);
  if (spec.precision) {
    if (*spec.precision == 0 && v == 0) digits.clear();
    const auto wanted = static_cast<size_t>(*spec.precision);
    if (digits.size() < wanted) digits.insert(0, wanted - digits.size(), '0');
  }
  return digits;
}

bool AppendInteger(std::string& out, int64_t v, const Spec& spec) {
  int base = 10;
  std::string prefix;
  switch (spec.verb) {
    case 'v':
    case 'd':
      break;
    case 'b':
      base = 2;
      if (spec.sharp) prefix = "0b";
      break;
    case 'o':
      base = 8;
      if (spec.sharp) prefix = "0";
      break;
    case 'O':
      base = 8;
      prefix = "0o";
      break;
    case 'x':
    case 'X':
      base = 16;
      if (spec.sharp) prefix = spec.verb == 'x' ? "0x" : "0X";
      break;
    case 'c': {
      std::string text;
      base::AppendRune(text, v < 0 || v > 0x10ffff ? kBadRune : static_cast<uint32_t>(v));
      Pad(out, text, spec);
      return true;
    }
    case 'q':
      Pad(out, base::QuotedRune(v < 0 || v > 0x10ffff ? kBadRune : static_cast<uint32_t>(v)), spec);
      return true;
    case 'U': {
      const auto code = static_cast<uint32_t>(v);
      std::string text = GoUnicodeName(code);
      if (!spec.sharp) text.resize(std::min(text.find(' '), text.size()));
      Pad(out, text, spec);
      return true;
    }
    default:
      return false;
  }
  const uint64_t size = v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  std::string digits = IntegerDigits(size, base, spec);
  if (spec.verb == 'X') digits = Upper(std::move(digits));
  PadNumber(out, SignText(v < 0, spec) + prefix, digits, spec, !spec.precision);
  return true;
}

std::string HexOfBytes(std::string_view bytes, const Spec& spec) {
  const char* const digits = spec.verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  const std::string prefix = spec.sharp ? (spec.verb == 'X' ? "0X" : "0x") : "";
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0 && spec.space) out.push_back(' ');
    if (i == 0 || spec.space) out += prefix;
    const auto byte = static_cast<unsigned char>(bytes[i]);
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

bool AppendText(std::string& out, std::string_view text, const Spec& spec) {
  if (spec.verb == 'x' || spec.verb == 'X') {
    if (spec.precision) text = text.substr(0, static_cast<size_t>(*spec.precision));
    Pad(out, HexOfBytes(text, spec), spec);
    return true;
  }
  if (spec.precision) text = FirstRunes(text, *spec.precision);
  const bool quoted = spec.verb == 'q' || (spec.verb == 'v' && spec.go_syntax);
  if (!quoted && spec.verb != 's' && spec.verb != 'v') return false;
  if (!quoted) {
    Pad(out, text, spec);
  } else if (spec.sharp && spec.verb == 'q' && text.find('`') == std::string_view::npos &&
             text.find('\n') == std::string_view::npos) {
    Pad(out, "`" + std::string(text) + "`", spec);
  } else {
    Pad(out, base::Quoted(text), spec);
  }
  return true;
}

bool AppendFormatted(std::string& out, const Value& v, const Spec& spec);

// Go's remark on a verb that does not fit its operand: %!d(string=hi). Width and flags still count.
void AppendBadVerb(std::string& out, const Value& v, const Spec& spec) {
  out += "%!";
  base::AppendRune(out, spec.verb);
  out.push_back('(');
  if (v.valid()) {
    out += GoTypeName(v);
    out.push_back('=');
    Spec plain = spec;
    plain.verb = 'v';
    plain.no_methods = true;
    AppendFormatted(out, v, plain);
  } else {
    out += "<nil>";
  }
  out.push_back(')');
}

void AppendElement(std::string& out, const Value& v, const Spec& spec) {
  if (!AppendFormatted(out, v, spec)) AppendBadVerb(out, v, spec);
}

void AppendLabels(std::string& out, const model::Labels& labels, const Spec& spec) {
  out += spec.go_syntax ? "map[string]string{" : "map[";
  bool first = true;
  for (const model::LabelView label : labels) {
    if (!first) out += spec.go_syntax ? ", " : " ";
    first = false;
    AppendElement(out, Value(std::string(label.name)), spec);
    out.push_back(':');
    AppendElement(out, Value(std::string(label.value)), spec);
  }
  out += spec.go_syntax ? "}" : "]";
}

// A field of a struct, with its name where the verb asks for it.
void AppendField(std::string& out, std::string_view name, const Value& v, const Spec& spec) {
  if (!out.ends_with('{')) out.push_back(' ');
  if (spec.field_names) {
    out += name;
    out.push_back(':');
  }
  AppendElement(out, v, spec);
}

void AppendSample(std::string& out, const TemplateSample& sample, const Spec& spec) {
  out += "{";
  AppendField(out, "Labels", Value(sample.labels), spec);
  AppendField(out, "Value", Value(sample.value), spec);
  out += "}";
}

struct Formatter {
  std::string& out;
  const Spec& spec;

  bool operator()(std::monostate) const {
    if (spec.verb != 'v') return false;
    Pad(out, "<nil>", spec);
    return true;
  }
  bool operator()(bool v) const {
    if (spec.verb != 'v' && spec.verb != 't') return false;
    Pad(out, v ? "true" : "false", spec);
    return true;
  }
  bool operator()(const Integer& v) const {
    const bool named = v.type == IntType::kMonth || v.type == IntType::kWeekday;
    if (named && IsTextVerb()) {
      const std::string_view name =
          v.type == IntType::kMonth ? MonthName(v.value) : WeekdayName(v.value);
      return AppendText(out, name, spec);
    }
    return AppendInteger(out, v.value, spec);
  }
  bool operator()(double v) const { return AppendFloat(out, v, spec); }
  bool operator()(const std::string& v) const { return AppendText(out, v, spec); }
  bool operator()(const Html& v) const { return AppendText(out, v.text, spec); }
  bool operator()(const model::Labels& v) const {
    AppendLabels(out, v, spec);
    return true;
  }
  bool operator()(const std::shared_ptr<const AnyMap>& v) const {
    out += "map[";
    bool first = true;
    for (const auto& [name, value] : *v) {
      if (!first) out.push_back(' ');
      first = false;
      AppendElement(out, Value(name), spec);
      out.push_back(':');
      AppendElement(out, value, spec);
    }
    out.push_back(']');
    return true;
  }
  bool operator()(const std::shared_ptr<const AlertData>& v) const {
    out.push_back('{');
    AppendField(out, "Labels", Value(v->labels), spec);
    AppendField(out, "ExternalLabels", Value(v->external_labels), spec);
    AppendField(out, "ExternalURL", Value(v->external_url), spec);
    AppendField(out, "Value", Value(v->value), spec);
    out.push_back('}');
    return true;
  }
  bool operator()(const SampleList& v) const {
    out.push_back('[');
    for (size_t i = v.begin; i < v.end; ++i) {
      if (i > v.begin) out.push_back(' ');
      AppendSample(out, (*v.all)[i], spec);
    }
    out.push_back(']');
    return true;
  }
  bool operator()(const SamplePtr& v) const {
    if (v.get() == nullptr) return (*this)(std::monostate());
    out.push_back('&');
    AppendSample(out, *v.get(), spec);
    return true;
  }
  bool operator()(const GoTime& v) const { return AppendText(out, GoTimeText(v), spec); }
  bool operator()(const GoDuration& v) const {
    if (IsTextVerb()) return AppendText(out, GoDurationText(v), spec);
    return AppendInteger(out, v.nanos, spec);
  }

 private:
  // Verbs for which Go asks a value for its own text.
  bool IsTextVerb() const {
    return !spec.no_methods && (spec.verb == 'v' || spec.verb == 's' || spec.verb == 'q');
  }
};

bool AppendFormatted(std::string& out, const Value& v, const Spec& spec) {
  if (spec.verb == 'T') {
    Spec plain = spec;
    plain.verb = 's';
    return AppendText(out, GoTypeName(v), plain);
  }
  return std::visit(Formatter{out, spec}, v.rep);
}

bool IsString(const Value& v) { return v.As<std::string>() != nullptr || v.As<Html>() != nullptr; }

// One pass over a format. `next` is the operand that the next verb takes.
class FormatRun {
 public:
  FormatRun(std::string_view format, std::span<const Value> args, size_t limit)
      : rest_(format), args_(args), limit_(limit) {}

  std::string Run() {
    while (!rest_.empty() && out_.size() <= limit_) {
      const size_t mark = std::min(rest_.find('%'), rest_.size());
      out_ += rest_.substr(0, mark);
      rest_.remove_prefix(mark);
      if (!rest_.empty()) {
        rest_.remove_prefix(1);
        Directive();
      }
    }
    if (!reordered_ && next_ < args_.size() && out_.size() <= limit_) Extra();
    return std::move(out_);
  }

 private:
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<int> TakeNumber() {
    std::optional<int> v;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      v = std::min(v.value_or(0) * 10 + (rest_[0] - '0'), kMaxWidth + 1);
      rest_.remove_prefix(1);
    }
    return v;
  }

  // "[2]": the operand's number, from 1.
  void TakeIndex() {
    if (rest_.empty() || rest_[0] != '[') return;
    reordered_ = true;
    const size_t close = rest_.find(']');
    if (close == std::string_view::npos) {
      good_index_ = false;
      rest_.remove_prefix(1);
      return;
    }
    const auto number = base::ParseUint(rest_.substr(1, close - 1));
    rest_.remove_prefix(close + 1);
    after_index_ = true;
    if (!number || *number < 1 || *number > args_.size()) {
      good_index_ = false;
      return;
    }
    next_ = static_cast<size_t>(*number - 1);
  }

  // A width or precision: digits, or an operand. Nothing when there is none or it is no good.
  std::optional<int> TakeSize(std::string_view bad, bool& from_operand) {
    from_operand = false;
    if (!Take('*')) {
      const auto v = TakeNumber();
      if (v && *v > kMaxWidth) {
        out_ += bad;
        return std::nullopt;
      }
      return v;
    }
    from_operand = true;
    after_index_ = false;
    const Integer* v = next_ < args_.size() ? args_[next_].As<Integer>() : nullptr;
    if (next_ < args_.size()) ++next_;
    if (v == nullptr || v->value > kMaxWidth || v->value < -kMaxWidth) {
      out_ += bad;
      return std::nullopt;
    }
    return static_cast<int>(v->value);
  }

  void TakeFlags(Spec& spec) {
    for (;; rest_.remove_prefix(1)) {
      if (rest_.empty()) return;
      switch (rest_[0]) {
        case '#':
          spec.sharp = true;
          break;
        case '0':
          spec.zero = !spec.minus;
          break;
        case '+':
          spec.plus = true;
          break;
        case '-':
          spec.minus = true;
          spec.zero = false;
          break;
        case ' ':
          spec.space = true;
          break;
        default:
          return;
      }
    }
  }

  void TakeWidth(Spec& spec) {
    bool from_operand = false;
    const bool after_index = after_index_;
    spec.width = TakeSize("%!(BADWIDTH)", from_operand);
    if (spec.width && *spec.width < 0) {
      spec.width = -*spec.width;
      spec.minus = true;
      spec.zero = false;
    }
    if (spec.width && !from_operand && after_index) good_index_ = false;  // "%[3]2d"
  }

  void TakePrecision(Spec& spec) {
    if (!Take('.')) return;
    if (after_index_) good_index_ = false;  // "%[3].2d"
    TakeIndex();
    bool from_operand = false;
    const bool digits_missing =
        rest_.empty() || (rest_[0] != '*' && (rest_[0] < '0' || rest_[0] > '9'));
    spec.precision = TakeSize("%!(BADPREC)", from_operand);
    if (spec.precision && *spec.precision < 0) {
      spec.precision.reset();
      out_ += "%!(BADPREC)";
    }
    if (digits_missing) spec.precision = 0;
  }

  void Directive() {
    Spec spec;
    good_index_ = true;
    after_index_ = false;
    TakeFlags(spec);
    TakeIndex();
    TakeWidth(spec);
    TakePrecision(spec);
    if (!after_index_) TakeIndex();
    if (rest_.empty()) {
      out_ += "%!(NOVERB)";
      return;
    }
    const Rune verb = DecodeRune(rest_);
    rest_.remove_prefix(static_cast<size_t>(verb.size));
    spec.verb = verb.code;
    if (spec.verb == 'v') {
      spec.go_syntax = std::exchange(spec.sharp, false);
      spec.field_names = std::exchange(spec.plus, false);
    }
    if (spec.verb == '%') {
      out_.push_back('%');
    } else if (!good_index_) {
      AppendRemark(spec.verb, "(BADINDEX)");
    } else if (next_ >= args_.size()) {
      AppendRemark(spec.verb, "(MISSING)");
    } else {
      AppendElement(out_, args_[next_++], spec);
    }
  }

  void AppendRemark(uint32_t verb, std::string_view text) {
    out_ += "%!";
    base::AppendRune(out_, verb);
    out_ += text;
  }

  void Extra() {
    out_ += "%!(EXTRA ";
    for (size_t i = next_; i < args_.size(); ++i) {
      if (i > next_) out_ += ", ";
      if (!args_[i].valid()) {
        out_ += "<nil>";
        continue;
      }
      out_ += GoTypeName(args_[i]);
      out_.push_back('=');
      AppendValue(out_, args_[i]);
    }
    out_.push_back(')');
  }

  std::string_view rest_;
  const std::span<const Value> args_;
  const size_t limit_;
  std::string out_;
  size_t next_ = 0;
  bool reordered_ = false;
  bool good_index_ = true;
  bool after_index_ = false;
};

}  // namespace

void AppendValue(std::string& out, const Value& v) { AppendElement(out, v, Spec{}); }

void AppendPrinted(std::string& out, const Value& v) {
  const auto* sample = v.As<SamplePtr>();
  if (!v.valid()) {
    out += "<no value>";
  } else if (sample != nullptr && sample->get() != nullptr) {
    AppendSample(out, *sample->get(), Spec{});
  } else {
    AppendValue(out, v);
  }
}

std::string GoSprint(std::span<const Value> args) {
  std::string out;
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0 && !IsString(args[i]) && !IsString(args[i - 1])) out.push_back(' ');
    AppendValue(out, args[i]);
  }
  return out;
}

std::string GoSprintln(std::span<const Value> args) {
  std::string out;
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0) out.push_back(' ');
    AppendValue(out, args[i]);
  }
  out.push_back('\n');
  return out;
}

std::string GoSprintf(std::string_view format, std::span<const Value> args, size_t limit) {
  return FormatRun(format, args, limit).Run();
}

}  // namespace canopy::rules
