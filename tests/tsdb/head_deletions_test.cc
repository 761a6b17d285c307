#include "tsdb/head_deletions.h"

#include <boost/test/unit_test.hpp>

namespace canopy::tsdb {

using List = std::vector<TimeRange>;

BOOST_AUTO_TEST_CASE(ranges_are_kept_by_series_until_their_time_has_gone) {
  HeadDeletions deletions;
  BOOST_TEST(deletions.Find(1) == nullptr);
  deletions.Add(1, {10, 20});
  deletions.Add(1, {40, 50});
  deletions.Add(2, {5, 9});
  const HeadDeletions::Ranges before = deletions.Find(1);
  deletions.Add(1, {21, 30});
  BOOST_TEST((*before == List{{10, 20}, {40, 50}}));
  BOOST_TEST((*deletions.Find(1) == List{{10, 30}, {40, 50}}));
  BOOST_TEST(deletions.Find(3) == nullptr);
  BOOST_TEST(deletions.size() == 2u);

  deletions.DropBefore(10);
  BOOST_TEST((*deletions.Find(1) == List{{10, 30}, {40, 50}}));
  BOOST_TEST(deletions.Find(2) == nullptr);
  const HeadDeletions::Ranges all = deletions.Find(1);
  deletions.DropBefore(31);
  BOOST_TEST((*deletions.Find(1) == List{{40, 50}}));
  BOOST_TEST((*all == List{{10, 30}, {40, 50}}));
  deletions.DropBefore(50);
  BOOST_TEST((*deletions.Find(1) == List{{40, 50}}));
  deletions.DropBefore(51);
  BOOST_TEST(deletions.size() == 0u);

  deletions.Add(4, {INT64_MIN, INT64_MAX});
  deletions.Remove(4);
  deletions.Remove(5);
  BOOST_TEST(deletions.Find(4) == nullptr);
}

}  // namespace canopy::tsdb
