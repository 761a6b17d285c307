#include "canopy/tsdb/analyze.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "canopy/tsdb/block_builder.h"
#include "tests/support/mem_fs.h"
#include "tests/tsdb/block_support.h"

namespace canopy::tsdb {
namespace {

using testing::MemFs;

std::string MustBuild(Fs& fs, const SampleMap& content) {
  BlockBuilder builder;
  for (const auto& [labels, column] : content) {
    const std::vector<model::LabelView> views(labels.begin(), labels.end());
    const uint32_t series = builder.Series(views);
    for (const auto& [t, v] : column) builder.Add(series, Timestamp::FromMs(t), v);
  }
  const auto block = builder.Write(fs, "/data", Timestamp::FromMs(5000));
  BOOST_REQUIRE_MESSAGE(block.ok(), block.status().message());
  return (*block)->ulid;
}

std::string Text(const std::vector<NamedCount>& list) {
  std::string out;
  for (const NamedCount& count : list) out += std::to_string(count.value) + " " + count.name + "; ";
  return out;
}

BOOST_AUTO_TEST_CASE(a_block_is_taken_apart_into_labels_names_and_metrics) {
  MemFs fs;
  const SampleMap content = {
      {{{"__name__", "a"}, {"i", "1"}}, {{0, 1}, {999, 1}}},
      {{{"__name__", "a"}, {"i", "22"}}, {{0, 1}}},
      {{{"__name__", "b"}, {"i", "1"}}, {{500, 1}, {510, 1}, {520, 1}}},
      {{{"__name__", "b"}, {"i", "333"}, {"z", "y"}}, {{999, 1}}},
  };
  const std::string name = MustBuild(fs, content);
  AnalyzeOptions options;
  options.chunks = true;
  const auto found = AnalyzeBlock(fs, "/data", options);
  BOOST_REQUIRE_MESSAGE(found.ok(), found.status().message());
  BOOST_TEST(found->block.ulid == name);
  BOOST_TEST(found->block.min_time.ms() == 0);
  BOOST_TEST(found->block.max_time.ms() == 1000);
  BOOST_TEST(found->series == 4u);
  BOOST_TEST(found->label_names == 3u);
  BOOST_TEST(found->pairs == 6u);
  BOOST_TEST(found->entries == 9u);
  BOOST_TEST(Text(found->pairs_by_churn) ==
             "1 __name__=a; 1 __name__=b; 1 i=22; 1 i=333; 1 z=y; 0 i=1; ");
  BOOST_TEST(Text(found->names_by_churn) == "2 __name__; 2 i; 1 z; ");
  BOOST_TEST(Text(found->pairs_by_series) ==
             "2 __name__=a; 2 __name__=b; 2 i=1; 1 i=22; 1 i=333; 1 z=y; ");
  BOOST_TEST(Text(found->names_by_value_bytes) == "6 i; 2 __name__; 1 z; ");
  BOOST_TEST(Text(found->names_by_values) == "3 i; 2 __name__; 1 z; ");
  BOOST_TEST(Text(found->metrics_by_series) == "2 a; 2 b; ");
  BOOST_TEST((found->float_chunk_samples == std::vector<uint32_t>{2, 1, 3, 1}));
  BOOST_TEST(found->float_chunk_bytes.size() == 4u);
  BOOST_TEST(found->histogram_chunk_samples.empty());
}

BOOST_AUTO_TEST_CASE(matchers_and_a_limit_narrow_an_analysis) {
  MemFs fs;
  const std::string name = MustBuild(fs, RandomSamples(100, 5, 1'000'000, 1));
  AnalyzeOptions options;
  options.block = name;
  options.limit = 2;
  options.matchers = {model::Matcher::Literal(model::MatchType::kEqual, "zone", "z1")};
  const auto found = AnalyzeBlock(fs, "/data", options);
  BOOST_REQUIRE(found.ok());
  BOOST_TEST(found->block.series == 100u);
  BOOST_TEST(found->series < 50u);
  BOOST_TEST(Text(found->pairs_by_series).starts_with(std::to_string(found->series) + " zone=z1"));
  for (const auto* list : {&found->pairs_by_churn, &found->names_by_churn, &found->pairs_by_series,
                           &found->names_by_values, &found->metrics_by_series})
    BOOST_TEST(list->size() == 2u);
  options.block = "01HF7YAT00000000000000000A";
  BOOST_TEST((AnalyzeBlock(fs, "/data", options).status().code() == Code::kNotFound));
  BOOST_TEST((AnalyzeBlock(fs, "/none", {}).status().code() == Code::kNotFound));
}

}  // namespace
}  // namespace canopy::tsdb
