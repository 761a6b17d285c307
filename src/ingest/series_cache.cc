#include "series_cache.h"

#include <array>
#include <bit>

#include "canopy/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace canopy::ingest {
namespace {

// XXH3 takes a seed for short input and a secret for long: a seed alone would make it derive the
// secret anew for each long series.
struct HashKey {
  explicit HashKey(std::string_view purpose) : seed(base::SeededHash(purpose)) {
    XXH3_generateSecret_fromSeed(secret.data(), seed);
  }
  uint64_t Hash(std::string_view bytes) const {
    return XXH3_64bits_withSecretandSeed(bytes.data(), bytes.size(), secret.data(), secret.size(),
                                         seed);
  }

  uint64_t seed;
  std::array<unsigned char, XXH3_SECRET_DEFAULT_SIZE> secret{};
};

struct HashKeys {
  HashKey plain{"page series"};
  HashKey histogram{"page series of histograms"};
  HashKey summary{"page series of summaries"};
  HashKey lines{"page lines"};
};

const HashKeys kKeys;

}  // namespace

uint64_t HashSeries(std::string_view bytes, model::MetricType type) {
  if (type == model::MetricType::kHistogram) return kKeys.histogram.Hash(bytes);
  if (type == model::MetricType::kSummary) return kKeys.summary.Hash(bytes);
  return kKeys.plain.Hash(bytes);
}

uint64_t HashLines(std::string_view bytes) { return kKeys.lines.Hash(bytes); }

void SeriesIndex::Build(const Entries& old_page, const Entries& new_page) {
  old_page_ = &old_page;
  new_page_ = &new_page;
  used_ = 0;
  slots_.assign(std::bit_ceil(old_page.size() * 2 + 64), 0);
  for (size_t i = 0; i < old_page.size(); ++i)
    if (old_page[i].is_series()) Put(old_page[i].hash(), static_cast<uint32_t>(i + 1));
}

uint64_t SeriesIndex::HashAt(uint32_t slot) const {
  const Entries& list = slot & kNewBit ? *new_page_ : *old_page_;
  return list[(slot & ~kNewBit) - 1].hash();
}

SeriesIndex::Place SeriesIndex::Find(uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i] != 0; i = (i + 1) & mask) {
    if (HashAt(slots_[i]) == hash)
      return {true, (slots_[i] & kNewBit) != 0, (slots_[i] & ~kNewBit) - 1};
  }
  return {};
}

void SeriesIndex::AddNew(uint64_t hash, uint32_t position) {
  if (used_ * 2 >= slots_.size()) Grow();
  Put(hash, (position + 1) | kNewBit);
}

void SeriesIndex::Put(uint64_t hash, uint32_t slot) {
  const size_t mask = slots_.size() - 1;
  size_t i = hash & mask;
  while (slots_[i] != 0) i = (i + 1) & mask;
  slots_[i] = slot;
  ++used_;
}

void SeriesIndex::Grow() {
  std::vector<uint32_t> old(slots_.size() * 2, 0);
  old.swap(slots_);
  used_ = 0;
  for (const uint32_t slot : old)
    if (slot != 0) Put(HashAt(slot), slot);
}

}  // namespace canopy::ingest
