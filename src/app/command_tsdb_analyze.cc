// canopy tsdb analyze: what a block consists of.

#include <cstdio>

#include "app/command_tsdb.h"
#include "app/progress.h"
#include "app/tsdb_text.h"
#include "canopy/promql/parser.h"
#include "canopy/tsdb/analyze.h"

namespace canopy::app {
namespace {

using enum FlagKind;

constexpr FlagSpec kFlags[] = {
    {"limit", kInt, "20", FlagRole::kActive, false, ""},
    {"extended", kBool, "false", FlagRole::kActive, false, ""},
    {"match", kText, "", FlagRole::kActive, false, ""},
};

void AppendList(std::string& out, std::string_view title,
                const std::vector<tsdb::NamedCount>& list) {
  out += "\n" + std::string(title) + ":\n";
  for (const tsdb::NamedCount& count : list)
    out += std::to_string(count.value) + " " + count.name + "\n";
}

std::string Format(const tsdb::BlockAnalysis& found, const std::string& matcher) {
  std::string out = "Block ID: " + found.block.ulid + "\n";
  out += "Duration: " + GoDuration(found.block.max_time - found.block.min_time) + "\n";
  out += "Total Series: " + std::to_string(found.block.series) + "\n";
  if (!matcher.empty()) out += "Matcher: " + matcher + "\n";
  out += "Label names: " + std::to_string(found.label_names) + "\n";
  if (!matcher.empty()) out += "Matched series: " + std::to_string(found.series) + "\n";
  out += "Postings (unique label pairs): " + std::to_string(found.pairs) + "\n";
  out += "Postings entries (total label pairs): " + std::to_string(found.entries) + "\n";
  AppendList(out, "Label pairs most involved in churning", found.pairs_by_churn);
  AppendList(out, "Label names most involved in churning", found.names_by_churn);
  AppendList(out, "Most common label pairs", found.pairs_by_series);
  AppendList(out, "Label names with highest cumulative label value length",
             found.names_by_value_bytes);
  AppendList(out, "Highest cardinality labels", found.names_by_values);
  AppendList(out, "Highest cardinality metric names", found.metrics_by_series);
  return out;
}

std::string FormatChunks(const tsdb::BlockAnalysis& found) {
  const uint64_t total = found.float_chunk_samples.size() + found.histogram_chunk_samples.size();
  std::string out = "\nCompaction analysis:\n\n";
  out += FormatDistribution("samples per float chunk", found.float_chunk_samples, total);
  out += FormatDistribution("bytes per float chunk", found.float_chunk_bytes, total);
  out += FormatDistribution("samples per histogram chunk", found.histogram_chunk_samples, total);
  out += FormatDistribution("bytes per histogram chunk", found.histogram_chunk_bytes, total);
  out += FormatDistribution("buckets per histogram chunk", found.histogram_chunk_buckets, total);
  return out;
}

}  // namespace

int TsdbAnalyze(const Args& args) {
  const auto parsed = ParseTsdbArgs(kFlags, args, 0, 2);
  if (!parsed.ok()) return Fail(kExitUsage, parsed.status().message());
  const std::string& matcher = parsed->flags.Text("match");
  tsdb::AnalyzeOptions options;
  options.block = parsed->At(1, "");
  options.limit = static_cast<size_t>(std::max<int64_t>(0, parsed->flags.Int("limit")));
  options.chunks = parsed->flags.Bool("extended");
  if (!matcher.empty()) {
    auto matchers = promql::ParseMetricSelector(matcher);
    if (!matchers.ok()) return Fail(kExitFailed, matchers.status().message());
    options.matchers = std::move(*matchers);
  }
  Progress progress("analyze");
  options.progress = [&](uint64_t done, uint64_t total) { progress.Show(done, total); };
  const auto found = tsdb::AnalyzeBlock(PosixFs(), parsed->At(0), options);
  progress.Clear();
  if (!found.ok()) return Fail(kExitFailed, found.status().message());
  std::fputs(Format(*found, matcher).c_str(), stdout);
  if (options.chunks) std::fputs(FormatChunks(*found).c_str(), stdout);
  return kExitOk;
}

}  // namespace canopy::app
