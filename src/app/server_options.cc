#include "app/server_options.h"

#include <algorithm>
#include <limits>

#include "app/features.h"
#include "canopy/app/version.h"
#include "canopy/base/quote.h"
#include "canopy/base/size.h"
#include "canopy/net/url.h"

namespace canopy::app {
namespace {

Status FlagError(std::string_view flag, const std::string& why) {
  return Status::Invalid("--" + std::string(flag) + ": " + why);
}

// A whole number that must be at least `least` and fit into T.
template <class T>
Status ReadCount(const FlagSet& flags, std::string_view flag, int64_t least, T& to) {
  const int64_t value = flags.Int(flag);
  if (value < least) return FlagError(flag, "must be at least " + std::to_string(least));
  if (!std::in_range<T>(value)) return FlagError(flag, "too large: " + std::to_string(value));
  to = static_cast<T>(value);
  return {};
}

Status ReadDuration(const FlagSet& flags, std::string_view flag, Duration& to) {
  to = flags.Time(flag);
  return to > Duration(0) ? Status() : FlagError(flag, "must be greater than 0");
}

Status ReadLog(const FlagSet& flags, ServerOptions& to) {
  constexpr std::pair<std::string_view, log::Level> kLevels[] = {
      {"debug", log::Level::kDebug},
      {"info", log::Level::kInfo},
      {"warn", log::Level::kWarn},
      {"error", log::Level::kError},
  };
  const std::string& level = flags.Text("log.level");
  const auto* const found = std::find_if(std::begin(kLevels), std::end(kLevels),
                                         [&](const auto& l) { return l.first == level; });
  if (found == std::end(kLevels)) {
    return FlagError("log.level",
                     "expected debug, info, warn or error, got " + base::Quoted(level));
  }
  to.log_level = found->second;
  const std::string& format = flags.Text("log.format");
  if (format != "logfmt" && format != "json") {
    return FlagError("log.format", "expected logfmt or json, got " + base::Quoted(format));
  }
  to.log_format = format == "json" ? log::Format::kJson : log::Format::kLogfmt;
  return {};
}

std::string TrimSlashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path.empty() ? "" : "/" + std::string(path);
}

// As Prometheus: the route prefix is the path of the external URL unless it is given.
Status ReadWeb(const FlagSet& flags, ServerOptions& to) {
  to.http.listen_addresses = flags.List("web.listen-address");
  CANOPY_RETURN_IF_ERROR(ReadCount(flags, "web.max-connections", 1, to.http.max_connections));
  CANOPY_RETURN_IF_ERROR(ReadDuration(flags, "web.read-timeout", to.http.read_timeout));
  to.web_config_file = flags.Text("web.config.file");

  to.external_url = flags.Text("web.external-url");
  std::string path;
  if (!to.external_url.empty()) {
    if (to.external_url.find_first_of("\"'") != std::string::npos) {
      return FlagError("web.external-url", "must not contain quotes");
    }
    const Result<net::Url> url = net::ParseUrl(to.external_url);
    if (!url.ok()) return FlagError("web.external-url", url.status().message());
    path = url->path;
    while (to.external_url.ends_with('/')) to.external_url.pop_back();
  }
  to.api.route_prefix =
      TrimSlashes(flags.given("web.route-prefix") ? flags.Text("web.route-prefix") : path);
  to.api.cors_origin = flags.Text("web.cors.origin");
  to.api.enable_lifecycle = flags.Bool("web.enable-lifecycle");
  to.api.enable_admin_api = flags.Bool("web.enable-admin-api");
  to.api.enable_remote_write_receiver = flags.Bool("web.enable-remote-write-receiver");

  constexpr std::string_view kMessages = "web.remote-write-receiver.accepted-protobuf-messages";
  for (const std::string& message : flags.List(kMessages)) {
    if (message == "prometheus.WriteRequest") continue;
    if (message != "io.prometheus.write.v2.Request") {
      return FlagError(kMessages, "unknown message " + base::Quoted(message));
    }
    return Status::Unsupported("--" + std::string(kMessages) + ": " + message +
                               " is not supported yet");
  }
  return {};
}

Status ReadStorage(const FlagSet& flags, ServerOptions& to) {
  to.store.dir = flags.Text("storage.tsdb.path");
  to.store.lock_dir = !flags.Bool("storage.tsdb.no-lockfile");
  CANOPY_RETURN_IF_ERROR(
      ReadDuration(flags, "storage.tsdb.min-block-duration", to.store.block_range));
  CANOPY_RETURN_IF_ERROR(
      ReadDuration(flags, "storage.tsdb.block-reload-interval", to.store.maintenance_interval));
  to.store.max_block_range = flags.Time("storage.tsdb.max-block-duration");
  if (to.store.max_block_range.count() > 0 && to.store.max_block_range < to.store.block_range) {
    return FlagError("storage.tsdb.max-block-duration",
                     "must not be shorter than --storage.tsdb.min-block-duration");
  }
  to.store.retention_time = flags.Time("storage.tsdb.retention.time");
  to.store.retention_bytes = flags.Size("storage.tsdb.retention.size");
  if (const uint64_t size = flags.Size("storage.tsdb.wal-segment-size"); size > 0) {
    to.store.wal_segment_bytes = size;
  }
  to.store.wal_compression = flags.Bool("storage.tsdb.wal-compression");
  const std::string& type = flags.Text("storage.tsdb.wal-compression-type");
  if (type == "zstd") {
    return Status::Unsupported("--storage.tsdb.wal-compression-type: zstd is not supported yet");
  }
  if (type != "snappy") {
    return FlagError("storage.tsdb.wal-compression-type",
                     "expected snappy, got " + base::Quoted(type));
  }
  return {};
}

Status ReadQuery(const FlagSet& flags, ServerOptions& to) {
  CANOPY_RETURN_IF_ERROR(ReadDuration(flags, "query.lookback-delta", to.engine.lookback_delta));
  CANOPY_RETURN_IF_ERROR(ReadDuration(flags, "query.timeout", to.engine.timeout));
  CANOPY_RETURN_IF_ERROR(ReadCount(flags, "query.max-concurrency", 1, to.engine.max_concurrency));
  CANOPY_RETURN_IF_ERROR(ReadCount(flags, "query.max-samples", 1, to.engine.max_samples));
  CANOPY_ASSIGN_OR_RETURN(const Features features,
                          ReadFeatures(flags.List("enable-feature"), to.notices));
  to.engine.features = features.promql;
  if (flags.Bool("config.auto-reload") || features.auto_reload)
    to.auto_reload_interval = std::max(flags.Time("config.auto-reload-interval"), Duration(1000));
  to.config.extra_scrape_metrics = features.extra_scrape_metrics;
  to.exemplar_storage = to.scrape.exemplars = features.exemplar_storage;
  to.store.metadata = to.scrape.metadata = features.metadata_wal_records;
  to.store.start_time_zeros = features.start_time_zeros;
  to.store.start_times = to.config.start_times = features.start_times;
  to.scrape.start_times = features.start_time_zeros || features.start_times;
  if (features.histogram_starts) to.store.histogram_form = chunk::HistogramForm::kWithStarts;
  to.scrape.type_and_unit_labels = features.promql.type_and_unit_labels;
  to.config.prefer_protobuf = to.scrape.start_times;
  if (features.xor2_floats) to.store.float_encoding = chunk::FloatEncoding::kXor2;
  to.config.float_encoding = to.store.float_encoding;
  to.api.features = to.engine.features;
  to.api.lookback_delta = to.engine.lookback_delta;
  return {};
}

Status ReadServices(const FlagSet& flags, ServerOptions& to) {
  to.scrape.user_agent = "Canopy/" + std::string(kVersion);
  to.scrape.timestamp_tolerance = flags.Bool("scrape.adjust-timestamps")
                                      ? flags.Time("scrape.timestamp-tolerance")
                                      : Duration(0);
  CANOPY_RETURN_IF_ERROR(
      ReadDuration(flags, "scrape.discovery-reload-interval", to.discovery.debounce));
  to.rules.for_outage_tolerance = flags.Time("rules.alert.for-outage-tolerance");
  to.rules.for_grace_period = flags.Time("rules.alert.for-grace-period");
  to.rules.resend_delay = flags.Time("rules.alert.resend-delay");
  CANOPY_RETURN_IF_ERROR(
      ReadCount(flags, "rules.max-concurrent-evals", 1, to.rules.max_concurrent_evals));
  CANOPY_RETURN_IF_ERROR(
      ReadCount(flags, "alertmanager.notification-queue-capacity", 1, to.notify.queue_capacity));
  CANOPY_RETURN_IF_ERROR(
      ReadCount(flags, "alertmanager.notification-batch-size", 1, to.notify.batch_size));
  to.notify.drain_on_shutdown = flags.Bool("alertmanager.drain-notification-queue-on-shutdown");
  to.notify.outbox_path = JoinPath(to.store.dir, "notifications.db");
  return {};
}

}  // namespace

Result<ServerOptions> ReadServerFlags(const FlagSet& flags) {
  ServerOptions options;
  options.config_file = flags.Text("config.file");
  for (const std::string& name : flags.WithoutMeaning()) {
    options.notices.push_back("--" + name + " has no meaning here");
  }
  CANOPY_RETURN_IF_ERROR(ReadLog(flags, options));
  CANOPY_RETURN_IF_ERROR(ReadWeb(flags, options));
  CANOPY_RETURN_IF_ERROR(ReadStorage(flags, options));
  CANOPY_RETURN_IF_ERROR(ReadQuery(flags, options));
  CANOPY_RETURN_IF_ERROR(ReadServices(flags, options));
  options.api.flags = flags.All();
  return options;
}

void FillRetention(const config::StorageConfig& config, tsdb::Options& store) {
  if (config.retention_time) store.retention_time = *config.retention_time;
  if (config.retention_size) store.retention_bytes = *config.retention_size;
  if (store.retention_time == Duration(0) && store.retention_bytes == 0)
    store.retention_time = tsdb::Options().retention_time;
}

uint64_t MaxExemplars(const config::StorageConfig& config, const ServerOptions& options) {
  if (!options.exemplar_storage || config.max_exemplars < 0) return 0;
  return static_cast<uint64_t>(config.max_exemplars);
}

std::string RetentionText(const tsdb::Options& store) {
  std::string text;
  if (store.retention_time > Duration(0)) text = FormatDuration(store.retention_time);
  if (store.retention_bytes > 0)
    text += (text.empty() ? "" : " or ") + base::FormatSize(store.retention_bytes);
  return text;
}

Status FillExternalUrl(const std::string& address, const std::string& host_name,
                       ServerOptions& options) {
  const std::string port = address.substr(address.rfind(':') + 1);
  if (options.external_url.empty()) options.external_url = "http://" + host_name + ":" + port;
  CANOPY_ASSIGN_OR_RETURN(const net::Url url, net::ParseUrl(options.external_url));
  options.scrape.external_host = url.host;
  options.scrape.external_scheme = url.scheme;
  options.scrape.listen_port = port;
  options.scrape.host_name = host_name;
  return {};
}

}  // namespace canopy::app
