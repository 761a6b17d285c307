#include "tsdb/logged_metadata.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>

#include "tsdb/wal_record.h"

namespace canopy::tsdb {
namespace {

using model::Metadata;
using model::MetricType;

std::map<uint64_t, Metadata> Decoded(const std::vector<std::string>& records) {
  std::map<uint64_t, Metadata> out;
  for (const std::string& record : records) {
    const Status status = DecodeMetadata(record, [&](const RefMetadata& row) {
      const Metadata said{row.type, std::string(row.help), std::string(row.unit)};
      BOOST_TEST(out.emplace(row.ref.value(), said).second);
    });
    BOOST_TEST(status.ok());
  }
  return out;
}

BOOST_AUTO_TEST_SUITE(logged_metadata)

BOOST_AUTO_TEST_CASE(what_many_series_have_is_kept_once) {
  LoggedMetadata all;
  const Metadata counter{MetricType::kCounter, "things", ""};
  const Metadata gauge{MetricType::kGauge, "things", ""};
  BOOST_TEST(all.Find(SeriesRef(1)) == nullptr);
  for (uint64_t ref = 1; ref <= 1000; ++ref) all.Set(SeriesRef(ref), counter);
  BOOST_TEST(all.distinct() == 1u);
  BOOST_TEST(all.Find(SeriesRef(1)) == all.Find(SeriesRef(1000)));
  all.Set(SeriesRef(7), gauge);
  BOOST_TEST(all.distinct() == 2u);
  BOOST_TEST((*all.Find(SeriesRef(7)) == gauge));
  // Said again, by words that are its own.
  all.Set(SeriesRef(7), *all.Find(SeriesRef(7)));
  BOOST_TEST((*all.Find(SeriesRef(7)) == gauge));
  all.Remove(SeriesRef(7));
  all.Remove(SeriesRef(7));
  BOOST_TEST(all.distinct() == 1u);
  BOOST_TEST(all.size() == 999u);
}

BOOST_AUTO_TEST_CASE(it_is_what_a_map_would_be) {
  std::mt19937 random(7);
  LoggedMetadata all;
  std::map<uint64_t, Metadata> want;
  for (int round = 0; round < 20'000; ++round) {
    const uint64_t ref = random() % 300;
    if (random() % 4 == 0) {
      all.Remove(SeriesRef(ref));
      want.erase(ref);
      continue;
    }
    const Metadata said{static_cast<MetricType>(random() % 8), std::to_string(random() % 9),
                        random() % 3 == 0 ? "seconds" : ""};
    all.Set(SeriesRef(ref), said);
    want[ref] = said;
  }
  BOOST_TEST(all.size() == want.size());
  BOOST_TEST((Decoded(all.Encode()) == want));
  for (const auto& [ref, said] : want) all.Remove(SeriesRef(ref));
  BOOST_TEST(all.distinct() == 0u);
  BOOST_TEST(all.Encode().empty());
}

BOOST_AUTO_TEST_CASE(records_are_of_limited_length) {
  LoggedMetadata all;
  for (uint64_t ref = 1; ref <= 25'000; ++ref)
    all.Set(SeriesRef(ref), {MetricType::kGauge, "some words", ""});
  const std::vector<std::string> records = all.Encode();
  BOOST_TEST(records.size() == 3u);
  BOOST_TEST(Decoded(records).size() == 25'000u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::tsdb
