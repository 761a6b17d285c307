#include <atomic>

#include "canopy/base/mutex.h"
#include "canopy/net/client.h"
#include "canopy/net/server.h"
#include "tests/notify/node.h"
#include "tests/support/wait_for.h"

namespace canopy::notify {
namespace {

using testing::WaitFor;

// Real time, a real server on loopback, the manager's own thread.
struct Delivery {
  Delivery() {
    log::SetLevel(static_cast<log::Level>(static_cast<int>(log::Level::kError) + 1));
    net::Router router;
    router.Handle("POST", "/am/api/v2/alerts",
                  [this](net::Request& request, net::Response& out) { Serve(request, out); });
    net::HttpServerOptions server_options;
    server_options.listen_addresses = {"127.0.0.1:0"};
    auto started = net::StartHttpServer(std::move(server_options), std::move(router));
    BOOST_TEST_REQUIRE(started.ok(), started.status().message());
    server = std::move(*started);
  }
  ~Delivery() {
    manager.reset();
    Release();
    log::SetLevel(log::Level::kError);
  }

  void Serve(net::Request& request, net::Response& out) {
    const auto body = request.ReadBody(1 << 20);
    const MutexLock lock(mu);
    ++requests;
    while (held) released.Wait(mu);
    out.SetStatus(code);
    if (code == 200) bodies.emplace_back(*body);
    (void)out.Send("");
  }
  void Release() {
    const MutexLock lock(mu);
    held = false;
    released.NotifyAll();
  }
  void Hold() {
    const MutexLock lock(mu);
    held = true;
  }
  void AnswerWith(int status) {
    const MutexLock lock(mu);
    code = status;
  }
  int Requests() const {
    const MutexLock lock(mu);
    return requests;
  }
  std::vector<std::string> Bodies() const {
    const MutexLock lock(mu);
    return bodies;
  }

  // Resolved alerts are of now: what is older than a quarter of an hour is not told.
  void Begin(ManagerOptions options = {}) {
    auto created = Manager::Create({SystemClock(), *client, metrics}, std::move(options));
    BOOST_TEST_REQUIRE(created.ok(), created.status().message());
    manager = std::move(*created);
    auto entry = Node::Static({server->addresses()[0]});
    entry.path_prefix = "am";
    const auto config = Node::Alerting({entry});
    manager->ApplyConfig(config, {});
    manager->SetTargets(Node::Groups(config));
    manager->Start();
  }

  mutable Mutex mu{LockRank::kLeaf};
  CondVar released;
  bool held CANOPY_GUARDED_BY(mu) = false;
  int code CANOPY_GUARDED_BY(mu) = 200;
  int requests CANOPY_GUARDED_BY(mu) = 0;
  std::vector<std::string> bodies CANOPY_GUARDED_BY(mu);
  std::unique_ptr<net::HttpServer> server;
  std::unique_ptr<net::HttpClient> client = net::NewCurlHttpClient();
  SelfMetrics metrics;
  std::unique_ptr<Manager> manager;
};

ManagerOptions Batches(size_t size) {
  ManagerOptions options;
  options.batch_size = size;
  return options;
}

using Strings = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_CASE(alerts_arrive, Delivery) {
  Begin(Batches(2));
  manager->Send(Alerts("a@1 b@1 c@1"));
  const Strings want = {Body("a@1 b@1"), Body("c@1")};
  BOOST_TEST(WaitFor([&] { return Bodies() == want; }));
}

BOOST_FIXTURE_TEST_CASE(what_was_refused_arrives_later, Delivery) {
  Begin();
  AnswerWith(503);
  manager->Send(Alerts("a@1"));
  BOOST_TEST(WaitFor([&] { return Requests() > 0; }));
  AnswerWith(200);
  manager->Send(Alerts("b@1"));
  const Strings want = {Body("a@1 b@1")};
  BOOST_TEST(WaitFor([&] { return Bodies() == want; }));
}

BOOST_FIXTURE_TEST_CASE(alerts_of_many_threads_all_arrive, Delivery) {
  Begin(Batches(7));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 50; ++i)
        manager->Send(Alerts("t" + std::to_string(t) + "_" + std::to_string(i) + "@1"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  manager->Stop();
  std::string all;
  for (const std::string& body : Bodies()) all += body;
  for (int t = 0; t < 4; ++t) {
    size_t last = 0;
    for (int i = 0; i < 50; ++i) {
      const std::string name = "\"t" + std::to_string(t) + "_" + std::to_string(i) + "\"";
      const size_t at = all.find(name);
      BOOST_TEST_REQUIRE(at != std::string::npos, name);
      BOOST_TEST(at >= last);  // in the order in which that thread sent them
      last = at;
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_stop_delivers_what_is_queued, Delivery) {
  Hold();
  Begin(Batches(1));
  manager->Send(Alerts("a@1 b@1 c@1"));
  BOOST_TEST(WaitFor([&] { return Requests() == 1; }));
  Release();
  manager->Stop();
  const Strings want = {Body("a@1"), Body("b@1"), Body("c@1")};
  BOOST_TEST(Bodies() == want, boost::test_tools::per_element());
  manager->Send(Alerts("d@1"));
  manager->Stop();
  BOOST_TEST(Requests() == 3);
}

BOOST_FIXTURE_TEST_CASE(a_stop_tries_each_batch_once, Delivery) {
  AnswerWith(500);
  Begin(Batches(1));
  manager->Send(Alerts("a@1 b@1 c@1"));
  BOOST_TEST(WaitFor([&] { return Requests() == 1; }));
  manager->Stop();
  // The first one is tried again, unless its answer came after the stop had begun.
  BOOST_TEST((Requests() == 3 || Requests() == 4));
  BOOST_TEST(Bodies().empty());
}

BOOST_FIXTURE_TEST_CASE(a_stop_does_not_wait_for_ever, Delivery) {
  Hold();
  ManagerOptions options = Batches(1);
  options.drain_timeout = Duration(50);
  Begin(options);
  manager->Send(Alerts("a@1 b@1"));
  BOOST_TEST(WaitFor([&] { return Requests() == 1; }));
  const auto start = std::chrono::steady_clock::now();
  manager->Stop();
  const auto took = std::chrono::steady_clock::now() - start;
  BOOST_TEST((took >= Duration(50)));
  BOOST_TEST((took < std::chrono::seconds(5)));  // of a request's 10
  Release();
}

BOOST_FIXTURE_TEST_CASE(without_draining_a_stop_delivers_nothing, Delivery) {
  Hold();
  ManagerOptions options = Batches(1);
  options.drain_on_shutdown = false;
  Begin(options);
  manager->Send(Alerts("a@1 b@1"));
  BOOST_TEST(WaitFor([&] { return Requests() == 1; }));
  manager->Stop();
  Release();
  BOOST_TEST(Requests() == 1);
}

// A callback may run after the manager has gone.
BOOST_AUTO_TEST_CASE(a_late_response_finds_nobody) {
  Node node;
  node.options.drain_on_shutdown = false;
  node.Use({"one"});
  node.Send("a@2000");
  const auto done = node.client.Find(kOne).done;
  node.manager.reset();
  done({});
}

}  // namespace canopy::notify
