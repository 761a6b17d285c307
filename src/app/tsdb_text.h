#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "canopy/base/time.h"
#include "canopy/model/symbols.h"
#include "canopy/tsdb/read_only_db.h"

// How promtool writes what is in a data directory.

namespace canopy::app {

// As Go prints them: "2h0m0s", "1.5s", "20ms".
std::string GoDuration(Duration d);
// "2023-11-14 22:13:20 +0000 UTC", without the milliseconds.
std::string GoTime(Timestamp t);
// "1MiB3KiB5B"
std::string Base2Bytes(uint64_t bytes);

// A line for each block, and one of headings before them if asked for.
std::string FormatBlocks(std::span<const tsdb::BlockInfo> blocks, bool headings,
                         bool human_readable);

// {__name__="up", job="a"}
void AppendLabelSet(std::string& out, const model::SeriesLabelsView& labels);
// {"__name__":"up","job":"a"}
void AppendLabelJson(std::string& out, const model::SeriesLabelsView& labels);
// up{job="a"}, with names outside of the legacy set quoted.
void AppendOpenMetricsSeries(std::string& out, const model::SeriesLabelsView& labels);
// Seconds with three decimals.
void AppendSeconds(std::string& out, int64_t ms);

// How the numbers are spread, in ten buckets or so; `total` is what the bars are parts of.
std::string FormatDistribution(const std::string& what, std::vector<uint32_t> numbers,
                               uint64_t total);

}  // namespace canopy::app
