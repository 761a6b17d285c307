#include "rules/schedule.h"

#include <boost/test/unit_test.hpp>
#include <random>

namespace canopy::rules {

BOOST_AUTO_TEST_CASE(slots_lie_one_interval_apart_at_the_offset) {
  auto f = [](int64_t now, int64_t interval, int64_t offset, int64_t want) {
    BOOST_TEST_CONTEXT(now << " " << interval << " " << offset) {
      BOOST_TEST(
          SlotAtOrBefore(Timestamp::FromMs(now), Duration(interval), Duration(offset)).ms() ==
          want);
    }
  };
  f(0, 60, 0, 0);
  f(59, 60, 0, 0);
  f(60, 60, 0, 60);
  f(60, 60, 10, 10);
  f(70, 60, 10, 70);
  f(9, 60, 10, -50);
  f(-1, 60, 0, -60);
  f(-60, 60, 0, -60);
  f(-61, 60, 59, -61);
}

BOOST_AUTO_TEST_CASE(an_offset_is_the_names_own_and_below_the_interval) {
  const Duration minute = std::chrono::minutes(1);
  const Duration a = SlotOffset("f.yml;a", minute);
  BOOST_TEST((SlotOffset("f.yml;a", minute) == a));
  BOOST_TEST((SlotOffset("f.yml;b", minute) != a));
  for (int i = 0; i < 1000; ++i) {
    const Duration d = SlotOffset(std::to_string(i), Duration(7));
    BOOST_TEST((d >= Duration(0) && d < Duration(7)));
  }
}

BOOST_AUTO_TEST_CASE(slots_that_nobody_evaluated_are_missed) {
  auto f = [](int64_t last, int64_t now, int64_t want_slot, int64_t want_missed) {
    BOOST_TEST_CONTEXT(last << " " << now) {
      const NextSlot next =
          SlotAfter(Timestamp::FromMs(last), Timestamp::FromMs(now), Duration(10));
      BOOST_TEST(next.slot.ms() == want_slot);
      BOOST_TEST(next.missed == want_missed);
    }
  };
  f(100, 110, 110, 0);
  f(100, 119, 110, 0);
  f(100, 120, 120, 1);
  f(100, 159, 150, 4);
}

}  // namespace canopy::rules
