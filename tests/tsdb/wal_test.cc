#include "tsdb/wal.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/hex.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/wal_reader.h"

namespace canopy::tsdb {
namespace {

using testing::FromHex;
using testing::Hex;
using testing::MemFs;

constexpr size_t kPage = kWalPageBytes;

WalOptions Plain(uint64_t segment_bytes = 128 << 20) {
  return {segment_bytes, net::Encoding::kIdentity};
}

std::unique_ptr<WalWriter> OpenLog(Fs& fs, const WalOptions& options) {
  auto writer = WalWriter::Open(fs, "/wal", options);
  BOOST_REQUIRE_MESSAGE(writer.ok(), writer.status().message());
  return std::move(*writer);
}

void Append(WalWriter& writer, const std::vector<std::string>& records) {
  const Status status = writer.Append(Views(records));
  BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
}

// What Prometheus 2.42 wrote for a series and its sample, with snappy.
BOOST_AUTO_TEST_CASE(bytes_are_those_of_prometheus) {
  const std::string series =
      FromHex("01 0000000000000001 02 08 5f5f6e616d655f5f 09 706565723a74696d65 04 7a6f6e65 01 61");
  const std::string sample = FromHex("02 0000000000000001 000001a213e43d4a 00 00 41dac1c8f9aeb852");
  MemFs fs;
  const auto writer = OpenLog(fs, {128 << 20, net::Encoding::kSnappy});
  Append(*writer, {series, sample});
  BOOST_TEST(Hex(*fs.ReadFile("/wal/00000000")) ==
             Hex(FromHex("09 0023 f68f03f1 24 04 01 00 09 01 6c 01 02 08 5f5f6e616d655f5f"
                         "09 706565723a74696d65 04 7a6f6e65 01 61"
                         "09 001a c5fc7083 1b 04 02 00 09 01 48 01 00 00 01 a2 13 e4 3d 4a 00 00"
                         "41 da c1 c8 f9 ae b8 52")));
}

BOOST_AUTO_TEST_CASE(a_batch_is_one_write) {
  MemFs fs;
  const auto writer = OpenLog(fs, Plain());
  fs.ClearCalls();
  Append(*writer, {std::string(3 * kPage, 'a'), "b", std::string(kPage, 'c')});
  BOOST_TEST(fs.calls().size() == 1u);
  BOOST_TEST(ReadLog(fs).records.size() == 3u);
  BOOST_TEST(writer->counters().record_part_writes == 4u + 1u + 2u);
  BOOST_TEST(writer->counters().completed_pages == 4u);
}

// Records that end just before, at and behind every border, of a page as of a header.
BOOST_AUTO_TEST_CASE(records_around_page_borders_come_back) {
  for (const net::Encoding encoding : {net::Encoding::kIdentity, net::Encoding::kSnappy}) {
    for (size_t pages = 1; pages <= 3; ++pages) {
      for (size_t short_by = 0; short_by <= 30; ++short_by) {
        MemFs fs;
        const auto writer = OpenLog(fs, {8 * kPage, encoding});
        std::vector<std::string> records;
        records.push_back(Noise(pages * (kPage - kFragmentHeaderBytes) - short_by, short_by));
        for (const size_t size : {1, 7, 100}) records.push_back(Noise(size, size));
        Append(*writer, records);
        Append(*writer, {"next"});
        records.push_back("next");
        const Log log = ReadLog(fs);
        BOOST_TEST_CONTEXT(pages << " pages less " << short_by) {
          BOOST_REQUIRE(log.fault == "");
          BOOST_REQUIRE((log.records == records));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(empty_records_are_passed_over) {
  MemFs fs;
  const auto writer = OpenLog(fs, {128 << 20, net::Encoding::kSnappy});
  Append(*writer, {"", "a", ""});
  Append(*writer, {""});
  Append(*writer, {});
  BOOST_TEST(*fs.Size("/wal/00000000") == kFragmentHeaderBytes + 1);
  // Others may write them.
  const auto file = fs.OpenAppend("/wal/00000000");
  BOOST_REQUIRE((*file)->Append(std::string_view("\x01\0\0\0\0\0\0", 7)).ok());
  Append(*OpenLog(fs, Plain()), {"b"});
  BOOST_TEST((ReadLog(fs).records == std::vector<std::string>{"a", "b"}));
  BOOST_TEST(ReadLog(fs).fault == "");
}

BOOST_AUTO_TEST_CASE(logs_of_any_shape_come_back) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_CONTEXT("seed " << seed) {
    std::mt19937 random(seed);
    for (int round = 0; round < 30; ++round) {
      MemFs fs;
      const net::Encoding encodings[] = {net::Encoding::kIdentity, net::Encoding::kSnappy,
                                         net::Encoding::kZstd};
      const WalOptions options{(1 + random() % 4) * kPage, encodings[random() % 3]};
      auto writer = OpenLog(fs, options);
      std::vector<std::string> all;
      for (int batch = 0; batch < 30; ++batch) {
        std::vector<std::string> records;
        for (size_t n = random() % 5; n > 0; --n)
          records.push_back(Noise(1 + random() % (1u << (random() % 18)), random()));
        Append(*writer, records);
        all.insert(all.end(), records.begin(), records.end());
        if (random() % 8 == 0) BOOST_REQUIRE(writer->NextSegment().ok());
        if (random() % 8 == 0) writer = OpenLog(fs, options);
        if (random() % 4 == 0) BOOST_REQUIRE(writer->SyncFinished().ok());
      }
      const Log log = ReadLog(fs);
      BOOST_REQUIRE(log.fault == "");
      BOOST_REQUIRE((log.records == all));
    }
  }
}

BOOST_AUTO_TEST_CASE(segments_end_at_their_size) {
  MemFs fs;
  const auto writer = OpenLog(fs, Plain(2 * kPage));
  for (int i = 0; i < 9; ++i) Append(*writer, {std::string(20'000, 'a')});
  BOOST_TEST(*fs.List("/wal") == (std::vector<std::string>{"00000000", "00000001", "00000002"}),
             boost::test_tools::per_element());
  BOOST_TEST(*fs.Size("/wal/00000000") == 2 * kPage);
  BOOST_TEST(*fs.Size("/wal/00000001") == 2 * kPage);
  BOOST_TEST(writer->segment() == 2u);
  // A record larger than a segment has one of its own; the batch before it is not pulled along.
  Append(*writer, {"before", Noise(5 * kPage, 1), "after"});
  const Log log = ReadLog(fs);
  BOOST_TEST(log.fault == "");
  BOOST_TEST(log.records.size() == 12u);
  BOOST_TEST(*fs.Size("/wal/00000003") > 5 * kPage);
  BOOST_TEST(writer->segment() == 4u);
}

BOOST_AUTO_TEST_CASE(ended_segments_are_synced_and_survive_a_power_cut) {
  MemFs fs;
  const auto writer = OpenLog(fs, Plain(kPage));
  std::vector<std::string> records;
  for (size_t i = 0; i < 8; ++i) {
    records.push_back(Noise(30'000, i));
    Append(*writer, {records.back()});
  }
  // Without anybody to call SyncFinished(), all but the last few are durable.
  fs.Crash();
  const size_t durable = ReadLog(fs).records.size();
  BOOST_TEST(durable >= 4u);
  BOOST_TEST(ReadLog(fs).records ==
                 std::vector<std::string>(records.begin(),
                                          records.begin() + static_cast<std::ptrdiff_t>(durable)),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sync_makes_all_of_it_durable) {
  MemFs fs;
  const auto writer = OpenLog(fs, Plain(kPage));
  for (size_t i = 0; i < 3; ++i) Append(*writer, {Noise(30'000, i)});
  BOOST_REQUIRE(writer->SyncFinished().ok());
  Append(*writer, {"last"});
  BOOST_REQUIRE(writer->Sync().ok());
  fs.Crash();
  BOOST_TEST(ReadLog(fs).records.size() == 4u);
  BOOST_TEST(ReadLog(fs).records.back() == "last");
}

BOOST_AUTO_TEST_CASE(a_log_that_is_opened_begins_a_segment) {
  MemFs fs;
  Append(*OpenLog(fs, Plain()), {"one"});
  Append(*OpenLog(fs, Plain()), {"two"});
  BOOST_TEST(*fs.List("/wal") == (std::vector<std::string>{"00000000", "00000001"}),
             boost::test_tools::per_element());
  // Behind a checkpoint too, when the segments are gone.
  BOOST_REQUIRE(fs.RemoveAll("/wal").ok());
  BOOST_REQUIRE(fs.MakeDirs("/wal/checkpoint.00000007").ok());
  BOOST_TEST(OpenLog(fs, Plain())->segment() == 8u);
}

BOOST_AUTO_TEST_CASE(a_closed_log_takes_nothing) {
  MemFs fs;
  const auto writer = OpenLog(fs, Plain());
  Append(*writer, {"one"});
  BOOST_TEST(writer->Close().ok());
  BOOST_TEST((writer->Append(Views({"two"})).code() == Code::kUnavailable));
  fs.Crash();
  BOOST_TEST(ReadLog(fs).records == std::vector<std::string>{"one"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_segment_size_must_be_whole_pages) {
  MemFs fs;
  BOOST_TEST((WalWriter::Open(fs, "/wal", Plain(1000)).status().code() == Code::kInvalid));
}

// A full disk: the batch that did not fit is not there, not even its first records, and once there
// is room the log goes on.
BOOST_AUTO_TEST_CASE(a_full_disk_loses_only_the_batch_at_hand) {
  for (size_t room = 0; room < 3 * kPage; room += 997) {
    MemFs fs;
    // Segments of one page: the batch is larger than that, so that it also ends segments.
    for (const uint64_t segment_bytes : {kPage, 128 * kPage}) {
      BOOST_REQUIRE(fs.RemoveAll("/wal").ok());
      const auto writer = OpenLog(fs, Plain(segment_bytes));
      std::vector<std::string> want = {"before", Noise(1000, 7)};
      Append(*writer, want);
      fs.SetCapacity(*fs.Size("/wal/00000000") + room);
      const std::vector<std::string> batch = {Noise(20'000, 1), Noise(30'000, 2), Noise(50'000, 3)};
      for (int attempt = 0; attempt < 2; ++attempt)
        BOOST_TEST((writer->Append(Views(batch)).code() == Code::kIo));
      BOOST_TEST(writer->counters().writes_failed == 2u);
      BOOST_TEST((ReadLog(fs).records == want));
      fs.SetCapacity(std::nullopt);
      for (const auto& records : {batch, std::vector<std::string>{"after"}}) {
        Append(*writer, records);
        want.insert(want.end(), records.begin(), records.end());
      }
      const Log log = ReadLog(fs);
      BOOST_TEST(log.fault == "");
      BOOST_TEST((log.records == want));
    }
  }
}

// Each call of a batch fails once, and those that clean up after it as well.
BOOST_AUTO_TEST_CASE(a_batch_fails_at_any_call) {
  for (int failing = 0;; ++failing) {
    MemFs fs;
    const auto writer = OpenLog(fs, Plain(kPage));
    Append(*writer, {"before"});
    int calls = 0;
    fs.SetFault([&](std::string_view) {
      return calls++ >= failing && calls <= failing + 2 ? Status::Io("broken") : Status();
    });
    const std::vector<std::string> batch = {Noise(20'000, 1), Noise(30'000, 2), Noise(50'000, 3)};
    std::vector<std::string> want = {"before"};
    bool failed = false;
    for (bool stored = false; !stored;) {
      stored = writer->Append(Views(batch)).ok();
      failed |= !stored;
    }
    want.insert(want.end(), batch.begin(), batch.end());
    fs.SetFault(nullptr);
    const Log log = ReadLog(fs);
    BOOST_TEST_CONTEXT("call " << failing) {
      BOOST_TEST(log.fault == "");
      BOOST_TEST((log.records == want));
    }
    if (!failed && calls <= failing) break;
  }
}

BOOST_AUTO_TEST_CASE(the_last_batch_can_be_taken_back) {
  MemFs fs;
  const auto writer = OpenLog(fs, Plain(2 * kPage));
  Append(*writer, {"kept"});
  Append(*writer, {"gone", std::string(100, 'x')});
  BOOST_TEST(writer->TakeBack().ok());
  BOOST_TEST(ReadLog(fs).records == std::vector<std::string>{"kept"});
  // It has gone into segments of its own.
  Append(*writer, {std::string(kPage, 'a'), std::string(2 * kPage, 'b'), std::string(kPage, 'c')});
  BOOST_TEST(writer->segment() > 0u);
  BOOST_TEST(writer->TakeBack().ok());
  BOOST_TEST(writer->segment() == 0u);
  // A segment has been ended since.
  Append(*writer, {"gone too"});
  BOOST_TEST(writer->NextSegment().ok());
  BOOST_TEST(writer->TakeBack().ok());
  // The disk does not let go at once.
  Append(*writer, {"second"});
  Append(*writer, {"gone as well"});
  fs.SetFault([](std::string_view) { return Status::Io("a fault"); });
  BOOST_TEST(!writer->TakeBack().ok());
  BOOST_TEST(!writer->Append(Views({"third"})).ok());
  fs.SetFault(nullptr);
  Append(*writer, {"third"});
  const std::vector<std::string> want = {"kept", "second", "third"};
  BOOST_TEST(ReadLog(fs).records == want, boost::test_tools::per_element());
  BOOST_TEST(ReadLog(fs).fault == "");
}

BOOST_AUTO_TEST_CASE(old_segments_are_removed) {
  MemFs fs;
  const auto writer = OpenLog(fs, Plain());
  for (int i = 0; i < 3; ++i) BOOST_REQUIRE(writer->NextSegment().ok());
  BOOST_TEST(*writer->NextSegment() == 4u);
  BOOST_TEST(RemoveSegmentsBefore(fs, "/wal", 3).ok());
  BOOST_TEST(*fs.List("/wal") == (std::vector<std::string>{"00000003", "00000004"}),
             boost::test_tools::per_element());
}

}  // namespace
}  // namespace canopy::tsdb
