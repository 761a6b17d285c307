#include "tsdb/offline_head.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "canopy/model/histogram.h"
#include "canopy/model/sample.h"
#include "canopy/storage/merge.h"
#include "tsdb/wal_histogram_value.h"
#include "tsdb/wal_record.h"

namespace canopy::tsdb {

Result<std::shared_ptr<const OfflineHead>> OfflineHead::Load(Fs& fs, const std::string& dir,
                                                             const OfflineHeadOptions& options) {
  std::shared_ptr<OfflineHead> head(new OfflineHead(options));
  CANOPY_ASSIGN_OR_RETURN(const auto wal, WalReader::OpenAll(fs, JoinPath(dir, "wal")));
  CANOPY_ASSIGN_OR_RETURN(const auto wbl, WalReader::Open(fs, JoinPath(dir, "wbl"), {}));
  const uint64_t total = wal->total_bytes() + wbl->total_bytes();
  CANOPY_RETURN_IF_ERROR(head->LoadLog(*wal, false, 0, total));
  if (head->dropped_before_ > options.min_time) {
    // Which the log says behind the samples that it is about: they are not taken next time.
    OfflineHeadOptions narrower = options;
    narrower.min_time = head->dropped_before_;
    return Load(fs, dir, narrower);
  }
  CANOPY_RETURN_IF_ERROR(head->LoadLog(*wbl, true, wal->total_bytes(), total));
  CANOPY_RETURN_IF_ERROR(head->LoadHeadChunks(fs, JoinPath(dir, kHeadChunksDir)));
  head->Finish();
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

std::optional<uint32_t> OfflineHead::SeriesOf(SeriesRef ref) {
  const auto it = by_ref_.find(ref.value());
  if (it != by_ref_.end()) return it->second;
  ++unknown_refs_;
  return std::nullopt;
}

// The log may have samples that were refused in the end; the out-of-order log has those that were
// not.
std::optional<uint32_t> OfflineHead::TakesInOrder(SeriesRef ref, Timestamp time) {
  if (time < options_.min_time) return std::nullopt;
  const std::optional<uint32_t> series = SeriesOf(ref);
  if (!series || time.ms() <= Newest(*series)) return std::nullopt;
  return series;
}

void OfflineHead::TakeOutOfOrder(SeriesRef ref, Timestamp time, const ArrivingValue& value) {
  const std::optional<uint32_t> series = SeriesOf(ref);
  if (!series) return;
  if (!late_are_ours_ && CoversAll(deleted_.Get(*series), time.ms(), time.ms())) return;
  constexpr int64_t kChunkRange = 2 * 3'600'000;
  OutOfOrderSeries& samples = out_of_order_[*series];
  if (samples.Find(time.ms(), value) == SampleFound::kNone)
    samples.Insert(time.ms(), value, kChunkRange);
}

int64_t OfflineHead::Newest(uint32_t series) const {
  const auto histograms = histograms_.find(series);
  if (histograms == histograms_.end()) return samples_.newest(series);
  return std::max(samples_.newest(series), histograms->second.newest);
}

template <class Row>
void OfflineHead::TakeHistogram(const Row& row, bool out_of_order) {
  auto value = FromRow(row);
  if (!value.ok()) {
    ++impossible_histograms_;
    return;
  }
  if (out_of_order) {
    TakeOutOfOrder(row.ref, row.time, {0, &*value});
    return;
  }
  const std::optional<uint32_t> series = TakesInOrder(row.ref, row.time);
  if (!series) return;
  Histograms& of_series = histograms_[*series];
  of_series.newest = row.time.ms();
  std::visit([&](const auto& h) { of_series.builder.Add(row.time.ms(), h); }, *value);
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
        if (out_of_order)
          TakeOutOfOrder(row.ref, row.time, {row.value, nullptr});
        else if (const auto series = TakesInOrder(row.ref, row.time))
          samples_.Add(*series, row.time.ms(), row.value);
      });
    case RecordType::kTombstones:
      return DecodeTombstones(record, [&](const RefTombstone& row) {
        if (!out_of_order)
          Delete(row);
        else if (row.ref == kEverySeries)
          late_are_ours_ = true;
      });
    case RecordType::kHistogramSamples:
    case RecordType::kCustomBucketsHistogramSamples:
    case RecordType::kHistogramSamplesV2:
      return DecodeHistograms(record,
                              [&](const RefHistogram& row) { TakeHistogram(row, out_of_order); });
    case RecordType::kFloatHistogramSamples:
    case RecordType::kCustomBucketsFloatHistogramSamples:
    case RecordType::kFloatHistogramSamplesV2:
      return DecodeFloatHistograms(
          record, [&](const RefFloatHistogram& row) { TakeHistogram(row, out_of_order); });
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

void OfflineHead::Delete(const RefTombstone& row) {
  if (row.ref == kEverySeries) {
    if (row.maxt < Timestamp::Max())
      dropped_before_ = std::max(dropped_before_, row.maxt + Duration(1));
    return;
  }
  const auto it = by_ref_.find(row.ref.value());
  if (it == by_ref_.end() || row.mint > row.maxt || row.maxt < options_.min_time) return;
  TimeRange range{row.mint.ms(), row.maxt.ms()};
  // That is how Prometheus says that a series has left its head for a block. Another one with its
  // labels may come.
  if (row.mint == Timestamp::Min() && row.maxt == Timestamp::Max()) range.maxt = Newest(it->second);
  deleted_.Add(it->second, range);
}

void OfflineHead::Finish() {
  for (auto& [series, histograms] : histograms_) histograms.builder.Flush(histograms.chunks);
  if (unknown_refs_ > 0) {
    notices_.push_back(std::to_string(unknown_refs_) +
                       " samples of the log are of series that it does not name, and are left out");
  }
  if (impossible_histograms_ > 0) {
    notices_.push_back(std::to_string(impossible_histograms_) +
                       " native histograms of the log cannot be, and are left out");
  }
}

Status OfflineHead::Read(uint32_t series, int64_t from, int64_t until,
                         storage::ColumnBuffer& buffer) const {
  buffer.Clear();
  samples_.Read(series, buffer.times, buffer.values);
  storage::ColumnBuffer chunk;
  storage::ColumnBuffer scratch;
  if (const auto it = histograms_.find(series); it != histograms_.end()) {
    for (const SourceChunk& found : it->second.chunks) {
      if (found.maxt < from || found.mint > until) continue;
      chunk.Clear();
      CANOPY_RETURN_IF_ERROR(DecodeChunk(found.encoding, found.data, chunk));
      storage::MergeColumns(buffer, chunk.View(), scratch);
    }
  }
  if (const auto it = chunks_.find(series); it != chunks_.end()) {
    for (const HeadChunk& found : it->second) {
      if (found.maxt < from || found.mint > until) continue;
      chunk.Clear();
      CANOPY_RETURN_IF_ERROR(
          DecodeChunk(found.encoding, found.data, chunk)
              .In("head chunk of series " + std::to_string(found.series.value())));
      if (!found.out_of_order && found.mint < options_.min_time.ms())
        EraseDeleted({{{INT64_MIN, options_.min_time.ms() - 1}}}, 0, chunk);
      storage::MergeColumns(buffer, chunk.View(), scratch);
    }
  }
  EraseDeleted(deleted_.Get(series), 0, buffer);
  // What is deleted goes to blocks before: these came later.
  const auto late = out_of_order_.find(series);
  if (late == out_of_order_.end()) return {};
  storage::ColumnBuffer merged;
  CANOPY_RETURN_IF_ERROR(late->second.ReadInto(from, until, merged));
  storage::MergeColumns(merged, buffer.View(), scratch);
  std::swap(buffer, merged);
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
    return storage::PartOf(buffer.View(), first, last);
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
    views.erase(std::unique(views.begin(), views.end()), views.end());
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
