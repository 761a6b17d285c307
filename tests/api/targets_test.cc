#include <boost/test/unit_test.hpp>

#include "canopy/ingest/metadata.h"
#include "tests/api/node.h"

namespace canopy::testing {
namespace {

std::shared_ptr<const ingest::MetadataSet> Says(std::vector<ingest::FamilyMetadata> families) {
  auto set = std::make_shared<ingest::MetadataSet>();
  for (ingest::FamilyMetadata& family : families)
    set->families.push_back(std::make_shared<const ingest::FamilyMetadata>(std::move(family)));
  return set;
}

struct Scraping : Node {
  Scraping() {
    scrape::ActiveTarget a;
    a.discovered_labels = model::Labels({{"__address__", "h:1"}, {"job", "a"}});
    a.labels = model::Labels({{"instance", "h:1"}, {"job", "a"}});
    a.scrape_pool = "a";
    a.scrape_url = "http://h:1/metrics?x=1&y=2";
    a.global_url = "http://h:1/metrics?x=1&y=2";
    a.last_scrape = Timestamp::FromMs(1'500);
    a.last_scrape_duration = 0.05;
    a.health = scrape::Health::kUp;
    a.interval = Duration(15'000);
    a.timeout = Duration(10'000);
    a.metadata = Says({{"go_gc", {model::MetricType::kGauge, "GC <runs>.", ""}},
                       {"up_seconds", {model::MetricType::kCounter, "Time.", "seconds"}}});
    targets.active.push_back(a);
    scrape::ActiveTarget b;
    b.labels = model::Labels({{"instance", "h:2"}, {"job", "b"}});
    b.scrape_pool = "b";
    b.scrape_url = b.global_url = "http://h:2/metrics";
    b.last_error = "connection refused";
    b.health = scrape::Health::kUnknown;
    b.interval = b.timeout = Duration(90'000);
    b.metadata = Says({{"go_gc", {model::MetricType::kCounter, "Other.", ""}}});
    targets.active.push_back(b);
    targets.dropped.push_back({model::Labels({{"__address__", "h:3"}}), "b"});
    targets.dropped_counts = {{"a", 0}, {"b", 1}};
    pools = {"b", "a"};
  }
};

const std::string kTargetA =
    R"({"discoveredLabels":{"__address__":"h:1","job":"a"},"labels":{"instance":"h:1","job":"a"},)"
    R"("scrapePool":"a","scrapeUrl":"http://h:1/metrics?x=1\u0026y=2",)"
    R"("globalUrl":"http://h:1/metrics?x=1\u0026y=2","lastError":"",)"
    R"("lastScrape":"1970-01-01T00:00:01.5Z","lastScrapeDuration":0.05,"health":"up",)"
    R"("scrapeInterval":"15s","scrapeTimeout":"10s"})";
const std::string kTargetB =
    R"({"discoveredLabels":{},"labels":{"instance":"h:2","job":"b"},"scrapePool":"b",)"
    R"("scrapeUrl":"http://h:2/metrics","globalUrl":"http://h:2/metrics",)"
    R"("lastError":"connection refused","lastScrape":"0001-01-01T00:00:00Z",)"
    R"("lastScrapeDuration":0,"health":"unknown","scrapeInterval":"1m30s","scrapeTimeout":"1m30s"})";
const std::string kDropped = R"({"discoveredLabels":{"__address__":"h:3"},"scrapePool":"b"})";

BOOST_FIXTURE_TEST_CASE(targets_by_state_and_pool, Scraping) {
  const auto f = [&](std::string_view params, std::string_view active, std::string_view dropped,
                     std::string_view counts) {
    BOOST_TEST_CONTEXT(params) {
      BOOST_TEST(Answer("/api/v1/targets" + std::string(params)) ==
                 Success(R"({"activeTargets":[)" + std::string(active) + R"(],"droppedTargets":[)" +
                         std::string(dropped) + R"(],"droppedTargetCounts":)" +
                         std::string(counts) + "}"));
    }
  };
  const std::string both = kTargetA + "," + kTargetB;
  const std::string counts = R"({"a":0,"b":1})";
  f("", both, kDropped, counts);
  f("?state=Any", both, kDropped, counts);
  f("?state=active", both, "", "null");
  f("?state=dropped", "", kDropped, counts);
  f("?state=other", "", "", "null");
  f("?scrapePool=a", kTargetA, "", counts);
  f("?scrapePool=none", "", "", counts);
}

BOOST_FIXTURE_TEST_CASE(pools_are_sorted, Scraping) {
  BOOST_TEST(Answer("/api/v1/scrape_pools") == Success(R"({"scrapePools":["a","b"]})"));
}

BOOST_FIXTURE_TEST_CASE(metadata_of_metrics, Scraping) {
  const auto f = [&](std::string_view params, std::string_view want) {
    BOOST_TEST_CONTEXT(params) {
      BOOST_TEST(Answer("/api/v1/metadata" + std::string(params)) == want);
    }
  };
  const std::string gauge = R"({"type":"gauge","help":"GC \u003cruns\u003e.","unit":""})";
  const std::string counter = R"({"type":"counter","help":"Other.","unit":""})";
  const std::string seconds = R"({"type":"counter","help":"Time.","unit":"seconds"})";
  f("", Success(R"({"go_gc":[)" + gauge + "," + counter + R"(],"up_seconds":[)" + seconds + "]}"));
  f("?metric=up_seconds", Success(R"({"up_seconds":[)" + seconds + "]}"));
  f("?metric=none", Success("{}"));
  f("?limit=1", Success(R"({"go_gc":[)" + gauge + "," + counter + "]}"));
  f("?limit=0", Success("{}"));
  f("?limit_per_metric=1",
    Success(R"({"go_gc":[)" + gauge + R"(],"up_seconds":[)" + seconds + "]}"));
  f("?limit=x", BadData("limit must be a number"));
  f("?limit_per_metric=x", BadData("limit_per_metric must be a number"));
}

BOOST_FIXTURE_TEST_CASE(metadata_of_targets, Scraping) {
  const auto f = [&](std::string_view params, std::string_view want) {
    BOOST_TEST_CONTEXT(params) {
      BOOST_TEST(Answer("/api/v1/targets/metadata" + std::string(params)) == want);
    }
  };
  f("?match_target=%7Bjob%3D%22b%22%7D",
    Success(R"([{"target":{"instance":"h:2","job":"b"},"metric":"go_gc","type":"counter",)"
            R"("help":"Other.","unit":""}])"));
  f("?metric=go_gc&limit=1", Success(R"([{"target":{"instance":"h:1","job":"a"},"type":"gauge",)"
                                     R"("help":"GC \u003cruns\u003e.","unit":""}])"));
  f("?metric=none", Success("[]"));
  f("?match_target=%7B",
    BadData(R"(invalid parameter \"match_target\": 1:2: parse error: unexpected end of input )"
            R"(inside braces)"));
  f("?limit=x", BadData("limit must be a number"));
}

BOOST_FIXTURE_TEST_CASE(known_alertmanagers, Scraping) {
  BOOST_TEST(Answer("/api/v1/alertmanagers") ==
             Success(R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})"));
  alertmanagers.active = {"http://am:9093/api/v2/alerts"};
  alertmanagers.dropped = {"http://old:9093/api/v2/alerts"};
  BOOST_TEST(Answer("/api/v1/alertmanagers") ==
             Success(R"({"activeAlertmanagers":[{"url":"http://am:9093/api/v2/alerts"}],)"
                     R"("droppedAlertmanagers":[{"url":"http://old:9093/api/v2/alerts"}]})"));
}

}  // namespace
}  // namespace canopy::testing
