#pragma once

#include <string>

#include "canopy/api/api.h"
#include "canopy/base/self_metrics.h"
#include "canopy/tsdb/db.h"

// What the server says about itself.

namespace canopy::app {

std::string HostName();

// At /api/v1/status/buildinfo. Clients that judge by version see Prometheus's.
api::BuildInfo MakeBuildInfo();
// process_*, prometheus_build_info, canopy_build_info.
void AddBuildMetrics(SelfMetrics& metrics);

// Threads that this process has.
int ThreadCount();

api::TsdbStatus MakeTsdbStatus(tsdb::HeadStats stats);

}  // namespace canopy::app
