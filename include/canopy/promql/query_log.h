#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "canopy/base/fs.h"
#include "canopy/base/mutex.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/promql/value.h"

namespace canopy::promql {

// Who asks: a client over HTTP, or a group of rules, or neither. The texts must live for as long as
// the query runs.
struct QueryOrigin {
  std::string_view client_ip;  // "127.0.0.1"
  std::string_view method;     // "GET"; empty unless the query came over HTTP
  std::string_view path;       // "/api/v1/query", without a route prefix
  std::string_view rule_file;
  std::string_view rule_group;  // empty unless a group asks
};

// What one line tells.
struct LoggedQuery {
  std::string_view text;
  Timestamp start;
  Timestamp end;
  Duration step{0};  // 0: instant
  const Status& error;
  const QueryStats& stats;
  const QueryOrigin& origin;
};

// global.query_log_file: a JSON line for each query when it ends, with Prometheus's keys.
// Thread-safe.
class QueryLog {
 public:
  // Goes on at the end of the file.
  static Result<std::unique_ptr<QueryLog>> Open(Fs& fs, const std::string& path);

  // The first failure is logged, all are returned.
  Status Write(Timestamp now, const LoggedQuery& query);

 private:
  QueryLog(std::string path, std::unique_ptr<WritableFile> file)
      : path_(std::move(path)), mu_(LockRank::kApi), file_(std::move(file)) {}

  const std::string path_;
  Mutex mu_;
  const std::unique_ptr<WritableFile> file_ CANOPY_GUARDED_BY(mu_);
  bool complained_ CANOPY_GUARDED_BY(mu_) = false;
};

// {"timings":{...},"samples":{...}}: as the query log and the API have it.
void AppendJson(std::string& out, const QueryStats& stats);

}  // namespace canopy::promql
