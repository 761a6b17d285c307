#include "app/tsdb_text.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "app/progress.h"

namespace canopy::app {
namespace {

// Labels as a store would hand them out.
class Strings final : public model::SymbolSource {
 public:
  explicit Strings(std::vector<std::string> texts) : texts_(std::move(texts)) {}
  std::string_view Lookup(model::Symbol symbol) const override { return texts_[symbol]; }
  std::optional<model::Symbol> Find(std::string_view text) const override {
    for (model::Symbol i = 0; i < texts_.size(); ++i)
      if (texts_[i] == text) return i;
    return std::nullopt;
  }

 private:
  std::vector<std::string> texts_;
};

BOOST_AUTO_TEST_CASE(times_and_sizes_are_written_as_promtool_does) {
  const auto duration = [](int64_t ms) { return GoDuration(Duration(ms)); };
  BOOST_TEST(duration(0) == "0s");
  BOOST_TEST(duration(1) == "1ms");
  BOOST_TEST(duration(1500) == "1.5s");
  BOOST_TEST(duration(60'000) == "1m0s");
  BOOST_TEST(duration(7'200'000) == "2h0m0s");
  BOOST_TEST(duration(7'200'001) == "2h0m0.001s");
  BOOST_TEST(duration(-90'000) == "-1m30s");
  BOOST_TEST(duration(100 * 3'600'000) == "100h0m0s");
  BOOST_TEST(GoTime(Timestamp::FromMs(1'700'000'000'999)) == "2023-11-14 22:13:20 +0000 UTC");
  BOOST_TEST(GoTime(Timestamp::FromMs(0)) == "1970-01-01 00:00:00 +0000 UTC");
  BOOST_TEST(Base2Bytes(0) == "0B");
  BOOST_TEST(Base2Bytes(1023) == "1023B");
  BOOST_TEST(Base2Bytes(1024) == "1KiB");
  BOOST_TEST(Base2Bytes((1 << 20) + (3 << 10) + 5) == "1MiB3KiB5B");
  const auto seconds = [](int64_t ms) {
    std::string out;
    AppendSeconds(out, ms);
    return out;
  };
  BOOST_TEST(seconds(1'700'000'000'007) == "1700000000.007");
  BOOST_TEST(seconds(-1500) == "-1.500");
  BOOST_TEST(seconds(0) == "0.000");
}

BOOST_AUTO_TEST_CASE(labels_are_written_in_three_ways) {
  const Strings strings({"__name__", "u\"p", "job", "a\n\"b", "na me", "x"});
  const auto write = [&](auto append, const std::vector<model::SymbolPair>& pairs) {
    std::string out = "> ";
    append(out, model::SeriesLabelsView(strings, pairs));
    return out;
  };
  const std::vector<model::SymbolPair> plain = {{0, 5}, {2, 3}};
  const std::vector<model::SymbolPair> odd = {{0, 1}, {4, 5}};
  BOOST_TEST(write(AppendLabelSet, plain) == R"(> {__name__="x", job="a\n\"b"})");
  BOOST_TEST(write(AppendLabelSet, odd) == R"(> {__name__="u\"p", "na me"="x"})");
  BOOST_TEST(write(AppendLabelSet, {}) == "> {}");
  BOOST_TEST(write(AppendLabelJson, plain) == R"(> {"__name__":"x","job":"a\n\"b"})");
  BOOST_TEST(write(AppendLabelJson, {}) == "> {}");
  BOOST_TEST(write(AppendOpenMetricsSeries, plain) == R"(> x{job="a\n\"b"})");
  BOOST_TEST(write(AppendOpenMetricsSeries, odd) == R"(> {"u\"p","na me"="x"})");
  BOOST_TEST(write(AppendOpenMetricsSeries, {{0, 5}}) == "> x{}");
}

BOOST_AUTO_TEST_CASE(blocks_stand_in_columns) {
  const tsdb::BlockInfo block{"01HF7YAT00000000000000000A",
                              Timestamp::FromMs(1'699'999'200'000),
                              Timestamp::FromMs(1'700'006'400'000),
                              1'234'567'890,
                              3,
                              4,
                              1025};
  BOOST_TEST(FormatBlocks({&block, 1}, true, false) ==
             "BLOCK ULID                  MIN TIME       MAX TIME       DURATION     NUM SAMPLES  "
             "NUM CHUNKS   NUM SERIES   SIZE\n"
             "01HF7YAT00000000000000000A  1699999200000  1700006400000  2h0m0s       1234567890   "
             "3            4            1025\n");
  BOOST_TEST(FormatBlocks({&block, 1}, false, true) ==
             "01HF7YAT00000000000000000A  2023-11-14 22:00:00 +0000 UTC  "
             "2023-11-15 00:00:00 +0000 UTC  2h0m0s       1234567890   3            4            "
             "1KiB1B\n");
}

BOOST_AUTO_TEST_CASE(numbers_are_spread_over_buckets) {
  BOOST_TEST(FormatDistribution("x", {}, 10) == "x: N/A\n\n");
  BOOST_TEST(FormatDistribution("x", {120, 27, 118, 120}, 4) ==
             "x (min/avg/max): 27/96/120\n"
             "[ 21,  30]: 1 #########################\n"
             "[ 31,  40]: 0 \n[ 41,  50]: 0 \n[ 51,  60]: 0 \n[ 61,  70]: 0 \n[ 71,  80]: 0 \n"
             "[ 81,  90]: 0 \n[ 91, 100]: 0 \n[101, 110]: 0 \n"
             "[111, 120]: 1 #########################\n"
             "[121, 130]: 2 ##################################################\n"
             "[131, 140]: 0 \n\n");
  // Far apart: wider buckets.
  BOOST_TEST(FormatDistribution("y", {1, 2000}, 2) ==
             "y (min/avg/max): 1/1000/2000\n"
             "[   1, 1000]: 1 ##################################################\n"
             "[1001, 2000]: 0 \n"
             "[2001, 3000]: 1 ##################################################\n"
             "[3001, 4000]: 0 \n\n");
}

BOOST_AUTO_TEST_CASE(a_bar_grows_with_the_work) {
  BOOST_TEST(FormatProgress("read", 0, 10) == "read [>                             ]   0%");
  BOOST_TEST(FormatProgress("read", 5, 10) == "read [===============>              ]  50%");
  BOOST_TEST(FormatProgress("read", 12, 10) == "read [==============================] 100%");
  BOOST_TEST(FormatProgress("read", 0, 0) == "read [==============================] 100%");
}

}  // namespace
}  // namespace canopy::app
