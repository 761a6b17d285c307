#include "tsdb/posting_list.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <set>
#include <vector>

namespace canopy::tsdb {
namespace {

Slot Below(std::mt19937& random, Slot end) {
  return std::uniform_int_distribution<Slot>(0, end - 1)(random);
}

Roaring ToRoaring(const std::set<Slot>& slots) {
  Roaring out;
  for (const Slot slot : slots) out.add(slot);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(posting_list)

// Of lengths at which a list changes its form.
BOOST_AUTO_TEST_CASE(a_list_is_a_set) {
  std::mt19937 random(1);
  for (const size_t most : {1, 2, 3, 15, 16, 17, 18, 200}) {
    PostingList list;
    std::set<Slot> want;
    for (int step = 0; step < 2000; ++step) {
      const Slot slot = Below(random, 70'000);
      if (want.size() < most && want.insert(slot).second) {
        list.Add(slot);
      } else if (!want.empty()) {
        const auto gone = std::next(want.begin(), Below(random, static_cast<Slot>(want.size())));
        list.Remove(*gone);
        want.erase(gone);
      }
      BOOST_REQUIRE_EQUAL(list.size(), want.size());
      BOOST_REQUIRE_EQUAL(list.empty(), want.empty());
      if (step % 50 != 0) continue;
      Roaring out;
      out.add(70'001);
      list.UniteInto(out);
      out.remove(70'001);
      BOOST_REQUIRE((out == ToRoaring(want)));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_union_has_what_any_list_has) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    const Slot slots = 1 + Below(random, 150'000);
    PostingUnion all(slots);
    std::set<Slot> want;
    for (const size_t size : {0, 1, 1, 5, 16, 17, 100}) {
      PostingList list;
      std::set<Slot> of_list;
      for (size_t i = 0; i < size; ++i) of_list.insert(Below(random, slots));
      if (Below(random, 2) == 0) of_list.insert(slots - 1);
      for (const Slot slot : of_list) list.Add(slot);
      want.insert(of_list.begin(), of_list.end());
      all.Add(list);
    }
    BOOST_REQUIRE((all.Take() == ToRoaring(want)));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace canopy::tsdb
