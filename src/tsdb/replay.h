#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "exemplar_store.h"
#include "head.h"

namespace canopy::tsdb {

// What the log gave back.
struct ReplayReport {
  uint64_t records = 0;
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t exemplars = 0;
  uint64_t unknown_series = 0;  // samples whose series the log does not name
  uint64_t unknown_exemplar_series = 0;
  uint64_t unknown_metadata_series = 0;
  uint64_t impossible_histograms = 0;
  uint64_t deletions = 0;
  uint64_t unknown_deletions = 0;  // of series that the log does not name, or not any more
  // What is older went to blocks that are gone by now: see kEverySeries in wal_record.h.
  Timestamp dropped_before = Timestamp::Min();
  uint64_t unknown_records = 0;  // of kinds that this version does not know
  uint64_t corruptions = 0;
  uint64_t lost_bytes = 0;
};

// Puts what the log holds into an empty head, and its exemplars into their store. What cannot be
// read is cut off, logged and counted; the rest counts. Fails only when the disk does. A second
// thread unpacks records ahead. `progress` may be null.
Result<ReplayReport> ReplayLog(Fs& fs, const std::string& wal_dir, Head& head,
                               ExemplarStore& exemplars, ReplayProgress* progress);
// The same of the out-of-order log, after that one. Its markers, which say what Prometheus has put
// into head chunks, are passed over: the log has those samples as well.
Result<ReplayReport> ReplayOutOfOrderLog(Fs& fs, const std::string& wbl_dir, Head& head);

}  // namespace canopy::tsdb
