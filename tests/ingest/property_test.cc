#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <random>
#include <set>
#include <tuple>
#include <utility>

#include "canopy/base/number.h"
#include "canopy/base/quote.h"
#include "canopy/exposition/parse.h"
#include "canopy/model/classic_histogram.h"
#include "ingest/page_labels.h"
#include "target.h"

namespace canopy::ingest {
namespace {

// The same rules without any memory but the labels that the last page showed: what the clever path
// must equal, page after page.
class Oracle {
 public:
  Oracle(const PageRules& rules, model::Labels target)
      : rules_(rules), target_(std::move(target)) {}

  void Store(const Scrape& scrape, std::string_view page, exposition::PageFormat format) {
    storage::Batch batch;
    std::set<model::Labels> shown;
    std::set<std::tuple<std::string, bool, std::string>> lines;
    Run run;
    std::set<std::string> converted;
    std::string family;
    exposition::PageParser parser(page, format);
    const char* behind = page.data();
    while (true) {
      const auto entry = parser.Next();
      if (entry == exposition::Entry::kError) return Fail(scrape);
      const bool sample = entry == exposition::Entry::kSample;
      // What is no sample, blank lines included, ends a histogram.
      if (!sample || parser.series().data() != behind)
        if (!Finish(run, scrape, converted, batch, shown)) return Fail(scrape);
      behind = parser.rest().data();
      if (entry == exposition::Entry::kEnd) break;
      if (entry == exposition::Entry::kType) family = parser.family();
      if (!sample) continue;
      model::LabelsBuilder builder;
      model::Labels labels;
      Status error = parser.AddLabels(builder);
      if (!error.ok()) return Fail(scrape);
      const bool typed =
          rules_.type_and_unit_labels && parser.type() != model::MetricType::kUnknown;
      if (typed && IsOfFamily(builder.Get("__name__"), family, parser.type()))
        builder.Set("__type__", model::MetricTypeText(parser.type()));
      if (const auto part = PartOf(parser, builder, family)) {
        if (run.any && run.key != KeyOf(part->first))
          if (!Finish(run, scrape, converted, batch, shown)) return Fail(scrape);
        run.Add(*part, builder, parser);
        if (!rules_.classic_histograms_too) continue;
      }
      const LabelFate fate = FinishLabels(rules_, target_, builder, labels, error);
      if (fate == LabelFate::kDropped) continue;
      if (fate != LabelFate::kKept) return Fail(scrape);
      const bool own_time = rules_.honor_timestamps && parser.time().has_value();
      const bool histogram = parser.type() == model::MetricType::kHistogram;
      // The same words may be a part of a histogram under another TYPE, or have another type.
      std::string of = typed || (histogram && rules_.convert_classic_histograms) ? family : "";
      if (typed) of += " " + std::string(model::MetricTypeText(parser.type()));
      const bool again = !lines.emplace(parser.series(), histogram, of).second;
      if (again && !own_time) continue;
      const Timestamp time = own_time ? *parser.time() : scrape.time;
      batch.new_samples.push_back({labels, time, parser.value()});
      if (again) continue;
      if (!own_time || rules_.track_timestamps_staleness) shown.insert(labels);
    }
    std::set<model::Labels> present;
    for (const storage::NewSample& s : batch.new_samples) present.insert(s.labels);
    for (const storage::NewHistogram& h : batch.new_histograms) present.insert(h.labels);
    for (const model::Labels& labels : shown_)
      if (!present.contains(labels)) End(batch, labels, scrape.time);
    BOOST_TEST_REQUIRE(store.Append(batch).ok());
    shown_ = std::move(shown);
  }
  void Fail(const Scrape& scrape) {
    storage::Batch batch;
    for (const model::Labels& labels : shown_) End(batch, labels, scrape.time);
    BOOST_TEST_REQUIRE(store.Append(batch).ok());
    shown_.clear();
  }

  BruteStore store;

 private:
  // Empty labels included: where a page's labels are honoured, they count.
  static std::string KeyOf(const model::LabelsBuilder& labels) {
    auto items = labels.items();
    std::ranges::sort(items);
    std::string key;
    for (const auto& [name, value] : items) key += base::Quoted(name) + base::Quoted(value);
    return key;
  }

  // A classic histogram on its way.
  struct Run {
    using Part = std::pair<model::LabelsBuilder, model::ClassicPart>;
    void Add(const Part& part, const model::LabelsBuilder& line,
             const exposition::PageParser& parser) {
      if (!any) builder = part.first;
      any = true;
      key = KeyOf(part.first);
      time = parser.time();
      if (part.second == model::ClassicPart::kBucket)
        histogram.AddBucket(*base::ParseFloat(line.Get("le")), parser.value());
      else if (part.second == model::ClassicPart::kSum)
        histogram.SetSum(parser.value());
      else
        histogram.SetCount(parser.value());
    }

    bool any = false;
    model::LabelsBuilder builder;
    std::string key;
    std::optional<Timestamp> time;
    model::ClassicHistogram histogram;
  };

  std::optional<Run::Part> PartOf(const exposition::PageParser& parser,
                                  const model::LabelsBuilder& line, std::string_view family) const {
    if (!rules_.convert_classic_histograms || parser.type() != model::MetricType::kHistogram)
      return std::nullopt;
    const auto name = model::SplitClassicName(line.Get("__name__"));
    if (name.part == model::ClassicPart::kNone || name.family != family) return std::nullopt;
    if (name.part == model::ClassicPart::kBucket && !base::ParseFloat(line.Get("le")))
      return std::nullopt;
    model::LabelsBuilder labels = line;
    labels.Set("__name__", family);
    labels.Del("le");
    return std::pair(labels, name.part);
  }
  // False when the page fails.
  bool Finish(Run& run, const Scrape& scrape, std::set<std::string>& converted,
              storage::Batch& batch, std::set<model::Labels>& shown) const {
    const Run done = std::exchange(run, {});
    if (!done.any) return true;
    auto value = done.histogram.Convert();
    if (!value.ok()) return true;
    model::LabelsBuilder builder = done.builder;
    model::Labels labels;
    Status error;
    const LabelFate fate = FinishLabels(rules_, target_, builder, labels, error);
    if (fate != LabelFate::kKept) return fate == LabelFate::kDropped;
    const bool own_time = rules_.honor_timestamps && done.time.has_value();
    if (!converted.insert(done.key).second && !own_time) return true;
    batch.new_histograms.push_back({labels, own_time ? *done.time : scrape.time, *value});
    if (!own_time || rules_.track_timestamps_staleness) shown.insert(labels);
    return true;
  }

  static void End(storage::Batch& batch, const model::Labels& labels, Timestamp time) {
    batch.new_samples.push_back({labels, time, model::StaleNan()});
  }

  const PageRules& rules_;
  const model::Labels target_;
  std::set<model::Labels> shown_;
};

// Pages of a target that lives: mostly the same lines with other values, and now and then a line
// that comes, goes, moves, repeats or is written in another way.
class Pages {
 public:
  explicit Pages(uint32_t seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }

  std::string Next(int64_t now_ms) {
    for (int changes = Below(3) == 0 ? Below(4) : 0; changes > 0; --changes) Change();
    values_.clear();
    std::string page;
    for (const std::string& line : lines_) {
      page.append(line);
      if (!line.starts_with('#')) AppendValue(line, now_ms, page);
      page.append("\n");
    }
    if (Below(20) == 0) page.append("broken{\n");
    return page;
  }

 private:
  void AppendValue(const std::string& line, int64_t now_ms, std::string& page) {
    // Lines that name the same series in other words agree; which one wins is not promised.
    const std::string family = line.substr(0, line.find_first_of(" {"));
    page.append(line.ends_with("}") && Below(2) == 0 ? "" : " ");
    page.append(std::to_string(values_.try_emplace(family, Below(1000)).first->second));
    if (line.starts_with("t")) {
      const int age = values_.try_emplace("age of " + family, Below(3) * 400).first->second;
      page.append(" ").append(std::to_string(now_ms - age));
    }
  }
  void Change() {
    const size_t at = lines_.empty() ? 0 : random_() % lines_.size();
    const auto it = lines_.begin() + static_cast<std::ptrdiff_t>(at);
    switch (lines_.empty() ? 0 : Below(6)) {
      case 0:
      case 1:
        lines_.insert(it, Line());
        break;
      case 2:
        lines_.erase(it);
        break;
      case 3:
        *it = Line();
        break;
      case 4:
        lines_.insert(it, lines_[random_() % lines_.size()]);
        break;
      default:
        std::swap(*it, lines_[random_() % lines_.size()]);
    }
  }
  std::string Line() {
    static const std::vector<std::string> kLines = {"a",
                                                    "ab",
                                                    "b{x=\"1\",y=\"2\"}",
                                                    "b{y=\"2\",x=\"1\"}",
                                                    "b{ x=\"1\", y=\"2\" }",
                                                    "c{job=\"z\"}",
                                                    "c{job=\"\"}",
                                                    "d{le=\"1\"}",
                                                    "d{le=\"2\"}",
                                                    "d{le=\"1.0\"}",
                                                    "# TYPE d histogram",
                                                    "# TYPE d gauge",
                                                    "# HELP a text",
                                                    "# other",
                                                    "# TYPE tm histogram",
                                                    "# TYPE dropped3 histogram",
                                                    "# comment",
                                                    "d_bucket{le=\"1\"}",
                                                    "d_bucket{le=\"2\"}",
                                                    "d_bucket{le=\"+Inf\"}",
                                                    "d_bucket{le=\"x\"}",
                                                    "d_bucket{x=\"1\",le=\"1\"}",
                                                    "d_bucket{le=\"1.0\",x=\"1\"}",
                                                    "d_count",
                                                    "d_count{x=\"1\"}",
                                                    "d_sum",
                                                    "d_sum{x=\"1\"}",
                                                    "tm_bucket{le=\"1\"}",
                                                    "tm_count",
                                                    "dropped3_count",
                                                    "dropped{x=\"1\"}",
                                                    "dropped2",
                                                    "t1",
                                                    "t2{x=\"1\"}",
                                                    "{\"e.f\"}",
                                                    "{\"e.f\",g=\"\\n\"}",
                                                    "h{x=\"a\nb\"}",
                                                    "# ",
                                                    "",
                                                    "i",
                                                    "j",
                                                    "k{x=\"1\"}",
                                                    "k{x=\"2\"}",
                                                    "k{x=\"3\"}"};
    std::string line = kLines[random_() % kLines.size()];
    if (line.empty()) line = "#" + std::to_string(Below(3));
    return line;
  }

  std::mt19937 random_;
  std::vector<std::string> lines_;
  std::map<std::string, int> values_;
};

PageRules RandomRules(Pages& pages) {
  model::RelabelConfig drop;
  drop.source_labels = {"__name__"};
  drop.regex = "dropped.*";
  drop.action = model::RelabelAction::kDrop;
  PageRules rules;
  rules.metric_relabel = *model::RelabelRules::Compile(std::vector{drop});
  rules.honor_labels = pages.Below(2) == 0;
  rules.honor_timestamps = pages.Below(3) != 0;
  rules.track_timestamps_staleness = pages.Below(2) == 0;
  rules.convert_classic_histograms = pages.Below(2) == 0;
  rules.classic_histograms_too = pages.Below(2) == 0;
  rules.type_and_unit_labels = pages.Below(2) == 0;
  return rules;
}

void Compare(uint32_t seed, bool forget) {
  Pages pages(seed);
  TestTarget t(RandomRules(pages), {{"job", "j"}});
  Oracle oracle(*t.rules, {{"job", "j"}});
  for (int round = 0; round < 60; ++round) {
    const Scrape scrape = t.Now();
    if (forget && pages.Below(5) == 0)
      t.store.ForgetSome(static_cast<uint64_t>(pages.Below(3)) + 1);
    std::string page;
    if (pages.Below(15) == 0) {
      (void)t.pages.Fail(scrape, Status::Timeout("late"), 0, t.scratch);
      oracle.Fail(scrape);
    } else {
      page = pages.Next(scrape.time.ms());
      (void)t.pages.Store(scrape, page, exposition::PageFormat::kText, t.scratch);
      oracle.Store(scrape, page, exposition::PageFormat::kText);
    }
    // A series that the store has dropped is not ended: markers play no part then.
    BOOST_TEST_CONTEXT("seed " << seed << " round " << round << " page\n" << page) {
      BOOST_TEST_REQUIRE(t.store.Text(!forget) == oracle.store.Text(!forget));
    }
  }
}

BOOST_AUTO_TEST_CASE(memory_of_the_last_page_changes_nothing) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seeds from " << seed);
  for (uint32_t i = 0; i < 300; ++i) Compare(seed + i, false);
}

BOOST_AUTO_TEST_CASE(neither_does_a_store_that_drops_series) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seeds from " << seed);
  for (uint32_t i = 0; i < 200; ++i) Compare(seed + i, true);
}

}  // namespace
}  // namespace canopy::ingest
