#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <string>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/tsdb/verify_dir.h"

namespace canopy::tsdb {

// Adds to the faults of a part.
class FaultList {
 public:
  FaultList(VerifiedPart& part, size_t max) : part_(part), max_(max) {}
  void Add(std::string what) {
    ++part_.fault_count;
    if (part_.faults.size() < max_) part_.faults.push_back(std::move(what));
  }
  void Notice(std::string what) { part_.notices.push_back(std::move(what)); }

 private:
  VerifiedPart& part_;
  const size_t max_;
};

// The series that a log names.
using LogRefs = absl::flat_hash_set<uint64_t>;

// Looks at each segment of a log and of its newest checkpoint by itself, so that one that is
// corrupt hides nothing of the others. Samples of a series that neither names are a fault if they
// are not older than `min_time`: blocks have those. Refs are added to `refs`.
Status VerifyLog(Fs& fs, const std::string& dir, Timestamp min_time, const ProgressFn& progress,
                 LogRefs& refs, VerifiedPart& part, FaultList& faults);
// The same of the out-of-order log, whose series the other one names: `refs`. A power cut may have
// taken some of them from there.
Status VerifyOutOfOrderLog(Fs& fs, const std::string& dir, const ProgressFn& progress,
                           const LogRefs& refs, VerifiedPart& part, FaultList& faults);

// Looks at head chunk files: that what they hold decodes, and that chunks of a series follow each
// other.
Status VerifyHeadChunks(Fs& fs, const std::string& dir, VerifiedPart& part, FaultList& faults);

}  // namespace canopy::tsdb
