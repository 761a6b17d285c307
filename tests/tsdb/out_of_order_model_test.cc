#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "canopy/tsdb/db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/check_whole.h"

// A store with an out-of-order window against a plain map: appends in any order, queries,
// compactions, processes that die, power cuts, windows that open and close.

namespace canopy::tsdb {
namespace {

using model::Labels;
using storage::AppendReport;
using storage::AppendResult;
using storage::Batch;

constexpr unsigned kSeries = 24;
constexpr int64_t kRange = 300'000;

// A value of which nothing but series and time is needed: a sample that comes twice is the same.
double ValueOf(unsigned series, int64_t t) {
  return static_cast<double>((t / 100 * 31 + series * 17) % 1000) / 8;
}

// When its counter started: never known, always the same, now and then another, at each sample.
int64_t StartOf(unsigned series, int64_t t) {
  switch (series % 4) {
    case 0:
      return 0;
    case 1:
      return 1000 + series;
    case 2:
      return t % 5000 < 2500 ? t / 5000 * 5000 + 1 : 0;
    default:
      return t - static_cast<int64_t>(series) * 7;
  }
}

Labels LabelsOf(unsigned n) { return Labels{{"__name__", "m"}, {"n", std::to_string(n)}}; }

// Times by series.
using Times = std::map<unsigned, std::vector<int64_t>>;

class Model {
 public:
  Model(uint32_t seed, bool starts) : random_(seed), starts_(starts) { Open(); }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const auto dice = static_cast<uint32_t>(random_() % 100);
      if (dice < 70) {
        AppendSome();
      } else if (dice < 80) {
        Compact();
      } else if (dice < 86) {
        Die();
      } else if (dice < 89) {
        LosePower();
      } else if (dice < 92) {
        ChangeWindow();
      }
      if (dice % 4 == 0) CheckPart();
      if (dice % 8 == 0) CheckAll();
    }
    Compact();
    CheckAll();
    db_.reset();
    IsWhole();
    Open();
    CheckAll();
  }

 private:
  struct OfSeries {
    std::map<int64_t, bool> samples;  // by time, whether it was in order

    int64_t newest_in_order() const {
      for (auto it = samples.rbegin(); it != samples.rend(); ++it)
        if (it->second) return it->first;
      return INT64_MIN;
    }
  };

  void Open() {
    auto opened = Db::Open(fs_, clock_, metrics_,
                           {.dir = "/data",
                            .block_range = Duration(kRange),
                            .max_block_range = Duration(9 * kRange),
                            .retention_time = Duration(0),
                            .float_encoding = chunk::FloatEncoding::kXor2,
                            .out_of_order_window = window_,
                            .wal_segment_bytes = 32 << 10,
                            .start_times = starts_,
                            .maintenance_interval = Duration(0)});
    BOOST_REQUIRE_MESSAGE(opened.ok(), opened.status().message());
    db_ = std::move(*opened);
  }

  // Mostly near the newest time, now and then anywhere.
  int64_t SomeTime() {
    const auto back = [&](int64_t most) {
      return newest_ - static_cast<int64_t>(random_() % static_cast<uint32_t>(most)) / 100 * 100;
    };
    switch (random_() % 8) {
      case 0:
        return back(40 * kRange / 10);
      case 1:
      case 2:
        return back(kRange);
      case 3:
        return back(5000);
      default:
        return newest_ + static_cast<int64_t>(random_() % 40) * 100;
    }
  }

  void AppendSome() {
    const Timestamp in_order_from = db_->min_valid_time();
    const Timestamp window_from = std::max(db_->Stats(0).max_time, in_order_from) - window_;
    if (random_() % 3 == 0) newest_ += static_cast<int64_t>(random_() % 600) * 100;
    Batch batch;
    std::vector<std::pair<unsigned, int64_t>> rows;
    for (size_t left = 1 + random_() % 30; left > 0; --left)
      rows.emplace_back(static_cast<unsigned>(random_() % kSeries), SomeTime());
    // The lists are stored one behind the other.
    std::vector<std::pair<unsigned, int64_t>> known;
    std::vector<std::pair<unsigned, int64_t>> unknown;
    for (const auto& row : rows) {
      if (refs_[row.first] && random_() % 2 == 0) {
        known.push_back(row);
        batch.samples.push_back(
            {refs_[row.first], Timestamp::FromMs(row.second), ValueOf(row.first, row.second)});
        batch.start_times.push_back(StartOf(row.first, row.second));
      } else {
        unknown.push_back(row);
        batch.new_samples.push_back(
            {LabelsOf(row.first), Timestamp::FromMs(row.second), ValueOf(row.first, row.second)});
        batch.new_start_times.push_back(StartOf(row.first, row.second));
      }
    }
    const auto report = db_->Append(batch);
    BOOST_REQUIRE_MESSAGE(report.ok(), report.status().message());
    std::map<uint32_t, AppendResult> rejected;
    for (const AppendReport::Rejected& r : report->rejected) rejected[r.index] = r.result;
    uint32_t index = 0;
    for (const auto* list : {&known, &unknown}) {
      for (const auto& [series, t] : *list) {
        const auto it = rejected.find(index);
        const AppendResult got = it == rejected.end() ? AppendResult::kStored : it->second;
        if (got == AppendResult::kUnknownSeries)
          BOOST_REQUIRE(list == &known);
        else
          Note(series, t, got, window_from.ms(), in_order_from.ms());
        ++index;
      }
    }
    for (size_t i = 0; i < unknown.size(); ++i) refs_[unknown[i].first] = report->refs[i];
  }

  // What is to become of a sample, by the rules alone.
  void Note(unsigned series, int64_t t, AppendResult got, int64_t window_from,
            int64_t in_order_from) {
    std::map<int64_t, bool>& samples = series_[series].samples;
    const int64_t newest = series_[series].newest_in_order();
    if (t >= in_order_from && t > newest) {
      BOOST_REQUIRE((got == AppendResult::kStored));
      samples[t] = true;
      newest_ = std::max(newest_, t);
    } else if (t >= in_order_from && t == newest) {
      BOOST_REQUIRE((got == AppendResult::kDuplicate));
    } else if (window_ == Duration(0)) {
      // What was newest before this batch is known as such.
      const bool duplicate = got == AppendResult::kDuplicate && samples.contains(t);
      const bool too_old = t < in_order_from;
      BOOST_REQUIRE(
          (duplicate || got == (too_old ? AppendResult::kOutOfBounds : AppendResult::kOutOfOrder)));
    } else if (t < window_from) {
      BOOST_REQUIRE((got == AppendResult::kTooOld));
    } else {
      // Blocks may have it, which nobody looks into.
      const bool is_new = samples.emplace(t, false).second;
      BOOST_REQUIRE((got == AppendResult::kStored || (!is_new && got == AppendResult::kDuplicate)));
    }
  }

  void Compact() {
    clock_.Advance(std::chrono::seconds(1));
    const Status status = db_->Compact();
    BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
  }
  void Die() {
    fs_.SetFault([](std::string_view) { return Status::Io("the process is gone"); });
    db_.reset();
    fs_.SetFault(nullptr);
    Open();
    refs_ = {};
    CheckAll();
  }
  // Of what was never synced some may be gone: what is left must all have been there, and what a
  // clean end has made durable must still be.
  void LosePower() {
    SyncAll("/data");
    const auto durable = series_;
    for (int i = 0; i < 3; ++i) AppendSome();
    fs_.SetFault([](std::string_view) { return Status::Io("the power is gone"); });
    db_.reset();
    fs_.SetFault(nullptr);
    fs_.Crash(
        [&](const std::string&, size_t unsynced) -> size_t { return random_() % (unsynced + 1); });
    Open();
    refs_ = {};
    Restore(durable);
    AppendToAll();
    CheckAll();
  }
  // As the system does after a while, also with what a process that died had not synced.
  void SyncAll(const std::string& dir) {
    const std::vector<std::string> names = *fs_.List(dir);
    for (const std::string& name : names) {
      const std::string path = dir + "/" + name;
      if (fs_.IsDirectory(path))
        SyncAll(path);
      else if (name != "lock")
        BOOST_REQUIRE((*fs_.OpenAppend(path))->Sync().ok());
    }
    BOOST_REQUIRE(fs_.SyncDir(dir).ok());
  }
  // Of a sample that came in both ways, in order after an earlier cut, either may be gone: from
  // here on it is known again what is newest.
  void AppendToAll() {
    newest_ += 100;
    Batch batch;
    for (const auto& [series, of] : series_) {
      batch.new_samples.push_back(
          {LabelsOf(series), Timestamp::FromMs(newest_), ValueOf(series, newest_)});
      batch.new_start_times.push_back(StartOf(series, newest_));
    }
    const auto report = db_->Append(batch);
    BOOST_REQUIRE(report.ok());
    BOOST_REQUIRE(report->rejected.empty());
    for (auto& [series, of] : series_) of.samples[newest_] = true;
  }
  void Restore(const std::map<unsigned, OfSeries>& durable) {
    const Times left = Read(INT64_MIN, INT64_MAX);
    for (auto& [series, of] : series_) {
      const auto it = left.find(series);
      const std::vector<int64_t> times = it == left.end() ? std::vector<int64_t>() : it->second;
      const auto before = durable.find(series);
      if (before != durable.end())
        for (const auto& [t, in_order] : before->second.samples)
          BOOST_REQUIRE(std::ranges::binary_search(times, t));
      for (const int64_t t : times) BOOST_REQUIRE(of.samples.contains(t));
      std::erase_if(of.samples, [&](const auto& sample) {
        return !std::ranges::binary_search(times, sample.first);
      });
    }
  }
  void ChangeWindow() {
    window_ = window_ == Duration(0) || random_() % 3 != 0
                  ? Duration(static_cast<int64_t>(1 + random_() % 4) * kRange)
                  : Duration(0);
    BOOST_REQUIRE(db_->SetOutOfOrderWindow(window_).ok());
  }

  Times Read(int64_t mint, int64_t maxt) {
    const auto querier = db_->NewQuerier(Timestamp::FromMs(mint), Timestamp::FromMs(maxt));
    BOOST_REQUIRE(querier.ok());
    const auto set = (*querier)->Select({}, {});
    BOOST_REQUIRE(set.ok());
    Times out;
    storage::ColumnBuffer buffer;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      const auto columns = (*set)->Read(i, Timestamp::Min(), Timestamp::Max(), buffer);
      BOOST_REQUIRE(columns.ok());
      const Labels labels = (*set)->labels(i).ToLabels();
      const auto series = static_cast<unsigned>(std::stoul(std::string(labels.Get("n"))));
      for (size_t s = 0; s < columns->times.size(); ++s) {
        const int64_t t = columns->times[s];
        BOOST_REQUIRE(columns->values[s] == ValueOf(series, t));
        const int64_t start = columns->start_times.empty() ? 0 : columns->start_times[s];
        BOOST_REQUIRE(start == (starts_ ? StartOf(series, t) : 0));
        BOOST_REQUIRE((s == 0 || columns->times[s - 1] < t));
      }
      if (columns->times.empty()) continue;
      out[series] = {columns->times.begin(), columns->times.end()};
    }
    return out;
  }
  void Check(int64_t mint, int64_t maxt) {
    Times want;
    for (const auto& [series, of] : series_)
      for (const auto& [t, in_order] : of.samples)
        if (t >= mint && t <= maxt) want[series].push_back(t);
    BOOST_REQUIRE((Read(mint, maxt) == want));
  }
  void CheckAll() { Check(INT64_MIN, INT64_MAX); }
  void CheckPart() {
    const int64_t mint = newest_ - static_cast<int64_t>(random_() % (6 * kRange));
    Check(mint, mint + static_cast<int64_t>(random_() % (3 * kRange)));
  }
  void IsWhole() { CheckWhole(fs_, "/data"); }

  std::mt19937 random_;
  const bool starts_;
  testing::MemFs fs_;
  testing::ManualClock clock_;
  SelfMetrics metrics_;
  Duration window_{3 * kRange};
  std::unique_ptr<Db> db_;

  int64_t newest_ = 100 * kRange;
  std::map<unsigned, OfSeries> series_;
  std::map<unsigned, SeriesRef> refs_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_store_that_takes_samples_in_any_order_is_a_map) {
  for (uint32_t seed = 1; seed <= 12; ++seed) BOOST_TEST_CONTEXT("seed " << seed) {
      Model(seed, seed % 2 == 0).Run(250);
    }
}

}  // namespace canopy::tsdb
