#include <algorithm>

#include "canopy/base/check.h"
#include "tests/support/mem_fs.h"
#include "tsdb/wal.h"
#include "tsdb/wal_histogram_record.h"
#include "tsdb/wal_reader.h"
#include "tsdb/wal_record.h"

// Any bytes as a segment: what is read before the first fault is read again after the repair, and
// each record decodes or is refused. The same bytes as a record; and as content, written and read.

namespace {

using namespace canopy;
using namespace canopy::tsdb;

void Decode(std::string_view record) {
  const auto labels = [](std::span<const model::LabelView> set) {
    for (size_t i = 0; i < set.size(); ++i) {
      CANOPY_CHECK(!set[i].value.empty());
      CANOPY_CHECK(i == 0 || set[i - 1].name < set[i].name);
    }
  };
  uint64_t rows = 0;
  (void)DecodeSeries(record, [&](const RefSeries& s) { labels(s.labels); });
  (void)DecodeSamples(record, [&](const RefSample&) { ++rows; });
  (void)DecodeTombstones(record, [&](const RefTombstone&) { ++rows; });
  (void)DecodeExemplars(record, [&](const RefExemplar& e) { labels(e.labels); });
  (void)DecodeMmapMarkers(record, [&](const RefMmapMarker&) { ++rows; });
  (void)DecodeMetadata(record, [&](const RefMetadata&) { ++rows; });
  (void)DecodeHistograms(record, [&](const RefHistogram&) { ++rows; });
  (void)DecodeFloatHistograms(record, [&](const RefFloatHistogram&) { ++rows; });
  // No row is smaller than two bytes.
  CANOPY_CHECK(rows <= record.size());
}

std::vector<std::string> ReadAll(WalReader& reader) {
  std::vector<std::string> out;
  WalScratch scratch;
  WalRecord record;
  while (reader.Next(record)) {
    const auto bytes = record.Unpack(scratch);
    if (bytes.ok()) {
      Decode(*bytes);
      out.emplace_back(*bytes);
    } else {
      reader.Condemn(record, bytes.status().message());
    }
  }
  return out;
}

void AsSegment(std::string_view bytes) {
  testing::MemFs fs;
  CANOPY_CHECK(fs.MakeDirs("/wal").ok());
  {
    const auto file = fs.Create("/wal/00000000");
    CANOPY_CHECK((*file)->Append(bytes).ok());
  }
  auto reader = WalReader::OpenAll(fs, "/wal");
  CANOPY_CHECK(reader.ok());
  const std::vector<std::string> records = ReadAll(**reader);
  if ((*reader)->corruption()) CANOPY_CHECK((*reader)->Repair().ok());
  reader = WalReader::OpenAll(fs, "/wal");
  CANOPY_CHECK(ReadAll(**reader) == records);
  CANOPY_CHECK((*reader)->status().ok());
}

// The first byte of each piece says how long the next one is.
void AsRecords(std::string_view bytes) {
  std::vector<std::string_view> records;
  while (bytes.size() > 1) {
    const size_t size = std::min<size_t>(static_cast<uint8_t>(bytes[0]) * 300u, bytes.size() - 1);
    if (size > 0) records.push_back(bytes.substr(1, size));
    bytes.remove_prefix(1 + size);
  }
  testing::MemFs fs;
  auto writer = WalWriter::Open(fs, "/wal", {kWalPageBytes, net::Encoding::kSnappy});
  CANOPY_CHECK(writer.ok() && (*writer)->Append(records).ok());
  auto reader = WalReader::OpenAll(fs, "/wal");
  WalScratch scratch;
  WalRecord record;
  for (const std::string_view want : records) {
    CANOPY_CHECK((*reader)->Next(record));
    const WalPayload raw = record.Raw(scratch);
    CANOPY_CHECK(raw.encoding != net::Encoding::kIdentity || raw.bytes == want);
    const auto got = record.Unpack(scratch);
    // A record that is itself a compressed one is taken for one that has lost its flag.
    CANOPY_CHECK(!got.ok() || *got == want);
  }
  CANOPY_CHECK(!(*reader)->Next(record) && (*reader)->status().ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Decode(bytes);
  AsSegment(bytes);
  AsRecords(bytes);
  return 0;
}
