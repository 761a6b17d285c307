#include "app/openmetrics_import.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "canopy/tsdb/read_only_db.h"
#include "tests/support/mem_fs.h"

namespace canopy::app {
namespace {

using testing::MemFs;

std::string Import(Fs& fs, std::string_view page, ImportOptions options = {}) {
  BOOST_REQUIRE(fs.MakeDirs("/data").ok());
  const Status status = ImportOpenMetrics(fs, SystemClock(), page, "/data", options);
  return status.ok() ? "" : status.message();
}

// A line for each series with its samples, "3@1000" being 3 at 1000 ms.
std::vector<std::string> Shown(Fs& fs) {
  const auto db = tsdb::ReadOnlyDb::Open(fs, "/data");
  BOOST_REQUIRE(db.ok());
  const auto querier = (*db)->NewQuerier(Timestamp::Min(), Timestamp::Max());
  const auto set = (*querier)->Select({}, {.sorted = true});
  std::vector<std::string> out;
  storage::ColumnBuffer buffer;
  for (size_t i = 0; i < (*set)->size(); ++i) {
    const auto columns = (*set)->Read(i, Timestamp::Min(), Timestamp::Max(), buffer);
    std::string& text = out.emplace_back((*set)->labels(i).ToLabels().ToString());
    for (size_t k = 0; k < columns->times.size(); ++k) {
      text += " " + std::to_string(static_cast<int64_t>(columns->values[k])) + "@" +
              std::to_string(columns->times[k]);
    }
  }
  return out;
}
using Lines = std::vector<std::string>;

constexpr std::string_view kPage =
    "# TYPE a counter\n"
    "a_total{x=\"1\"} 3 7300\n"
    "a_total{x=\"1\"} 1 10\n"
    "b{} 4 20.5\n"
    "a_total{x=\"1\"} 2 20\n"
    "b{} 5 -1\n"
    "# EOF\n";

BOOST_AUTO_TEST_CASE(a_page_becomes_a_block_for_each_range) {
  const Lines want = {"a_total{x=\"1\"} 1@10000 2@20000 3@7300000", "b 5@-1000 4@20500"};
  for (const uint64_t in_memory : {uint64_t{1}, uint64_t{3}, uint64_t{1000}}) {
    MemFs fs;
    std::vector<tsdb::BlockInfo> blocks;
    ImportOptions options;
    options.max_samples_in_memory = in_memory;
    options.block = [&](const tsdb::BlockInfo& block) { blocks.push_back(block); };
    uint64_t done = 0;
    options.progress = [&](uint64_t now, uint64_t total) {
      BOOST_TEST(now >= done);
      BOOST_TEST(now <= total);
      done = now;
    };
    BOOST_TEST(Import(fs, kPage, options) == "");
    BOOST_TEST(Shown(fs) == want, boost::test_tools::per_element());
    BOOST_REQUIRE(blocks.size() == 3u);
    BOOST_TEST(blocks[0].min_time.ms() == -1000);
    BOOST_TEST(blocks[0].max_time.ms() == -999);
    BOOST_TEST(blocks[1].samples == 3u);
    BOOST_TEST(blocks[2].min_time.ms() == 7'300'000);
    std::vector<std::string> faults;
    BOOST_TEST(tsdb::ListBlocks(fs, "/data", faults)->size() == 3u);
  }
}

BOOST_AUTO_TEST_CASE(labels_are_attached_and_take_the_place_of_those_of_the_page) {
  MemFs fs;
  ImportOptions options;
  options.labels = {{"x", "9"}, {"site", "s"}};
  BOOST_TEST(Import(fs, "a{x=\"1\",y=\"2\"} 1 1\n# EOF\n", options) == "");
  BOOST_TEST(Shown(fs) == (Lines{"a{site=\"s\", x=\"9\", y=\"2\"} 1@1000"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_page_that_cannot_become_blocks_is_refused) {
  const auto f = [](std::string_view page, std::string_view why) {
    MemFs fs;
    const std::string error = Import(fs, page);
    BOOST_TEST(error.find(why) != std::string::npos, error);
    BOOST_TEST(fs.List("/data").value().empty());
  };
  f("a 1\n# EOF\n", "expected a timestamp for series a, got none");
  f("a{x=\"1\"} 1 1\n", "EOF");
  f("a{x=} 1 1\n# EOF\n", "line 1");
  f("a 1 1\na 2 1\n# EOF\n", "series a has two values at 1000");
}

BOOST_AUTO_TEST_CASE(an_empty_page_becomes_nothing) {
  MemFs fs;
  BOOST_TEST(Import(fs, "# EOF\n") == "");
  BOOST_TEST(fs.List("/data").value().empty());
}

BOOST_AUTO_TEST_CASE(block_ranges_are_those_of_prometheus) {
  const auto hours = [](int64_t asked) {
    return CompatibleBlockRange(std::chrono::hours(asked)) / std::chrono::hours(1);
  };
  BOOST_TEST(hours(0) == 2);
  BOOST_TEST(hours(5) == 2);
  BOOST_TEST(hours(6) == 6);
  BOOST_TEST(hours(24) == 18);
  BOOST_TEST(hours(54) == 54);
  BOOST_TEST(hours(1'000'000) == 39366);
}

}  // namespace
}  // namespace canopy::app
