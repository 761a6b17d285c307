#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/sample.h"
#include "canopy/tsdb/db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/check_whole.h"
#include "tsdb/block_meta.h"
#include "tsdb/ulid.h"

// A store with an out-of-order window of twenty minutes on a disk in memory, and its content as
// text.

namespace canopy::tsdb {

using model::Labels;
using storage::AppendReport;
using storage::AppendResult;
using storage::Batch;

inline constexpr Duration kMinute = std::chrono::minutes(1);

struct Disk {
  testing::MemFs fs;
  testing::ManualClock clock;
  SelfMetrics metrics;
  Options options{.dir = "/data",
                  .block_range = 5 * kMinute,
                  .max_block_range = 15 * kMinute,
                  .retention_time = Duration(0),
                  .out_of_order_window = 20 * kMinute,
                  .wal_segment_bytes = 32 << 10,
                  .maintenance_interval = Duration(0)};
  std::unique_ptr<Db> db = Open();

  std::unique_ptr<Db> Open() {
    auto opened = Db::Open(fs, clock, metrics, options);
    BOOST_REQUIRE_MESSAGE(opened.ok(), opened.status().message());
    return std::move(*opened);
  }
  // As if the process were killed: it has no time to write or to sync anything.
  void Restart() {
    fs.SetFault([](std::string_view) { return Status::Io("the process is gone"); });
    db.reset();
    fs.SetFault(nullptr);
    db = Open();
  }
  void Compact() {
    clock.Advance(std::chrono::seconds(1));
    const Status status = db->Compact();
    BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
  }
  double Metric(const std::string& line) const {
    const std::string page = metrics.RenderText();
    const size_t at = page.find("\n" + line + " ");
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, line << " is not shown");
    return std::stod(page.substr(at + line.size() + 2));
  }
  std::vector<BlockMeta> Blocks() {
    std::vector<BlockMeta> out;
    const std::vector<std::string> names = *fs.List("/data");
    for (const std::string& name : names)
      if (Ulid::Parse(name)) out.push_back(*ReadBlockMeta(fs, "/data/" + name));
    std::ranges::sort(out, {}, [](const BlockMeta& m) { return std::pair(m.min_time, m.ulid); });
    return out;
  }
  void IsWhole() { CheckWhole(fs, "/data"); }
};

inline Labels Named(const std::string& name) { return Labels{{"__name__", name}}; }

// Minutes.
inline Timestamp At(double minutes) {
  return Timestamp::FromMs(static_cast<int64_t>(minutes * 60'000));
}

struct Row {
  std::string name;
  double minutes;
  double value;
};

inline Batch ToBatch(const std::vector<Row>& rows) {
  Batch batch;
  for (const Row& row : rows)
    batch.new_samples.push_back({Named(row.name), At(row.minutes), row.value});
  return batch;
}

// What became of each.
inline std::vector<AppendResult> Append(Db& db, const Batch& batch) {
  const auto report = db.Append(batch);
  BOOST_REQUIRE_MESSAGE(report.ok(), report.status().message());
  std::vector<AppendResult> out(batch.sample_count(), AppendResult::kStored);
  for (const AppendReport::Rejected& rejected : report->rejected)
    out[rejected.index] = rejected.result;
  return out;
}
inline std::vector<AppendResult> Append(Db& db, const std::vector<Row>& rows) {
  return Append(db, ToBatch(rows));
}

inline AppendResult One(Db& db, const std::string& name, double minutes, double value) {
  return Append(db, {{name, minutes, value}})[0];
}

// "1.5", "2".
inline std::string Short(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}
inline std::string Minutes(int64_t ms) { return Short(static_cast<double>(ms) / 60'000); }

inline std::string TextOf(const storage::SeriesSet& set, size_t i) {
  storage::ColumnBuffer buffer;
  const auto columns = set.Read(i, Timestamp::Min(), Timestamp::Max(), buffer);
  BOOST_REQUIRE_MESSAGE(columns.ok(), columns.status().message());
  std::string text;
  for (size_t s = 0; s < columns->times.size(); ++s) {
    const bool is_histogram = !columns->histograms.empty() && columns->histograms[s] != nullptr;
    text += (text.empty() ? "" : " ") + Minutes(columns->times[s]) + ":" +
            (is_histogram                         ? model::ToString(*columns->histograms[s])
             : model::IsStale(columns->values[s]) ? "stale"
                                                  : Short(columns->values[s]));
    // When its counter started, in minutes.
    if (!columns->start_times.empty() && columns->start_times[s] != 0)
      text += "<" + Minutes(columns->start_times[s]);
  }
  return text;
}

using Content = std::map<std::string, std::string>;

inline Content Read(storage::Queryable& db, Timestamp mint = Timestamp::Min(),
                    Timestamp maxt = Timestamp::Max(), const storage::SelectHints& hints = {}) {
  const auto querier = db.NewQuerier(mint, maxt);
  BOOST_REQUIRE(querier.ok());
  const auto set = (*querier)->Select({}, hints);
  BOOST_REQUIRE(set.ok());
  Content out;
  for (size_t i = 0; i < (*set)->size(); ++i) {
    const std::string text = TextOf(**set, i);
    const Labels labels = (*set)->labels(i).ToLabels();
    if (!text.empty()) BOOST_TEST(out.emplace(labels.Get("__name__"), text).second);
  }
  return out;
}

}  // namespace canopy::tsdb
