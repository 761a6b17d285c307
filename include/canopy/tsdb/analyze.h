#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/model/matcher.h"
#include "canopy/tsdb/db.h"
#include "canopy/tsdb/read_only_db.h"

namespace canopy::tsdb {

struct AnalyzeOptions {
  // Empty: the block that was written last.
  std::string block;
  // Only series that all of them match.
  model::Matchers matchers;
  // Each list is so long at most.
  size_t limit = 20;
  // Reads every chunk as well.
  bool chunks = false;
  ProgressFn progress;
};

// What a block consists of, as `promtool tsdb analyze` counts it. Lists descend by value; equal
// ones ascend by name.
struct BlockAnalysis {
  BlockInfo block;
  uint64_t series = 0;  // that match
  uint64_t label_names = 0;
  uint64_t pairs = 0;    // different ones, "name=value"
  uint64_t entries = 0;  // pairs of all series together
  // The time of the block that series with the pair, or with the name, do not span, in lengths of
  // the block.
  std::vector<NamedCount> pairs_by_churn;
  std::vector<NamedCount> names_by_churn;
  std::vector<NamedCount> pairs_by_series;
  std::vector<NamedCount> names_by_value_bytes;  // of all different values
  std::vector<NamedCount> names_by_values;
  std::vector<NamedCount> metrics_by_series;

  // With `chunks`: a number for each chunk.
  std::vector<uint32_t> float_chunk_samples;
  std::vector<uint32_t> float_chunk_bytes;
  std::vector<uint32_t> histogram_chunk_samples;
  std::vector<uint32_t> histogram_chunk_bytes;
  std::vector<uint32_t> histogram_chunk_buckets;  // of all its samples together
};

// kNotFound when there is no such block, or none at all.
Result<BlockAnalysis> AnalyzeBlock(Fs& fs, const std::string& dir, const AnalyzeOptions& options);

}  // namespace canopy::tsdb
