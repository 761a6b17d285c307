#include "tsdb/wal_record.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/model/sample.h"
#include "tests/support/hex.h"
#include "tsdb/wal_histogram_record.h"

namespace canopy::tsdb {
namespace {

using model::Labels;
using model::LabelView;
using testing::FromHex;
using testing::Hex;

Timestamp At(int64_t ms) { return Timestamp::FromMs(ms); }

std::string Text(std::span<const LabelView> labels) {
  return Labels::FromSorted({labels.begin(), labels.end()}).ToString();
}

// Every row of a record as text, and "!" with the message when it is malformed.
std::string Show(std::string_view record) {
  std::string out;
  const auto key = [&](SeriesRef ref, Timestamp time) {
    out += std::to_string(ref.value()) + "@" + std::to_string(time.ms()) + " ";
  };
  Status status;
  switch (TypeOfRecord(record)) {
    case RecordType::kSeries:
      status = DecodeSeries(record, [&](const RefSeries& s) {
        out += std::to_string(s.ref.value()) + Text(s.labels) + "\n";
      });
      break;
    case RecordType::kSamples:
    case RecordType::kSamplesV2:
      status = DecodeSamples(record, [&](const RefSample& s) {
        key(s.ref, s.time);
        out += Hex(std::string_view(reinterpret_cast<const char*>(&s.value), 8)) + "\n";
      });
      break;
    case RecordType::kTombstones:
      status = DecodeTombstones(record, [&](const RefTombstone& t) {
        key(t.ref, t.mint);
        out += std::to_string(t.maxt.ms()) + "\n";
      });
      break;
    case RecordType::kExemplars:
      status = DecodeExemplars(record, [&](const RefExemplar& e) {
        key(e.ref, e.time);
        out += std::to_string(e.value) + Text(e.labels) + "\n";
      });
      break;
    case RecordType::kMmapMarkers:
      status = DecodeMmapMarkers(record, [&](const RefMmapMarker& m) {
        out += std::to_string(m.ref.value()) + " " + std::to_string(m.head_chunk) + "\n";
      });
      break;
    case RecordType::kMetadata:
      status = DecodeMetadata(record, [&](const RefMetadata& m) {
        out += std::to_string(m.ref.value()) + " " + std::string(MetricTypeText(m.type)) + " [" +
               std::string(m.unit) + "] [" + std::string(m.help) + "]\n";
      });
      break;
    default:
      return "another type";
  }
  if (!status.ok()) out += "!" + status.message();
  return out;
}

std::string LittleEndian(double v) {
  return Hex(std::string_view(reinterpret_cast<const char*>(&v), 8));
}

// The bytes of series and samples are those that Prometheus 2.42 wrote into its log, unpacked.
BOOST_AUTO_TEST_CASE(series_bytes) {
  const std::string want =
      FromHex("01 0000000000000001 02 08 5f5f6e616d655f5f 09 706565723a74696d65 04 7a6f6e65 01 61");
  const Labels labels = {{"__name__", "peer:time"}, {"zone", "a"}};
  std::string record;
  SeriesEncoder(record).Add(SeriesRef(1), labels);
  BOOST_TEST(Hex(record) == Hex(want));

  const std::vector<LabelView> views(labels.begin(), labels.end());
  record.clear();
  SeriesEncoder encoder(record);
  encoder.Add(SeriesRef(1), views);
  BOOST_TEST(Hex(record) == Hex(want));
  encoder.Add(SeriesRef(uint64_t{1} << 40), Labels());
  BOOST_TEST(Hex(record) == Hex(want) + "0000010000000000" + "00");
  BOOST_TEST(Show(record) == "1peer:time{zone=\"a\"}\n1099511627776{}\n");
}

BOOST_AUTO_TEST_CASE(labels_of_a_record_become_a_set) {
  std::string record;
  SeriesEncoder(record).Add(
      SeriesRef(7),
      std::vector<LabelView>{{"b", "1"}, {"a", "first"}, {"e", ""}, {"a", "last"}, {"c", "3"}});
  BOOST_TEST(Show(record) == "7{a=\"last\", b=\"1\", c=\"3\"}\n");
}

BOOST_AUTO_TEST_CASE(sample_bytes) {
  std::string record;
  SamplesEncoder encoder(record);
  encoder.Add(SeriesRef(1), At(0x1a213e43d4a), 1);
  encoder.Add(SeriesRef(3), At(0x1a213e43d4a - 1), -2.5);
  encoder.Add(SeriesRef(0), At(0x1a213e43d4a + 300), model::StaleNan());
  encoder.Finish();
  BOOST_TEST(Hex(record) == Hex(FromHex("02 0000000000000001 000001a213e43d4a"
                                        "00   00   3ff0000000000000"
                                        "04   01   c004000000000000"
                                        "01   d804 7ff0000000000002")));
  BOOST_TEST(encoder.size() == 3u);
  BOOST_TEST(Show(record) == "1@1795630054730 " + LittleEndian(1) + "\n3@1795630054729 " +
                                 LittleEndian(-2.5) + "\n0@1795630055030 " +
                                 LittleEndian(model::StaleNan()) + "\n");
}

BOOST_AUTO_TEST_CASE(samples_come_back) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_CONTEXT("seed " << seed) {
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
      std::vector<RefSample> rows;
      // Enough of them that the encoder's buffer is emptied several times.
      for (size_t n = random() % 600; n > 0; --n)
        rows.push_back(
            {SeriesRef(random() >> (random() % 64)),
             At(static_cast<int64_t>(random() >> (random() % 64))), static_cast<double>(random()),
             random() % 3 == 0 || rows.empty() ? static_cast<int64_t>(random() >> (random() % 64))
                                               : (random() % 2 == 0 ? rows.back().start : 0)});
      const bool starts = round % 2 == 0;
      std::string record = "before";
      SamplesEncoder encoder(record, starts ? LogForm::kWithStarts : LogForm::kPlain);
      for (const RefSample& row : rows) encoder.Add(row.ref, row.time, row.value, row.start);
      encoder.Finish();
      BOOST_REQUIRE(record.starts_with("before"));
      size_t i = 0;
      const Status status =
          DecodeSamples(std::string_view(record).substr(6), [&](const RefSample& s) {
            BOOST_REQUIRE(i < rows.size());
            BOOST_REQUIRE(s.ref == rows[i].ref);
            BOOST_REQUIRE(s.time == rows[i].time);
            BOOST_REQUIRE(model::SameBits(s.value, rows[i].value));
            BOOST_REQUIRE(s.start == (starts ? rows[i].start : 0));
            ++i;
          });
      BOOST_REQUIRE(status.ok());
      BOOST_REQUIRE(i == rows.size());
    }
  }
}

// As prometheus 3.14 tsdb/record/record.go lays it out; nothing older writes it.
BOOST_AUTO_TEST_CASE(bytes_of_samples_with_starts) {
  const std::string record = FromHex(
      "0b 02 d00f 904e 3ff0000000000000"    // 1@1000, start time 5000
      "04 00   01      4000000000000000"    // 3@1000, the same start time
      "01 9003 02 c801 4008000000000000"    // 2@1200, start time 5100
      "06 01   00      4010000000000000");  // 5@999, none
  const std::vector<RefSample> rows = {{SeriesRef(1), At(1000), 1, 5000},
                                       {SeriesRef(3), At(1000), 2, 5000},
                                       {SeriesRef(2), At(1200), 3, 5100},
                                       {SeriesRef(5), At(999), 4, 0}};
  std::string written;
  SamplesEncoder encoder(written, LogForm::kWithStarts);
  for (const RefSample& row : rows) encoder.Add(row.ref, row.time, row.value, row.start);
  encoder.Finish();
  BOOST_TEST(Hex(written) == Hex(record));
  BOOST_TEST((LogFormOf(record) == LogForm::kWithStarts));
  std::vector<int64_t> starts;
  BOOST_TEST(DecodeSamples(record, [&](const RefSample& s) { starts.push_back(s.start); }).ok());
  BOOST_TEST((starts == std::vector<int64_t>{5000, 5000, 5100, 0}));
  BOOST_TEST(Show(record) == "1@1000 " + LittleEndian(1) + "\n3@1000 " + LittleEndian(2) +
                                 "\n2@1200 " + LittleEndian(3) + "\n5@999 " + LittleEndian(4) +
                                 "\n");
  for (size_t size = 2; size < record.size(); ++size) {
    const std::string cut = Show(record.substr(0, size));
    const bool at_border = size == 14 || size == 25 || size == 39;
    BOOST_TEST((cut.find('!') == std::string::npos) == at_border, size << ": " << cut);
  }
}

BOOST_AUTO_TEST_CASE(tombstone_bytes) {
  std::string record;
  EncodeTombstones(std::vector<RefTombstone>{{SeriesRef(5), At(-1), At(300)},
                                             {SeriesRef(6), Timestamp::Min(), Timestamp::Max()}},
                   record);
  BOOST_TEST(Hex(record) ==
             Hex(FromHex("03 0000000000000005 01 d804"
                         "0000000000000006 ffffffffffffffffff01 feffffffffffffffff01")));
  BOOST_TEST(Show(record) == "5@-1 300\n6@-9223372036854775808 9223372036854775807\n");
}

BOOST_AUTO_TEST_CASE(exemplar_bytes) {
  const std::vector<LabelView> trace = {{"trace_id", "x"}};
  std::string record;
  EncodeExemplars(std::vector<RefExemplar>{{SeriesRef(5), At(1000), 0.5, trace},
                                           {SeriesRef(4), At(1001), 2, {}}},
                  record);
  BOOST_TEST(Hex(record) == Hex(FromHex("04 0000000000000005 00000000000003e8"
                                        "00 00 3fe0000000000000 01 08 74726163655f6964 01 78"
                                        "01 02 4000000000000000 00")));
  BOOST_TEST(Show(record) == "5@1000 0.500000{trace_id=\"x\"}\n4@1001 2.000000{}\n");
}

BOOST_AUTO_TEST_CASE(mmap_marker_bytes) {
  std::string record;
  EncodeMmapMarkers(std::vector<RefMmapMarker>{{SeriesRef(5), (uint64_t{3} << 32) | 8}}, record);
  BOOST_TEST(Hex(record) == Hex(FromHex("05 0000000000000005 0000000300000008")));
  BOOST_TEST(Show(record) == "5 12884901896\n");
}

BOOST_AUTO_TEST_CASE(metadata_bytes) {
  std::string record;
  EncodeMetadata(std::vector<RefMetadata>{{SeriesRef(200), model::MetricType::kGauge, "s", "Help"}},
                 record);
  BOOST_TEST(Hex(record) ==
             Hex(FromHex("06 c801 02 02 04 554e4954 01 73 04 48454c50 04 48656c70")));
  BOOST_TEST(Show(record) == "200 gauge [s] [Help]\n");
  // Fields of later versions are passed over, types too.
  BOOST_TEST(Show(FromHex("06 01 63 02 03 6e6577 01 78 04 48454c50 01 79")) ==
             "1 unknown [] [y]\n");
}

BOOST_AUTO_TEST_CASE(other_types_are_unknown) {
  BOOST_TEST(RecordTypeName(TypeOfRecord("")) == "unknown");
  BOOST_TEST(RecordTypeName(TypeOfRecord(std::string_view("\0", 1))) == "unknown");
  BOOST_TEST(RecordTypeName(TypeOfRecord("\x0e")) == "unknown");
  BOOST_TEST(RecordTypeName(TypeOfRecord("\xff")) == "unknown");
  BOOST_TEST(RecordTypeName(TypeOfRecord("\x0a")) == "custom_buckets_float_histogram_samples");
}

BOOST_AUTO_TEST_CASE(a_record_cut_short_is_corrupt) {
  const std::vector<LabelView> labels = {{"a", "1"}};
  std::vector<std::string> records(5);
  SeriesEncoder(records[0]).Add(SeriesRef(1), labels);
  SamplesEncoder samples(records[1]);
  samples.Add(SeriesRef(1), At(5), 1);
  samples.Finish();
  EncodeTombstones(std::vector<RefTombstone>{{SeriesRef(1), At(2), At(3)}}, records[2]);
  EncodeExemplars(std::vector<RefExemplar>{{SeriesRef(5), At(1000), 0.5, labels}}, records[3]);
  EncodeMmapMarkers(std::vector<RefMmapMarker>{{SeriesRef(1), 2}}, records[4]);
  for (const std::string& record : records) {
    for (size_t size = 2; size < record.size(); ++size) {
      // Samples may be none.
      const bool whole = TypeOfRecord(record) == RecordType::kSamples && size == 17;
      BOOST_TEST(Show(record.substr(0, size)).ends_with(" malformed after 0 rows") == !whole);
    }
    BOOST_TEST(Show(record.substr(0, 1)) == "");
  }
  BOOST_TEST(DecodeSeries(records[1], {}).message() == "samples record: malformed after 0 rows");
}

RefHistogram Integer(int32_t schema) {
  RefHistogram h;
  h.ref = SeriesRef(3);
  h.time = At(1000);
  h.counter_reset_hint = 2;
  h.schema = schema;
  h.zero_threshold = 0.5;
  h.zero_count = 1;
  h.count = 300;
  h.sum = 2;
  h.positive_spans = {{-1, 2}};
  h.positive_buckets = {5, -1};
  if (schema == kCustomBucketsSchema) {
    h.custom_values = {1, 2};
  } else {
    h.negative_spans = {{0, 1}, {7, 0}};
    h.negative_buckets = {64};
  }
  return h;
}

BOOST_AUTO_TEST_CASE(histogram_bytes) {
  RefHistogram later = Integer(1);
  later.ref = SeriesRef(4);
  later.time = At(1001);
  const std::vector<RefHistogram> rows = {Integer(kCustomBucketsSchema), Integer(1), later};
  std::string exponential;
  std::string custom;
  EncodeHistograms(rows, LogForm::kPlain, exponential, custom);
  const std::string body =
      "02 02 3fe0000000000000 01 ac02 4000000000000000"
      "01 01 02  02 00 01 0e 00  02 0a 01  01 8001";
  BOOST_TEST(Hex(exponential) ==
             Hex(FromHex("07 0000000000000003 00000000000003e8 00 00" + body + "02 02" + body)));
  BOOST_TEST(Hex(custom) == Hex(FromHex("09 0000000000000003 00000000000003e8 00 00"
                                        "02 69 3fe0000000000000 01 ac02 4000000000000000"
                                        "01 01 02  00  02 0a 01  00"
                                        "02 3ff0000000000000 4000000000000000")));
  std::vector<RefHistogram> got;
  const auto take = [&](const RefHistogram& h) { got.push_back(h); };
  BOOST_TEST(DecodeHistograms(custom, take).ok());
  BOOST_TEST(DecodeHistograms(exponential, take).ok());
  BOOST_TEST((got == rows));
  BOOST_TEST(!DecodeFloatHistograms(custom, {}).ok());

  BOOST_TEST((LogFormOf(custom) == LogForm::kPlain));
}

// Both kinds of buckets go into one record.
BOOST_AUTO_TEST_CASE(bytes_of_histograms_with_starts) {
  std::vector<RefHistogram> rows = {Integer(1), Integer(1), Integer(kCustomBucketsSchema)};
  rows[0].start = rows[1].start = 700;
  rows[1].ref = SeriesRef(4);
  rows[1].time = At(1001);
  rows[2].start = 701;
  const std::string body =
      "02 02 3fe0000000000000 01 ac02 4000000000000000"
      "01 01 02  02 00 01 0e 00  02 0a 01  01 8001";
  const std::string custom =
      "02 69 3fe0000000000000 01 ac02 4000000000000000"
      "01 01 02  00  02 0a 01  00  02 3ff0000000000000 4000000000000000";
  std::string record;
  std::string nothing;
  EncodeHistograms(rows, LogForm::kWithStarts, record, nothing);
  BOOST_TEST(Hex(record) ==
             Hex(FromHex("0c 06 d00f f80a" + body + "02 02 01" + body + "01 00 02 02" + custom)));
  BOOST_TEST(nothing.empty());
  BOOST_TEST((LogFormOf(record) == LogForm::kWithStarts));
  std::vector<RefHistogram> got;
  BOOST_TEST(DecodeHistograms(record, [&](const auto& row) { got.push_back(row); }).ok());
  BOOST_TEST((got == rows));
}

BOOST_AUTO_TEST_CASE(float_histogram_bytes) {
  RefFloatHistogram h;
  h.ref = SeriesRef(3);
  h.time = At(1000);
  h.schema = -4;
  h.zero_count = 1;
  h.count = 1.5;
  h.sum = 2;
  h.negative_spans = {{1, 1}};
  h.negative_buckets = {0.5};
  RefFloatHistogram custom_row = h;
  custom_row.schema = kCustomBucketsSchema;
  custom_row.custom_values = {2};
  std::string exponential;
  std::string custom;
  EncodeFloatHistograms(std::vector<RefFloatHistogram>{h, custom_row}, LogForm::kPlain, exponential,
                        custom);
  const std::string numbers =
      "0000000000000000 3ff0000000000000 3ff8000000000000 4000000000000000"
      "00  01 02 01  00  01 3fe0000000000000";
  const std::string keys = "0000000000000003 00000000000003e8 00 00";
  BOOST_TEST(Hex(exponential) == Hex(FromHex("08" + keys + "00 07" + numbers)));
  BOOST_TEST(Hex(custom) == Hex(FromHex("0a" + keys + "00 69" + numbers + "01 4000000000000000")));
  std::vector<RefFloatHistogram> got;
  const auto take = [&](const RefFloatHistogram& row) { got.push_back(row); };
  BOOST_TEST(DecodeFloatHistograms(exponential, take).ok());
  BOOST_TEST(DecodeFloatHistograms(custom, take).ok());
  BOOST_TEST((got == std::vector<RefFloatHistogram>{h, custom_row}));
  for (size_t size = 2; size < custom.size(); ++size)
    BOOST_TEST(!DecodeFloatHistograms(custom.substr(0, size), take).ok());

  h.start = 1;
  std::string record;
  EncodeFloatHistograms(std::vector{h, custom_row}, LogForm::kWithStarts, record, record);
  BOOST_TEST(static_cast<int>(record[0]) == 13);
  got.clear();
  BOOST_TEST(DecodeFloatHistograms(record, take).ok());
  BOOST_TEST((got == std::vector<RefFloatHistogram>{h, custom_row}));
}

// A list that claims more than there is costs no memory.
BOOST_AUTO_TEST_CASE(a_hostile_length_is_corrupt) {
  const std::string record = FromHex(
      "07 0000000000000003 00000000000003e8 00 00 00 00 0000000000000000 00 00"
      "0000000000000000 ffffffffffffffffff01");
  BOOST_TEST(DecodeHistograms(record, {}).message() ==
             "histogram_samples record: malformed after 0 rows");
  BOOST_TEST(Show(FromHex("01 0000000000000001 ffffffffffffffffff01 01 61 01 62")) ==
             "!series record: malformed after 0 rows");
}

}  // namespace
}  // namespace canopy::tsdb
