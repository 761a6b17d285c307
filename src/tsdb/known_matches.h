#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <roaring/roaring.hh>
#include <string>

#include "canopy/base/mutex.h"
#include "canopy/model/matcher.h"

namespace canopy::tsdb {

// What regexes matched: dashboards, rules and parents ask the same ones again and again, while
// labels get few new values. Thread-safe.
class KnownMatches {
 public:
  struct Known {
    bool asked_before = false;
    // Symbols of the values that it matched, and the label's ValueHistory as it was then. Null: not
    // known.
    std::shared_ptr<const Roaring> values;
    uint64_t added = 0;
    uint64_t removed_at = 0;
    // The series that its values select, and LabelIndex::version() as it was then. Null: not known.
    std::shared_ptr<const Roaring> series;
    uint64_t version = 0;
  };

  KnownMatches() : mu_(LockRank::kLeaf) {}

  Known Ask(const model::Matcher& matcher);
  // In place of what was known. What has been asked least recently is forgotten for it.
  void Learn(const model::Matcher& matcher, Known known);

  size_t bytes() const;

 private:
  struct Entry {
    Known known;
    uint64_t asked = 0;  // when, in asks
    size_t bytes = 0;
  };
  static constexpr size_t kMaxEntries = 256;
  static constexpr size_t kMaxBytes = 8 << 20;

  void Shrink() CANOPY_REQUIRES(mu_);

  mutable Mutex mu_;
  absl::flat_hash_map<std::string, Entry> entries_ CANOPY_GUARDED_BY(mu_);
  uint64_t asks_ CANOPY_GUARDED_BY(mu_) = 0;
  size_t bytes_ CANOPY_GUARDED_BY(mu_) = 0;
};

}  // namespace canopy::tsdb
