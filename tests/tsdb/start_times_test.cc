#include "tsdb/start_times.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "canopy/model/sample.h"
#include "tests/tsdb/histogram_of.h"
#include "tests/tsdb/out_of_order_support.h"
#include "tests/tsdb/raw_block.h"

// When counters started, from samples to queries: through the log, files of chunks, and blocks.
// That floats keep it whatever happens to them shows in out_of_order_model_test.cc as well.

namespace canopy::tsdb {
namespace {

struct StartsDisk : Disk {
  explicit StartsDisk(chunk::HistogramForm form = chunk::HistogramForm::kWithStarts,
                      chunk::FloatEncoding floats = chunk::FloatEncoding::kXor2) {
    db.reset();
    options.start_times = true;
    options.float_encoding = floats;
    options.histogram_form = form;
    db = Open();
  }
};

// In minutes.
struct Counted {
  double minutes;
  double value;
  double start;
};

// Returns the series.
SeriesRef MustAppend(Db& db, const Batch& batch) {
  const auto report = db.Append(batch);
  BOOST_REQUIRE_MESSAGE(report.ok(), report.status().message());
  BOOST_TEST(report->rejected.empty());
  return report->refs.empty() ? SeriesRef() : report->refs[0];
}
SeriesRef Put(Db& db, const std::vector<Counted>& samples) {
  Batch batch;
  for (const Counted& sample : samples) {
    batch.new_samples.push_back({Named("c"), At(sample.minutes), sample.value});
    batch.new_start_times.push_back(At(sample.start).ms());
  }
  return MustAppend(db, batch);
}
SeriesRef PutHistograms(Db& db, unsigned n, const std::vector<Counted>& samples) {
  Batch batch;
  for (const Counted& sample : samples) {
    const Timestamp time = At(sample.minutes);
    batch.new_histograms.push_back(
        {Named("h" + std::to_string(n)), time, HistogramOf(n, time.ms()), At(sample.start).ms()});
  }
  return MustAppend(db, batch);
}

// Minutes and starts alone: "1<0 2<0 3".
std::string StartsOf(storage::Queryable& db, const std::string& name,
                     const storage::SelectHints& hints = {}) {
  const std::vector<model::Matcher> matchers = {
      model::Matcher::Literal(model::MatchType::kEqual, "__name__", name)};
  const auto querier = *db.NewQuerier(Timestamp::Min(), Timestamp::Max());
  const auto set = *querier->Select(matchers, hints);
  BOOST_REQUIRE_EQUAL(set->size(), 1u);
  storage::ColumnBuffer buffer;
  const auto columns = *set->Read(0, Timestamp::Min(), Timestamp::Max(), buffer);
  std::string out;
  for (size_t i = 0; i < columns.times.size(); ++i) {
    out += (i > 0 ? " " : "") + Minutes(columns.times[i]);
    const int64_t start = columns.start_times.empty() ? 0 : columns.start_times[i];
    if (start != 0) out += "<" + Minutes(start);
  }
  return out;
}

std::map<ChunkEncoding, size_t> EncodingsInBlocks(Disk& disk) {
  std::map<ChunkEncoding, size_t> out;
  for (const BlockMeta& meta : disk.Blocks()) {
    const auto block = *Block::Open(disk.fs, "/data/" + meta.ulid.ToString());
    for (size_t i = 0; i < block->index().AllPostings()->size(); ++i)
      for (const RawChunk& chunk : ChunksOf(*block, i)) ++out[chunk.encoding];
  }
  return out;
}

BOOST_AUTO_TEST_SUITE(start_times)

BOOST_AUTO_TEST_CASE(a_store_shows_when_counters_started) {
  StartsDisk disk;
  Put(*disk.db, {{100, 1, 90}, {101, 2, 90}});
  Put(*disk.db, {{102, 0, 101}, {103, 1, 101}});
  Put(*disk.db, {{104, 2, 0}, {105, 3, 104}});
  const std::string want = "100:1<90 101:2<90 102:0<101 103:1<101 104:2 105:3<104";
  BOOST_TEST(Read(*disk.db)["c"] == want);
  BOOST_TEST(Read(*disk.db, At(101), At(104))["c"] == "101:2<90 102:0<101 103:1<101 104:2");
  BOOST_TEST(Read(*disk.db, Timestamp::Min(), Timestamp::Max(), {.newest_only = true})["c"] ==
             "105:3<104");
  disk.Restart();
  BOOST_TEST(Read(*disk.db)["c"] == want);
  Put(*disk.db, {{106, 4, 104}, {125, 5, 104}});
  disk.Compact();
  BOOST_TEST(disk.Blocks().size() > 1u);
  BOOST_TEST(Read(*disk.db)["c"] == want + " 106:4<104 125:5<104");
  disk.Restart();
  BOOST_TEST(Read(*disk.db)["c"] == want + " 106:4<104 125:5<104");
  disk.IsWhole();
}

BOOST_AUTO_TEST_CASE(a_store_that_is_not_asked_to_keeps_none) {
  Disk disk;
  Put(*disk.db, {{100, 1, 90}, {101, 2, 90}});
  BOOST_TEST(Read(*disk.db)["c"] == "100:1 101:2");
  disk.Restart();
  BOOST_TEST(Read(*disk.db)["c"] == "100:1 101:2");
  // Nor what an earlier one has left in the log.
  StartsDisk earlier;
  Put(*earlier.db, {{100, 1, 90}, {110, 2, 90}});
  Put(*earlier.db, {{105, 3, 90}});
  PutHistograms(*earlier.db, 0, {{110, 0, 90}});
  PutHistograms(*earlier.db, 0, {{105, 0, 90}});
  earlier.options.start_times = false;
  earlier.options.histogram_form = chunk::HistogramForm::kPlain;
  earlier.Restart();
  BOOST_TEST(Read(*earlier.db)["c"] == "100:1 105:3 110:2");
  BOOST_TEST(StartsOf(*earlier.db, "h0") == "105 110");
}

// Of what comes back from a file, the head knows no changes.
BOOST_AUTO_TEST_CASE(chunks_in_files_have_their_own) {
  StartsDisk disk;
  disk.db.reset();
  disk.options.block_range = 120 * kMinute;
  disk.db = disk.Open();
  std::string want;
  for (int i = 0; i < 250; ++i) {
    const double minutes = 120 + i * 0.25;
    Put(*disk.db, {{minutes, 1, i < 120 ? 90.0 : 0}});
    want += (i > 0 ? " " : "") + Minutes(At(minutes).ms()) + (i < 120 ? "<90" : "");
  }
  disk.Compact();
  BOOST_TEST(StartsOf(*disk.db, "c") == want);
  disk.Restart();
  BOOST_TEST(StartsOf(*disk.db, "c") == want);
  Put(*disk.db, {{190, 1, 185}});
  BOOST_TEST(StartsOf(*disk.db, "c") == want + " 190<185");
}

// They are in the log; what is cut from the head has no place for them.
BOOST_AUTO_TEST_CASE(encodings_without_a_place_lose_them) {
  StartsDisk disk(chunk::HistogramForm::kPlain, chunk::FloatEncoding::kXor);
  PutHistograms(*disk.db, 0, {{100, 0, 90}});
  Put(*disk.db, {{100, 1, 90}, {101, 2, 90}, {120, 3, 90}});
  BOOST_TEST(Read(*disk.db)["c"] == "100:1<90 101:2<90 120:3<90");
  PutHistograms(*disk.db, 0, {{121, 0, 90}});
  PutHistograms(*disk.db, 0, {{119, 0, 90}});
  BOOST_TEST(StartsOf(*disk.db, "h0") == "100 119 121");
  disk.Compact();
  BOOST_TEST(Read(*disk.db)["c"] == "100:1 101:2 120:3<90");
}

// A chunk that knows none comes before one that does, and the other way round.
BOOST_AUTO_TEST_CASE(floats_and_histograms_of_one_series_have_their_own) {
  StartsDisk disk;
  PutHistograms(*disk.db, 0, {{100, 0, 0}, {101, 0, 0}});
  Batch floats;
  floats.new_samples = {{Named("h0"), At(102), 1}, {Named("h0"), At(103), 2}};
  floats.new_start_times = {At(90).ms(), At(90).ms()};
  MustAppend(*disk.db, floats);
  PutHistograms(*disk.db, 0, {{104, 0, 0}, {105, 0, 103.5}});
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(StartsOf(*disk.db, "h0") == "100 101 102<90 103<90 104 105<103.5");
    if (i == 0) disk.Restart();
    if (i == 1) {
      BOOST_REQUIRE((One(*disk.db, "other", 120, 1) == AppendResult::kStored));
      disk.Compact();
    }
  }
}

BOOST_AUTO_TEST_CASE(a_marker_belongs_to_no_counter) {
  StartsDisk disk;
  Batch end;
  end.ended = {Put(*disk.db, {{100, 1, 90}}), PutHistograms(*disk.db, 0, {{100, 0, 90}}),
               PutHistograms(*disk.db, 1, {{100, 0, 90}})};
  end.ended_at = At(101);
  MustAppend(*disk.db, end);
  Put(*disk.db, {{102, 2, 90}});
  PutHistograms(*disk.db, 0, {{102, 0, 90}});
  PutHistograms(*disk.db, 1, {{102, 0, 90}});
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(StartsOf(*disk.db, "c") == "100<90 101<90 102<90");
    BOOST_TEST(StartsOf(*disk.db, "h0") == "100<90 101<90 102<90");
    BOOST_TEST(StartsOf(*disk.db, "h1") == "100<90 101<90 102<90");
    if (i == 0) {
      disk.Restart();
    } else {
      BOOST_REQUIRE((One(*disk.db, "other", 120.0 + i, 1) == AppendResult::kStored));
      disk.Compact();
    }
  }
}

BOOST_AUTO_TEST_CASE(histograms_keep_them_where_their_form_has_a_place) {
  for (const auto form : {chunk::HistogramForm::kPlain, chunk::HistogramForm::kWithStarts}) {
    const bool kept = form == chunk::HistogramForm::kWithStarts;
    StartsDisk disk(form);
    std::map<std::string, std::string> want;
    for (int i = 0; i < 160; ++i) {
      const double minutes = 100 + i * 0.25;
      const double start = i < 20 ? 50 : i < 40 ? 0 : i < 100 ? 104 : 120;
      for (const unsigned n : {0u, 1u}) {
        PutHistograms(*disk.db, n, {{minutes, 0, start}});
        std::string& text = want["h" + std::to_string(n)];
        text += (text.empty() ? "" : " ") + Minutes(At(minutes).ms());
        if (kept && start != 0) text += "<" + std::to_string(static_cast<int>(start));
      }
      if (i % 17 == 16) disk.Restart();
      if (i % 11 == 10) disk.Compact();
      if (i % 5 != 0) continue;
      for (const auto& [name, text] : want) BOOST_TEST(StartsOf(*disk.db, name) == text);
    }
    BOOST_TEST(StartsOf(*disk.db, "h1", {.newest_only = true}) == (kept ? "139.75<120" : "139.75"));
    BOOST_TEST(std::ranges::any_of(*disk.fs.List("/data/wal"), [](const std::string& name) {
      return name.starts_with("checkpoint.");
    }));
    const auto encodings = EncodingsInBlocks(disk);
    BOOST_TEST(encodings.size() == 2u);
    for (const auto& [encoding, count] : encodings)
      BOOST_TEST((HoldsHistograms(encoding) && HistogramFormOf(encoding) == form));
    disk.IsWhole();
  }
}

BOOST_AUTO_TEST_CASE(samples_out_of_order_bring_their_own) {
  StartsDisk disk;
  Put(*disk.db, {{100, 1, 90}, {110, 2, 90}});
  Put(*disk.db, {{104, 5, 95}, {103, 4, 0}});
  PutHistograms(*disk.db, 0, {{100, 0, 90}, {110, 0, 90}});
  PutHistograms(*disk.db, 0, {{104, 0, 95}, {103, 0, 0}});
  const std::string floats = "100:1<90 103:4 104:5<95 110:2<90";
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(Read(*disk.db)["c"] == floats);
    BOOST_TEST(StartsOf(*disk.db, "h0") == "100<90 103 104<95 110<90");
    if (i == 0) disk.Restart();
    if (i == 1) disk.Compact();
  }
  disk.IsWhole();
}

// More of them than are kept uncompressed.
BOOST_AUTO_TEST_CASE(many_samples_out_of_order_bring_their_own) {
  StartsDisk disk;
  Put(*disk.db, {{119, 1, 90}});
  for (const unsigned n : {0u, 1u}) PutHistograms(*disk.db, n, {{119, 0, 90}});
  std::string want;
  for (int i = 0; i < 70; ++i) {
    const double minutes = 100 + i * 0.25;
    const double start = i % 9 == 0 ? 0 : 50 + i / 10;
    Put(*disk.db, {{minutes, 1, start}});
    for (const unsigned n : {0u, 1u}) PutHistograms(*disk.db, n, {{minutes, 0, start}});
    want += Minutes(At(minutes).ms()) + (start != 0 ? "<" + Short(start) : "") + " ";
  }
  for (int i = 0; i < 3; ++i) {
    for (const char* const name : {"c", "h0", "h1"})
      BOOST_TEST(StartsOf(*disk.db, name) == want + "119<90");
    if (i == 0) disk.Restart();
    if (i == 1) disk.Compact();
  }
  disk.IsWhole();
}

BOOST_AUTO_TEST_CASE(what_is_deleted_takes_none_from_the_rest) {
  StartsDisk disk;
  Put(*disk.db, {{100, 1, 90}, {101, 2, 90}, {102, 3, 101.5}, {103, 4, 101.5}});
  const auto all = model::Matcher::Create(model::MatchType::kRegex, "__name__", ".+");
  BOOST_REQUIRE(disk.db->Delete(std::vector{*all}, At(101), At(102)).ok());
  const std::string want = "100:1<90 103:4<101.5";
  BOOST_TEST(Read(*disk.db)["c"] == want);
  Put(*disk.db, {{125, 5, 101.5}});
  disk.Compact();
  BOOST_TEST(Read(*disk.db)["c"] == want + " 125:5<101.5");
  BOOST_REQUIRE(disk.db->CleanTombstones().ok());
  disk.Restart();
  BOOST_TEST(Read(*disk.db)["c"] == want + " 125:5<101.5");
}

// As most series have one start for as long as they live.
BOOST_AUTO_TEST_CASE(what_does_not_change_takes_no_memory) {
  Graveyard graveyard;
  StartTimes starts;
  for (int64_t t = 0; t < 1000; ++t) starts.Note(3, t, 7, graveyard);
  starts.Note(3, 1000, 8, graveyard);
  starts.Note(3, 1001, 8, graveyard);
  BOOST_TEST(starts.Of(3).size() == 2u);
  BOOST_TEST(starts.Of(2).empty());
  BOOST_TEST(starts.Of(4).empty());
  starts.DropBefore(3, 999, graveyard);
  BOOST_TEST(starts.Of(3).size() == 2u);
  starts.DropBefore(3, 1000, graveyard);
  BOOST_REQUIRE_EQUAL(starts.Of(3).size(), 1u);
  BOOST_TEST(starts.Of(3)[0].from == 1000);
  BOOST_TEST(StartWalk(starts.Of(3)).At(999) == 0);
  BOOST_TEST(StartWalk(starts.Of(3)).At(1000) == 8);
  // The slot goes to another series.
  starts.Drop(3, graveyard);
  BOOST_TEST(starts.Of(3).empty());
  BOOST_TEST(starts.Newest(3) == 0);
  starts.Note(3, 10, 8, graveyard);
  BOOST_TEST(starts.Of(3).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::tsdb
