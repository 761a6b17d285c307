#pragma once

#include "answer.h"
#include "canopy/api/api.h"
#include "canopy/net/server.h"
#include "disconnect_watch.h"

// One handler for each endpoint that answers with JSON; routes.cc says which path is whose.

namespace canopy::api {

// One request under way.
struct Call {
  net::Request& request;
  const net::Form& form;  // of the URL and of a form body
  const Options& options;
  const Sources& sources;
  const Clock& clock;
  DisconnectWatch& watch;
};

// query.cc
Answer Query(const Call& call);
Answer QueryRange(const Call& call);
Answer QueryExemplars(const Call& call);
Answer FormatQuery(const Call& call);
Answer ParseQuery(const Call& call);

// series.cc
Answer Series(const Call& call);
Answer LabelNames(const Call& call);
Answer LabelValues(const Call& call);

// metadata.cc
Answer Metadata(const Call& call);
Answer TargetsMetadata(const Call& call);

// targets.cc
Answer Targets(const Call& call);
Answer ScrapePools(const Call& call);
Answer Alertmanagers(const Call& call);

// rules.cc
Answer Rules(const Call& call);
Answer Alerts(const Call& call);

// admin.cc
Answer DeleteSeries(const Call& call);
Answer CleanTombstones(const Call& call);
Answer Snapshot(const Call& call);

// status.cc
Answer StatusConfig(const Call& call);
Answer StatusFlags(const Call& call);
Answer StatusBuildInfo(const Call& call);
Answer StatusRuntimeInfo(const Call& call);
Answer StatusTsdb(const Call& call);
void WriteBuildInfo(JsonWriter& json, const BuildInfo& build);

}  // namespace canopy::api
