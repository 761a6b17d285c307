#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/storage/queryable.h"
#include "tsdb/chunk_builder.h"
#include "tsdb/head_chunk_scan.h"
#include "tsdb/loose_samples.h"
#include "tsdb/out_of_order.h"
#include "tsdb/tombstones.h"
#include "tsdb/wal_reader.h"
#include "tsdb/wal_record.h"

namespace canopy::tsdb {

struct OfflineHeadOptions {
  // What is older is in blocks: only out-of-order samples of that time are taken.
  Timestamp min_time = Timestamp::Min();
  // Called now and then with the bytes of logs that were read, of all.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

// What a head would hold after a start on the directory: from wal/ with its checkpoint, wbl/ and
// chunks_head/. Nothing is locked, repaired or written, so that the directory may be anybody's.
// Immutable and thread-safe once loaded.
class OfflineHead {
 public:
  // What cannot be read is passed over, as a start would have it, and named in notices().
  // kNotFound when a file goes while it is about to be read: whoever has the directory has moved
  // on, and another try will do.
  static Result<std::shared_ptr<const OfflineHead>> Load(Fs& fs, const std::string& dir,
                                                         const OfflineHeadOptions& options);

  // For people: "wal/00000007: offset 131072: unexpected checksum; 1024 bytes are left out".
  const std::vector<std::string>& notices() const { return notices_; }

  size_t size() const { return samples_.size(); }
  model::SeriesLabelsView labels(uint32_t series) const {
    return {samples_.symbols(), samples_.labels(series)};
  }
  std::vector<uint32_t> SortedSeries() const { return samples_.Sorted(); }
  // Samples of from <= t <= until. Fails with kUnsupported or kCorrupt at a chunk that cannot be
  // decoded.
  Status Read(uint32_t series, int64_t from, int64_t until, storage::ColumnBuffer& buffer) const;

 private:
  // Of one series, as chunks.
  struct Histograms {
    ChunkBuilder builder;
    std::vector<SourceChunk> chunks;
    int64_t newest = INT64_MIN;
  };

  explicit OfflineHead(const OfflineHeadOptions& options) : options_(options) {}

  Status LoadLog(WalReader& log, bool out_of_order, uint64_t done_before, uint64_t total);
  Status TakeRecord(std::string_view record, bool out_of_order);
  std::optional<uint32_t> SeriesOf(SeriesRef ref);
  // The series that a row's sample of the log is to be added to, unless it is to be left out.
  std::optional<uint32_t> TakesInOrder(SeriesRef ref, Timestamp time);
  void TakeOutOfOrder(SeriesRef ref, Timestamp time, const ArrivingValue& value);
  template <class Row>
  void TakeHistogram(const Row& row, bool out_of_order);
  Status LoadHeadChunks(Fs& fs, const std::string& dir);
  int64_t Newest(uint32_t series) const;
  void Delete(const RefTombstone& row);
  void Finish();

  const OfflineHeadOptions options_;
  std::vector<std::string> notices_;
  LooseSamples samples_;
  absl::flat_hash_map<uint64_t, uint32_t> by_ref_;
  Tombstones deleted_;
  // Of the series that have any.
  absl::flat_hash_map<uint32_t, std::vector<HeadChunk>> chunks_;
  std::vector<std::shared_ptr<const MappedFile>> chunk_files_;
  std::unordered_map<uint32_t, Histograms> histograms_;
  absl::flat_hash_map<uint32_t, OutOfOrderSeries> out_of_order_;
  // What is older went to blocks that are gone by now: see kEverySeries in wal_record.h.
  Timestamp dropped_before_ = Timestamp::Min();
  bool late_are_ours_ = false;  // see kEverySeries as well
  uint64_t unknown_refs_ = 0;
  uint64_t impossible_histograms_ = 0;
};

// Reads the head, both ends included, as storage::Querier. Series come sorted by labels.
std::unique_ptr<storage::Querier> NewOfflineHeadQuerier(std::shared_ptr<const OfflineHead> head,
                                                        Timestamp mint, Timestamp maxt);

}  // namespace canopy::tsdb
