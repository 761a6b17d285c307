#include "app/reload.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "canopy/net/client.h"
#include "canopy/promql/engine.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace canopy::app {
namespace {

using testing::TempDir;

std::string Job(const std::string& name, const std::string& more = "") {
  return "  - job_name: " + name + "\n    static_configs: [{targets: ['127.0.0.1:1']}]\n" + more;
}
std::string Rules(const std::string& record, const std::string& expr) {
  return "groups:\n  - name: g\n    rules:\n      - {record: " + record + ", expr: '" + expr +
         "'}\n";
}

// The services of a server, over a store in memory. No scrape is ever due: the clock stands still.
struct Node {
  explicit Node(const std::string& config_file)
      : reloader(PosixFs(), clock, metrics, config_file, {}) {}
  ~Node() {
    reloader.Close();
    scrape_discovery.Stop();
    notify_discovery.Stop();
  }

  Status Begin(const std::string& file) {
    auto loaded = LoadConfig(PosixFs(), file, {});
    if (!loaded.ok()) return loaded.status();
    return reloader.Begin(std::move(loaded).value(),
                          {.engine = engine,
                           .scrape = scrape,
                           .rules = rules,
                           .notify = *notify,
                           .scrape_discovery = scrape_discovery,
                           .notify_discovery = notify_discovery,
                           .set_out_of_order_window =
                               [this](Duration to) {
                                 if (window_status.ok()) window = to;
                                 return window_status;
                               },
                           .storage = [this](const config::StorageConfig& c) { storage = c; }},
                          "http://node:9090");
  }
  std::string RuleNames() const {
    std::string out;
    for (const rules::GroupSnapshot& group : rules.Groups())
      for (const rules::RuleSnapshot& rule : group.rules) out += rule.name + " ";
    return out;
  }
  std::string Pools() const {
    std::string out;
    for (const std::string& pool : scrape.Pools()) out += pool + " ";
    return out;
  }
  Duration window{0};
  Status window_status;
  double Metric(std::string_view name) { return metrics.AddGauge(name, "").value(); }

  testing::ManualClock clock{Timestamp::FromMs(1'000'000)};
  SelfMetrics metrics;
  testing::MemoryStore store;
  config::StorageConfig storage;  // that was last handed on
  promql::Engine engine{{}, clock, metrics};
  std::unique_ptr<net::HttpClient> client = net::NewCurlHttpClient();
  std::unique_ptr<notify::Manager> notify =
      notify::Manager::Create({.clock = clock, .http = *client, .metrics = metrics}, {}).value();
  rules::Manager rules{{.clock = clock,
                        .appender = store,
                        .queryable = store,
                        .engine = engine,
                        .metrics = metrics,
                        .send = [](std::vector<model::Alert>) {}},
                       {}};
  scrape::Manager scrape{store, *client, clock, PosixFs(), metrics, {}};
  discovery::Manager notify_discovery{
      "notify", PosixFs(), metrics,
      [this](const discovery::JobGroups& groups) { notify->SetTargets(groups); }};
  discovery::Manager scrape_discovery{
      "scrape", PosixFs(), metrics,
      [this](const discovery::JobGroups& groups) { scrape.SetTargets(groups); }};
  Reloader reloader;
};

BOOST_AUTO_TEST_CASE(every_error_of_rule_files_at_once) {
  const TempDir dir;
  dir.Write("form.yml", "groups:\n  - name: g\n    nosuch: 1\n");
  dir.Write("parse.yml", Rules("a", "sum(") + Rules("b", "up").substr(8));
  const std::string file = dir.Write("canopy.yml",
                                     "rule_files: ['*.yml.none', 'form.yml', "
                                     "'parse.yml']\n");
  const auto loaded = LoadConfig(PosixFs(), file, {});
  BOOST_REQUIRE(!loaded.ok());
  BOOST_TEST(loaded.status().message().find(dir.Path("form.yml") + ":3: ") != std::string::npos);
  BOOST_TEST(loaded.status().message().find(dir.Path("parse.yml") + ":") != std::string::npos);
  const auto missing = LoadConfig(PosixFs(), dir.Path("nosuch.yml"), {});
  BOOST_REQUIRE(!missing.ok());
  BOOST_TEST(missing.status().message().find("nosuch.yml") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(expressions_are_parsed_with_the_features_that_are_on) {
  const TempDir dir;
  dir.Write("rules.yml", Rules("a", "sort_by_label(up, \"job\")"));
  const std::string file = dir.Write("canopy.yml", "rule_files: [rules.yml]\n");
  BOOST_TEST(!LoadConfig(PosixFs(), file, {}).ok());
  BOOST_TEST(LoadConfig(PosixFs(), file, {.experimental_functions = true}).ok());
}

BOOST_AUTO_TEST_CASE(a_reload_takes_all_of_a_configuration_in_force) {
  const TempDir dir;
  dir.Write("rules.yml", Rules("a", "1"));
  const std::string file = dir.Write("canopy.yml",
                                     "global: {evaluation_interval: 7s}\nrule_files: [rules.yml]\n"
                                     "scrape_configs:\n" +
                                         Job("one"));
  Node node(file);
  BOOST_TEST((node.reloader.Reload().code() == Code::kUnavailable));
  BOOST_TEST(node.reloader.config() == nullptr);
  BOOST_REQUIRE(node.Begin(file).ok());
  BOOST_TEST(node.Pools() == "one ");
  BOOST_TEST(node.RuleNames() == "a ");
  BOOST_TEST(node.reloader.evaluation_interval().count() == 7000);
  BOOST_TEST(node.Metric("prometheus_config_last_reload_successful") == 1);
  BOOST_TEST(node.Metric("prometheus_config_last_reload_success_timestamp_seconds") == 1000);
  BOOST_TEST(testing::WaitFor([&] { return node.scrape.Targets().active.size() == 1; }));

  node.clock.Set(Timestamp::FromMs(2'000'000));
  dir.Write("rules.yml", Rules("b", "2"));
  dir.Write("canopy.yml",
            "rule_files: [rules.yml]\n"
            "storage: {exemplars: {max_exemplars: 7}}\n"
            "alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:9']}]}]}\n"
            "scrape_configs:\n" +
                Job("one") + Job("two"));
  BOOST_TEST(node.reloader.Reload().ok());
  BOOST_TEST(node.Pools() == "one two ");
  BOOST_TEST(node.RuleNames() == "b ");
  BOOST_TEST(node.storage.max_exemplars == 7);
  BOOST_TEST(node.reloader.evaluation_interval().count() == 60'000);
  BOOST_TEST(node.reloader.config()->scrape_configs.size() == 2);
  BOOST_TEST(node.reloader.last_success().ms() == 2'000'000);
  BOOST_TEST(testing::WaitFor([&] { return node.scrape.Targets().active.size() == 2; }));
  BOOST_TEST(testing::WaitFor([&] { return node.notify->Known().active.size() == 1; }));
  BOOST_TEST(node.notify->Known().active.at(0) == "http://127.0.0.1:9/api/v2/alerts");

  node.reloader.Close();
  BOOST_TEST((node.reloader.Reload().code() == Code::kUnavailable));
}

BOOST_AUTO_TEST_CASE(a_bad_configuration_changes_nothing) {
  const TempDir dir;
  dir.Write("rules.yml", Rules("a", "1"));
  const std::string good = "rule_files: [rules.yml]\nscrape_configs:\n" + Job("one");
  const std::string file = dir.Write("canopy.yml", good);
  Node node(file);
  BOOST_REQUIRE(node.Begin(file).ok());
  const auto before = node.reloader.config();

  const auto refused = [&](const std::string& text, const std::string& rules,
                           const std::string& why) {
    dir.Write("canopy.yml", text);
    dir.Write("rules.yml", rules);
    const Status status = node.reloader.Reload();
    BOOST_TEST(!status.ok());
    BOOST_TEST(status.message().find(why) != std::string::npos, status.message());
    BOOST_TEST(node.reloader.config() == before);
    BOOST_TEST(node.Pools() == "one ");
    BOOST_TEST(node.RuleNames() == "a ");
    BOOST_TEST(!node.reloader.last_succeeded());
    BOOST_TEST(node.reloader.last_success().ms() == 1'000'000);
  };
  refused("nosuch: 1\n", Rules("b", "1"), "canopy.yml:1: nosuch");
  refused("rule_files: [rules.yml]\nscrape_configs:\n" + Job("two"), Rules("b", "sum("),
          "rules.yml:4: ");
  // Well-formed, but not to be applied.
  refused("global: {query_log_file: " + dir.Path("no/such/file") +
              "}\nrule_files: [rules.yml]\nscrape_configs:\n" + Job("two"),
          Rules("b", "1"), "no/such/file");
  refused("global: {scrape_failure_log_file: " + dir.Path("no/such/dir") +
              "}\nrule_files: [rules.yml]\nscrape_configs:\n" + Job("two"),
          Rules("b", "1"), "no/such/dir");

  dir.Write("canopy.yml", good);
  BOOST_TEST(node.reloader.Reload().ok());
  BOOST_TEST(node.reloader.last_succeeded());
  BOOST_TEST(node.RuleNames() == "b ");
}

BOOST_AUTO_TEST_CASE(files_that_change_are_read_again) {
  const TempDir dir;
  dir.Write("a.rules.yml", Rules("a", "1"));
  dir.Write("one.jobs.yml", "scrape_configs:\n" + Job("one"));
  const std::string file =
      dir.Write("canopy.yml", "rule_files: ['*.rules.yml']\nscrape_config_files: ['*.jobs.yml']\n");
  Node node(file);
  node.reloader.ReloadIfChanged();  // nothing yet to compare with
  BOOST_REQUIRE(node.Begin(file).ok());
  // Whether it was loaded again, and what there is now.
  const auto look = [&](bool reloaded, const std::string& pools, const std::string& rules) {
    node.clock.Advance(Duration(1000));
    const Timestamp before = node.reloader.last_success();
    node.reloader.ReloadIfChanged();
    BOOST_TEST((node.reloader.last_success() != before) == reloaded);
    BOOST_TEST(node.Pools() == pools);
    BOOST_TEST(node.RuleNames() == rules);
  };
  look(false, "one ", "a ");
  dir.Write("a.rules.yml", Rules("a", "1"));  // as it was
  look(false, "one ", "a ");
  dir.Write("a.rules.yml", Rules("b", "1"));
  look(true, "one ", "b ");
  look(false, "one ", "b ");
  dir.Write("c.rules.yml", Rules("c", "1"));
  look(true, "one ", "b c ");
  std::filesystem::remove(dir.Path("a.rules.yml"));
  look(true, "one ", "c ");
  dir.Write("one.jobs.yml", "scrape_configs:\n" + Job("two"));
  look(true, "two ", "c ");

  dir.Write("c.rules.yml", Rules("c", "sum("));
  look(false, "two ", "c ");
  BOOST_TEST(!node.reloader.last_succeeded());
  std::filesystem::remove(file);
  look(false, "two ", "c ");
  dir.Write("canopy.yml", "scrape_config_files: ['*.jobs.yml']\n");
  look(true, "two ", "");
  BOOST_TEST(node.reloader.last_succeeded());
  look(false, "two ", "");
}

BOOST_AUTO_TEST_CASE(the_out_of_order_window_follows_the_configuration) {
  const TempDir dir;
  const auto with = [](const std::string& window) {
    return "storage: {tsdb: {out_of_order_time_window: " + window + "}}\nscrape_configs:\n";
  };
  Node node(dir.Write("canopy.yml", with("30m") + Job("one")));
  BOOST_REQUIRE(node.Begin(dir.Path("canopy.yml")).ok());
  BOOST_TEST(node.window.count() == 30 * 60'000);
  dir.Write("canopy.yml", with("1h") + Job("one"));
  BOOST_TEST(node.reloader.Reload().ok());
  BOOST_TEST(node.window.count() == 60 * 60'000);
  // One that cannot be applied for another reason leaves it as it was.
  dir.Write("canopy.yml", "global: {scrape_failure_log_file: " + dir.Path("no/such/dir") + "}\n" +
                              with("2h") + Job("two"));
  BOOST_TEST(!node.reloader.Reload().ok());
  BOOST_TEST(node.window.count() == 60 * 60'000);
  dir.Write("canopy.yml", with("2h") + Job("two"));
  node.window_status = Status::Io("disk full");
  BOOST_TEST(!node.reloader.Reload().ok());
  BOOST_TEST(node.Pools() == "one ");
  node.window_status = {};
  BOOST_TEST(node.reloader.Reload().ok());
  BOOST_TEST(node.window.count() == 2 * 60 * 60'000);
  dir.Write("canopy.yml", "scrape_configs:\n" + Job("two"));
  BOOST_TEST(node.reloader.Reload().ok());
  BOOST_TEST(node.window.count() == 0);
}

BOOST_AUTO_TEST_CASE(a_reload_opens_the_query_log_anew) {
  const TempDir dir;
  const std::string with = "global: {query_log_file: queries.log}\n";
  Node node(dir.Write("canopy.yml", with));
  BOOST_REQUIRE(node.Begin(dir.Path("canopy.yml")).ok());
  const auto ask = [&](const std::string& query) {
    BOOST_REQUIRE(node.engine.Instant(node.store, query, node.clock.Now()).ok());
  };
  const auto lines = [&](const std::string& name) {
    std::ifstream in(dir.Path(name));
    int count = 0;
    for (std::string line; std::getline(in, line);) ++count;
    return count;
  };
  ask("1");
  std::filesystem::rename(dir.Path("queries.log"), dir.Path("queries.log.1"));
  BOOST_REQUIRE(node.reloader.Reload().ok());
  ask("2");
  ask("3");
  BOOST_TEST(lines("queries.log.1") == 1);
  BOOST_TEST(lines("queries.log") == 2);
  dir.Write("canopy.yml", "");
  BOOST_REQUIRE(node.reloader.Reload().ok());
  ask("4");
  BOOST_TEST(lines("queries.log") == 2);
}

}  // namespace
}  // namespace canopy::app
