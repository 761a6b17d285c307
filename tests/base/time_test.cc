#include "canopy/base/time.h"

#include <boost/test/unit_test.hpp>
#include <random>

namespace canopy {
namespace {

constexpr int64_t kDay = 86'400'000;

BOOST_AUTO_TEST_CASE(durations_are_read) {
  auto f = [](std::string_view text, int64_t ms) {
    const auto d = ParseDuration(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE_MESSAGE(d.ok(), d.status().message());
      BOOST_TEST(d->count() == ms);
    }
  };
  f("0", 0);
  f("0s", 0);
  f("0w", 0);
  f("324ms", 324);
  f("3s", 3000);
  f("5m", 300'000);
  f("1h", 3'600'000);
  f("4d", 4 * kDay);
  f("4d1h", 4 * kDay + 3'600'000);
  f("14d", 14 * kDay);
  f("3w", 21 * kDay);
  f("3w2d1h", 23 * kDay + 3'600'000);
  f("10y", 3650 * kDay);
  f("1h30m", 5'400'000);
  f("1m500ms", 60'500);
  f("292y", 292 * 365 * kDay);
}

BOOST_AUTO_TEST_CASE(what_is_no_duration_is_refused) {
  auto f = [](std::string_view text, std::string_view want) {
    const auto d = ParseDuration(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(!d.ok());
      BOOST_TEST((d.status().code() == Code::kInvalid));
      BOOST_TEST(d.status().message() == want);
    }
  };
  f("", "empty duration string");
  f("1", "not a valid duration string: \"1\"");
  f("1y1m1d", "not a valid duration string: \"1y1m1d\"");
  f("-1w", "not a valid duration string: \"-1w\"");
  f("1.5d", "unknown unit \".\" in duration \"1.5d\"");
  f("d", "not a valid duration string: \"d\"");
  f("1s1s", "not a valid duration string: \"1s1s\"");
  f("99999999999999999999999s", "not a valid duration string: \"99999999999999999999999s\"");
  f("294y", "duration out of range");
  f("200y100y", "not a valid duration string: \"200y100y\"");
  f("5x", "unknown unit \"x\" in duration \"5x\"");
  f("5 s", "unknown unit \" s\" in duration \"5 s\"");
}

BOOST_AUTO_TEST_CASE(durations_are_written) {
  auto f = [](int64_t ms, std::string_view want) {
    BOOST_TEST(FormatDuration(Duration(ms)) == want);
  };
  f(0, "0s");
  f(324, "324ms");
  f(5'400'000, "1h30m");
  f(90 * kDay, "90d");
  f(14 * kDay, "2w");
  f(365 * kDay, "1y");
  f(366 * kDay, "366d");
  f(kDay + 1, "1d1ms");
  f(-5000, "-5s");
}

BOOST_AUTO_TEST_CASE(any_duration_reads_back) {
  const auto seed = std::random_device{}();
  std::mt19937_64 random(seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (int i = 0; i < 10'000; ++i) {
      const Duration d(static_cast<int64_t>((random() >> 22) >> (random() % 40)));
      BOOST_REQUIRE(ParseDuration(FormatDuration(d)).value() == d);
    }
  }
}

BOOST_AUTO_TEST_CASE(times_are_written_as_rfc_3339) {
  auto f = [](int64_t ms, std::string_view want) {
    BOOST_TEST(FormatRfc3339(Timestamp::FromMs(ms)) == want);
  };
  f(0, "1970-01-01T00:00:00Z");
  f(1'767'369'845'678, "2026-01-02T16:04:05.678Z");
  f(1'767'369'845'600, "2026-01-02T16:04:05.6Z");
  f(-1, "1969-12-31T23:59:59.999Z");
  f(951'782'400'000, "2000-02-29T00:00:00Z");
  f(-62'135'596'800'000, "0001-01-01T00:00:00Z");
  f(253'402'300'799'999, "9999-12-31T23:59:59.999Z");
  // Beyond the calendar: some text, and no undefined behaviour.
  BOOST_TEST(!FormatRfc3339(Timestamp::Min()).empty());
  BOOST_TEST(!FormatRfc3339(Timestamp::Max()).empty());
}

BOOST_AUTO_TEST_CASE(times_are_read) {
  auto f = [](std::string_view text, int64_t ms) {
    const auto t = ParseTimestamp(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE_MESSAGE(t.ok(), t.status().message());
      BOOST_TEST(t->ms() == ms);
    }
  };
  f("0", 0);
  f("1543578564.705", 1'543'578'564'705);
  f("-1.5", -1500);
  f("1e3", 1'000'000);
  f("2026-01-02T16:04:05.678Z", 1'767'369'845'678);
  f("2026-01-02T16:04:05Z", 1'767'369'845'000);
  f("2026-01-02T17:04:05.678912345+01:00", 1'767'369'845'678);
  f("2026-01-02T10:34:05-05:30", 1'767'369'845'000);
  f("2000-02-29T00:00:00Z", 951'782'400'000);

  for (const char* text :
       {"", "yesterday", "NaN", "Inf", "1e300", "2026-01-02", "2026-01-02T16:04:05",
        "2026-13-02T16:04:05Z", "2025-02-29T00:00:00Z", "2026-01-02T24:00:00Z",
        "2026-01-02T16:04:05.Z", "2026-01-02T16:04:05Zx", "26-01-02T16:04:05Z",
        "2026-01-02 16:04:05Z", "2026-01-02T16:04:05+1:00"}) {
    const auto t = ParseTimestamp(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(!t.ok());
      BOOST_TEST(t.status().message() ==
                 "cannot parse \"" + std::string(text) + "\" to a valid timestamp");
    }
  }
}

BOOST_AUTO_TEST_CASE(any_time_reads_back) {
  const auto seed = std::random_device{}();
  std::mt19937_64 random(seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (int i = 0; i < 10'000; ++i) {
      // Years 0 to 9999.
      const auto t = Timestamp::FromMs(static_cast<int64_t>(random() % 315'569'433'600'000u) -
                                       62'167'219'200'000);
      BOOST_REQUIRE_MESSAGE(ParseTimestamp(FormatRfc3339(t)).value() == t, t.ms());
    }
  }
}

BOOST_AUTO_TEST_CASE(times_saturate) {
  BOOST_TEST((Timestamp::Min() - Duration(1) == Timestamp::Min()));
  BOOST_TEST((Timestamp::Max() + Duration(1) == Timestamp::Max()));
  BOOST_TEST((Timestamp::Max() - Timestamp::Min() == Duration::max()));
  BOOST_TEST((Timestamp::FromSeconds(1e300) == Timestamp::Max()));
  BOOST_TEST((Timestamp::FromSeconds(-1e300) == Timestamp::Min()));
  BOOST_TEST((Timestamp::FromSeconds(1.0005).ms() == 1001));
  BOOST_TEST((Timestamp::FromSeconds(-0.0004).ms() == 0));
}

BOOST_AUTO_TEST_CASE(windows_are_open_on_the_left) {
  const auto w = [](int64_t a, int64_t b) {
    return Window{Timestamp::FromMs(a), Timestamp::FromMs(b)};
  };
  BOOST_TEST(!w(10, 20).Contains(Timestamp::FromMs(10)));
  BOOST_TEST(w(10, 20).Contains(Timestamp::FromMs(11)));
  BOOST_TEST(w(10, 20).Contains(Timestamp::FromMs(20)));
  BOOST_TEST(!w(10, 20).Contains(Timestamp::FromMs(21)));
  BOOST_TEST(w(10, 10).empty());
  BOOST_TEST(!w(10, 20).Overlaps(w(20, 30)));
  BOOST_TEST(w(10, 20).Overlaps(w(19, 30)));
  BOOST_TEST(!w(10, 20).Overlaps(w(15, 15)));
}

}  // namespace
}  // namespace canopy
