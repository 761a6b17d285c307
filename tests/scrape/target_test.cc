#include "scrape/target.h"

#include <boost/test/unit_test.hpp>
#include <map>

namespace canopy::scrape {
namespace {

config::ScrapeConfig Job(std::vector<model::RelabelConfig> relabel = {}) {
  config::ScrapeConfig c;
  c.job_name = "j";
  c.scrape_interval = std::chrono::seconds(15);
  c.scrape_timeout = std::chrono::seconds(10);
  c.relabel_configs.configs = std::move(relabel);
  c.relabel_configs.rules = *model::RelabelRules::Compile(c.relabel_configs.configs);
  return c;
}

model::RelabelConfig Set(std::string label, std::string value) {
  model::RelabelConfig c;
  c.target_label = std::move(label);
  c.replacement = std::move(value);
  return c;
}

BOOST_AUTO_TEST_CASE(targets_are_built_as_prometheus_builds_them) {
  config::ScrapeConfig job = Job();
  job.params = {{"match[]", {"up", "down"}}, {"none", {}}};
  const auto got = BuildTarget(job, {{"__address__", "h:1"}, {"a", "t"}, {"__meta_x", "y"}},
                               {{"a", "g"}, {"b", "g"}, {"__scheme__", "https"}});
  BOOST_TEST_REQUIRE(got.ok());
  BOOST_TEST(got->discovered.ToString() ==
             "{__address__=\"h:1\", __always_scrape_classic_histograms__=\"false\", "
             "__convert_classic_histograms_to_nhcb__=\"false\", __meta_x=\"y\", "
             "__metrics_path__=\"/metrics\", \"__param_match[]\"=\"up\", __scheme__=\"https\", "
             "__scrape_interval__=\"15s\", __scrape_native_histograms__=\"false\", "
             "__scrape_timeout__=\"10s\", a=\"t\", b=\"g\", job=\"j\"}");
  BOOST_TEST(PublicLabels(got->labels).ToString() ==
             "{a=\"t\", b=\"g\", instance=\"h:1\", job=\"j\"}");
  BOOST_TEST(!got->labels.Has("__meta_x"));
  BOOST_TEST(TargetUrl(got->labels, job) == "https://h:1/metrics?match%5B%5D=up&match%5B%5D=down");
}

BOOST_AUTO_TEST_CASE(relabelling_may_change_everything) {
  const config::ScrapeConfig job =
      Job({Set("__address__", "other:9"), Set("__metrics_path__", "probe x"),
           Set("__param_target", "a b"), Set("__scrape_interval__", "1m"), Set("instance", "i"),
           Set("job", "k")});
  const auto got = BuildTarget(job, {{"__address__", "h:1"}}, {});
  BOOST_TEST_REQUIRE(got.ok());
  BOOST_TEST(PublicLabels(got->labels).ToString() == "{instance=\"i\", job=\"k\"}");
  BOOST_TEST(TargetUrl(got->labels, job) == "http://other:9/probe%20x?target=a+b");
  BOOST_TEST(LabelDuration(got->labels, kInterval).count() == 60'000);

  model::RelabelConfig drop;
  drop.source_labels = {"__address__"};
  drop.regex = "h.*";
  drop.action = model::RelabelAction::kDrop;
  const auto dropped = BuildTarget(Job({drop}), {{"__address__", "h:1"}}, {});
  BOOST_TEST_REQUIRE(dropped.ok());
  BOOST_TEST(dropped->labels.empty());
  BOOST_TEST(dropped->discovered.Get("__address__") == "h:1");
}

BOOST_AUTO_TEST_CASE(targets_that_cannot_be) {
  auto f = [](std::vector<model::RelabelConfig> relabel, std::string_view want) {
    const auto got = BuildTarget(Job(std::move(relabel)), {{"__address__", "h:1"}}, {});
    BOOST_TEST(got.status().message() == want);
  };
  f({Set("__address__", "")}, "no address");
  f({Set("__address__", "h/x")}, "\"h/x\" is not a valid hostname");
  f({Set("__scrape_interval__", "0s")}, "scrape interval cannot be 0");
  f({Set("__scrape_timeout__", "0s")}, "scrape timeout cannot be 0");
  f({Set("__scrape_interval__", "5s")},
    "scrape timeout cannot be greater than scrape interval (\"10s\" > \"5s\")");
  f({Set("__scrape_native_histograms__", "maybe")},
    "error parsing __scrape_native_histograms__: \"maybe\" is not a boolean");
  f({Set("__scrape_native_histograms__", "f")}, "");
  f({Set("a", "\xff")}, "invalid label value for \"a\": \"\\xff\"");
}

BOOST_AUTO_TEST_CASE(targets_say_what_becomes_of_their_histograms) {
  config::ScrapeConfig job = Job({});
  job.histograms = {true, true};
  const auto target = BuildTarget(job, {{"__address__", "h:1"}}, {});
  BOOST_REQUIRE(target.ok());
  BOOST_TEST(target->discovered.Get("__scrape_native_histograms__") == "true");
  BOOST_TEST(target->discovered.Get("__always_scrape_classic_histograms__") == "true");
  BOOST_TEST(target->discovered.Get("__convert_classic_histograms_to_nhcb__") == "false");
}

BOOST_AUTO_TEST_CASE(labels_of_a_target_overrule_its_job_about_histograms) {
  auto f = [](config::HistogramScraping job_says, std::vector<model::RelabelConfig> relabel,
              config::HistogramScraping want) {
    config::ScrapeConfig job = Job(std::move(relabel));
    job.histograms = job_says;
    const auto target = BuildTarget(job, {{"__address__", "h:1"}}, {});
    BOOST_REQUIRE(target.ok());
    BOOST_CHECK((LabelHistograms(target->labels, job) == want));
  };
  f({}, {}, {});
  f({true, true, true}, {}, {true, true, true});
  f({}, {Set("__convert_classic_histograms_to_nhcb__", "1")}, {false, false, true});
  f({true, false, true},
    {Set("__convert_classic_histograms_to_nhcb__", "f"),
     Set("__always_scrape_classic_histograms__", "TRUE"),
     Set("__scrape_native_histograms__", "false")},
    {false, true, false});
  // One that relabelling took away.
  f({true, false, true}, {Set("__convert_classic_histograms_to_nhcb__", "")}, {true, false, true});
}

BOOST_AUTO_TEST_CASE(links_for_people_elsewhere) {
  Options options;
  options.external_host = "node.example:80";
  options.external_scheme = "https";
  options.listen_port = "9090";
  auto f = [&](std::string_view url, std::string_view want) {
    BOOST_TEST(GlobalUrl(url, options) == want);
  };
  f("http://localhost:9090/metrics", "https://node.example:80/metrics");
  f("http://127.0.0.1:9100/metrics?a=b", "http://node.example:9100/metrics?a=b");
  f("http://[::1]:9100/metrics", "http://node.example:9100/metrics");
  f("http://other:9100/metrics", "http://other:9100/metrics");
  f("http://localhost/metrics", "http://localhost/metrics");
}

BOOST_AUTO_TEST_CASE(targets_are_spread_and_keep_their_place) {
  const Duration interval = std::chrono::seconds(10);
  const Timestamp now = Timestamp::FromMs(1'700'000'003'456);
  const int64_t slots = ScrapeSlots(1000);
  BOOST_REQUIRE(slots == 80);
  std::map<int64_t, int> per_slot;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t hash = TargetHash({{"instance", std::to_string(i)}}, "http://h/metrics");
    const Timestamp first = FirstScrape(now, interval, slots, hash, 7);
    BOOST_TEST((first >= now && first < now + interval));
    // Asked again at any time, it has the same place; a scrape that is due now is not missed.
    BOOST_TEST((FirstScrape(first, interval, slots, hash, 7) == first));
    BOOST_TEST((FirstScrape(first + Duration(1), interval, slots, hash, 7) == first + interval));
    BOOST_TEST(first.ms() % 10'000 % 125 == 0);
    ++per_slot[first.ms() % 10'000];
  }
  BOOST_TEST(per_slot.size() == 80);
  for (const auto& [slot, count] : per_slot) BOOST_TEST((count > 1 && count < 35));
  BOOST_TEST((FirstScrape(Timestamp::FromMs(-5), interval, slots, 0, 0) == Timestamp::FromMs(0)));
}

BOOST_AUTO_TEST_CASE(slots_follow_the_interval_and_the_number_of_targets) {
  for (const uint64_t few : {0, 1, 320}) BOOST_TEST(ScrapeSlots(few) == 20);
  BOOST_TEST(ScrapeSlots(321) == 40);
  BOOST_TEST(ScrapeSlots(1'000'000) == 81'920);
  const auto at = [](int64_t interval_ms, int64_t slots, uint64_t hash) {
    return FirstScrape(Timestamp::FromMs(0), Duration(interval_ms), slots, hash, 0).ms();
  };
  BOOST_TEST(at(1000, 20, 999) == 950);
  BOOST_TEST(at(1000, 40, 999) == 975);
  BOOST_TEST(at(60'000, 20, 59'999) == 59'500);
  BOOST_TEST(at(10, 20, 9) == 9);
}

BOOST_AUTO_TEST_CASE(times_of_scrapes) {
  const auto at = [](int64_t ms) { return Timestamp::FromMs(ms); };
  auto next = [&](int64_t last, int64_t now, int64_t want) {
    BOOST_TEST(NextScrape(at(last), at(now), Duration(1000)).ms() == want);
  };
  next(1000, 1200, 2000);
  next(1000, 2000, 2000);
  next(1000, 2500, 2000);  // missed: at once
  next(1000, 4500, 4000);  // only the newest of those missed
  auto time = [&](int64_t due, int64_t now, int64_t interval, int64_t want) {
    BOOST_TEST(ScrapeTime(at(due), at(now), Duration(interval), Duration(2)).ms() == want);
  };
  time(1000, 1000, 1000, 1000);
  time(1000, 1002, 1000, 1000);
  time(1000, 1003, 1000, 1003);
  time(1000, 1002, 100, 1002);  // 1 % of the interval at most
  time(1000, 999, 1000, 999);
}

BOOST_AUTO_TEST_CASE(durations_as_go_writes_them) {
  auto f = [](int64_t ms, std::string_view want) { BOOST_TEST(GoDuration(Duration(ms)) == want); };
  f(0, "0s");
  f(500, "500ms");
  f(1000, "1s");
  f(1500, "1.5s");
  f(15'000, "15s");
  f(60'000, "1m0s");
  f(3'600'000, "1h0m0s");
  f(5'405'000, "1h30m5s");
}

}  // namespace
}  // namespace canopy::scrape
