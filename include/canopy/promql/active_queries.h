#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/base/mutex.h"
#include "canopy/base/status.h"

namespace canopy::promql {

// The queries that run, in a file of Prometheus's form, so that after a crash one sees which query
// may have been its reason:
//
//   [ place place ...      each of 1000 bytes: zeros, or
//   {"query":"sum(up)","timestamp_sec":1767366000}  zeros  ,
//
// Texts that are too long for their place are cut. Thread-safe.
class ActiveQueries {
 public:
  // `dir`/queries.active, with so many places. What it held before is logged: those queries were
  // running when the process died. `clock` must outlive this.
  static Result<std::unique_ptr<ActiveQueries>> Open(Fs& fs, const Clock& clock,
                                                     const std::string& dir, int places);

  // One query in the file, while it lives.
  class Entry {
   public:
    Entry(ActiveQueries& active, std::string_view query)
        : active_(active), place_(active.Add(query)) {}
    ~Entry() { active_.Remove(place_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    ActiveQueries& active_;
    const size_t place_;
  };

 private:
  ActiveQueries(std::unique_ptr<WritableMapping> file, const Clock& clock, size_t places);

  size_t Add(std::string_view query);
  void Remove(size_t place);
  std::span<char> PlaceOf(size_t place) const;

  const std::unique_ptr<WritableMapping> file_;
  const Clock& clock_;
  Mutex mu_;
  std::vector<size_t> free_ CANOPY_GUARDED_BY(mu_);
};

}  // namespace canopy::promql
