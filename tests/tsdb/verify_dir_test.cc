#include "canopy/tsdb/verify_dir.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "canopy/tsdb/db.h"
#include "canopy/tsdb/read_only_db.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/block_support.h"
#include "tests/tsdb/wal_support.h"
#include "tsdb/block_meta.h"
#include "tsdb/head_chunk_files.h"
#include "tsdb/wal.h"
#include "tsdb/wal_checkpoint.h"
#include "tsdb/wal_record.h"

namespace canopy::tsdb {
namespace {

using testing::MemFs;

constexpr int64_t kStart = 1'699'999'200'000;  // a multiple of two hours
constexpr int64_t kRange = 7'200'000;

struct Verified {
  uint64_t fault_count = 0;
  std::vector<std::string> faults;
  std::vector<std::string> notices;
  std::map<std::string, std::string> content;
  // The only fault, and that it is one.
  std::string Only() const {
    BOOST_TEST(fault_count == faults.size());
    BOOST_TEST(faults.size() == 1u);
    return faults.empty() ? "" : faults[0];
  }
};
Verified Verify(Fs& fs) {
  Verified out;
  VerifyDirOptions options;
  options.part = [&](const VerifiedPart& part) {
    out.content[part.name] = part.content;
    out.faults.insert(out.faults.end(), part.faults.begin(), part.faults.end());
    out.notices.insert(out.notices.end(), part.notices.begin(), part.notices.end());
  };
  const auto faults = VerifyDir(fs, "/data", options);
  BOOST_REQUIRE_MESSAGE(faults.ok(), faults.status().message());
  out.fault_count = *faults;
  return out;
}

std::unique_ptr<Db> MustOpen(Fs& fs, SelfMetrics& metrics) {
  auto db = Db::Open(fs, SystemClock(), metrics,
                     {.dir = "/data",
                      .retention_time = Duration(0),
                      .wal_segment_bytes = 64 << 10,
                      .maintenance_interval = Duration(0)});
  BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
  return std::move(*db);
}

// Blocks, a checkpoint, segments and head chunks.
struct Directory {
  explicit Directory(Fs& fs) : content(RandomSamples(12, 1300, kStart, 1)) {
    SelfMetrics metrics;
    const auto db = MustOpen(fs, metrics);
    for (size_t i = 0; i < 1300; ++i) {
      storage::Batch batch;
      for (const auto& [labels, column] : content)
        batch.new_samples.push_back({labels, Timestamp::FromMs(column[i].first), column[i].second});
      BOOST_REQUIRE(db->Append(batch).ok());
      if (i % 500 == 499) BOOST_REQUIRE(db->Compact().ok());
    }
    BOOST_REQUIRE(db->Compact().ok());
    BOOST_REQUIRE(LastCheckpoint(fs, "/data/wal")->has_value());
    AddHeadChunks(fs);
  }
  // Of series that are not in the log: nobody reads them, but they are there to be damaged.
  static void AddHeadChunks(Fs& fs) {
    const auto files = HeadChunkFiles::Open(fs, "/data/chunks_head", [](uint64_t, auto&) {});
    BOOST_REQUIRE(files.ok());
    for (uint64_t i = 0; i < 20; ++i) {
      chunk::XorEncoder encoder;
      for (int64_t t = 0; t < 100; ++t)
        encoder.Append(kStart + t * 1000, static_cast<double>(t * t));
      BOOST_REQUIRE((*files)
                        ->Append({SeriesRef(1'000'000 + i), kStart, kStart + 99'000,
                                  ChunkEncoding::kXor, false, encoder.bytes()})
                        .ok());
    }
    BOOST_REQUIRE((*files)->Flush().ok());
  }
  SampleMap content;
};

std::vector<std::string> FilesUnder(Fs& fs, const std::string& path) {
  if (!fs.IsDirectory(path)) return {path};
  std::vector<std::string> out;
  const auto names = fs.List(path);
  for (const std::string& name : *names)
    for (std::string& file : FilesUnder(fs, JoinPath(path, name))) out.push_back(std::move(file));
  return out;
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_whole_has_no_faults) {
  MemFs fs;
  const Directory directory(fs);
  fs.ClearCalls();
  const Verified found = Verify(fs);
  BOOST_TEST(found.fault_count == 0u);
  BOOST_TEST(found.faults.empty());
  BOOST_TEST(found.notices.empty());
  BOOST_TEST(found.content.at("chunks_head").find(" chunks") != std::string::npos);
  BOOST_TEST(found.content.at("wal").find(" 12 series, ") != std::string::npos);
  BOOST_TEST(found.content.size() == 4u);  // and two blocks
  BOOST_TEST(fs.calls().empty());
  BOOST_TEST((VerifyDir(fs, "/none", {}).status().code() == Code::kNotFound));
}

// What a store shows after a start on a copy of the directory. Samples may be missing, never wrong.
void OpensWithoutWrongSamples(MemFs& fs, const SampleMap& content, const std::string& damaged) {
  SelfMetrics metrics;
  const auto db = Db::Open(
      fs, SystemClock(), metrics,
      {.dir = "/data", .retention_time = Duration(0), .maintenance_interval = Duration(0)});
  BOOST_REQUIRE_MESSAGE(db.ok(), damaged << ": " << db.status().message());
  const auto querier = (*db)->NewQuerier(Timestamp::Min(), Timestamp::Max());
  BOOST_REQUIRE(querier.ok());
  const auto set = (*querier)->Select({}, {});
  // Sums are looked at as parts of a block are read.
  if (!set.ok()) {
    BOOST_TEST((set.status().code() == Code::kCorrupt), damaged);
    return;
  }
  storage::ColumnBuffer buffer;
  for (size_t i = 0; i < (*set)->size(); ++i) {
    const auto samples = (*set)->Read(i, Timestamp::Min(), Timestamp::Max(), buffer);
    if (!samples.ok()) {
      BOOST_TEST((samples.status().code() == Code::kCorrupt), damaged);
      continue;
    }
    const auto want = content.find((*set)->labels(i).ToLabels());
    BOOST_REQUIRE_MESSAGE(want != content.end(), damaged);
    size_t place = 0;
    for (size_t k = 0; k < samples->times.size(); ++k) {
      while (place < want->second.size() && want->second[place].first < samples->times[k]) ++place;
      BOOST_REQUIRE_MESSAGE(place < want->second.size() &&
                                want->second[place].first == samples->times[k] &&
                                model::SameBits(want->second[place].second, samples->values[k]),
                            damaged << ": a wrong sample of " << want->first.ToString());
    }
  }
}

// Of meta.json only its figures are bound to anything.
bool IsMeta(const std::string& path) { return path.ends_with("/meta.json"); }

// Bytes that mean nothing: between sections of an index, in headers, behind the end of a page.
bool MayBePadding(const std::string& path, size_t offset) {
  if (path.ends_with("/index")) return true;
  if (path.find("/chunks") != std::string::npos) return offset >= 5 && offset < 8;
  return path.find("/wal/") != std::string::npos;
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_in_any_file_is_found_where_it_is_and_never_read_as_a_sample) {
  MemFs fs;
  const Directory directory(fs);
  std::mt19937 random(7);
  size_t missed = 0;
  size_t flips = 0;
  for (const std::string& path : FilesUnder(fs, "/data")) {
    if (path.ends_with("/lock") || IsMeta(path)) continue;
    const size_t size = *fs.Size(path);
    if (size == 0) continue;
    for (int i = 0; i < 12; ++i, ++flips) {
      const size_t offset = random() % size;
      const char bit = static_cast<char>(1 << random() % 8);
      std::map<std::string, std::string> before;
      for (const std::string& file : FilesUnder(fs, "/data")) before[file] = *fs.ReadFile(file);
      fs.Corrupt(path, [&](std::string& bytes) {
        bytes[offset] = static_cast<char>(bytes[offset] ^ bit);
      });
      const std::string what = path + " " + std::to_string(offset);
      const Verified found = Verify(fs);
      if (found.fault_count == 0 && MayBePadding(path, offset)) {
        ++missed;
      } else {
        BOOST_TEST(found.fault_count > 0u, what);
        const bool named = std::ranges::any_of(found.faults, [&](const std::string& fault) {
          return fault.find(path) != std::string::npos;
        });
        BOOST_TEST(named, what << ": " << (found.faults.empty() ? "" : found.faults[0]));
      }
      const auto shown = ReadOnlyDb::Open(fs, "/data");
      BOOST_TEST(shown.ok(), what);
      OpensWithoutWrongSamples(fs, directory.content, what);
      BOOST_REQUIRE(fs.RemoveAll("/data").ok());
      for (const auto& [file, bytes] : before) {
        BOOST_REQUIRE(fs.MakeDirs(std::string(DirName(file))).ok());
        BOOST_REQUIRE((*fs.Create(file))->Append(bytes).ok());
      }
    }
  }
  BOOST_TEST(flips > 80u);
  BOOST_TEST(missed * 5 < flips);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_short_is_found) {
  MemFs fs;
  const Directory directory(fs);
  std::mt19937 random(8);
  for (const std::string& path : FilesUnder(fs, "/data")) {
    if (path.ends_with("/lock")) continue;
    const std::string bytes = *fs.ReadFile(path);
    if (bytes.empty()) continue;
    for (int i = 0; i < 4; ++i) {
      const size_t size = random() % bytes.size();
      fs.Corrupt(path, [&](std::string& content) { content.resize(size); });
      const Verified found = Verify(fs);
      // The last file of a log ends anywhere while somebody writes.
      const bool is_log = path.find("/wal/") != std::string::npos ||
                          path.find("/chunks_head/") != std::string::npos;
      if (!is_log) BOOST_TEST(found.fault_count > 0u, path << " cut to " << size);
      fs.Corrupt(path, [&](std::string& content) { content = bytes; });
    }
  }
  BOOST_TEST(Verify(fs).fault_count == 0u);
}

BOOST_AUTO_TEST_CASE(missing_segments_and_unknown_series_of_a_log_are_faults) {
  MemFs fs;
  {
    auto writer = WalWriter::Open(fs, "/data/wal", {});
    BOOST_REQUIRE(writer.ok());
    std::string series;
    SeriesEncoder(series).Add(SeriesRef(1), model::Labels{{"a", "b"}});
    std::string samples;
    SamplesEncoder encoder(samples);
    encoder.Add(SeriesRef(1), Timestamp::FromMs(1), 1);
    encoder.Add(SeriesRef(2), Timestamp::FromMs(1), 1);
    encoder.Finish();
    BOOST_REQUIRE((*writer)->Append(Views({series})).ok());
    BOOST_REQUIRE((*writer)->NextSegment().ok());
    BOOST_REQUIRE((*writer)->Append(Views({samples})).ok());
    BOOST_REQUIRE((*writer)->NextSegment().ok());
  }
  BOOST_TEST(Verify(fs).Only() ==
             "/data/wal/00000001: offset 0: 1 samples are of series that no record names");
  BOOST_REQUIRE(fs.Remove("/data/wal/00000001").ok());
  BOOST_TEST(Verify(fs).Only() == "/data/wal/00000002: offset 0: segments before it are missing");
}

BOOST_AUTO_TEST_CASE(what_a_start_will_remove_is_a_notice) {
  MemFs fs;
  for (const char* dir :
       {"/data/01HF7YAT00000000000000000A.tmp-for-creation", "/data/wal/checkpoint.00000003.tmp"})
    BOOST_REQUIRE(fs.MakeDirs(dir).ok());
  const Verified found = Verify(fs);
  BOOST_TEST(found.fault_count == 0u);
  BOOST_REQUIRE(found.notices.size() == 2u);
  BOOST_TEST(found.notices[0].starts_with("/data/01HF7YAT00000000000000000A.tmp-for-creation is"));
  BOOST_TEST(found.notices[1].starts_with("/data/wal/checkpoint.00000003.tmp is left over"));
}

BOOST_AUTO_TEST_CASE(head_chunks_that_overlap_or_hold_other_times_are_faults) {
  MemFs fs;
  {
    const auto files = HeadChunkFiles::Open(fs, "/data/chunks_head", [](uint64_t, auto&) {});
    BOOST_REQUIRE(files.ok());
    chunk::XorEncoder encoder;
    encoder.Append(10, 1);
    encoder.Append(20, 2);
    for (const auto& [mint, maxt] : {std::pair(10, 20), std::pair(15, 20), std::pair(30, 40)})
      BOOST_REQUIRE(
          (*files)
              ->Append({SeriesRef(5), mint, maxt, ChunkEncoding::kXor, false, encoder.bytes()})
              .ok());
    BOOST_REQUIRE((*files)->Flush().ok());
  }
  const Verified found = Verify(fs);
  BOOST_REQUIRE(found.faults.size() == 2u);
  BOOST_TEST(found.faults[0].ends_with("chunk of series 5 overlaps with the one before it"));
  BOOST_TEST(found.faults[1].ends_with("chunk of series 5 has other times than it says"));
  BOOST_TEST(found.faults[0].starts_with("/data/chunks_head/000001: offset "));
}

}  // namespace
}  // namespace canopy::tsdb
