#include "canopy/promql/active_queries.h"

#include <boost/test/unit_test.hpp>
#include <optional>

#include "canopy/base/number.h"
#include "canopy/promql/engine.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/support/memory_store.h"

namespace canopy::promql {
namespace {

struct Fixture {
  testing::ManualClock clock{Timestamp::FromMs(1'767'366'000'999)};
  testing::MemFs fs{clock};
  std::unique_ptr<ActiveQueries> active;

  Fixture() {
    BOOST_REQUIRE(fs.MakeDirs("/data").ok());
    Open();
  }
  void Open() {
    active.reset();
    active = ActiveQueries::Open(fs, clock, "/data", 3).value();
  }
  std::string File() { return fs.ReadFile("/data/queries.active").value(); }
};

// A place as Prometheus writes it: the entry, zeros, a comma as the last of 1000 bytes.
std::string Place(const std::string& entry) {
  return entry + std::string(999 - entry.size(), '\0') + ",";
}
std::string Free() { return std::string(1000, '\0'); }

}  // namespace

BOOST_FIXTURE_TEST_CASE(running_queries_are_in_the_file, Fixture) {
  BOOST_TEST(File() == "[" + Free() + Free() + Free());
  std::optional<ActiveQueries::Entry> first(std::in_place, *active, "up");
  const ActiveQueries::Entry second(*active, "rate(m{a=\"\\n\"}[5m])");
  const std::string up = R"({"query":"up","timestamp_sec":1767366000})";
  const std::string rate = R"_({"query":"rate(m{a=\"\\n\"}[5m])","timestamp_sec":1767366000})_";
  BOOST_TEST(File() == "[" + Place(up) + Place(rate) + Free());
  first.reset();
  BOOST_TEST(File() == "[" + Free() + Place(rate) + Free());
  const ActiveQueries::Entry third(*active, "1");
  BOOST_TEST(File() ==
             "[" + Place(R"({"query":"1","timestamp_sec":1767366000})") + Place(rate) + Free());
}

BOOST_FIXTURE_TEST_CASE(more_queries_than_places_do_no_harm, Fixture) {
  const ActiveQueries::Entry a(*active, "a");
  const ActiveQueries::Entry b(*active, "b");
  const ActiveQueries::Entry c(*active, "c");
  const std::string full = File();
  { const ActiveQueries::Entry d(*active, "d"); }
  BOOST_TEST(File() == full);
}

BOOST_FIXTURE_TEST_CASE(long_texts_are_cut_between_characters, Fixture) {
  const auto f = [&](const std::string& query, const std::string& shown) {
    const ActiveQueries::Entry entry(*active, query);
    const std::string file = File();
    BOOST_TEST(file.size() == 3001u);
    const std::string place = file.substr(1, 1000);
    BOOST_TEST(place == Place(R"({"query":")" + shown + R"(","timestamp_sec":1767366000})"));
  };
  // 999 bytes, less {"query":"","timestamp_sec":1767366000}.
  constexpr size_t kRoom = 999 - 39;
  f(std::string(kRoom, 'x'), std::string(kRoom, 'x'));
  f(std::string(kRoom + 1, 'x'), std::string(kRoom, 'x'));
  f(std::string(100'000, 'x'), std::string(kRoom, 'x'));
  std::string umlauts = "x";
  for (int i = 0; i < 1000; ++i) umlauts += "ü";
  f(umlauts, umlauts.substr(0, kRoom - 1));
  // An escape takes six bytes.
  const ActiveQueries::Entry entry(*active, std::string(5000, '\x01'));
  const std::string place = File().substr(1, 1000);
  BOOST_TEST(place.ends_with(","));
  BOOST_TEST(place.find("\",\"timestamp_sec\":1767366000}") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_new_start_begins_with_an_empty_file, Fixture) {
  {
    const ActiveQueries::Entry entry(*active, "up");
    // The process dies here: nothing is taken out of the file.
    const std::string left = File();
    BOOST_TEST(left.find("up") != std::string::npos);
    const auto next = ActiveQueries::Open(fs, clock, "/data", 2);
    BOOST_REQUIRE(next.ok());
    BOOST_TEST(File() == "[" + Free() + Free());
  }
}

BOOST_FIXTURE_TEST_CASE(the_engine_notes_what_it_runs, Fixture) {
  // A store that looks at the file while it is read.
  class Looking final : public storage::Queryable {
   public:
    explicit Looking(Fixture& f) : f_(f) {}
    Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp, Timestamp) override {
      seen = f_.File();
      return Status::Io("no data");
    }
    std::string seen;

   private:
    Fixture& f_;
  };
  Looking store(*this);
  SelfMetrics metrics;
  EngineOptions options;
  options.active_queries = active.get();
  Engine engine(options, clock, metrics);
  BOOST_TEST(!engine.Instant(store, "sum(m)", clock.Now()).ok());
  BOOST_TEST(store.seen ==
             "[" + Place(R"_({"query":"sum(m)","timestamp_sec":1767366000})_") + Free() + Free());
  BOOST_TEST(File() == "[" + Free() + Free() + Free());
}

}  // namespace canopy::promql
