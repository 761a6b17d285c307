#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/storage/appender.h"
#include "canopy/storage/queryable.h"
#include "chunk_builder.h"
#include "chunk_format.h"
#include "label_index.h"

// Samples of the head that came after later ones of their series. Few series ever have such: they
// are kept beside the series, by slot, and written to a log of their own (wbl/).

namespace canopy::tsdb {

// A sample on its way in: a float, unless there is a histogram. When its counter started is in Unix
// ms, 0 where that is not known.
struct ArrivingValue {
  double value = 0;
  const storage::HistogramValue* histogram = nullptr;
  int64_t start = 0;
};

// Whether there is a sample at some time already: the same one, or another.
enum class SampleFound : uint8_t { kNone, kSame, kOther };
// kSame or kOther.
SampleFound CompareSamples(const StoredValue& stored, const ArrivingValue& value);

// What an append says of it when that is the newest sample of its series. REQUIRES: not kNone.
inline storage::AppendResult ResultOf(SampleFound found) {
  return found == SampleFound::kSame ? storage::AppendResult::kDuplicate
                                     : storage::AppendResult::kConflict;
}

// Where the aligned range of such length begins that `t` lies in.
int64_t StartOfBlock(int64_t t, int64_t block_range);

// Of one series: chunks that are full, each sorted in itself, and up to 32 samples of each kind
// that are to become the next. Whoever writes holds the head's exclusive lock; a copy shares the
// chunks.
class OutOfOrderSeries {
 public:
  SampleFound Find(int64_t t, const ArrivingValue& value) const;
  // Chunks do not cross multiples of `block_range`. REQUIRES: there is none at `t`.
  void Insert(int64_t t, const ArrivingValue& value, int64_t block_range);

  // Of all samples. REQUIRES: there is one.
  int64_t min_time() const { return min_time_; }
  int64_t max_time() const { return max_time_; }

  // Samples of from <= t <= until, and perhaps more, merged into `into`.
  Status ReadInto(int64_t from, int64_t until, storage::ColumnBuffer& into) const;
  // Appends those of the block that begins at `start`, by time.
  Status Collect(int64_t start, int64_t block_range, std::vector<StoredSample>& out) const;
  bool HasBlock(int64_t start, int64_t block_range) const;
  // Where the blocks begin that it has samples for.
  void AddBlocks(int64_t block_range, std::set<int64_t>& starts) const;

 private:
  struct Chunk {
    int64_t min_time;
    int64_t max_time;
    ChunkEncoding encoding;
    std::string data;
  };
  struct Float {
    int64_t time;
    double value;
    int64_t start;
  };

  template <class Samples>
  void Close(Samples& open, int64_t block_range);

  std::vector<std::shared_ptr<const Chunk>> chunks_;
  std::vector<Float> floats_;             // by time
  std::vector<StoredSample> histograms_;  // by time
  int64_t min_time_ = INT64_MAX;
  int64_t max_time_ = INT64_MIN;
};

using OutOfOrderSamples = absl::flat_hash_map<Slot, OutOfOrderSeries>;

}  // namespace canopy::tsdb
