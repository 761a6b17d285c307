#include "canopy/ingest/metadata.h"

#include <algorithm>
#include <map>
#include <memory>

#include "canopy/promql/parser.h"
#include "handlers.h"
#include "params.h"

// /api/v1/metadata, targets/metadata: what targets say of their metrics.

namespace canopy::api {
namespace {

// Absent or empty: -1, which means none.
std::optional<ApiError> ParseCount(const net::Form& form, const std::string& name, int64_t& out) {
  const std::string_view text = form.Value(name);
  out = -1;
  if (text.empty()) return std::nullopt;
  const auto count = ParseGoInt(text);
  if (!count) return BadData(name + " must be a number");
  out = *count;
  return std::nullopt;
}

void WriteFields(JsonWriter& json, const model::Metadata& metadata) {
  json.Field("type", model::MetricTypeText(metadata.type));
  json.Field("help", metadata.help);
  json.Field("unit", metadata.unit);
}

// Calls fn(family) for what the target says: of one metric, or of all when `metric` is empty.
template <class Fn>
void ForEachFamily(const scrape::ActiveTarget& target, std::string_view metric, Fn fn) {
  if (!target.metadata) return;
  if (metric.empty()) {
    for (const auto& family : target.metadata->families) fn(*family);
  } else if (const ingest::FamilyMetadata* family = target.metadata->Find(metric)) {
    fn(*family);
  }
}

}  // namespace

// Different targets may say different things of a metric: all of them are shown, each once.
Answer Metadata(const Call& call) {
  int64_t limit = 0;
  int64_t limit_per_metric = 0;
  if (auto error = ParseCount(call.form, "limit", limit)) return *error;
  if (auto error = ParseCount(call.form, "limit_per_metric", limit_per_metric)) return *error;

  using Families = std::map<std::string, std::vector<model::Metadata>>;
  const auto families = std::make_shared<Families>();
  const std::string_view metric = call.form.Value("metric");
  for (const scrape::ActiveTarget& target : call.sources.targets("").active) {
    ForEachFamily(target, metric, [&](const ingest::FamilyMetadata& family) {
      std::vector<model::Metadata>& said = (*families)[family.family];
      if (limit_per_metric > 0 && static_cast<int64_t>(said.size()) >= limit_per_metric) return;
      if (std::find(said.begin(), said.end(), family.metadata) == said.end())
        said.push_back(family.metadata);
    });
  }
  return Answer([families, limit](JsonWriter& json) {
    json.BeginObject();
    int64_t shown = 0;
    for (const auto& [name, said] : *families) {
      if (limit >= 0 && shown++ >= limit) break;
      json.Key(name);
      json.BeginArray();
      for (const model::Metadata& metadata : said) {
        json.BeginObject();
        WriteFields(json, metadata);
        json.EndObject();
      }
      json.EndArray();
    }
    json.EndObject();
  });
}

Answer TargetsMetadata(const Call& call) {
  int64_t limit = 0;
  if (auto error = ParseCount(call.form, "limit", limit)) return *error;
  model::Matchers matchers;
  if (const std::string_view text = call.form.Value("match_target"); !text.empty()) {
    auto parsed = promql::ParseMetricSelector(text);
    if (!parsed.ok()) return InvalidParameter("match_target", parsed.status().message());
    matchers = std::move(parsed).value();
  }
  const auto targets = std::make_shared<const scrape::TargetsSnapshot>(call.sources.targets(""));
  return Answer([targets, matchers, limit,
                 metric = std::string(call.form.Value("metric"))](JsonWriter& json) {
    json.BeginArray();
    int64_t shown = 0;
    for (const scrape::ActiveTarget& target : targets->active) {
      // As in Prometheus, the limit ends the list at the next target.
      if (limit >= 0 && shown >= limit) break;
      if (!model::MatchesAll(matchers, target.labels)) continue;
      ForEachFamily(target, metric, [&](const ingest::FamilyMetadata& family) {
        ++shown;
        json.BeginObject();
        json.Key("target");
        json.Labels(target.labels);
        if (metric.empty()) json.Field("metric", family.family);
        WriteFields(json, family.metadata);
        json.EndObject();
      });
    }
    json.EndArray();
  });
}

}  // namespace canopy::api
