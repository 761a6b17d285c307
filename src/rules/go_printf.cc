#include "rules/go_printf.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "rules/go_quote.h"
#include "rules/go_verbs.h"

namespace canopy::rules {

namespace {

// Go refuses widths and precisions beyond this.
constexpr int kMaxWidth = 1'000'000;

bool AppendFormatted(std::string& out, const Value& v, const VerbSpec& spec);

// Go's remark on a verb that does not fit its operand: %!d(string=hi). Width and flags still count.
void AppendBadVerb(std::string& out, const Value& v, const VerbSpec& spec) {
  out += "%!";
  base::AppendRune(out, spec.verb);
  out.push_back('(');
  if (v.valid()) {
    out += GoTypeName(v);
    out.push_back('=');
    VerbSpec plain = spec;
    plain.verb = 'v';
    plain.no_methods = true;
    AppendFormatted(out, v, plain);
  } else {
    out += "<nil>";
  }
  out.push_back(')');
}

void AppendElement(std::string& out, const Value& v, const VerbSpec& spec) {
  if (!AppendFormatted(out, v, spec)) AppendBadVerb(out, v, spec);
}

void AppendLabels(std::string& out, const model::Labels& labels, const VerbSpec& spec) {
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
void AppendField(std::string& out, std::string_view name, const Value& v, const VerbSpec& spec) {
  if (!out.ends_with('{')) out.push_back(' ');
  if (spec.field_names) {
    out += name;
    out.push_back(':');
  }
  AppendElement(out, v, spec);
}

void AppendSample(std::string& out, const TemplateSample& sample, const VerbSpec& spec) {
  out += "{";
  AppendField(out, "Labels", Value(sample.labels), spec);
  AppendField(out, "Value", Value(sample.value), spec);
  out += "}";
}

struct Formatter {
  std::string& out;
  const VerbSpec& spec;

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

bool AppendFormatted(std::string& out, const Value& v, const VerbSpec& spec) {
  if (spec.verb == 'T') {
    VerbSpec plain = spec;
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

  void TakeFlags(VerbSpec& spec) {
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

  void TakeWidth(VerbSpec& spec) {
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

  void TakePrecision(VerbSpec& spec) {
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
    VerbSpec spec;
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

void AppendValue(std::string& out, const Value& v) { AppendElement(out, v, VerbSpec{}); }

void AppendPrinted(std::string& out, const Value& v) {
  const auto* sample = v.As<SamplePtr>();
  if (!v.valid()) {
    out += "<no value>";
  } else if (sample != nullptr && sample->get() != nullptr) {
    AppendSample(out, *sample->get(), VerbSpec{});
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
