// What the head costs without anything around it: CPU nanoseconds per sample appended, with the
// log, resident bytes per series, and how fast it is read and replayed.
//
// head_bench [SERIES [SCRAPES]]

#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "canopy/base/check.h"
#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/base/self_metrics.h"
#include "canopy/tsdb/db.h"

namespace canopy {
namespace {

constexpr unsigned kPerTarget = 1000;

double CpuNanos(clockid_t clock = CLOCK_PROCESS_CPUTIME_ID) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double ResidentBytes() {
  std::ifstream in("/proc/self/statm");
  uint64_t all = 0;
  uint64_t resident = 0;
  in >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Targets of 1,000 series each: a third counters that stand still, a third counters that grow, a
// third gauges with a few decimals.
class Targets {
 public:
  explicit Targets(unsigned series) : values_(series), refs_(series) {
    for (unsigned i = 0; i < series; ++i) values_[i] = i % kPerTarget;
  }

  size_t size() const { return values_.size() / kPerTarget; }

  void Scrape(storage::Appender& db, unsigned target, int64_t t) {
    batch_.Clear();
    const unsigned first = target * kPerTarget;
    const bool known = static_cast<bool>(refs_[first]);
    for (unsigned i = first; i < first + kPerTarget; ++i) {
      if (i % 3 == 1) values_[i] += i % 17;
      if (i % 3 == 2) values_[i] = static_cast<double>((i * 7919 + t / 10) % 100'000) / 100;
      const Timestamp time = Timestamp::FromMs(t);
      if (known)
        batch_.samples.push_back({refs_[i], time, values_[i]});
      else
        batch_.new_samples.push_back({LabelsOf(i), time, values_[i]});
    }
    const double start = CpuNanos();
    const auto report = db.Append(batch_);
    spent += CpuNanos() - start;
    CANOPY_CHECK(report.ok() && report->rejected.empty());
    if (!known) std::copy(report->refs.begin(), report->refs.end(), refs_.begin() + first);
  }

  double spent = 0;

 private:
  static model::Labels LabelsOf(unsigned i) {
    const unsigned n = i % kPerTarget;
    const std::string instance = "10.0." + std::to_string(i / kPerTarget / 200) + "." +
                                 std::to_string(i / kPerTarget % 200) + ":8080";
    static const char* const kCodes[] = {"200", "301", "404", "500", "503"};
    static const char* const kMethods[] = {"GET", "POST", "PUT", "DELETE"};
    return model::Labels{{"__name__", "http_server_requests_family_" + std::to_string(n / 20)},
                         {"code", kCodes[n % 5]},
                         {"handler", "/api/v1/query_range"},
                         {"instance", instance},
                         {"job", "frontend"},
                         {"method", kMethods[n % 4]},
                         {"pod", "frontend-7d4b9c-" + std::to_string(n)}};
  }

  std::vector<double> values_;
  std::vector<SeriesRef> refs_;
  storage::Batch batch_;
};

void Read(tsdb::Db& db, const char* what, Timestamp from, Timestamp until,
          storage::SelectHints hints) {
  const double start = CpuNanos(CLOCK_MONOTONIC);
  const auto querier = db.NewQuerier(from, until);
  const auto set = (*querier)->Select({}, hints);
  const double selected = CpuNanos(CLOCK_MONOTONIC);
  storage::ColumnBuffer buffer;
  uint64_t samples = 0;
  for (size_t i = 0; i < (*set)->size(); ++i)
    samples += (*set)->Read(i, from, until, buffer)->times.size();
  const double end = CpuNanos(CLOCK_MONOTONIC);
  std::printf("%-34s select %8.2f ms, read %8.2f ms, %.1f ns/sample\n", what,
              (selected - start) / 1e6, (end - selected) / 1e6,
              (end - selected) / static_cast<double>(samples));
}

void Run(unsigned series, int scrapes) {
  const std::string dir = "/tmp/canopy-head-bench." + std::to_string(getpid());
  const double empty = ResidentBytes();
  {
    SelfMetrics metrics;
    auto db = *tsdb::Db::Open(PosixFs(), SystemClock(), metrics, {.dir = dir});
    Targets targets(series);
    const double with_targets = ResidentBytes();
    int64_t t = 1'700'000'000'000;
    for (unsigned i = 0; i < targets.size(); ++i) targets.Scrape(*db, i, t + i);
    std::printf("%u series\n", series);
    std::printf("%-34s %8.1f ns/sample\n", "first scrape, every series new",
                targets.spent / series);
    targets.spent = 0;
    for (int s = 1; s < scrapes; ++s) {
      t += 10'000;
      for (unsigned i = 0; i < targets.size(); ++i) targets.Scrape(*db, i, t + i);
    }
    std::printf("%-34s %8.1f ns/sample\n", "append and log",
                targets.spent / series / (scrapes - 1));
    std::printf("%-34s %8.1f bytes/series after %d scrapes\n", "resident",
                (ResidentBytes() - with_targets) / series, scrapes);
    uint64_t log = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir + "/wal"))
      log += entry.file_size();
    std::printf("%-34s %8.2f bytes/sample\n", "log", static_cast<double>(log) / series / scrapes);
    const Timestamp now = Timestamp::FromMs(t + 10'000);
    const Duration five_minutes = std::chrono::minutes(5);
    Read(*db, "newest of all", now - five_minutes, now, {.newest_only = true});
    Read(*db, "5 minutes of all", now - five_minutes, now, {});
    Read(*db, "everything", Timestamp::Min(), Timestamp::Max(), {});
    Read(*db, "labels of all, sorted", now - five_minutes, now,
         {.sorted = true, .labels_only = true});
  }
  {
    SelfMetrics metrics;
    const double start = CpuNanos(CLOCK_MONOTONIC);
    auto db = *tsdb::Db::Open(PosixFs(), SystemClock(), metrics, {.dir = dir});
    const double end = CpuNanos(CLOCK_MONOTONIC);
    std::printf("%-34s %8.2f s, %.1f ns/sample\n", "replay", (end - start) / 1e9,
                (end - start) / series / scrapes);
  }
  std::printf("%-34s %8.1f MB\n", "resident before anything", empty / 1e6);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace canopy

int main(int argc, char** argv) {
  const unsigned series = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 100'000;
  const int scrapes = argc > 2 ? std::atoi(argv[2]) : 180;
  canopy::Run(series / canopy::kPerTarget * canopy::kPerTarget, scrapes);
}
