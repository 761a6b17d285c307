#include "app/metrics_lint.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include "canopy/base/quote.h"
#include "canopy/exposition/parse.h"

namespace canopy::app {
namespace {

using model::MetricType;

struct Family {
  MetricType type = MetricType::kUnknown;
  bool has_help = false;
  std::set<std::string> label_names;
};

// A unit, and the one to use instead of it and of all that has a prefix.
struct Unit {
  std::string_view name;
  std::string_view base;
};
constexpr Unit kUnits[] = {
    {"amperes", "amperes"},    {"bytes", "bytes"},     {"celsius", "celsius"},
    {"grams", "grams"},        {"joules", "joules"},   {"kelvin", "kelvin"},
    {"meters", "meters"},      {"metres", "meters"},   {"seconds", "seconds"},
    {"volts", "volts"},        {"minutes", "seconds"}, {"hours", "seconds"},
    {"days", "seconds"},       {"weeks", "seconds"},   {"kelvins", "kelvin"},
    {"fahrenheit", "celsius"}, {"rankine", "celsius"}, {"inches", "meters"},
    {"yards", "meters"},       {"miles", "meters"},    {"bits", "bytes"},
    {"calories", "joules"},    {"pounds", "grams"},    {"ounces", "grams"},
};
constexpr std::string_view kPrefixes[] = {
    "",     "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo",
    "kibi", "mega", "mibi", "mebi",  "giga",  "gibi",  "tera", "tebi", "peta",  "pebi"};
constexpr std::string_view kAbbreviations[] = {"s",  "ms", "us", "ns", "sec", "b", "kb",
                                               "mb", "gb", "tb", "pb", "m",   "h", "d"};
constexpr std::string_view kTypeNames[] = {"counter", "gauge", "histogram", "summary"};

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string_view> Words(std::string_view name) {
  std::vector<std::string_view> words;
  for (;;) {
    const size_t end = std::min(name.find('_'), name.size());
    words.push_back(name.substr(0, end));
    if (end == name.size()) return words;
    name.remove_prefix(end + 1);
  }
}

bool IsCamelCase(std::string_view name) {
  for (size_t i = 1; i < name.size(); ++i) {
    if (std::islower(static_cast<unsigned char>(name[i - 1])) != 0 &&
        std::isupper(static_cast<unsigned char>(name[i])) != 0)
      return true;
  }
  return false;
}

// The checks of one family.
class Linter {
 public:
  Linter(const std::string& name, const Family& family, std::vector<LintProblem>& problems)
      : name_(name), family_(family), problems_(problems) {}

  void Run() {
    if (!family_.has_help) Add("no help text");
    CheckUnits();
    CheckCounter();
    CheckReserved();
    CheckTypeInName();
    if (name_.find(':') != std::string::npos) Add("metric names should not contain ':'");
    CheckCase();
    CheckAbbreviations();
  }

 private:
  void Add(std::string text) { problems_.push_back({name_, std::move(text)}); }
  bool EndsWith(std::string_view suffix) const { return name_.ends_with(suffix); }

  void CheckUnits() {
    for (const std::string_view word : Words(name_)) {
      for (const Unit& unit : kUnits) {
        for (const std::string_view prefix : kPrefixes) {
          if (word.size() != prefix.size() + unit.name.size() || !word.starts_with(prefix) ||
              !word.ends_with(unit.name))
            continue;
          if (word == unit.base || (prefix.empty() && unit.name == "metres")) return;
          return Add("use base unit " + base::Quoted(unit.base) + " instead of " +
                     base::Quoted(word));
        }
      }
    }
  }

  void CheckCounter() {
    const bool counter = family_.type == MetricType::kCounter;
    if (counter && !EndsWith("_total")) Add("counter metrics should have \"_total\" suffix");
    if (!counter && family_.type != MetricType::kUnknown && EndsWith("_total")) {
      Add("non-counter metrics should not have \"_total\" suffix");
    }
  }

  // Names that histograms and summaries make by themselves.
  void CheckReserved() {
    if (family_.type == MetricType::kUnknown) return;
    const bool histogram = family_.type == MetricType::kHistogram;
    const bool summary = family_.type == MetricType::kSummary;
    if (!histogram && EndsWith("_bucket")) {
      Add("non-histogram metrics should not have \"_bucket\" suffix");
    }
    for (const char* suffix : {"_count", "_sum"}) {
      if (!histogram && !summary && EndsWith(suffix)) {
        Add("non-histogram and non-summary metrics should not have \"" + std::string(suffix) +
            "\" suffix");
      }
    }
    if (!histogram && family_.label_names.contains("le")) {
      Add("non-histogram metrics should not have \"le\" label");
    }
    if (!summary && family_.label_names.contains("quantile")) {
      Add("non-summary metrics should not have \"quantile\" label");
    }
  }

  // "_word" inside the name or at its end, in any case.
  bool HasWord(std::string_view word) const {
    const std::string name = Lower(name_);
    const std::string part = "_" + std::string(word);
    return name.ends_with(part) || name.find(part + "_") != std::string::npos;
  }

  void CheckTypeInName() {
    for (const std::string_view type : kTypeNames) {
      if (HasWord(type)) Add("metric name should not include type '" + std::string(type) + "'");
    }
  }

  void CheckCase() {
    if (IsCamelCase(name_)) {
      Add("metric names should be written in 'snake_case' not 'camelCase'");
    }
    for (const std::string& label : family_.label_names) {
      if (IsCamelCase(label)) {
        Add("label names should be written in 'snake_case' not 'camelCase'");
      }
    }
  }

  void CheckAbbreviations() {
    for (const std::string_view unit : kAbbreviations) {
      if (HasWord(unit)) Add("metric names should not contain abbreviated units");
    }
  }

  const std::string& name_;
  const Family& family_;
  std::vector<LintProblem>& problems_;
};

// A page as families. Samples of a histogram or summary belong to the family without their suffix.
class Page {
 public:
  Status Read(std::string_view page) {
    exposition::PageParser parser(page, exposition::PageFormat::kText);
    for (;;) {
      switch (parser.Next()) {
        case exposition::Entry::kType:
          families_[std::string(parser.family())].type = parser.type();
          break;
        case exposition::Entry::kHelp:
          families_[std::string(parser.family())].has_help = true;
          break;
        case exposition::Entry::kSample:
          CANOPY_RETURN_IF_ERROR(AddSample(parser));
          break;
        case exposition::Entry::kUnit:
        case exposition::Entry::kComment:
          break;
        case exposition::Entry::kEnd:
          return {};
        case exposition::Entry::kError:
          return parser.error();
      }
    }
  }

  std::vector<LintProblem> Lint() const {
    std::vector<LintProblem> problems;
    for (const auto& [name, family] : families_) {
      if (sampled_.contains(name)) Linter(name, family, problems).Run();
    }
    for (const std::string& name : repeated_) problems.push_back({name, "metric not unique"});
    std::sort(problems.begin(), problems.end());
    problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
    return problems;
  }

 private:
  Status AddSample(exposition::PageParser& parser) {
    model::LabelsBuilder builder;
    CANOPY_RETURN_IF_ERROR(parser.AddLabels(builder));
    const model::Labels labels = builder.Build();
    const std::string name = FamilyOf(labels.metric_name());
    const bool bucket = name != labels.metric_name();
    sampled_.insert(name);
    if (!seen_.insert(labels).second) repeated_.insert(name);
    Family& family = families_[name];
    for (const model::LabelView label : labels) {
      if (label.name == model::kMetricName) continue;
      if (bucket && label.name == "le") continue;
      family.label_names.emplace(label.name);
    }
    return {};
  }

  std::string FamilyOf(std::string_view name) const {
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (!name.ends_with(suffix)) continue;
      const std::string base(name.substr(0, name.size() - suffix.size()));
      const auto it = families_.find(base);
      if (it == families_.end()) continue;
      if (it->second.type == MetricType::kHistogram ||
          (it->second.type == MetricType::kSummary && suffix != "_bucket"))
        return base;
    }
    return std::string(name);
  }

  std::map<std::string, Family> families_;
  std::set<std::string> sampled_;
  std::set<std::string> repeated_;
  std::set<model::Labels> seen_;
};

}  // namespace

Result<std::vector<LintProblem>> LintMetrics(std::string_view text) {
  Page page;
  CANOPY_RETURN_IF_ERROR(page.Read(text));
  return page.Lint();
}

}  // namespace canopy::app
