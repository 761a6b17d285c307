#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/matcher.h"
#include "canopy/model/sample.h"
#include "canopy/tsdb/db.h"
#include "canopy/tsdb/read_only_db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/histogram_of.h"
#include "tsdb/block_meta.h"

namespace canopy::tsdb {

using Contents = std::map<std::string, std::map<int64_t, std::string>>;

inline std::string TextOf(const model::FloatHistogram* histogram, double value) {
  if (histogram != nullptr) return model::ToString(*histogram);
  return model::IsStale(value) ? "stale" : std::to_string(value);
}

// What a querier shows, series without samples left out.
inline Result<Contents> TryContentsOf(storage::Queryable& store, Timestamp mint, Timestamp maxt,
                                      bool newest_only) {
  CANOPY_ASSIGN_OR_RETURN(const auto querier, store.NewQuerier(mint, maxt));
  CANOPY_ASSIGN_OR_RETURN(const auto set, querier->Select({}, {.newest_only = newest_only}));
  Contents out;
  storage::ColumnBuffer buffer;
  for (size_t i = 0; i < set->size(); ++i) {
    CANOPY_ASSIGN_OR_RETURN(const auto columns, set->Read(i, mint, maxt, buffer));
    if (columns.times.empty()) continue;
    auto& series = out[set->labels(i).ToLabels().ToString()];
    for (size_t s = 0; s < columns.times.size(); ++s) {
      const auto* histogram = columns.histograms.empty() ? nullptr : columns.histograms[s];
      series[columns.times[s]] = TextOf(histogram, columns.values[s]);
    }
  }
  return out;
}
inline Contents ContentsOf(storage::Queryable& store, Timestamp mint = Timestamp::Min(),
                           Timestamp maxt = Timestamp::Max(), bool newest_only = false) {
  const Result<Contents> contents = TryContentsOf(store, mint, maxt, newest_only);
  BOOST_REQUIRE_MESSAGE(contents.ok(), contents.status().message());
  return *contents;
}

// The first series that differs.
inline std::string Difference(const Contents& got, const Contents& want) {
  for (const auto& [labels, samples] : want) {
    const auto it = got.find(labels);
    if (it == got.end()) return labels + " is missing";
    for (const auto& [t, value] : samples) {
      const auto found = it->second.find(t);
      if (found == it->second.end()) return labels + " has nothing at " + std::to_string(t);
      if (found->second != value)
        return labels + " has " + found->second + " at " + std::to_string(t) + ", not " + value;
    }
    for (const auto& [t, value] : it->second)
      if (!samples.contains(t)) return labels + " has a sample too many at " + std::to_string(t);
  }
  for (const auto& [labels, samples] : got)
    if (!want.contains(labels)) return labels + " is one too many";
  return "";
}

inline model::Labels SeriesOf(unsigned n) {
  return model::Labels{{"__name__", "m"}, {"n", std::to_string(n)}};
}

// Matches the series whose numbers the expression matches.
inline model::Matchers Numbers(std::string expression) {
  model::Matchers matchers;
  matchers.push_back(*model::Matcher::Create(model::MatchType::kRegex, "n", std::move(expression)));
  return matchers;
}

// Series with these numbers are native histograms.
inline bool IsHistogram(unsigned n) { return n % 5 == 3; }

// A store on a disk in memory, and what it must show.
class DeletingStore {
 public:
  DeletingStore() { Open(); }

  void Open() {
    auto db = Db::Open(fs_, clock_, metrics_, OptionsFor("/data"));
    BOOST_REQUIRE_MESSAGE(db.ok(), db.status().message());
    db_ = std::move(*db);
  }
  void Close() { db_.reset(); }
  void Reopen() {
    Close();
    Open();
  }
  static Options OptionsFor(std::string dir) {
    return {.dir = std::move(dir),
            .block_range = std::chrono::minutes(5),
            .max_block_range = std::chrono::minutes(15),
            .retention_time = Duration(0),
            .wal_segment_bytes = 32 << 10,
            .maintenance_interval = Duration(0)};
  }

  // One sample of each series.
  void Append(const std::vector<unsigned>& series, int64_t t) {
    storage::Batch batch;
    std::vector<std::pair<std::string, std::string>> added;
    for (const bool histograms : {false, true}) {
      for (const unsigned n : series) {
        if (IsHistogram(n) != histograms) continue;
        const model::Labels labels = SeriesOf(n);
        if (histograms) {
          const storage::HistogramValue value = HistogramOf(n, t);
          batch.new_histograms.push_back({labels, Timestamp::FromMs(t), value});
          model::FloatHistogram shown;
          model::ToFloat(value, shown);
          added.emplace_back(labels.ToString(), TextOf(&shown, 0));
        } else {
          const double value = static_cast<double>(t / 1000 * 7 % 1000) + n;
          batch.new_samples.push_back({labels, Timestamp::FromMs(t), value});
          added.emplace_back(labels.ToString(), TextOf(nullptr, value));
        }
      }
    }
    const auto report = db_->Append(batch);
    BOOST_REQUIRE_MESSAGE(report.ok(), report.status().message());
    std::vector<bool> refused(added.size());
    for (const auto& rejected : report->rejected) refused[rejected.index] = true;
    for (size_t i = 0; i < added.size(); ++i)
      if (!refused[i]) want_[added[i].first][t] = added[i].second;
  }
  // Of series 0 to `series` - 1, each step from `from` until `until`.
  void Fill(unsigned series, int64_t from, int64_t until, int64_t step) {
    std::vector<unsigned> all(series);
    for (unsigned n = 0; n < series; ++n) all[n] = n;
    for (int64_t t = from; t < until; t += step) Append(all, t);
  }

  Status Delete(const std::string& numbers, int64_t mint, int64_t maxt) {
    const model::Matchers matchers = Numbers(numbers);
    const Status status = db_->Delete(matchers, Timestamp::FromMs(mint), Timestamp::FromMs(maxt));
    if (status.ok()) want_ = Without(want_, matchers, mint, maxt);
    return status;
  }
  static Contents Without(Contents contents, const model::Matchers& matchers, int64_t mint,
                          int64_t maxt) {
    for (auto& [labels, samples] : contents) {
      const size_t at = labels.find("n=\"") + 3;
      const std::string number = labels.substr(at, labels.find('"', at) - at);
      if (!matchers[0].Matches(number)) continue;
      std::erase_if(samples, [&](const auto& s) { return s.first >= mint && s.first <= maxt; });
    }
    std::erase_if(contents, [](const auto& entry) { return entry.second.empty(); });
    return contents;
  }

  // Whether the store shows what it must.
  void Check() { BOOST_REQUIRE_EQUAL(Difference(ContentsOf(*db_), want_), ""); }
  // And so does who looks in from outside.
  void CheckFromOutside() {
    const auto outside = ReadOnlyDb::Open(fs_, "/data", {});
    BOOST_REQUIRE_MESSAGE(outside.ok(), outside.status().message());
    BOOST_REQUIRE_EQUAL(Difference(ContentsOf(**outside), want_), "");
  }

  Db& db() { return *db_; }
  testing::MemFs& fs() { return fs_; }
  testing::ManualClock& clock() { return clock_; }
  SelfMetrics& metrics() { return metrics_; }
  const Contents& want() const { return want_; }
  void SetWant(Contents want) { want_ = std::move(want); }

  // Their names, by time.
  std::vector<std::string> Blocks() {
    std::vector<std::string> names = *fs_.List("/data");
    std::erase_if(names, [](const std::string& name) { return name.size() != 26; });
    std::ranges::sort(names, {}, [&](const std::string& name) {
      return ReadBlockMeta(fs_, "/data/" + name)->min_time;
    });
    return names;
  }

 private:
  testing::MemFs fs_;
  testing::ManualClock clock_;
  SelfMetrics metrics_;
  std::unique_ptr<Db> db_;
  Contents want_;
};

}  // namespace canopy::tsdb
