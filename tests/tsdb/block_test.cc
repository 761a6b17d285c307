#include "tsdb/block.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/mem_fs.h"
#include "tests/tsdb/block_support.h"
#include "tsdb/block_writer.h"

namespace canopy::tsdb {
namespace {

using model::Matcher;
using model::Matchers;
using model::MatchType;
using testing::MemFs;

constexpr int64_t kStart = 1'700'000'000'000;
constexpr int64_t kEnd = kStart + 7'200'000;

Timestamp At(int64_t ms) { return Timestamp::FromMs(ms); }

std::string MustWrite(Fs& fs, const SampleMap& content, const BlockWriterOptions& options = {}) {
  MapSource source(content, 25);
  const auto meta = WriteBlock(fs, "/data", MetaFor(kStart, kEnd), source, options);
  BOOST_REQUIRE_MESSAGE(meta.ok(), meta.status().message());
  return "/data/" + meta->ulid.ToString();
}

std::shared_ptr<const Block> MustOpen(Fs& fs, const std::string& dir) {
  auto block = Block::Open(fs, dir);
  BOOST_REQUIRE_MESSAGE(block.ok(), block.status().message());
  return *block;
}

std::vector<Matchers> SomeMatchers() {
  const auto make = [](MatchType type, const char* name, const char* value) {
    auto matcher = Matcher::Create(type, name, value);
    BOOST_REQUIRE(matcher.ok());
    return *matcher;
  };
  std::vector<Matchers> out = {{}};
  for (const MatchType type :
       {MatchType::kEqual, MatchType::kNotEqual, MatchType::kRegex, MatchType::kNotRegex}) {
    for (const char* name : {"__name__", "zone", "i", "nobody"}) {
      for (const char* value :
           {"", "m1", "z1", "7", "m1|m3", "z.*", ".+", ".*", "1[0-9]*", "|z2"}) {
        out.push_back({make(type, name, value)});
        out.push_back({make(MatchType::kEqual, "__name__", "m2"), make(type, name, value)});
        out.push_back({make(type, name, value), make(MatchType::kRegex, "zone", "z(1|2)"),
                       make(MatchType::kNotEqual, "i", "3")});
      }
    }
  }
  return out;
}

BOOST_AUTO_TEST_CASE(a_block_shows_what_was_written) {
  MemFs fs;
  const SampleMap content = RandomSamples(60, 100, kStart, 1);
  const std::string dir = MustWrite(fs, content, {2000});
  BOOST_TEST(*fs.List("/data") == std::vector<std::string>{std::string(BaseName(dir))},
             boost::test_tools::per_element());
  BOOST_TEST(
      *fs.List(dir) == (std::vector<std::string>{"chunks", "index", "meta.json", "tombstones"}),
      boost::test_tools::per_element());
  const auto block = MustOpen(fs, dir);
  BOOST_TEST(block->meta().stats.num_series == 60u);
  BOOST_TEST(block->meta().stats.num_samples == 6000u);
  BOOST_TEST(block->meta().stats.num_float_samples == 6000u);
  BOOST_TEST(block->meta().stats.num_chunks == 240u);
  BOOST_TEST(block->chunks().file_count() > 2u);
  for (const auto& [from, until] : std::vector<std::pair<int64_t, int64_t>>{
           {INT64_MIN, INT64_MAX}, {kStart + 100'000, kStart + 900'000}, {kStart, kStart + 400}}) {
    const auto querier = NewBlockQuerier(block, At(from), At(until));
    for (const Matchers& matchers : SomeMatchers()) {
      const auto set = querier->Select(matchers, {});
      BOOST_REQUIRE(set.ok());
      for (size_t i = 1; i < (*set)->size(); ++i)
        BOOST_REQUIRE(((*set)->labels(i - 1).ToLabels() < (*set)->labels(i).ToLabels()));
      BOOST_REQUIRE_MESSAGE(
          SameSamples(WithoutEmpty(SamplesOf(**set)), Within(content, matchers, from, until)),
          (matchers.empty() ? "" : matchers.back().ToString()));
      BOOST_REQUIRE(SameSamples(WithoutEmpty(SamplesOf(**set, kStart + 200'000, kStart + 300'000)),
                                Within(content, matchers, std::max(from, kStart + 200'000),
                                       std::min(until, kStart + 300'000))));
    }
  }
  const auto outside = NewBlockQuerier(block, At(kEnd), At(kEnd + 1000));
  BOOST_TEST((*outside->Select({}, {}))->size() == 0u);
  BOOST_TEST(outside->LabelNames({}, 0)->empty());
  BOOST_TEST(outside->LabelValues("zone", {}, 0)->empty());
}

BOOST_AUTO_TEST_CASE(hints_are_honoured) {
  MemFs fs;
  const SampleMap content = RandomSamples(20, 100, kStart, 2);
  const auto block = MustOpen(fs, MustWrite(fs, content));
  const int64_t until = kStart + 700'000;
  const auto querier = NewBlockQuerier(block, At(kStart), At(until));
  storage::SelectHints newest;
  newest.newest_only = true;
  SampleMap want = Within(content, {}, kStart, until);
  for (auto& [labels, samples] : want) samples.erase(samples.begin(), samples.end() - 1);
  const auto set = querier->Select({}, newest);
  BOOST_TEST(SameSamples(SamplesOf(**set), want));
  BOOST_TEST(WithoutEmpty(SamplesOf(**set, kStart, kStart + 1000)).empty());
  storage::SelectHints few;
  few.max_series = 19;
  BOOST_TEST((querier->Select({}, few).status().code() == Code::kLimit));
  few.max_series = 20;
  BOOST_TEST((*querier->Select({}, few))->size() == 20u);
}

BOOST_AUTO_TEST_CASE(several_selectors_show_a_series_once) {
  MemFs fs;
  const SampleMap content = RandomSamples(60, 3, kStart, 4);
  const auto block = MustOpen(fs, MustWrite(fs, content));
  const auto querier = NewBlockQuerier(block, Timestamp::Min(), Timestamp::Max());
  const std::vector<Matchers> selectors = {{Matcher::Literal(MatchType::kEqual, "__name__", "m1")},
                                           {Matcher::Literal(MatchType::kEqual, "zone", "z1")}};
  SampleMap want = Within(content, selectors[0], INT64_MIN, INT64_MAX);
  want.merge(Within(content, selectors[1], INT64_MIN, INT64_MAX));
  BOOST_TEST(SameSamples(SamplesOf(**querier->SelectAny(selectors, {})), want));
}

BOOST_AUTO_TEST_CASE(label_names_and_values_of_series_that_match) {
  MemFs fs;
  const SampleMap content = RandomSamples(80, 1, kStart, 5);
  const auto block = MustOpen(fs, MustWrite(fs, content));
  const auto querier = NewBlockQuerier(block, Timestamp::Min(), Timestamp::Max());
  for (const Matchers& matchers : SomeMatchers()) {
    std::set<std::string> names;
    std::map<std::string, std::set<std::string>> values;
    for (const auto& [labels, samples] : Within(content, matchers, INT64_MIN, INT64_MAX)) {
      for (const model::LabelView label : labels) {
        names.emplace(label.name);
        values[std::string(label.name)].emplace(label.value);
      }
    }
    const auto first = [](const std::set<std::string>& all, uint64_t limit) {
      std::vector<std::string> out(all.begin(), all.end());
      if (limit != 0 && out.size() > limit) out.resize(limit);
      return out;
    };
    for (const uint64_t limit : {0u, 2u}) {
      BOOST_REQUIRE((*querier->LabelNames(matchers, limit) == first(names, limit)));
      for (const char* name : {"__name__", "zone", "i", "nobody"})
        BOOST_REQUIRE((*querier->LabelValues(name, matchers, limit) == first(values[name], limit)));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_was_deleted_is_not_shown) {
  MemFs fs;
  SampleMap content = RandomSamples(30, 100, kStart, 6);
  const std::string dir = MustWrite(fs, content);
  std::mt19937 random(6);
  Tombstones tombstones;
  {
    const auto block = MustOpen(fs, dir);
    const auto all = block->index().AllPostings();
    size_t i = 0;
    for (auto& [labels, samples] : content) {
      const SeriesId id = (*all)[i++];
      if (i % 3 == 0) continue;
      for (int n = 0; n < 3; ++n) {
        const int64_t mint = kStart + static_cast<int64_t>(random() % 1'500'000);
        const int64_t maxt =
            i % 7 == 0 ? INT64_MAX : mint + static_cast<int64_t>(random() % 300'000);
        tombstones.Add(id, {i % 7 == 0 ? INT64_MIN : mint, maxt});
      }
      std::erase_if(samples, [&](const auto& sample) {
        return CoversAll(tombstones.Get(id), sample.first, sample.first);
      });
    }
  }
  BOOST_REQUIRE(WriteTombstones(fs, dir, tombstones).ok());
  const auto block = MustOpen(fs, dir);
  for (const int64_t until : {kStart + 1'500'000, kStart + 300'000}) {
    const auto querier = NewBlockQuerier(block, At(kStart), At(until));
    const auto set = querier->Select({}, {});
    const SampleMap want = Within(content, {}, kStart, until);
    BOOST_TEST(SameSamples(WithoutEmpty(SamplesOf(**set)), want));
    storage::SelectHints newest;
    newest.newest_only = true;
    SampleMap last = want;
    for (auto& [labels, samples] : last) samples.erase(samples.begin(), samples.end() - 1);
    BOOST_TEST(SameSamples(WithoutEmpty(SamplesOf(**querier->Select({}, newest))), last));
  }
}

// Every series of a set can be read while its block is gone from disk, as after a compaction.
BOOST_AUTO_TEST_CASE(a_block_outlives_its_directory) {
  MemFs fs;
  const SampleMap content = RandomSamples(5, 10, kStart, 8);
  const std::string dir = MustWrite(fs, content);
  auto querier = NewBlockQuerier(MustOpen(fs, dir), Timestamp::Min(), Timestamp::Max());
  BOOST_REQUIRE(fs.RemoveAll(dir).ok());
  const auto set = querier->Select({}, {});
  BOOST_TEST(SameSamples(SamplesOf(**set), content));
}

BOOST_AUTO_TEST_CASE(a_source_without_samples_leaves_no_block) {
  MemFs fs;
  BOOST_REQUIRE(fs.MakeDirs("/data").ok());
  const SampleMap content = {{model::Labels{{"a", "b"}}, {}}};
  MapSource source(content);
  const auto meta = WriteBlock(fs, "/data", MetaFor(kStart, kEnd), source);
  BOOST_TEST(meta->stats.num_samples == 0u);
  BOOST_TEST(fs.List("/data")->empty());
}

BOOST_AUTO_TEST_CASE(samples_outside_of_the_block_are_refused) {
  MemFs fs;
  BOOST_REQUIRE(fs.MakeDirs("/data").ok());
  for (const int64_t t : {kStart - 1, kEnd}) {
    const SampleMap content = {{model::Labels{{"a", "b"}}, {{t, 1.0}}}};
    MapSource source(content);
    BOOST_TEST(WriteBlock(fs, "/data", MetaFor(kStart, kEnd), source).status().message() ==
               "a chunk lies outside of the times of its block");
    BOOST_TEST(fs.List("/data")->empty());
  }
}

// Whatever call fails, and when the power goes with it: a block that is whole, or none.
BOOST_AUTO_TEST_CASE(a_block_appears_whole_or_not_at_all) {
  const SampleMap content = RandomSamples(5, 60, kStart, 9);
  for (int steps = 0;; ++steps) {
    MemFs fs;
    BOOST_REQUIRE(fs.MakeDirs("/data").ok());
    int calls = 0;
    fs.SetFault(
        [&](std::string_view) { return calls++ >= steps ? Status::Io("power cut") : Status(); });
    MapSource source(content, 25);
    const auto meta = WriteBlock(fs, "/data", MetaFor(kStart, kEnd), source, {1000});
    fs.SetFault(nullptr);
    fs.Crash();
    const auto names = fs.List("/data");
    for (const std::string& name : *names) {
      if (name.ends_with(kTmpForCreation)) continue;
      BOOST_TEST_CONTEXT("after " << steps << " steps") {
        const auto block = MustOpen(fs, "/data/" + name);
        const auto querier = NewBlockQuerier(block, Timestamp::Min(), Timestamp::Max());
        BOOST_REQUIRE(SameSamples(SamplesOf(**querier->Select({}, {})), content));
      }
    }
    if (!meta.ok()) {
      BOOST_TEST((meta.status().code() == Code::kIo));
      continue;
    }
    BOOST_TEST(names->size() == 1u);
    break;
  }
}

}  // namespace
}  // namespace canopy::tsdb
