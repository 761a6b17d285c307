#include "app/features.h"

#include <algorithm>
#include <string_view>

#include "canopy/base/quote.h"

namespace canopy::app {
namespace {

enum class Support : unsigned char {
  kSwitch,     // a member of Features, or of its part for queries
  kNoMeaning,  // always so here, or about a machinery that Canopy does not have
  kNotYet,
};

struct Feature {
  std::string_view name;
  Support support;
  bool promql::Features::*of_queries = nullptr;
  bool Features::*of_server = nullptr;
  std::string_view why = "not supported yet";  // of kNotYet
  std::string_view notice = "";                // of a switch
};

constexpr std::string_view kAsScraped = "not supported: values are stored as targets show them";
constexpr std::string_view kPhasedOut =
    " is being phased out: it makes xor2 the default of storage.tsdb.chunk_encoding.floats, which "
    "the configuration can say";

using enum Support;
using F = promql::Features;

// All of Prometheus 3.14's (cmd/prometheus/main.go), and those of 2.x that became the default.
constexpr Feature kFeatures[] = {
    {"auto-gomaxprocs", kNoMeaning},
    {"auto-gomemlimit", kNoMeaning},
    {"auto-reload-config", kSwitch, nullptr, &Features::auto_reload},
    // Rules of one group are evaluated one after the other; groups are not.
    {"concurrent-rule-eval", kNoMeaning},
    {"created-timestamp-zero-ingestion", kSwitch, nullptr, &Features::start_time_zeros},
    {"delayed-compaction", kNoMeaning},
    {"exemplar-storage", kSwitch, nullptr, &Features::exemplar_storage},
    {"expand-external-labels", kNoMeaning},
    {"extra-scrape-metrics", kSwitch, nullptr, &Features::extra_scrape_metrics},
    {"fast-startup", kNoMeaning},
    {"histograms-st-encoding", kSwitch, nullptr, &Features::histogram_starts},
    {"memory-snapshot-on-shutdown", kNoMeaning},
    {"metadata-wal-records", kSwitch, nullptr, &Features::metadata_wal_records},
    {"native-histograms", kNoMeaning},
    {"new-service-discovery-manager", kNoMeaning},
    {"no-default-scrape-port", kNoMeaning},
    {"old-ui", kNoMeaning},
    {"ooo-native-histograms", kNoMeaning},
    {"otlp-deltatocumulative", kNotYet},
    {"otlp-native-delta-ingestion", kNotYet},
    {"promql-at-modifier", kNoMeaning},
    {"promql-binop-fill-modifiers", kSwitch, &F::binop_fill_modifiers},
    {"promql-delayed-name-removal", kSwitch, &F::delayed_name_removal},
    {"promql-duration-expr", kNoMeaning},
    {"promql-experimental-functions", kSwitch, &F::experimental_functions},
    {"promql-extended-range-selectors", kSwitch, &F::extended_range_selectors},
    {"promql-negative-offset", kNoMeaning},
    {"promql-per-step-stats", kSwitch, &F::per_step_stats},
    {"search-api", kNotYet},
    {"st-storage", kSwitch, nullptr, &Features::start_times},
    {"st-synthesis", kNotYet, nullptr, nullptr, kAsScraped},
    {"type-and-unit-labels", kSwitch, &F::type_and_unit_labels},
    {"use-start-timestamps", kSwitch, &F::use_start_timestamps},
    {"use-uncached-io", kNoMeaning},
    {"xor2-encoding", kSwitch, nullptr, &Features::xor2_floats, "", kPhasedOut},
};

}  // namespace

Result<Features> ReadFeatures(const std::vector<std::string>& values,
                              std::vector<std::string>& notices) {
  Features features;
  for (std::string_view list : values) {
    while (!list.empty()) {
      const std::string_view name = list.substr(0, list.find(','));
      list.remove_prefix(std::min(name.size() + 1, list.size()));
      if (name.empty()) continue;
      const auto* const feature = std::find_if(std::begin(kFeatures), std::end(kFeatures),
                                               [&](const Feature& f) { return f.name == name; });
      const std::string flag = "--enable-feature: " + base::Quoted(name);
      if (feature == std::end(kFeatures)) return Status::Invalid(flag + ": unknown feature");
      if (feature->support == kNotYet)
        return Status::Unsupported(flag + ": " + std::string(feature->why));
      if (feature->support == kSwitch) {
        if (!feature->notice.empty()) notices.push_back(flag + std::string(feature->notice));
        (feature->of_queries != nullptr ? features.promql.*feature->of_queries
                                        : features.*feature->of_server) = true;
      } else {
        notices.push_back(flag + " has no meaning here");
      }
    }
  }
  return features;
}

}  // namespace canopy::app
