#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/node_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "canopy/base/ids.h"
#include "canopy/model/metadata.h"

namespace canopy::tsdb {

// The last word of a log on each series. Series of one metric say the same, mostly, so that it is
// kept once. Not thread-safe.
class LoggedMetadata {
 public:
  LoggedMetadata() = default;
  LoggedMetadata(const LoggedMetadata&) = delete;
  LoggedMetadata& operator=(const LoggedMetadata&) = delete;

  // Null: nothing has been said.
  const model::Metadata* Find(SeriesRef series) const;
  void Set(SeriesRef series, const model::Metadata& metadata);
  void Remove(SeriesRef series);

  size_t size() const { return by_series_.size(); }
  // Different ones.
  size_t distinct() const { return pool_.size(); }
  // As records of the log, by ref, a limited number of series in each.
  std::vector<std::string> Encode() const;

 private:
  struct Hash {
    size_t operator()(const model::Metadata& metadata) const;
  };
  // How many series have it. Its entries stay where they are.
  using Pool = absl::node_hash_map<model::Metadata, size_t, Hash>;

  void Release(Pool::value_type& entry);

  Pool pool_;
  absl::flat_hash_map<uint64_t, Pool::value_type*> by_series_;  // by ref
};

}  // namespace canopy::tsdb
