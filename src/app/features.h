#pragma once

#include <string>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/promql/features.h"

namespace canopy::app {

// What --enable-feature switches on.
struct Features {
  promql::Features promql;
  bool auto_reload = false;
  bool exemplar_storage = false;
  bool extra_scrape_metrics = false;
  bool metadata_wal_records = false;
  bool start_time_zeros = false;  // created-timestamp-zero-ingestion
  bool start_times = false;       // st-storage
  bool histogram_starts = false;  // histograms-st-encoding
  bool xor2_floats = false;       // unless the configuration says something else
};

// Reads the values of --enable-feature, each a comma-separated list of Prometheus's names. Names
// that change nothing here, or will go, are added to `notices`; kUnsupported and kInvalid name the
// others.
Result<Features> ReadFeatures(const std::vector<std::string>& values,
                              std::vector<std::string>& notices);

}  // namespace canopy::app
