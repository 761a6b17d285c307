#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "brute_store.h"
#include "canopy/base/log.h"
#include "canopy/ingest/page.h"
#include "tests/support/manual_clock.h"

namespace canopy::ingest {

// One target whose pages a test makes up. Page n comes at n * 1000 ms.
struct TestTarget {
  explicit TestTarget(PageRules r = {}, model::Labels l = {{"instance", "i"}, {"job", "j"}})
      : rules(std::make_shared<PageRules>(std::move(r))),
        pages("target", std::move(l), rules, store, clock, counters, pool) {
    log::SetLevel(log::Level::kError);  // refused samples are what these tests are about
  }

  Scrape Now() {
    clock.Advance(std::chrono::seconds(1));
    return {clock.Now(), clock.Now(), clock.MonotonicNanos(), std::chrono::seconds(10)};
  }
  ScrapeReport Text(std::string_view page) {
    return pages.Store(Now(), page, exposition::PageFormat::kText, scratch);
  }
  ScrapeReport OpenMetrics(std::string_view page) {
    return pages.Store(Now(), page, exposition::PageFormat::kOpenMetrics, scratch);
  }
  std::string Starts() const {
    std::string out;
    for (const auto& [labels, start] : store.starts)
      out += labels.ToString() + " " + std::to_string(start) + "\n";
    return out;
  }
  ScrapeReport Fail(Status why = Status::Unavailable("refused")) {
    return pages.Fail(Now(), std::move(why), 0, scratch);
  }

  testing::ManualClock clock;
  SelfMetrics metrics;
  PageMetrics counters{metrics};
  MetadataPool pool;
  BruteStore store;
  std::shared_ptr<PageRules> rules;
  Scratch scratch;
  TargetPages pages;
};

}  // namespace canopy::ingest
