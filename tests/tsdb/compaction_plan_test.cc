#include "tsdb/compaction_plan.h"

#include <boost/test/unit_test.hpp>
#include <string>

namespace canopy::tsdb {
namespace {

constexpr Duration kRanges[] = {Duration(20), Duration(60), Duration(180), Duration(540)};

BlockMeta Block(int64_t min_time, int64_t max_time) {
  BlockMeta meta;
  meta.min_time = Timestamp::FromMs(min_time);
  meta.max_time = Timestamp::FromMs(max_time);
  meta.stats.num_series = 100;
  return meta;
}

std::string Text(const std::vector<size_t>& places) {
  std::string out;
  for (const size_t place : places) out += (out.empty() ? "" : " ") + std::to_string(place);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(ranges_grow_by_three) {
  BOOST_TEST(BlockRanges(Duration(20), Duration(540)).size() == 4u);
  BOOST_TEST(BlockRanges(Duration(20), Duration(539)).size() == 3u);
  BOOST_TEST(BlockRanges(Duration(20), Duration(0)).size() == 1u);
}

BOOST_AUTO_TEST_CASE(blocks_that_fill_a_range_become_one) {
  auto f = [](std::vector<BlockMeta> blocks, const std::string& want) {
    BOOST_TEST(Text(PlanCompaction(blocks, kRanges)) == want);
  };
  f({}, "");
  f({Block(0, 20)}, "");
  f({Block(0, 20), Block(20, 40), Block(40, 60)}, "");  // the newest one waits
  f({Block(0, 20), Block(20, 40), Block(40, 60), Block(60, 80)}, "0 1 2");
  // A hole, but nothing will come into it any more.
  f({Block(0, 20), Block(40, 60), Block(60, 80)}, "0 1");
  f({Block(0, 20), Block(20, 40), Block(60, 80), Block(80, 100)}, "0 1");
  // Alone in its range.
  f({Block(0, 20), Block(60, 80), Block(120, 140)}, "");
  // The next level.
  f({Block(0, 60), Block(60, 120), Block(120, 180), Block(180, 200)}, "0 1 2");
  f({Block(0, 60), Block(60, 120), Block(120, 140), Block(140, 160)}, "");
  // Before the epoch.
  f({Block(-60, -40), Block(-40, -20), Block(-20, 0), Block(0, 20)}, "0 1 2");
  // Across the border of a range: in none.
  f({Block(10, 70), Block(70, 90), Block(90, 110), Block(110, 120), Block(120, 140),
     Block(140, 160)},
    "1 2 3");
}

BOOST_AUTO_TEST_CASE(a_failed_block_is_not_tried_again) {
  std::vector<BlockMeta> blocks = {Block(0, 20), Block(20, 40), Block(40, 60), Block(60, 80)};
  blocks[1].compaction.failed = true;
  BOOST_TEST(Text(PlanCompaction(blocks, kRanges)) == "");
}

BOOST_AUTO_TEST_CASE(what_overlaps_comes_first) {
  auto f = [](std::vector<BlockMeta> blocks, const std::string& want) {
    BOOST_TEST(Text(PlanCompaction(blocks, kRanges)) == want);
  };
  f({Block(0, 20), Block(10, 30)}, "0 1");
  f({Block(0, 20), Block(20, 40), Block(40, 60), Block(60, 80), Block(70, 90)}, "3 4");
  f({Block(0, 100), Block(10, 20), Block(30, 40), Block(100, 120)}, "0 1 2");
  f({Block(0, 20), Block(10, 30), Block(40, 60), Block(50, 60)}, "0 1");
}

BOOST_AUTO_TEST_CASE(out_of_order_blocks_wait_for_the_head) {
  const auto late = [](int64_t min_time, int64_t max_time) {
    BlockMeta meta = Block(min_time, max_time);
    meta.compaction.hints = {"from-out-of-order"};
    return meta;
  };
  auto f = [](std::vector<BlockMeta> blocks, const std::string& want) {
    BOOST_TEST(Text(PlanCompaction(blocks, kRanges)) == want);
  };
  f({late(0, 20)}, "");
  f({late(0, 20), late(0, 20)}, "");
  f({late(0, 20), Block(0, 20)}, "0 1");
  f({Block(0, 20), late(0, 20), late(20, 40)}, "0 1");
  // They would fill the range, and another one is newest.
  f({Block(0, 20), late(20, 40), late(40, 60), late(60, 80)}, "");
  f({Block(0, 20), late(20, 40), late(40, 60), Block(60, 80)}, "0 1 2");
  // Places are those of the whole list.
  f({late(20, 60), Block(20, 40), Block(30, 50), Block(40, 55)}, "1 2 3");
  f({Block(-20, 0), late(0, 80), Block(0, 20), Block(10, 30)}, "2 3");
}

BOOST_AUTO_TEST_CASE(many_deletions_make_a_long_block_be_written_again) {
  std::vector<BlockMeta> blocks = {Block(0, 180), Block(180, 240), Block(240, 260)};
  blocks[0].stats.num_tombstones = 5;
  BOOST_TEST(Text(PlanCompaction(blocks, kRanges)) == "");
  blocks.erase(blocks.begin() + 1);
  BOOST_TEST(Text(PlanCompaction(blocks, kRanges)) == "");
  blocks[0].stats.num_tombstones = 6;
  BOOST_TEST(Text(PlanCompaction(blocks, kRanges)) == "0");
  // A short one only when all of it is gone.
  blocks = {Block(0, 20), Block(240, 260)};
  blocks[0].stats.num_tombstones = 99;
  BOOST_TEST(Text(PlanCompaction(blocks, kRanges)) == "");
  blocks[0].stats.num_tombstones = 100;
  BOOST_TEST(Text(PlanCompaction(blocks, kRanges)) == "0");
}

BOOST_AUTO_TEST_CASE(retention_takes_the_oldest) {
  const std::vector<BlockSize> blocks = {
      {Timestamp::FromMs(100), 10}, {Timestamp::FromMs(300), 30}, {Timestamp::FromMs(200), 20}};
  auto f = [&](int64_t time, uint64_t bytes, uint64_t other, const std::string& want) {
    BOOST_TEST(Text(BlocksBeyondRetention(blocks, Duration(time), bytes, other)) == want);
  };
  f(0, 0, 1000, "");
  f(201, 0, 0, "");
  f(200, 0, 0, "0");
  f(100, 0, 0, "2 0");
  f(1, 0, 0, "2 0");  // the newest one stays
  f(0, 60, 0, "");
  f(0, 59, 0, "0");
  f(0, 60, 1, "0");
  f(0, 50, 1, "2 0");
  f(0, 29, 0, "1 2 0");
}

}  // namespace canopy::tsdb
