// The flags of Prometheus 3.14: its `prometheus --help`, and the hidden ones of its main program.

#include "canopy/app/flags.h"

namespace canopy::app {
namespace {

using enum FlagKind;
using enum FlagRole;

constexpr bool kShown = false;
constexpr bool kHidden = true;

constexpr FlagSpec kServerFlags[] = {
    {"config.file", kText, "prometheus.yml", kActive, kShown, "Configuration file."},
    {"config.auto-reload", kBool, "false", kActive, kShown,
     "Reload the configuration when its file, or one that it names, has changed."},
    {"config.auto-reload-interval", kDuration, "30s", kActive, kShown,
     "How often changes are looked for, with --config.auto-reload. At least 1s."},
    {"auto-gomaxprocs", kBool, "true", kNoMeaning, kShown, ""},
    {"auto-gomemlimit", kBool, "true", kNoMeaning, kShown, ""},
    {"auto-gomemlimit.ratio", kFloat, "0.9", kNoMeaning, kShown, ""},
    {"auto-gomemlimit.refresh-interval", kDuration, "0s", kNoMeaning, kShown, ""},

    {"web.listen-address", kList, "0.0.0.0:9090", kActive, kShown,
     "Address to listen on for API and telemetry. Repeatable."},
    {"web.config.file", kText, "", kActive, kShown,
     "Configuration file that enables TLS or basic authentication."},
    {"web.read-timeout", kDuration, "5m", kActive, kShown,
     "Longest time to read a request, and to keep an idle connection."},
    {"web.max-connections", kInt, "512", kActive, kShown, "Most simultaneous connections."},
    {"web.max-notifications-subscribers", kInt, "16", kNoMeaning, kShown, ""},
    {"web.external-url", kText, "", kActive, kShown,
     "URL under which Canopy is reachable from outside; used for links back to itself."},
    {"web.route-prefix", kText, "", kActive, kShown,
     "Prefix of all web endpoints. Defaults to the path of --web.external-url."},
    {"web.user-assets", kText, "", kNotSupported, kShown, ""},
    {"web.enable-lifecycle", kBool, "false", kActive, kShown,
     "Enable shutdown and reload by HTTP: POST /-/quit and /-/reload."},
    {"web.enable-admin-api", kBool, "false", kActive, kShown,
     "Enable what changes the store by HTTP: POST /api/v1/admin/tsdb/..."},
    {"web.enable-remote-write-receiver", kBool, "false", kActive, kShown,
     "Accept remote write at POST /api/v1/write."},
    {"web.remote-write-receiver.accepted-protobuf-messages", kList, "prometheus.WriteRequest",
     kActive, kShown, "Remote-write messages to accept: prometheus.WriteRequest."},
    {"web.enable-otlp-receiver", kBool, "false", kNotSupported, kShown, ""},
    {"web.console.templates", kText, "consoles", kNoMeaning, kShown, ""},
    {"web.console.libraries", kText, "console_libraries", kNoMeaning, kShown, ""},
    {"web.page-title", kText, "Canopy Time Series Federation", kNoMeaning, kShown, ""},
    {"web.cors.origin", kText, ".*", kActive, kShown, "Regex of allowed CORS origins, anchored."},
    {"web.search.max-limit", kInt, "10000", kNoMeaning, kShown, ""},

    {"storage.tsdb.path", kText, "data/", kActive, kShown, "Directory of the store."},
    {"storage.tsdb.retention.time", kDuration, "0s", kActive, kShown,
     "How long samples are kept, when that is shorter than what memory holds anyway."},
    {"storage.tsdb.retention.size", kSize, "", kActive, kShown, "Most bytes to keep on disk."},
    {"storage.tsdb.no-lockfile", kBool, "false", kActive, kShown,
     "Do not create a lock file in the data directory."},
    {"storage.tsdb.head-chunks-write-queue-size", kInt, "0", kNoMeaning, kShown, ""},
    {"storage.tsdb.delay-compact-file.path", kText, "", kNotSupported, kShown, ""},
    {"storage.tsdb.min-block-duration", kDuration, "2h", kActive, kHidden, ""},
    {"storage.tsdb.max-block-duration", kDuration, "0s", kActive, kHidden, ""},
    {"storage.tsdb.max-block-chunk-segment-size", kSize, "", kNoMeaning, kHidden, ""},
    {"storage.tsdb.wal-segment-size", kSize, "", kActive, kHidden, ""},
    {"storage.tsdb.allow-overlapping-compaction", kBool, "true", kNoMeaning, kHidden, ""},
    {"storage.tsdb.wal-compression", kBool, "true", kActive, kHidden, ""},
    {"storage.tsdb.wal-compression-type", kText, "snappy", kActive, kHidden, ""},
    {"storage.tsdb.samples-per-chunk", kInt, "120", kNoMeaning, kHidden, ""},
    {"storage.tsdb.delayed-compaction.max-percent", kInt, "10", kNoMeaning, kHidden, ""},
    {"storage.tsdb.block-reload-interval", kDuration, "1m", kActive, kHidden, ""},

    {"agent", kBool, "false", kNotSupported, kShown, ""},
    {"storage.agent.path", kText, "data-agent/", kNotSupported, kShown, ""},
    {"storage.agent.wal-compression", kBool, "true", kNotSupported, kShown, ""},
    {"storage.agent.wal-compression-type", kText, "snappy", kNotSupported, kHidden, ""},
    {"storage.agent.wal-segment-size", kSize, "", kNotSupported, kHidden, ""},
    {"storage.agent.wal-truncate-frequency", kDuration, "2h", kNotSupported, kHidden, ""},
    {"storage.agent.retention.min-time", kDuration, "5m", kNotSupported, kShown, ""},
    {"storage.agent.retention.max-time", kDuration, "4h", kNotSupported, kShown, ""},
    {"storage.agent.checkpoint-from-in-memory-series", kBool, "false", kNotSupported, kShown, ""},
    {"storage.agent.checkpoint-batch-size", kInt, "1000", kNotSupported, kShown, ""},
    {"storage.agent.no-lockfile", kBool, "false", kNotSupported, kShown, ""},
    {"storage.remote.flush-deadline", kDuration, "1m", kNoMeaning, kShown, ""},
    {"storage.remote.read-sample-limit", kInt, "50000000", kNoMeaning, kShown, ""},
    {"storage.remote.read-concurrent-limit", kInt, "10", kNoMeaning, kShown, ""},
    {"storage.remote.read-max-bytes-in-frame", kInt, "1048576", kNoMeaning, kShown, ""},

    {"rules.alert.for-outage-tolerance", kDuration, "1h", kActive, kShown,
     "Longest outage over which the \"for\" state of alerts is restored."},
    {"rules.alert.for-grace-period", kDuration, "10m", kActive, kShown,
     "Shortest time between a restart and a restored alert firing."},
    {"rules.alert.resend-delay", kDuration, "1m", kActive, kShown,
     "Shortest time before an alert is sent to Alertmanager again."},
    {"rules.max-concurrent-evals", kInt, "4", kActive, kShown,
     "Most rule groups evaluated at the same time."},
    {"alertmanager.notification-queue-capacity", kInt, "10000", kActive, kShown,
     "Capacity of the queue of alerts waiting for Alertmanager."},
    {"alertmanager.notification-batch-size", kInt, "256", kActive, kShown,
     "Most alerts in one request to Alertmanager."},
    {"alertmanager.drain-notification-queue-on-shutdown", kBool, "true", kActive, kShown,
     "Send what is queued before shutting down."},

    {"query.lookback-delta", kDuration, "5m", kActive, kShown,
     "How far back an instant vector looks for the newest sample."},
    {"query.timeout", kDuration, "2m", kActive, kShown, "Longest time a query may take."},
    {"query.max-concurrency", kInt, "20", kActive, kShown, "Most queries run at the same time."},
    {"query.max-samples", kInt, "50000000", kActive, kShown,
     "Most samples one query may hold in memory."},

    {"scrape.adjust-timestamps", kBool, "true", kActive, kHidden, ""},
    {"scrape.timestamp-tolerance", kDuration, "2ms", kActive, kHidden, ""},
    {"scrape.discovery-reload-interval", kDuration, "5s", kActive, kHidden, ""},

    {"enable-feature", kList, "", kActive, kShown,
     "Comma separated names of features to enable. Repeatable."},
    {"log.level", kText, "info", kActive, kShown, "debug, info, warn or error."},
    {"log.format", kText, "logfmt", kActive, kShown, "logfmt or json."},
};

}  // namespace

std::span<const FlagSpec> ServerFlags() { return kServerFlags; }

}  // namespace canopy::app
