#include "scrape/engine.h"

#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "canopy/base/log.h"
#include "canopy/base/number.h"
#include "canopy/model/sample.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"

namespace canopy::scrape {
namespace {

config::ScrapeConfig Job(std::string name, int interval_ms = 1000) {
  config::ScrapeConfig c;
  c.job_name = std::move(name);
  c.scrape_interval = Duration(interval_ms);
  c.scrape_timeout = Duration(interval_ms / 2);
  c.scrape_protocols = {exposition::Protocol::kText004};
  return c;
}

config::Config Jobs(std::vector<config::ScrapeConfig> jobs) {
  config::Config c;
  c.scrape_configs = std::move(jobs);
  return c;
}

discovery::JobGroups Addresses(const std::string& job, std::vector<std::string> addresses) {
  discovery::TargetGroup group;
  group.source = "0";
  for (const std::string& a : addresses) group.targets.push_back({{"__address__", a}});
  return {{job, {group}}};
}

// An engine whose time, network and threads are the test's.
struct Fixture {
  Fixture() { log::SetLevel(log::Level::kError); }

  void Apply(std::vector<config::ScrapeConfig> jobs) {
    BOOST_TEST_REQUIRE(engine.ApplyConfig(Jobs(std::move(jobs))).ok());
  }
  // Turns the clock in steps of a millisecond until `done`, for at most so long. What is due
  // starts.
  template <class Fn>
  bool Until(Duration at_most, Fn done) {
    for (int64_t ms = 0; ms <= at_most.count(); ++ms) {
      (void)engine.RunDue();
      if (done()) return true;
      clock.Advance(Duration(1));
    }
    return false;
  }
  void Wait(std::string_view url) {
    const bool came = Until(std::chrono::seconds(20), [&] {
      for (const std::string& u : client.Waiting())
        if (u == url) return true;
      return false;
    });
    BOOST_TEST_REQUIRE(came);
  }
  // The next scrape of `url` gets this page; returns its time.
  Timestamp Page(std::string_view url, std::string page) {
    Wait(url);
    const Timestamp at = clock.Now();
    client.Page(url, std::move(page));
    return at;
  }
  void Pass(Duration d) {
    (void)Until(d, [] { return false; });
  }
  // Samples of one series: "1 0 stale".
  std::string Values(const model::Labels& labels) const {
    std::string out;
    const std::vector<model::Sample> samples = store.All()[labels];
    for (const model::Sample& s : samples) {
      if (!out.empty()) out.push_back(' ');
      if (model::IsStale(s.value)) {
        out.append("stale");
      } else {
        base::AppendFloatShortest(out, s.value);
      }
    }
    return out;
  }
  std::string Up(const std::string& instance, const std::string& job = "j") const {
    return Values({{"__name__", "up"}, {"instance", instance}, {"job", job}});
  }

  testing::ManualClock clock{Timestamp::FromMs(1'700'000'000'000)};
  testing::FakeHttpClient client;
  testing::MemoryStore store;
  SelfMetrics metrics;
  int woken = 0;
  Engine engine{store,
                client,
                clock,
                PosixFs(),
                metrics,
                {},
                nullptr,
                {.post =
                     [](std::function<void()> task) {
                       task();
                       return true;
                     },
                 .wake = [this] { ++woken; }}};
};

BOOST_FIXTURE_TEST_CASE(a_target_is_scraped_each_interval_at_its_place, Fixture) {
  Apply({Job("j")});
  engine.SetTargets(Addresses("j", {"h:1"}));
  const Timestamp first = Page("http://h:1/metrics", "a 1\n");
  const Timestamp second = Page("http://h:1/metrics", "a 2\n");
  BOOST_TEST((second - first).count() == 1000);
  BOOST_TEST(Values({{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}) == "1 2");
  const auto samples = store.All()[{{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}];
  BOOST_TEST((samples[0].time == first));

  const TargetsSnapshot shown = engine.Targets("j");
  BOOST_TEST_REQUIRE(shown.active.size() == 1u);
  const ActiveTarget& t = shown.active[0];
  BOOST_TEST((t.health == Health::kUp));
  BOOST_TEST(t.last_error == "");
  BOOST_TEST((t.last_scrape == second));
  BOOST_TEST(t.scrape_url == "http://h:1/metrics");
  BOOST_TEST(t.labels.ToString() == "{instance=\"h:1\", job=\"j\"}");
  BOOST_TEST(t.interval.count() == 1000);
  BOOST_TEST(t.timeout.count() == 500);
  BOOST_TEST(t.discovered_labels.Get("__address__") == "h:1");
  BOOST_TEST(engine.Targets("other").active.empty());
}

BOOST_FIXTURE_TEST_CASE(requests_look_like_prometheuss, Fixture) {
  config::ScrapeConfig job = Job("j");
  job.limits.body_size = 1000;
  job.scrape_timeout = Duration(250);
  job.http.follow_redirects = false;
  Apply({job});
  engine.SetTargets(Addresses("j", {"h:1"}));
  Wait("http://h:1/metrics");
  const auto& sent = client.Find("http://h:1/metrics");
  BOOST_TEST(sent.request.method == "GET");
  BOOST_TEST(net::FindHeader(sent.request.headers, "Accept") ==
             "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
  BOOST_TEST(net::FindHeader(sent.request.headers, "X-Prometheus-Scrape-Timeout-Seconds") ==
             "0.25");
  BOOST_TEST(net::FindHeader(sent.request.headers, "User-Agent") == "Canopy");
  BOOST_TEST(sent.options.timeout.count() == 250);
  BOOST_TEST(sent.options.max_body_bytes == 999u);
  BOOST_TEST(sent.options.accept_gzip);
  BOOST_TEST(!sent.options.config->follow_redirects);
}

BOOST_FIXTURE_TEST_CASE(what_goes_wrong_is_shown, Fixture) {
  config::ScrapeConfig job = Job("j");
  job.extra_scrape_metrics = true;
  Apply({job});
  engine.SetTargets(Addresses("j", {"h:1"}));
  const std::string url = "http://h:1/metrics";
  auto f = [&](net::HttpResponse response, std::string_view error, double body_bytes) {
    Wait(url);
    client.Respond(url, std::move(response));
    const ActiveTarget t = engine.Targets("").active[0];
    BOOST_TEST(t.last_error == error);
    BOOST_TEST((t.health == (error.empty() ? Health::kUp : Health::kDown)));
    const auto bytes =
        store.All()[{{"__name__", "scrape_body_size_bytes"}, {"instance", "h:1"}, {"job", "j"}}];
    BOOST_TEST(bytes.back().value == body_bytes);
  };
  using Client = testing::FakeHttpClient;
  const auto page = [](int code, std::string type, std::string body) {
    net::HttpResponse r;
    r.code = code;
    r.headers = {{"content-type", std::move(type)}};
    r.body = std::move(body);
    return r;
  };
  f(page(200, "text/plain; version=0.0.4", "a 1\n"), "", 4);
  f(Client::Failed(Status::Unavailable("Get \"http://h:1/metrics\": connection refused")),
    "Get \"http://h:1/metrics\": connection refused", 0);
  f(Client::Failed(Status::Limit("body of more than 5 bytes")), "body size limit exceeded", -1);
  f(page(503, "text/plain", "a 1\n"), "server returned HTTP status 503 Service Unavailable", 0);
  f(page(200, "text/html", "<html>"),
    "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for "
    "target",
    0);
  f(page(200, "", "a 1\n"),
    "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
    "specified for target",
    0);
  f(page(200, "text/plain", "a\n"),
    "line 1: expected value after metric, got \"\\n\" (\"INVALID\") while parsing: \"a\\n\"", 2);
  f(page(200, "", ""), "", 0);
  f(page(200, "application/openmetrics-text; version=1.0.0", "a 1\n# EOF\n"), "", 10);
  BOOST_TEST(Up("h:1") == "1 0 0 0 0 0 0 1 1");
  BOOST_TEST(Values({{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}) == "1 stale 1");
}

BOOST_FIXTURE_TEST_CASE(slow_targets_hold_up_nobody_and_never_overlap, Fixture) {
  Apply({Job("j")});
  engine.SetTargets(Addresses("j", {"slow:1", "quick:1"}));
  Wait("http://slow:1/metrics");
  for (int i = 0; i < 3; ++i) (void)Page("http://quick:1/metrics", "a 1\n");
  const auto waiting = client.Waiting();
  BOOST_TEST(std::count(waiting.begin(), waiting.end(), "http://slow:1/metrics") == 1);
  // It ends late: the next one starts at once.
  client.Page("http://slow:1/metrics", "a 1\n");
  (void)engine.RunDue();
  const auto after = client.Waiting();
  BOOST_TEST(std::count(after.begin(), after.end(), "http://slow:1/metrics") == 1);
}

BOOST_FIXTURE_TEST_CASE(many_targets_are_spread_over_the_interval, Fixture) {
  Apply({Job("j")});
  std::vector<std::string> addresses;
  for (int i = 0; i < 200; ++i) addresses.push_back("h" + std::to_string(i) + ":1");
  engine.SetTargets(Addresses("j", addresses));
  std::vector<size_t> started;
  for (int i = 0; i < 10; ++i) {
    Pass(Duration(99));
    started.push_back(client.Waiting().size());
    for (const std::string& url : client.Waiting()) client.Page(url, "a 1\n");
  }
  for (const size_t count : started) BOOST_TEST((count > 3 && count < 50));
}

// Those of all jobs count: 200 targets have 20 slots of 50 ms, 400 have 40 of 25 ms.
BOOST_FIXTURE_TEST_CASE(targets_of_a_slot_start_at_once, Fixture) {
  Apply({Job("a"), Job("b")});
  discovery::JobGroups groups;
  for (const std::string job : {"a", "b"}) {
    std::vector<std::string> addresses;
    for (int i = 0; i < 200; ++i) addresses.push_back(job + std::to_string(i) + ":1");
    groups.merge(Addresses(job, addresses));
  }
  engine.SetTargets(groups);
  std::map<char, std::set<int64_t>> moments;  // by job, within the second
  (void)Until(Duration(1000), [&] {
    for (const std::string& url : client.Waiting()) {
      moments[url[7]].insert(clock.Now().ms() % 1000);
      client.Page(url, "a 1\n");
    }
    return false;
  });
  BOOST_TEST(moments['a'].size() == 20u);
  BOOST_TEST(moments['b'].size() == 40u);
  for (const int64_t moment : moments['a']) BOOST_TEST(moment % 50 == 0);
  for (const int64_t moment : moments['b']) BOOST_TEST(moment % 25 == 0);
}

BOOST_FIXTURE_TEST_CASE(a_target_that_is_gone_ends_when_it_would_have_been_scraped, Fixture) {
  Apply({Job("j")});
  engine.SetTargets(Addresses("j", {"h:1", "other:1"}));
  const Timestamp last = Page("http://h:1/metrics", "a 1\n");
  engine.SetTargets(Addresses("j", {"other:1"}));
  BOOST_TEST(engine.Targets("").active.size() == 1u);
  Pass(std::chrono::milliseconds(2200));
  const auto samples = store.All()[{{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}];
  BOOST_TEST_REQUIRE(samples.size() == 2u);
  BOOST_TEST(model::IsStale(samples[1].value));
  BOOST_TEST((samples[1].time == last + Duration(1000)));
  BOOST_TEST(Up("h:1") == "1 stale");
}

BOOST_FIXTURE_TEST_CASE(a_target_that_comes_back_in_time_goes_on, Fixture) {
  Apply({Job("j")});
  engine.SetTargets(Addresses("j", {"h:1"}));
  const Timestamp first = Page("http://h:1/metrics", "a 1\n");
  engine.SetTargets(Addresses("j", {}));
  Pass(std::chrono::milliseconds(700));
  engine.SetTargets(Addresses("j", {"h:1"}));
  const Timestamp second = Page("http://h:1/metrics", "a 2\n");
  Pass(std::chrono::milliseconds(100));
  BOOST_TEST((second - first).count() == 1000);
  BOOST_TEST(Values({{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}) == "1 2");
}

BOOST_FIXTURE_TEST_CASE(series_that_move_to_another_url_go_on, Fixture) {
  Apply({Job("j")});
  discovery::TargetGroup group;
  group.targets = {{{"__address__", "h:1"}, {"instance", "i"}}};
  engine.SetTargets({{"j", {group}}});
  (void)Page("http://h:1/metrics", "a 1\n");
  group.targets = {{{"__address__", "h:2"}, {"instance", "i"}}};
  engine.SetTargets({{"j", {group}}});
  for (int i = 2; i < 6; ++i) (void)Page("http://h:2/metrics", "a " + std::to_string(i) + "\n");
  BOOST_TEST(Values({{"__name__", "a"}, {"instance", "i"}, {"job", "j"}}) == "1 2 3 4 5");
  BOOST_TEST(Up("i") == "1 1 1 1 1");
}

BOOST_FIXTURE_TEST_CASE(a_job_that_is_gone_ends_its_targets, Fixture) {
  Apply({Job("j"), Job("k")});
  engine.SetTargets(Addresses("j", {"h:1"}));
  (void)Page("http://h:1/metrics", "a 1\n");
  BOOST_TEST((engine.Pools() == std::vector<std::string>{"j", "k"}));
  Apply({Job("k")});
  BOOST_TEST((engine.Pools() == std::vector<std::string>{"k"}));
  Pass(std::chrono::milliseconds(2200));
  BOOST_TEST(Up("h:1") == "1 stale");
  BOOST_TEST(metrics.RenderText().find("scrape_job=\"j\"") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(stopping_ends_nothing, Fixture) {
  Apply({Job("j")});
  engine.SetTargets(Addresses("j", {"h:1"}));
  (void)Page("http://h:1/metrics", "a 1\n");
  Wait("http://h:1/metrics");
  engine.Stop();
  BOOST_TEST(client.canceled == 1);
  BOOST_TEST(Up("h:1") == "1");
  BOOST_TEST(Values({{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}) == "1");
  BOOST_TEST((engine.RunDue() == Timestamp::Max()));
}

BOOST_FIXTURE_TEST_CASE(reloads_touch_what_changed, Fixture) {
  Apply({Job("j"), Job("k")});
  auto groups = Addresses("j", {"h:1"});
  groups.merge(Addresses("k", {"h:2"}));
  engine.SetTargets(groups);
  const Timestamp first = Page("http://h:1/metrics", "a 1\nb 1\n");
  (void)Page("http://h:2/metrics", "a 1\n");

  config::ScrapeConfig job = Job("j");
  model::RelabelConfig drop;
  drop.source_labels = {"__name__"};
  drop.regex = "b";
  drop.action = model::RelabelAction::kDrop;
  job.metric_relabel_configs.configs = {drop};
  job.metric_relabel_configs.rules =
      *model::RelabelRules::Compile(job.metric_relabel_configs.configs);
  Apply({job, Job("k")});
  const Timestamp second = Page("http://h:1/metrics", "a 2\nb 2\n");
  BOOST_TEST(((second - first).count() % 1000) == 0);
  BOOST_TEST(Values({{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}) == "1 2");
  BOOST_TEST(Values({{"__name__", "b"}, {"instance", "h:1"}, {"job", "j"}}) == "1 stale");
  BOOST_TEST(metrics.RenderText().find("prometheus_target_scrape_pool_reloads_total 1\n") !=
             std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(another_interval_keeps_the_target, Fixture) {
  Apply({Job("j")});
  engine.SetTargets(Addresses("j", {"h:1"}));
  (void)Page("http://h:1/metrics", "a 1\n");
  Apply({Job("j", 5000)});
  const Timestamp first = Page("http://h:1/metrics", "a 2\n");
  const Timestamp second = Page("http://h:1/metrics", "a 3\n");
  BOOST_TEST((second - first).count() == 5000);
  Wait("http://h:1/metrics");
  Apply({Job("j", 2000)});  // while a scrape runs
  client.Page("http://h:1/metrics", "a 4\n");
  const Timestamp third = Page("http://h:1/metrics", "a 5\n");
  const Timestamp fourth = Page("http://h:1/metrics", "a 6\n");
  BOOST_TEST((fourth - third).count() == 2000);
  BOOST_TEST(Values({{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}) == "1 2 3 4 5 6");
}

BOOST_FIXTURE_TEST_CASE(too_many_targets_are_all_refused, Fixture) {
  config::ScrapeConfig job = Job("j");
  job.limits.targets = 1;
  Apply({job});
  engine.SetTargets(Addresses("j", {"h:1"}));
  (void)Page("http://h:1/metrics", "a 1\n");
  engine.SetTargets(Addresses("j", {"h:1", "h:2"}));
  Pass(std::chrono::milliseconds(1000));
  BOOST_TEST(client.Waiting().empty());
  BOOST_TEST(Up("h:1") == "1 0");
  BOOST_TEST(Up("h:2") == "0");
  BOOST_TEST(Values({{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}) == "1 stale");
  BOOST_TEST(engine.Targets("").active[0].last_error ==
             "target_limit exceeded (number of targets: 2, limit: 1)");
  engine.SetTargets(Addresses("j", {"h:1"}));
  (void)Page("http://h:1/metrics", "a 2\n");
  BOOST_TEST((engine.Targets("").active[0].health == Health::kUp));
}

BOOST_FIXTURE_TEST_CASE(dropped_targets_are_counted_and_some_are_kept, Fixture) {
  config::ScrapeConfig job = Job("j");
  job.limits.keep_dropped_targets = 2;
  model::RelabelConfig drop;
  drop.source_labels = {"__address__"};
  drop.regex = "d.*";
  drop.action = model::RelabelAction::kDrop;
  job.relabel_configs.configs = {drop};
  job.relabel_configs.rules = *model::RelabelRules::Compile(job.relabel_configs.configs);
  Apply({job});
  engine.SetTargets(Addresses("j", {"h:1", "h:1", "d:1", "d:2", "d:3", "b/ad"}));
  const TargetsSnapshot shown = engine.Targets("");
  BOOST_TEST(shown.active.size() == 1u);  // named twice, there once
  BOOST_TEST(shown.dropped.size() == 2u);
  BOOST_TEST(shown.dropped_counts.at("j") == 3u);
  const std::string text = metrics.RenderText();
  BOOST_TEST(text.find("prometheus_target_sync_failed_total{scrape_job=\"j\"} 1\n") !=
             std::string::npos);
  BOOST_TEST(text.find("prometheus_target_scrape_pool_targets{scrape_job=\"j\"} 1\n") !=
             std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(targets_known_before_their_job_are_scraped_too, Fixture) {
  engine.SetTargets(Addresses("j", {"h:1"}));
  Apply({Job("j")});
  (void)Page("http://h:1/metrics", "a 1\n");
  BOOST_TEST(Up("h:1") == "1");
}

BOOST_FIXTURE_TEST_CASE(scrapes_that_start_late_are_stored_at_their_time, Fixture) {
  Apply({Job("j")});
  engine.SetTargets(Addresses("j", {"h:1"}));
  const Timestamp first = Page("http://h:1/metrics", "a 1\n");
  clock.Advance(Duration(1002));
  (void)engine.RunDue();
  client.Page("http://h:1/metrics", "a 2\n");
  clock.Advance(Duration(1008));
  (void)engine.RunDue();
  client.Page("http://h:1/metrics", "a 3\n");
  const auto samples = store.All()[{{"__name__", "a"}, {"instance", "h:1"}, {"job", "j"}}];
  BOOST_TEST_REQUIRE(samples.size() == 3u);
  BOOST_TEST((samples[1].time - first).count() == 1000);
  BOOST_TEST((samples[2].time - first).count() == 2010);
}

BOOST_FIXTURE_TEST_CASE(failed_scrapes_are_logged_to_a_file, Fixture) {
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("canopy-scrape-" + std::to_string(getpid()));
  std::filesystem::create_directories(dir);
  const std::string path = dir / "failures.log";
  config::ScrapeConfig job = Job("j");
  job.scrape_failure_log_file = path;
  Apply({job});
  engine.SetTargets(Addresses("j", {"h:1"}));
  (void)Page("http://h:1/metrics", "a 1\n");
  (void)Page("http://h:1/metrics", "a\n");
  const auto text = PosixFs().ReadFile(path);
  BOOST_TEST_REQUIRE(text.ok());
  for (const char* part :
       {"\"level\":\"ERROR\"", "\"job_name\":\"j\"", "\"target\":\"http://h:1/metrics\"",
        "\"msg\":\"line 1: expected value after metric"})
    BOOST_TEST(text->find(part) != std::string::npos, *text);
  BOOST_TEST(std::count(text->begin(), text->end(), '\n') == 1);

  // A file that cannot be opened leaves the running configuration in force.
  config::ScrapeConfig bad = Job("other");
  bad.scrape_failure_log_file = dir / "missing" / "failures.log";
  const Status status = engine.ApplyConfig(Jobs({bad}));
  BOOST_TEST(status.message().starts_with("scrape_failure_log_file: "));
  BOOST_TEST((engine.Pools() == std::vector<std::string>{"j"}));
  std::filesystem::remove_all(dir);
}

BOOST_FIXTURE_TEST_CASE(the_owner_is_woken_when_something_comes_sooner, Fixture) {
  Apply({Job("j", 60'000)});
  engine.SetTargets(Addresses("j", {"h:1"}));
  BOOST_TEST(woken == 1);
  const Timestamp next = engine.RunDue();
  BOOST_TEST((next > clock.Now() && next <= clock.Now() + Duration(60'000)));
  Apply({Job("j", 100)});
  BOOST_TEST(woken == 2);
}

}  // namespace
}  // namespace canopy::scrape
