#include <algorithm>
#include <memory>

#include "handlers.h"
#include "params.h"

// /api/v1/targets, scrape_pools, alertmanagers.

namespace canopy::api {
namespace {

void WriteActive(JsonWriter& json, const scrape::ActiveTarget& t) {
  json.BeginObject();
  json.Key("discoveredLabels");
  json.Labels(t.discovered_labels);
  json.Key("labels");
  json.Labels(t.labels);
  json.Field("scrapePool", t.scrape_pool);
  json.Field("scrapeUrl", t.scrape_url);
  json.Field("globalUrl", t.global_url);
  json.Field("lastError", t.last_error);
  json.Key("lastScrape");
  json.Rfc3339(t.last_scrape == Timestamp::Min() ? std::nullopt : std::optional(t.last_scrape));
  json.Key("lastScrapeDuration");
  json.Number(t.last_scrape_duration);
  json.Field("health", scrape::HealthText(t.health));
  json.Field("scrapeInterval", FormatDuration(t.interval));
  json.Field("scrapeTimeout", FormatDuration(t.timeout));
  json.EndObject();
}

void WriteDropped(JsonWriter& json, const scrape::DroppedTarget& t) {
  json.BeginObject();
  json.Key("discoveredLabels");
  json.Labels(t.discovered_labels);
  json.Field("scrapePool", t.scrape_pool);
  json.EndObject();
}

void WriteUrls(JsonWriter& json, const std::vector<std::string>& urls) {
  json.BeginArray();
  for (const std::string& url : urls) {
    json.BeginObject();
    json.Field("url", url);
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

Answer Targets(const Call& call) {
  const std::string state = AsciiLower(call.form.Value("state"));
  const bool any = state.empty() || state == "any";
  const bool active = any || state == "active";
  const bool dropped = any || state == "dropped";
  const auto targets = std::make_shared<const scrape::TargetsSnapshot>(
      call.sources.targets(call.form.Value("scrapePool")));
  return Answer([targets, active, dropped](JsonWriter& json) {
    json.BeginObject();
    json.Key("activeTargets");
    json.BeginArray();
    if (active)
      for (const scrape::ActiveTarget& t : targets->active) WriteActive(json, t);
    json.EndArray();
    json.Key("droppedTargets");
    json.BeginArray();
    if (dropped)
      for (const scrape::DroppedTarget& t : targets->dropped) WriteDropped(json, t);
    json.EndArray();
    json.Key("droppedTargetCounts");
    if (dropped) {
      json.BeginObject();
      for (const auto& [pool, count] : targets->dropped_counts) {
        json.Key(pool);
        json.Uint(count);
      }
      json.EndObject();
    } else {
      json.Null();
    }
    json.EndObject();
  });
}

Answer ScrapePools(const Call& call) {
  std::vector<std::string> pools = call.sources.scrape_pools();
  std::sort(pools.begin(), pools.end());
  return Answer([pools = std::move(pools)](JsonWriter& json) {
    json.BeginObject();
    json.Key("scrapePools");
    json.BeginArray();
    for (const std::string& pool : pools) json.Text(pool);
    json.EndArray();
    json.EndObject();
  });
}

Answer Alertmanagers(const Call& call) {
  return Answer([known = call.sources.alertmanagers()](JsonWriter& json) {
    json.BeginObject();
    json.Key("activeAlertmanagers");
    WriteUrls(json, known.active);
    json.Key("droppedAlertmanagers");
    WriteUrls(json, known.dropped);
    json.EndObject();
  });
}

}  // namespace canopy::api
