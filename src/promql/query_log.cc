#include "canopy/promql/query_log.h"

#include "canopy/base/log.h"
#include "canopy/base/number.h"
#include "canopy/base/quote.h"

namespace canopy::promql {
namespace {

// Key and text, behind a comma where one is due.
void AppendText(std::string& out, std::string_view key, std::string_view text) {
  if (out.back() != '{') out += ',';
  base::AppendJsonQuoted(out, key);
  out += ':';
  base::AppendJsonQuoted(out, text);
}

void AppendKey(std::string& out, std::string_view key) {
  if (out.back() != '{') out += ',';
  base::AppendJsonQuoted(out, key);
  out += ':';
}

void AppendNumber(std::string& out, std::string_view key, double v) {
  AppendKey(out, key);
  base::AppendFloatApi(out, v);
}

void AppendCount(std::string& out, std::string_view key, int64_t v) {
  AppendKey(out, key);
  base::AppendInt(out, v);
}

void AppendSteps(std::string& out, std::string_view key,
                 const std::vector<std::pair<Timestamp, int64_t>>& steps) {
  if (steps.empty()) return;
  AppendKey(out, key);
  out += '[';
  for (const auto& [time, samples] : steps) {
    if (out.back() != '[') out += ',';
    out += '[';
    base::AppendFloatApi(out, time.seconds());
    out += ',';
    base::AppendInt(out, samples);
    out += ']';
  }
  out += ']';
}

void AppendOrigin(std::string& out, const QueryOrigin& origin) {
  if (!origin.method.empty()) {
    AppendKey(out, "httpRequest");
    out += '{';
    AppendText(out, "clientIP", origin.client_ip);
    AppendText(out, "method", origin.method);
    AppendText(out, "path", origin.path);
    out += '}';
  }
  if (!origin.rule_group.empty()) {
    AppendKey(out, "ruleGroup");
    out += '{';
    AppendText(out, "file", origin.rule_file);
    AppendText(out, "name", origin.rule_group);
    out += '}';
  }
}

// With milliseconds, always.
std::string Date(Timestamp t) {
  std::string out = FormatRfc3339(t);
  if (const size_t dot = out.find('.'); dot == out.npos) {
    out.insert(out.size() - 1, ".000");
  } else {
    out.insert(out.size() - 1, 3 - (out.size() - 2 - dot), '0');
  }
  return out;
}

std::string Line(Timestamp now, const LoggedQuery& query) {
  std::string out = "{";
  AppendText(out, "time", Date(now));
  AppendText(out, "level", "INFO");
  AppendText(out, "source", "query_log.cc:" + std::to_string(__LINE__));
  AppendText(out, "msg", "promql query logged");
  AppendKey(out, "params");
  out += '{';
  AppendText(out, "end", Date(query.end));
  AppendText(out, "query", query.text);
  AppendText(out, "start", Date(query.start));
  AppendCount(out, "step", query.step.count() / 1000);  // whole seconds, as there
  out += '}';
  if (!query.error.ok()) AppendText(out, "error", query.error.message());
  AppendKey(out, "stats");
  AppendJson(out, query.stats);
  AppendOrigin(out, query.origin);
  out += "}\n";
  return out;
}

}  // namespace

Result<std::unique_ptr<QueryLog>> QueryLog::Open(Fs& fs, const std::string& path) {
  auto file = fs.OpenAppend(path);
  if (!file.ok()) return file.status().In("query_log_file");
  return std::unique_ptr<QueryLog>(new QueryLog(path, std::move(*file)));
}

Status QueryLog::Write(Timestamp now, const LoggedQuery& query) {
  const std::string line = Line(now, query);
  const MutexLock lock(mu_);
  Status status = file_->Append(line);
  if (!status.ok() && !complained_) {
    complained_ = true;  // until it is opened anew
    LOG_ERROR("The query log cannot be written", {"file", path_}, {"err", status.message()});
  }
  return status;
}

void AppendJson(std::string& out, const QueryStats& stats) {
  out += "{\"timings\":{";
  AppendNumber(out, "evalTotalTime",
               stats.preparation_time + stats.inner_eval_time + stats.result_sort_time);
  AppendNumber(out, "resultSortTime", stats.result_sort_time);
  AppendNumber(out, "queryPreparationTime", stats.preparation_time);
  AppendNumber(out, "innerEvalTime", stats.inner_eval_time);
  AppendNumber(out, "execQueueTime", stats.queue_time);
  AppendNumber(out, "execTotalTime", stats.total_time);
  out += "},\"samples\":{";
  AppendSteps(out, "totalQueryableSamplesPerStep", stats.samples_per_step);
  AppendCount(out, "totalQueryableSamples", stats.total_queryable_samples);
  AppendSteps(out, "samplesReadPerStep", stats.samples_read_per_step);
  AppendCount(out, "samplesRead", stats.samples_read);
  AppendCount(out, "peakSamples", stats.peak_samples);
  out += "}}";
}

}  // namespace canopy::promql
