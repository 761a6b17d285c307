#include "app/server_options.h"

#include <boost/test/unit_test.hpp>

namespace canopy::app {
namespace {

using namespace std::chrono_literals;

Result<ServerOptions> Read(std::vector<std::string> args) {
  FlagSet flags(ServerFlags());
  const Status status = flags.Parse(args);
  if (!status.ok()) return status;
  return ReadServerFlags(flags);
}

ServerOptions Good(std::vector<std::string> args) {
  Result<ServerOptions> options = Read(std::move(args));
  BOOST_REQUIRE_MESSAGE(options.ok(), options.status().message());
  return std::move(options).value();
}

std::string Refusal(std::vector<std::string> args) {
  const Result<ServerOptions> options = Read(std::move(args));
  return options.ok() ? "" : options.status().message();
}

BOOST_AUTO_TEST_CASE(a_command_line_without_flags) {
  const ServerOptions options = Good({});
  BOOST_TEST(options.config_file == "prometheus.yml");
  BOOST_TEST((options.http.listen_addresses == std::vector<std::string>{"0.0.0.0:9090"}));
  BOOST_TEST(options.http.max_connections == 512);
  BOOST_TEST(options.store.dir == "data/");
  BOOST_TEST((options.store.block_range == 2h));
  BOOST_TEST((options.store.retention_time == 0ms));
  BOOST_TEST(options.store.lock_dir);
  BOOST_TEST(options.store.wal_compression);
  BOOST_TEST((options.engine.lookback_delta == 5min));
  BOOST_TEST((options.api.lookback_delta == 5min));
  BOOST_TEST(options.engine.max_samples == 50'000'000);
  BOOST_TEST(options.api.route_prefix == "");
  BOOST_TEST(!options.api.enable_lifecycle);
  BOOST_TEST(options.notify.outbox_path == "data/notifications.db");
  BOOST_TEST(options.notices.empty());
  BOOST_TEST(options.api.flags.at("query.timeout") == "2m");
}

BOOST_AUTO_TEST_CASE(flags_reach_the_part_that_they_are_for) {
  const ServerOptions options =
      Good({"--web.listen-address=:1", "--web.listen-address=:2", "--web.enable-lifecycle",
            "--storage.tsdb.path=/d", "--storage.tsdb.retention.time=90m",
            "--storage.tsdb.wal-segment-size=32MB", "--storage.tsdb.no-lockfile",
            "--no-storage.tsdb.wal-compression", "--no-scrape.adjust-timestamps",
            "--rules.alert.resend-delay=5s", "--alertmanager.notification-batch-size=3",
            "--query.max-concurrency=2",
            "--enable-feature=promql-experimental-functions,"
            "native-histograms",
            "--enable-feature=promql-per-step-stats", "--log.level=warn", "--log.format=json",
            "--auto-gomaxprocs"});
  BOOST_TEST((options.http.listen_addresses == std::vector<std::string>{":1", ":2"}));
  BOOST_TEST(options.api.enable_lifecycle);
  BOOST_TEST(options.store.dir == "/d");
  BOOST_TEST((options.store.retention_time == 90min));
  BOOST_TEST(options.store.wal_segment_bytes == 32U << 20);
  BOOST_TEST(!options.store.lock_dir);
  BOOST_TEST(!options.store.wal_compression);
  BOOST_TEST((options.scrape.timestamp_tolerance == 0ms));
  BOOST_TEST((options.rules.resend_delay == 5s));
  BOOST_TEST(options.notify.batch_size == 3);
  BOOST_TEST(options.engine.max_concurrency == 2);
  BOOST_TEST(options.engine.features.experimental_functions);
  BOOST_TEST(options.engine.features.per_step_stats);
  BOOST_TEST(!options.engine.features.binop_fill_modifiers);
  BOOST_TEST(options.api.features.experimental_functions);
  BOOST_TEST((options.log_level == log::Level::kWarn));
  BOOST_TEST((options.log_format == log::Format::kJson));
  BOOST_TEST(
      (options.notices ==
       std::vector<std::string>{"--auto-gomaxprocs has no meaning here",
                                "--enable-feature: \"native-histograms\" has no meaning here"}));
}

BOOST_AUTO_TEST_CASE(retention_comes_from_the_configuration_the_flags_or_the_default) {
  auto f = [](std::vector<std::string> flags, const config::StorageConfig& config,
              const std::string& want) {
    ServerOptions options = Good(std::move(flags));
    FillRetention(config, options.store);
    BOOST_TEST(RetentionText(options.store) == want);
  };
  config::StorageConfig week;
  week.retention_time = 168h;
  config::StorageConfig gigabyte;
  gigabyte.retention_size = 1 << 30;
  f({}, {}, "15d");
  f({"--storage.tsdb.retention.time=30d"}, {}, "30d");
  f({"--storage.tsdb.retention.size=512MB"}, {}, "512MiB");
  f({"--storage.tsdb.retention.time=30d", "--storage.tsdb.retention.size=512MB"}, {},
    "30d or 512MiB");
  f({"--storage.tsdb.retention.time=30d"}, week, "1w");
  f({"--storage.tsdb.retention.time=30d"}, gigabyte, "30d or 1GiB");
  f({}, gigabyte, "1GiB");
}

BOOST_AUTO_TEST_CASE(exemplars_are_kept_when_the_feature_is_on) {
  const ServerOptions on = Good({"--enable-feature=promql-per-step-stats,exemplar-storage"});
  BOOST_TEST(on.scrape.exemplars);
  BOOST_TEST(on.engine.features.per_step_stats);
  config::StorageConfig config;
  BOOST_TEST(MaxExemplars(config, on) == 100'000u);
  config.max_exemplars = 5;
  BOOST_TEST(MaxExemplars(config, on) == 5u);
  config.max_exemplars = -1;
  BOOST_TEST(MaxExemplars(config, on) == 0u);
  const ServerOptions off = Good({});
  BOOST_TEST(!off.scrape.exemplars);
  BOOST_TEST(MaxExemplars({}, off) == 0u);
}

BOOST_AUTO_TEST_CASE(metadata_is_logged_when_the_feature_is_on) {
  const ServerOptions on = Good({"--enable-feature=metadata-wal-records"});
  BOOST_TEST(on.scrape.metadata);
  BOOST_TEST(on.store.metadata);
  BOOST_TEST(on.notices.empty());
  const ServerOptions off = Good({});
  BOOST_TEST(!off.scrape.metadata);
  BOOST_TEST(!off.store.metadata);
}

BOOST_AUTO_TEST_CASE(xor2_is_the_default_when_the_feature_is_on) {
  const ServerOptions on = Good({"--enable-feature=xor2-encoding"});
  BOOST_TEST((on.store.float_encoding == chunk::FloatEncoding::kXor2));
  BOOST_REQUIRE_EQUAL(on.notices.size(), 1u);
  BOOST_TEST(
      on.notices[0] ==
      "--enable-feature: \"xor2-encoding\" is being phased out: it makes xor2 the default of "
      "storage.tsdb.chunk_encoding.floats, which the configuration can say");
  BOOST_TEST((Good({}).store.float_encoding == chunk::FloatEncoding::kXor));
}

BOOST_AUTO_TEST_CASE(changed_files_are_looked_for_when_that_is_asked_for) {
  BOOST_TEST(Good({}).auto_reload_interval.count() == 0);
  BOOST_TEST(Good({"--config.auto-reload"}).auto_reload_interval.count() == 30'000);
  BOOST_TEST(Good({"--enable-feature=auto-reload-config", "--config.auto-reload-interval=10ms"})
                 .auto_reload_interval.count() == 1000);
}

BOOST_AUTO_TEST_CASE(extra_scrape_metrics_may_be_a_feature) {
  const ServerOptions on = Good({"--enable-feature=extra-scrape-metrics"});
  BOOST_TEST(on.config.extra_scrape_metrics);
  BOOST_TEST(on.notices.empty());
  BOOST_TEST(!Good({}).config.extra_scrape_metrics);
}

BOOST_AUTO_TEST_CASE(zeros_of_counters_that_start_are_for_scrapes_and_the_store) {
  const ServerOptions on = Good({"--enable-feature=created-timestamp-zero-ingestion"});
  BOOST_TEST((on.scrape.start_times && on.store.start_time_zeros && on.config.prefer_protobuf));
  const ServerOptions off = Good({});
  BOOST_TEST((!off.scrape.start_times && !off.store.start_time_zeros));
  BOOST_TEST(!off.config.prefer_protobuf);
  BOOST_TEST((!on.store.start_times && !on.config.start_times));
}

BOOST_AUTO_TEST_CASE(start_timestamps_are_for_scrapes_the_store_and_queries) {
  const ServerOptions store = Good({"--enable-feature=st-storage,xor2-encoding"});
  BOOST_TEST((store.scrape.start_times && store.store.start_times && store.config.start_times));
  BOOST_TEST(store.config.prefer_protobuf);
  BOOST_TEST((store.config.float_encoding == chunk::FloatEncoding::kXor2));
  BOOST_TEST(!store.store.start_time_zeros);
  BOOST_TEST((store.store.histogram_form == chunk::HistogramForm::kPlain));
  BOOST_TEST(!store.engine.features.use_start_timestamps);
  BOOST_TEST((Good({"--enable-feature=histograms-st-encoding"}).store.histogram_form ==
              chunk::HistogramForm::kWithStarts));
  const ServerOptions queries = Good({"--enable-feature=use-start-timestamps"});
  BOOST_TEST(queries.engine.features.use_start_timestamps);
  BOOST_TEST((!queries.scrape.start_times && !queries.store.start_times));
  BOOST_TEST(Refusal({"--enable-feature=st-synthesis"}) ==
             "--enable-feature: \"st-synthesis\": not supported: values are stored as targets show "
             "them");
}

BOOST_AUTO_TEST_CASE(types_and_units_are_labels_for_scrapes_and_queries) {
  const ServerOptions on = Good({"--enable-feature=type-and-unit-labels"});
  BOOST_TEST((on.scrape.type_and_unit_labels && on.engine.features.type_and_unit_labels));
  BOOST_TEST(on.notices.empty());
  const ServerOptions off = Good({});
  BOOST_TEST((!off.scrape.type_and_unit_labels && !off.engine.features.type_and_unit_labels));
}

BOOST_AUTO_TEST_CASE(values_that_a_flag_cannot_have) {
  BOOST_TEST(Refusal({"--log.level=loud"}) ==
             "--log.level: expected debug, info, warn or error, got \"loud\"");
  BOOST_TEST(Refusal({"--log.format=xml"}) == "--log.format: expected logfmt or json, got \"xml\"");
  BOOST_TEST(Refusal({"--web.max-connections=0"}) == "--web.max-connections: must be at least 1");
  BOOST_TEST(Refusal({"--rules.max-concurrent-evals=5000000000"}) ==
             "--rules.max-concurrent-evals: too large: 5000000000");
  BOOST_TEST(Refusal({"--query.timeout=0s"}) == "--query.timeout: must be greater than 0");
  BOOST_TEST(Refusal({"--storage.tsdb.wal-compression-type=zstd"}) ==
             "--storage.tsdb.wal-compression-type: zstd is not supported yet");
  BOOST_TEST(Refusal({"--enable-feature=search-api"}) ==
             "--enable-feature: \"search-api\": not supported yet");
  BOOST_TEST(Refusal({"--enable-feature=nosuch"}) ==
             "--enable-feature: \"nosuch\": unknown feature");
  BOOST_TEST(Refusal({"--web.external-url='http://x'"}) ==
             "--web.external-url: must not contain quotes");
  BOOST_TEST(Refusal({"--web.remote-write-receiver.accepted-protobuf-messages=x"}) ==
             "--web.remote-write-receiver.accepted-protobuf-messages: unknown message \"x\"");
}

BOOST_AUTO_TEST_CASE(external_url_and_route_prefix) {
  const auto prefix = [](std::vector<std::string> args) {
    return Good(std::move(args)).api.route_prefix;
  };
  BOOST_TEST(prefix({"--web.external-url=http://h:1/tree/"}) == "/tree");
  BOOST_TEST(prefix({"--web.external-url=http://h:1"}) == "");
  BOOST_TEST(prefix({"--web.external-url=http://h:1/tree", "--web.route-prefix=/"}) == "");
  BOOST_TEST(prefix({"--web.route-prefix=a/b/"}) == "/a/b");

  ServerOptions options = Good({});
  BOOST_TEST(FillExternalUrl("127.0.0.1:4711", "node", options).ok());
  BOOST_TEST(options.external_url == "http://node:4711");
  BOOST_TEST(options.scrape.external_host == "node:4711");
  BOOST_TEST(options.scrape.listen_port == "4711");
  options = Good({"--web.external-url=https://metrics.example/tree/"});
  BOOST_TEST(FillExternalUrl("[::1]:9090", "node", options).ok());
  BOOST_TEST(options.external_url == "https://metrics.example/tree");
  BOOST_TEST(options.scrape.external_host == "metrics.example");
  BOOST_TEST(options.scrape.external_scheme == "https");
  BOOST_TEST(options.scrape.listen_port == "9090");
}

}  // namespace
}  // namespace canopy::app
