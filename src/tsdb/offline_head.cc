#include "tsdb/offline_head.h"

#include <algorithm>
#include <utility>

#include "canopy/storage/merge.h"
#include "tsdb/wal_histogram_record.h"
#include "tsdb/wal_record.h"

namespace canopy::tsdb {

Result<std::shared_ptr<const OfflineHead>> OfflineHead::Load(Fs& fs, const std::string& dir,
                                                             const OfflineHeadOptions& options) {
  std::shared_ptr<OfflineHead> head(new OfflineHead(options));
  CANOPY_ASSIGN_OR_RETURN(const auto wal, WalReader::OpenAll(fs, JoinPath(dir, "wal")));
  CANOPY_ASSIGN_OR_RETURN(const auto wbl, WalReader::Open(fs, JoinPath(dir, "wbl"), {}));
  const uint64_t total = wal->total_bytes() + wbl->total_bytes();
  CANOPY_RETURN_IF_ERROR(head->LoadLog(*wal, false, 0, total));
  CANOPY_RETURN_IF_ERROR(head->LoadLog(*wbl, true, wal->total_bytes(), total));
  CANOPY_RETURN_IF_ERROR(head->LoadHeadChunks(fs, JoinPath(dir, kHeadChunksDir)));
  head->Notice();
  return std::shared_ptr<const OfflineHead>(std::move(head));
}

Status OfflineHead::LoadLog(WalReader& log, bool out_of_order, uint64_t done_before,
                            uint64_t total) {
  constexpr uint64_t kProgressEvery = 256;
  WalScratch scratch;
  WalRecord record;
  for (;;) {
    for (uint64_t n = 0; log.Next(record); ++n) {
      if (options_.progress && n % kProgressEvery == 0)
        options_.progress(done_before + log.read_bytes(), total);
      const auto plain = record.Unpack(scratch);
      const Status status = plain.ok() ? TakeRecord(*plain, out_of_order) : plain.status();
      if (!status.ok()) log.Condemn(record, status.message());
    }
    if (!log.corruption()) break;
    // The end of a log that is being written is nothing to talk about.
    if (!log.corruption()->torn) {
      notices_.push_back(log.corruption()->status().message() + "; " +
                         std::to_string(log.corruption()->lost_bytes) + " bytes are left out");
    }
    log.Skip();
  }
  return log.status();
}

Status OfflineHead::TakeRecord(std::string_view record, bool out_of_order) {
  switch (TypeOfRecord(record)) {
    case RecordType::kSeries:
      return DecodeSeries(record, [&](const RefSeries& row) {
        by_ref_[row.ref.value()] = samples_.Series(row.labels);
      });
    case RecordType::kSamples:
    case RecordType::kSamplesV2:
      return DecodeSamples(record, [&](const RefSample& row) {
        const auto it = by_ref_.find(row.ref.value());
        if (!out_of_order && row.time < options_.min_time) return;
        if (it == by_ref_.end()) {
          ++unknown_refs_;
          return;
        }
        // The log may have samples that were refused in the end; the out-of-order log has those
        // that were not.
        if (!out_of_order && row.time.ms() <= samples_.newest(it->second)) return;
        samples_.Add(it->second, row.time.ms(), row.value);
      });
    case RecordType::kTombstones:
      return DecodeTombstones(record, [&](const RefTombstone& row) {
        const auto it = by_ref_.find(row.ref.value());
        if (it != by_ref_.end() && row.mint <= row.maxt)
          deleted_.Add(it->second, {row.mint.ms(), row.maxt.ms()});
      });
    case RecordType::kHistogramSamples:
    case RecordType::kCustomBucketsHistogramSamples:
    case RecordType::kHistogramSamplesV2:
      return DecodeHistograms(record, [&](const RefHistogram&) { ++histograms_; });
    case RecordType::kFloatHistogramSamples:
    case RecordType::kCustomBucketsFloatHistogramSamples:
    case RecordType::kFloatHistogramSamplesV2:
      return DecodeFloatHistograms(record, [&](const RefFloatHistogram&) { ++histograms_; });
    case RecordType::kExemplars:
    case RecordType::kMetadata:
    // The samples that went to head chunks are in the log as well.
    case RecordType::kMmapMarkers:
    case RecordType::kUnknown:
      return {};
  }
  return {};
}

Status OfflineHead::LoadHeadChunks(Fs& fs, const std::string& dir) {
  auto scan = ScanHeadChunks(fs, dir, [&](uint64_t, const HeadChunk& chunk) {
    const auto it = by_ref_.find(chunk.series.value());
    // Of series that have gone: blocks have their samples.
    if (it == by_ref_.end()) return;
    if (!chunk.out_of_order && chunk.maxt < options_.min_time.ms()) return;
    if (HoldsHistograms(chunk.encoding)) return;  // the log has counted them
    chunks_[it->second].push_back(chunk);
  });
  if (!scan.ok()) return scan.status();
  for (const HeadChunkFault& fault : scan->faults) {
    if (fault.torn) continue;
    notices_.push_back(fault.path + ": offset " + std::to_string(fault.offset) + ": " +
                       fault.reason + "; " + std::to_string(fault.lost_bytes) +
                       " bytes are left out");
  }
  chunk_files_ = std::move(scan->files);
  return {};
}

void OfflineHead::Notice() {
  if (unknown_refs_ > 0) {
    notices_.push_back(std::to_string(unknown_refs_) +
                       " samples of the log are of series that it does not name, and are left out");
  }
  if (histograms_ > 0) {
    notices_.push_back(std::to_string(histograms_) +
                       " native histograms of the log are left out: not supported yet");
  }
}

Status OfflineHead::Read(uint32_t series, int64_t from, int64_t until,
                         storage::ColumnBuffer& buffer) const {
  buffer.Clear();
  samples_.Read(series, buffer.times, buffer.values);
  if (const auto it = chunks_.find(series); it != chunks_.end()) {
    storage::ColumnBuffer chunk;
    storage::ColumnBuffer scratch;
    for (const HeadChunk& found : it->second) {
      if (found.maxt < from || found.mint > until) continue;
      chunk.Clear();
      CANOPY_RETURN_IF_ERROR(
          DecodeFloatChunk(found.encoding, found.data, chunk.times, chunk.values)
              .In("head chunk of series " + std::to_string(found.series.value())));
      if (!found.out_of_order && found.mint < options_.min_time.ms())
        EraseDeleted({{{INT64_MIN, options_.min_time.ms() - 1}}}, 0, chunk.times, chunk.values);
      storage::MergeColumns(buffer, {chunk.times, chunk.values}, scratch);
    }
  }
  EraseDeleted(deleted_.Get(series), 0, buffer.times, buffer.values);
  return {};
}

namespace {

class OfflineSeriesSet final : public storage::SeriesSet {
 public:
  OfflineSeriesSet(std::shared_ptr<const OfflineHead> head, std::vector<uint32_t> series,
                   Timestamp mint, Timestamp maxt)
      : head_(std::move(head)), series_(std::move(series)), mint_(mint), maxt_(maxt) {}

  size_t size() const override { return series_.size(); }
  model::SeriesLabelsView labels(size_t i) const override { return head_->labels(series_[i]); }
  Result<storage::Columns> Read(size_t i, Timestamp from, Timestamp until,
                                storage::ColumnBuffer& buffer) const override {
    const int64_t first = std::max(from, mint_).ms();
    const int64_t last = std::min(until, maxt_).ms();
    CANOPY_RETURN_IF_ERROR(head_->Read(series_[i], first, last, buffer));
    const auto begin = std::ranges::lower_bound(buffer.times, first);
    const auto end = std::upper_bound(begin, buffer.times.end(), last);
    const auto place = static_cast<size_t>(begin - buffer.times.begin());
    const auto count = static_cast<size_t>(end - begin);
    return storage::Columns{std::span(buffer.times).subspan(place, count),
                            std::span(buffer.values).subspan(place, count)};
  }

 private:
  const std::shared_ptr<const OfflineHead> head_;
  const std::vector<uint32_t> series_;
  const Timestamp mint_;
  const Timestamp maxt_;
};

// Looks at every series: for tools, which ask once.
class OfflineQuerier final : public storage::Querier {
 public:
  OfflineQuerier(std::shared_ptr<const OfflineHead> head, Timestamp mint, Timestamp maxt)
      : head_(std::move(head)), mint_(mint), maxt_(maxt) {}

  Result<std::unique_ptr<storage::SeriesSet>> Select(std::span<const model::Matcher> matchers,
                                                     const storage::SelectHints& hints) override {
    std::vector<uint32_t> found = Matching(matchers);
    if (hints.max_series != 0 && found.size() > hints.max_series) {
      return Status::Limit("the selector matches more than " + std::to_string(hints.max_series) +
                           " series");
    }
    return std::unique_ptr<storage::SeriesSet>(
        std::make_unique<OfflineSeriesSet>(head_, std::move(found), mint_, maxt_));
  }
  Result<std::vector<std::string>> LabelNames(std::span<const model::Matcher> matchers,
                                              uint64_t limit) override {
    return Texts(matchers, limit, [](model::LabelView label) { return label.name; });
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               std::span<const model::Matcher> matchers,
                                               uint64_t limit) override {
    return Texts(matchers, limit, [&](model::LabelView label) {
      return label.name == name ? label.value : std::string_view();
    });
  }

 private:
  std::vector<uint32_t> Matching(std::span<const model::Matcher> matchers) const {
    std::vector<uint32_t> found = head_->SortedSeries();
    std::erase_if(found, [&](uint32_t series) {
      const model::SeriesLabelsView labels = head_->labels(series);
      return !std::ranges::all_of(
          matchers, [&](const model::Matcher& m) { return m.Matches(labels.Get(m.name())); });
    });
    return found;
  }
  // What `pick` makes of each label, unless it is empty: sorted, each once.
  template <class Pick>
  std::vector<std::string> Texts(std::span<const model::Matcher> matchers, uint64_t limit,
                                 Pick pick) const {
    std::vector<std::string_view> views;
    for (const uint32_t series : Matching(matchers)) {
      const model::SeriesLabelsView labels = head_->labels(series);
      for (const model::SymbolPair pair : labels.pairs()) {
        const std::string_view text =
            pick({labels.symbols().Lookup(pair.name), labels.symbols().Lookup(pair.value)});
        if (!text.empty()) views.push_back(text);
      }
    }
    std::ranges::sort(views);
    const auto repeated = std::ranges::unique(views);
    views.erase(repeated.begin(), repeated.end());
    if (limit != 0 && views.size() > limit) views.resize(limit);
    return {views.begin(), views.end()};
  }

  const std::shared_ptr<const OfflineHead> head_;
  const Timestamp mint_;
  const Timestamp maxt_;
};

}  // namespace

std::unique_ptr<storage::Querier> NewOfflineHeadQuerier(std::shared_ptr<const OfflineHead> head,
                                                        Timestamp mint, Timestamp maxt) {
  return std::make_unique<OfflineQuerier>(std::move(head), mint, maxt);
}

}  // namespace canopy::tsdb
