#include "replay.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "canopy/base/log.h"
#include "canopy/base/mutex.h"
#include "canopy/base/workers.h"
#include "wal_histogram_value.h"
#include "wal_reader.h"
#include "wal_record.h"

namespace canopy::tsdb {
namespace {

// Records on their way from the thread that unpacks to the one that stores. Samples, of which a log
// mostly consists, are rows already.
struct Parcel {
  struct Entry {
    WalRecord record;
    Status status;          // kCorrupt: the log is cut off before it, so nothing of it counts
    std::string plain;      // but for samples
    size_t samples_to = 0;  // its samples are those from the entry before up to here
    bool is_samples = false;
  };
  std::vector<Entry> entries;
  std::vector<RefSample> samples;
};

// Reads, unpacks and decodes on a thread of its own, a few parcels ahead.
class Unpacker {
 public:
  Unpacker(WalReader& reader, ReplayProgress& progress)
      : reader_(reader), progress_(progress), mu_(LockRank::kLeaf) {
    thread_ = std::thread([this] {
      SetThreadName("wal-unpack");
      Run();
    });
  }
  ~Unpacker() {
    {
      const MutexLock lock(mu_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    thread_.join();
  }

  // Null at the end.
  std::unique_ptr<Parcel> Take() {
    const MutexLock lock(mu_);
    while (parcels_.empty() && !done_) changed_.Wait(mu_);
    if (parcels_.empty()) return nullptr;
    auto parcel = std::move(parcels_.front());
    parcels_.pop_front();
    changed_.NotifyAll();
    return parcel;
  }

 private:
  static constexpr size_t kParcelBytes = 1 << 20;
  static constexpr size_t kAhead = 4;

  void Run() {
    WalScratch scratch;
    for (bool more = true; more;) {
      auto parcel = std::make_unique<Parcel>();
      for (size_t bytes = 0; more && bytes < kParcelBytes;) {
        WalRecord record;
        more = reader_.Next(record);
        if (!more) break;
        bytes += sizeof(Parcel::Entry) + Add(std::move(record), scratch, *parcel);
        more = parcel->entries.back().status.ok();
      }
      NoteProgress();
      const MutexLock lock(mu_);
      while (parcels_.size() >= kAhead && !stopping_) changed_.Wait(mu_);
      if (stopping_) return;
      parcels_.push_back(std::move(parcel));
      if (!more) done_ = true;
      changed_.NotifyAll();
    }
  }

  // Returns its size.
  static size_t Add(WalRecord record, WalScratch& scratch, Parcel& parcel) {
    Parcel::Entry& entry = parcel.entries.emplace_back();
    entry.record = std::move(record);
    const auto view = entry.record.Unpack(scratch);
    const RecordType type = view.ok() ? TypeOfRecord(*view) : RecordType::kUnknown;
    if (!view.ok()) {
      entry.status = view.status();
    } else if (type == RecordType::kSamples || type == RecordType::kSamplesV2) {
      entry.is_samples = true;
      entry.status =
          DecodeSamples(*view, [&](const RefSample& row) { parcel.samples.push_back(row); });
    } else {
      entry.plain = *view;
    }
    entry.samples_to = parcel.samples.size();
    return view.ok() ? view->size() : 0;
  }

  void NoteProgress() {
    const auto segment = reader_.current_segment();
    if (!segment || static_cast<int>(*segment) == progress_.current) return;
    progress_.current = static_cast<int>(*segment);
    LOG_INFO("WAL segment is being loaded", {"segment", *segment},
             {"maxSegment", progress_.max.load()});
  }

  WalReader& reader_;
  ReplayProgress& progress_;
  Mutex mu_;
  CondVar changed_;
  std::deque<std::unique_ptr<Parcel>> parcels_ CANOPY_GUARDED_BY(mu_);
  bool done_ CANOPY_GUARDED_BY(mu_) = false;
  bool stopping_ CANOPY_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

// Calls store(row, value) for each histogram of the record: it is false when there is no such
// series. Nothing when the record is of another kind.
template <class Store>
std::optional<Status> ReplayHistograms(std::string_view record, ReplayReport& report, Store store) {
  const auto take = [&](const auto& row) {
    ++report.samples;
    const auto value = FromRow(row);
    if (!value.ok())
      ++report.impossible_histograms;
    else if (!store(row, *value))
      ++report.unknown_series;
  };
  switch (TypeOfRecord(record)) {
    case RecordType::kHistogramSamples:
    case RecordType::kCustomBucketsHistogramSamples:
    case RecordType::kHistogramSamplesV2:
      return DecodeHistograms(record, take);
    case RecordType::kFloatHistogramSamples:
    case RecordType::kCustomBucketsFloatHistogramSamples:
    case RecordType::kFloatHistogramSamplesV2:
      return DecodeFloatHistograms(record, take);
    default:
      return std::nullopt;
  }
}

class Replay {
 public:
  Replay(Head& head, ExemplarStore& exemplars, ReplayReport& report)
      : head_(head), exemplars_(exemplars), report_(report) {}

  void StoreSamples(std::span<const RefSample> samples) {
    ++report_.records;
    report_.samples += samples.size();
    report_.unknown_series += head_.ReplaySamples(samples);
  }
  // Any other record.
  Status Store(std::string_view record) {
    ++report_.records;
    switch (TypeOfRecord(record)) {
      case RecordType::kSeries:
        return DecodeSeries(record, [&](const RefSeries& row) {
          ++report_.series;
          (void)head_.ReplaySeries(row.ref, row.labels);
        });
      case RecordType::kTombstones:
        return DecodeTombstones(record, [&](const RefTombstone& row) { Delete(row); });
      case RecordType::kExemplars:
        return DecodeExemplars(record, [&](const RefExemplar& row) { StoreExemplar(row); });
      case RecordType::kMetadata:
        return DecodeMetadata(record, [&](const RefMetadata& row) {
          if (!head_.ReplayMetadata(row.ref,
                                    {row.type, std::string(row.help), std::string(row.unit)}))
            ++report_.unknown_metadata_series;
        });
      default:
        if (const auto status = ReplayHistograms(
                record, report_, [&](const auto& row, const storage::HistogramValue& value) {
                  return head_.ReplayHistogram(row.ref, row.time.ms(), row.start, value);
                }))
          return *status;
        ++report_.unknown_records;
        return {};
    }
  }

 private:
  void Delete(const RefTombstone& row) {
    if (row.ref == kEverySeries) {
      if (row.maxt < Timestamp::Max())
        report_.dropped_before = std::max(report_.dropped_before, row.maxt + Duration(1));
      return;
    }
    ++report_.deletions;
    if (!head_.ReplayDeletion(row.ref, row.mint.ms(), row.maxt.ms())) ++report_.unknown_deletions;
  }

  // Where its time came from is not in the log. If its source names none, it is still the same one
  // when it is seen again; if it names one, that decides.
  void StoreExemplar(const RefExemplar& row) {
    if (!exemplars_.enabled()) return;
    ++report_.exemplars;
    SeriesRef ref = row.ref;
    const model::Labels series = head_.ReplayedLabels(ref);
    if (series.empty()) {
      ++report_.unknown_exemplar_series;
      return;
    }
    exemplars_.Replay(ref, series,
                      {.labels = model::Labels::FromSorted({row.labels.begin(), row.labels.end()}),
                       .value = row.value,
                       .time = row.time,
                       .has_time = false});
  }

  Head& head_;
  ExemplarStore& exemplars_;
  ReplayReport& report_;
};

class OutOfOrderReplay {
 public:
  OutOfOrderReplay(Head& head, ReplayReport& report) : head_(head), report_(report) {}

  void StoreSamples(std::span<const RefSample> samples) {
    ++report_.records;
    report_.samples += samples.size();
    for (const RefSample& row : samples)
      if (!head_.ReplayOutOfOrder(row.ref, row.time.ms(), {row.value, nullptr, row.start},
                                  !is_ours_))
        ++report_.unknown_series;
  }
  // Any other record.
  Status Store(std::string_view record) {
    ++report_.records;
    switch (TypeOfRecord(record)) {
      case RecordType::kTombstones:
        return DecodeTombstones(record, [&](const RefTombstone& row) {
          if (row.ref == kEverySeries) is_ours_ = true;
        });
      case RecordType::kMmapMarkers:
        return {};
      default:
        if (const auto status = ReplayHistograms(
                record, report_, [&](const auto& row, const storage::HistogramValue& value) {
                  return head_.ReplayOutOfOrder(row.ref, row.time.ms(), {0, &value, row.start},
                                                !is_ours_);
                }))
          return *status;
        ++report_.unknown_records;
        return {};
    }
  }

 private:
  Head& head_;
  ReplayReport& report_;
  bool is_ours_ = false;  // see kEverySeries
};

// Stores until the end or the first record that makes no sense, which is condemned.
template <class AnyReplay>
void StoreAll(WalReader& reader, AnyReplay& replay, ReplayProgress& progress) {
  std::optional<std::pair<WalRecord, std::string>> bad;
  {
    Unpacker unpacker(reader, progress);
    while (const std::unique_ptr<Parcel> parcel = bad ? nullptr : unpacker.Take()) {
      size_t from = 0;
      for (const Parcel::Entry& entry : parcel->entries) {
        Status status = entry.status;
        if (entry.is_samples && status.ok())
          replay.StoreSamples(std::span(parcel->samples).subspan(from, entry.samples_to - from));
        else if (status.ok())
          status = replay.Store(entry.plain);
        from = entry.samples_to;
        if (status.ok()) continue;
        bad.emplace(entry.record, status.message());
        break;
      }
    }
  }
  if (bad) reader.Condemn(bad->first, bad->second);
}

// Cuts the log off where it cannot be read.
template <class AnyReplay>
Status StoreWhatCanBeRead(WalReader& reader, AnyReplay& replay, ReplayProgress& progress,
                          ReplayReport& report) {
  for (;;) {
    StoreAll(reader, replay, progress);
    if (!reader.corruption()) return reader.status();
    const WalCorruption& corruption = *reader.corruption();
    ++report.corruptions;
    report.lost_bytes += corruption.lost_bytes;
    LOG_WARN("Encountered WAL read error, attempting repair",
             {"err", corruption.status().message()}, {"lost_bytes", corruption.lost_bytes});
    CANOPY_RETURN_IF_ERROR(reader.Repair().In("repair of the log"));
  }
}

}  // namespace

Result<ReplayReport> ReplayLog(Fs& fs, const std::string& wal_dir, Head& head,
                               ExemplarStore& exemplars, ReplayProgress* progress) {
  ReplayReport report;
  ReplayProgress nobody;
  ReplayProgress& noted = progress != nullptr ? *progress : nobody;
  CANOPY_ASSIGN_OR_RETURN(const std::unique_ptr<WalReader> reader, WalReader::OpenAll(fs, wal_dir));
  noted.min = noted.current = static_cast<int>(reader->first_segment().value_or(0));
  noted.max = static_cast<int>(reader->last_segment().value_or(0));
  Replay replay(head, exemplars, report);
  CANOPY_RETURN_IF_ERROR(StoreWhatCanBeRead(*reader, replay, noted, report));
  CANOPY_RETURN_IF_ERROR(head.FinishReplay());
  noted.current = noted.max.load();
  return report;
}

Result<ReplayReport> ReplayOutOfOrderLog(Fs& fs, const std::string& wbl_dir, Head& head) {
  ReplayReport report;
  ReplayProgress progress;
  CANOPY_ASSIGN_OR_RETURN(const std::unique_ptr<WalReader> reader, WalReader::OpenAll(fs, wbl_dir));
  progress.max = static_cast<int>(reader->last_segment().value_or(0));
  OutOfOrderReplay replay(head, report);
  CANOPY_RETURN_IF_ERROR(StoreWhatCanBeRead(*reader, replay, progress, report));
  return report;
}

}  // namespace canopy::tsdb
