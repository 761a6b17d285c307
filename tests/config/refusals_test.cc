// What is refused, and how that is said.

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "tests/config/load_string.h"

namespace canopy::config {
namespace {

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

}  // namespace
}  // namespace canopy::config
