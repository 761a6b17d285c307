#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/mem_fs.h"
#include "tests/tsdb/index_support.h"
#include "tsdb/index_reader.h"
#include "tsdb/index_writer.h"

namespace canopy::tsdb {
namespace {

using testing::MemFs;

std::unique_ptr<IndexReader> MustOpen(Fs& fs) {
  auto reader = IndexReader::Open(fs, "/index");
  BOOST_REQUIRE_MESSAGE(reader.ok(), reader.status().message());
  return std::move(*reader);
}

std::vector<SeriesId> Ids(const Result<PostingsView>& list) {
  BOOST_REQUIRE_MESSAGE(list.ok(), list.status().message());
  std::vector<SeriesId> out;
  for (size_t i = 0; i < list->size(); ++i) out.push_back((*list)[i]);
  return out;
}

IndexContent ContentOf(const IndexReader& reader, std::vector<SeriesId>* ids = nullptr) {
  IndexContent out;
  model::Labels before;
  for (const SeriesId id : Ids(reader.AllPostings())) {
    std::vector<model::SymbolPair> pairs;
    std::vector<ChunkMeta> chunks;
    const Status status = reader.ReadSeries(id, pairs, &chunks);
    BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
    const model::Labels labels = model::SeriesLabelsView(reader.symbols(), pairs).ToLabels();
    BOOST_TEST((before < labels));
    before = labels;
    out[labels] = chunks;
    if (ids != nullptr) ids->push_back(id);
  }
  return out;
}

BOOST_AUTO_TEST_CASE(an_index_holds_what_was_written) {
  for (const size_t series : {0u, 1u, 31u, 32u, 33u, 1000u}) {
    MemFs fs;
    const IndexContent content = RandomIndex(series, static_cast<uint32_t>(series));
    const Status written = WriteIndex(fs, "/index", content);
    BOOST_REQUIRE_MESSAGE(written.ok(), written.message());
    // Nothing is left beside it.
    BOOST_TEST(*fs.List("/") == std::vector<std::string>{"index"},
               boost::test_tools::per_element());
    const auto reader = MustOpen(fs);
    std::vector<SeriesId> ids;
    BOOST_TEST((ContentOf(*reader, &ids) == content));
    const std::vector<std::string> symbols = SymbolsOf(content);
    BOOST_REQUIRE(reader->symbols().size() == symbols.size());
    for (uint32_t i = 0; i < symbols.size(); ++i) {
      BOOST_TEST(reader->symbols().Lookup(i) == symbols[i]);
      BOOST_TEST(reader->symbols().Find(symbols[i]).value() == i);
      BOOST_TEST(!reader->symbols().Find(symbols[i] + "!").has_value());
    }
    BOOST_TEST(!reader->symbols().Find("").has_value());
    // Each label's list against the content.
    std::map<std::string, std::map<std::string, std::vector<SeriesId>>> want;
    size_t at = 0;
    for (const auto& [labels, chunks] : content) {
      for (const model::LabelView label : labels)
        want[std::string(label.name)][std::string(label.value)].push_back(ids[at]);
      ++at;
    }
    BOOST_TEST(reader->LabelNames().size() == want.size());
    for (const auto& [name, values] : want) {
      auto value = values.begin();
      reader->ForEachValue(name, "", [&](std::string_view text, uint64_t list) {
        BOOST_REQUIRE((value != values.end()));
        BOOST_TEST(text == value->first);
        BOOST_TEST((Ids(reader->ListAt(list)) == value->second));
        ++value;
        return true;
      });
      BOOST_TEST((value == values.end()));
      BOOST_TEST(reader->ValueCount(name) >= values.size());
      BOOST_TEST(reader->ValueCount(name) < values.size() + 32);
      for (const auto& [text, list] : values) {
        BOOST_TEST((Ids(reader->Postings(name, text)) == list));
        BOOST_TEST(reader->Postings(name, text + "!")->empty());
      }
      BOOST_TEST(reader->Postings(name, "")->empty());
    }
    BOOST_TEST(reader->Postings("nobody", "x")->empty());
  }
}

BOOST_AUTO_TEST_CASE(chunks_outside_of_the_range_are_left_out) {
  MemFs fs;
  const std::vector<ChunkMeta> chunks = {
      {INT64_MIN, INT64_MIN, 8}, {-5, 10, 20}, {11, 11, 20}, {20, INT64_MAX, 1ull << 40}};
  BOOST_REQUIRE(WriteIndex(fs, "/index", {{model::Labels{{"a", "b"}}, chunks}}).ok());
  const auto reader = MustOpen(fs);
  const SeriesId id = Ids(reader->AllPostings())[0];
  const auto read = [&](int64_t mint, int64_t maxt) {
    std::vector<model::SymbolPair> labels;
    std::vector<ChunkMeta> out;
    BOOST_REQUIRE(reader->ReadSeries(id, labels, &out, mint, maxt).ok());
    return out;
  };
  BOOST_TEST((read(INT64_MIN, INT64_MAX) == chunks));
  BOOST_TEST((read(10, 11) == std::vector<ChunkMeta>{chunks[1], chunks[2]}));
  BOOST_TEST((read(12, 19) == std::vector<ChunkMeta>{}));
  std::vector<model::SymbolPair> labels;
  BOOST_TEST((reader->ReadSeries(0, labels, nullptr).code() == Code::kNotFound));
  BOOST_TEST((reader->ReadSeries(UINT32_MAX, labels, nullptr).code() == Code::kNotFound));
  BOOST_TEST((reader->ReadSeries(id + 1, labels, nullptr).code() == Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(disorder_is_refused) {
  const auto refusal = [](const std::vector<std::string>& symbols, auto add) {
    MemFs fs;
    const auto writer = IndexWriter::Create(fs, "/index");
    for (const std::string& symbol : symbols) {
      if (const Status s = (*writer)->AddSymbol(symbol); !s.ok()) return s.message();
    }
    const Status status = add(**writer);
    BOOST_TEST((status.ok() || status.code() == Code::kInvalid));
    return status.message();
  };
  const std::vector<std::string> abc = {"a", "b", "c"};
  using Pairs = std::vector<model::SymbolPair>;
  using Chunks = std::vector<ChunkMeta>;
  const auto one = [&](const Pairs& labels, const Chunks& chunks) {
    return refusal(abc, [&](IndexWriter& w) { return w.AddSeries(labels, chunks); });
  };
  const auto two = [&](const Pairs& labels, const Chunks& chunks) {
    return refusal(abc, [&](IndexWriter& w) {
      BOOST_REQUIRE(w.AddSeries(Pairs{{0, 1}}, Chunks{{0, 9, 100}}).ok());
      return w.AddSeries(labels, chunks);
    });
  };
  const auto nothing = [](IndexWriter&) { return Status(); };
  BOOST_TEST(refusal({"b", "a"}, nothing) == "symbol \"a\" is out of order");
  BOOST_TEST(refusal({"a", "a"}, nothing) == "symbol \"a\" is out of order");
  BOOST_TEST(one({{0, 3}}, {}) == "series 0: unknown symbol");
  BOOST_TEST(one({{1, 0}, {0, 0}}, {}) == "series 0: labels are out of order");
  BOOST_TEST(one({{0, 0}, {0, 1}}, {}) == "series 0: labels are out of order");
  BOOST_TEST(one({{0, 0}}, {{5, 4, 1}}) == "series 0: times of chunks are out of order");
  BOOST_TEST(one({{0, 0}}, {{1, 4, 1}, {4, 5, 2}}) == "series 0: times of chunks are out of order");
  BOOST_TEST(one({{0, 0}}, {{1, 4, 3}, {5, 5, 2}}) ==
             "series 0: reference of a chunk is out of order");
  BOOST_TEST(two({{0, 1}}, {}) == "series 1: series is out of order");
  BOOST_TEST(two({{0, 0}, {1, 1}}, {}) == "series 1: series is out of order");
  BOOST_TEST(two({}, {}) == "series 1: series is out of order");
  BOOST_TEST(two({{0, 2}}, {{1, 2, 99}}) == "series 1: reference of a chunk is out of order");
  BOOST_TEST(two({{0, 1}, {1, 1}}, {{1, 2, 101}}) == "");
}

// Whatever bit is wrong: the same content, or a complaint where it is met.
BOOST_AUTO_TEST_CASE(a_flipped_bit_is_noticed) {
  MemFs fs;
  const IndexContent content = RandomIndex(40, 7);
  BOOST_REQUIRE(WriteIndex(fs, "/index", content).ok());
  const size_t size = *fs.Size("/index");
  size_t unnoticed = 0;
  for (size_t bit = 0; bit < size * 8; bit += 3) {
    const auto flip = [&](std::string& file) {
      file[bit / 8] = static_cast<char>(file[bit / 8] ^ (1 << (bit % 8)));
    };
    fs.Corrupt("/index", flip);
    bool noticed = false;
    const auto reader = IndexReader::Open(fs, "/index");
    if (!reader.ok()) {
      noticed = true;
    } else {
      const auto check = [&](const Status& status) { noticed |= !status.ok(); };
      const auto all = (*reader)->AllPostings();
      check(all.status());
      for (size_t i = 0; all.ok() && i < all->size(); ++i) {
        std::vector<model::SymbolPair> labels;
        std::vector<ChunkMeta> chunks;
        check((*reader)->ReadSeries((*all)[i], labels, &chunks));
      }
      for (const std::string_view name : (*reader)->LabelNames()) {
        (*reader)->ForEachValue(name, "", [&](std::string_view, uint64_t list) {
          check((*reader)->ListAt(list).status());
          return true;
        });
      }
      if (!noticed) BOOST_TEST((ContentOf(**reader) == content), "bit " << bit);
    }
    // Padding, which nobody reads.
    if (!noticed) ++unnoticed;
    fs.Corrupt("/index", flip);
  }
  BOOST_TEST(unnoticed < size * 8 / 3 / 8);
}

BOOST_AUTO_TEST_CASE(what_is_no_index_says_so) {
  MemFs fs;
  BOOST_REQUIRE(WriteIndex(fs, "/index", RandomIndex(3, 1)).ok());
  const std::string good = *fs.ReadFile("/index");
  const auto complaint = [&](const std::string& bytes) {
    fs.Corrupt("/index", [&](std::string& file) { file = bytes; });
    return IndexReader::Open(fs, "/index").status().message();
  };
  BOOST_TEST(complaint("") == "/index: this is no index");
  BOOST_TEST(complaint(std::string(100, 'x')) == "/index: this is no index");
  std::string other = good;
  other[4] = 1;
  BOOST_TEST(complaint(other) == "/index: index version 1");
  BOOST_TEST((IndexReader::Open(fs, "/index").status().code() == Code::kUnsupported));
  BOOST_TEST(complaint(good.substr(0, 20)) == "/index: file is too short for a table of contents");
  BOOST_TEST(complaint(good.substr(0, good.size() - 1)) ==
             "/index: table of contents: unexpected checksum");
  for (size_t size = 0; size < good.size(); ++size)
    BOOST_TEST(complaint(good.substr(0, size)) != "");
  BOOST_TEST((IndexReader::Open(fs, "/nowhere").status().code() == Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(lists_meet_bitmaps) {
  std::string bytes;
  std::set<SeriesId> members;
  std::mt19937 engine(3);
  const auto random = [&](uint32_t below) { return static_cast<uint32_t>(engine() % below); };
  for (SeriesId id = 0; id < 3'000'000; id += 1 + random(300)) {
    base::PutBe32(bytes, id);
    members.insert(id);
  }
  const PostingsView list(bytes);
  for (const uint32_t wanted : {0u, 1u, 5u, 500u, 20'000u, 200'000u}) {
    Roaring some;
    for (uint32_t i = 0; i < wanted; ++i) some.add(random(3'000'000));
    Roaring both;
    Roaring without;
    for (const SeriesId id : some) (members.contains(id) ? both : without).add(id);
    Roaring out = some;
    list.IntersectInto(out);
    BOOST_TEST((out == both));
    out = some;
    list.SubtractFrom(out);
    BOOST_TEST((out == without));
    out = some;
    list.UniteInto(out);
    BOOST_TEST(out.cardinality() == without.cardinality() + members.size());
  }
}

}  // namespace
}  // namespace canopy::tsdb
