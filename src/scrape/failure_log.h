#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "canopy/base/fs.h"
#include "canopy/base/mutex.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"

namespace canopy::scrape {

// scrape_failure_log_file: one JSON line per failed scrape, with Prometheus's keys. Thread-safe.
class FailureLog {
 public:
  FailureLog(Fs& fs, std::string path) : path_(std::move(path)), fs_(fs), mu_(LockRank::kLeaf) {}

  // Opens the file, or opens it anew: after a log rotation it is another one.
  Status Open();
  void Write(Timestamp now, std::string_view job, std::string_view url, std::string_view error);

 private:
  const std::string path_;
  Fs& fs_;
  Mutex mu_;
  std::unique_ptr<WritableFile> file_ CANOPY_GUARDED_BY(mu_);
  bool complained_ CANOPY_GUARDED_BY(mu_) = false;
};

}  // namespace canopy::scrape
