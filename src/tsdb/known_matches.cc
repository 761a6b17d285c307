#include "known_matches.h"

#include <algorithm>
#include <utility>

namespace canopy::tsdb {
namespace {

size_t BytesOf(const std::shared_ptr<const Roaring>& set) {
  return set == nullptr ? 0 : set->getSizeInBytes();
}

}  // namespace

KnownMatches::Known KnownMatches::Ask(const model::Matcher& matcher) {
  std::string key = matcher.ToString();
  const MutexLock lock(mu_);
  const auto [it, is_new] = entries_.try_emplace(std::move(key));
  it->second.asked = ++asks_;
  if (!is_new) return it->second.known;
  it->second.bytes = sizeof(Entry) + it->first.size();
  bytes_ += it->second.bytes;
  it->second.known.asked_before = true;
  Shrink();
  return {};
}

void KnownMatches::Learn(const model::Matcher& matcher, Known known) {
  const size_t bytes = BytesOf(known.values) + BytesOf(known.series);
  std::string key = matcher.ToString();
  const MutexLock lock(mu_);
  const auto [it, is_new] = entries_.try_emplace(std::move(key));
  Entry& entry = it->second;
  bytes_ -= entry.bytes;
  entry.bytes = sizeof(Entry) + it->first.size() + bytes;
  bytes_ += entry.bytes;
  entry.known = std::move(known);
  entry.known.asked_before = true;
  if (is_new) entry.asked = ++asks_;
  Shrink();
}

void KnownMatches::Shrink() {
  while (entries_.size() > kMaxEntries || bytes_ > kMaxBytes) {
    const auto oldest = std::ranges::min_element(
        entries_, {}, [](const auto& entry) { return entry.second.asked; });
    bytes_ -= oldest->second.bytes;
    entries_.erase(oldest);
  }
}

size_t KnownMatches::bytes() const {
  const MutexLock lock(mu_);
  return bytes_;
}

}  // namespace canopy::tsdb
