#include "canopy/scrape/manager.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>

#include "canopy/base/clock.h"
#include "canopy/base/log.h"
#include "canopy/base/mutex.h"
#include "canopy/model/sample.h"
#include "canopy/net/client.h"
#include "canopy/net/server.h"
#include "tests/support/memory_store.h"
#include "tests/support/wait_for.h"

namespace canopy::scrape {
namespace {

Options NamedOptions() {
  Options o;
  o.user_agent = "Canopy/1.2.3";
  return o;
}

// Real time, real sockets on loopback, real threads.
struct Fixture {
  Fixture() {
    log::SetLevel(log::Level::kError);
    net::Router router;
    router.Handle("GET", "/metrics", [this](net::Request& request, net::Response& response) {
      agent = std::string(request.header("user-agent"));
      encoding = std::string(request.header("accept-encoding"));
      response.SetHeader("Content-Type", "text/plain; version=0.0.4");
      std::string page =
          "# TYPE pages_total counter\npages_total " + std::to_string(++pages) + "\n";
      for (int i = 0; i < 500; ++i) page += "series{i=\"" + std::to_string(i) + "\"} 1\n";
      (void)response.Send(page);
    });
    router.Handle("GET", "/slow", [this](net::Request&, net::Response& response) {
      ++slow;
      const MutexLock lock(mu);
      while (held) released.Wait(mu);
      (void)response.Send("a 1\n");
    });
    net::HttpServerOptions options;
    options.listen_addresses = {"127.0.0.1:0"};
    auto started = net::StartHttpServer(std::move(options), std::move(router));
    BOOST_TEST_REQUIRE(started.ok(), started.status().message());
    server = std::move(*started);
  }
  ~Fixture() { Release(); }

  void Release() {
    const MutexLock lock(mu);
    held = false;
    released.NotifyAll();
  }

  config::ScrapeConfig Job(const std::string& name, const std::string& path) const {
    config::ScrapeConfig c;
    c.job_name = name;
    c.scrape_interval = c.scrape_timeout = std::chrono::milliseconds(100);
    c.metrics_path = path;
    c.fallback_scrape_protocol = exposition::Protocol::kText004;
    c.scrape_protocols = {exposition::Protocol::kText004};
    return c;
  }
  void Run(std::vector<config::ScrapeConfig> jobs) {
    config::Config config;
    discovery::JobGroups groups;
    for (const config::ScrapeConfig& job : jobs) {
      discovery::TargetGroup group;
      group.targets = {{{"__address__", server->addresses()[0]}}};
      groups[job.job_name] = {group};
    }
    config.scrape_configs = std::move(jobs);
    BOOST_TEST_REQUIRE(manager.ApplyConfig(config).ok());
    manager.SetTargets(groups);
  }
  model::Labels Series(const std::string& name, const std::string& job) const {
    return {{"__name__", name}, {"instance", server->addresses()[0]}, {"job", job}};
  }
  std::vector<model::Sample> Samples(const std::string& name, const std::string& job) const {
    return store.All()[Series(name, job)];
  }
  template <class Fn>
  void Await(const char* what, Fn done) {
    BOOST_TEST_REQUIRE(testing::WaitFor(done), what);
  }

  std::atomic<int> pages{0};
  std::atomic<int> slow{0};
  std::string agent;     // written by the one connection that asks, read after it has answered
  std::string encoding;  // likewise
  Mutex mu{LockRank::kLeaf};
  CondVar released;
  bool held = true;
  std::unique_ptr<net::HttpServer> server;
  testing::MemoryStore store;
  SelfMetrics metrics;
  std::unique_ptr<net::HttpClient> client = net::NewCurlHttpClient();
  Manager manager{store, *client, SystemClock(), PosixFs(), metrics, NamedOptions()};
};

BOOST_FIXTURE_TEST_CASE(pages_arrive_in_the_store, Fixture) {
  Run({Job("j", "/metrics")});
  Await("five pages", [&] { return Samples("pages_total", "j").size() >= 5; });
  manager.Stop();
  const auto values = Samples("pages_total", "j");
  // On a machine that is busy enough a page may come too late: it is missing then, or a marker
  // stands in its place, but what is there is in order.
  double last = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    BOOST_TEST((i == 0 || values[i].time > values[i - 1].time));
    if (model::IsStale(values[i].value)) continue;
    BOOST_TEST(values[i].value > last);
    last = values[i].value;
  }
  BOOST_TEST(Samples("up", "j").size() >= values.size());
  BOOST_TEST(agent == "Canopy/1.2.3");
  BOOST_TEST(encoding.find("gzip") != std::string::npos);
  const ActiveTarget t = manager.Targets().active.at(0);
  BOOST_TEST((t.health != Health::kUnknown));
  BOOST_TEST(t.metadata->Find("pages_total") != nullptr);
  const auto after = Samples("up", "j").size();
  Run({Job("j", "/metrics")});  // nothing starts after a stop
  BOOST_TEST(Samples("up", "j").size() == after);
}

BOOST_FIXTURE_TEST_CASE(a_slow_target_times_out_and_others_go_on, Fixture) {
  Run({Job("j", "/metrics"), Job("slow", "/slow")});
  Await("timeouts", [&] { return Samples("up", "slow").size() >= 3; });
  for (const model::Sample& s : Samples("up", "slow")) BOOST_TEST(s.value == 0);
  Await("the other", [&] { return Samples("pages_total", "j").size() >= 2; });
  for (const ActiveTarget& t : manager.Targets("slow").active)
    BOOST_TEST(t.last_error.ends_with("context deadline exceeded"), t.last_error);
  Release();
  Await("it is up", [&] { return Samples("up", "slow").back().value == 1; });
}

BOOST_FIXTURE_TEST_CASE(stopping_does_not_wait_for_slow_targets, Fixture) {
  config::ScrapeConfig job = Job("slow", "/slow");
  job.scrape_interval = std::chrono::milliseconds(200);
  job.scrape_timeout = std::chrono::milliseconds(200);
  Run({job});
  Await("a request is under way", [&] { return slow.load() > 0; });
  manager.Stop();
  // What was given up is not down.
  const auto up = Samples("up", "slow");
  manager.Stop();
  BOOST_TEST(Samples("up", "slow").size() == up.size());
}

}  // namespace
}  // namespace canopy::scrape
