#include "tests/support/proto_page.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>

#include "canopy/base/log.h"
#include "canopy/base/number.h"
#include "canopy/ingest/page.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/model/sample.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"

namespace canopy::ingest {
namespace {

using namespace canopy::testing;  // the words of pages

// One target whose protobuf pages a test makes up. Page n comes at n * 1000 ms.
struct Target {
  explicit Target(PageRules r = {.native_histograms = true, .exemplars = true})
      : rules(std::make_shared<PageRules>(std::move(r))),
        pages("target", {{"job", "j"}}, rules, store, clock, counters, pool) {
    log::SetLevel(log::Level::kError);
  }
  ScrapeReport Store(const std::string& page) {
    clock.Advance(std::chrono::seconds(1));
    return pages.Store({clock.Now(), clock.Now(), clock.MonotonicNanos(), std::chrono::seconds(10)},
                       page, exposition::PageFormat::kProto, scratch);
  }
  // One line per series but those of the report: `a{job="j"} 1@1000 stale@2000`.
  std::string Text() const {
    std::string out;
    for (const auto& [labels, samples] : store.All()) {
      const std::string_view name = labels.metric_name();
      if (name == "up" || name.starts_with("scrape_")) continue;
      out += labels.ToString();
      for (const model::Sample& s : samples) {
        out += " ";
        if (const auto value = store.HistogramAt(labels, s.time)) {
          model::FloatHistogram h;
          model::ToFloat(*value, h);
          const bool integers = std::holds_alternative<model::Histogram>(*value);
          out += (integers ? "i" : "f") + model::ToString(h);
        } else if (model::IsStale(s.value)) {
          out += "stale";
        } else {
          base::AppendFloatShortest(out, s.value);
        }
        out += "@" + std::to_string(s.time.ms());
      }
      out += "\n";
    }
    return out;
  }

  ManualClock clock;
  SelfMetrics metrics;
  PageMetrics counters{metrics};
  MetadataPool pool;
  MemoryStore store;
  std::shared_ptr<PageRules> rules;
  Scratch scratch;
  TargetPages pages;
};

std::string Gauge(const std::string& name, double value, int64_t time = 0) {
  return ProtoFamilyOf(name, kProtoGauge, {ProtoMetric(kProtoGauge, {}, ProtoValue(value), time)},
                       "help of " + name);
}
model::Histogram Native(int64_t count) {
  model::Histogram h;
  h.count = static_cast<uint64_t>(count);
  h.positive = {{{1, 1}}, {count}};
  return h;
}
std::string Histogram(const std::string& name, int64_t count) {
  return ProtoFamilyOf(
      name, kProtoHistogram,
      {ProtoMetric(kProtoHistogram, {{"job", "theirs"}},
                   ProtoNative(Native(count)) + ProtoClassic(static_cast<uint64_t>(count), 0, {},
                                                             ProtoExemplar("t", 1, 0)))});
}

BOOST_AUTO_TEST_SUITE(proto_pages)

BOOST_AUTO_TEST_CASE(series_come_stay_and_vanish) {
  Target t;
  const ScrapeReport first = t.Store(Gauge("a", 1) + Histogram("h", 3) + Gauge("b", 2));
  BOOST_TEST(first.error.ok(), first.error.message());
  BOOST_TEST(first.scraped == 3u);
  BOOST_TEST(first.added == 3u);
  // In another order, with one more, and one less.
  const ScrapeReport second = t.Store(Histogram("h", 4) + Gauge("a", 5) + Histogram("k", 1));
  BOOST_TEST(second.added == 1u);
  const ScrapeReport third = t.Store(Gauge("b", 7) + Gauge("b", 8));
  BOOST_TEST(third.added == 1u);
  BOOST_TEST(t.Text() ==
             "a{job=\"j\"} 1@1000 5@2000 stale@3000\n"
             "b{job=\"j\"} 2@1000 stale@2000 7@3000\n"
             "h{exported_job=\"theirs\", job=\"j\"} i{count:3, sum:0, (1,2]:3}@1000 "
             "i{count:4, sum:0, (1,2]:4}@2000 stale@3000\n"
             "k{exported_job=\"theirs\", job=\"j\"} i{count:1, sum:0, (1,2]:1}@2000 stale@3000\n");
  BOOST_TEST(t.pages.metadata()->Find("b")->metadata.help == "help of b");
  BOOST_TEST((t.pages.metadata()->Find("b")->metadata.type == model::MetricType::kGauge));
  BOOST_TEST(t.pages.metadata()->Find("a") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_page_that_fails_ends_its_series) {
  Target t;
  BOOST_TEST(t.Store(Gauge("a", 1) + Histogram("h", 3)).error.ok());
  const ScrapeReport bad = t.Store(Gauge("a", 1) + "\x05x");
  BOOST_TEST(bad.error.message() == "proto: the page ends within a message");
  BOOST_TEST(t.Store(Histogram("h", 4)).error.ok());
  BOOST_TEST(t.Text() ==
             "a{job=\"j\"} 1@1000 stale@2000\n"
             "h{exported_job=\"theirs\", job=\"j\"} i{count:3, sum:0, (1,2]:3}@1000 stale@2000 "
             "i{count:4, sum:0, (1,2]:4}@3000\n");
}

BOOST_AUTO_TEST_CASE(rules_of_pages_hold) {
  {
    Target t({.sample_limit = 2, .native_histograms = true});
    BOOST_TEST(t.Store(Gauge("a", 1) + Histogram("h", 3)).error.ok());
    BOOST_TEST(t.Store(Gauge("a", 1) + Histogram("h", 3) + Gauge("b", 1)).error.message() ==
               "sample limit exceeded");
  }
  {
    // Its own time, and not ended by vanishing; a second one of the same series.
    Target t;
    BOOST_TEST(t.Store(Gauge("a", 1, 400) + Gauge("a", 2, 500)).error.ok());
    BOOST_TEST(t.Store(Gauge("b", 1)).error.ok());
    BOOST_TEST(t.Text() == "a{job=\"j\"} 1@400 2@500\nb{job=\"j\"} 1@2000\n");
  }
  {
    Target t({.honor_labels = true, .native_histograms = false});
    BOOST_TEST(t.Store(Histogram("h", 3)).error.ok());
    BOOST_TEST(t.Text() ==
               "h_bucket{job=\"theirs\", le=\"+Inf\"} 3@1000\n"
               "h_count{job=\"theirs\"} 3@1000\nh_sum{job=\"theirs\"} 0@1000\n");
  }
  const auto wide = [](int buckets) {
    model::Histogram h;
    h.schema = 3;
    h.count = static_cast<uint64_t>(buckets);
    h.positive.spans = {{1, static_cast<uint32_t>(buckets)}};
    h.positive.buckets.assign(static_cast<size_t>(buckets), 0);
    h.positive.buckets[0] = 1;
    return ProtoFamilyOf("w", kProtoHistogram, {ProtoMetric(kProtoHistogram, {}, ProtoNative(h))});
  };
  {
    Target t({.native_histograms = true, .native_histogram_bucket_limit = 4});
    BOOST_TEST(t.Store(wide(16)).error.ok());
    BOOST_TEST(t.Text() ==
               "w{job=\"j\"} i{count:16, sum:0, (1,1.414213562373095]:4, "
               "(1.414213562373095,2]:4, (2,2.82842712474619]:4, (2.82842712474619,4]:4}@1000\n");
    BOOST_TEST(t.Store(wide(9000)).error.message() == "histogram bucket limit exceeded");
  }
  {
    Target t({.native_histograms = true, .native_histogram_min_bucket_factor = 2});
    BOOST_TEST(t.Store(wide(16)).error.ok());
    BOOST_TEST(t.Text() == "w{job=\"j\"} i{count:16, sum:0, (1,2]:8, (2,4]:8}@1000\n");
  }
}

BOOST_AUTO_TEST_CASE(exemplars_go_with_their_series) {
  Target t;
  const auto counter = [](int64_t seconds) {
    std::string value = ProtoValue(3);
    protozero::pbf_writer(value).add_message(2, ProtoExemplar("x", 0.5, seconds));
    return ProtoFamilyOf("c", kProtoCounter, {ProtoMetric(kProtoCounter, {}, value)});
  };
  BOOST_TEST(t.Store(counter(1)).error.ok());
  BOOST_TEST(t.Store(counter(2)).error.ok());
  const model::Labels labels = {{"__name__", "c"}, {"job", "j"}};
  const model::Labels trace = {{"trace_id", "x"}};
  const MemoryExemplars want = {
      {labels, {{trace, 0.5, Timestamp::FromMs(1250)}, {trace, 0.5, Timestamp::FromMs(2250)}}}};
  BOOST_TEST((t.store.AllExemplars() == want));
}

BOOST_AUTO_TEST_CASE(an_exemplar_without_a_time_is_of_its_sample_s) {
  const auto want = [](int64_t with_time_ms, int64_t first_ms, int64_t second_ms) {
    const model::Labels trace = {{"trace_id", "x"}};
    const auto at = [](int64_t ms) { return Timestamp::FromMs(ms); };
    return MemoryExemplars{
        {{{"__name__", "a"}, {"job", "j"}},
         {{trace, 0.5, at(first_ms), false}, {trace, 0.5, at(second_ms), false}}},
        {{{"__name__", "b"}, {"job", "j"}}, {{trace, 0.5, at(with_time_ms)}}}};
  };
  {
    Target t;
    const auto page = [](int64_t seconds) {
      const auto counter = [&](const std::string& name, int64_t exemplar_seconds) {
        std::string value = ProtoValue(3);
        protozero::pbf_writer(value).add_message(2, ProtoExemplar("x", 0.5, exemplar_seconds));
        std::string metric = ProtoMetric(kProtoCounter, {}, value);
        return ProtoFamilyOf(name, kProtoCounter, {metric});
      };
      return counter("a", 0) + counter("b", seconds);
    };
    BOOST_TEST(t.Store(page(1)).error.ok());
    BOOST_TEST(t.Store(page(1)).error.ok());
    const int64_t second = t.clock.Now().ms();
    BOOST_TEST((t.store.AllExemplars() == want(1250, second - 1000, second)));
  }
  {
    Target t;
    const auto store = [&](std::string_view page) {
      t.clock.Advance(std::chrono::seconds(1));
      return t.pages
          .Store({t.clock.Now(), t.clock.Now(), 0, std::chrono::seconds(10)}, page,
                 exposition::PageFormat::kOpenMetrics, t.scratch)
          .error;
    };
    const auto page = [](std::string_view time) {
      return "a 1 " + std::string(time) + "# {trace_id=\"x\"} 0.5\n" +
             "b 1 # {trace_id=\"x\"} 0.5 1.25\n# EOF\n";
    };
    BOOST_TEST(store(page("")).ok());
    const int64_t first = t.clock.Now().ms();
    // The sample's own time.
    BOOST_TEST(store(page(std::to_string(first / 1000 + 100) + " ")).ok());
    BOOST_TEST((t.store.AllExemplars() == want(1250, first, first / 1000 * 1000 + 100'000)));
  }
}

BOOST_AUTO_TEST_CASE(a_target_may_change_its_format) {
  Target t;
  BOOST_TEST(t.Store(Gauge("a", 1)).error.ok());
  t.clock.Advance(std::chrono::seconds(1));
  const auto text = t.pages.Store({t.clock.Now(), t.clock.Now(), 0, std::chrono::seconds(10)},
                                  "a 2\nb 1\n", exposition::PageFormat::kText, t.scratch);
  BOOST_TEST(text.error.ok());
  BOOST_TEST(t.Store(Gauge("a", 3)).error.ok());
  // Of one that goes on in other words no marker is stored.
  BOOST_TEST(t.Text() == "a{job=\"j\"} 1@1000 2@2000 3@3000\nb{job=\"j\"} 1@2000 stale@3000\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::ingest
