#include "discovery/target_files.h"

#include <chrono>
#include <utility>

#include "canopy/base/log.h"
#include "canopy/config/target_file.h"

namespace canopy::discovery {
namespace {

constexpr std::string_view kMtimeMetric = "prometheus_sd_file_mtime_seconds";

std::vector<TargetGroup> ToGroups(const std::string& path,
                                  const std::vector<config::StaticConfig>& configs) {
  std::vector<TargetGroup> out;
  for (size_t i = 0; i < configs.size(); ++i) {
    TargetGroup group;
    group.source = path + ":" + std::to_string(i);
    for (const std::string& target : configs[i].targets) {
      group.targets.push_back({{"__address__", target}});
    }
    model::LabelsBuilder labels(configs[i].labels);
    labels.Set("__meta_filepath", path);
    group.labels = labels.Build();
    if (!group.targets.empty()) out.push_back(std::move(group));
  }
  return out;
}

}  // namespace

TargetFiles::TargetFiles(Fs& fs, SelfMetrics& metrics)
    : fs_(fs),
      metrics_(metrics),
      read_errors_(metrics.AddCounter("prometheus_sd_file_read_errors_total",
                                      "The number of File-SD read errors.")),
      scan_seconds_(metrics.AddSummary("prometheus_sd_file_scan_duration_seconds",
                                       "The duration of the File-SD scan in seconds.")) {}

void TargetFiles::Refresh(const std::set<std::string>& patterns,
                          const std::set<std::string>& changed, bool all) {
  const auto start = std::chrono::steady_clock::now();
  matches_.clear();
  std::set<std::string> found;
  for (const std::string& pattern : patterns) {
    std::vector<std::string>& paths = matches_[pattern] = Glob(pattern);
    found.insert(paths.begin(), paths.end());
  }
  for (const std::string& path : found) RefreshFile(path, all || changed.contains(path));
  for (auto it = files_.begin(); it != files_.end();) {
    if (found.contains(it->first)) {
      ++it;
      continue;
    }
    Forget(it->first);
    it = files_.erase(it);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  scan_seconds_.Observe(took.count());
}

void TargetFiles::RefreshFile(const std::string& path, bool read) {
  File& file = files_[path];
  // The time is taken before the text: what is written in between is read at the next look.
  const int64_t modified_ms = fs_.ModifiedMs(path).ok() ? *fs_.ModifiedMs(path) : -1;
  const uint64_t size = fs_.Size(path).ok() ? *fs_.Size(path) : 0;
  if (!read && modified_ms == file.modified_ms && size == file.size && modified_ms >= 0) return;
  file.modified_ms = modified_ms;
  file.size = size;
  const Status status = ReadFile(path, file);
  if (status.ok()) {
    metrics_
        .AddGauge(kMtimeMetric, "Timestamp (mtime) of files read by FileSD.", {{"filename", path}})
        .Set(static_cast<double>(modified_ms / 1000));
    return;
  }
  read_errors_.Add();
  LOG_ERROR("Error reading file of targets; its last targets stay", {"path", path},
            {"err", status.message()});
}

Status TargetFiles::ReadFile(const std::string& path, File& file) {
  CANOPY_ASSIGN_OR_RETURN(const std::string text, fs_.ReadFile(path));
  CANOPY_ASSIGN_OR_RETURN(const auto configs, config::ParseTargetFile(path, text));
  file.groups = ToGroups(path, configs);
  return {};
}

void TargetFiles::Forget(const std::string& path) {
  metrics_.Remove(kMtimeMetric, {{"filename", path}});
}

void TargetFiles::AppendGroups(const std::string& pattern, std::vector<TargetGroup>& to) const {
  const auto paths = matches_.find(pattern);
  if (paths == matches_.end()) return;
  for (const std::string& path : paths->second) {
    const std::vector<TargetGroup>& groups = files_.at(path).groups;
    to.insert(to.end(), groups.begin(), groups.end());
  }
}

}  // namespace canopy::discovery
