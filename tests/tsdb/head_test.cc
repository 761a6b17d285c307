#include "tsdb/head.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "canopy/model/sample.h"
#include "tests/support/mem_fs.h"
#include "tests/support/memory_store.h"
#include "tests/support/random_histograms.h"
#include "tsdb/block_writer.h"
#include "tsdb/head_chunk_files.h"

namespace canopy::tsdb {
namespace {

using model::Labels;
using model::Matcher;
using model::MatchType;
using storage::AppendReport;
using storage::AppendResult;
using storage::Batch;

constexpr Duration kLong = std::chrono::hours(1000);

struct Node {
  explicit Node(HeadOptions options = {.span = kLong, .block_range = std::chrono::hours(2)})
      : head(metrics, options) {
    auto opened = HeadChunkFiles::Open(fs, "chunks_head", [](uint64_t, const HeadChunk&) {});
    BOOST_REQUIRE(opened.ok());
    files = std::move(*opened);
    head.SetChunkFiles(files.get());
  }
  SelfMetrics metrics;
  testing::MemFs fs;
  std::unique_ptr<HeadChunkFiles> files;
  Head head;
};

using Rows = std::map<std::string, std::string>;

// All but the hint.
std::string Text(const model::FloatHistogram& h) {
  std::string text = "{" + std::to_string(h.schema);
  const auto add = [&](double number) { text += "," + std::to_string(number); };
  for (const double number : {h.zero_threshold, h.zero_count, h.count, h.sum}) add(number);
  for (const auto* side : {&h.positive, &h.negative}) {
    text += ";";
    int32_t place = 0;
    size_t bucket = 0;
    for (const model::HistogramSpan& span : side->spans) {
      place += span.offset;
      for (uint32_t i = 0; i < span.length; ++i, ++place, ++bucket)
        if (side->buckets[bucket] != 0)
          text += "," + std::to_string(place) + "=" + std::to_string(side->buckets[bucket]);
    }
  }
  for (const double bound : h.custom_values) add(bound);
  return text + "}";
}

// Every sample of every selected series as text, and their order as a list of labels.
struct Shown {
  Rows rows;
  std::vector<std::string> order;
  friend bool operator==(const Shown&, const Shown&) = default;
};

Shown Show(const storage::SeriesSet& set, Timestamp from = Timestamp::Min(),
           Timestamp until = Timestamp::Max()) {
  Shown out;
  storage::ColumnBuffer buffer;
  for (size_t i = 0; i < set.size(); ++i) {
    const auto columns = set.Read(i, from, until, buffer);
    BOOST_REQUIRE(columns.ok());
    if (columns->times.empty()) continue;
    std::string text;
    for (size_t s = 0; s < columns->times.size(); ++s) {
      const double value = columns->values[s];
      const bool is_histogram = !columns->histograms.empty() && columns->histograms[s] != nullptr;
      text += " " + std::to_string(columns->times[s]) + ":" +
              (is_histogram            ? Text(*columns->histograms[s])
               : model::IsStale(value) ? "stale"
                                       : std::to_string(value));
    }
    const std::string labels = set.labels(i).ToLabels().ToString();
    BOOST_TEST(out.rows.emplace(labels, text).second);
    out.order.push_back(labels);
  }
  return out;
}

Shown Query(storage::Querier& querier, const model::Matchers& matchers,
            storage::SelectHints hints = {.sorted = true}) {
  const auto set = querier.Select(matchers, hints);
  BOOST_REQUIRE(set.ok());
  return Show(**set);
}

Matcher Regex(MatchType type, std::string name, std::string value) {
  auto matcher = Matcher::Create(type, std::move(name), std::move(value));
  BOOST_REQUIRE(matcher.ok());
  return *matcher;
}

Labels SeriesNumber(unsigned n) {
  const std::string number = std::to_string(n);
  const std::string group = std::to_string(n % 7);
  const std::string job = std::to_string(n % 3);
  if (n % 5 == 0) return Labels{{"__name__", "m" + group}, {"n", number}};
  return Labels{{"__name__", "m" + group}, {"job", "j" + job}, {"n", number}};
}

model::Matchers RandomMatchers(std::mt19937& random) {
  const std::vector<Matcher> some = {
      Matcher::Literal(MatchType::kEqual, "__name__", "m1"),
      Matcher::Literal(MatchType::kEqual, "__name__", "absent"),
      Matcher::Literal(MatchType::kNotEqual, "__name__", "m2"),
      Matcher::Literal(MatchType::kEqual, "job", ""),
      Matcher::Literal(MatchType::kNotEqual, "job", ""),
      Matcher::Literal(MatchType::kNotEqual, "job", "j1"),
      Matcher::Literal(MatchType::kEqual, "nothing", ""),
      Matcher::Literal(MatchType::kNotEqual, "nothing", ""),
      Matcher::Literal(MatchType::kEqual, "nothing", "x"),
      Regex(MatchType::kRegex, "job", "j1|j2"),
      Regex(MatchType::kRegex, "job", "j1|"),
      Regex(MatchType::kNotRegex, "job", "j1|"),
      Regex(MatchType::kRegex, "n", "1.*"),
      Regex(MatchType::kRegex, "n", ".+"),
      Regex(MatchType::kRegex, "job", ".*"),
      Regex(MatchType::kNotRegex, "n", "[0-5]+"),
      Regex(MatchType::kRegex, "n", "(1.*)?"),
      Regex(MatchType::kNotRegex, "job", ".+"),
      Regex(MatchType::kNotRegex, "job", "j[12]"),
  };
  model::Matchers out;
  for (size_t i = random() % 4; i > 0; --i) out.push_back(some[random() % some.size()]);
  return out;
}

double RandomValue(std::mt19937& random, double newest) {
  switch (random() % 8) {
    case 0:
      return newest;
    case 1:
      return newest + static_cast<double>(random() % 1000);
    case 2:
      return static_cast<double>(random() % 100) / 8;
    case 3:
      return static_cast<double>(random()) / 1e7;
    case 4:
      return model::StaleNan();
    case 5:
      return 0;
    default:
      return newest + 1;
  }
}

// Feeds both stores the same and compares what they answer.
class Twins {
 public:
  explicit Twins(uint32_t seed)
      : random_(seed),
        node_({.span = kLong,
               .block_range = std::chrono::hours(2),
               .samples_per_chunk = seed % 2 == 0 ? 120u : 7u}) {}

  void AppendSome() {
    time_ += 1 + random_() % 20000;
    Batch ours;
    Batch theirs;
    for (size_t i = random_() % 40; i > 0; --i) {
      const auto n = static_cast<unsigned>(random_() % 60);
      int64_t t = time_;
      if (random_() % 10 == 0) t -= static_cast<int64_t>(random_() % 30000);
      if (n >= 45 && random_() % 8 != 0) {
        AddHistogram(n, t, ours, theirs);
        continue;
      }
      double& newest = newest_[n];
      newest = RandomValue(random_, newest);
      const auto ref = refs_.find(n);
      if (ref != refs_.end() && random_() % 4 != 0) {
        ours.samples.push_back({ref->second.first, Timestamp::FromMs(t), newest});
        theirs.samples.push_back({ref->second.second, Timestamp::FromMs(t), newest});
      } else {
        ours.new_samples.push_back({SeriesNumber(n), Timestamp::FromMs(t), newest});
        theirs.new_samples.push_back(ours.new_samples.back());
        new_.push_back(n);
      }
    }
    if (random_() % 3 == 0) {
      for (const auto& [n, both] : refs_) {
        if (random_() % 8 != 0) continue;
        ours.ended.push_back(both.first);
        theirs.ended.push_back(both.second);
      }
      ours.ended_at = theirs.ended_at = Timestamp::FromMs(time_);
    }
    Append(ours, theirs);
    if (random_() % 8 == 0) BOOST_REQUIRE(node_.head.SpillChunks().ok());
  }

  void CompareSome() {
    const Timestamp mint = Timestamp::FromMs(static_cast<int64_t>(random_()) % (time_ + 1));
    const Timestamp maxt = mint + Duration(random_() % 4000000);
    const model::Matchers matchers = RandomMatchers(random_);
    std::string text;
    for (const Matcher& matcher : matchers) text += matcher.ToString() + ",";
    BOOST_TEST_CONTEXT("{" << text << "} " << mint.ms() << " to " << maxt.ms()) {
      const auto ours = node_.head.NewQuerier(mint, maxt);
      const auto theirs = *store_.NewQuerier(mint, maxt);
      const Shown want = Query(*theirs, matchers);
      BOOST_TEST((Query(*ours, matchers) == want));
      const auto all_ours = node_.head.NewQuerier(Timestamp::Min(), Timestamp::Max());
      const auto all_theirs = *store_.NewQuerier(Timestamp::Min(), Timestamp::Max());
      const uint64_t limit = random_() % 3;
      BOOST_TEST(*all_ours->LabelNames(matchers, limit) == *all_theirs->LabelNames(matchers, limit),
                 boost::test_tools::per_element());
      BOOST_TEST(*all_ours->LabelValues("n", matchers, limit) ==
                     *all_theirs->LabelValues("n", matchers, limit),
                 boost::test_tools::per_element());
      const auto newest = ours->Select(matchers, {.newest_only = true});
      BOOST_REQUIRE(newest.ok());
      CompareNewest(**newest, want);
    }
  }

 private:
  void AddHistogram(unsigned n, int64_t t, Batch& ours, Batch& theirs) {
    auto& histograms =
        histograms_
            .try_emplace(n, n,
                         testing::HistogramKinds{.gauge = n % 4 == 0, .custom_buckets = n % 5 == 0})
            .first->second;
    const Timestamp time = Timestamp::FromMs(t);
    const storage::HistogramValue value = random_() % 16 < n % 16
                                              ? storage::HistogramValue(histograms.Next())
                                              : storage::HistogramValue(histograms.NextFloat());
    const auto ref = refs_.find(n);
    if (ref != refs_.end() && random_() % 4 != 0) {
      ours.histograms.push_back({ref->second.first, time, value});
      theirs.histograms.push_back({ref->second.second, time, value});
    } else {
      ours.new_histograms.push_back({SeriesNumber(n), time, value});
      theirs.new_histograms.push_back(ours.new_histograms.back());
      new_histograms_.push_back(n);
    }
  }

  void Append(const Batch& ours, const Batch& theirs) {
    const auto got = node_.head.Append(ours);
    const auto want = store_.Append(theirs);
    BOOST_REQUIRE(got.ok());
    BOOST_TEST(got->created == want->created);
    BOOST_REQUIRE(got->refs.size() == want->refs.size());
    new_.insert(new_.end(), new_histograms_.begin(), new_histograms_.end());
    new_histograms_.clear();
    for (size_t i = 0; i < got->refs.size(); ++i) {
      const auto [it, is_new] = refs_.try_emplace(new_[i], got->refs[i], want->refs[i]);
      BOOST_TEST((it->second.first == got->refs[i]));
    }
    new_.clear();
    const auto show = [](const AppendReport& report) {
      std::string text;
      for (const AppendReport::Rejected& r : report.rejected)
        text += " " + std::to_string(r.index) + ":" + std::to_string(int(r.result));
      return text;
    };
    BOOST_REQUIRE_EQUAL(show(*got), show(*want));
  }

  static void CompareNewest(const storage::SeriesSet& set, const Shown& want) {
    storage::ColumnBuffer buffer;
    size_t found = 0;
    for (size_t i = 0; i < set.size(); ++i) {
      const auto columns = set.Read(i, Timestamp::Min(), Timestamp::Max(), buffer);
      BOOST_REQUIRE(columns.ok());
      if (columns->times.empty()) continue;
      ++found;
      const double value = columns->values.back();
      BOOST_TEST((columns->histograms.empty() || columns->histograms.back() == nullptr ||
                  model::SameBits(value, model::NormalNan())));
      const std::string& all = want.rows.at(set.labels(i).ToLabels().ToString());
      const std::string newest = " " + std::to_string(columns->times.back()) + ":";
      BOOST_TEST(all.rfind(newest) == all.rfind(' '));
    }
    BOOST_TEST(found == want.rows.size());
  }

  std::mt19937 random_;
  int64_t time_ = 1'700'000'000'000;
  Node node_;
  testing::MemoryStore store_;
  std::map<unsigned, std::pair<SeriesRef, SeriesRef>> refs_;
  std::map<unsigned, double> newest_;
  std::map<unsigned, testing::RandomHistograms> histograms_;
  std::vector<unsigned> new_;
  std::vector<unsigned> new_histograms_;
};

// The newest value, or count of a histogram.
double Newest(const storage::Columns& columns) {
  const bool is_histogram = !columns.histograms.empty() && columns.histograms.back() != nullptr;
  return is_histogram ? columns.histograms.back()->count : columns.values.back();
}

Batch One(const Labels& labels, int64_t t, double value) {
  Batch batch;
  batch.new_samples.push_back({labels, Timestamp::FromMs(t), value});
  return batch;
}

}  // namespace

BOOST_AUTO_TEST_CASE(head_answers_as_a_plain_store_does) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      Twins twins(seed);
      for (int round = 0; round < 60; ++round) {
        for (int i = 0; i < 10; ++i) twins.AppendSome();
        twins.CompareSome();
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(regular_scrapes_fill_chunks_that_share_their_times) {
  Node node;
  std::vector<SeriesRef> refs;
  for (int scrape = 0; scrape < 300; ++scrape) {
    Batch batch;
    const Timestamp t = Timestamp::FromMs(1'000'000 + scrape * 10'000);
    for (unsigned n = 0; n < 50; ++n) {
      const double value = n % 3 == 0 ? 7 : scrape * 1.5 + n;
      if (refs.size() == 50)
        batch.samples.push_back({refs[n], t, value});
      else
        batch.new_samples.push_back({SeriesNumber(n), t, value});
    }
    const auto report = node.head.Append(batch);
    BOOST_REQUIRE(report.ok() && report->rejected.empty());
    if (refs.empty()) refs = report->refs;
  }
  const auto querier = node.head.NewQuerier(Timestamp::FromMs(1'500'000), Timestamp::Max());
  const auto set = querier->Select({}, {});
  BOOST_REQUIRE(set.ok() && (*set)->size() == 50);
  storage::ColumnBuffer buffer;
  uint64_t times_id = 0;
  for (size_t i = 0; i < 50; ++i) {
    const auto columns = (*set)->Read(i, Timestamp::Min(), Timestamp::FromMs(3'900'000), buffer);
    BOOST_REQUIRE(columns.ok() && columns->times.size() == 241);
    BOOST_TEST(columns->times.front() == 1'500'000);
    BOOST_TEST(columns->times.back() == 3'900'000);
    if (i == 0) times_id = columns->times_id;
    BOOST_TEST(columns->times_id != 0u);
    BOOST_TEST(columns->times_id == times_id);
  }
  // 120 samples a chunk.
  BOOST_TEST(node.head.Stats(1).chunk_count == 150u);
}

BOOST_AUTO_TEST_CASE(chunks_do_not_cross_blocks) {
  Node node({.span = kLong, .block_range = Duration(1000)});
  for (const int64_t t : {-1500, -1, 0, 1, 999, 1000, 5000})
    BOOST_REQUIRE(node.head.Append(One(Labels{{"a", "b"}}, t, double(t))).ok());
  // [-2000, -1000), [-1000, 0), [0, 1000), [1000, 2000), [5000, 6000)
  BOOST_TEST(node.head.Stats(1).chunk_count == 5u);
  const auto querier = node.head.NewQuerier(Timestamp::Min(), Timestamp::Max());
  BOOST_TEST(Query(*querier, {}).rows.at("{a=\"b\"}") ==
             " -1500:-1500.000000 -1:-1.000000 0:0.000000 1:1.000000 999:999.000000 "
             "1000:1000.000000 5000:5000.000000");
}

BOOST_AUTO_TEST_CASE(a_querier_keeps_its_cut_while_appends_and_drops_go_on) {
  Node node;
  for (int t = 0; t < 200; ++t)
    for (unsigned n = 0; n < 5; ++n)
      BOOST_REQUIRE(node.head.Append(One(SeriesNumber(n), t * 1000, t * 0.1 + n)).ok());
  const auto querier = node.head.NewQuerier(Timestamp::Min(), Timestamp::Max());
  const auto set = querier->Select({}, {.sorted = true});
  BOOST_REQUIRE(set.ok());
  const Shown before = Show(**set);
  for (int t = 200; t < 900; ++t)
    for (unsigned n = 3; n < 5; ++n)
      BOOST_REQUIRE(node.head.Append(One(SeriesNumber(n), t * 1000, t * 0.1)).ok());
  node.head.DropBefore(Timestamp::FromMs(600'000), 0);
  BOOST_TEST(node.head.series_count() == 2u);
  for (unsigned n = 100; n < 200; ++n)  // into the slots and symbols that are free again
    BOOST_REQUIRE(node.head.Append(One(SeriesNumber(n), 900'000, n)).ok());
  BOOST_TEST((Show(**set) == before));
  const auto later = node.head.NewQuerier(Timestamp::Min(), Timestamp::Max());
  const Shown after = Query(*later, {});
  BOOST_TEST(after.rows.size() == 102u);
}

BOOST_AUTO_TEST_CASE(dropped_series_are_gone_and_their_refs_with_them) {
  Node node;
  const auto old = node.head.Append(One(SeriesNumber(1), 1000, 1));
  const auto young = node.head.Append(One(SeriesNumber(2), 9000, 2));
  BOOST_REQUIRE(old.ok() && young.ok());
  node.head.DropBefore(Timestamp::FromMs(5000), 7);
  BOOST_TEST(node.head.series_count() == 1u);
  BOOST_TEST(node.head.min_valid_time().ms() == 5000);
  BOOST_TEST(node.head.min_time().ms() == 9000);
  Batch batch;
  batch.samples.push_back({old->refs[0], Timestamp::FromMs(9500), 3});
  batch.samples.push_back({young->refs[0], Timestamp::FromMs(9500), 3});
  batch.samples.push_back({young->refs[0], Timestamp::FromMs(4999), 3});
  const auto report = node.head.Append(batch);
  BOOST_REQUIRE(report.ok() && report->rejected.size() == 2);
  BOOST_TEST(int(report->rejected[0].result) == int(AppendResult::kUnknownSeries));
  BOOST_TEST(int(report->rejected[1].result) == int(AppendResult::kOutOfBounds));
  // The log may still name it, up to the segment that was the newest then.
  BOOST_TEST(node.head.KeepsInLog(old->refs[0], 7));
  BOOST_TEST(!node.head.KeepsInLog(old->refs[0], 8));
  // Its slot is used again, its ref is not.
  const auto again = node.head.Append(One(SeriesNumber(1), 9600, 1));
  BOOST_REQUIRE(again.ok());
  BOOST_TEST(again->created == 1u);
  BOOST_TEST((again->refs[0] != old->refs[0]));
  const auto querier = node.head.NewQuerier(Timestamp::Min(), Timestamp::Max());
  BOOST_TEST(*querier->LabelValues("n", {}, 0) == (std::vector<std::string>{"1", "2"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_series_with_a_refused_sample_does_not_end) {
  Node node;
  const auto first = node.head.Append(One(SeriesNumber(1), 2000, 1));
  BOOST_REQUIRE(first.ok());
  Batch batch;
  batch.samples.push_back({first->refs[0], Timestamp::FromMs(1000), 7});
  batch.ended.push_back(first->refs[0]);
  batch.ended_at = Timestamp::FromMs(3000);
  const auto report = node.head.Append(batch);
  BOOST_REQUIRE(report.ok() && report->rejected.size() == 1);
  const auto querier = node.head.NewQuerier(Timestamp::Min(), Timestamp::Max());
  BOOST_TEST(Query(*querier, {}).rows.begin()->second == " 2000:1.000000");
}

BOOST_AUTO_TEST_CASE(a_block_that_is_being_written_can_be_given_up) {
  Node node;
  BOOST_REQUIRE(node.head.Append(One(SeriesNumber(1), 1000, 1)).ok());
  std::stop_source stop;
  const auto source =
      node.head.Source(Timestamp::FromMs(0), Timestamp::FromMs(2000), stop.get_token());
  stop.request_stop();
  BlockSource::Series series;
  const auto next = source->NextSeries(series);
  BOOST_REQUIRE(!next.ok());
  BOOST_TEST(int(next.status().code()) == int(Code::kCanceled));
}

BOOST_AUTO_TEST_CASE(a_failed_log_stores_nothing_and_the_next_append_logs_the_series) {
  Node node;
  Status failure = Status::Io("disk full");
  std::vector<std::string> logged;
  node.head.SetLog([&](std::span<const std::string_view> records) {
    if (!failure.ok()) return failure;
    for (const std::string_view record : records) logged.emplace_back(record);
    return Status();
  });
  BOOST_TEST(!node.head.Append(One(SeriesNumber(1), 1000, 1)).ok());
  const auto querier = node.head.NewQuerier(Timestamp::Min(), Timestamp::Max());
  BOOST_TEST(Query(*querier, {}).rows.empty());
  failure = Status();
  BOOST_TEST(node.head.Append(One(SeriesNumber(1), 1000, 2)).ok());
  BOOST_TEST(logged.size() == 2u);  // the series, and its sample
  BOOST_TEST(Query(*querier, {}).rows.size() == 1u);
}

BOOST_AUTO_TEST_CASE(appends_and_queries_run_side_by_side) {
  Node node({.span = std::chrono::seconds(400),
             .block_range = Duration(100'000),
             .samples_per_chunk = 20});
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  std::atomic<int> torn = 0;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      storage::ColumnBuffer buffer;
      while (!done) {
        const auto querier = node.head.NewQuerier(Timestamp::Min(), Timestamp::Max());
        const auto set = querier->Select({}, {});
        // Each append gives all five series the same newest sample: a cut shows it in all or none.
        int64_t newest = -1;
        for (size_t s = 0; s < (*set)->size(); ++s) {
          if ((*set)->labels(s).Get("churn") != "") continue;
          const auto columns = (*set)->Read(s, Timestamp::Min(), Timestamp::Max(), buffer);
          const int64_t last = columns->times.empty() ? -1 : columns->times.back();
          if (newest >= 0 && last != newest) ++torn;
          if (last >= 0 && Newest(*columns) != static_cast<double>(last) / 8) ++torn;
          newest = last;
        }
      }
    });
  }
  for (int t = 1; t <= 3000; ++t) {
    Batch batch;
    for (unsigned n = 1; n < 5; ++n)
      batch.new_samples.push_back({SeriesNumber(n), Timestamp::FromMs(t * 1000), t * 125.0});
    batch.new_samples.push_back({Labels{{"churn", std::to_string(t / 10)}},
                                 Timestamp::FromMs(t * 1000), static_cast<double>(t % 7)});
    model::Histogram histogram;
    histogram.count = static_cast<uint64_t>(t) * 125;
    histogram.positive = {{{0, 1}}, {t * 125}};
    batch.new_histograms.push_back({SeriesNumber(5), Timestamp::FromMs(t * 1000), histogram});
    BOOST_REQUIRE(node.head.Append(batch).ok());
    if (t % 30 == 0) BOOST_REQUIRE(node.head.SpillChunks().ok());
    if (t % 100 == 0) node.head.DropBefore(node.head.min_valid_time(), 0);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  BOOST_TEST(torn == 0);
  BOOST_TEST(node.head.series_count() < 60u);
}

}  // namespace canopy::tsdb
