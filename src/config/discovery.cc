#include <array>

#include "canopy/base/quote.h"
#include "config/patterns.h"
#include "config/sections.h"

namespace canopy::config {
namespace {

// What Prometheus discovers besides; each is a key "<name>_sd_configs".
constexpr std::array<std::string_view, 35> kOtherDiscoveries = {
    "aws_sd_configs",          "azure_sd_configs",    "consul_sd_configs",
    "digitalocean_sd_configs", "dns_sd_configs",      "docker_sd_configs",
    "dockerswarm_sd_configs",  "ec2_sd_configs",      "ecs_sd_configs",
    "elasticache_sd_configs",  "eureka_sd_configs",   "gce_sd_configs",
    "hetzner_sd_configs",      "http_sd_configs",     "ionos_sd_configs",
    "kubernetes_sd_configs",   "kuma_sd_configs",     "lightsail_sd_configs",
    "linode_sd_configs",       "marathon_sd_configs", "msk_sd_configs",
    "nerve_sd_configs",        "nomad_sd_configs",    "oci_sd_configs",
    "openstack_sd_configs",    "outscale_sd_configs", "ovhcloud_sd_configs",
    "puppetdb_sd_configs",     "rds_sd_configs",      "scaleway_sd_configs",
    "serverset_sd_configs",    "stackit_sd_configs",  "triton_sd_configs",
    "uyuni_sd_configs",        "vultr_sd_configs",
};

void ReadGroupLabels(const Value& from, StaticConfig& to) {
  ReadLabels(from, NameValidation::kUtf8, to.labels);
}

void ReadStaticConfigs(const Value& from, std::vector<StaticConfig>& to) {
  for (const Value& item : from.Items()) {
    if (item.is_null()) {
      item.Error("empty or null section in static_configs");
    } else {
      ReadStaticConfig(item, to.emplace_back());
    }
  }
}

void ReadFileSdConfigs(const Value& from, std::vector<FileSdConfig>& to) {
  static const Fields<FileSdConfig> kFields = {
      {"files", &FileSdConfig::files, ReadPaths},
      {"refresh_interval", &FileSdConfig::refresh_interval},
  };
  for (const Value& item : from.Items()) {
    FileSdConfig& config = to.emplace_back();
    ReadMap(item, Bind(kFields, config));
    if (config.files.empty()) {
      item.Error("file service discovery config must contain at least one path name");
    }
    if (config.refresh_interval <= Duration(0)) {
      item.At("refresh_interval").Error("must be greater than 0");
    }
    if (!item.Has("files")) continue;
    const std::vector<Value> names = item.At("files").Items();
    for (size_t i = 0; i < names.size() && i < config.files.size(); ++i) {
      if (!IsTargetFilePattern(names[i].node().text)) {
        names[i].Error("path name " + base::Quoted(names[i].node().text) +
                       " is not valid for file discovery");
      }
    }
  }
}

}  // namespace

void ReadStaticConfig(const Value& from, StaticConfig& to) {
  static const Fields<StaticConfig> kFields = {
      {"targets", &StaticConfig::targets},
      {"labels", ReadGroupLabels},
  };
  ReadMap(from, Bind(kFields, to));
}

const Fields<DiscoveryConfig>& DiscoveryFields() {
  static const Fields<DiscoveryConfig> kFields = [] {
    Fields<DiscoveryConfig> fields = {
        {"static_configs", &DiscoveryConfig::static_configs, ReadStaticConfigs},
        {"file_sd_configs", &DiscoveryConfig::file_sd_configs, ReadFileSdConfigs},
    };
    for (const std::string_view key : kOtherDiscoveries) {
      fields.push_back(Unsupported<DiscoveryConfig>(key));
    }
    return fields;
  }();
  return kFields;
}

void CheckStaticTargets(const Value& map, const DiscoveryConfig& discovery) {
  if (discovery.static_configs.empty()) return;
  for (const Value& group : map.At("static_configs").Items()) {
    if (!group.Has("targets")) continue;
    for (const Value& target : group.At("targets").Items()) {
      if (target.node().text.find('/') != std::string::npos) {
        target.Error(base::Quoted(target.node().text) + " is not a valid hostname");
      }
    }
  }
}

}  // namespace canopy::config
