#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "canopy/base/fs.h"
#include "canopy/base/number.h"
#include "canopy/base/self_metrics.h"

// The process_* metrics, from /proc/self as proc(5) describes it, under the names that Prometheus's
// client libraries agreed on.

namespace canopy {
namespace {

// The field of /proc/self/stat with this number of proc(5); counting starts after the program's
// name, which may hold spaces and brackets.
double StatField(int number) {
  const auto text = PosixFs().ReadFile("/proc/self/stat");
  if (!text.ok()) return NAN;
  std::string_view rest = *text;
  rest.remove_prefix(std::min(rest.rfind(')') + 2, rest.size()));
  for (int i = 3; i < number; ++i) {
    const size_t space = rest.find(' ');
    if (space == std::string_view::npos) return NAN;
    rest.remove_prefix(space + 1);
  }
  return base::ParseFloat(rest.substr(0, rest.find(' '))).value_or(NAN);
}

double Tick() { return static_cast<double>(sysconf(_SC_CLK_TCK)); }

double StartTime() {
  const auto text = PosixFs().ReadFile("/proc/stat");
  if (!text.ok()) return NAN;
  const size_t at = text->find("btime ");
  if (at == std::string::npos) return NAN;
  const std::string_view rest = std::string_view(*text).substr(at + 6);
  return base::ParseFloat(rest.substr(0, rest.find('\n'))).value_or(NAN) + StatField(22) / Tick();
}

double Limit(__rlimit_resource resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return NAN;
  return limit.rlim_cur == RLIM_INFINITY ? INFINITY : static_cast<double>(limit.rlim_cur);
}

}  // namespace

void SelfMetrics::AddProcessMetrics() {
  AddCounterFn("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
               [] { return (StatField(14) + StatField(15)) / Tick(); });
  AddGaugeFn("process_resident_memory_bytes", "Resident memory size in bytes.",
             [] { return StatField(24) * static_cast<double>(sysconf(_SC_PAGESIZE)); });
  AddGaugeFn("process_virtual_memory_bytes", "Virtual memory size in bytes.",
             [] { return StatField(23); });
  AddGaugeFn("process_virtual_memory_max_bytes",
             "Maximum amount of virtual memory available in bytes.",
             [] { return Limit(RLIMIT_AS); });
  AddGaugeFn("process_open_fds", "Number of open file descriptors.", [] {
    const auto names = PosixFs().List("/proc/self/fd");
    return names.ok() ? static_cast<double>(names->size() - 1) : NAN;  // less the listing's own
  });
  AddGaugeFn("process_max_fds", "Maximum number of open file descriptors.",
             [] { return Limit(RLIMIT_NOFILE); });
  AddGaugeFn("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
             [start = StartTime()] { return start; });
}

}  // namespace canopy
