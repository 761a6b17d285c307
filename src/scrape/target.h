#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "canopy/base/time.h"
#include "canopy/config/config.h"
#include "canopy/model/labels.h"
#include "canopy/scrape/manager.h"

namespace canopy::scrape {

// What is derived from a target's labels. Pure.

// Those that go onto its series: without names that begin with "__".
model::Labels PublicLabels(const model::Labels& labels);

// scheme://address/path?params, with __param_* labels in place of the first value of each.
std::string TargetUrl(const model::Labels& labels, const config::ScrapeConfig& config);

// A URL that works from elsewhere: localhost becomes this node's own name.
// Source: prometheus web/api/v1 globalURL.
std::string GlobalUrl(std::string_view url, const Options& options);

// REQUIRES: labels of a BuiltTarget, whose durations parse.
Duration LabelDuration(const model::Labels& labels, std::string_view name);

// What the labels of a BuiltTarget say about its histograms; its job speaks where they are silent.
config::HistogramScraping LabelHistograms(const model::Labels& labels,
                                          const config::ScrapeConfig& config);

// What makes a target the same one over reloads and restarts: its public labels and its URL.
uint64_t TargetHash(const model::Labels& public_labels, std::string_view url);

// Into how many slots an interval is divided for so many targets. Powers of two times the fewest:
// mostly, a few targets more or less change nothing.
int64_t ScrapeSlots(uint64_t targets);

// The first time at or after `now` that lies where the hash puts it within each interval, counted
// from the epoch: targets are spread evenly over slots, and each keeps its place over restarts.
// REQUIRES: interval > 0, slots > 0.
Timestamp FirstScrape(Timestamp now, Duration interval, int64_t slots, uint64_t hash,
                      uint64_t seed);

// The next time after `last` in steps of `interval`; when some have been missed, the newest of
// those.
Timestamp NextScrape(Timestamp last, Timestamp now, Duration interval);

// The time that the samples of a scrape get which was due at `due` and starts at `now`.
Timestamp ScrapeTime(Timestamp due, Timestamp now, Duration interval, Duration tolerance);

// "15s", "1m0s", "500ms": Go's time.Duration.String, for metric labels.
std::string GoDuration(Duration d);

inline constexpr std::string_view kAddress = "__address__";
inline constexpr std::string_view kScheme = "__scheme__";
inline constexpr std::string_view kMetricsPath = "__metrics_path__";
inline constexpr std::string_view kInterval = "__scrape_interval__";
inline constexpr std::string_view kTimeout = "__scrape_timeout__";
inline constexpr std::string_view kUnixSocket = "__unix_socket__";
inline constexpr std::string_view kParamPrefix = "__param_";
inline constexpr std::string_view kMetaPrefix = "__meta_";
inline constexpr std::string_view kInternalPrefix = "__";

}  // namespace canopy::scrape
