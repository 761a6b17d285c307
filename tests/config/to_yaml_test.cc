#include <boost/test/unit_test.hpp>
#include <random>

#include "canopy/config/config.h"
#include "canopy/config/load.h"
#include "config/yaml_print.h"

namespace canopy::config {
namespace {

Config Load(const std::string& text) {
  LoadReport report = LoadText(PosixFs(), text, "/etc/leaf.yml");
  BOOST_TEST(FormatErrors(report.errors) == "");
  return report.config.value_or(Config());
}

BOOST_AUTO_TEST_CASE(the_configuration_is_shown_as_it_is_in_force) {
  BOOST_TEST(ToYaml(Load("")) == R"(global:
  scrape_interval: 1m
  scrape_timeout: 10s
  evaluation_interval: 1m
  metric_name_validation_scheme: utf8
  metric_name_escaping_scheme: allow-utf-8
  scrape_native_histograms: false
  extra_scrape_metrics: false
)");
  BOOST_TEST(ToYaml(Load(R"(
global: {scrape_interval: 15s, external_labels: {zone: a, n: "5"}, convert_classic_histograms_to_nhcb: true}
rule_files: [rules/*.yml]
scrape_configs:
  - job_name: node
    static_configs: [{targets: [localhost:9100], labels: {rack: "1 a"}}]
    relabel_configs: [{source_labels: [__address__], target_label: host}]
    basic_auth: {username: me, password: hunter2}
    http_headers: {X-Key: {secrets: [k1, k2]}}
    proxy_url: http://me:hunter2@proxy:3128
alerting:
  alertmanagers:
    - authorization: {credentials: hunter2}
      static_configs: [{targets: [am:9093]}]
storage: {tsdb: {retention: {time: 30d, size: 1GB}}}
)")) == R"(global:
  scrape_interval: 15s
  scrape_timeout: 10s
  evaluation_interval: 1m
  external_labels:
    "n": "5"
    zone: a
  metric_name_validation_scheme: utf8
  metric_name_escaping_scheme: allow-utf-8
  scrape_native_histograms: false
  convert_classic_histograms_to_nhcb: true
  extra_scrape_metrics: false
alerting:
  alertmanagers:
  - authorization:
      type: Bearer
      credentials: <secret>
    follow_redirects: true
    enable_http2: true
    scheme: http
    timeout: 10s
    api_version: v2
    static_configs:
    - targets:
      - am:9093
rule_files:
- /etc/rules/*.yml
scrape_configs:
- job_name: node
  honor_timestamps: true
  track_timestamps_staleness: false
  scrape_interval: 15s
  scrape_timeout: 10s
  scrape_protocols:
  - OpenMetricsText1.0.0
  - OpenMetricsText0.0.1
  - PrometheusText1.0.0
  - PrometheusText0.0.4
  scrape_native_histograms: false
  always_scrape_classic_histograms: false
  convert_classic_histograms_to_nhcb: true
  metrics_path: /metrics
  scheme: http
  enable_compression: true
  metric_name_validation_scheme: utf8
  metric_name_escaping_scheme: allow-utf-8
  extra_scrape_metrics: false
  basic_auth:
    username: me
    password: <secret>
  follow_redirects: true
  enable_http2: true
  proxy_url: http://me:xxxxx@proxy:3128
  http_headers:
    X-Key:
      secrets:
      - <secret>
      - <secret>
  relabel_configs:
  - source_labels:
    - __address__
    separator: ";"
    target_label: host
    replacement: $1
    action: replace
  static_configs:
  - targets:
    - localhost:9100
    labels:
      rack: 1 a
storage:
  tsdb:
    retention:
      time: 30d
      size: 1GiB
)");
}

BOOST_AUTO_TEST_CASE(what_is_shown_loads_as_the_same) {
  const Config config = Load(R"(
global:
  scrape_interval: 15s
  scrape_timeout: 14s
  scrape_protocols: [PrometheusText0.0.4]
  evaluation_interval: 1h30m
  rule_query_offset: 500ms
  external_labels: {a: "multi\nline", b: "tab\t\"quoted\" \\", c: "true", d: "ü: #x", e: "- dash"}
  body_size_limit: 10MB
  sample_limit: 7
  keep_dropped_targets: 3
  metric_name_validation_scheme: legacy
  extra_scrape_metrics: true
alerting:
  alert_relabel_configs: [{regex: "a|b", action: labeldrop}]
  alertmanagers: [{path_prefix: /x, timeout: 3s, file_sd_configs: [{files: [am.json]}]}]
scrape_configs:
  - job_name: "a: b"
    honor_labels: true
    honor_timestamps: false
    params: {"match[]": ["{a=\"b\"}", "#x", ""]}
    fallback_scrape_protocol: OpenMetricsText1.0.0
    metric_name_validation_scheme: utf8
    enable_compression: false
    authorization: {credentials_file: token}
    tls_config: {ca: "-----BEGIN-----\nabc\n", insecure_skip_verify: true, max_version: TLS13}
    follow_redirects: false
    relabel_configs:
      - {source_labels: [a, "b c"], separator: "", regex: "^(.+):$", target_label: "x y",
         replacement: "${1} - $2", modulus: 3}
      - {action: hashmod, modulus: 8, target_label: h, source_labels: [a]}
    metric_relabel_configs: [{regex: "", target_label: t, replacement: ""}]
    file_sd_configs: [{files: ["*.yml"], refresh_interval: 30s}]
    static_configs: [{targets: [], labels: {"ключ": "значение"}}, {targets: ["[::1]:80"]}]
storage:
  tsdb: {chunk_encoding: {floats: xor2}, retention: {time: 1y}}
  exemplars: {max_exemplars: 0}
)");
  const std::string text = ToYaml(config);
  BOOST_TEST_CONTEXT(text) {
    BOOST_CHECK(Load(text) == config);
    BOOST_TEST(ToYaml(Load(text)) == text);
  }
}

YamlNode RandomTree(std::mt19937& rng, int depth) {
  static const std::vector<std::string> kPieces = {
      "a", "B",    "0",    "-", ":", " ", "#",  "'",      "\"",     "\\",   "\n",     "\t", "{",
      "}", "[",    "]",    ",", "&", "*", "!",  "|",      ">",      "%",    "@",      "`",  "ü",
      "~", "null", "true", ".", "=", "?", "<<", "\u00a0", "\u2028", "\x01", "\ufeff", "5"};
  const auto text = [&] {
    std::string out;
    for (size_t n = rng() % 5; n > 0; --n) out += kPieces[rng() % kPieces.size()];
    return out;
  };
  YamlNode node;
  switch (depth > 0 ? rng() % 4 : rng() % 2) {
    case 2:
      node.kind = YamlNode::Kind::kList;
      for (size_t n = rng() % 4; n > 0; --n) node.items.push_back(RandomTree(rng, depth - 1));
      break;
    case 3:
      node.kind = YamlNode::Kind::kMap;
      for (size_t n = rng() % 4; n > 0; --n) {
        node.entries.push_back({std::to_string(n) + text(), 0, RandomTree(rng, depth - 1)});
      }
      break;
    default:
      node.kind = YamlNode::Kind::kScalar;
      node.plain = false;
      node.text = text();
  }
  return node;
}

bool SameTree(const YamlNode& a, const YamlNode& b) {
  return a.kind == b.kind && a.text == b.text &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), SameTree) &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
                    [](const YamlEntry& x, const YamlEntry& y) {
                      return x.key == y.key && SameTree(x.value, y.value);
                    });
}

BOOST_AUTO_TEST_CASE(printed_yaml_reads_back_as_the_same_tree) {
  const unsigned seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 rng(seed);
  for (int i = 0; i < 2000; ++i) {
    const YamlNode tree = RandomTree(rng, 3);
    const std::string text = PrintYaml(tree);
    const YamlDocument back = ParseYaml(text, "t.yml");
    BOOST_TEST_CONTEXT("seed " << seed << " text:\n" << text) {
      BOOST_REQUIRE_EQUAL(FormatErrors(back.errors), "");
      BOOST_REQUIRE(SameTree(back.root, tree));
    }
  }
}

}  // namespace
}  // namespace canopy::config
