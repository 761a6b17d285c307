#pragma once

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "tsdb/wal_reader.h"

namespace canopy::tsdb {

inline std::vector<std::string_view> Views(const std::vector<std::string>& records) {
  return {records.begin(), records.end()};
}

// Bytes that hardly compress, always the same ones for a seed.
inline std::string Noise(size_t size, size_t seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

struct Log {
  std::vector<std::string> records;
  std::string fault;  // the reason of a corruption, or what else ended the reading
};
// All records of a reader up to its end or its first fault.
inline Log ReadOn(WalReader& reader) {
  Log out;
  WalRecord record;
  WalScratch scratch;
  while (reader.Next(record)) {
    const auto bytes = record.Unpack(scratch);
    if (!bytes.ok()) reader.Condemn(record, bytes.status().message());
    if (bytes.ok()) out.records.emplace_back(*bytes);
  }
  out.fault = reader.corruption() ? reader.corruption()->reason : reader.status().message();
  return out;
}
inline Log ReadLog(Fs& fs, const std::string& dir = "/wal") {
  auto reader = WalReader::OpenAll(fs, dir);
  BOOST_REQUIRE_MESSAGE(reader.ok(), reader.status().message());
  return ReadOn(**reader);
}

}  // namespace canopy::tsdb
