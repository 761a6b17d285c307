#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>

#include "canopy/base/mutex.h"
#include "canopy/discovery/discovery.h"
#include "tests/support/temp_dir.h"

namespace canopy::discovery {
namespace {

using namespace std::chrono_literals;
using testing::TempDir;
using Jobs = std::map<std::string, config::DiscoveryConfig>;

// Longer than any machine needs, so that only a fault runs into it.
constexpr Duration kDeadline = 20s;

// What a manager hands out, as text:
//   job: [source] target target {labels}
class Consumer {
 public:
  Manager::Callback callback() {
    return [this](const JobGroups& groups) {
      const std::string text = Show(groups);
      MutexLock lock(mu_);
      seen_.push_back(text);
      arrived_.push_back(std::chrono::steady_clock::now());
      changed_.NotifyAll();
    };
  }

  // Waits until the last delivery is `want`; what it is instead after the deadline.
  std::string WaitFor(const std::string& want) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    MutexLock lock(mu_);
    while ((seen_.empty() || seen_.back() != want) && std::chrono::steady_clock::now() < deadline) {
      changed_.WaitFor(mu_, 100ms);
    }
    return seen_.empty() ? "(nothing)" : seen_.back();
  }
  size_t WaitForDeliveries(size_t n) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    MutexLock lock(mu_);
    while (seen_.size() < n && std::chrono::steady_clock::now() < deadline) {
      changed_.WaitFor(mu_, 100ms);
    }
    return seen_.size();
  }
  std::chrono::steady_clock::time_point arrived(size_t i) {
    MutexLock lock(mu_);
    return arrived_.at(i);
  }

 private:
  static std::string Show(const JobGroups& groups) {
    std::string out;
    for (const auto& [job, found] : groups) {
      out += job + ":";
      for (const TargetGroup& group : found) {
        out += " [" + std::string(BaseName(group.source)) + "]";
        for (const model::Labels& target : group.targets) {
          out += " " + std::string(target.Get("__address__"));
        }
        model::LabelsBuilder labels(group.labels);
        labels.Del("__meta_filepath");
        if (!labels.empty()) out += " " + labels.Build().ToString();
      }
      out += "\n";
    }
    return out;
  }

  Mutex mu_{LockRank::kLeaf};
  CondVar changed_;
  std::vector<std::string> seen_;
  std::vector<std::chrono::steady_clock::time_point> arrived_;
};

config::DiscoveryConfig Static(std::vector<std::string> targets, model::Labels labels = {}) {
  config::DiscoveryConfig out;
  out.static_configs.push_back({std::move(targets), std::move(labels)});
  return out;
}

config::DiscoveryConfig Files(std::vector<std::string> files, Duration refresh = 1h) {
  config::DiscoveryConfig out;
  out.file_sd_configs.push_back({std::move(files), refresh});
  return out;
}

// Everything fast but for what the test is about.
const Options kQuick{.debounce = 1ms, .poll_interval = 1h};

BOOST_AUTO_TEST_CASE(static_targets_are_handed_out_at_once) {
  SelfMetrics metrics;
  Consumer consumer;
  Manager manager("scrape", PosixFs(), metrics, consumer.callback(),
                  {.debounce = 1h, .poll_interval = 1h});
  config::DiscoveryConfig two = Static({"a:1", "b:2"}, {{"zone", "x"}});
  two.static_configs.push_back({{}, {}});
  two.static_configs.push_back({{"c:3"}, {}});
  manager.ApplyConfig({{"node", two}, {"none", {}}});
  BOOST_TEST(consumer.WaitFor("node: [0] a:1 b:2 {zone=\"x\"} [2] c:3\nnone:\n") ==
             "node: [0] a:1 b:2 {zone=\"x\"} [2] c:3\nnone:\n");
  // A reload does not wait for the debounce either, and jobs that are gone are gone.
  manager.ApplyConfig({{"node", Static({"a:1"})}});
  BOOST_TEST(consumer.WaitFor("node: [0] a:1\n") == "node: [0] a:1\n");
}

BOOST_AUTO_TEST_CASE(files_are_read_again_when_they_change) {
  const TempDir dir;
  dir.Write("a.json", R"([{"targets": ["a:1"], "labels": {"zone": "x"}}, {"targets": ["a:2"]}])");
  dir.Write("b.yml", "- targets: [b:1]\n");
  SelfMetrics metrics;
  Consumer consumer;
  Manager manager("scrape", PosixFs(), metrics, consumer.callback(), kQuick);
  manager.ApplyConfig({{"job", Files({dir.Path("*.json"), dir.Path("b.yml"), dir.Path("b.*")})}});
  std::string want = "job: [a.json:0] a:1 {zone=\"x\"} [a.json:1] a:2 [b.yml:0] b:1\n";
  BOOST_TEST(consumer.WaitFor(want) == want);
  // Written in place.
  dir.Write("b.yml", "- targets: [b:1, b:2]\n");
  want = "job: [a.json:0] a:1 {zone=\"x\"} [a.json:1] a:2 [b.yml:0] b:1 b:2\n";
  BOOST_TEST(consumer.WaitFor(want) == want);
  // Renamed over.
  dir.Write("aside", R"([{"targets": ["a:9"]}])");
  std::filesystem::rename(dir.Path("aside"), dir.Path("a.json"));
  want = "job: [a.json:0] a:9 [b.yml:0] b:1 b:2\n";
  BOOST_TEST(consumer.WaitFor(want) == want);
  // New, and gone.
  dir.Write("c.json", R"([{"targets": ["c:1"]}])");
  want = "job: [a.json:0] a:9 [c.json:0] c:1 [b.yml:0] b:1 b:2\n";
  BOOST_TEST(consumer.WaitFor(want) == want);
  std::filesystem::remove(dir.Path("a.json"));
  want = "job: [c.json:0] c:1 [b.yml:0] b:1 b:2\n";
  BOOST_TEST(consumer.WaitFor(want) == want);
}

BOOST_AUTO_TEST_CASE(groups_of_files_say_which) {
  const TempDir dir;
  dir.Write("a.json", R"([{"targets": ["a:1"]}])");
  SelfMetrics metrics;
  Mutex mu(LockRank::kLeaf);
  CondVar called;
  JobGroups got;
  Manager manager(
      "scrape", PosixFs(), metrics,
      [&](const JobGroups& groups) {
        MutexLock lock(mu);
        got = groups;
        called.NotifyAll();
      },
      kQuick);
  manager.ApplyConfig({{"job", Files({dir.Path("a.json")})}});
  MutexLock lock(mu);
  while (got.empty() && called.WaitFor(mu, kDeadline)) {
  }
  BOOST_REQUIRE(got["job"].size() == 1u);
  BOOST_TEST(got["job"][0].source == dir.Path("a.json") + ":0");
  BOOST_TEST(got["job"][0].labels.Get("__meta_filepath") == dir.Path("a.json"));
}

BOOST_AUTO_TEST_CASE(a_broken_file_keeps_its_last_targets) {
  const TempDir dir;
  dir.Write("a.json", R"([{"targets": ["a:1"]}])");
  dir.Write("b.yml", "- targets: [b:1]\n");
  SelfMetrics metrics;
  Consumer consumer;
  Manager manager("scrape", PosixFs(), metrics, consumer.callback(), kQuick);
  const Jobs jobs = {{"job", Files({dir.Path("*.json"), dir.Path("*.yml")})}};
  manager.ApplyConfig(jobs);
  std::string want = "job: [a.json:0] a:1 [b.yml:0] b:1\n";
  BOOST_TEST(consumer.WaitFor(want) == want);
  // The other file's change shows that the broken one has been looked at.
  dir.Write("a.json", R"([{"targets": ["a:1")");
  dir.Write("b.yml", "- targets: [b:2]\n");
  want = "job: [a.json:0] a:1 [b.yml:0] b:2\n";
  BOOST_TEST(consumer.WaitFor(want) == want);
  const std::string text = metrics.RenderText();
  BOOST_TEST(text.find("prometheus_sd_file_read_errors_total 0\n") == std::string::npos);
  BOOST_TEST(text.find("prometheus_sd_file_read_errors_total") != std::string::npos);
  // A reload does not make it forget.
  manager.ApplyConfig({{"other", jobs.at("job")}});
  want = "other: [a.json:0] a:1 [b.yml:0] b:2\n";
  BOOST_TEST(consumer.WaitFor(want) == want);
  // Whole again.
  dir.Write("a.json", R"([{"targets": ["a:3"]}])");
  want = "other: [a.json:0] a:3 [b.yml:0] b:2\n";
  BOOST_TEST(consumer.WaitFor(want) == want);
}

// A directory that does not exist yet cannot be watched: looking does it.
BOOST_AUTO_TEST_CASE(files_are_polled_too) {
  const TempDir dir;
  SelfMetrics metrics;
  Consumer consumer;
  Manager manager("scrape", PosixFs(), metrics, consumer.callback(),
                  {.debounce = 1ms, .poll_interval = 10ms});
  manager.ApplyConfig({{"job", Files({dir.Path("later/*.json")})}});
  BOOST_TEST(consumer.WaitFor("job:\n") == "job:\n");
  std::filesystem::create_directory(dir.Path("later"));
  dir.Write("later/a.json", R"([{"targets": ["a:1"]}])");
  BOOST_TEST(consumer.WaitFor("job: [a.json:0] a:1\n") == "job: [a.json:0] a:1\n");
}

BOOST_AUTO_TEST_CASE(changes_are_gathered) {
  const TempDir dir;
  const auto write = [&](int port) {
    dir.Write("a.json", R"([{"targets": ["a:)" + std::to_string(port) + R"("]}])");
  };
  write(0);
  SelfMetrics metrics;
  Consumer consumer;
  constexpr Duration kDebounce = 300ms;
  Manager manager("scrape", PosixFs(), metrics, consumer.callback(),
                  {.debounce = kDebounce, .poll_interval = 1h});
  manager.ApplyConfig({{"job", Files({dir.Path("a.json")})}});
  BOOST_TEST(consumer.WaitFor("job: [a.json:0] a:0\n") == "job: [a.json:0] a:0\n");
  for (int port = 1; port <= 50; ++port) write(port);
  BOOST_TEST(consumer.WaitFor("job: [a.json:0] a:50\n") == "job: [a.json:0] a:50\n");
  const size_t deliveries = consumer.WaitForDeliveries(2);
  BOOST_TEST(deliveries >= 2u);
  for (size_t i = 1; i < deliveries; ++i) {
    BOOST_CHECK(consumer.arrived(i) - consumer.arrived(i - 1) >= kDebounce - 5ms);
  }
}

BOOST_AUTO_TEST_CASE(what_is_discovered_is_shown) {
  SelfMetrics metrics;
  Consumer consumer;
  Manager manager("scrape", PosixFs(), metrics, consumer.callback(), kQuick);
  manager.ApplyConfig({{"a", Static({"a:1", "a:2"})}, {"b", Static({"b:1"})}});
  BOOST_TEST(consumer.WaitForDeliveries(1) == 1u);
  std::string text = metrics.RenderText();
  const auto shows = [&](const std::string& line) { return text.find(line) != std::string::npos; };
  BOOST_TEST(shows(R"(prometheus_sd_discovered_targets{config="a",name="scrape"} 2)") !=
             shows(R"(prometheus_sd_discovered_targets{name="scrape",config="a"} 2)"));
  manager.ApplyConfig({{"b", Static({"b:1"})}});
  BOOST_TEST(consumer.WaitForDeliveries(2) == 2u);
  text = metrics.RenderText();
  BOOST_TEST(!shows(R"(config="a")"));
  BOOST_TEST(shows(R"(config="b")"));
  BOOST_TEST(shows("prometheus_sd_received_updates_total"));
  BOOST_TEST(shows("prometheus_sd_failed_configs"));
}

BOOST_AUTO_TEST_CASE(nothing_is_handed_out_after_stop) {
  const TempDir dir;
  dir.Write("a.json", R"([{"targets": ["a:1"]}])");
  SelfMetrics metrics;
  std::atomic<bool> stopped{false};
  std::atomic<bool> late{false};
  Manager manager(
      "scrape", PosixFs(), metrics, [&](const JobGroups&) { late = late || stopped; }, kQuick);
  for (int i = 0; i < 100; ++i) manager.ApplyConfig({{"job", Files({dir.Path("*.json")})}});
  manager.Stop();
  stopped = true;
  manager.ApplyConfig({{"job", Static({"a:1"})}});
  dir.Write("a.json", R"([{"targets": ["a:2"]}])");
  manager.Stop();
  BOOST_TEST(!late);
}

}  // namespace
}  // namespace canopy::discovery
