#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "canopy/tsdb/block_builder.h"
#include "canopy/tsdb/db.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/check_whole.h"
#include "tests/tsdb/delete_support.h"
#include "tests/tsdb/peer_support.h"
#include "tsdb/block_meta.h"
#include "tsdb/blocks.h"

// Blocks that somebody else puts into the directory of a store, or takes out of it.

namespace canopy::tsdb {
namespace {

constexpr int64_t kMinute = 60'000;

// A block of one series, a sample a minute, alone in its directory. Its name.
std::string NewBlock(Fs& fs, const std::string& dir, const std::string& name, int64_t from,
                     int64_t until, int64_t created) {
  const model::Labels labels{{"__name__", name}};
  const std::vector<model::LabelView> views(labels.begin(), labels.end());
  BlockBuilder builder;
  const uint32_t series = builder.Series(views);
  for (int64_t t = from; t < until; t += kMinute)
    builder.Add(series, Timestamp::FromMs(t), static_cast<double>(t));
  const auto block = builder.Write(fs, dir, Timestamp::FromMs(created));
  BOOST_REQUIRE(block.ok() && block->has_value());
  std::vector<std::string> names = *fs.List(dir);
  std::erase_if(names, [](const std::string& n) { return !Ulid::Parse(n); });
  BOOST_REQUIRE_EQUAL(names.size(), 1u);
  return names[0];
}

std::map<int64_t, std::string> SamplesOf(int64_t from, int64_t until) {
  std::map<int64_t, std::string> out;
  for (int64_t t = from; t < until; t += kMinute) out[t] = std::to_string(static_cast<double>(t));
  return out;
}

double Metric(const SelfMetrics& metrics, const std::string& name) {
  const std::string page = metrics.RenderText();
  const size_t at = page.find("\n" + name + " ");
  BOOST_REQUIRE_MESSAGE(at != std::string::npos, name << " is not shown");
  return std::stod(page.substr(at + name.size() + 2));
}

// Half an hour of series, of which blocks have most; or less.
struct Running : DeletingStore {
  explicit Running(int64_t minutes = 30) {
    for (int64_t t = 60 * kMinute; t < (60 + minutes) * kMinute; t += kMinute) Append({0, 3}, t);
    Compact();
  }
  void Compact() {
    clock().Advance(std::chrono::seconds(1));
    const Status status = db().Compact();
    BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
  }
  // Makes a block of `name`, as by hand: aside, and then into the directory.
  std::string Put(const std::string& name, int64_t from, int64_t until) {
    const std::string block = NewBlock(fs(), "/elsewhere", name, from, until, ++created_);
    BOOST_REQUIRE(fs().Rename("/elsewhere/" + block, "/data/" + block).ok());
    return block;
  }
  void Want(const std::string& name, int64_t from, int64_t until) {
    Contents want = this->want();
    want[name].merge(SamplesOf(from, until));
    SetWant(want);
  }

 private:
  int64_t created_ = 1000;
};

BOOST_AUTO_TEST_SUITE(blocks_from_elsewhere)

BOOST_AUTO_TEST_CASE(come_and_go_with_the_next_run) {
  Running store;
  const std::string block = store.Put("old", 10 * kMinute, 14 * kMinute);
  store.Check();  // not yet
  store.Compact();
  store.Want("old", 10 * kMinute, 14 * kMinute);
  store.Check();
  BOOST_TEST(Metric(store.metrics(), "prometheus_tsdb_reloads_failures_total") == 0);

  // A query that has begun goes on reading what is taken away.
  {
    const auto querier = store.db().NewQuerier(Timestamp::Min(), Timestamp::Max());
    BOOST_REQUIRE(querier.ok());
    BOOST_REQUIRE(store.fs().RemoveAll("/data/" + block).ok());
    store.Compact();
    const auto set = (*querier)->Select({}, {});
    BOOST_REQUIRE(set.ok());
    storage::ColumnBuffer buffer;
    size_t samples = 0;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      const auto columns = (*set)->Read(i, Timestamp::Min(), Timestamp::Max(), buffer);
      BOOST_REQUIRE(columns.ok());
      if ((*set)->labels(i).ToLabels().metric_name() == "old") samples += columns->times.size();
    }
    BOOST_TEST(samples == 4u);
  }
  Contents without = store.want();
  without.erase("old");
  store.SetWant(without);
  store.Check();
  store.Reopen();
  store.Check();
}

// The head's own time is the head's, whatever blocks there are: a block of that time does not
// stand for the one that is still to be written, and keeps no sample out.
BOOST_AUTO_TEST_CASE(say_nothing_of_the_head) {
  for (const int64_t until : {89, 95, 300}) {
    Running store;
    const std::string block = store.Put("other", 70 * kMinute, until * kMinute);
    store.Compact();
    store.Want("other", 70 * kMinute, until * kMinute);
    for (int64_t t = 90 * kMinute; t < 120 * kMinute; t += kMinute) {
      store.Append({0, 3}, t);
      store.Compact();
    }
    store.Check();
    // Its going costs nothing but its own samples.
    const Contents all = store.want();
    if (until == 89) continue;  // joined with others by now
    if (store.fs().Exists("/data/" + block)) {
      BOOST_REQUIRE(store.fs().RemoveAll("/data/" + block).ok());
      Contents without = all;
      without.erase("other");
      store.SetWant(without);
      store.Compact();
      store.Check();
      store.Reopen();
      store.Check();
    }
  }
}

// The log still has samples of a block that was the newest one: of the only one, and of one that
// was made of others.
BOOST_AUTO_TEST_CASE(the_log_does_not_bring_back_what_was_taken_away) {
  for (const int64_t minutes : {13, 30}) {
    Running store(minutes);
    BOOST_REQUIRE_EQUAL(store.Blocks().size() == 1, minutes == 13);
    const std::string newest = store.Blocks().back();
    const BlockMeta meta = *ReadBlockMeta(store.fs(), "/data/" + newest);
    BOOST_REQUIRE(store.fs().RemoveAll("/data/" + newest).ok());
    store.Compact();
    Contents want = store.want();
    for (auto& [labels, samples] : want)
      std::erase_if(samples, [&](const auto& sample) {
        return sample.first >= meta.min_time.ms() && sample.first < meta.max_time.ms();
      });
    store.SetWant(want);
    store.Check();
    store.Reopen();
    store.Check();
  }
}

BOOST_AUTO_TEST_CASE(take_the_place_of_those_that_they_were_made_of) {
  Running store;
  const std::string parent = store.Put("old", 10 * kMinute, 14 * kMinute);
  store.Compact();
  const std::string child =
      NewBlock(store.fs(), "/elsewhere", "old", 10 * kMinute, 14 * kMinute, 7);
  BlockMeta meta = *ReadBlockMeta(store.fs(), "/elsewhere/" + child);
  meta.compaction.level = 2;
  meta.compaction.parents = {{*Ulid::Parse(parent), meta.min_time, meta.max_time}};
  BOOST_REQUIRE(WriteBlockMeta(store.fs(), "/elsewhere/" + child, meta).ok());
  BOOST_REQUIRE(store.fs().Rename("/elsewhere/" + child, "/data/" + child).ok());
  store.Compact();
  BOOST_TEST(!store.fs().Exists("/data/" + parent));
  BOOST_TEST(store.fs().Exists("/data/" + child));
  store.Want("old", 10 * kMinute, 14 * kMinute);
  store.Check();
}

BOOST_AUTO_TEST_CASE(that_cannot_be_read_are_passed_over_and_tried_again) {
  Running store;
  const std::string whole = store.Put("whole", 20 * kMinute, 24 * kMinute);
  // As if it were being copied: files come one by one.
  const std::string block = store.Put("late", 10 * kMinute, 14 * kMinute);
  const std::string index = *store.fs().ReadFile("/data/" + block + "/index");
  BOOST_REQUIRE(store.fs().Remove("/data/" + block + "/index").ok());
  // Nothing but a directory, and a copy under another name.
  BOOST_REQUIRE(store.fs().MakeDirs("/data/01HF7YAT006D980C0HQ6JWJY73").ok());
  const std::string other = NewBlock(store.fs(), "/elsewhere", "x", 30 * kMinute, 34 * kMinute, 9);
  BOOST_REQUIRE(store.fs().Rename("/elsewhere/" + other, "/data/01HF7YAT006D980C0HQ6JWJY74").ok());
  store.Want("whole", 20 * kMinute, 24 * kMinute);
  for (int run = 1; run <= 3; ++run) {
    store.Compact();
    store.Check();
    BOOST_TEST(Metric(store.metrics(), "prometheus_tsdb_reloads_failures_total") == run);
  }
  {
    const auto file = store.fs().Create("/data/" + block + "/index");
    BOOST_REQUIRE(file.ok() && (*file)->Append(index).ok());
  }
  store.Want("late", 10 * kMinute, 14 * kMinute);
  store.Compact();
  store.Check();
  BOOST_TEST(store.fs().Exists("/data/01HF7YAT006D980C0HQ6JWJY74"));
  BOOST_REQUIRE(store.fs().RemoveAll("/data/01HF7YAT006D980C0HQ6JWJY73").ok());
  BOOST_REQUIRE(store.fs().RemoveAll("/data/01HF7YAT006D980C0HQ6JWJY74").ok());
  const double failures = Metric(store.metrics(), "prometheus_tsdb_reloads_failures_total");
  store.Compact();
  BOOST_TEST(Metric(store.metrics(), "prometheus_tsdb_reloads_failures_total") == failures);
}

// A block in microseconds would make all others older than any retention.
BOOST_AUTO_TEST_CASE(from_a_time_that_cannot_be_are_passed_over) {
  Running store;
  const std::string block = store.Put("far", 10 * kMinute, 14 * kMinute);
  BlockMeta meta = *ReadBlockMeta(store.fs(), "/data/" + block);
  meta.max_time = Timestamp::FromMs(1'700'000'000'000'000);
  BOOST_REQUIRE(WriteBlockMeta(store.fs(), "/data/" + block, meta).ok());
  store.Compact();
  store.Check();
  const auto opened = Block::Open(store.fs(), "/data/" + block);
  BOOST_TEST(opened.status().message() ==
             "/data/" + block + "/meta.json: \"maxTime\" lies behind the year 9999");
  store.Reopen();
  store.Check();
}

BOOST_AUTO_TEST_CASE(of_promtool_are_taken_while_the_store_is_open) {
  if (!Have("promtool")) return;
  const testing::TempDir dir;
  const std::string data = JoinPath(dir.path(), "data");
  testing::ManualClock clock;
  SelfMetrics metrics;
  const auto db = Db::Open(PosixFs(), clock, metrics, DeletingStore::OptionsFor(data));
  BOOST_REQUIRE(db.ok());
  const std::string page = JoinPath(dir.path(), "page");
  WriteFile(page, "# TYPE a gauge\na{b=\"c\"} 1 1600000000\na{b=\"c\"} 2 1600000060\n# EOF\n");
  const auto made =
      testing::RunProgram({"promtool", "tsdb", "create-blocks-from", "openmetrics", page, data});
  BOOST_REQUIRE_MESSAGE(made.exit_status == 0, made.err);
  BOOST_TEST(ContentsOf(**db).empty());
  BOOST_REQUIRE((*db)->Compact().ok());
  const Contents want = {
      {"a{b=\"c\"}", {{1600000000000, std::to_string(1.0)}, {1600000060000, std::to_string(2.0)}}}};
  BOOST_TEST(Difference(ContentsOf(**db), want) == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::tsdb
