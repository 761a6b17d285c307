#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include "canopy/ingest/page.h"
#include "target.h"

// What pages say of their families, on its way to the store.

namespace canopy::ingest {
namespace {

// A store that asks what is said of series, as one that logs it does.
class AskingStore final : public storage::Appender {
 public:
  Result<storage::AppendReport> Append(const storage::Batch& batch) override {
    asked = batch.metadata != nullptr;
    auto report = store.Append(batch);
    if (!report.ok()) return report;
    said.clear();
    if (!asked) return report;
    for (size_t i = 0; i < batch.new_samples.size(); ++i) {
      names_[report->refs[i].value()] = batch.new_samples[i].labels.metric_name();
      Ask(batch, report->refs[i]);
    }
    if (batch.metadata_changed)
      for (const storage::SeriesSample& sample : batch.samples) Ask(batch, sample.series);
    return report;
  }

  BruteStore store;
  bool asked = false;
  // Of the last batch: "a: counter unit help\n".
  std::string said;

 private:
  void Ask(const storage::Batch& batch, SeriesRef ref) {
    const std::string& name = names_.at(ref.value());
    const model::Metadata* const found = batch.metadata->Find(name);
    said += name + ":";
    if (found != nullptr) {
      said += " " + std::string(model::MetricTypeText(found->type)) + " " + found->unit + " " +
              found->help;
    }
    said += "\n";
  }

  std::map<uint64_t, std::string> names_;
};

struct Target {
  explicit Target(bool metadata = true, model::RelabelRules relabel = {})
      : rules(std::make_shared<PageRules>()) {
    rules->metadata = metadata;
    rules->metric_relabel = std::move(relabel);
    log::SetLevel(log::Level::kError);
  }
  std::string Store(std::string_view page,
                    exposition::PageFormat format = exposition::PageFormat::kText) {
    clock.Advance(std::chrono::seconds(1));
    const Scrape scrape{clock.Now(), clock.Now(), clock.MonotonicNanos(), std::chrono::seconds(10)};
    const ScrapeReport report = pages.Store(scrape, page, format, scratch);
    BOOST_TEST(report.error.ok());
    return store.said;
  }

  testing::ManualClock clock;
  SelfMetrics metrics;
  PageMetrics counters{metrics};
  MetadataPool pool;
  AskingStore store;
  std::shared_ptr<PageRules> rules;
  Scratch scratch;
  TargetPages pages{"target", {{"job", "j"}}, rules, store, clock, counters, pool};
};

const std::string kReport =
    "up: gauge targets Health of the scrape target. 1 means the target is healthy, 0 if the scrape "
    "failed.\n"
    "scrape_duration_seconds: gauge seconds Duration of the last scrape in seconds.\n"
    "scrape_samples_scraped: gauge samples Number of samples last scraped.\n"
    "scrape_samples_post_metric_relabeling: gauge samples Number of samples remaining after metric "
    "relabeling was applied.\n"
    "scrape_series_added: gauge series Number of series in the last scrape.\n";

BOOST_AUTO_TEST_SUITE(metadata_of_pages)

BOOST_AUTO_TEST_CASE(each_series_has_that_of_its_family) {
  Target t;
  const std::string page =
      "# TYPE requests_total counter\n# HELP requests_total All of them.\nrequests_total 1\n"
      "# TYPE took histogram\ntook_bucket{le=\"1\"} 1\ntook_bucket{le=\"+Inf\"} 1\ntook_sum 1\n"
      "took_count 1\n"
      "# TYPE size summary\nsize{quantile=\"0.5\"} 1\nsize_sum 2\nsize_count 3\n"
      "# TYPE size_count gauge\n"
      "# TYPE g gauge\ng_total 1\ng_sum 1\nbare 1\n";
  const std::string want =
      "requests_total: counter  All of them.\n"
      "took_bucket: histogram  \ntook_bucket: histogram  \ntook_sum: histogram  \n"
      "took_count: histogram  \n"
      "size: summary  \nsize_sum: summary  \nsize_count: gauge  \n"
      "g_total:\ng_sum:\nbare:\n";
  BOOST_TEST(t.Store(page) == want + kReport);
  BOOST_TEST(t.Store(page) == "");
}

BOOST_AUTO_TEST_CASE(openmetrics_names_families_without_suffixes) {
  Target t;
  const std::string page =
      "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds Of a.\na_seconds_total "
      "1\n"
      "# TYPE b info\nb_info{v=\"1\"} 1\n"
      "# TYPE c gaugehistogram\nc_bucket{le=\"+Inf\"} 1\nc_gcount 1\nc_gsum 1\n# EOF\n";
  const std::string got = t.Store(page, exposition::PageFormat::kOpenMetrics);
  BOOST_TEST(got ==
             "a_seconds_total: counter seconds Of a.\nb_info: info  \nc_bucket: gaugehistogram  \n"
             "c_gcount: gaugehistogram  \nc_gsum: gaugehistogram  \n" +
                 kReport);
}

BOOST_AUTO_TEST_CASE(it_is_offered_of_new_series_and_of_all_when_it_has_changed) {
  Target t;
  (void)t.Store("# HELP a Of a.\na 1\n# HELP b Of b.\nb 1\n");
  BOOST_TEST(t.Store("# HELP a Of a.\na 2\n# HELP b Of b.\nb 2\nb{c=\"1\"} 2\n") ==
             "b: unknown  Of b.\n");
  BOOST_TEST(t.Store("# HELP a Of a.\na 3\n# HELP b Of bees.\nb 3\nb{c=\"1\"} 3\n") ==
             "a: unknown  Of a.\nb: unknown  Of bees.\nb: unknown  Of bees.\n"
                 // The report's, whose words are what they were.
                 + kReport);
  // After an empty page all series are new, but nothing has changed.
  BOOST_TEST(t.Store("") == "");
  BOOST_TEST(t.Store("# HELP a Of a.\na 5\n# HELP b Of bees.\nb 5\nb{c=\"1\"} 5\n") ==
             "a: unknown  Of a.\nb: unknown  Of bees.\nb: unknown  Of bees.\n");
}

BOOST_AUTO_TEST_CASE(what_a_store_has_not_taken_is_offered_again) {
  Target t;
  (void)t.Store("# HELP a Of a.\na 1\n");
  t.store.store.failure = Status::Io("full");
  t.clock.Advance(std::chrono::seconds(1));
  const Scrape scrape{t.clock.Now(), t.clock.Now(), 0, std::chrono::seconds(10)};
  BOOST_TEST(
      !t.pages.Store(scrape, "# HELP a Changed.\na 2\n", exposition::PageFormat::kText, t.scratch)
           .error.ok());
  BOOST_TEST(t.pages.metadata()->Find("a")->metadata.help == "Of a.");
  t.store.store.failure = {};
  BOOST_TEST(t.Store("# HELP a Changed.\na 3\n") == "a: unknown  Changed.\n" + kReport);
  BOOST_TEST(t.pages.metadata()->Find("a")->metadata.help == "Changed.");
}

BOOST_AUTO_TEST_CASE(a_series_under_another_name_is_of_no_family) {
  model::RelabelConfig rename;
  rename.source_labels = {"__name__"};
  rename.regex = "a";
  rename.target_label = "__name__";
  rename.replacement = "renamed";
  Target t(true, *model::RelabelRules::Compile(std::vector{rename}));
  BOOST_TEST(t.Store("# HELP a Of a.\na 1\n") == "renamed:\n" + kReport);
}

BOOST_AUTO_TEST_CASE(a_failed_scrape_says_what_its_report_is) {
  Target t;
  t.clock.Advance(std::chrono::seconds(1));
  const Scrape scrape{t.clock.Now(), t.clock.Now(), 0, std::chrono::seconds(10)};
  (void)t.pages.Fail(scrape, Status::Unavailable("down"), 0, t.scratch);
  BOOST_TEST(t.store.said == kReport);
}

BOOST_AUTO_TEST_CASE(without_the_rule_nothing_is_offered) {
  Target t(false);
  (void)t.Store("# HELP a Of a.\na 1\n");
  BOOST_TEST(!t.store.asked);
  BOOST_TEST(t.pages.metadata()->Find("a")->metadata.help == "Of a.");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::ingest
