#include "canopy/promql/engine.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <future>
#include <random>

#include "canopy/base/number.h"
#include "canopy/base/workers.h"
#include "canopy/promql/parser.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/wait_for.h"

namespace canopy::promql {
namespace {

using testing::MemoryStore;

constexpr Duration kMinute = std::chrono::minutes(1);

Timestamp Minutes(int64_t n) { return Timestamp() + kMinute * n; }

std::string Text(double v) {
  std::string out;
  base::AppendFloatPlain(out, v);
  return out;
}

// {a="b"} 1 2@60000: a value per line, times where they are not the query's.
std::string Text(const Value& value) {
  if (const auto* scalar = std::get_if<Scalar>(&value)) return Text(scalar->value);
  if (const auto* string = std::get_if<String>(&value)) return string->value;
  std::vector<std::string> lines;
  if (const auto* vector = std::get_if<Vector>(&value)) {
    for (const VectorSample& e : *vector)
      lines.push_back(e.labels.ToString() + " " + Text(e.sample.value));
    std::sort(lines.begin(), lines.end());
  } else {
    for (const MatrixSeries& series : std::get<Matrix>(value)) {
      std::string line = series.labels.ToString();
      for (const model::Sample& s : series.samples)
        line += " " + Text(s.value) + "@" + std::to_string(s.time.ms() / 1000);
      lines.push_back(line);
    }
  }
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

struct Fixture {
  MemoryStore store;
  SelfMetrics metrics;
  EngineOptions options;

  Result<QueryResult> Instant(std::string_view query, Timestamp at, QueryOptions o = {}) {
    SelfMetrics own;
    return Engine(options, SystemClock(), own).Instant(store, query, at, o);
  }
  Result<QueryResult> Range(std::string_view query, RangeSpec range, QueryOptions o = {}) {
    SelfMetrics own;
    return Engine(options, SystemClock(), own).Range(store, query, range, o);
  }
  std::string InstantText(std::string_view query, Timestamp at) {
    const auto result = Instant(query, at);
    return result.ok() ? Text(result->value) : "error: " + result.status().message();
  }
  std::string RangeText(std::string_view query, RangeSpec range) {
    const auto result = Range(query, range);
    return result.ok() ? Text(result->value) : "error: " + result.status().message();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(instant_queries_yield_every_type, Fixture) {
  store.Load(kMinute, "m{a=\"x\"} 0+10x10");
  store.Load(kMinute, "m{a=\"y\"} 5 stale");
  store.Load(kMinute, "other 1 _ NaN");
  auto f = [&](std::string_view query, int64_t minute, std::string_view want) {
    BOOST_TEST_CONTEXT(query) { BOOST_TEST(InstantText(query, Minutes(minute)) == want); }
  };
  f("1 + 2 * 3", 0, "7");
  f("\"text\"", 0, "text");
  f("m", 0, "m{a=\"x\"} 0\nm{a=\"y\"} 5\n");
  f("m", 1, "m{a=\"x\"} 10\n");    // a staleness marker ends a series
  f("m", 14, "m{a=\"x\"} 100\n");  // the lookback is five minutes...
  f("m", 15, "");                  // ...and does not reach back to its very start
  f("m offset 2m", 6, "m{a=\"x\"} 40\n");
  f("m @ 120", 100, "m{a=\"x\"} 20\n");
  f("m[2m]", 3, "m{a=\"x\"} 20@120 30@180\n");  // left-open
  f("m[1m] offset -1m", 2, "m{a=\"x\"} 30@180\n");
  f("m{a=\"x\"}[3m:1m30s]", 4, "m{a=\"x\"} 10@90 30@180\n");
  f("sum(m)", 0, "{} 5\n");
  f("-m", 1, "{a=\"x\"} -10\n");
  f("m > 3", 0, "m{a=\"y\"} 5\n");
  f("m == bool 5", 0, "{a=\"x\"} 0\n{a=\"y\"} 1\n");
  f("time()", 2, "120");
  f("timestamp(m)", 3, "{a=\"x\"} 180\n");
  f("absent(nothing{a=\"b\",c!=\"d\"})", 0, "{a=\"b\"} 1\n");
  f("scalar(other)", 2, "NaN");
  f("nothing", 0, "");
}

BOOST_FIXTURE_TEST_CASE(range_queries_go_step_by_step, Fixture) {
  store.Load(kMinute, "m{a=\"x\"} 0+10x4 _x6 7");
  store.Load(kMinute, "m{a=\"y\"} 1 stale 3");
  const RangeSpec range{Minutes(0), Minutes(4), kMinute * 2};
  auto f = [&](std::string_view query, std::string_view want) {
    BOOST_TEST_CONTEXT(query) { BOOST_TEST(RangeText(query, range) == want); }
  };
  f("m", "m{a=\"x\"} 0@0 20@120 40@240\nm{a=\"y\"} 1@0 3@120 3@240\n");
  f("7", "{} 7@0 7@120 7@240\n");
  f("m @ 60", "m{a=\"x\"} 10@0 10@120 10@240\n");
  f("m @ end()", "m{a=\"x\"} 40@0 40@120 40@240\nm{a=\"y\"} 3@0 3@120 3@240\n");
  f("sum(m)", "{} 1@0 23@120 43@240\n");
  f("count_over_time(m[2m])", "{a=\"x\"} 1@0 2@120 2@240\n{a=\"y\"} 1@0 1@120\n");
  f("m > 2", "m{a=\"x\"} 20@120 40@240\nm{a=\"y\"} 3@120 3@240\n");
  f("\"text\"",
    "error: invalid expression type \"string\" for range query, must be Scalar or instant Vector");
  BOOST_TEST(RangeText("m{a=\"x\"}", {Minutes(8), Minutes(12), kMinute}) ==
             "m{a=\"x\"} 40@480 7@660 7@720\n");
}

BOOST_FIXTURE_TEST_CASE(errors_have_the_words_of_prometheus, Fixture) {
  store.Load(kMinute, "l{a=\"x\",i=\"1\"} 1x9");
  store.Load(kMinute, "l{a=\"x\",i=\"2\"} 1x9");
  store.Load(kMinute, "r{a=\"x\",i=\"1\"} 1x9");
  store.Load(kMinute, "r{a=\"x\",i=\"2\"} 1x9");
  store.Load(kMinute, "s{a=\"x\"} 1x9");
  store.Load(kMinute, "c{__name__=\"c\",a=\"x\"} 0+1x9");
  store.Load(kMinute, "d{a=\"x\"} 0+1x9");
  auto f = [&](std::string_view query, std::string_view want) {
    BOOST_TEST_CONTEXT(query) {
      const auto result = Instant(query, Minutes(5));
      BOOST_REQUIRE(!result.ok());
      BOOST_TEST(result.status().message() == want);
      BOOST_TEST((result.status().code() == Code::kExecution));
    }
  };
  f("s + on (a) r",
    "found duplicate series for the match group {a=\"x\"} on the right hand-side of the operation: "
    "[{__name__=\"r\", a=\"x\", i=\"1\"}, {__name__=\"r\", a=\"x\", i=\"2\"}];many-to-many "
    "matching not allowed: matching labels "
    "must be unique on one side");
  f("l + on (a) group_right s",
    "found duplicate series for the match group {a=\"x\"} on the left hand-side of the operation: "
    "[{__name__=\"l\", a=\"x\", i=\"1\"}, {__name__=\"l\", a=\"x\", i=\"2\"}];many-to-many "
    "matching not allowed: matching labels "
    "must be unique on one side");
  f("l + on (a) s",
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
  f("label_replace(l, \"i\", \"\", \"i\", \".*\") + 1",
    "vector cannot contain metrics with the same labelset");
  f("l + on (a) group_left (i) s",
    "multiple matches for labels: grouping labels must ensure unique matches");
  f("abs({__name__=~\"c|d\"})", "vector cannot contain metrics with the same labelset");
  f("rate({__name__=~\"c|d\"}[5m])", "vector cannot contain metrics with the same labelset");
  f("label_replace(s, \"b\", \"$1\", \"a\", \"(\")",
    "invalid regular expression in label_replace(): (");
  f("topk(1e30, l)", "Scalar value 1e+30 overflows int64");
}

BOOST_FIXTURE_TEST_CASE(a_query_that_cannot_be_parsed_is_invalid, Fixture) {
  const auto result = Instant("sum(", Minutes(0));
  BOOST_REQUIRE(!result.ok());
  BOOST_TEST((result.status().code() == Code::kInvalid));
}

BOOST_FIXTURE_TEST_CASE(the_store_s_errors_are_passed_on, Fixture) {
  store.FailWith(Status::Io("disk gone"));
  const auto result = Instant("m", Minutes(0));
  BOOST_REQUIRE(!result.ok());
  BOOST_TEST((result.status().code() == Code::kIo));
}

BOOST_FIXTURE_TEST_CASE(names_go_at_the_end_with_delayed_removal, Fixture) {
  store.Load(kMinute, "a_total{x=\"1\"} 0+60x9");
  options.features.delayed_name_removal = true;
  BOOST_TEST(
      InstantText("label_replace(rate(a_total[5m]), \"was\", \"$1\", \"__name__\", \"(.*)\")",
                  Minutes(5)) == "{was=\"a_total\", x=\"1\"} 1\n");
  BOOST_TEST(InstantText("rate(a_total[5m])", Minutes(5)) == "{x=\"1\"} 1\n");
  options.features.delayed_name_removal = false;
  BOOST_TEST(
      InstantText("label_replace(rate(a_total[5m]), \"was\", \"$1\", \"__name__\", \"(.*)\")",
                  Minutes(5)) == "{x=\"1\"} 1\n");
}

BOOST_FIXTURE_TEST_CASE(annotations_tell_where, Fixture) {
  store.Load(kMinute, "gauge 0+60x9");
  store.Load(kMinute, "h_bucket{le=\"1\"} 5x9");
  store.Load(kMinute, "h_bucket{le=\"2\"} 3x9");
  store.Load(kMinute, "h_bucket{le=\"+Inf\"} 7x9");
  store.Load(kMinute, "h_bucket{le=\"x\"} 7x9");
  const auto lines = [](const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += text + "\n";
    return out;
  };
  auto f = [&](std::string_view query, std::string_view warnings, std::string_view infos) {
    BOOST_TEST_CONTEXT(query) {
      const auto result = Instant(query, Minutes(5));
      BOOST_REQUIRE(result.ok());
      BOOST_TEST(lines(result->warnings) == warnings);
      BOOST_TEST(lines(result->infos) == infos);
    }
  };
  f("sum(\n  rate(gauge[5m]))", "",
    "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
    "\"gauge\" (2:8)\n");
  f("quantile(7, gauge)",
    "PromQL warning: quantile value should be between 0 and 1, got 7 (1:10)\n", "");
  f("histogram_quantile(0.5, h_bucket)",
    "PromQL warning: bucket label \"le\" is missing or has a malformed value of \"x\" (1:25)\n",
    "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), from "
    "buckets 2 to 2, with a max diff of 2, over 1 samples from 1970-01-01T00:05:00Z to "
    "1970-01-01T00:05:00Z (1:25)\n");
  f("rate(h_bucket[5m])", "", "");
}

BOOST_FIXTURE_TEST_CASE(samples_are_counted_and_bounded, Fixture) {
  for (int i = 0; i < 10; ++i) store.Load(kMinute, "m{i=\"" + std::to_string(i) + "\"} 0+1x10");
  const RangeSpec range{Minutes(0), Minutes(9), kMinute};
  auto result = Range("m", range);
  BOOST_REQUIRE(result.ok());
  BOOST_TEST(result->stats.total_queryable_samples == 100);
  BOOST_TEST(result->stats.peak_samples == 100);
  result = Range("sum(count_over_time(m[3m]))", range);
  BOOST_REQUIRE(result.ok());
  BOOST_TEST(result->stats.total_queryable_samples == 10 * (1 + 2 + 8 * 3));

  options.max_samples = 99;
  result = Range("m", range);
  BOOST_REQUIRE(!result.ok());
  BOOST_TEST((result.status().code() == Code::kExecution));
  BOOST_TEST(result.status().message() ==
             "query processing would load too many samples into memory in query execution");
  BOOST_TEST(!Instant("count_over_time(m[1y:1ms])", Minutes(9)).ok());
  options.max_samples = 100;
  BOOST_TEST(Range("m", range).ok());
}

// Rows that are nearly empty count by their length: or a few samples would take any memory.
BOOST_FIXTURE_TEST_CASE(sparse_rows_are_bounded, Fixture) {
  for (int i = 0; i < 50; ++i) {
    storage::Batch batch;
    batch.new_samples.push_back(
        {{{"__name__", "m"}, {"i", std::to_string(i)}}, Minutes(i), static_cast<double>(i)});
    BOOST_REQUIRE(store.Append(batch).ok());
  }
  const RangeSpec range{Minutes(0), Minutes(100), Duration(1000)};
  options.max_samples = 6001 * 50 / 4 + 1;  // a quarter of the places of 50 rows
  for (const std::string_view query : {"count_values(\"v\", m)", "topk(100, m)"})
    BOOST_TEST(Range(query, range).ok(), query);
  options.max_samples -= 100;
  BOOST_TEST(Range("sum(m)", range).ok());
  for (const std::string_view query : {"count_values(\"v\", m)", "m or m"}) {
    const auto result = Range(query, range);
    BOOST_TEST_CONTEXT(query) {
      BOOST_REQUIRE(!result.ok());
      BOOST_TEST(result.status().message() ==
                 "query processing would load too many samples into memory in query execution");
    }
  }
}

BOOST_FIXTURE_TEST_CASE(labels_are_bounded, Fixture) {
  store.Load(kMinute, "m{a=\"0123456789\"} 1");
  std::string query = "m";
  for (int i = 0; i < 40; ++i) query = "label_join(" + query + ", \"a\", \"\", \"a\", \"a\")";
  BOOST_TEST(InstantText(query, Minutes(0)) ==
             "error: a label value of more than 1 MiB would be made");
}

// As deep as the parser lets queries be.
BOOST_FIXTURE_TEST_CASE(deep_queries_are_evaluated, Fixture) {
  store.Load(kMinute, "m 1x10");
  const auto nested = [](std::string_view before, std::string query, std::string_view after,
                         int times) {
    for (int i = 0; i < times; ++i) query = std::string(before) + query + std::string(after);
    return query;
  };
  for (const std::string& query :
       {nested("-(", "m", ")", 400), nested("abs(", "m", ")", 900), nested("sum(", "m", ")", 900),
        nested("", "m", " + m", 900), nested("m + (", "m", ")", 400),
        nested("max_over_time(", "m", "[2s:1s])", 60), nested("", "1", " + 1", 900),
        nested("m or (", "m", ")", 400)}) {
    BOOST_TEST_CONTEXT(query.substr(0, 40)) {
      const auto result = Range(query, {Minutes(1), Minutes(2), kMinute});
      BOOST_TEST(result.ok(), (result.ok() ? "" : result.status().message()));
    }
  }
}

BOOST_FIXTURE_TEST_CASE(samples_are_counted_per_step, Fixture) {
  store.Load(kMinute, "m 1 2 _ stale 5");
  QueryOptions o;
  o.per_step_stats = true;
  const auto result =
      Range("sum(m) + sum(count_over_time(m[2m]))", {Minutes(0), Minutes(4), kMinute}, o);
  BOOST_REQUIRE(result.ok());
  std::vector<int64_t> counts;
  for (const auto& [time, count] : result->stats.samples_per_step) counts.push_back(count);
  // Instant: at 0, 1, 2 (by lookback) and 4; ranges: 1, 2, 1, 0, 1 samples.
  BOOST_TEST(counts == (std::vector<int64_t>{2, 3, 2, 0, 2}), boost::test_tools::per_element());
}

// Totals, what is new, and both per step, as Prometheus counts them.
BOOST_FIXTURE_TEST_CASE(reads_are_counted_as_prometheus_counts_them, Fixture) {
  store.Load(Duration(10'000), "m 0+1x60");
  QueryOptions o;
  o.per_step_stats = true;
  const auto text = [](const auto& steps) {
    std::string out;
    for (const auto& [time, count] : steps) out += std::to_string(count) + " ";
    return out;
  };
  const auto check = [&](const Result<QueryResult>& result, std::string_view query, int64_t total,
                         int64_t read, std::string_view totals, std::string_view reads) {
    BOOST_TEST_CONTEXT(query) {
      BOOST_REQUIRE(result.ok());
      BOOST_TEST(result->stats.total_queryable_samples == total);
      BOOST_TEST(result->stats.samples_read == read);
      BOOST_TEST(text(result->stats.samples_per_step) == totals);
      BOOST_TEST(text(result->stats.samples_read_per_step) == reads);
    }
  };
  const auto range = [&](std::string_view query, int64_t total, int64_t read,
                         std::string_view totals, std::string_view reads) {
    check(Range(query, {Minutes(2), Minutes(4), kMinute}, o), query, total, read, totals, reads);
  };
  range("m", 3, 3, "1 1 1 ", "1 1 1 ");
  range("sum_over_time(m[1m])", 18, 18, "6 6 6 ", "6 6 6 ");
  range("sum_over_time(m[2m])", 36, 24, "12 12 12 ", "12 6 6 ");
  range("sum_over_time(m[20s])", 6, 6, "2 2 2 ", "2 2 2 ");
  range("timestamp(m) + m", 6, 6, "2 2 2 ", "2 2 2 ");
  // Step-invariant: once read, but there at every step.
  range("m @ 120", 3, 1, "1 1 1 ", "1 0 0 ");
  range("sum_over_time(m[1m] @ 120)", 18, 6, "6 6 6 ", "6 0 0 ");
  range("m + m @ 120", 6, 4, "2 2 2 ", "2 1 1 ");
  // A subquery's own samples are what counts, what its selector reads is what is read.
  range("sum_over_time(m[2m:30s])", 12, 8, "4 4 4 ", "4 2 2 ");
  range("sum_over_time(sum_over_time(m[1m])[2m:1m])", 6, 24, "2 2 2 ", "12 6 6 ");
  // Between windows of 20 s each minute there are gaps.
  range("sum_over_time(m[20s:10s])", 6, 6, "2 2 2 ", "2 2 2 ");
  range("sum_over_time(m[20s:10s] offset 1m)", 6, 6, "2 2 2 ", "2 2 2 ");
  const auto instant = [&](std::string_view query, int64_t total, int64_t read) {
    const std::string n = std::to_string(total) + " ";
    check(Instant(query, Minutes(4), o), query, total, read, n, std::to_string(read) + " ");
  };
  instant("m", 1, 1);
  instant("m[1m]", 6, 6);
  instant("m[1m:30s]", 2, 2);
  instant("sum_over_time(m[1m])[2m:1m]", 12, 12);
  instant("absent_over_time(m[1m])", 6, 6);
  instant("sum_over_time(m[1m:30s])", 2, 2);
  // Without the counts per step the sums are the same.
  o.per_step_stats = false;
  const auto plain = Range("sum_over_time(m[20s:10s])", {Minutes(2), Minutes(4), kMinute}, o);
  BOOST_REQUIRE(plain.ok());
  BOOST_TEST(plain->stats.total_queryable_samples == 6);
  BOOST_TEST(plain->stats.samples_read == 6);
}

BOOST_FIXTURE_TEST_CASE(a_deadline_ends_a_query, Fixture) {
  for (int i = 0; i < 300; ++i) store.Load(kMinute, "m{i=\"" + std::to_string(i) + "\"} 0+1x600");
  QueryOptions o;
  o.timeout = Duration(100);
  const auto start = std::chrono::steady_clock::now();
  const auto result = Range("quantile_over_time(0.5, stddev_over_time(m[10h])[10h:1s])",
                            {Minutes(0), Minutes(600), Duration(3000)}, o);
  const auto took = std::chrono::steady_clock::now() - start;
  BOOST_REQUIRE(!result.ok());
  BOOST_TEST((result.status().code() == Code::kTimeout));
  BOOST_TEST(result.status().message() == "query timed out in expression evaluation");
  // 100 ms late at most; tests run on busy machines.
  BOOST_TEST((took < std::chrono::seconds(5)));
}

// A store that looks for series until it is told to stop.
class EndlessSearch final : public storage::Queryable {
 public:
  Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp, Timestamp) override {
    return std::unique_ptr<storage::Querier>(std::make_unique<Querier>());
  }

 private:
  struct Querier final : storage::Querier {
    Result<std::unique_ptr<storage::SeriesSet>> Select(std::span<const model::Matcher>,
                                                       const storage::SelectHints& hints) override {
      storage::Patience patience(hints.interrupt);
      for (;;) CANOPY_RETURN_IF_ERROR(patience.Step());
    }
    Result<std::vector<std::string>> LabelNames(std::span<const model::Matcher>,
                                                uint64_t) override {
      return std::vector<std::string>();
    }
    Result<std::vector<std::string>> LabelValues(std::string_view, std::span<const model::Matcher>,
                                                 uint64_t) override {
      return std::vector<std::string>();
    }
  };
};

BOOST_FIXTURE_TEST_CASE(a_query_ends_while_its_series_are_looked_for, Fixture) {
  EndlessSearch endless;
  Engine engine(options, SystemClock(), metrics);
  QueryOptions o;
  o.timeout = Duration(20);
  const auto late = engine.Instant(endless, "sum(m)", Minutes(0), o);
  BOOST_TEST((late.status().code() == Code::kTimeout));
  BOOST_TEST(late.status().message() == "query timed out in expression evaluation");
  CancelToken cancel;
  cancel.Cancel();
  o = {};
  o.cancel = &cancel;
  const auto canceled = engine.Range(endless, "m", {Minutes(0), Minutes(1), Duration(1000)}, o);
  BOOST_TEST((canceled.status().code() == Code::kCanceled));
}

BOOST_FIXTURE_TEST_CASE(a_canceled_query_ends, Fixture) {
  for (int i = 0; i < 300; ++i) store.Load(kMinute, "m{i=\"" + std::to_string(i) + "\"} 0+1x600");
  Engine engine(options, SystemClock(), metrics);
  CancelToken cancel;
  QueryOptions o;
  o.cancel = &cancel;
  auto admitted = std::async(std::launch::async, [&] {
    constexpr std::string_view kAdmitted =
        "prometheus_engine_query_duration_seconds_count{slice=\"queue_time\"} 1\n";
    const bool seen =
        testing::WaitFor([&] { return metrics.RenderText().find(kAdmitted) != std::string::npos; });
    cancel.Cancel();
    return seen;
  });
  const auto result = engine.Range(store, "stddev_over_time(m[10h])",
                                   {Minutes(0), Minutes(600), Duration(1000)}, o);
  BOOST_TEST(admitted.get());
  BOOST_REQUIRE(!result.ok());
  BOOST_TEST((result.status().code() == Code::kCanceled));
  BOOST_TEST(result.status().message() == "query was canceled in expression evaluation");
}

BOOST_FIXTURE_TEST_CASE(waiting_queries_time_out_in_the_queue, Fixture) {
  for (int i = 0; i < 300; ++i) store.Load(kMinute, "m{i=\"" + std::to_string(i) + "\"} 0+1x600");
  options.max_concurrency = 1;
  Engine engine(options, SystemClock(), metrics);
  CancelToken cancel;
  QueryOptions slow;
  slow.cancel = &cancel;
  auto running = std::async(std::launch::async, [&] {
    return engine.Range(store, "stddev_over_time(m[10h])",
                        {Minutes(0), Minutes(600), Duration(200)}, slow);
  });
  // Whoever gets the slot first keeps it until canceled: ask until it is the other one.
  QueryOptions o;
  o.timeout = Duration(50);
  std::string message;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (message != "query timed out in query queue" &&
         std::chrono::steady_clock::now() < give_up) {
    const auto result = engine.Instant(store, "1", Minutes(0), o);
    message = result.ok() ? "" : result.status().message();
  }
  BOOST_TEST(message == "query timed out in query queue");
  cancel.Cancel();
  BOOST_TEST(!running.get().ok());
  BOOST_TEST(engine.Instant(store, "1", Minutes(0), o).ok());
}

BOOST_FIXTURE_TEST_CASE(a_parsed_expression_serves_again_and_again, Fixture) {
  store.Load(kMinute, "m 0+1x10");
  Engine engine(options, SystemClock(), metrics);
  const auto expr = ParseExpr("sum_over_time(m[2m:1m] @ end()) + m offset 1m");
  BOOST_REQUIRE(expr.ok());
  for (int64_t minute = 2; minute < 6; ++minute) {
    const auto result = engine.Instant(store, **expr, Minutes(minute));
    BOOST_REQUIRE(result.ok());
    const int64_t want = (minute + minute - 1) + minute - 1;
    BOOST_TEST(Text(result->value) == "{} " + std::to_string(want) + "\n");
  }
}

// Helpers change nothing: neither values, to the bit, nor order.
BOOST_FIXTURE_TEST_CASE(workers_change_nothing, Fixture) {
  const unsigned seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> value(-1e6, 1e6);
  for (int i = 0; i < 1000; ++i) {
    const model::Labels labels{
        {"__name__", "m_total"}, {"i", std::to_string(i)}, {"g", std::to_string(i % 7)}};
    storage::Batch batch;
    for (int64_t minute = 0; minute < 20; ++minute)
      if (random() % 5 != 0) batch.new_samples.push_back({labels, Minutes(minute), value(random)});
    BOOST_REQUIRE(store.Append(batch).ok());
  }
  Workers workers("query", 3, 8);
  EngineOptions with = options;
  with.workers = &workers;
  SelfMetrics other;
  Engine alone(options, SystemClock(), metrics);
  Engine helped(with, SystemClock(), other);
  for (const std::string_view query :
       {"sum by (g) (rate(m_total[5m]))", "avg(m_total)", "topk by (g) (3, m_total)",
        "m_total / on (i) group_left sum by (i) (m_total)", "quantile(0.3, m_total) or m_total",
        "stddev_over_time(m_total[7m])", "max_over_time(sum(m_total)[5m:30s])",
        "abs(m_total) > 1e5", "rate(m_total[1m]) and m_total"}) {
    BOOST_TEST_CONTEXT(query) {
      const RangeSpec range{Minutes(3), Minutes(19), Duration(17'000)};
      const auto a = alone.Range(store, query, range);
      const auto b = helped.Range(store, query, range);
      BOOST_REQUIRE(a.ok());
      BOOST_REQUIRE(b.ok());
      BOOST_TEST(Text(a->value) == Text(b->value));
      BOOST_TEST(a->stats.total_queryable_samples == b->stats.total_queryable_samples);
      const auto c = alone.Instant(store, query, Minutes(15));
      const auto d = helped.Instant(store, query, Minutes(15));
      BOOST_REQUIRE(c.ok());
      BOOST_REQUIRE(d.ok());
      BOOST_TEST(Text(c->value) == Text(d->value));
    }
  }
  with.max_samples = 500;
  SelfMetrics third;
  const auto refused =
      Engine(with, SystemClock(), third).Range(store, "m_total", {Minutes(0), Minutes(9), kMinute});
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.status().code() == Code::kExecution));
}

}  // namespace canopy::promql
