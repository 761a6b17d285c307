#pragma once

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "canopy/base/log.h"
#include "canopy/notify/manager.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/manual_clock.h"

namespace canopy::notify {

inline constexpr char kOne[] = "http://one/api/v2/alerts";
inline constexpr char kTwo[] = "http://two/api/v2/alerts";

// "a@100" is an alert with only that name, which fires until second 100 unless it is told of again;
// "a!100" has ended then.
inline std::vector<model::Alert> Alerts(const std::string& text) {
  std::vector<model::Alert> out;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const size_t mark = word.find_first_of("@!");
    model::Alert& alert = out.emplace_back();
    alert.labels = {{"alertname", word.substr(0, mark)}};
    alert.resolved = word[mark] == '!';
    alert.ends_at = Timestamp::FromMs(1000 * std::atoi(word.c_str() + mark + 1));
  }
  return out;
}

// The body that tells of these.
inline std::string Body(const std::string& text) {
  std::string out;
  for (const model::Alert& alert : Alerts(text)) {
    const int64_t seconds = alert.ends_at.ms() / 1000;
    char end[64];
    std::snprintf(end, sizeof end, "1970-01-01T%02d:%02d:%02d.000Z",
                  static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60),
                  static_cast<int>(seconds % 60));
    out.append(out.empty() ? "[" : ",");
    out.append("{\"endsAt\":\"").append(end);
    out.append("\",\"startsAt\":\"1970-01-01T00:00:00.000Z\",\"labels\":{\"alertname\":\"");
    out.append(alert.labels.Get("alertname")).append("\"}}");
  }
  return out.append("]");
}

// A manager whose clock and whose peers a test plays. It is second 1000.
struct Node {
  explicit Node(ManagerOptions manager_options = {}) : options(std::move(manager_options)) {
    log::SetLevel(static_cast<log::Level>(static_cast<int>(log::Level::kError) + 1));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    options.outbox_path = folder / "outbox.db";
    Restart();
  }
  ~Node() {
    manager.reset();
    std::filesystem::remove_all(folder);
    log::SetLevel(log::Level::kError);
  }

  // Another process: it knows what is on disk.
  void Restart() {
    manager.reset();
    auto created = Manager::Create({clock, client, metrics}, options);
    BOOST_TEST_REQUIRE(created.ok(), created.status().message());
    manager = std::move(*created);
  }

  static config::AlertmanagerConfig Static(std::vector<std::string> hosts) {
    config::AlertmanagerConfig config;
    config.discovery.static_configs.push_back({std::move(hosts), {}});
    return config;
  }
  static config::AlertingConfig Alerting(std::vector<config::AlertmanagerConfig> alertmanagers) {
    config::AlertingConfig config;
    config.alertmanagers = std::move(alertmanagers);
    return config;
  }
  // As discovery does, which has the static targets at once.
  static discovery::JobGroups Groups(const config::AlertingConfig& config) {
    discovery::JobGroups groups;
    for (const auto& [name, job] : DiscoveryJobs(config)) {
      auto& list = groups[name];
      for (const config::StaticConfig& c : job.static_configs) {
        discovery::TargetGroup group{std::to_string(list.size()), {}, c.labels};
        for (const std::string& t : c.targets) group.targets.push_back({{"__address__", t}});
        list.push_back(std::move(group));
      }
    }
    return groups;
  }
  void Apply(const config::AlertingConfig& config, const model::Labels& external_labels = {}) {
    manager->ApplyConfig(config, external_labels);
    manager->SetTargets(Groups(config));
  }
  void Use(std::vector<std::string> hosts) { Apply(Alerting({Static(std::move(hosts))})); }

  // Queues and sends what is due.
  void Send(const std::string& text) {
    manager->Send(Alerts(text));
    manager->RunDue();
  }
  // The body of the request that waits; "" when none does.
  std::string Sent(const std::string& url = kOne) const {
    for (const std::string& waiting : client.Waiting())
      if (waiting == url) return client.Find(url).request.body;
    return "";
  }
  void Answer(int code, const std::string& url = kOne, std::string body = "") {
    net::HttpResponse response;
    response.code = code;
    response.body = std::move(body);
    client.Respond(url, std::move(response));
    manager->RunDue();
  }
  void Refuse(const std::string& url = kOne) {
    client.Respond(url, client.Failed(Status::Unavailable("connection refused")));
    manager->RunDue();
  }
  void Advance(Duration d) {
    clock.Advance(d);
    manager->RunDue();
  }

  // The value of the metric prometheus_notifications_NAME, for one Alertmanager unless `url` is "";
  // "none" when there is none.
  std::string Metric(const std::string& name, const std::string& url = kOne) const {
    std::string line = "\nprometheus_notifications_" + name;
    if (!url.empty()) line += "{alertmanager=\"" + url + "\"}";
    const std::string text = metrics.RenderText();
    const size_t at = text.find(line + " ");
    if (at == std::string::npos) return "none";
    const size_t from = at + line.size() + 1;
    return text.substr(from, text.find('\n', from) - from);
  }

  ManagerOptions options;
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("canopy-notify-" + std::to_string(getpid()));
  testing::ManualClock clock{Timestamp::FromMs(1'000'000)};
  testing::FakeHttpClient client;
  SelfMetrics metrics;
  std::unique_ptr<Manager> manager;
};

inline config::RelabelList Rules(std::vector<model::RelabelConfig> configs) {
  config::RelabelList out;
  auto rules = model::RelabelRules::Compile(configs);
  BOOST_TEST_REQUIRE(rules.ok(), rules.status().message());
  out.configs = std::move(configs);
  out.rules = std::move(*rules);
  return out;
}

}  // namespace canopy::notify
