#include "canopy/promql/active_queries.h"

#include <algorithm>

#include "canopy/base/log.h"
#include "canopy/base/number.h"
#include "canopy/base/quote.h"

namespace canopy::promql {
namespace {

constexpr size_t kPlaceBytes = 1000;
// More queries run than there are places: such a one is in no file.
constexpr size_t kNoPlace = static_cast<size_t>(-1);
// Of a file that something else has written, no more is shown.
constexpr size_t kMostShown = 64 << 10;

// The array that the file was going to be: empty when no query was running.
std::string Unfinished(std::string text) {
  std::erase(text, '\0');
  if (text.size() > kMostShown) text.resize(kMostShown);
  if (text.ends_with(',')) text.pop_back();
  return text.size() <= 1 ? "" : text + "]";
}

// {"query":"up","timestamp_sec":1767366000}, the text cut to what fits beside the comma.
std::string EntryText(std::string_view query, int64_t now_sec) {
  std::string tail = ",\"timestamp_sec\":";
  base::AppendInt(tail, now_sec);
  tail += '}';
  for (std::string_view cut = query;;) {
    std::string out = "{\"query\":";
    base::AppendJsonQuoted(out, cut);
    out += tail;
    if (out.size() < kPlaceBytes) return out;
    // Most bytes stand for one character; an escape may take six.
    const size_t excess = out.size() - kPlaceBytes + 1;
    size_t keep = cut.size() - std::max<size_t>(1, excess / 6);
    while (keep > 0 && (static_cast<unsigned char>(cut[keep]) & 0xc0) == 0x80) --keep;
    cut = cut.substr(0, std::min(keep, kPlaceBytes));
  }
}

}  // namespace

Result<std::unique_ptr<ActiveQueries>> ActiveQueries::Open(Fs& fs, const Clock& clock,
                                                           const std::string& dir, int places) {
  const std::string path = JoinPath(dir, "queries.active");
  const Result<std::string> before = fs.ReadFile(path);
  if (before.ok()) {
    const std::string queries = Unfinished(*before);
    if (!queries.empty())
      LOG_INFO("These queries didn't finish in the last run:", {"queries", queries});
  } else if (before.status().code() != Code::kNotFound) {
    LOG_WARN("The queries of the last run cannot be told", {"err", before.status().message()});
  }
  const auto count = static_cast<size_t>(places);
  CANOPY_ASSIGN_OR_RETURN(auto file, fs.CreateMapped(path, 1 + count * kPlaceBytes));
  return std::unique_ptr<ActiveQueries>(new ActiveQueries(std::move(file), clock, count));
}

ActiveQueries::ActiveQueries(std::unique_ptr<WritableMapping> file, const Clock& clock,
                             size_t places)
    : file_(std::move(file)), clock_(clock), mu_(LockRank::kLeaf) {
  file_->bytes()[0] = '[';
  for (size_t i = places; i-- > 0;) free_.push_back(i);
}

std::span<char> ActiveQueries::PlaceOf(size_t place) const {
  return file_->bytes().subspan(1 + place * kPlaceBytes, kPlaceBytes);
}

size_t ActiveQueries::Add(std::string_view query) {
  const std::string text = EntryText(query, clock_.Now().ms() / 1000);
  size_t place = kNoPlace;
  {
    const MutexLock lock(mu_);
    if (free_.empty()) return kNoPlace;
    place = free_.back();
    free_.pop_back();
  }
  const std::span<char> bytes = PlaceOf(place);
  std::copy(text.begin(), text.end(), bytes.begin());
  bytes.back() = ',';
  return place;
}

void ActiveQueries::Remove(size_t place) {
  if (place == kNoPlace) return;
  const std::span<char> bytes = PlaceOf(place);
  std::fill(bytes.begin(), bytes.end(), '\0');
  const MutexLock lock(mu_);
  free_.push_back(place);
}

}  // namespace canopy::promql
