#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/self_metrics.h"
#include "canopy/discovery/discovery.h"

namespace canopy::discovery {

// The files that hold targets, as last read. Not thread-safe.
class TargetFiles {
 public:
  TargetFiles(Fs& fs, SelfMetrics& metrics);

  // Takes another look at the files that the patterns match: those whose time or size is another
  // than at the last look, those in `changed`, and all when `all` is true, are read again; a file
  // that cannot be read keeps what it had, one that is gone is forgotten.
  void Refresh(const std::set<std::string>& patterns, const std::set<std::string>& changed,
               bool all);

  // Appends the groups of the files that match, in the order of their names.
  void AppendGroups(const std::string& pattern, std::vector<TargetGroup>& to) const;

 private:
  struct File {
    int64_t modified_ms = -1;
    uint64_t size = 0;
    std::vector<TargetGroup> groups;
  };
  void RefreshFile(const std::string& path, bool read);
  Status ReadFile(const std::string& path, File& file);
  void Forget(const std::string& path);

  Fs& fs_;
  SelfMetrics& metrics_;
  Counter& read_errors_;
  SummaryMetric& scan_seconds_;
  std::map<std::string, File> files_;
  std::map<std::string, std::vector<std::string>> matches_;  // paths by pattern
};

}  // namespace canopy::discovery
