#include "canopy/config/check.h"

#include <utility>

#include "canopy/base/quote.h"
#include "canopy/config/target_file.h"
#include "config/yaml_tree.h"

namespace canopy::config {
namespace {

class Checker {
 public:
  explicit Checker(Fs& fs) : fs_(fs) {}

  void CheckHttp(const std::string& key, const net::HttpClientConfig& http) {
    if (http.authorization) {
      MustExist(key + ".authorization.credentials_file", http.authorization->credentials_file);
    }
    if (http.basic_auth) {
      MustExist(key + ".basic_auth.username_file", http.basic_auth->username_file);
      MustExist(key + ".basic_auth.password_file", http.basic_auth->password_file);
    }
    MustExist(key + ".tls_config.ca_file", http.tls.ca_file);
    MustExist(key + ".tls_config.cert_file", http.tls.cert_file);
    MustExist(key + ".tls_config.key_file", http.tls.key_file);
    for (const net::ExtraHeader& header : http.http_headers) {
      for (const std::string& file : header.files) {
        MustExist(key + ".http_headers." + header.name, file);
      }
    }
  }

  // `usual` are the labels that a target has before relabelling, besides its own.
  void CheckTargets(const std::string& key, const DiscoveryConfig& discovery,
                    const model::Labels& usual, const RelabelList& relabel) {
    CheckAddresses(key + ".static_configs", "", discovery.static_configs, usual, relabel);
    for (size_t i = 0; i < discovery.file_sd_configs.size(); ++i) {
      const std::string entry = IndexKey(key + ".file_sd_configs", i);
      for (const std::string& pattern : discovery.file_sd_configs[i].files) {
        const std::vector<std::string> files = Glob(pattern);
        if (files.empty()) {
          Notice(entry, "file " + base::Quoted(pattern) + " for file_sd does not exist");
        }
        for (const std::string& file : files) {
          const Result<std::vector<StaticConfig>> groups = ReadTargets(file);
          if (groups.ok()) {
            CheckAddresses(entry, file + ": ", *groups, usual, relabel);
          } else {
            Error(entry, groups.status().message());
          }
        }
      }
    }
  }

  void CheckRuleFiles(const std::vector<std::string>& patterns) {
    for (size_t i = 0; i < patterns.size(); ++i) {
      if (patterns[i].find_first_of("*?[") == std::string::npos) {
        MustExist(IndexKey("rule_files", i), patterns[i]);
      }
    }
  }

  FileCheck Take() { return std::move(check_); }

 private:
  void Error(const std::string& key, std::string message) {
    check_.errors.push_back({"", 0, key, std::move(message), false});
  }
  void Notice(const std::string& key, std::string message) {
    check_.notices.push_back({"", 0, key, std::move(message), false});
  }
  void MustExist(const std::string& key, const std::string& file) {
    if (!file.empty() && !fs_.Exists(file)) {
      Error(key, base::Quoted(file) + " does not point to an existing file");
    }
  }

  Result<std::vector<StaticConfig>> ReadTargets(const std::string& file) {
    CANOPY_ASSIGN_OR_RETURN(const std::string text, fs_.ReadFile(file));
    return ParseTargetFile(file, text);
  }

  // What relabelling leaves of a target's address must be a host and a port.
  void CheckAddresses(const std::string& key, const std::string& file,
                      const std::vector<StaticConfig>& groups, const model::Labels& usual,
                      const RelabelList& relabel) {
    for (const StaticConfig& group : groups) {
      for (const std::string& target : group.targets) {
        model::LabelsBuilder labels(usual);
        for (const model::LabelView label : group.labels) labels.Set(label.name, label.value);
        labels.Set("__address__", target);
        if (!relabel.rules.Apply(labels)) continue;
        const std::string address(labels.Get("__address__"));
        if (address.find('/') != std::string::npos) {
          Error(key, file + base::Quoted(address) + " is not a valid hostname");
        }
      }
    }
  }

  Fs& fs_;
  FileCheck check_;
};

model::Labels UsualLabels(const ScrapeConfig& job) {
  model::LabelsBuilder labels;
  labels.Set("job", job.job_name);
  labels.Set("__scheme__", job.scheme);
  labels.Set("__metrics_path__", job.metrics_path);
  labels.Set("__scrape_interval__", FormatDuration(job.scrape_interval));
  labels.Set("__scrape_timeout__", FormatDuration(job.scrape_timeout));
  for (const auto& [name, values] : job.params) {
    if (!values.empty()) labels.Set("__param_" + name, values[0]);
  }
  return labels.Build();
}

}  // namespace

FileCheck CheckFiles(Fs& fs, const Config& config) {
  Checker checker(fs);
  checker.CheckRuleFiles(config.rule_files);
  for (size_t i = 0; i < config.scrape_configs.size(); ++i) {
    const ScrapeConfig& job = config.scrape_configs[i];
    const std::string key = IndexKey("scrape_configs", i);
    checker.CheckHttp(key, job.http);
    checker.CheckTargets(key, job.discovery, UsualLabels(job), job.relabel_configs);
  }
  for (size_t i = 0; i < config.alerting.alertmanagers.size(); ++i) {
    const AlertmanagerConfig& alertmanager = config.alerting.alertmanagers[i];
    const std::string key = IndexKey("alerting.alertmanagers", i);
    checker.CheckHttp(key, alertmanager.http);
    checker.CheckTargets(key, alertmanager.discovery, {{"__scheme__", alertmanager.scheme}},
                         alertmanager.relabel_configs);
  }
  return checker.Take();
}

}  // namespace canopy::config
