#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/labels.h"
#include "canopy/tsdb/read_only_db.h"

namespace canopy::tsdb {

// Makes a block of samples that come from elsewhere, in whatever order they come. They are kept
// compressed in memory until Write(). Not thread-safe.
class BlockBuilder {
 public:
  BlockBuilder();
  ~BlockBuilder();
  BlockBuilder(BlockBuilder&&) noexcept;
  BlockBuilder& operator=(BlockBuilder&&) noexcept;

  // A number for the series, the same one for the same labels.
  // REQUIRES: sorted by name, names unique, no value empty.
  uint32_t Series(std::span<const model::LabelView> labels);
  void Add(uint32_t series, Timestamp time, double value);
  uint64_t sample_count() const;

  // Writes the block into the data directory `dir`, which is created if need be; it is there as a
  // whole or not at all. `now` goes into its name. nullopt without samples. kInvalid when a series
  // has two values at one time.
  Result<std::optional<BlockInfo>> Write(Fs& fs, const std::string& dir, Timestamp now) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace canopy::tsdb
