// canopy tsdb bench write: how fast the store takes samples, and what they cost on disk.

#include <rapidjson/document.h>
#include <sys/resource.h>

#include <cstdio>
#include <string>
#include <vector>

#include "app/command_tsdb.h"
#include "app/progress.h"
#include "canopy/base/clock.h"
#include "canopy/base/self_metrics.h"
#include "canopy/tsdb/db.h"
#include "canopy/tsdb/read_only_db.h"

namespace canopy::app {
namespace {

using enum FlagKind;

constexpr FlagSpec kFlags[] = {
    {"out", kText, "benchout", FlagRole::kActive, false, ""},
    {"metrics", kInt, "10000", FlagRole::kActive, false, ""},
    {"scrapes", kInt, "3000", FlagRole::kActive, false, ""},
};
constexpr Duration kInterval = std::chrono::seconds(30);
constexpr size_t kBatch = 1000;  // series of one target

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

uint64_t BytesUnder(const std::string& path) {
  Fs& fs = PosixFs();
  if (!fs.IsDirectory(path)) {
    const auto size = fs.Size(path);
    return size.ok() ? *size : 0;
  }
  uint64_t sum = 0;
  const auto names = fs.List(path);
  if (names.ok())
    for (const std::string& name : *names) sum += BytesUnder(JoinPath(path, name));
  return sum;
}

// Says what begins and what it took. The result is that of `run`.
template <class Fn>
Status Stage(const char* name, Fn run) {
  std::printf(">> start stage=%s\n", name);
  std::fflush(stdout);
  const int64_t began = SystemClock().MonotonicNanos();
  CANOPY_RETURN_IF_ERROR(run());
  std::printf(">> completed stage=%s duration=%.3fs\n", name,
              static_cast<double>(SystemClock().MonotonicNanos() - began) / 1e9);
  return {};
}

// As many series of an exporter on as many hosts as it takes.
std::vector<model::Labels> MakeSeries(size_t count) {
  std::vector<model::Labels> out;
  for (size_t i = 0; out.size() < count; ++i) {
    const std::string host = std::to_string(i / kBatch);
    const std::string metric = "bench_metric_" + std::to_string(i % kBatch / 10) + "_total";
    const std::string device = "dev" + std::to_string(i % 10);
    out.push_back({{"__name__", metric},
                   {"device", device},
                   {"instance", "host" + host + ":9100"},
                   {"job", "bench"}});
  }
  return out;
}

// A line of JSON for each series, as promtool's own benchmark reads them.
Result<std::vector<model::Labels>> ReadSeries(const std::string& path, size_t count) {
  CANOPY_ASSIGN_OR_RETURN(const std::string text, PosixFs().ReadFile(path));
  std::vector<model::Labels> out;
  for (size_t begin = 0, line = 1; begin < text.size() && out.size() < count; ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    rapidjson::Document json;
    json.Parse<rapidjson::kParseIterativeFlag>(text.data() + begin, end - begin);
    begin = end + 1;
    if (json.HasParseError() || !json.IsObject())
      return Status::Invalid(path + ": line " + std::to_string(line) + ": no object of labels");
    model::LabelsBuilder labels;
    for (const auto& member : json.GetObject()) {
      if (!member.value.IsString())
        return Status::Invalid(path + ": line " + std::to_string(line) + ": a value is no string");
      labels.Set({member.name.GetString(), member.name.GetStringLength()},
                 {member.value.GetString(), member.value.GetStringLength()});
    }
    out.push_back(labels.Build());
  }
  return out;
}

class Bench {
 public:
  Bench(std::string dir, std::vector<model::Labels> series, size_t scrapes)
      : dir_(std::move(dir)), series_(std::move(series)), scrapes_(scrapes) {}

  Status Run() {
    CANOPY_ASSIGN_OR_RETURN(auto db, tsdb::Db::Open(PosixFs(), SystemClock(), metrics_,
                                                    {.dir = dir_,
                                                     .retention_time = Duration(0),
                                                     .maintenance_interval = Duration(0)}));
    const double cpu_before = CpuSeconds();
    const int64_t began = SystemClock().MonotonicNanos();
    CANOPY_RETURN_IF_ERROR(Stage("ingestScrapes", [&] { return Ingest(*db); }));
    const double seconds = static_cast<double>(SystemClock().MonotonicNanos() - began) / 1e9;
    const auto samples = static_cast<double>(samples_);
    std::printf(" > total samples: %llu\n", static_cast<unsigned long long>(samples_));
    std::printf(" > samples/sec: %.0f\n", samples / seconds);
    std::printf(" > CPU seconds per million samples: %.3f\n",
                (CpuSeconds() - cpu_before) / samples * 1e6);
    std::printf(" > bytes per sample in the log: %.3f\n",
                static_cast<double>(BytesUnder(JoinPath(dir_, "wal"))) / samples);
    CANOPY_RETURN_IF_ERROR(Stage("compact", [&] { return db->Compact(); }));
    CANOPY_RETURN_IF_ERROR(ShowBlocks());
    return Stage("stopStorage", [&] {
      db.reset();
      return Status();
    });
  }

 private:
  // Scrape by scrape of each target, all at the same pace, from zero on.
  Status Ingest(tsdb::Db& db) {
    Progress progress("ingest");
    std::vector<SeriesRef> refs;
    storage::Batch batch;
    for (size_t scrape = 0; scrape < scrapes_; ++scrape) {
      progress.Show(scrape, scrapes_);
      const auto step = static_cast<int64_t>(scrape) + 1;
      const Timestamp time = Timestamp::FromMs(step * kInterval.count());
      const auto value = static_cast<double>(123456789 + 1000 * step);
      for (size_t first = 0; first < series_.size(); first += kBatch) {
        const size_t end = std::min(series_.size(), first + kBatch);
        batch.Clear();
        for (size_t i = first; i < end; ++i) {
          if (scrape == 0)
            batch.new_samples.push_back({series_[i], time, value});
          else
            batch.samples.push_back({refs[i], time, value});
        }
        CANOPY_ASSIGN_OR_RETURN(const storage::AppendReport report, db.Append(batch));
        refs.insert(refs.end(), report.refs.begin(), report.refs.end());
        samples_ += end - first - report.rejected.size();
      }
    }
    return {};
  }

  Status ShowBlocks() {
    std::vector<std::string> faults;
    CANOPY_ASSIGN_OR_RETURN(const auto blocks, tsdb::ListBlocks(PosixFs(), dir_, faults));
    uint64_t samples = 0;
    uint64_t bytes = 0;
    for (const tsdb::BlockInfo& block : blocks) {
      samples += block.samples;
      bytes += block.bytes;
    }
    std::printf(" > samples in %zu blocks: %llu\n", blocks.size(),
                static_cast<unsigned long long>(samples));
    if (samples == 0) return {};
    std::printf(" > bytes per sample in blocks: %.3f\n",
                static_cast<double>(bytes) / static_cast<double>(samples));
    return {};
  }

  const std::string dir_;
  const std::vector<model::Labels> series_;
  const size_t scrapes_;
  SelfMetrics metrics_;
  uint64_t samples_ = 0;
};

Status RunBench(const TsdbArgs& args) {
  const int64_t metrics = args.flags.Int("metrics");
  const int64_t scrapes = args.flags.Int("scrapes");
  if (metrics < 1 || scrapes < 1)
    return Status::Invalid("--metrics and --scrapes: expected a number above zero");
  const std::string& out = args.flags.Text("out");
  // Other than promtool we do not remove what is there.
  if (PosixFs().Exists(out)) return Status::Exists(out + " exists already");
  CANOPY_RETURN_IF_ERROR(PosixFs().MakeDirs(out));
  std::vector<model::Labels> series;
  CANOPY_RETURN_IF_ERROR(Stage("readData", [&]() -> Status {
    if (args.rest.empty()) {
      series = MakeSeries(static_cast<size_t>(metrics));
    } else {
      CANOPY_ASSIGN_OR_RETURN(series, ReadSeries(args.rest[0], static_cast<size_t>(metrics)));
    }
    return {};
  }));
  return Bench(JoinPath(out, "storage"), std::move(series), static_cast<size_t>(scrapes)).Run();
}

}  // namespace

int TsdbBench(const Args& args) {
  if (args.empty() || args[0] != "write")
    return Fail(kExitUsage, "there is a benchmark of writes; see canopy tsdb --help");
  const auto parsed = ParseTsdbArgs(kFlags, Args(args.begin() + 1, args.end()), 0, 1);
  if (!parsed.ok()) return Fail(kExitUsage, parsed.status().message());
  const Status status = RunBench(*parsed);
  return status.ok() ? kExitOk : Fail(kExitFailed, status.message());
}

}  // namespace canopy::app
