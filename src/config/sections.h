#pragma once

#include <string>
#include <vector>

#include "canopy/config/config.h"
#include "config/fields.h"

// The parts of a configuration that occur in several places, each read by a file of its own.

namespace canopy::config {

// --- http.cc: how to reach a peer, inline in jobs and Alertmanagers ---

struct HttpKeys {
  net::HttpClientConfig config;
  // The older way to write `authorization`.
  std::string bearer_token;
  std::string bearer_token_file;
};
const Fields<HttpKeys>& HttpFields();
// Checks what belongs together, and merges the older keys. `map` is where the keys stand.
net::HttpClientConfig FinishHttp(const Value& map, HttpKeys keys);

// --- discovery.cc: where targets come from ---

const Fields<DiscoveryConfig>& DiscoveryFields();
// One static config, or one entry of a file that file_sd_configs names.
void ReadStaticConfig(const Value& from, StaticConfig& to);
// Finds URLs where a host and port belong: what static targets are unless relabelled.
void CheckStaticTargets(const Value& map, const DiscoveryConfig& discovery);

// --- relabel.cc ---

// Reads the list under `key` of `map`, if it is there, and compiles it. `of` says whose rules they
// are in "empty or null target relabeling rule in scrape config".
void ReadRelabelList(const Value& map, std::string_view key, std::string_view of,
                     NameValidation names, RelabelList& to);

// --- scrape.cc ---

// What `to` has of scrape_protocols is their default.
void ReadGlobal(const Value& from, GlobalConfig& to);
// Reads a list of jobs; what a job leaves open it inherits from `global`.
void ReadScrapeConfigs(const Value& from, const GlobalConfig& global,
                       std::vector<ScrapeConfig>& to);

// --- alerting.cc ---

void ReadAlerting(const Value& from, NameValidation names, AlertingConfig& to);

// --- labels.cc ---

// A map of label names and values; what is not valid is reported, empty values are dropped.
void ReadLabels(const Value& from, NameValidation names, model::Labels& to);

// --- unsupported.cc: sections of Prometheus that are not supported here ---

void RefuseOtlp(const Value& from);
void RefuseTracing(const Value& from);

}  // namespace canopy::config
