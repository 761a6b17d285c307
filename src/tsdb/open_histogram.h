#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "canopy/chunk/histogram.h"
#include "canopy/storage/appender.h"
#include "chunk_format.h"
#include "graveyard.h"
#include "series.h"

namespace canopy::tsdb {

// The open chunk of a series of native histograms, in its form on disk, and the newest sample
// decoded. Const methods under the head's shared lock, the others under the exclusive one.
class OpenHistogram {
 public:
  // Empty, for histograms of integers or of floats.
  OpenHistogram(bool integers, chunk::HistogramForm form);
  OpenHistogram(const OpenHistogram&) = delete;
  OpenHistogram& operator=(const OpenHistogram&) = delete;

  bool integers() const { return encoder_.index() == 0; }
  ChunkEncoding encoding() const { return EncodingOf(form_, integers()); }
  // REQUIRES: it is not empty.
  int64_t first_time() const { return first_time_; }
  // Null for a staleness marker. Immutable; buried when another one comes.
  const model::FloatHistogram* newest() const { return newest_; }
  // When the counter of the newest one started, as far as the form keeps it.
  int64_t start() const { return start_; }
  // REQUIRES: `value` is no marker.
  bool is_newest(const storage::HistogramValue& value) const;

  // Takes the sample unless it has to begin another chunk. REQUIRES: one of the same kind.
  bool Append(int64_t t, const storage::HistogramValue& value, int64_t start, Graveyard& graveyard);
  // Empties the chunk and begins another one that comes right behind it.
  void BeginNext(int64_t t, const storage::HistogramValue& value, int64_t start,
                 Graveyard& graveyard);
  // Whether it is long enough, in bytes.
  bool full() const;
  // As it is now.
  const std::string& bytes() const { return *bytes_; }

  // Afterwards it may be deleted.
  void Bury(Graveyard& graveyard);

 private:
  // After each change: readers share what is whole.
  void Settle(const storage::HistogramValue& value, Graveyard& graveyard);

  // A marker belongs to no counter: it goes on with the last one.
  void SetStart(const storage::HistogramValue& value, int64_t start);

  const chunk::HistogramForm form_;
  std::variant<chunk::IntHistogramEncoder, chunk::FloatHistogramEncoder> encoder_;
  const std::string* bytes_ = nullptr;  // the encoder's
  int64_t first_time_ = 0;
  int64_t start_ = chunk::kNoStart;
  const model::FloatHistogram* newest_ = nullptr;
};

inline bool HoldsIntegers(const storage::HistogramValue& value) { return value.index() == 0; }
bool IsStale(const storage::HistogramValue& value);
// A staleness marker.
const storage::HistogramValue& StaleHistogram(bool integers);

inline int64_t Series::oldest_time() const {
  if (closed != nullptr && closed->size > 0) return closed->chunks[0].min_time;
  return has_histogram ? histogram->first_time() : times->at(start);
}

}  // namespace canopy::tsdb
