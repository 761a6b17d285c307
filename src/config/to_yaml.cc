#include <string_view>
#include <utility>

#include "canopy/base/number.h"
#include "canopy/base/size.h"
#include "canopy/config/config.h"
#include "config/names.h"
#include "config/yaml_print.h"

namespace canopy::config {
namespace {

YamlNode Plain(std::string text) {
  YamlNode out;
  out.kind = YamlNode::Kind::kScalar;
  out.text = std::move(text);
  return out;
}

YamlNode Node(std::string_view text) {
  YamlNode out = Plain(std::string(text));
  out.plain = false;
  return out;
}
YamlNode Node(const std::string& text) { return Node(std::string_view(text)); }
YamlNode Node(bool value) { return Plain(value ? "true" : "false"); }
YamlNode Node(uint64_t value) { return Plain(std::to_string(value)); }
YamlNode Node(int64_t value) { return Plain(std::to_string(value)); }
YamlNode Node(double value) {
  std::string text;
  base::AppendFloatPlain(text, value);
  return Plain(std::move(text));
}
YamlNode Node(Duration value) { return Plain(FormatDuration(value)); }

template <class T, class ToNode>
YamlNode List(const std::vector<T>& from, ToNode to_node) {
  YamlNode out;
  out.kind = YamlNode::Kind::kList;
  for (const T& item : from) out.items.push_back(to_node(item));
  return out;
}
YamlNode Node(const std::vector<std::string>& texts) {
  return List(texts, [](const std::string& text) { return Node(text); });
}

// A map that is put together key by key.
class Map {
 public:
  Map() { node_.kind = YamlNode::Kind::kMap; }

  template <class T>
  Map& Put(std::string_view key, const T& value) {
    return PutNode(key, Node(value));
  }
  Map& PutNode(std::string_view key, YamlNode value) {
    node_.entries.push_back({std::string(key), 0, std::move(value)});
    return *this;
  }
  // Nothing is written for what equals `usual`.
  template <class T>
  Map& PutUnless(std::string_view key, const T& value, const T& usual = {}) {
    return value == usual ? *this : Put(key, value);
  }
  Map& PutIfAny(std::string_view key, YamlNode value) {
    const bool empty = value.items.empty() && value.entries.empty();
    return empty ? *this : PutNode(key, std::move(value));
  }
  Map& PutSecret(std::string_view key, const std::string& secret) {
    return secret.empty() ? *this : Put(key, std::string("<secret>"));
  }
  // The keys of another map after our own.
  Map& Append(YamlNode other) {
    for (YamlEntry& entry : other.entries) node_.entries.push_back(std::move(entry));
    return *this;
  }
  YamlNode Take() { return std::move(node_); }

 private:
  YamlNode node_;
};

YamlNode LabelsNode(const model::Labels& labels) {
  Map out;
  for (const model::LabelView label : labels) out.Put(label.name, std::string(label.value));
  return out.Take();
}

YamlNode ProtocolsNode(const std::vector<Protocol>& protocols) {
  return List(protocols, [](Protocol protocol) { return Node(ProtocolText(protocol)); });
}

Map LimitsMap(const ScrapeLimits& limits) {
  Map out;
  if (limits.body_size != 0) out.Put("body_size_limit", base::FormatSize(limits.body_size));
  out.PutUnless("sample_limit", limits.samples)
      .PutUnless("target_limit", limits.targets)
      .PutUnless("label_limit", limits.labels)
      .PutUnless("label_name_length_limit", limits.label_name_length)
      .PutUnless("label_value_length_limit", limits.label_value_length)
      .PutUnless("keep_dropped_targets", limits.keep_dropped_targets);
  return out;
}

YamlNode GlobalNode(const GlobalConfig& c) {
  Map out;
  out.Put("scrape_interval", c.scrape_interval).Put("scrape_timeout", c.scrape_timeout);
  if (!c.scrape_protocols.empty()) {
    out.PutNode("scrape_protocols", ProtocolsNode(c.scrape_protocols));
  }
  out.Put("evaluation_interval", c.evaluation_interval)
      .PutUnless("rule_query_offset", c.rule_query_offset)
      .PutUnless("query_log_file", c.query_log_file)
      .PutUnless("scrape_failure_log_file", c.scrape_failure_log_file)
      .PutIfAny("external_labels", LabelsNode(c.external_labels))
      .Append(LimitsMap(c.limits).Take())
      .Put("metric_name_validation_scheme", NameValidationText(c.metric_name_validation_scheme))
      .Put("metric_name_escaping_scheme", exposition::EscapingText(c.metric_name_escaping_scheme))
      .Put("scrape_native_histograms", c.histograms.native)
      .PutUnless("convert_classic_histograms_to_nhcb", c.histograms.convert_classic)
      .PutUnless("always_scrape_classic_histograms", c.histograms.classic_as_well)
      .Put("extra_scrape_metrics", c.extra_scrape_metrics);
  return out.Take();
}

YamlNode RelabelNode(const RelabelList& list) {
  return List(list.configs, [](const model::RelabelConfig& c) {
    const model::RelabelConfig defaults;
    Map out;
    return out.PutIfAny("source_labels", Node(c.source_labels))
        .Put("separator", c.separator)
        .PutUnless("regex", c.regex, defaults.regex)
        .PutUnless("modulus", c.modulus)
        .PutUnless("target_label", c.target_label)
        .Put("replacement", c.replacement)
        .Put("action", model::RelabelActionText(c.action))
        .Take();
  });
}

YamlNode TlsNode(const net::TlsConfig& c) {
  constexpr std::string_view kVersions[] = {"", "TLS10", "TLS11", "TLS12", "TLS13"};
  Map out;
  return out.PutUnless("ca", c.ca)
      .PutUnless("cert", c.cert)
      .PutSecret("key", c.key)
      .PutUnless("ca_file", c.ca_file)
      .PutUnless("cert_file", c.cert_file)
      .PutUnless("key_file", c.key_file)
      .PutUnless("server_name", c.server_name)
      .Put("insecure_skip_verify", c.insecure_skip_verify)
      .PutUnless("min_version", kVersions[static_cast<size_t>(c.min_version)])
      .PutUnless("max_version", kVersions[static_cast<size_t>(c.max_version)])
      .Take();
}

// "http://user:secret@host" without the secret.
std::string RedactedUrl(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t user = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t at = url.find('@', user);
  const size_t colon = url.find(':', user);
  if (at == std::string::npos || colon > at) return url;
  return url.substr(0, colon + 1) + "xxxxx" + url.substr(at);
}

YamlNode HeadersNode(const std::vector<net::ExtraHeader>& headers) {
  Map out;
  for (const net::ExtraHeader& header : headers) {
    Map values;
    values.PutIfAny("values", Node(header.values))
        .PutIfAny("secrets", Node(std::vector<std::string>(header.secrets.size(), "<secret>")))
        .PutIfAny("files", Node(header.files));
    out.PutNode(header.name, values.Take());
  }
  return out.Take();
}

YamlNode ConnectHeadersNode(const net::Headers& headers) {
  std::map<std::string, std::vector<std::string>> masked;
  for (const auto& [name, value] : headers) masked[name].emplace_back("<secret>");
  Map out;
  for (const auto& [name, values] : masked) out.Put(name, values);
  return out.Take();
}

YamlNode HttpNode(const net::HttpClientConfig& c) {
  Map out;
  if (c.basic_auth) {
    Map auth;
    auth.PutUnless("username", c.basic_auth->username)
        .PutUnless("username_file", c.basic_auth->username_file)
        .PutSecret("password", c.basic_auth->password)
        .PutUnless("password_file", c.basic_auth->password_file);
    out.PutNode("basic_auth", auth.Take());
  }
  if (c.authorization) {
    Map auth;
    auth.Put("type", c.authorization->type)
        .PutSecret("credentials", c.authorization->credentials)
        .PutUnless("credentials_file", c.authorization->credentials_file);
    out.PutNode("authorization", auth.Take());
  }
  if (c.tls != net::TlsConfig()) out.PutNode("tls_config", TlsNode(c.tls));
  out.Put("follow_redirects", c.follow_redirects)
      .Put("enable_http2", c.enable_http2)
      .PutUnless("proxy_url", RedactedUrl(c.proxy_url))
      .PutUnless("no_proxy", c.no_proxy)
      .PutUnless("proxy_from_environment", c.proxy_from_environment)
      .PutIfAny("proxy_connect_header", ConnectHeadersNode(c.proxy_connect_headers))
      .PutIfAny("http_headers", HeadersNode(c.http_headers));
  return out.Take();
}

YamlNode DiscoveryNode(const DiscoveryConfig& c) {
  Map out;
  out.PutIfAny("file_sd_configs", List(c.file_sd_configs, [](const FileSdConfig& config) {
                 return Map()
                     .Put("files", config.files)
                     .Put("refresh_interval", config.refresh_interval)
                     .Take();
               }));
  out.PutIfAny("static_configs", List(c.static_configs, [](const StaticConfig& config) {
                 return Map()
                     .Put("targets", config.targets)
                     .PutIfAny("labels", LabelsNode(config.labels))
                     .Take();
               }));
  return out.Take();
}

YamlNode ParamsNode(const std::map<std::string, std::vector<std::string>>& params) {
  Map out;
  for (const auto& [name, values] : params) out.Put(name, values);
  return out.Take();
}

YamlNode JobNode(const ScrapeConfig& c) {
  Map out;
  out.Put("job_name", c.job_name)
      .PutUnless("honor_labels", c.honor_labels)
      .Put("honor_timestamps", c.honor_timestamps)
      .Put("track_timestamps_staleness", c.track_timestamps_staleness)
      .PutIfAny("params", ParamsNode(c.params))
      .Put("scrape_interval", c.scrape_interval)
      .Put("scrape_timeout", c.scrape_timeout)
      .PutNode("scrape_protocols", ProtocolsNode(c.scrape_protocols));
  if (c.fallback_scrape_protocol) {
    out.Put("fallback_scrape_protocol", ProtocolText(*c.fallback_scrape_protocol));
  }
  out.Put("scrape_native_histograms", c.histograms.native)
      .Put("always_scrape_classic_histograms", c.histograms.classic_as_well)
      .Put("convert_classic_histograms_to_nhcb", c.histograms.convert_classic)
      .PutUnless("scrape_failure_log_file", c.scrape_failure_log_file)
      .Put("metrics_path", c.metrics_path)
      .Put("scheme", c.scheme)
      .Put("enable_compression", c.enable_compression)
      .Append(LimitsMap(c.limits).Take())
      .PutUnless("native_histogram_bucket_limit", c.native_histogram_bucket_limit)
      .PutUnless("native_histogram_min_bucket_factor", c.native_histogram_min_bucket_factor)
      .Put("metric_name_validation_scheme", NameValidationText(c.metric_name_validation_scheme))
      .Put("metric_name_escaping_scheme", exposition::EscapingText(c.metric_name_escaping_scheme))
      .Put("extra_scrape_metrics", c.extra_scrape_metrics)
      .Append(HttpNode(c.http))
      .PutIfAny("relabel_configs", RelabelNode(c.relabel_configs))
      .PutIfAny("metric_relabel_configs", RelabelNode(c.metric_relabel_configs))
      .Append(DiscoveryNode(c.discovery));
  return out.Take();
}

YamlNode AlertmanagerNode(const AlertmanagerConfig& c) {
  Map out;
  return out.Append(HttpNode(c.http))
      .Put("scheme", c.scheme)
      .PutUnless("path_prefix", c.path_prefix)
      .Put("timeout", c.timeout)
      .Put("api_version", std::string("v2"))
      .PutIfAny("relabel_configs", RelabelNode(c.relabel_configs))
      .PutIfAny("alert_relabel_configs", RelabelNode(c.alert_relabel_configs))
      .Append(DiscoveryNode(c.discovery))
      .Take();
}

YamlNode StorageNode(const StorageConfig& c) {
  Map retention;
  if (c.retention_time) retention.Put("time", *c.retention_time);
  if (c.retention_size) retention.Put("size", base::FormatSize(*c.retention_size));
  Map tsdb;
  Map chunks;
  if (c.float_encoding) {
    const bool xor2 = *c.float_encoding == chunk::FloatEncoding::kXor2;
    chunks.Put("floats", std::string(xor2 ? "xor2" : "xor"));
  }
  tsdb.PutUnless("out_of_order_time_window", c.out_of_order_time_window)
      .PutIfAny("chunk_encoding", chunks.Take())
      .PutIfAny("retention", retention.Take());
  Map exemplars;
  exemplars.PutUnless("max_exemplars", c.max_exemplars, StorageConfig().max_exemplars);
  Map out;
  return out.PutIfAny("tsdb", tsdb.Take()).PutIfAny("exemplars", exemplars.Take()).Take();
}

}  // namespace

std::string ToYaml(const Config& config) {
  std::vector<ScrapeConfig> jobs;
  for (const ScrapeConfig& job : config.scrape_configs) {
    if (job.file.empty()) jobs.push_back(job);
  }
  Map alerting;
  alerting.PutIfAny("alert_relabel_configs", RelabelNode(config.alerting.alert_relabel_configs))
      .PutIfAny("alertmanagers", List(config.alerting.alertmanagers, AlertmanagerNode));
  Map out;
  out.PutNode("global", GlobalNode(config.global))
      .PutIfAny("alerting", alerting.Take())
      .PutIfAny("rule_files", Node(config.rule_files))
      .PutIfAny("scrape_config_files", Node(config.scrape_config_files))
      .PutIfAny("scrape_configs", List(jobs, JobNode))
      .PutIfAny("storage", StorageNode(config.storage));
  return PrintYaml(out.Take());
}

}  // namespace canopy::config
