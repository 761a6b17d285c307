// canopy tsdb dump and dump-openmetrics: every sample of a data directory, a line each.

#include "app/command_tsdb.h"
#include "app/progress.h"
#include "app/tsdb_text.h"
#include "canopy/base/number.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/model/sample.h"
#include "canopy/promql/parser.h"
#include "canopy/tsdb/read_only_db.h"

namespace canopy::app {
namespace {

using enum FlagKind;

constexpr FlagSpec kFlags[] = {
    {"min-time", kInt, "-9223372036854775808", FlagRole::kActive, false, ""},
    {"max-time", kInt, "9223372036854775807", FlagRole::kActive, false, ""},
    {"match", kList, "{__name__=~'(?s:.*)'}", FlagRole::kActive, false, ""},
    // Nothing is written, so there is nothing to put anywhere.
    {"sandbox-dir-root", kText, "", FlagRole::kNoMeaning, false, ""},
    {"format", kText, "prom", FlagRole::kActive, false, ""},
};

// What a series becomes on the page. `line` is empty before.
using WriteSeries = void (*)(const model::SeriesLabelsView& labels, const storage::Columns& samples,
                             std::string& out);

const model::FloatHistogram* HistogramAt(const storage::Columns& samples, size_t i) {
  return samples.histograms.empty() ? nullptr : samples.histograms[i];
}

void WriteLines(const model::SeriesLabelsView& labels, const storage::Columns& samples,
                std::string& out) {
  std::string name;
  AppendLabelSet(name, labels);
  for (size_t i = 0; i < samples.times.size(); ++i) {
    out += name;
    out += ' ';
    if (const model::FloatHistogram* histogram = HistogramAt(samples, i))
      out += model::ToString(*histogram);
    else
      base::AppendFloatShortest(out, samples.values[i]);
    out += ' ';
    base::AppendInt(out, samples.times[i]);
    out += '\n';
  }
}

void WriteOpenMetrics(const model::SeriesLabelsView& labels, const storage::Columns& samples,
                      std::string& out) {
  std::string name;
  AppendOpenMetricsSeries(name, labels);
  for (size_t i = 0; i < samples.times.size(); ++i) {
    if (model::IsStale(samples.values[i]) || HistogramAt(samples, i) != nullptr) continue;
    out += name;
    out += ' ';
    base::AppendFloatShortest(out, samples.values[i]);
    out += ' ';
    AppendSeconds(out, samples.times[i]);
    out += '\n';
  }
}

void WriteJson(const model::SeriesLabelsView& labels, const storage::Columns& samples,
               std::string& out) {
  if (samples.times.empty()) return;
  AppendLabelJson(out, labels);
  out += '\n';
}

// What was asked for, and what was not shown.
class Dump {
 public:
  Dump(const FlagSet& flags, WriteSeries write)
      : mint_(Timestamp::FromMs(flags.Int("min-time"))),
        maxt_(Timestamp::FromMs(flags.Int("max-time"))),
        selectors_(flags.List("match")),
        write_(write) {}

  Status Run(const std::string& dir, std::string_view last_line) {
    CANOPY_ASSIGN_OR_RETURN(const auto selectors, promql::ParseMetricSelectors(selectors_));
    CANOPY_ASSIGN_OR_RETURN(const auto db, Open(dir));
    CANOPY_ASSIGN_OR_RETURN(const auto querier, db->NewQuerier(mint_, maxt_));
    CANOPY_ASSIGN_OR_RETURN(const auto set, selectors.size() == 1
                                                ? querier->Select(selectors[0], {.sorted = true})
                                                : querier->SelectAny(selectors, {.sorted = true}));
    CANOPY_RETURN_IF_ERROR(Print(*set));
    out_.text() += last_line;
    return out_.Flush();
  }
  bool complete() const { return complete_; }

 private:
  Result<std::unique_ptr<tsdb::ReadOnlyDb>> Open(const std::string& dir) {
    Progress progress("read log");
    auto db = tsdb::ReadOnlyDb::Open(
        PosixFs(), dir, [&](uint64_t done, uint64_t total) { progress.Show(done, total); });
    progress.Clear();
    if (!db.ok()) return db.status();
    for (const std::string& notice : (*db)->notices()) LeftOut(notice);
    return db;
  }
  void LeftOut(const std::string& what) {
    complete_ = false;
    Notice(what);
  }

  Status Print(const storage::SeriesSet& set) {
    constexpr size_t kDescribed = 20;
    Progress progress("dump");
    storage::ColumnBuffer buffer;
    size_t failed = 0;
    for (size_t i = 0; i < set.size(); ++i) {
      progress.Show(i, set.size());
      const auto samples = set.Read(i, mint_, maxt_, buffer);
      if (samples.ok()) {
        write_(set.labels(i), *samples, out_.text());
        CANOPY_RETURN_IF_ERROR(out_.Next());
      } else if (failed++ < kDescribed) {
        progress.Clear();
        LeftOut("series " + set.labels(i).ToLabels().ToString() +
                " cannot be shown: " + samples.status().message());
      }
    }
    if (failed > kDescribed) LeftOut("and " + std::to_string(failed - kDescribed) + " more series");
    return {};
  }

  const Timestamp mint_;
  const Timestamp maxt_;
  const std::vector<std::string>& selectors_;
  const WriteSeries write_;
  Output out_;
  bool complete_ = true;
};

int Run(const TsdbArgs& args, WriteSeries write, std::string_view last_line) {
  Dump dump(args.flags, write);
  const Status status = dump.Run(args.At(0), last_line);
  if (!status.ok()) return Fail(kExitFailed, status.message());
  return dump.complete() ? kExitOk : kExitFailed;
}

}  // namespace

int TsdbDump(const Args& args) {
  const auto parsed = ParseTsdbArgs(kFlags, args, 0, 1);
  if (!parsed.ok()) return Fail(kExitUsage, parsed.status().message());
  const std::string& format = parsed->flags.Text("format");
  if (format != "prom" && format != "seriesjson")
    return Fail(kExitUsage, "--format: expected prom or seriesjson, got \"" + format + "\"");
  return Run(*parsed, format == "prom" ? WriteLines : WriteJson, "");
}

int TsdbDumpOpenMetrics(const Args& args) {
  // All but --format.
  const auto parsed = ParseTsdbArgs(std::span(kFlags).first(std::size(kFlags) - 1), args, 0, 1);
  if (!parsed.ok()) return Fail(kExitUsage, parsed.status().message());
  return Run(*parsed, WriteOpenMetrics, "# EOF\n");
}

}  // namespace canopy::app
