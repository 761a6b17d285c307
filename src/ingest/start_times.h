#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "canopy/exposition/parse.h"
#include "canopy/model/labels.h"
#include "canopy/storage/appender.h"

namespace canopy::ingest {

// When the counters of an OpenMetrics page started: a line `_created` says it of the lines of its
// family before it that have its labels, but for the bound of a bucket and the quantile of a
// summary. A page like the last one gives times to lines by their place. Not thread-safe.
class StartTimes {
 public:
  // Lines of the family that follow each other, counted back from the `_created` line.
  struct Lines {
    uint32_t first = 0;  // 1: the line before; 0: none
    uint32_t count = 0;
  };

  // The page must live until the next Begin().
  void Begin(std::string_view page, storage::Batch& batch);
  // Lines come that are no samples: another family may begin.
  void EndFamily();
  // Of a line whose sample is the batch's last one of that kind, or of no list: what comes twice or
  // is refused is a line as well.
  enum class List : uint8_t { kNone, kSamples, kNewSamples, kHistograms, kNewHistograms };
  void AddLine(std::string_view series, List list);

  // Whether a name is one of a family's `_created` lines, by the type of the last TYPE.
  static bool IsCreated(std::string_view name, model::MetricType type);
  // Which lines are meant by one with these labels. `labels` is used up.
  Lines Find(std::string_view family, model::MetricType type, model::LabelsBuilder& labels);
  // `seconds` as the line has them.
  void Set(Lines lines, double seconds);

 private:
  struct Line {
    std::string_view series;
    List list = List::kNone;
    uint32_t place = 0;
  };
  struct Range {
    size_t begin = 0;
    size_t end = 0;
  };

  void ReadLines(std::string_view family, model::MetricType type);

  std::string_view page_;
  storage::Batch* batch_ = nullptr;
  std::vector<Line> lines_;  // of the family
  // Of the first read_ of them, by what Find() looks for.
  absl::flat_hash_map<uint64_t, Range> ranges_;
  size_t read_ = 0;
  model::LabelsBuilder labels_;
};

}  // namespace canopy::ingest
