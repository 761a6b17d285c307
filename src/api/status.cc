#include <limits>
#include <memory>

#include "canopy/config/config.h"
#include "handlers.h"
#include "params.h"

// /api/v1/status/...

namespace canopy::api {
namespace {

void WriteCounts(JsonWriter& json, std::string_view key, const std::vector<NamedCount>& counts) {
  json.Key(key);
  json.BeginArray();
  for (const NamedCount& count : counts) {
    json.BeginObject();
    json.Field("name", count.name);
    json.Key("value");
    json.Uint(count.value);
    json.EndObject();
  }
  json.EndArray();
}

void WriteHead(JsonWriter& json, const TsdbStatus& s) {
  json.BeginObject();
  json.Key("numSeries");
  json.Uint(s.num_series);
  json.Key("numLabelPairs");
  json.Uint(s.num_label_pairs);
  json.Key("chunkCount");
  json.Uint(s.chunk_count);
  json.Key("minTime");
  json.Int(s.min_time.ms());
  json.Key("maxTime");
  json.Int(s.max_time.ms());
  json.EndObject();
}

}  // namespace

void WriteBuildInfo(JsonWriter& json, const BuildInfo& build) {
  json.BeginObject();
  json.Field("version", build.version);
  json.Field("revision", build.revision);
  json.Field("branch", build.branch);
  json.Field("buildUser", build.build_user);
  json.Field("buildDate", build.build_date);
  json.Field("goVersion", build.compiler);
  json.EndObject();
}

Answer StatusConfig(const Call& call) {
  return Answer([yaml = config::ToYaml(*call.sources.config())](JsonWriter& json) {
    json.BeginObject();
    json.Field("yaml", yaml);
    json.EndObject();
  });
}

Answer StatusFlags(const Call& call) {
  return Answer([&flags = call.options.flags](JsonWriter& json) {
    json.BeginObject();
    for (const auto& [name, value] : flags) json.Field(name, value);
    json.EndObject();
  });
}

Answer StatusBuildInfo(const Call& call) {
  return Answer([&build = call.options.build](JsonWriter& json) { WriteBuildInfo(json, build); });
}

Answer StatusRuntimeInfo(const Call& call) {
  return Answer([info = call.sources.runtime_info(), now = call.clock.Now()](JsonWriter& json) {
    json.BeginObject();
    json.Key("startTime");
    json.Rfc3339(info.start_time);
    json.Field("CWD", info.cwd);
    json.Field("hostname", info.hostname);
    json.Key("serverTime");
    json.Rfc3339(now);
    json.Key("reloadConfigSuccess");
    json.Bool(info.reload_config_success);
    json.Key("lastConfigTime");
    json.Rfc3339(info.last_config_time);
    json.Key("corruptionCount");
    json.Int(info.corruption_count);
    json.Key("goroutineCount");
    json.Int(info.threads);
    json.Key("GOMAXPROCS");
    json.Int(info.processors);
    // Go's word for "no limit"; clients show these three and no more.
    json.Key("GOMEMLIMIT");
    json.Int(std::numeric_limits<int64_t>::max());
    json.Field("GOGC", "");
    json.Field("GODEBUG", "");
    json.Field("storageRetention", info.storage_retention);
    json.EndObject();
  });
}

Answer StatusTsdb(const Call& call) {
  constexpr int64_t kMaxLimit = 10'000;
  int64_t limit = 10;
  if (const std::string_view text = call.form.Value("limit"); !text.empty()) {
    limit = ParseGoInt(text).value_or(0);
    if (limit < 1) return BadData("limit must be a positive number");
    if (limit > kMaxLimit) return BadData("limit must not exceed 10000");
  }
  const auto status =
      std::make_shared<const TsdbStatus>(call.sources.tsdb_status(static_cast<size_t>(limit)));
  return Answer([status](JsonWriter& json) {
    json.BeginObject();
    json.Key("headStats");
    WriteHead(json, *status);
    WriteCounts(json, "seriesCountByMetricName", status->series_count_by_metric_name);
    WriteCounts(json, "labelValueCountByLabelName", status->label_value_count_by_label_name);
    WriteCounts(json, "memoryInBytesByLabelName", status->memory_in_bytes_by_label_name);
    WriteCounts(json, "seriesCountByLabelValuePair", status->series_count_by_label_pair);
    json.EndObject();
  });
}

}  // namespace canopy::api
