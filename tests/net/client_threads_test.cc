// On which thread a callback runs.

#include <pthread.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "canopy/base/workers.h"
#include "canopy/net/client.h"
#include "tests/net/serve.h"
#include "tests/support/wait_for.h"

namespace canopy::net {
namespace {

using testing::WaitFor;

std::string ThreadName() {
  char name[32] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

BOOST_AUTO_TEST_CASE(a_short_body_stays_on_the_client_s_thread) {
  const auto server = ServeEcho();
  Workers workers("callbacks", 1, 8);
  const auto client = NewCurlHttpClient();
  const auto thread_of = [&](size_t limit) {
    HttpOptions options;
    options.run_on = &workers;
    options.run_here_up_to_bytes = limit;
    std::atomic<bool> done{false};
    std::string thread;
    client->Send({"GET", UrlOf(*server, "/x"), {}, ""}, options, [&](HttpResponse) {
      thread = ThreadName();
      done = true;
    });
    BOOST_REQUIRE(WaitFor([&] { return done.load(); }));
    return thread;
  };
  BOOST_TEST(thread_of(0) == "callbacks-0");
  BOOST_TEST(thread_of(3) == "callbacks-0");
  BOOST_TEST(thread_of(100'000) == "http-client");
}

BOOST_AUTO_TEST_CASE(some_short_bodies_at_once_stay_on_the_client_s_thread) {
  const auto server = ServeEcho();
  Workers workers("callbacks", 2, 8);
  const auto client = NewCurlHttpClient();
  HttpOptions options;
  options.run_on = &workers;
  options.run_here_up_to_bytes = 100'000;
  std::atomic<int> here{0};
  std::atomic<int> done{0};
  for (int round = 1; round <= 20; ++round) {
    for (int i = 0; i < 8; ++i) {
      client->Send({"GET", UrlOf(*server, "/x"), {}, ""}, options, [&](HttpResponse) {
        if (ThreadName() == "http-client") ++here;
        ++done;
      });
    }
    BOOST_REQUIRE(WaitFor([&] { return done == 8 * round; }));
  }
  BOOST_TEST(here == 160);
}

BOOST_AUTO_TEST_CASE(of_many_short_bodies_at_once_some_go_elsewhere) {
  constexpr int kMany = 40;
  std::atomic<int> held{0};
  std::atomic<bool> free{false};
  std::atomic<int> sent{0};
  Router router;
  router.Handle("GET", "/held", [&](Request&, Response& response) {
    ++held;
    free.wait(false);
    (void)response.Send("x");
    ++sent;
  });
  router.Handle("GET", "/x", [](Request&, Response& response) { (void)response.Send("x"); });
  const auto server = Serve(std::move(router));
  Workers workers("callbacks", 2, kMany);
  const auto client = NewCurlHttpClient();
  HttpOptions options;
  options.run_on = &workers;
  options.run_here_up_to_bytes = 100;
  std::atomic<int> here{0};
  std::atomic<int> elsewhere{0};
  for (int i = 0; i < kMany; ++i)
    client->Send({"GET", UrlOf(*server, "/held"), {}, ""}, options,
                 [&](HttpResponse) { ++(ThreadName() == "http-client" ? here : elsewhere); });
  BOOST_REQUIRE(WaitFor([&] { return held == kMany; }));
  // While the client's thread is in this callback, all of them are answered.
  client->Send({"GET", UrlOf(*server, "/x"), {}, ""}, options, [&](HttpResponse) {
    free = true;
    free.notify_all();
    (void)WaitFor([&] { return sent == kMany; });
  });
  BOOST_REQUIRE(WaitFor([&] { return here + elsewhere == kMany; }));
  BOOST_TEST(here > 0);
  BOOST_TEST(elsewhere > 0);
}

BOOST_AUTO_TEST_CASE(callbacks_run_on_their_workers) {
  const auto server = ServeEcho();
  Workers workers("callbacks", 2, 1);
  auto client = NewCurlHttpClient();
  std::atomic<int> done{0};
  std::atomic<int> elsewhere{0};
  HttpOptions options;
  options.run_on = &workers;
  // More at once than the queue holds: none is lost, and the client's thread does not wait.
  for (int i = 0; i < 200; ++i) {
    client->Send({"GET", UrlOf(*server, "/" + std::to_string(i)), {}, ""}, options,
                 [&, i](HttpResponse r) {
                   if (!ThreadName().starts_with("callbacks-")) ++elsewhere;
                   if (r.body.starts_with("GET /" + std::to_string(i) + "\n")) ++done;
                 });
  }
  BOOST_TEST(WaitFor([&] { return done == 200; }));
  BOOST_TEST(elsewhere == 0);
  // Workers that have stopped: the callback still comes, from the client.
  workers.Stop();
  std::atomic<bool> late{false};
  client->Send({"GET", UrlOf(*server, "/"), {}, ""}, options, [&](HttpResponse) { late = true; });
  BOOST_TEST(WaitFor([&] { return late.load(); }));
}

BOOST_AUTO_TEST_CASE(a_callback_may_send_the_next_request) {
  const auto server = ServeEcho();
  const auto client = NewCurlHttpClient();
  std::atomic<int> count{0};
  std::function<void(HttpResponse)> next = [&](HttpResponse r) {
    if (r.code == 200 && ++count < 100)
      client->Send({"GET", UrlOf(*server, "/"), {}, ""}, {}, next);
  };
  client->Send({"GET", UrlOf(*server, "/"), {}, ""}, {}, next);
  BOOST_TEST(WaitFor([&] { return count == 100; }));
}

}  // namespace
}  // namespace canopy::net
