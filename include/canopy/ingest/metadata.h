#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/exposition/negotiate.h"
#include "canopy/model/metadata.h"

// What pages say of their families. Targets of one job say the same, so it is kept once.

namespace canopy::ingest {

// Whether a series of this name is one of the family's, by what the names of its type end with.
bool IsOfFamily(std::string_view metric, std::string_view family, model::MetricType type);

struct FamilyMetadata {
  std::string family;
  model::Metadata metadata;
};

// Everything one page says, sorted by family. Immutable.
struct MetadataSet {
  std::vector<std::shared_ptr<const FamilyMetadata>> families;
  // Bytes of all strings in it.
  size_t bytes() const;
  // Null when the page says nothing of the family.
  const FamilyMetadata* Find(std::string_view family) const;
  // Of the family that a series of this name belongs to: a histogram's is that of its buckets.
  const FamilyMetadata* OfSeries(std::string_view metric) const;
};

// Shares equal sets between targets, and equal families between sets. What nobody holds any longer
// goes. Thread-safe.
class MetadataPool {
 public:
  MetadataPool() : mu_(LockRank::kLeaf) {}

  // The set of a page. `hash` stands for the page's metadata lines, in their order: equal hashes
  // mean equal lines, and then the page is not read.
  std::shared_ptr<const MetadataSet> Intern(uint64_t hash, std::string_view page,
                                            exposition::PageFormat format);

 private:
  void DropDead() CANOPY_REQUIRES(mu_);

  Mutex mu_;
  std::unordered_map<uint64_t, std::weak_ptr<const MetadataSet>> sets_ CANOPY_GUARDED_BY(mu_);
  std::unordered_map<std::string, std::vector<std::weak_ptr<const FamilyMetadata>>> families_
      CANOPY_GUARDED_BY(mu_);
  size_t drop_at_ CANOPY_GUARDED_BY(mu_) = 64;
};

}  // namespace canopy::ingest
