#include "canopy/config/load.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <utility>

#include "canopy/base/log.h"
#include "canopy/base/quote.h"
#include "config/environment.h"
#include "config/patterns.h"
#include "config/sections.h"

namespace canopy::config {
namespace {

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

void ReadFilePatterns(const Value& from, std::string_view what, std::vector<std::string>& to) {
  for (const Value& item : from.Items()) {
    ReadPath(item, to.emplace_back());
    if (!IsFilePattern(item.node().text)) {
      item.Error("invalid " + std::string(what) + " path " + base::Quoted(item.node().text));
    }
  }
}

void ReadChunkEncoding(const Value& from, StorageConfig& to) {
  static const Fields<StorageConfig> kFields = {
      {"floats",
       [](const Value& floats, StorageConfig& config) {
         std::string text;
         Read(floats, text);
         if (text == "xor") {
           config.float_encoding = chunk::FloatEncoding::kXor;
         } else if (text == "xor2") {
           config.float_encoding = chunk::FloatEncoding::kXor2;
         } else if (!text.empty()) {
           floats.Error(
               "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must "
               "be omitted entirely, got " +
               base::Quoted(text));
         }
       }},
  };
  ReadMap(from, Bind(kFields, to));
}

void ReadRetentionPercentage(const Value& from, StorageConfig&) {
  double percentage = 0;
  Read(from, percentage);
  if (!(percentage >= 0 && percentage <= 100)) {
    from.Error("'storage.tsdb.retention.percentage' must be in the range [0, 100], got " +
               from.node().text);
  } else if (percentage > 0) {
    from.Unsupported();
  }
}

// 0 is the same as leaving it out.
void ReadRetention(const Value& from, StorageConfig& to) {
  static const Fields<StorageConfig> kFields = {
      {"time",
       [](const Value& time, StorageConfig& config) {
         Duration retention{0};
         Read(time, retention);
         if (retention > Duration(0)) config.retention_time = retention;
       }},
      {"size",
       [](const Value& size, StorageConfig& config) {
         uint64_t retention = 0;
         ReadSize(size, retention);
         if (retention > 0) config.retention_size = retention;
       }},
      {"percentage", ReadRetentionPercentage},
  };
  ReadMap(from, Bind(kFields, to));
}

void ReadTsdb(const Value& from, StorageConfig& to) {
  static const Fields<StorageConfig> kFields = {
      {"out_of_order_time_window", &StorageConfig::out_of_order_time_window},
      Unsupported<StorageConfig>("stale_series_compaction_threshold", {"0", "0.0"}),
      {"chunk_encoding", ReadChunkEncoding},
      {"retention", ReadRetention},
  };
  ReadMap(from, Bind(kFields, to));
}

void ReadExemplars(const Value& from, StorageConfig& to) {
  static const Fields<StorageConfig> kFields = {{"max_exemplars", &StorageConfig::max_exemplars}};
  ReadMap(from, Bind(kFields, to));
}

void ReadStorage(const Value& from, Config& to) {
  static const Fields<StorageConfig> kFields = {
      {"tsdb", ReadTsdb},
      {"exemplars", ReadExemplars},
  };
  ReadMap(from, Bind(kFields, to.storage));
}

void ReadRuntime(const Value& from, Config& to) {
  static const Fields<Config> kFields = {
      {"gogc",
       [](const Value& gogc, Config&) {
         int64_t percentage = 0;
         Read(gogc, percentage);
         gogc.Notice("has no meaning here: there is no garbage collector to tune");
       }},
  };
  ReadMap(from, Bind(kFields, to));
}

const Fields<Config>& TopFields() {
  // In the order of reading: jobs inherit from `global`.
  static const Fields<Config> kFields = {
      {"global", &Config::global, ReadGlobal},
      {"runtime", ReadRuntime},
      {"alerting",
       [](const Value& from, Config& to) {
         ReadAlerting(from, to.global.metric_name_validation_scheme, to.alerting);
       }},
      {"rule_files",
       [](const Value& from, Config& to) { ReadFilePatterns(from, "rule file", to.rule_files); }},
      {"scrape_config_files",
       [](const Value& from, Config& to) {
         ReadFilePatterns(from, "scrape config file", to.scrape_config_files);
       }},
      {"scrape_configs", [](const Value& from,
                            Config& to) { ReadScrapeConfigs(from, to.global, to.scrape_configs); }},
      {"storage", ReadStorage},
      {"tracing", [](const Value& from, Config&) { RefuseTracing(from); }},
      Unsupported<Config>("remote_write"),
      Unsupported<Config>("remote_read"),
      {"otlp", [](const Value& from, Config&) { RefuseOtlp(from); }},
  };
  return kFields;
}

// One load: the main file, then the files that it names.
class Loader {
 public:
  Loader(Fs& fs, const LoadOptions& options) : fs_(fs), options_(options) {}

  LoadReport Load(const std::string& text, const std::string& path) {
    LoadReport report;
    Config config;
    if (options_.prefer_protobuf) config.global.scrape_protocols = DefaultHistogramProtocols();
    config.global.extra_scrape_metrics = options_.extra_scrape_metrics;
    ReadFile(text, path, [&](const Value& root) {
      ReadMap(root, Bind(TopFields(), config));
      ExpandExternalLabels(root, config.global);
      RefuseSecondJobs(root, config.scrape_configs, "main config file");
      LoadScrapeConfigFiles(root, config);
      CheckFloatEncoding(root, config.storage);
    });
    report.errors = Ordered(std::move(findings_.errors));
    report.notices = Ordered(std::move(findings_.notices));
    if (report.errors.empty()) report.config = std::move(config);
    return report;
  }

 private:
  template <class ReadFn>
  void ReadFile(const std::string& text, const std::string& path, ReadFn read) {
    files_.emplace(path, files_.size());
    const YamlDocument document = ParseYaml(text, path);
    findings_.errors.insert(findings_.errors.end(), document.errors.begin(), document.errors.end());
    const Source source{path, std::string(DirName(path)), &findings_};
    const Value root(document.root, "", 1, source);
    if (document.documents > 1) root.Notice("only the first of several YAML documents is read");
    if (document.complete) read(root);
  }

  // In the order of the files and their lines; each once.
  std::vector<LoadError> Ordered(std::vector<LoadError> errors) const {
    std::stable_sort(errors.begin(), errors.end(), [&](const LoadError& a, const LoadError& b) {
      return std::pair(files_.at(a.file), a.line) < std::pair(files_.at(b.file), b.line);
    });
    errors.erase(std::unique(errors.begin(), errors.end()), errors.end());
    return errors;
  }

  void ExpandExternalLabels(const Value& root, GlobalConfig& global) {
    const auto& env = options_.env ? options_.env : ProcessEnvironment;
    model::LabelsBuilder builder;
    for (const model::LabelView label : global.external_labels) {
      const auto value_of = [&](const std::string& name) -> std::string {
        if (name == "$") return "$";
        const std::optional<std::string> value = env(name);
        if (value && !value->empty()) return *value;
        root.At("global")
            .At("external_labels")
            .At(label.name)
            .Notice("environment variable " + name + " is empty");
        return "";
      };
      builder.Set(label.name, ExpandEnvironment(label.value, value_of));
    }
    global.external_labels = builder.Build();
  }

  void CheckFloatEncoding(const Value& root, const StorageConfig& storage) const {
    if (!options_.start_times ||
        storage.float_encoding.value_or(options_.float_encoding) != chunk::FloatEncoding::kXor)
      return;
    root.At("storage")
        .At("tsdb")
        .At("chunk_encoding")
        .At("floats")
        .Error(
            "start timestamps are to be stored, for which XOR chunks have no place: "
            "'storage.tsdb.chunk_encoding.floats' must be 'xor2'");
  }

  // `jobs` are those of `root`'s file, in its order.
  void RefuseSecondJobs(const Value& root, const std::vector<ScrapeConfig>& jobs,
                        const std::string& where) {
    if (jobs.empty()) return;
    std::vector<Value> items = root.At("scrape_configs").Items();
    std::erase_if(items, [](const Value& item) { return item.is_null(); });
    for (size_t i = 0; i < jobs.size(); ++i) {
      const std::string& name = jobs[i].job_name;
      const auto [first, is_new] = job_files_.emplace(name, where);
      if (is_new || name.empty()) continue;
      std::string message = "found multiple scrape configs with job name " + base::Quoted(name);
      if (first->second != where) message += ", first found in " + first->second;
      items[i].At("job_name").Error(std::move(message));
    }
  }

  void LoadScrapeConfigFiles(const Value& root, Config& config) {
    const Fields<Config> fields = {
        {"scrape_configs",
         [](const Value& from, Config& to) {
           ReadScrapeConfigs(from, to.global, to.scrape_configs);
         }},
    };
    for (size_t i = 0; i < config.scrape_config_files.size(); ++i) {
      const std::vector<std::string> files = Glob(config.scrape_config_files[i]);
      if (files.empty()) root.At("scrape_config_files").Items()[i].Notice("no such file");
      for (const std::string& file : files) {
        const Result<std::string> text = fs_.ReadFile(file);
        if (!text.ok()) {
          files_.emplace(file, files_.size());
          findings_.errors.push_back({file, 0, "", text.status().message(), false});
          continue;
        }
        Config part;
        part.global = config.global;
        ReadFile(*text, file, [&](const Value& from) {
          ReadMap(from, Bind(fields, part));
          RefuseSecondJobs(from, part.scrape_configs, base::Quoted(file));
        });
        for (ScrapeConfig& job : part.scrape_configs) {
          job.file = file;
          config.scrape_configs.push_back(std::move(job));
        }
      }
    }
  }

  Fs& fs_;
  const LoadOptions& options_;
  Findings findings_;
  std::map<std::string, size_t> files_;           // in the order of reading
  std::map<std::string, std::string> job_files_;  // by job name: where it was found first
};

}  // namespace

LoadReport LoadText(Fs& fs, const std::string& text, const std::string& path,
                    const LoadOptions& options) {
  return Loader(fs, options).Load(text, path);
}

LoadReport LoadAll(Fs& fs, const std::string& path, const LoadOptions& options) {
  const Result<std::string> text = fs.ReadFile(path);
  if (text.ok()) return LoadText(fs, *text, path, options);
  LoadReport report;
  report.errors.push_back({"", 0, "", text.status().message(), false});
  return report;
}

Result<Config> Load(Fs& fs, const std::string& path, const LoadOptions& options) {
  LoadReport report = LoadAll(fs, path, options);
  for (const LoadError& notice : report.notices) {
    LOG_WARN("Configuration", {"notice", notice.ToString()});
  }
  if (!report.errors.empty()) return ToStatus(report.errors);
  return std::move(*report.config);
}

}  // namespace canopy::config
