#include "checkpoint.h"

#include <algorithm>
#include <vector>

#include "logged_metadata.h"
#include "wal_checkpoint.h"
#include "wal_histogram_record.h"
#include "wal_record.h"

namespace canopy::tsdb {
namespace {

// What is kept of one record: rows that still mean something, in records of their own.
class Filter {
 public:
  Filter(const Head& head, uint32_t segment, Timestamp keep_from, Timestamp tombstones_from)
      : head_(head),
        segment_(static_cast<int>(segment)),
        keep_from_(keep_from),
        tombstones_from_(tombstones_from) {}

  Status Keep(std::string_view record, std::string& kept) {
    switch (TypeOfRecord(record)) {
      case RecordType::kSeries:
        return KeepSeries(record, kept);
      case RecordType::kSamples:
      case RecordType::kSamplesV2:
        return KeepSamples(record, kept);
      case RecordType::kTombstones:
        return KeepTombstones(record, kept);
      case RecordType::kHistogramSamples:
      case RecordType::kCustomBucketsHistogramSamples:
      case RecordType::kHistogramSamplesV2:
        return KeepHistograms<RefHistogram>(record, DecodeHistograms, EncodeHistograms, kept);
      case RecordType::kFloatHistogramSamples:
      case RecordType::kCustomBucketsFloatHistogramSamples:
      case RecordType::kFloatHistogramSamplesV2:
        return KeepHistograms<RefFloatHistogram>(record, DecodeFloatHistograms,
                                                 EncodeFloatHistograms, kept);
      case RecordType::kExemplars:
        return KeepExemplars(record, kept);
      case RecordType::kMetadata:
        return NoteMetadata(record);
      default:
        kept.append(record);
        return {};
    }
  }
  std::vector<std::string> Metadata() const { return metadata_.Encode(); }

 private:
  bool Keeps(SeriesRef ref) const { return head_.KeepsInLog(ref, segment_ + 1); }

  Status KeepSeries(std::string_view record, std::string& kept) {
    const size_t empty = kept.size();
    SeriesEncoder encoder(kept);
    const size_t begin = kept.size();
    const Status status = DecodeSeries(record, [&](const RefSeries& row) {
      if (Keeps(row.ref)) encoder.Add(row.ref, row.labels);
    });
    if (kept.size() == begin) kept.resize(empty);
    return status;
  }

  Status KeepSamples(std::string_view record, std::string& kept) {
    SamplesEncoder encoder(kept, LogFormOf(record));
    const Status status = DecodeSamples(record, [&](const RefSample& row) {
      if (row.time >= keep_from_) encoder.Add(row.ref, row.time, row.value, row.start);
    });
    if (encoder.size() > 0) encoder.Finish();
    return status;
  }

  // The rows of a record are all of one kind, and make one record again.
  template <class Row, class Decode, class Encode>
  Status KeepHistograms(std::string_view record, Decode decode, Encode encode, std::string& kept) {
    std::vector<Row> rows;
    const Status status = decode(record, [&](const Row& row) {
      if (row.time >= keep_from_) rows.push_back(row);
    });
    encode(rows, LogFormOf(record), kept, kept);
    return status;
  }

  Status KeepTombstones(std::string_view record, std::string& kept) {
    std::vector<RefTombstone> rows;
    const Status status = DecodeTombstones(record, [&](const RefTombstone& row) {
      if (row.maxt >= tombstones_from_ && (row.ref == kEverySeries || Keeps(row.ref)))
        rows.push_back(row);
    });
    if (!rows.empty()) EncodeTombstones(rows, kept);
    return status;
  }

  // One may be younger than all samples of its series, which then has gone.
  Status KeepExemplars(std::string_view record, std::string& kept) {
    struct Kept {
      RefExemplar row;
      std::vector<model::LabelView> labels;
    };
    std::vector<Kept> all;
    const Status status = DecodeExemplars(record, [&](const RefExemplar& row) {
      if (row.time >= keep_from_ && Keeps(row.ref))
        all.push_back({row, {row.labels.begin(), row.labels.end()}});
    });
    if (all.empty()) return status;
    std::vector<RefExemplar> rows;
    for (Kept& one : all) {
      one.row.labels = one.labels;
      rows.push_back(one.row);
    }
    EncodeExemplars(rows, kept);
    return status;
  }

  // Of what is said of a series the last word counts.
  Status NoteMetadata(std::string_view record) {
    return DecodeMetadata(record, [&](const RefMetadata& row) {
      if (Keeps(row.ref))
        metadata_.Set(row.ref, {row.type, std::string(row.help), std::string(row.unit)});
    });
  }

  const Head& head_;
  const int segment_;
  const Timestamp keep_from_;
  const Timestamp tombstones_from_;
  LoggedMetadata metadata_;
};

}  // namespace

Status TruncateLog(Fs& fs, WalWriter& wal, const WalOptions& options, Head& head,
                   Timestamp keep_from, Timestamp blocks_end) {
  // The segment that is written to now would else keep what came before until it is full.
  CANOPY_RETURN_IF_ERROR(wal.NextSegment().status());
  CANOPY_ASSIGN_OR_RETURN(const std::vector<uint32_t> segments, ListSegments(fs, wal.dir()));
  // Not the active one; of the others two thirds, so that a checkpoint is worth its cost.
  if (segments.size() < 3) return {};
  const uint32_t last =
      segments.front() + (segments[segments.size() - 2] - segments.front()) * 2 / 3;
  if (last <= segments.front()) return {};
  // What was deleted may lie in a head chunk file, from which a start takes all that is in no
  // block.
  Filter filter(head, last, keep_from, std::min(keep_from, blocks_end));
  CANOPY_RETURN_IF_ERROR(WriteCheckpoint(
      fs, wal.dir(), last, options,
      [&](std::string_view record, std::string& kept) { return filter.Keep(record, kept); },
      [&] { return filter.Metadata(); }));
  CANOPY_RETURN_IF_ERROR(RemoveSegmentsBefore(fs, wal.dir(), last + 1));
  CANOPY_RETURN_IF_ERROR(RemoveCheckpointsBefore(fs, wal.dir(), last));
  head.ForgetDropped(static_cast<int>(last) + 1);
  return {};
}

}  // namespace canopy::tsdb
