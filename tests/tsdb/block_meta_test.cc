#include "tsdb/block_meta.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/mem_fs.h"

namespace canopy::tsdb {
namespace {

// Written by Prometheus 2.42 (compactor), with the tabs it puts in.
constexpr std::string_view kTheirs =
    "{\n\t\"ulid\": \"01HF7ZKQ2VJ8D4T3M0S1WXYZAB\",\n\t\"minTime\": 1700000000000,\n"
    "\t\"maxTime\": 1700007200000,\n\t\"stats\": {\n\t\t\"numSamples\": 12,\n"
    "\t\t\"numSeries\": 3,\n\t\t\"numChunks\": 4\n\t},\n\t\"compaction\": {\n\t\t\"level\": 2,\n"
    "\t\t\"sources\": [\n\t\t\t\"01HF7ZKQ2VJ8D4T3M0S1WXYZAA\",\n"
    "\t\t\t\"01HF7ZKQ2VJ8D4T3M0S1WXYZAC\"\n\t\t],\n\t\t\"parents\": [\n\t\t\t{\n"
    "\t\t\t\t\"ulid\": \"01HF7ZKQ2VJ8D4T3M0S1WXYZAA\",\n\t\t\t\t\"minTime\": -5,\n"
    "\t\t\t\t\"maxTime\": 7\n\t\t\t}\n\t\t]\n\t},\n\t\"version\": 1\n}";

std::string Complaint(std::string_view json) {
  const auto meta = ParseBlockMeta(json);
  if (meta.ok()) return "";
  BOOST_TEST((meta.status().code() == Code::kCorrupt));
  return meta.status().message();
}

BOOST_AUTO_TEST_CASE(ulids_are_text_that_sorts_by_time) {
  for (const char* text : {"01ARZ3NDEKTSV4RRFFQ69G5FAV", "00000000000000000000000000",
                           "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01HF7ZKQ2VJ8D4T3M0S1WXYZAB"}) {
    const auto ulid = Ulid::Parse(text);
    BOOST_REQUIRE(ulid.has_value());
    BOOST_TEST(ulid->ToString() == text);
  }
  // The example of the specification.
  BOOST_TEST(Ulid::Parse("01ARYZ6S410000000000000000")->time().ms() == 1469918176385);
  for (const char* text : {"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
                           "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01ARZ3NDEKTSV4RRFFQ69G5FAU",
                           "01arz3ndektsv4rrffq69g5fav", "chunks_head_of_26_letters."}) {
    BOOST_TEST(!Ulid::Parse(text).has_value(), text);
  }
  const Timestamp now = Timestamp::FromMs(1'700'000'000'123);
  const Ulid a = Ulid::New(now);
  const Ulid b = Ulid::New(now);
  BOOST_TEST((a != b));
  BOOST_TEST((a.time() == now));
  BOOST_TEST((a < Ulid::New(now + Duration(1))));
  BOOST_TEST(a.ToString() < Ulid::New(now + Duration(1)).ToString());
  BOOST_TEST((Ulid::Parse(a.ToString()) == a));
}

BOOST_AUTO_TEST_CASE(a_meta_file_is_read_and_written_to_the_byte) {
  const auto meta = ParseBlockMeta(kTheirs);
  BOOST_REQUIRE_MESSAGE(meta.ok(), meta.status().message());
  BOOST_TEST(meta->ulid.ToString() == "01HF7ZKQ2VJ8D4T3M0S1WXYZAB");
  BOOST_TEST(meta->min_time.ms() == 1700000000000);
  BOOST_TEST(meta->max_time.ms() == 1700007200000);
  BOOST_TEST(meta->stats.num_samples == 12u);
  BOOST_TEST(meta->stats.num_series == 3u);
  BOOST_TEST(meta->stats.num_chunks == 4u);
  BOOST_TEST(meta->compaction.level == 2);
  BOOST_TEST(meta->compaction.sources.size() == 2u);
  BOOST_REQUIRE(meta->compaction.parents.size() == 1u);
  BOOST_TEST(meta->compaction.parents[0].min_time.ms() == -5);
  BOOST_TEST(FormatBlockMeta(*meta) == kTheirs);
}

BOOST_AUTO_TEST_CASE(everything_comes_back) {
  BlockMeta meta;
  meta.ulid = Ulid::New(Timestamp::FromMs(5));
  meta.min_time = Timestamp::FromMs(-10);
  meta.max_time = Timestamp::FromMs(10);
  meta.stats = {1, 2, 3, 4, 5, UINT64_MAX};
  meta.compaction.level = 3;
  meta.compaction.sources = {Ulid::New(Timestamp::FromMs(1))};
  meta.compaction.deletable = true;
  meta.compaction.failed = true;
  meta.compaction.parents = {{meta.ulid, Timestamp::FromMs(1), Timestamp::FromMs(2)}};
  meta.compaction.hints = {"from-out-of-order", "a \"quoted\" one"};
  testing::MemFs fs;
  BOOST_REQUIRE(fs.MakeDirs("/b").ok());
  BOOST_REQUIRE(WriteBlockMeta(fs, "/b", meta).ok());
  const auto read = ReadBlockMeta(fs, "/b");
  BOOST_REQUIRE(read.ok());
  BOOST_TEST((*read == meta));
}

BOOST_AUTO_TEST_CASE(additions_of_others_are_passed_over) {
  BOOST_TEST(Complaint(R"({"version":1,"thanos":{"labels":{}},"stats":null})") == "");
}

BOOST_AUTO_TEST_CASE(what_is_no_meta_file_is_refused_with_the_reason) {
  BOOST_TEST(Complaint("") == "offset 0: The document is empty.");
  BOOST_TEST(Complaint("[]") == "no JSON object");
  BOOST_TEST(Complaint("{}") == "unexpected meta file version 0");
  BOOST_TEST(Complaint(R"({"version":2})") == "unexpected meta file version 2");
  BOOST_TEST(Complaint(R"({"version":"1"})") == "\"version\" has a value of another type");
  BOOST_TEST(Complaint(R"({"version":1,"ulid":"x"})") == "\"ulid\" is no ULID");
  BOOST_TEST(Complaint(R"({"version":1,"minTime":1.5})") ==
             "\"minTime\" has a value of another type");
  BOOST_TEST(Complaint(R"({"version":1,"stats":{"numSamples":-1}})") ==
             "\"numSamples\" has a value of another type");
  BOOST_TEST(Complaint(R"({"version":1,"compaction":{"sources":[7]}})") ==
             "\"sources\" is no ULID");
  BOOST_TEST(Complaint(R"({"version":1,"minTime":8,"maxTime":7})") ==
             "\"minTime\" lies behind \"maxTime\"");
  BOOST_TEST(Complaint(R"({"version":1,"minTime":8,"maxTime":253402300800001})") ==
             "\"maxTime\" lies behind the year 9999");
  BOOST_TEST(ParseBlockMeta(R"({"version":1,"minTime":8,"maxTime":253402300800000})").ok());
  BOOST_TEST(Complaint(std::string(100'000, '[')) != "");
}

}  // namespace
}  // namespace canopy::tsdb
