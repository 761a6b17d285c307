#include "canopy/config/load.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

namespace canopy::config {
namespace {

using namespace std::chrono_literals;

LoadReport LoadString(const std::string& text, const LoadOptions& options = {}) {
  return LoadText(PosixFs(), text, "/etc/leaf.yml", options);
}

// Errors without the file's name.
std::string Errors(const std::string& text) {
  std::string out = FormatErrors(LoadString(text).errors);
  const std::string file = "/etc/leaf.yml:";
  for (size_t at = out.find(file); at != std::string::npos; at = out.find(file)) {
    out.erase(at, file.size());
  }
  return out;
}

Config Good(const std::string& text) {
  LoadReport report = LoadString(text);
  BOOST_TEST(FormatErrors(report.errors) == "");
  return report.config.value_or(Config());
}

// A directory that goes away with the test.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "canopy-config-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

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

BOOST_AUTO_TEST_CASE(every_error_is_told_with_line_and_key) {
  BOOST_TEST(Errors(R"(global:
  scrape_intervall: 15s
  scrape_interval: fifteen
scrape_configs:
  - job_name: a
    scrape_timeout: 2m
    sample_limit: -1
    honor_labels: "true"
    static_configs: {targets: [x]}
    zebra: 1
  - job_name: a
    params: [1]
scrape_configs: []
remote_write: [{url: x}]
)") ==
             R"(2: global.scrape_intervall: unknown key, did you mean scrape_interval?
3: global.scrape_interval: not a valid duration string: "fifteen"
6: scrape_configs[0].scrape_timeout: scrape timeout greater than scrape interval for scrape config with job name "a"
7: scrape_configs[0].sample_limit: expected a whole number that is not negative, got "-1"
8: scrape_configs[0].honor_labels: expected true or false, got a string
9: scrape_configs[0].static_configs: expected a list, got a map
10: scrape_configs[0].zebra: unknown key
11: scrape_configs[1].job_name: found multiple scrape configs with job name "a"
12: scrape_configs[1].params: expected a map, got a list
13: scrape_configs: key is already set on line 4
14: remote_write: not supported yet)");
}

BOOST_AUTO_TEST_CASE(values_of_the_wrong_type_say_what_was_expected) {
  auto f = [](std::string_view key, std::string_view value, std::string_view want) {
    const std::string text =
        "scrape_configs: [{job_name: x, " + std::string(key) + ": " + std::string(value) + "}]";
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(Errors(text) == (want.empty() ? ""
                                               : "1: scrape_configs[0]." + std::string(key) + ": " +
                                                     std::string(want)));
    }
  };
  f("metrics_path", "[a]", "expected a string, got a list");
  f("metrics_path", "{a: b}", "expected a string, got a map");
  f("metrics_path", "5", "");  // text all the same
  f("scrape_interval", "5", R"(not a valid duration string: "5")");
  f("scrape_interval", "[5s]", "expected a duration such as 15s, got a list");
  f("scrape_interval", "0", "");  // inherited
  f("honor_labels", "maybe", "expected true or false, got a string");
  f("honor_labels", "1", "expected true or false, got a number");
  f("sample_limit", "many", R"(expected a whole number that is not negative, got "many")");
  f("sample_limit", "1.5", R"(expected a whole number that is not negative, got "1.5")");
  f("sample_limit", "1e3", "");
  f("sample_limit", "0x10", "");
  f("sample_limit", "1_000", "");
  f("sample_limit", "\"5\"", "expected a whole number that is not negative, got a string");
  f("sample_limit", "18446744073709551615", "");
  f("sample_limit", "18446744073709551616",
    R"(expected a whole number that is not negative, got "18446744073709551616")");
  f("body_size_limit", "100", "units: unknown unit in 100");
  f("params", "x", "expected a map, got a string");
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

BOOST_AUTO_TEST_CASE(what_prometheus_knows_and_we_do_not_is_not_supported_yet) {
  auto f = [](const std::string& text, std::string_view want) {
    const LoadReport report = LoadString(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(Errors(text) == want);
      if (!want.empty()) {
        BOOST_CHECK(ToStatus(report.errors).code() == Code::kUnsupported);
      }
    }
  };
  const std::string job = "scrape_configs:\n- job_name: x\n  ";
  f(job + "dns_sd_configs: [{names: [a]}]",
    "3: scrape_configs[0].dns_sd_configs: not supported yet");
  f(job + "dns_sd_configs: []", "");
  f(job + "kubernetes_sd_configs: [{role: pod}]",
    "3: scrape_configs[0].kubernetes_sd_configs: not supported yet");
  f(job + "oauth2: {client_id: a}", "3: scrape_configs[0].oauth2: not supported yet");
  f(job + "basic_auth: {username: a, password_ref: b}",
    "3: scrape_configs[0].basic_auth.password_ref: not supported yet");
  f("remote_read: [{url: x}]", "1: remote_read: not supported yet");
  f("remote_write: []", "");
  f("tracing: {endpoint: x}", "1: tracing.endpoint: not supported yet");
  f("otlp: {promote_all_resource_attributes: true}",
    "1: otlp.promote_all_resource_attributes: not supported yet");
  f("otlp: {label_name_underscore_sanitization: true}", "");
  f("storage: {tsdb: {out_of_order_time_window: 30m}}", "");
  f("storage: {tsdb: {retention: {percentage: 50}}}",
    "1: storage.tsdb.retention.percentage: not supported yet");
  f("storage: {tsdb: {chunk_encoding: {floats: xor2}}}", "");
  f("alerting: {alertmanagers: [{sigv4: {region: a}}]}",
    "1: alerting.alertmanagers[0].sigv4: not supported yet");
}

BOOST_AUTO_TEST_CASE(unknown_keys_are_unknown_even_in_what_is_not_supported) {
  BOOST_TEST(Errors("otlp: {promote_al: true}") == "1: otlp.promote_al: unknown key");
  BOOST_TEST(Errors("x: 1") == "1: x: unknown key");
  BOOST_TEST(Errors("scrape_configs: [{job_name: a, consult_sd_configs: []}]") ==
             "1: scrape_configs[0].consult_sd_configs: unknown key, did you mean "
             "consul_sd_configs?");
}

BOOST_AUTO_TEST_CASE(what_does_not_go_together_is_refused) {
  auto f = [](std::string_view keys, std::string_view want) {
    BOOST_TEST_CONTEXT(keys) {
      BOOST_TEST(Errors("scrape_configs: [{job_name: x, " + std::string(keys) + "}]") ==
                 "1: scrape_configs[0]" + std::string(want));
    }
  };
  f("bearer_token: a, bearer_token_file: b",
    ".bearer_token: at most one of bearer_token & bearer_token_file must be configured");
  f("basic_auth: {username: a}, bearer_token: b",
    ".bearer_token: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be "
    "configured");
  f("basic_auth: {username: a, username_file: b}",
    ".basic_auth.username_file: at most one of basic_auth username, username_file & username_ref "
    "must be configured");
  f("basic_auth: {username: a}, authorization: {credentials: b}",
    ".authorization: at most one of basic_auth, oauth2 & authorization must be configured");
  f("authorization: {type: Basic}",
    R"(.authorization.type: authorization type cannot be set to "basic", use "basic_auth" instead)");
  f("tls_config: {cert_file: a}",
    ".tls_config: exactly one of key or key_file must be configured when a client certificate is "
    "configured");
  f("tls_config: {min_version: TLS9}", ".tls_config.min_version: unknown TLS version: TLS9");
  f("http_headers: {host: {values: [a]}}",
    R"(.http_headers.host: setting header "host" is not allowed)");
  f("http_headers: {x: {values: [\"a\\nb\"]}}", ".http_headers.x: not a valid header or value");
  f("no_proxy: a", ".no_proxy: if no_proxy is configured, proxy_url must also be configured");
  f("static_configs: [{targets: [\"http://a\"]}]",
    R"(.static_configs[0].targets[0]: "http://a" is not a valid hostname)");
  f("file_sd_configs: [{files: [a.txt]}]",
    R"(.file_sd_configs[0].files[0]: path name "a.txt" is not valid for file discovery)");
  f("file_sd_configs: [{files: [\"*/a.json\"]}]",
    R"(.file_sd_configs[0].files[0]: path name "*/a.json" is not valid for file discovery)");
  f("file_sd_configs: [{}]",
    ".file_sd_configs[0]: file service discovery config must contain at least one path name");
  f("scrape_protocols: []", ".scrape_protocols: scrape_protocols cannot be empty");
  f("metric_name_validation_scheme: legacy, metric_name_escaping_scheme: allow-utf-8",
    ".metric_name_escaping_scheme: utf8 metric names requested but validation scheme is not set "
    "to UTF8");
  f("relabel_configs: [{action: replace}]",
    ".relabel_configs[0]: relabel configuration for replace action requires 'target_label' value");
  f("relabel_configs: [{action: keep, regex: \"(\"}]",
    ".relabel_configs[0].regex: error parsing regexp: missing closing ): `(`");
  f("relabel_configs: [null]",
    ".relabel_configs[0]: empty or null target relabeling rule in scrape config");
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

BOOST_AUTO_TEST_CASE(text_that_is_no_yaml_says_where) {
  auto f = [](const std::string& text, int line) {
    const LoadReport report = LoadString(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(report.errors.size() == 1u);
      BOOST_TEST(report.errors[0].line == line);
      BOOST_TEST(!report.errors[0].message.empty());
    }
  };
  f("global: {", 1);
  f("a: b\n c: d\n", 2);
  f("global:\n  scrape_interval: \"15s\n", 2);
  f("- a\n", 1);
  f("text", 1);
  f(",0", 1);
  f("global: {}\n]\n", 2);
  f("a: &a [*a]", 1);
  f("global:\n  x: \xff\n", 2);
  f("rule_files: [!custom b]", 1);
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

BOOST_AUTO_TEST_CASE(documents_that_blow_up_are_refused) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j > 0 ? "," : "") + below + " ";
    bomb += "]\n";
  }
  const LoadReport report = LoadString(bomb);
  BOOST_REQUIRE(report.errors.size() == 1u);
  BOOST_TEST(report.errors[0].message == "aliases make the document too large");
  BOOST_TEST(
      Errors("a: " + std::string(70, '[') + std::string(70, ']')).ends_with("nested too deeply"));
  BOOST_TEST(Errors(std::string(100000, '[')) != "");
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

BOOST_AUTO_TEST_CASE(jobs_come_from_other_files_too) {
  const TempDir dir;
  dir.Write("b.yml", "scrape_configs:\n- job_name: b\n  bearer_token_file: token\n");
  dir.Write("c.yml", "scrape_configs:\n- job_name: c\n  scrape_interval: 3s\n");
  const std::string path = dir.Write("main.yml",
                                     "global: {scrape_interval: 7s}\n"
                                     "scrape_config_files: ['[bc].yml', none.yml]\n"
                                     "scrape_configs: [{job_name: a}]\n");
  const LoadReport report = LoadAll(PosixFs(), path);
  BOOST_TEST(FormatErrors(report.errors) == "");
  BOOST_REQUIRE(report.config);
  const std::vector<ScrapeConfig>& jobs = report.config->scrape_configs;
  BOOST_REQUIRE(jobs.size() == 3u);
  BOOST_TEST(jobs[0].file == "");
  BOOST_TEST(jobs[1].job_name == "b");
  BOOST_CHECK(jobs[1].scrape_interval == 7s);
  const std::string in_dir(DirName(path));
  BOOST_TEST(jobs[1].file == in_dir + "/b.yml");
  BOOST_TEST(jobs[1].http.authorization->credentials_file == in_dir + "/token");
  BOOST_CHECK(jobs[2].scrape_interval == 3s);
  BOOST_REQUIRE(report.notices.size() == 1u);
  BOOST_TEST(report.notices[0].key == "scrape_config_files[1]");
}

BOOST_AUTO_TEST_CASE(errors_in_other_files_name_them) {
  const TempDir dir;
  const std::string b =
      dir.Write("b.yml", "scrape_configs:\n- job_name: a\n- job_name: b\n  x: y\nglobal: {}\n");
  const std::string path = dir.Write("main.yml",
                                     "scrape_config_files: [b.yml, b.yml]\n"
                                     "scrape_configs: [{job_name: a}, {}]\n");
  BOOST_TEST(FormatErrors(LoadAll(PosixFs(), path).errors) ==
             path + ":2: scrape_configs[1]: job_name is empty\n" +  //
                 b +
                 ":2: scrape_configs[0].job_name: found multiple scrape configs with job name "
                 "\"a\", first found in main config file\n" +
                 b +
                 ":3: scrape_configs[1].job_name: found multiple scrape configs with job name "
                 "\"b\"\n" +
                 b + ":4: scrape_configs[1].x: unknown key\n" +  //
                 b + ":5: global: unknown key");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_says_why) {
  const Result<Config> config = Load(PosixFs(), "/nonexistent/leaf.yml");
  BOOST_REQUIRE(!config.ok());
  BOOST_TEST(config.status().message().find("/nonexistent/leaf.yml") != std::string::npos);
}

}  // namespace
}  // namespace canopy::config
