#pragma once

#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/base/number.h"
#include "canopy/base/self_metrics.h"
#include "canopy/config/rule_file.h"
#include "canopy/promql/engine.h"
#include "canopy/rules/manager.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"

namespace canopy::rules {

inline Timestamp Ms(int64_t ms) { return Timestamp::FromMs(ms); }

inline config::RuleFile ParseRules(const std::string& yaml, const std::string& path = "r.yml") {
  auto report = config::LoadRuleText(yaml, path, {});
  for (const auto& e : report.errors) BOOST_TEST_MESSAGE(e.ToString());
  BOOST_REQUIRE(report.file.has_value());
  return *std::move(report.file);
}

// A node that has nothing but a store, an engine and rules, whose clock a test turns. The store
// outlives the manager, so that a restart can be played.
class Node {
 public:
  explicit Node(Timestamp now = Ms(1'000'000'000'000)) : clock(now), engine({}, clock, metrics) {
    Restart();
  }

  // A new process on the old store.
  void Restart() {
    manager.reset();
    sent.clear();
    manager = std::make_unique<Manager>(
        Manager::Deps{clock, store, store, engine, metrics,
                      [this](std::vector<model::Alert> alerts) { TakeSent(std::move(alerts)); }},
        options);
  }

  Status Update(const std::string& yaml) {
    RuleSet set;
    set.files.push_back(ParseRules(yaml));
    set.evaluation_interval = std::chrono::minutes(1);
    set.external_url = "http://canopy:9090";
    set.external_labels = model::Labels{{"zone", "a"}};
    return manager->Update(set);
  }
  void MustUpdate(const std::string& yaml) {
    const Status status = Update(yaml);
    BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
  }

  // Goes to the next evaluation of any group and runs it. Samples are to be put before.
  Timestamp NextSlot() { return manager->RunDue(); }
  void Tick() {
    const Timestamp next = manager->RunDue();
    BOOST_REQUIRE(next < Timestamp::Max());
    clock.Set(next);
    manager->RunDue();
  }
  // Puts the samples at the time of the next evaluation, then runs it.
  void Tick(const std::vector<std::pair<model::Labels, double>>& samples) {
    const Timestamp next = manager->RunDue();
    for (const auto& [labels, value] : samples) store.Add(labels, next, value);
    Tick();
  }

  // What an instant query answers now: "{a=\"b\"} 1, ..." sorted by labels.
  std::string Query(std::string_view expr) {
    const auto result = engine.Instant(store, expr, clock.Now());
    if (!result.ok()) return result.status().message();
    std::map<model::Labels, double> sorted;
    for (const auto& s : std::get<promql::Vector>(result->value)) {
      sorted[s.labels] = s.sample.value;
    }
    std::string out;
    for (const auto& [labels, value] : sorted) {
      if (!out.empty()) out += ", ";
      out += labels.ToString() + " ";
      base::AppendFloatPlain(out, value);
    }
    return out;
  }

  RuleSnapshot Rule(size_t index, size_t group = 0) const {
    return manager->Groups().at(group).rules.at(index);
  }
  std::string MetricLine(std::string_view start) const {
    const std::string text = metrics.RenderText();
    const size_t at = text.find("\n" + std::string(start));
    if (at == std::string::npos) return "";
    return text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  }

  testing::ManualClock clock;
  testing::MemoryStore store;
  SelfMetrics metrics;
  promql::Engine engine;
  ManagerOptions options;
  // Written by the manager's threads once Start() was called: to be read after Stop().
  std::vector<model::Alert> sent;
  Mutex sent_mu{LockRank::kLeaf};
  std::unique_ptr<Manager> manager;

 private:
  void TakeSent(std::vector<model::Alert> alerts) {
    const MutexLock lock(sent_mu);
    for (model::Alert& alert : alerts) sent.push_back(std::move(alert));
  }
};

}  // namespace canopy::rules
