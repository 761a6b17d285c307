#include "canopy/base/workers.h"

#include <atomic>
#include <boost/test/unit_test.hpp>

#include "canopy/base/gate.h"
#include "tests/support/wait_for.h"

namespace canopy {
namespace {

using testing::WaitFor;

BOOST_AUTO_TEST_CASE(all_tasks_run_before_the_workers_end) {
  std::atomic<int> ran{0};
  {
    Workers workers("test", 4, 8);
    for (int i = 0; i < 1000; ++i) BOOST_TEST(workers.Submit([&] { ++ran; }));
  }
  BOOST_TEST(ran == 1000);
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_or_waits) {
  std::atomic<bool> go{false};
  std::atomic<int> ran{0};
  Workers workers("test", 1, 2);
  const auto task = [&] {
    while (!go) std::this_thread::yield();
    ++ran;
  };
  BOOST_REQUIRE(workers.TrySubmit(task));
  BOOST_REQUIRE(WaitFor([&] { return workers.queued() == 0; }));
  BOOST_TEST(workers.TrySubmit(task));
  BOOST_TEST(workers.TrySubmit(task));
  BOOST_TEST(!workers.TrySubmit(task));
  std::atomic<bool> submitted{false};
  std::thread waiting([&] { submitted = workers.Submit(task); });
  BOOST_TEST(!submitted);
  go = true;
  BOOST_TEST(WaitFor([&] { return ran == 4; }));
  waiting.join();
  workers.Stop();
  BOOST_TEST(workers.stopping());
  BOOST_TEST(!workers.Submit([] {}));
  BOOST_TEST(!workers.TrySubmit([] {}));
  workers.Stop();
}

BOOST_AUTO_TEST_CASE(threads_have_names) {
  std::string name;
  {
    Workers workers("a-name-that-is-too-long", 1, 1);
    (void)workers.Submit([&] {
      char buffer[32] = "";
      pthread_getname_np(pthread_self(), buffer, sizeof buffer);
      name = buffer;
    });
  }
  BOOST_TEST(name == "a-name-that-i-0");
}

BOOST_AUTO_TEST_CASE(a_periodic_task_runs_again_and_again) {
  std::atomic<int> ran{0};
  PeriodicTask task("tick", Duration(1), [&] { ++ran; });
  BOOST_TEST(WaitFor([&] { return ran >= 5; }));
  task.Stop();
  const int then = ran;
  task.Stop();
  task.Wake();
  BOOST_TEST(ran == then);
}

BOOST_AUTO_TEST_CASE(a_periodic_task_can_be_woken) {
  std::atomic<int> ran{0};
  PeriodicTask task("tick", std::chrono::hours(1), [&] { ++ran; });
  BOOST_TEST(ran == 0);
  task.Wake();
  BOOST_TEST(WaitFor([&] { return ran == 1; }));
  task.Wake();
  BOOST_TEST(WaitFor([&] { return ran == 2; }));
}

BOOST_AUTO_TEST_CASE(a_gate_closes_when_the_last_one_has_left) {
  Gate gate;
  std::atomic<bool> closed{false};
  std::thread closer;
  {
    const Gate::Pass pass(gate);
    BOOST_REQUIRE(pass);
    closer = std::thread([&] {
      gate.Close();
      closed = true;
    });
    BOOST_REQUIRE(WaitFor([&] { return gate.closed(); }));
    BOOST_TEST(!Gate::Pass(gate));
    BOOST_TEST(!closed);
  }
  closer.join();
  BOOST_TEST(closed);
  gate.Close();
}

}  // namespace
}  // namespace canopy
