#include "app/node_status.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "canopy/app/version.h"
#include "canopy/base/fs.h"

namespace canopy::app {
namespace {

constexpr std::string_view kCompiler = "g++ " __VERSION__;

// Go's word for the processor, as Prometheus labels its build.
std::string Architecture() {
  utsname name{};
  if (::uname(&name) != 0) return "";
  const std::string machine = name.machine;
  if (machine == "x86_64") return "amd64";
  return machine == "aarch64" ? "arm64" : machine;
}

std::vector<api::NamedCount> ToApi(const std::vector<tsdb::NamedCount>& counts) {
  std::vector<api::NamedCount> out;
  out.reserve(counts.size());
  for (const tsdb::NamedCount& count : counts) out.push_back({count.name, count.value});
  return out;
}

}  // namespace

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

api::BuildInfo MakeBuildInfo() {
  api::BuildInfo build;
  build.version = kPrometheusVersion;
  build.compiler = kCompiler;
  return build;
}

void AddBuildMetrics(SelfMetrics& metrics) {
  metrics.AddProcessMetrics();
  const std::string compiler(kCompiler);
  metrics
      .AddGauge("prometheus_build_info",
                "A metric with a constant '1' value labeled by version, revision, branch, "
                "goversion from which prometheus was built, and the goos and goarch for the build.",
                {{"version", std::string(kPrometheusVersion)},
                 {"revision", ""},
                 {"branch", ""},
                 {"goversion", compiler},
                 {"goos", "linux"},
                 {"goarch", Architecture()},
                 {"tags", ""}})
      .Set(1);
  metrics
      .AddGauge("canopy_build_info", "A metric with a constant '1' value labeled by version.",
                {{"version", std::string(kVersion)}, {"compiler", compiler}})
      .Set(1);
}

int ThreadCount() {
  const auto tasks = PosixFs().List("/proc/self/task");
  return tasks.ok() ? static_cast<int>(tasks->size()) : 0;
}

api::TsdbStatus MakeTsdbStatus(tsdb::HeadStats stats) {
  api::TsdbStatus out;
  out.num_series = stats.num_series;
  out.num_label_pairs = stats.num_label_pairs;
  out.chunk_count = stats.chunk_count;
  out.min_time = stats.min_time;
  out.max_time = stats.max_time;
  out.series_count_by_metric_name = ToApi(stats.series_count_by_metric_name);
  out.label_value_count_by_label_name = ToApi(stats.label_value_count_by_label_name);
  out.memory_in_bytes_by_label_name = ToApi(stats.memory_in_bytes_by_label_name);
  out.series_count_by_label_pair = ToApi(stats.series_count_by_label_pair);
  return out;
}

}  // namespace canopy::app
