#include "tsdb/wal_record.h"

#include <algorithm>
#include <vector>

namespace canopy::tsdb {
namespace {

using base::ByteReader;
using model::LabelView;
using model::MetricType;

constexpr std::string_view kUnitField = "UNIT";
constexpr std::string_view kHelpField = "HELP";

// Of the column `st`.
constexpr char kNoStartMark = 0;
constexpr char kSameStartMark = 1;
constexpr char kOwnStartMark = 2;

// The numbers of metric types on disk, by MetricType.
constexpr uint8_t kDiskTypes[] = {
    0,  // kUnknown
    1,  // kCounter
    2,  // kGauge
    3,  // kHistogram
    4,  // kGaugeHistogram
    5,  // kSummary
    6,  // kInfo
    7,  // kStateset
};

MetricType FromDisk(uint8_t number) {
  for (size_t type = 0; type < std::size(kDiskTypes); ++type)
    if (kDiskTypes[type] == number) return static_cast<MetricType>(type);
  return MetricType::kUnknown;
}

void PutType(std::string& out, RecordType type) { out.push_back(static_cast<char>(type)); }

// Makes `labels` what a set of labels is: sorted, of equal names the last, without empty values.
// Records of Prometheus are like that already.
void MakeSet(std::vector<LabelView>& labels) {
  bool is_set = true;
  for (size_t i = 0; i < labels.size() && is_set; ++i)
    is_set = !labels[i].value.empty() && (i == 0 || labels[i - 1].name < labels[i].name);
  if (is_set) return;
  std::reverse(labels.begin(), labels.end());
  const auto by_name = [](const LabelView& a, const LabelView& b) { return a.name < b.name; };
  std::stable_sort(labels.begin(), labels.end(), by_name);
  const auto same_name = [](const LabelView& a, const LabelView& b) { return a.name == b.name; };
  labels.erase(std::unique(labels.begin(), labels.end(), same_name), labels.end());
  std::erase_if(labels, [](const LabelView& label) { return label.value.empty(); });
}

void ReadLabels(ByteReader& in, std::vector<LabelView>& labels) {
  labels.clear();
  for (uint64_t n = in.Uvarint(); n > 0 && in.ok(); --n) {
    const std::string_view name = in.String();
    labels.push_back({name, in.String()});
  }
  if (in.ok()) MakeSet(labels);
}

// The part of a record behind its type, read row by row: `read` takes a row from the reader, `emit`
// hands it on once all of it was there.
template <class Read, class Emit>
Status ReadRows(std::string_view record, RecordType want, Read read, Emit emit) {
  if (TypeOfRecord(record) != want) return internal::MalformedRecord(record, 0);
  ByteReader in(record.substr(1));
  for (size_t rows = 0; !in.empty(); ++rows) {
    const auto row = read(in);
    if (!in.ok()) return internal::MalformedRecord(record, rows);
    emit(row);
  }
  return {};
}

}  // namespace

RecordType TypeOfRecord(std::string_view record) {
  if (record.empty()) return RecordType::kUnknown;
  const auto type = static_cast<uint8_t>(record[0]);
  if (type < static_cast<uint8_t>(RecordType::kSeries) ||
      type > static_cast<uint8_t>(RecordType::kFloatHistogramSamplesV2))
    return RecordType::kUnknown;
  return static_cast<RecordType>(type);
}

std::string_view RecordTypeName(RecordType type) {
  switch (type) {
    case RecordType::kSeries:
      return "series";
    case RecordType::kSamples:
      return "samples";
    case RecordType::kTombstones:
      return "tombstones";
    case RecordType::kExemplars:
      return "exemplars";
    case RecordType::kMmapMarkers:
      return "mmapmarkers";
    case RecordType::kMetadata:
      return "metadata";
    case RecordType::kHistogramSamples:
      return "histogram_samples";
    case RecordType::kFloatHistogramSamples:
      return "float_histogram_samples";
    case RecordType::kCustomBucketsHistogramSamples:
      return "custom_buckets_histogram_samples";
    case RecordType::kCustomBucketsFloatHistogramSamples:
      return "custom_buckets_float_histogram_samples";
    case RecordType::kSamplesV2:
      return "samples_v2";
    case RecordType::kHistogramSamplesV2:
      return "histogram_samples_v2";
    case RecordType::kFloatHistogramSamplesV2:
      return "float_histogram_samples_v2";
    case RecordType::kUnknown:
      break;
  }
  return "unknown";
}

LogForm LogFormOf(std::string_view record) {
  const RecordType type = TypeOfRecord(record);
  return type >= RecordType::kSamplesV2 && type <= RecordType::kFloatHistogramSamplesV2
             ? LogForm::kWithStarts
             : LogForm::kPlain;
}

char* RowStarts::Write(char* p, int64_t start) {
  if (!any_) {
    any_ = true;
    first_ = start;
    p = base::WriteVarint(p, start);
  } else if (start == 0) {
    *p++ = kNoStartMark;
  } else if (start == before_) {
    *p++ = kSameStartMark;
  } else {
    *p++ = kOwnStartMark;
    p = base::WriteVarint(
        p, static_cast<int64_t>(static_cast<uint64_t>(start) - static_cast<uint64_t>(first_)));
  }
  before_ = start;
  return p;
}

int64_t RowStarts::Read(base::ByteReader& in) {
  if (!any_) {
    any_ = true;
    return before_ = first_ = in.Varint();
  }
  const auto mark = static_cast<char>(in.U8());
  if (mark == kSameStartMark) return before_;
  if (mark == kNoStartMark) return before_ = 0;
  return before_ = static_cast<int64_t>(static_cast<uint64_t>(first_) +
                                        static_cast<uint64_t>(in.Varint()));
}

void SamplesEncoder::AddWithStart(uint64_t ref, uint64_t time, int64_t start) {
  p_ = base::WriteVarint(p_, static_cast<int64_t>(ref - ref_));
  p_ = base::WriteVarint(p_, static_cast<int64_t>(time - first_time_));
  p_ = starts_.Write(p_, start);
  ref_ = ref;
  if (size_ == 0) first_time_ = time;
}

void EncodeTombstones(std::span<const RefTombstone> rows, std::string& out) {
  PutType(out, RecordType::kTombstones);
  for (const RefTombstone& row : rows) {
    base::PutBe64(out, row.ref.value());
    base::PutVarint(out, row.mint.ms());
    base::PutVarint(out, row.maxt.ms());
  }
}

void EncodeExemplars(std::span<const RefExemplar> rows, std::string& out) {
  PutType(out, RecordType::kExemplars);
  if (rows.empty()) return;
  const uint64_t ref0 = rows[0].ref.value();
  const auto t0 = static_cast<uint64_t>(rows[0].time.ms());
  base::PutBe64(out, ref0);
  base::PutBe64(out, t0);
  for (const RefExemplar& row : rows) {
    base::PutVarint(out, static_cast<int64_t>(row.ref.value() - ref0));
    base::PutVarint(out, static_cast<int64_t>(static_cast<uint64_t>(row.time.ms()) - t0));
    base::PutBe64(out, std::bit_cast<uint64_t>(row.value));
    base::PutUvarint(out, row.labels.size());
    for (const LabelView& label : row.labels) {
      base::PutString(out, label.name);
      base::PutString(out, label.value);
    }
  }
}

void EncodeMmapMarkers(std::span<const RefMmapMarker> rows, std::string& out) {
  PutType(out, RecordType::kMmapMarkers);
  for (const RefMmapMarker& row : rows) {
    base::PutBe64(out, row.ref.value());
    base::PutBe64(out, row.head_chunk);
  }
}

void EncodeMetadata(std::span<const RefMetadata> rows, std::string& out) {
  PutType(out, RecordType::kMetadata);
  for (const RefMetadata& row : rows) {
    base::PutUvarint(out, row.ref.value());
    out.push_back(static_cast<char>(kDiskTypes[static_cast<size_t>(row.type)]));
    base::PutUvarint(out, 2);
    base::PutString(out, kUnitField);
    base::PutString(out, row.unit);
    base::PutString(out, kHelpField);
    base::PutString(out, row.help);
  }
}

Status DecodeSeries(std::string_view record, const std::function<void(const RefSeries&)>& row) {
  std::vector<LabelView> labels;
  const auto read = [&](ByteReader& in) {
    const SeriesRef ref(in.Be64());
    ReadLabels(in, labels);
    return RefSeries{ref, labels};
  };
  return ReadRows(record, RecordType::kSeries, read, row);
}

Status DecodeTombstones(std::string_view record,
                        const std::function<void(const RefTombstone&)>& row) {
  const auto read = [](ByteReader& in) {
    RefTombstone out;
    out.ref = SeriesRef(in.Be64());
    out.mint = Timestamp::FromMs(in.Varint());
    out.maxt = Timestamp::FromMs(in.Varint());
    return out;
  };
  return ReadRows(record, RecordType::kTombstones, read, row);
}

Status DecodeExemplars(std::string_view record,
                       const std::function<void(const RefExemplar&)>& row) {
  std::vector<LabelView> labels;
  bool first = true;
  uint64_t ref0 = 0;
  uint64_t t0 = 0;
  const auto read = [&](ByteReader& in) {
    if (first) {
      ref0 = in.Be64();
      t0 = in.Be64();
      first = false;
    }
    RefExemplar out;
    out.ref = SeriesRef(ref0 + static_cast<uint64_t>(in.Varint()));
    out.time = Timestamp::FromMs(static_cast<int64_t>(t0 + static_cast<uint64_t>(in.Varint())));
    out.value = in.BeDouble();
    ReadLabels(in, labels);
    out.labels = labels;
    return out;
  };
  return ReadRows(record, RecordType::kExemplars, read, row);
}

Status DecodeMmapMarkers(std::string_view record,
                         const std::function<void(const RefMmapMarker&)>& row) {
  const auto read = [](ByteReader& in) {
    const SeriesRef ref(in.Be64());
    return RefMmapMarker{ref, in.Be64()};
  };
  return ReadRows(record, RecordType::kMmapMarkers, read, row);
}

Status DecodeMetadata(std::string_view record, const std::function<void(const RefMetadata&)>& row) {
  const auto read = [](ByteReader& in) {
    RefMetadata out;
    out.ref = SeriesRef(in.Uvarint());
    out.type = FromDisk(in.U8());
    // Fields that later versions may add are passed over.
    for (uint64_t n = in.Uvarint(); n > 0 && in.ok(); --n) {
      const std::string_view name = in.String();
      const std::string_view text = in.String();
      if (name == kUnitField) out.unit = text;
      if (name == kHelpField) out.help = text;
    }
    return out;
  };
  return ReadRows(record, RecordType::kMetadata, read, row);
}

namespace internal {

Status DecodeSamplesV2(std::string_view record, const std::function<void(const RefSample&)>& row) {
  bool first = true;
  uint64_t ref = 0;
  uint64_t t0 = 0;
  RowStarts starts;
  const auto read = [&](ByteReader& in) {
    ref += static_cast<uint64_t>(in.Varint());
    const uint64_t t = t0 + static_cast<uint64_t>(in.Varint());
    if (first) t0 = t;
    first = false;
    RefSample sample{SeriesRef(ref), Timestamp::FromMs(static_cast<int64_t>(t))};
    sample.start = starts.Read(in);
    sample.value = in.BeDouble();
    return sample;
  };
  return ReadRows(record, RecordType::kSamplesV2, read, row);
}

Status MalformedRecord(std::string_view record, size_t rows) {
  std::string message(RecordTypeName(TypeOfRecord(record)));
  message += " record: malformed after ";
  message += std::to_string(rows);
  message += " rows";
  return Status::Corrupt(std::move(message));
}

}  // namespace internal
}  // namespace canopy::tsdb
