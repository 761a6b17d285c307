#include "api/disconnect_watch.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <thread>

#include "tests/support/http_fakes.h"

namespace canopy::api {
namespace {

using testing::FakeRequest;

// The watch looks by itself, ten times a second: wait until it has, ten seconds at most.
bool CanceledSoon(const DisconnectWatch::Query& query) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!query.token()->canceled()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

BOOST_AUTO_TEST_CASE(a_query_whose_client_has_gone_is_canceled_and_no_other) {
  DisconnectWatch watch;
  FakeRequest stays("GET", "/");
  FakeRequest leaves("GET", "/");
  const DisconnectWatch::Query kept(watch, stays);
  const DisconnectWatch::Query lost(watch, leaves);
  BOOST_TEST(!lost.token()->canceled());
  leaves.Disconnect();
  BOOST_TEST(CanceledSoon(lost));
  BOOST_TEST(!kept.token()->canceled());
}

BOOST_AUTO_TEST_CASE(shutting_down_cancels_what_runs_and_what_comes) {
  DisconnectWatch watch;
  const FakeRequest request("GET", "/");
  const DisconnectWatch::Query running(watch, request);
  watch.CancelAll();
  BOOST_TEST(running.token()->canceled());
  const DisconnectWatch::Query late(watch, request);
  BOOST_TEST(late.token()->canceled());
}

}  // namespace
}  // namespace canopy::api
