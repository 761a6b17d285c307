#include "rules/alert_set.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "rules/restore.h"

namespace canopy::rules {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A rule's alerts minute by minute. Results are the values of the label "n": "ab" are two.
class Life {
 public:
  explicit Life(AlertPolicy policy) : policy_(policy) {}

  // The state after one more minute: "a:firing b:pending", or the error.
  std::string Step(std::string_view results) {
    now_ = now_ + minutes(1);
    std::vector<AlertInput> inputs;
    for (const char c : results) {
      inputs.push_back({model::Labels{{"n", std::string_view(&c, 1)}}, {}, 1});
    }
    const Status status = set_.Step(now_, std::move(inputs), policy_);
    if (!status.ok()) return status.message();
    std::string out;
    for (const auto& [labels, alert] : set_.alerts()) {
      if (!out.empty()) out += " ";
      out += std::string(labels.Get("n")) + ":" + std::string(AlertStateText(alert.state));
    }
    return out;
  }
  // What is sent now: "a@fires", "a@resolved".
  std::string Send(Duration resend = minutes(1)) {
    std::string out;
    for (const model::Alert& alert : set_.TakeDue(now_, resend, minutes(4), "url")) {
      if (!out.empty()) out += " ";
      out += std::string(alert.labels.Get("n")) + (alert.resolved ? "@resolved" : "@fires");
      const Duration end = alert.ends_at - now_;
      if (!alert.resolved) BOOST_TEST((end == minutes(4)));
    }
    return out;
  }

  AlertPolicy policy_;
  AlertSet set_;
  Timestamp now_ = Timestamp::FromMs(0);
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_alert_without_hold_fires_at_once) {
  Life life({});
  BOOST_TEST(life.Step("") == "");
  BOOST_TEST(life.Step("a") == "a:firing");
  BOOST_TEST(life.Step("ab") == "a:firing b:firing");
  BOOST_TEST(life.Step("b") == "a:inactive b:firing");
}

BOOST_AUTO_TEST_CASE(an_alert_is_pending_until_its_hold_has_passed) {
  Life life({.hold = minutes(2)});
  BOOST_TEST(life.Step("a") == "a:pending");
  BOOST_TEST(life.Step("a") == "a:pending");
  BOOST_TEST(life.Step("a") == "a:firing");
  BOOST_TEST(life.Step("") == "a:inactive");
  BOOST_TEST(life.Step("a") == "a:pending");  // it begins anew
  BOOST_TEST(life.Step("") == "");            // a pending alert leaves nothing behind
}

BOOST_AUTO_TEST_CASE(a_firing_alert_may_go_on_for_a_while_without_result) {
  Life life({.keep_firing_for = minutes(2)});
  BOOST_TEST(life.Step("a") == "a:firing");
  BOOST_TEST(life.Step("") == "a:firing");
  BOOST_TEST(life.set_.alerts().begin()->second.keep_firing_since.has_value());
  BOOST_TEST(life.Step("a") == "a:firing");  // the time counts from the last result
  BOOST_TEST(!life.set_.alerts().begin()->second.keep_firing_since.has_value());
  BOOST_TEST(life.Step("") == "a:firing");
  BOOST_TEST(life.Step("") == "a:firing");
  BOOST_TEST(life.Step("") == "a:inactive");
}

BOOST_AUTO_TEST_CASE(an_ended_alert_is_told_of_for_fifteen_minutes) {
  Life life({});
  life.Step("a");
  BOOST_TEST(life.Send() == "a@fires");
  BOOST_TEST(life.Send() == "");  // not again at the same time
  BOOST_TEST(life.Step("") == "a:inactive");
  BOOST_TEST(life.Send() == "a@resolved");
  for (int i = 0; i < 15; ++i) {
    BOOST_TEST(life.Step("") == "a:inactive");
    BOOST_TEST(life.Send(seconds(59)) == "a@resolved");
  }
  BOOST_TEST(life.Step("") == "");
}

BOOST_AUTO_TEST_CASE(a_firing_alert_is_told_of_again_after_the_resend_delay) {
  Life life({});
  life.Step("a");
  BOOST_TEST(life.Send(minutes(2)) == "a@fires");
  life.Step("a");
  BOOST_TEST(life.Send(minutes(2)) == "");
  life.Step("a");
  BOOST_TEST(life.Send(minutes(2)) == "");  // more than the delay, as Prometheus counts
  life.Step("a");
  BOOST_TEST(life.Send(minutes(2)) == "a@fires");
  life.Step("");
  BOOST_TEST(life.Send(minutes(2)) == "a@resolved");  // news do not wait
}

BOOST_AUTO_TEST_CASE(pending_alerts_are_not_sent) {
  Life life({.hold = minutes(5)});
  life.Step("a");
  BOOST_TEST(life.Send() == "");
}

BOOST_AUTO_TEST_CASE(a_longer_hold_makes_a_firing_alert_pending_again) {
  Life life({});
  life.Step("a");
  life.policy_.hold = minutes(3);
  BOOST_TEST(life.Step("a") == "a:pending");
  BOOST_TEST(life.Step("a") == "a:pending");
  BOOST_TEST(life.Step("a") == "a:firing");
  BOOST_TEST(life.Send() == "a@fires");
}

BOOST_AUTO_TEST_CASE(the_same_labels_twice_change_nothing) {
  Life life({});
  life.Step("a");
  BOOST_TEST(life.Step("bb") ==
             "vector contains metrics with the same labelset after applying alert labels");
  BOOST_TEST(life.set_.alerts().size() == 1u);
  BOOST_TEST((life.set_.state() == AlertState::kFiring));
}

BOOST_AUTO_TEST_CASE(more_alerts_than_the_limit_are_forgotten) {
  Life life({.limit = 2});
  BOOST_TEST(life.Step("ab") == "a:firing b:firing");
  BOOST_TEST(life.Step("c") == "a:inactive b:inactive c:firing");  // ended ones do not count
  BOOST_TEST(life.Step("abc") == "exceeded limit of 2 with 3 alerts");
  BOOST_TEST(life.set_.alerts().empty());
}

BOOST_AUTO_TEST_CASE(time_in_which_nobody_looked_counts_neither_way) {
  // All in minutes; `hold` 60, grace period 10.
  auto f = [](int active_at, int down_at, int now, int want) {
    BOOST_TEST_CONTEXT(active_at << " " << down_at << " " << now) {
      const auto at = [](int m) { return Timestamp::FromMs(0) + minutes(m); };
      const Timestamp got =
          RestoredActiveAt(at(active_at), at(down_at), at(now), minutes(60), minutes(10));
      BOOST_TEST((got == at(want)));
    }
  };
  f(0, 20, 30, 10);   // pending for 20 before, down for 10: fires 40 from now
  f(0, 0, 100, 100);  // just begun
  f(0, 60, 70, 0);    // it was firing, and still is
  f(0, 90, 120, 0);
  f(0, 50, 55, 5);   // exactly the grace period is left
  f(0, 55, 60, 10);  // 5 were left: it waits for the grace period, until 70
}

}  // namespace canopy::rules
