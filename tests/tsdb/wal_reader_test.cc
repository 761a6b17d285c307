#include "tsdb/wal_reader.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/mem_fs.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/wal.h"

namespace canopy::tsdb {
namespace {

using testing::MemFs;

constexpr size_t kPage = kWalPageBytes;
const std::string kFirst = "/wal/00000000";

using Batches = std::vector<std::vector<std::string>>;

// Each batch in a segment of its own.
void WriteSegments(Fs& fs, const Batches& batches, net::Encoding encoding) {
  auto writer = WalWriter::Open(fs, "/wal", {128 << 20, encoding});
  BOOST_REQUIRE(writer.ok());
  for (size_t i = 0; i < batches.size(); ++i) {
    if (i > 0) BOOST_REQUIRE((*writer)->NextSegment().ok());
    BOOST_REQUIRE((*writer)->Append(Views(batches[i])).ok());
  }
}

bool IsPrefix(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

std::vector<std::string> Joined(const Batches& batches) {
  std::vector<std::string> out;
  for (const auto& batch : batches) out.insert(out.end(), batch.begin(), batch.end());
  return out;
}

// Reads to the corruption, repairs and checks that what was whole is still there, the rest gone.
void RepairAndCheck(Fs& fs, const std::vector<std::string>& want) {
  auto reader = WalReader::OpenAll(fs, "/wal");
  BOOST_REQUIRE(reader.ok());
  const Log log = ReadOn(**reader);
  BOOST_REQUIRE((log.records == want));
  if ((*reader)->corruption()) {
    BOOST_REQUIRE((*reader)->Repair().ok());
    BOOST_REQUIRE(ReadOn(**reader).fault == "");
  }
  const Log again = ReadLog(fs);
  BOOST_REQUIRE(again.fault == "");
  BOOST_REQUIRE((again.records == want));
  // And the log goes on.
  auto writer = WalWriter::Open(fs, "/wal", {});
  BOOST_REQUIRE((*writer)->Append(Views({"new"})).ok());
  BOOST_REQUIRE(ReadLog(fs).records.size() == want.size() + 1);
}

BOOST_AUTO_TEST_CASE(a_log_that_is_not_there_is_empty) {
  MemFs fs;
  auto reader = WalReader::OpenAll(fs, "/wal");
  BOOST_REQUIRE(reader.ok());
  WalRecord record;
  BOOST_TEST(!(*reader)->Next(record));
  BOOST_TEST((*reader)->status().ok());
  BOOST_TEST((*reader)->segments() == 0u);
  BOOST_TEST(!(*reader)->last_segment());
}

// The end of the log may be anywhere: what is whole before it is read, and nothing else.
BOOST_AUTO_TEST_CASE(a_torn_tail_is_found_and_cut_off_at_every_byte) {
  for (const net::Encoding encoding : {net::Encoding::kIdentity, net::Encoding::kSnappy}) {
    const Batches batches = {{"first", std::string(300, 'x')},
                             {Noise(kPage + 100, 1), "a", "short", std::string(500, 'y')}};
    MemFs whole;
    WriteSegments(whole, batches, encoding);
    const std::string bytes = *whole.ReadFile("/wal/00000001");
    // Where each record of the second segment ends.
    std::vector<size_t> ends;
    {
      auto reader = WalReader::OpenAll(whole, "/wal");
      WalRecord record;
      while ((*reader)->Next(record))
        if (record.segment() == 1) ends.push_back((*reader)->read_bytes() - *whole.Size(kFirst));
    }
    BOOST_REQUIRE(ends.size() == 4u);
    for (size_t size = 0; size <= bytes.size(); ++size) {
      // The inner of the long record is all the same.
      if (size > 100 && size + 100 < kPage) continue;
      MemFs fs;
      WriteSegments(fs, batches, encoding);
      fs.Corrupt("/wal/00000001", [&](std::string& file) { file.resize(size); });
      std::vector<std::string> want = batches[0];
      for (size_t i = 0; i < ends.size() && ends[i] <= size; ++i) want.push_back(batches[1][i]);
      BOOST_TEST_CONTEXT("size " << size) { RepairAndCheck(fs, want); }
    }
  }
}

// As after a power cut: the file has its length, but blocks of it were never written.
BOOST_AUTO_TEST_CASE(a_tail_of_zeros_is_found) {
  const Batches batches = {{"a", "b"}, {"first", Noise(2 * kPage, 1), "last"}};
  MemFs whole;
  WriteSegments(whole, batches, net::Encoding::kIdentity);
  const size_t size = *whole.Size("/wal/00000001");
  for (size_t from = 0; from < size; from += 511) {
    MemFs fs;
    WriteSegments(fs, batches, net::Encoding::kIdentity);
    fs.Corrupt("/wal/00000001", [&](std::string& file) {
      std::fill(file.begin() + static_cast<std::ptrdiff_t>(from), file.end(), '\0');
    });
    const Log log = ReadLog(fs);
    BOOST_TEST(IsPrefix(log.records, Joined(batches)), "from " << from);
    BOOST_TEST(log.records.size() == (from == 0 ? 2u : 3u));
    RepairAndCheck(fs, log.records);
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_never_yields_a_wrong_record) {
  for (const net::Encoding encoding :
       {net::Encoding::kIdentity, net::Encoding::kSnappy, net::Encoding::kZstd}) {
    const Batches batches = {
        {"first", std::string(300, '\1')},
        {std::string(200, '\2') + Noise(kPage, 1), "a", "short", std::string(500, '\3')},
        {"later"}};
    MemFs fs;
    WriteSegments(fs, batches, encoding);
    const std::string good = *fs.ReadFile("/wal/00000001");
    const size_t content = good.find_last_not_of('\0') + 1;
    const std::vector<std::string> all = Joined(batches);
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      // The inner of the long record is all the same, and so is the padding.
      if (bit > 3000 && bit < kPage * 8 - 800) bit += 997;
      if (bit > (content + 20) * 8) bit += 997;
      const auto flip = [&](std::string& file) {
        file[bit / 8] = static_cast<char>(file[bit / 8] ^ (1 << (bit % 8)));
      };
      fs.Corrupt("/wal/00000001", flip);
      const Log log = ReadLog(fs);
      BOOST_REQUIRE_MESSAGE(IsPrefix(log.records, all), "bit " << bit << ": " << log.fault);
      // Of padding it may go unnoticed.
      if (log.fault == "") BOOST_REQUIRE_MESSAGE((log.records == all), "bit " << bit);
      if (bit < content * 8) BOOST_REQUIRE_MESSAGE(log.fault != "", "bit " << bit);
      BOOST_REQUIRE(log.records.size() >= 2);
      fs.Corrupt("/wal/00000001", flip);
    }
    BOOST_REQUIRE((ReadLog(fs).records == all));
  }
}

BOOST_AUTO_TEST_CASE(a_corruption_says_where_and_what_is_lost) {
  MemFs fs;
  WriteSegments(fs, {{"one"}, {"two", "three"}, {"four"}}, net::Encoding::kIdentity);
  fs.Corrupt("/wal/00000001", [](std::string& file) { file[10 + 8] ^= 1; });
  auto reader = WalReader::OpenAll(fs, "/wal");
  const Log log = ReadOn(**reader);
  BOOST_TEST(log.records == (std::vector<std::string>{"one", "two"}),
             boost::test_tools::per_element());
  const auto& corruption = (*reader)->corruption();
  BOOST_REQUIRE(corruption.has_value());
  BOOST_TEST((*reader)->status().message() == "/wal/00000001: offset 10: unexpected checksum");
  BOOST_TEST(((*reader)->status().code() == Code::kCorrupt));
  BOOST_TEST(corruption->segment == 1u);
  BOOST_TEST(corruption->offset == 10u);
  BOOST_TEST(corruption->lost_bytes == kPage - 10 + *fs.Size("/wal/00000002"));
  RepairAndCheck(fs, {"one", "two"});
  BOOST_TEST(*fs.Size("/wal/00000001") == 10u);
  BOOST_TEST(*fs.List("/wal") == (std::vector<std::string>{"00000000", "00000001", "00000002"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_record_may_be_condemned_later) {
  MemFs fs;
  WriteSegments(fs, {{"one", "two"}, {"three"}}, net::Encoding::kIdentity);
  auto reader = WalReader::OpenAll(fs, "/wal");
  std::vector<WalRecord> records(3);
  for (WalRecord& record : records) BOOST_REQUIRE((*reader)->Next(record));
  (*reader)->Condemn(records[1], "makes no sense");
  (*reader)->Condemn(records[2], "nor this");
  WalRecord none;
  BOOST_TEST(!(*reader)->Next(none));
  BOOST_TEST((*reader)->status().message() == "/wal/00000000: offset 10: makes no sense");
  BOOST_TEST((*reader)->Repair().ok());
  WalScratch scratch;
  BOOST_TEST(*records[0].Unpack(scratch) == "one");
  BOOST_TEST((ReadLog(fs).records == std::vector<std::string>{"one"}));
}

// Snappy data that is broken under a checksum that fits.
BOOST_AUTO_TEST_CASE(a_record_that_cannot_be_unpacked_is_corrupt) {
  MemFs fs;
  auto writer = WalWriter::Open(fs, "/wal", {});
  const WalPayload payloads[] = {{"good", net::Encoding::kIdentity},
                                 {"\x7f no snappy", net::Encoding::kSnappy},
                                 {"no zstd", net::Encoding::kZstd}};
  BOOST_REQUIRE((*writer)->Append(payloads).ok());
  const Log log = ReadLog(fs);
  BOOST_TEST((log.records == std::vector<std::string>{"good"}));
  BOOST_TEST(log.fault == "snappy: corrupt input");
}

BOOST_AUTO_TEST_CASE(missing_segments_end_the_log) {
  MemFs fs;
  WriteSegments(fs, {{"one"}, {"two"}, {"three"}, {"four"}}, net::Encoding::kIdentity);
  BOOST_REQUIRE(fs.Remove("/wal/00000001").ok());
  BOOST_TEST(ReadLog(fs).fault == "segments before it are missing");
  RepairAndCheck(fs, {"one"});
  BOOST_TEST(*fs.List("/wal") == (std::vector<std::string>{"00000000", "00000001"}),
             boost::test_tools::per_element());
}

// A repair that is interrupted leaves a log that is still known as corrupt, or is repaired.
BOOST_AUTO_TEST_CASE(a_repair_may_be_interrupted) {
  for (int steps = 0;; ++steps) {
    MemFs fs;
    WriteSegments(fs, {{"one"}, {"two", "bad"}, {"four"}, {"five"}}, net::Encoding::kIdentity);
    fs.Corrupt("/wal/00000001", [](std::string& file) { file[10 + 8] ^= 1; });
    for (const char* name : {"/wal/00000000", "/wal/00000002", "/wal/00000003"})
      fs.Corrupt(name, [](std::string&) {});
    BOOST_REQUIRE(fs.SyncDir("/wal").ok());
    int calls = 0;
    fs.SetFault(
        [&](std::string_view) { return calls++ >= steps ? Status::Io("power cut") : Status(); });
    auto reader = WalReader::OpenAll(fs, "/wal");
    BOOST_REQUIRE(ReadOn(**reader).records.size() == 2u);
    const bool done = (*reader)->Repair().ok();
    fs.SetFault(nullptr);
    fs.Crash();
    BOOST_TEST_CONTEXT("after " << steps << " steps") { RepairAndCheck(fs, {"one", "two"}); }
    if (done) break;
  }
}

BOOST_AUTO_TEST_CASE(records_are_unpacked_on_any_thread) {
  MemFs fs;
  Batches batches(4);
  for (size_t i = 0; i < 200; ++i)
    batches[i / 50].push_back(std::string(i + 1, '\1') + Noise(i * 700, i));
  WriteSegments(fs, batches, net::Encoding::kSnappy);
  std::vector<WalRecord> records(200);
  {
    auto reader = WalReader::OpenAll(fs, "/wal");
    for (WalRecord& record : records) BOOST_REQUIRE((*reader)->Next(record));
    WalRecord none;
    BOOST_REQUIRE(!(*reader)->Next(none));
    BOOST_TEST((*reader)->read_bytes() == (*reader)->total_bytes());
    BOOST_TEST(*(*reader)->last_segment() == 3u);
  }
  BOOST_REQUIRE(fs.RemoveAll("/wal").ok());
  const std::vector<std::string> want = Joined(batches);
  std::vector<char> same(200, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      WalScratch scratch;
      for (size_t i = t; i < records.size(); i += 4) {
        const auto bytes = records[i].Unpack(scratch);
        same[i] = bytes.ok() && *bytes == want[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(std::count(same.begin(), same.end(), 1) == 200);
}

// Prometheus cuts its own log short in ways that must not be taken for damage.
BOOST_AUTO_TEST_CASE(padding_may_be_missing_or_whole_pages) {
  MemFs fs;
  WriteSegments(fs, {{"one"}, {"two"}, {}}, net::Encoding::kIdentity);
  fs.Corrupt(kFirst, [](std::string& file) { file.resize(10); });
  fs.Corrupt("/wal/00000001", [](std::string& file) { file.resize(3 * kPage, '\0'); });
  BOOST_TEST(ReadLog(fs).fault == "");
  BOOST_TEST((ReadLog(fs).records == std::vector<std::string>{"one", "two"}));
}

}  // namespace
}  // namespace canopy::tsdb
