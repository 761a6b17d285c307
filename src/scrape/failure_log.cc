#include "failure_log.h"

#include "canopy/base/log.h"

namespace canopy::scrape {

Status FailureLog::Open() {
  auto file = fs_.OpenAppend(path_);
  if (!file.ok()) return file.status().In("scrape_failure_log_file");
  const MutexLock lock(mu_);
  file_ = std::move(*file);
  complained_ = false;
  return {};
}

void FailureLog::Write(Timestamp now, std::string_view job, std::string_view url,
                       std::string_view error) {
  const std::string line = log::FormatLine(log::Format::kJson, now, log::Level::kError, __FILE__,
                                           __LINE__, error, {{"job_name", job}, {"target", url}});
  const MutexLock lock(mu_);
  if (!file_) return;
  const Status status = file_->Append(line);
  if (status.ok() || complained_) return;
  complained_ = true;  // until it is opened anew
  LOG_ERROR("Scrape failure log cannot be written", {"file", path_}, {"err", status.message()});
}

}  // namespace canopy::scrape
