// Selections of many series end when they are told to.

#include <boost/test/unit_test.hpp>
#include <string>

#include "canopy/tsdb/db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"

namespace canopy::tsdb {
namespace {

using model::Matcher;
using model::MatchType;

constexpr int kSeries = 5000;
constexpr int64_t kLater = 30 * 60'000;

// Says no at the `last`-th question.
class Asked final : public storage::Interrupt {
 public:
  explicit Asked(int last) : last_(last) {}
  Status Check() const override {
    return ++questions_ >= last_ ? Status::Canceled("enough") : Status();
  }
  int questions() const { return questions_; }

 private:
  const int last_;
  mutable int questions_ = 0;
};

// The same series in a block and in the head.
struct Store {
  Store() {
    options.block_range = options.max_block_range = Duration(5 * 60'000);
    auto opened = Db::Open(fs, clock, metrics, options);
    BOOST_REQUIRE_MESSAGE(opened.ok(), opened.status().message());
    db = std::move(*opened);
    for (const int64_t t : {int64_t{0}, kLater}) {
      storage::Batch batch;
      for (int i = 0; i < kSeries; ++i) {
        batch.new_samples.push_back(
            {model::Labels{{"__name__", "m"}, {"pod", "pod-" + std::to_string(i)}},
             Timestamp::FromMs(t), 1.0});
      }
      BOOST_REQUIRE(db->Append(batch).ok());
    }
    BOOST_REQUIRE(db->Compact().ok());
    BOOST_REQUIRE(!fs.List("data")->empty());
  }

  // How often the selection asks when it is let, after which it must end at any of these questions.
  int Questions(const model::Matchers& matchers, int64_t mint, int64_t maxt, bool sorted) {
    const auto querier = db->NewQuerier(Timestamp::FromMs(mint), Timestamp::FromMs(maxt));
    BOOST_REQUIRE(querier.ok());
    const auto select = [&](const Asked& asked) {
      return (*querier)->Select(matchers, {.sorted = sorted, .interrupt = &asked});
    };
    // The first times what matches is found out, and kept.
    int questions = 0;
    for (int time = 0; time < 3; ++time) {
      const Asked asked(1'000'000);
      const auto set = select(asked);
      BOOST_REQUIRE(set.ok());
      BOOST_TEST((*set)->size() == size_t{kSeries});
      questions = asked.questions();
      if (time == 0) BOOST_TEST(Ends(select, 1));
    }
    for (int last = 1; last <= questions; ++last) BOOST_TEST(Ends(select, last));
    return questions;
  }

  template <class Select>
  static bool Ends(const Select& select, int last) {
    const Asked asked(last);
    const auto cut = select(asked);
    return cut.status().code() == Code::kCanceled && cut.status().message() == "enough" &&
           asked.questions() == last;
  }

  testing::MemFs fs;
  testing::ManualClock clock;
  SelfMetrics metrics;
  Options options{.dir = "data", .maintenance_interval = Duration(0)};
  std::unique_ptr<Db> db;
};

}  // namespace

BOOST_AUTO_TEST_CASE(selections_end_when_they_are_told_to) {
  Store store;
  const model::Matchers all = {Matcher::Literal(MatchType::kEqual, "__name__", "m")};
  // Each pod is looked at, whether the regex is new or known.
  const model::Matchers regex = {*Matcher::Create(MatchType::kRegex, "pod", "p.*d-.+")};
  const model::Matchers both = {all[0], *Matcher::Create(MatchType::kRegex, "pod", "po.*-.*")};
  for (const bool sorted : {false, true}) {
    BOOST_TEST_CONTEXT("sorted " << sorted) {
      for (const auto& [mint, maxt] : {std::pair(int64_t{0}, int64_t{0}), {kLater, kLater}}) {
        const int plain = store.Questions(all, mint, maxt, sorted);
        BOOST_TEST(plain >= kSeries / 1024);
        BOOST_TEST(store.Questions(regex, mint, maxt, sorted) >= plain);
        BOOST_TEST(store.Questions(both, mint, maxt, sorted) >= plain);
      }
      // The block, the head, and what joins them.
      BOOST_TEST(store.Questions(all, 0, kLater, sorted) >= 3 * (kSeries / 1024));
    }
  }
}

}  // namespace canopy::tsdb
