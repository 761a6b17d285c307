// Tasks that are due again and again on the client's own thread.

#include <pthread.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <thread>

#include "canopy/net/client.h"
#include "tests/net/raw_tcp.h"
#include "tests/support/wait_for.h"

namespace canopy::net {
namespace {

using testing::WaitFor;

BOOST_AUTO_TEST_CASE(a_timer_runs_on_the_client_s_thread_when_it_asked_to) {
  // Nobody is there, which is an answer as well.
  const std::string url = "http://" + FreeAddress() + "/";
  const auto client = NewCurlHttpClient();
  std::atomic<int> runs{0};
  std::atomic<int> elsewhere{0};
  std::atomic<int> answers{0};
  std::atomic<int64_t> pause{1};
  auto timer = client->NewTimer([&] {
    char name[32] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    if (std::string_view(name) != "http-client") ++elsewhere;
    ++runs;
    client->Send({"GET", url, {}, ""}, {}, [&](HttpResponse) { ++answers; });
    return Duration(pause.load());
  });
  BOOST_TEST(WaitFor([&] { return answers >= 3; }));
  pause = 3'600'000;
  BOOST_REQUIRE(WaitFor([&] { return runs == answers; }));
  const int before = runs;
  timer->RunSoon();
  BOOST_TEST(WaitFor([&] { return runs > before && runs == answers; }));
  pause = 0;
  timer->RunSoon();
  BOOST_TEST(WaitFor([&] { return runs > before + 10; }));
  timer.reset();
  const int last = runs;
  BOOST_REQUIRE(WaitFor([&] { return answers == last; }));
  BOOST_TEST(runs == last);
  BOOST_TEST(elsewhere == 0);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_timer_waits_for_its_task) {
  const auto client = NewCurlHttpClient();
  std::atomic<bool> begun{false};
  std::atomic<bool> release{false};
  std::atomic<bool> done{false};
  auto timer = client->NewTimer([&] {
    begun = true;
    (void)WaitFor([&] { return release.load(); });
    done = true;
    return Duration(0);
  });
  BOOST_REQUIRE(WaitFor([&] { return begun.load(); }));
  std::thread ends([&] { timer.reset(); });
  release = true;
  ends.join();
  BOOST_TEST(done.load());
}

}  // namespace
}  // namespace canopy::net
