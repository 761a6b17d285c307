#include "canopy/config/load.h"

#include <boost/test/unit_test.hpp>

#include "tests/config/load_string.h"

namespace canopy::config {
namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(an_empty_file_is_a_configuration) {
  for (const std::string text : {"", "# nothing\n", "global:\n", "---\n", "{}"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_CHECK(Good(text) == Config()); }
  }
}

BOOST_AUTO_TEST_CASE(a_job_inherits_from_global) {
  const Config config = Good(R"(
scrape_configs:
  - job_name: a
  - job_name: b
    scrape_interval: 5s
    sample_limit: 7
    body_size_limit: 1KB
    scrape_protocols: [PrometheusText0.0.4]
    extra_scrape_metrics: false
    scrape_failure_log_file: b.log
global:
  scrape_interval: 15s
  sample_limit: 100
  body_size_limit: 1MB
  label_limit: 30
  extra_scrape_metrics: true
  scrape_failure_log_file: all.log
  query_log_file: queries.log
)");
  BOOST_TEST(config.global.query_log_file == "/etc/queries.log");
  BOOST_REQUIRE(config.scrape_configs.size() == 2u);
  const ScrapeConfig& a = config.scrape_configs[0];
  BOOST_CHECK(a.scrape_interval == 15s);
  BOOST_CHECK(a.scrape_timeout == 10s);
  BOOST_TEST(a.limits.samples == 100u);
  BOOST_TEST(a.limits.body_size == 1u << 20);
  BOOST_TEST(a.extra_scrape_metrics);
  BOOST_TEST(a.scrape_failure_log_file == "/etc/all.log");
  BOOST_CHECK(a.scrape_protocols == DefaultProtocols());
  const ScrapeConfig& b = config.scrape_configs[1];
  BOOST_CHECK(b.scrape_interval == 5s);
  BOOST_CHECK(b.scrape_timeout == 5s);  // never longer than the interval
  BOOST_TEST(b.limits.samples == 7u);
  BOOST_TEST(b.limits.body_size == 1024u);
  BOOST_TEST(b.limits.labels == 30u);
  BOOST_TEST(!b.extra_scrape_metrics);
  BOOST_TEST(b.scrape_failure_log_file == "/etc/b.log");
  BOOST_CHECK(b.scrape_protocols == std::vector{Protocol::kText004});
}

BOOST_AUTO_TEST_CASE(native_histograms_are_asked_for_in_protobuf) {
  const Config config = Good(R"(
global:
  scrape_native_histograms: true
scrape_configs:
  - job_name: a
    always_scrape_classic_histograms: true
    native_histogram_bucket_limit: 40
    native_histogram_min_bucket_factor: 1.5
  - job_name: b
    scrape_native_histograms: false
  - job_name: c
    scrape_protocols: [PrometheusText0.0.4]
)");
  BOOST_REQUIRE(config.scrape_configs.size() == 3u);
  const ScrapeConfig& a = config.scrape_configs[0];
  BOOST_CHECK((a.histograms == HistogramScraping{true, true}));
  BOOST_TEST(a.native_histogram_bucket_limit == 40u);
  BOOST_TEST(a.native_histogram_min_bucket_factor == 1.5);
  BOOST_CHECK(a.scrape_protocols == DefaultHistogramProtocols());
  BOOST_CHECK(a.scrape_protocols[0] == Protocol::kProto);
  const ScrapeConfig& b = config.scrape_configs[1];
  BOOST_CHECK((b.histograms == HistogramScraping{false, false}));
  BOOST_CHECK(b.scrape_protocols == DefaultProtocols());
  BOOST_CHECK(config.scrape_configs[2].scrape_protocols == std::vector{Protocol::kText004});
}

BOOST_AUTO_TEST_CASE(extra_scrape_metrics_may_be_the_default) {
  LoadOptions options;
  options.extra_scrape_metrics = true;
  const auto first_job = [&](const std::string& text) {
    const LoadReport report = LoadString(text, options);
    BOOST_TEST_REQUIRE(report.config.has_value());
    return report.config->scrape_configs[0].extra_scrape_metrics;
  };
  const std::string job = "scrape_configs: [{job_name: a}]\n";
  BOOST_TEST(first_job(job));
  BOOST_TEST(first_job("global: {scrape_interval: 5s}\n" + job));
  BOOST_TEST(!first_job("global: {extra_scrape_metrics: false}\n" + job));
  BOOST_TEST(!first_job("scrape_configs: [{job_name: a, extra_scrape_metrics: false}]\n"));
}

BOOST_AUTO_TEST_CASE(protobuf_may_be_what_jobs_ask_for_first) {
  LoadOptions options;
  options.prefer_protobuf = true;
  auto f = [&](const std::string& text, const std::vector<Protocol>& want) {
    const LoadReport report = LoadString(text, options);
    BOOST_TEST_REQUIRE(report.config.has_value());
    BOOST_CHECK(report.config->scrape_configs[0].scrape_protocols == want);
  };
  const std::string job = "scrape_configs: [{job_name: a}]\n";
  f(job, DefaultHistogramProtocols());
  f("global: {scrape_interval: 5s}\n" + job, DefaultHistogramProtocols());
  f("global: {scrape_protocols: [PrometheusText0.0.4]}\n" + job, {Protocol::kText004});
  f("scrape_configs: [{job_name: a, scrape_protocols: [PrometheusText0.0.4]}]\n",
    {Protocol::kText004});
}

BOOST_AUTO_TEST_CASE(jobs_inherit_what_becomes_of_classic_histograms) {
  const Config config = Good(R"(
global:
  convert_classic_histograms_to_nhcb: true
  always_scrape_classic_histograms: true
scrape_configs:
  - job_name: a
  - job_name: b
    convert_classic_histograms_to_nhcb: false
)");
  BOOST_CHECK((config.global.histograms == HistogramScraping{false, true, true}));
  BOOST_CHECK((config.scrape_configs[0].histograms == HistogramScraping{false, true, true}));
  BOOST_CHECK((config.scrape_configs[1].histograms == HistogramScraping{false, true, false}));
  // It asks for no other format.
  BOOST_CHECK(config.scrape_configs[0].scrape_protocols == DefaultProtocols());
}

BOOST_AUTO_TEST_CASE(global_settings_are_read) {
  const Config config = Good(R"(
global:
  scrape_interval: 2s
  evaluation_interval: 1m30s
  rule_query_offset: 5s
  external_labels: {zone: a, empty: ""}
  keep_dropped_targets: 9
  metric_name_validation_scheme: legacy
rule_files: [rules/*.yml, /abs/one.yml]
storage:
  tsdb:
    out_of_order_time_window: 0s
    chunk_encoding: {floats: xor}
    retention: {time: 30d, size: 1.5GB}
  exemplars: {max_exemplars: 5}
)");
  BOOST_CHECK(config.global.scrape_timeout == 2s);
  BOOST_CHECK(config.global.evaluation_interval == 90s);
  BOOST_CHECK(config.global.rule_query_offset == 5s);
  BOOST_TEST(config.global.external_labels.ToString() == R"({zone="a"})");
  BOOST_TEST(config.global.limits.keep_dropped_targets == 9u);
  BOOST_CHECK(config.global.metric_name_escaping_scheme == Escaping::kUnderscores);
  BOOST_CHECK(config.rule_files == (std::vector<std::string>{"/etc/rules/*.yml", "/abs/one.yml"}));
  BOOST_CHECK(config.storage.retention_time == Duration(30 * 24h));
  BOOST_TEST(config.storage.retention_size.value() == 3u << 29);
  BOOST_TEST(config.storage.max_exemplars == 5);
  BOOST_CHECK(config.storage.float_encoding == chunk::FloatEncoding::kXor);
}

BOOST_AUTO_TEST_CASE(chunks_of_floats_are_xor_or_xor2_or_what_they_were) {
  const auto read = [](const std::string& tsdb) {
    return Good("storage: {tsdb: " + tsdb + "}").storage.float_encoding;
  };
  BOOST_CHECK(read("{chunk_encoding: {floats: xor}}") == chunk::FloatEncoding::kXor);
  BOOST_CHECK(read("{chunk_encoding: {floats: xor2}}") == chunk::FloatEncoding::kXor2);
  BOOST_CHECK(read("{chunk_encoding: {floats: ''}}") == std::nullopt);
  BOOST_CHECK(read("{chunk_encoding: {}}") == std::nullopt);
  BOOST_CHECK(read("{}") == std::nullopt);
  for (const std::string bad : {"XOR2", "xor3", "4"})
    BOOST_TEST(Errors("storage: {tsdb: {chunk_encoding: {floats: " + bad + "}}}") ==
               "1: storage.tsdb.chunk_encoding.floats: 'storage.tsdb.chunk_encoding.floats' must "
               "be 'xor' or 'xor2', or the field must be omitted entirely, got \"" +
                   bad + "\"");
}

BOOST_AUTO_TEST_CASE(start_timestamps_need_xor2) {
  LoadOptions options;
  options.start_times = true;
  const std::string xor1 = "storage:\n  tsdb:\n    chunk_encoding: {floats: xor}";
  const std::string xor2 = "storage: {tsdb: {chunk_encoding: {floats: xor2}}}";
  const std::string error =
      "start timestamps are to be stored, for which XOR chunks have no place: "
      "'storage.tsdb.chunk_encoding.floats' must be 'xor2'";
  BOOST_TEST(Errors(xor1, options) == "3: storage.tsdb.chunk_encoding.floats: " + error);
  BOOST_TEST(Errors("storage: {tsdb: {}}", options) == "1: storage.tsdb: " + error);
  BOOST_TEST(Errors("", options) == "1: " + error);
  BOOST_TEST(Errors(xor2, options) == "");
  options.float_encoding = chunk::FloatEncoding::kXor2;
  BOOST_TEST(Errors("", options) == "");
  BOOST_TEST(Errors(xor1, options) == "3: storage.tsdb.chunk_encoding.floats: " + error);
}

BOOST_AUTO_TEST_CASE(a_job_is_read_whole) {
  const Config config = Good(R"(
scrape_configs:
  - job_name: federate
    honor_labels: yes
    honor_timestamps: no
    track_timestamps_staleness: on
    params: {"match[]": [up, '{job="x"}']}
    metrics_path: /federate
    scheme: https
    enable_compression: false
    fallback_scrape_protocol: PrometheusText1.0.0
    basic_auth: {username: u, password_file: secret}
    tls_config: {ca_file: ca.pem, server_name: leaf, min_version: TLS12}
    follow_redirects: false
    http_headers: {X-Zone: {values: [a], files: [zone.txt]}}
    static_configs: [{targets: ["leaf:9090"], labels: {zone: a}}]
    file_sd_configs: [{files: [targets/*.json]}]
    relabel_configs: [{source_labels: [__address__], target_label: host}]
    metric_relabel_configs: [{action: DROP, regex: go_.*, source_labels: [__name__]}]
)");
  const ScrapeConfig& job = config.scrape_configs.at(0);
  BOOST_TEST(job.honor_labels);
  BOOST_TEST(!job.honor_timestamps);
  BOOST_TEST(job.track_timestamps_staleness);
  BOOST_CHECK(job.params.at("match[]") == (std::vector<std::string>{"up", R"({job="x"})"}));
  BOOST_TEST(job.metrics_path == "/federate");
  BOOST_TEST(job.scheme == "https");
  BOOST_TEST(!job.enable_compression);
  BOOST_CHECK(job.fallback_scrape_protocol == Protocol::kText100);
  BOOST_TEST(job.http.basic_auth->username == "u");
  BOOST_TEST(job.http.basic_auth->password_file == "/etc/secret");
  BOOST_TEST(job.http.tls.ca_file == "/etc/ca.pem");
  BOOST_CHECK(job.http.tls.min_version == net::TlsVersion::kTls12);
  BOOST_TEST(!job.http.follow_redirects);
  BOOST_TEST(job.http.enable_http2);
  BOOST_TEST(job.http.http_headers.at(0).name == "X-Zone");
  BOOST_TEST(job.http.http_headers.at(0).files.at(0) == "/etc/zone.txt");
  BOOST_TEST(job.discovery.static_configs.at(0).labels.ToString() == R"({zone="a"})");
  BOOST_TEST(job.discovery.file_sd_configs.at(0).files.at(0) == "/etc/targets/*.json");
  BOOST_CHECK(job.discovery.file_sd_configs.at(0).refresh_interval == 5min);
  model::LabelsBuilder labels(model::Labels{{"__address__", "leaf:9090"}});
  BOOST_TEST(job.relabel_configs.rules.Apply(labels));
  BOOST_TEST(labels.Get("host") == "leaf:9090");
  model::LabelsBuilder metric(model::Labels{{"__name__", "go_threads"}});
  BOOST_TEST(!job.metric_relabel_configs.rules.Apply(metric));
}

BOOST_AUTO_TEST_CASE(alertmanagers_are_read) {
  const Config config = Good(R"(
alerting:
  alert_relabel_configs: [{regex: replica, action: labeldrop}]
  alertmanagers:
    - static_configs: [{targets: [am:9093]}]
      path_prefix: /am
      timeout: 5s
      api_version: v2
      bearer_token: t
      relabel_configs: [{target_label: x, replacement: y}]
    - scheme: https
)");
  BOOST_TEST(config.alerting.alert_relabel_configs.configs.size() == 1u);
  BOOST_REQUIRE(config.alerting.alertmanagers.size() == 2u);
  const AlertmanagerConfig& am = config.alerting.alertmanagers[0];
  BOOST_TEST(am.path_prefix == "/am");
  BOOST_CHECK(am.timeout == 5s);
  BOOST_TEST(am.http.authorization->type == "Bearer");
  BOOST_TEST(am.http.authorization->credentials == "t");
  BOOST_TEST(am.relabel_configs.configs.at(0).replacement == "y");
  BOOST_TEST(config.alerting.alertmanagers[1].scheme == "https");
  BOOST_CHECK(config.alerting.alertmanagers[1].timeout == 10s);
}

BOOST_AUTO_TEST_CASE(nothing_is_the_zero_of_its_type) {
  const Config config = Good(R"(
scrape_configs:
  - job_name: a
    honor_timestamps:
    metrics_path: ~
    scrape_interval: null
    static_configs:
    relabel_configs:
      - {target_label: t, regex: null, replacement: r}
)");
  const ScrapeConfig& job = config.scrape_configs.at(0);
  BOOST_TEST(!job.honor_timestamps);
  BOOST_TEST(job.metrics_path == "");
  BOOST_CHECK(job.scrape_interval == 1min);
  BOOST_TEST(job.relabel_configs.configs.at(0).regex == "");
}

// A URL as target is fine where relabelling makes something of it.
BOOST_AUTO_TEST_CASE(a_url_is_a_target_for_relabelling) {
  Good(R"(
scrape_configs:
  - job_name: blackbox
    static_configs: [{targets: ["https://example.com/"]}]
    relabel_configs: [{source_labels: [__address__], target_label: __param_target}]
)");
}

BOOST_AUTO_TEST_CASE(names_that_are_valid_depend_on_the_scheme) {
  const std::string rule = "relabel_configs: [{target_label: a.b, replacement: x}]";
  BOOST_TEST(Errors("scrape_configs: [{job_name: x, " + rule + "}]") == "");
  BOOST_TEST(Errors("scrape_configs: [{job_name: x, metric_name_validation_scheme: legacy, " +
                    rule + "}]") ==
             "1: scrape_configs[0].relabel_configs[0].target_label: \"a.b\" is invalid "
             "'target_label' for replace action");
  BOOST_TEST(Errors("global: {metric_name_validation_scheme: legacy, external_labels: {a.b: c}}") ==
             "1: global.external_labels.a.b: \"a.b\" is not a valid label name");
}

BOOST_AUTO_TEST_CASE(aliases_and_merge_keys_are_followed) {
  const Config config = Good(R"(
scrape_configs:
  - &base
    job_name: a
    scrape_interval: 5s
    static_configs: [{targets: [&host h:1]}]
  - <<: *base
    job_name: b
    metrics_path: /m
  - <<: [{job_name: c, scheme: https}, *base]
    static_configs: [{targets: [*host, h:2]}]
)");
  BOOST_REQUIRE(config.scrape_configs.size() == 3u);
  BOOST_CHECK(config.scrape_configs[1].scrape_interval == 5s);
  BOOST_TEST(config.scrape_configs[1].job_name == "b");
  BOOST_TEST(config.scrape_configs[1].metrics_path == "/m");
  BOOST_TEST(config.scrape_configs[2].job_name == "c");
  BOOST_TEST(config.scrape_configs[2].scheme == "https");
  BOOST_TEST(config.scrape_configs[2].discovery.static_configs[0].targets[0] == "h:1");
}

BOOST_AUTO_TEST_CASE(external_labels_see_the_environment) {
  LoadOptions options;
  options.env = [](const std::string& name) -> std::optional<std::string> {
    if (name == "ZONE") return "eu";
    return std::nullopt;
  };
  const LoadReport report = LoadString(
      "global:\n  external_labels:\n    a: ${ZONE}-1\n    b: $$x\n    c: $NONE\n    d: x${NONE}y\n",
      options);
  BOOST_REQUIRE(report.config);
  BOOST_TEST(report.config->global.external_labels.ToString() == R"({a="eu-1", b="$x", d="xy"})");
  BOOST_REQUIRE(report.notices.size() == 2u);
  BOOST_TEST(report.notices[0].ToString() ==
             "/etc/leaf.yml:5: global.external_labels.c: environment variable NONE is empty");
}

BOOST_AUTO_TEST_CASE(what_has_no_meaning_here_is_accepted_with_a_notice) {
  const LoadReport report = LoadString("runtime:\n  gogc: 50\n---\nrule_files: [x]\n");
  BOOST_REQUIRE(report.config);
  BOOST_TEST(report.config->rule_files.empty());
  BOOST_TEST(FormatErrors(report.notices) ==
             "/etc/leaf.yml:1: only the first of several YAML documents is read\n"
             "/etc/leaf.yml:2: runtime.gogc: has no meaning here: there is no garbage collector "
             "to tune");
}

}  // namespace
}  // namespace canopy::config
