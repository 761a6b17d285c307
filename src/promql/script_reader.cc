#include "script_reader.h"

#include <algorithm>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/promql/parser.h"

namespace canopy::promql {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The text up to the next blank; takes it off, and the blanks behind it.
std::string_view TakeWord(std::string_view& rest) {
  const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest = Trim(rest.substr(end));
  return word;
}

bool TakePrefix(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

// metric{labels}@st ...: when the counters of the line behind it started.
bool IsStartLine(std::string_view line) {
  std::string_view rest = line;
  return TakeWord(rest).ends_with("@st");
}

class Reader {
 public:
  explicit Reader(std::string_view script) {
    while (true) {
      const size_t end = std::min(script.find('\n'), script.size());
      std::string_view line = Trim(script.substr(0, end));
      if (line.starts_with('#')) line = {};
      lines_.push_back(line);
      if (end == script.size()) break;
      script.remove_prefix(end + 1);
    }
  }

  Result<std::vector<ScriptCommand>> Read() {
    std::vector<ScriptCommand> out;
    while (at_ < lines_.size()) {
      std::string_view line = lines_[at_++];
      if (line.empty()) continue;
      std::string_view rest = line;
      const std::string_view command = TakeWord(rest);
      if (command == "clear") {
        out.emplace_back(ScriptClear{});
      } else if (command.starts_with("load")) {
        CANOPY_ASSIGN_OR_RETURN(ScriptLoad load, ReadLoad(command, rest));
        out.emplace_back(std::move(load));
      } else if (command.starts_with("eval")) {
        CANOPY_ASSIGN_OR_RETURN(ScriptEval eval, ReadEval(command, rest));
        out.emplace_back(std::move(eval));
      } else {
        return Fail("invalid command " + base::Quoted(line));
      }
    }
    return out;
  }

 private:
  Status Fail(std::string_view why) const {
    return Status::Invalid(std::string(why)).In("line " + std::to_string(at_));
  }

  Result<Duration> ReadDuration(std::string_view text) const {
    const Result<Duration> d = ParseDuration(text);
    if (!d.ok()) return Fail(d.status().message());
    return *d;
  }

  Result<ScriptLoad> ReadLoad(std::string_view command, std::string_view rest) {
    ScriptLoad out;
    CANOPY_ASSIGN_OR_RETURN(out.interval, ReadDuration(rest));
    out.with_nhcb = command == "load_with_nhcb";
    if (!out.with_nhcb && command != "load")
      return Fail("invalid command " + base::Quoted(command));
    std::optional<StartLine> starts;
    for (; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      const std::string_view line = lines_[at_];
      const auto failed = [&](const Status& status) {
        return status.In("line " + std::to_string(at_ + 1));
      };
      if (IsStartLine(line) && !starts) {
        auto read = ReadStarts(line);
        if (!read.ok()) return failed(read.status());
        starts = std::move(read).value();
        continue;
      }
      auto series = ParseSeriesDescription(line);
      if (!series.ok()) return failed(series.status());
      out.series.push_back({std::move(series).value(), {}});
      if (!starts) continue;
      ScriptLoad::Series& last = out.series.back();
      if (starts->labels != last.description.labels)
        return failed(Status::Invalid("the @st line before is of another metric"));
      if (starts->starts.size() != last.description.values.size())
        return failed(Status::Invalid("the @st line before has another number of values"));
      last.starts = std::move(starts->starts);
      starts.reset();
    }
    if (starts) return Fail("an @st line has no series behind it");
    return out;
  }

  struct StartLine {
    model::Labels labels;
    std::vector<std::optional<int64_t>> starts;
  };

  static Result<StartLine> ReadStarts(std::string_view line) {
    std::string_view metric = TakeWord(line);
    metric.remove_suffix(3);
    StartLine out;
    CANOPY_ASSIGN_OR_RETURN(out.labels, ParseMetric(metric));
    while (!line.empty()) CANOPY_RETURN_IF_ERROR(ReadStart(TakeWord(line), out.starts));
    return out;
  }

  // _  _x3  -1m  -1mx3  -1m+30sx3  -1m-30sx3
  static Status ReadStart(std::string_view item, std::vector<std::optional<int64_t>>& out) {
    const Status bad = Status::Invalid("invalid start time " + base::Quoted(item));
    const size_t x = item.rfind('x');
    uint64_t count = 0;
    if (x != item.npos) {
      const auto repetitions = base::ParseUint(item.substr(x + 1));
      if (!repetitions || *repetitions > kMostStarts) return bad;
      count = *repetitions;
      item = item.substr(0, x);
    }
    if (item == "_") {
      out.insert(out.end(), x == item.npos ? 1 : std::max<uint64_t>(count, 1), std::nullopt);
      return {};
    }
    const size_t sign = item.find_first_of("+-", 1);
    const auto base = SignedMs(item.substr(0, sign));
    const auto step = sign == item.npos ? std::optional<int64_t>(0) : SignedMs(item.substr(sign));
    if (!base || !step) return bad;
    for (uint64_t i = 0; i <= count; ++i) out.push_back(*base + *step * static_cast<int64_t>(i));
    return {};
  }

  static std::optional<int64_t> SignedMs(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const Result<Duration> d = ParseDuration(text);
    if (!d.ok()) return std::nullopt;
    return negative ? -d->count() : d->count();
  }

  Result<ScriptEval> ReadEval(std::string_view command, std::string_view rest) {
    ScriptEval out;
    out.line = at_;
    CANOPY_RETURN_IF_ERROR(ReadMode(command, out));
    CANOPY_RETURN_IF_ERROR(ReadTimes(rest, out));
    for (; at_ < lines_.size() && !lines_[at_].empty(); ++at_)
      CANOPY_RETURN_IF_ERROR(ReadExpected(lines_[at_], out));
    return out;
  }

  // eval, eval_fail, eval_warn, eval_info, eval_ordered
  Status ReadMode(std::string_view command, ScriptEval& out) const {
    if (command == "eval") return {};
    if (command == "eval_fail") {
      out.expectations.push_back({ExpectKind::kFail, {}, true, nullptr});
    } else if (command == "eval_ordered") {
      out.expectations.push_back({ExpectKind::kOrdered, {}, true, nullptr});
    } else if (command == "eval_warn") {
      out.any_warning = true;
    } else if (command == "eval_info") {
      out.any_info = true;
    } else {
      return Fail("invalid command " + base::Quoted(command));
    }
    return {};
  }

  Status ReadTimes(std::string_view rest, ScriptEval& out) const {
    const std::string_view kind = TakeWord(rest);
    if (kind == "instant") {
      Duration at{0};
      if (std::string_view after = rest; TakeWord(after) == "at") {
        CANOPY_ASSIGN_OR_RETURN(at, ReadDuration(TakeWord(after)));
        rest = after;
      }
      out.at = out.start = out.end = Timestamp::FromMs(at.count());
    } else if (kind == "range") {
      out.range = true;
      CANOPY_RETURN_IF_ERROR(ReadSpan(rest, out));
    } else {
      return Fail("invalid evaluation command");
    }
    out.query = std::string(rest);
    return out.query.empty() ? Fail("invalid evaluation command") : Status();
  }

  // from 0 to 10m step 1m
  Status ReadSpan(std::string_view& rest, ScriptEval& out) const {
    const auto take = [&](std::string_view keyword) -> Result<Duration> {
      if (TakeWord(rest) != keyword)
        return Fail("expected " + base::Quoted(keyword) + " in a range");
      return ReadDuration(TakeWord(rest));
    };
    CANOPY_ASSIGN_OR_RETURN(const Duration from, take("from"));
    CANOPY_ASSIGN_OR_RETURN(const Duration to, take("to"));
    CANOPY_ASSIGN_OR_RETURN(out.step, take("step"));
    if (to < from) return Fail("invalid test definition, the end is before the start");
    out.start = Timestamp::FromMs(from.count());
    out.end = Timestamp::FromMs(to.count());
    return {};
  }

  Status ReadExpected(std::string_view line, ScriptEval& out) const {
    std::string_view rest = line;
    if (TakePrefix(rest, "expected_fail_message"))
      return SetFailure(out, {ExpectKind::kFail, std::string(Trim(rest)), false, nullptr});
    if (TakePrefix(rest, "expected_fail_regexp")) {
      Expectation expectation{ExpectKind::kFail, std::string(Trim(rest)), false, nullptr};
      CANOPY_RETURN_IF_ERROR(CompileRegex(expectation));
      return SetFailure(out, std::move(expectation));
    }
    if (TakePrefix(rest, "expect range vector")) {
      out.range_vector = true;
      rest = Trim(rest);
      CANOPY_RETURN_IF_ERROR(ReadSpan(rest, out));
      out.at = out.end;
      return {};
    }
    if (TakePrefix(rest, "expect string")) {
      const Result<ExprPtr> literal = ParseExpr(Trim(rest));
      if (!literal.ok() || (*literal)->kind != ExprKind::kString)
        return Fail("expected a string in quotes");
      out.string = (*literal)->As<StringLiteral>().value;
      return {};
    }
    if (rest.starts_with("expect ")) return ReadExpectation(rest.substr(7), out);
    return ReadResult(line, out);
  }

  static Status SetFailure(ScriptEval& out, Expectation expectation) {
    std::erase_if(out.expectations, [](const auto& e) { return e.kind == ExpectKind::kFail; });
    out.expectations.push_back(std::move(expectation));
    return {};
  }

  // Go's regexps are searched for; ours match the whole.
  Status CompileRegex(Expectation& expectation) const {
    auto regex = model::AnchoredRegex::Compile("(?s:.*)(?:" + expectation.text + ")(?s:.*)");
    if (!regex.ok()) return Fail(regex.status().message());
    expectation.regex = std::move(regex).value();
    return {};
  }

  // warn msg: text
  Status ReadExpectation(std::string_view rest, ScriptEval& out) const {
    static constexpr std::pair<std::string_view, ExpectKind> kKinds[] = {
        {"ordered", ExpectKind::kOrdered}, {"fail", ExpectKind::kFail},
        {"warn", ExpectKind::kWarn},       {"no_warn", ExpectKind::kNoWarn},
        {"info", ExpectKind::kInfo},       {"no_info", ExpectKind::kNoInfo}};
    rest = Trim(rest);
    const std::string_view word = TakeWord(rest);
    const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](const auto& k) { return k.first == word; });
    if (kind == std::end(kKinds)) return Fail("invalid expect statement");
    Expectation expectation{kind->second, {}, rest.empty(), nullptr};
    if (TakePrefix(rest, "msg:")) {
      expectation.text = std::string(Trim(rest));
    } else if (TakePrefix(rest, "regex:")) {
      expectation.text = std::string(Trim(rest));
      CANOPY_RETURN_IF_ERROR(CompileRegex(expectation));
    } else if (!rest.empty()) {
      return Fail("invalid expect statement");
    }
    out.expectations.push_back(std::move(expectation));
    const bool contradicts = (out.expects(ExpectKind::kWarn) && out.expects(ExpectKind::kNoWarn)) ||
                             (out.expects(ExpectKind::kInfo) && out.expects(ExpectKind::kNoInfo));
    return contradicts ? Fail("expect statements contradict each other") : Status();
  }

  Status ReadResult(std::string_view line, ScriptEval& out) const {
    if (const auto number = base::ParseFloat(line)) {
      out.scalar = *number;
      return {};
    }
    auto series = ParseSeriesDescription(line);
    if (!series.ok()) return series.status().In("line " + std::to_string(at_ + 1));
    if (series->values.size() > 1 && !out.range && !out.range_vector)
      return Fail("more than one value for an instant");
    out.series.push_back(std::move(series).value());
    return {};
  }

  static constexpr uint64_t kMostStarts = 1'000'000;

  std::vector<std::string_view> lines_;
  size_t at_ = 0;  // the line behind the one that is read: its number, from 1
};

}  // namespace

bool Expectation::Matches(std::string_view actual) const {
  if (any) return true;
  return regex ? regex->Matches(actual) : actual == text;
}

bool ScriptEval::expects(ExpectKind kind) const {
  return std::any_of(expectations.begin(), expectations.end(),
                     [&](const Expectation& e) { return e.kind == kind; });
}

Result<std::vector<ScriptCommand>> ReadScript(std::string_view script) {
  return Reader(script).Read();
}

}  // namespace canopy::promql
