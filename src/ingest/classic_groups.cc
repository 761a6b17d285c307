#include "classic_groups.h"

#include <limits>

namespace canopy::ingest {
namespace {

constexpr uint32_t kUnused = std::numeric_limits<uint32_t>::max();

bool IsPart(const Entry& entry) {
  return entry.kind() == Entry::Kind::kPart || entry.kind() == Entry::Kind::kStoredPart;
}

// Moves what is used to the front, and says where each went.
template <class T>
void KeepUsed(std::vector<T>& list, std::vector<uint32_t>& places) {
  std::vector<T> kept;
  for (size_t i = 0; i < list.size(); ++i) {
    if (places[i] == kUnused) continue;
    places[i] = static_cast<uint32_t>(kept.size());
    kept.push_back(list[i]);
  }
  list = std::vector<T>(kept.begin(), kept.end());  // no bytes to spare
}

}  // namespace

void ClassicGroups::Clear() {
  series.clear();
  bounds.clear();
}

void ClassicGroups::DropUnused(Entries& page) {
  if (series.empty()) return;
  std::vector<uint32_t> group_at(series.size(), kUnused);
  std::vector<uint32_t> bound_at(bounds.size(), kUnused);
  size_t used_groups = 0;
  size_t used_bounds = 0;
  const auto use = [](uint32_t& place, size_t& used) {
    if (place == kUnused) ++used;
    place = 0;
  };
  for (const Entry& entry : page) {
    if (!IsPart(entry)) continue;
    const auto [group, role] = entry.part();
    use(group_at[group], used_groups);
    if (role >= Entry::Part::kFirstBucket)
      use(bound_at[role - Entry::Part::kFirstBucket], used_bounds);
  }
  const auto mostly_used = [](size_t used, size_t all) { return all <= 64 + 2 * used; };
  if (mostly_used(used_groups, series.size()) && mostly_used(used_bounds, bounds.size())) return;
  KeepUsed(series, group_at);
  KeepUsed(bounds, bound_at);
  for (Entry& entry : page) {
    if (!IsPart(entry)) continue;
    Entry::Part part = entry.part();
    part.group = group_at[part.group];
    if (part.role >= Entry::Part::kFirstBucket)
      part.role = bound_at[part.role - Entry::Part::kFirstBucket] + Entry::Part::kFirstBucket;
    entry =
        Entry::OfPart(entry.hash(), entry.length(), part, entry.kind() == Entry::Kind::kStoredPart);
  }
}

}  // namespace canopy::ingest
