#include "tsdb/verify_log.h"

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <vector>

#include "tsdb/chunk_file.h"
#include "tsdb/chunk_format.h"
#include "tsdb/head_chunk_scan.h"
#include "tsdb/wal_checkpoint.h"
#include "tsdb/wal_histogram_record.h"
#include "tsdb/wal_reader.h"
#include "tsdb/wal_record.h"

namespace canopy::tsdb {
namespace {

std::string Place(const std::string& path, uint64_t offset, const std::string& what) {
  return path + ": offset " + std::to_string(offset) + ": " + what;
}

class LogVerifier {
 public:
  LogVerifier(Fs& fs, const std::string& dir, bool names_its_series, Timestamp min_time,
              const ProgressFn& progress, LogRefs& refs, FaultList& faults)
      : fs_(fs),
        dir_(dir),
        names_its_series_(names_its_series),
        min_time_(min_time),
        progress_(progress),
        refs_(refs),
        faults_(faults) {}

  Status Run() {
    CANOPY_ASSIGN_OR_RETURN(const auto checkpoint, LastCheckpoint(fs_, dir_));
    CANOPY_ASSIGN_OR_RETURN(std::vector<uint32_t> segments, ListSegments(fs_, dir_));
    if (checkpoint) {
      CANOPY_ASSIGN_OR_RETURN(const auto its, ListSegments(fs_, checkpoint->dir));
      if (its.empty()) faults_.Add(checkpoint->dir + ": the checkpoint is empty");
      if (!its.empty() && its.front() != 0) Missing(checkpoint->dir, its.front());
      for (const uint32_t segment : its) total_ += SizeOf(SegmentPath(checkpoint->dir, segment));
      for (const uint32_t segment : segments) total_ += SizeOf(SegmentPath(dir_, segment));
      CANOPY_RETURN_IF_ERROR(Segments(checkpoint->dir, its, false));
      // The checkpoint stands for them.
      std::erase_if(segments, [&](uint32_t segment) { return segment <= checkpoint->segment; });
      if (!segments.empty() && segments.front() != checkpoint->segment + 1)
        Missing(dir_, segments.front());
    } else {
      for (const uint32_t segment : segments) total_ += SizeOf(SegmentPath(dir_, segment));
    }
    return Segments(dir_, segments, true);
  }

  std::string Content() const {
    return std::to_string(segments_) + " segments, " + std::to_string(records_) + " records, " +
           std::to_string(refs_.size()) + " series, " + std::to_string(samples_) + " samples";
  }

 private:
  uint64_t SizeOf(const std::string& path) {
    const auto size = fs_.Size(path);
    return size.ok() ? *size : 0;
  }
  void Missing(const std::string& dir, uint32_t segment) {
    faults_.Add(Place(SegmentPath(dir, segment), 0, "segments before it are missing"));
    incomplete_ = true;
  }

  Status Segments(const std::string& dir, const std::vector<uint32_t>& segments, bool may_be_torn) {
    for (size_t i = 0; i < segments.size(); ++i) {
      if (i > 0 && segments[i] != segments[i - 1] + 1) Missing(dir, segments[i]);
      CANOPY_RETURN_IF_ERROR(Segment(dir, segments[i], may_be_torn && i + 1 == segments.size()));
    }
    return {};
  }

  Status Segment(const std::string& dir, uint32_t segment, bool may_be_torn) {
    ++segments_;
    path_ = SegmentPath(dir, segment);
    CANOPY_ASSIGN_OR_RETURN(
        const auto reader,
        WalReader::Open(fs_, dir, {.checkpoint = "", .first = segment, .last = segment}));
    unknown_ = 0;
    WalRecord record;
    WalScratch scratch;
    while (reader->Next(record)) {
      ++records_;
      if (progress_ && records_ % 256 == 0) progress_(done_ + reader->read_bytes(), total_);
      const auto plain = record.Unpack(scratch);
      const Status status = plain.ok() ? Record(*plain, record.offset()) : plain.status();
      // Where the next record begins is known.
      if (!status.ok()) Fault(record.offset(), status.message());
    }
    if (const auto& corruption = reader->corruption()) {
      if (corruption->torn && may_be_torn) {
        faults_.Notice(Place(path_, corruption->offset,
                             "ends within a record, as a log that is being written may"));
      } else {
        Fault(corruption->offset, corruption->reason);
      }
    } else {
      CANOPY_RETURN_IF_ERROR(reader->status());
    }
    if (unknown_ > 0) {
      const std::string what =
          Place(path_, first_unknown_,
                std::to_string(unknown_) + " samples are of series that no record names");
      if (names_its_series_)
        faults_.Add(what);
      else
        faults_.Notice(what + ", as a power cut leaves it");
    }
    done_ += SizeOf(path_);
    return {};
  }

  void Fault(uint64_t offset, const std::string& what) {
    faults_.Add(Place(path_, offset, what));
    incomplete_ = true;
  }

  Status Record(std::string_view record, uint64_t offset) {
    switch (TypeOfRecord(record)) {
      case RecordType::kSeries:
        return DecodeSeries(record, [&](const RefSeries& row) { refs_.insert(row.ref.value()); });
      case RecordType::kSamples:
      case RecordType::kSamplesV2:
        return DecodeSamples(record, [&](const RefSample& row) { Sample(row, offset); });
      case RecordType::kHistogramSamples:
      case RecordType::kCustomBucketsHistogramSamples:
      case RecordType::kHistogramSamplesV2:
        return DecodeHistograms(record, [&](const RefHistogram& row) { Sample(row, offset); });
      case RecordType::kFloatHistogramSamples:
      case RecordType::kCustomBucketsFloatHistogramSamples:
      case RecordType::kFloatHistogramSamplesV2:
        return DecodeFloatHistograms(record,
                                     [&](const RefFloatHistogram& row) { Sample(row, offset); });
      case RecordType::kTombstones:
        return DecodeTombstones(record, [](const RefTombstone&) {});
      case RecordType::kExemplars:
        return DecodeExemplars(record, [](const RefExemplar&) {});
      case RecordType::kMmapMarkers:
        return DecodeMmapMarkers(record, [](const RefMmapMarker&) {});
      case RecordType::kMetadata:
        return DecodeMetadata(record, [](const RefMetadata&) {});
      case RecordType::kUnknown:
        break;
    }
    return Status::Corrupt("record of an unknown type");
  }

  template <class Row>
  void Sample(const Row& row, uint64_t offset) {
    ++samples_;
    // What a corrupt record said is not known: nothing more follows from it.
    if (row.time < min_time_ || incomplete_ || refs_.contains(row.ref.value())) return;
    if (unknown_++ == 0) first_unknown_ = offset;
  }

  Fs& fs_;
  const std::string& dir_;
  const bool names_its_series_;
  const Timestamp min_time_;
  const ProgressFn& progress_;
  LogRefs& refs_;
  FaultList& faults_;
  uint64_t total_ = 0;
  uint64_t done_ = 0;
  uint64_t segments_ = 0;
  uint64_t records_ = 0;
  uint64_t samples_ = 0;
  bool incomplete_ = false;
  // Of the segment that is being read.
  std::string path_;
  uint64_t unknown_ = 0;
  uint64_t first_unknown_ = 0;
};

}  // namespace

Status VerifyLog(Fs& fs, const std::string& dir, Timestamp min_time, const ProgressFn& progress,
                 LogRefs& refs, VerifiedPart& part, FaultList& faults) {
  LogVerifier verifier(fs, dir, true, min_time, progress, refs, faults);
  CANOPY_RETURN_IF_ERROR(verifier.Run());
  part.content = verifier.Content();
  return {};
}

Status VerifyOutOfOrderLog(Fs& fs, const std::string& dir, const ProgressFn& progress,
                           const LogRefs& refs, VerifiedPart& part, FaultList& faults) {
  LogRefs known = refs;
  LogVerifier verifier(fs, dir, false, Timestamp::Min(), progress, known, faults);
  CANOPY_RETURN_IF_ERROR(verifier.Run());
  part.content = verifier.Content();
  return {};
}

Status VerifyHeadChunks(Fs& fs, const std::string& dir, VerifiedPart& part, FaultList& faults) {
  uint64_t undecoded = 0;
  absl::flat_hash_map<uint64_t, int64_t> newest;  // by series
  storage::ColumnBuffer samples;
  const auto check = [&](const HeadChunk& chunk) -> std::string {
    if (!chunk.out_of_order) {
      const auto [it, is_first] = newest.emplace(chunk.series.value(), chunk.maxt);
      if (!is_first && chunk.mint <= it->second) return "overlaps with the one before it";
      it->second = chunk.maxt;
    }
    samples.Clear();
    const Status status = DecodeChunk(chunk.encoding, chunk.data, samples);
    const std::vector<int64_t>& times = samples.times;
    if (status.code() == Code::kUnsupported) ++undecoded;
    if (status.code() == Code::kUnsupported) return "";
    if (!status.ok()) return status.message();
    if (times.empty()) return "has no samples";
    if (times.front() != chunk.mint || times.back() != chunk.maxt)
      return "has other times than it says";
    return "";
  };
  const auto scan = ScanHeadChunks(fs, dir, [&](uint64_t ref, const HeadChunk& chunk) {
    const std::string fault = check(chunk);
    if (fault.empty()) return;
    faults.Add(Place(JoinPath(dir, ChunkSegmentName(ChunkFileOf(ref))), ChunkOffsetOf(ref),
                     "chunk of series " + std::to_string(chunk.series.value()) + " " + fault));
  });
  if (!scan.ok()) return scan.status();
  for (const HeadChunkFault& fault : scan->faults) {
    const std::string what = Place(fault.path, fault.offset, fault.reason);
    if (fault.torn)
      faults.Notice(what + ", as a power cut leaves it");
    else
      faults.Add(what);
  }
  part.content =
      std::to_string(scan->files.size()) + " files, " + std::to_string(scan->chunks) + " chunks";
  if (undecoded > 0) {
    faults.Notice(std::to_string(undecoded) +
                  " chunks have the right checksum, but what is in them was not looked at");
  }
  return {};
}

}  // namespace canopy::tsdb
