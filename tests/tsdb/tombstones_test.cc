#include "tsdb/tombstones.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/hex.h"
#include "tests/support/mem_fs.h"

namespace canopy::tsdb {
namespace {

using testing::FromHex;
using testing::Hex;

BOOST_AUTO_TEST_CASE(ranges_that_touch_become_one) {
  std::mt19937 random(1);
  const auto number = [&](uint32_t below) { return static_cast<int64_t>(random() % below); };
  for (int round = 0; round < 200; ++round) {
    Tombstones tombstones;
    std::set<int64_t> deleted;
    for (int i = 0; i < 12; ++i) {
      const int64_t mint = number(80);
      const int64_t maxt = mint + number(9);
      tombstones.Add(7, {mint, maxt});
      for (int64_t t = mint; t <= maxt; ++t) deleted.insert(t);
    }
    const auto ranges = tombstones.Get(7);
    std::set<int64_t> shown;
    for (size_t i = 0; i < ranges.size(); ++i) {
      if (i > 0) BOOST_REQUIRE(ranges[i].mint > ranges[i - 1].maxt + 1);
      for (int64_t t = ranges[i].mint; t <= ranges[i].maxt; ++t) shown.insert(t);
    }
    BOOST_REQUIRE((shown == deleted));
    storage::ColumnBuffer columns;
    std::vector<int64_t>& times = columns.times;
    const bool more_columns = number(2) == 0;
    const model::FloatHistogram histogram;
    std::vector<int64_t> want;
    const size_t first = static_cast<size_t>(number(20));
    for (int64_t t = 0; t < 100; t += 1 + number(3)) {
      if (times.size() < first || !deleted.contains(t)) want.push_back(t);
      times.push_back(t);
      columns.values.push_back(static_cast<double>(t) / 2);
      if (!more_columns) continue;
      columns.histograms.push_back(t % 2 == 0 ? &histogram : nullptr);
      columns.start_times.push_back(t / 3);
    }
    EraseDeleted(ranges, std::min(first, times.size()), columns);
    BOOST_REQUIRE((times == want));
    BOOST_REQUIRE_EQUAL(columns.histograms.size(), more_columns ? want.size() : 0);
    for (size_t i = 0; i < times.size(); ++i) {
      BOOST_REQUIRE(columns.values[i] == static_cast<double>(times[i]) / 2);
      if (!more_columns) continue;
      BOOST_REQUIRE((columns.histograms[i] != nullptr) == (times[i] % 2 == 0));
      BOOST_REQUIRE(columns.start_times[i] == times[i] / 3);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_ends_of_time_are_no_trap) {
  Tombstones tombstones;
  tombstones.Add(1, {5, INT64_MAX});
  tombstones.Add(1, {INT64_MIN, -5});
  tombstones.Add(1, {INT64_MAX, INT64_MAX});
  BOOST_TEST(tombstones.size() == 2u);
  tombstones.Add(1, {-4, 4});
  BOOST_TEST((tombstones.Get(1)[0] == TimeRange{INT64_MIN, INT64_MAX}));
  BOOST_TEST(CoversAll(tombstones.Get(1), INT64_MIN, INT64_MAX));
  BOOST_TEST(tombstones.Get(2).empty());
}

BOOST_AUTO_TEST_CASE(the_file_has_the_documented_bytes) {
  Tombstones tombstones;
  tombstones.Add(300, {-1, 64});
  tombstones.Add(2, {5, 6});
  tombstones.Add(2, {1, 2});
  // The sum, from Prometheus's own writer, is of the deletions alone.
  const std::string bytes = FormatTombstones(tombstones);
  BOOST_TEST(Hex(bytes.substr(0, bytes.size() - 4)) ==
             Hex(FromHex("0130ba30 01 02 02 04 02 0a 0c ac02 01 8001")));
  testing::MemFs fs;
  BOOST_REQUIRE(fs.MakeDirs("/b").ok());
  BOOST_TEST(ReadTombstones(fs, "/b")->empty());
  BOOST_REQUIRE(WriteTombstones(fs, "/b", tombstones).ok());
  BOOST_TEST((*ReadTombstones(fs, "/b") == tombstones));
  BOOST_TEST(Hex(FormatTombstones({})) == "0130ba300100000000");
}

BOOST_AUTO_TEST_CASE(what_is_no_tombstones_file_is_refused) {
  Tombstones tombstones;
  tombstones.Add(300, {-1, 64});
  const std::string good = FormatTombstones(tombstones);
  for (size_t size = 0; size < good.size(); ++size)
    BOOST_TEST(!ParseTombstones(good.substr(0, size)).ok());
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    BOOST_TEST(!ParseTombstones(flipped).ok(), "bit " << bit);
  }
}

}  // namespace
}  // namespace canopy::tsdb
