#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

#include "canopy/exposition/parse.h"
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
    std::set<std::pair<std::string, bool>> lines;
    exposition::PageParser parser(page, format);
    while (true) {
      const auto entry = parser.Next();
      if (entry == exposition::Entry::kError) return Fail(scrape);
      if (entry == exposition::Entry::kEnd) break;
      if (entry != exposition::Entry::kSample) continue;
      model::LabelsBuilder builder;
      model::Labels labels;
      Status error = parser.AddLabels(builder);
      if (!error.ok()) return Fail(scrape);
      const LabelFate fate = FinishLabels(rules_, target_, builder, labels, error);
      if (fate == LabelFate::kDropped) continue;
      if (fate != LabelFate::kKept) return Fail(scrape);
      const bool own_time = rules_.honor_timestamps && parser.time().has_value();
      const bool histogram = parser.type() == model::MetricType::kHistogram;
      const bool again = !lines.emplace(parser.series(), histogram).second;
      if (again && !own_time) continue;
      const Timestamp time = own_time ? *parser.time() : scrape.time;
      batch.new_samples.push_back({labels, time, parser.value()});
      if (again) continue;
      if (!own_time || rules_.track_timestamps_staleness) shown.insert(labels);
    }
    std::set<model::Labels> present;
    for (const storage::NewSample& s : batch.new_samples) present.insert(s.labels);
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
