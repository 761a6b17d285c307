#include "canopy/model/labels.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>

namespace canopy::model {
namespace {

using namespace std::string_literals;

std::vector<std::pair<std::string, std::string>> Pairs(const Labels& labels) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const LabelView l : labels) out.emplace_back(l.name, l.value);
  return out;
}

BOOST_AUTO_TEST_CASE(labels_print_as_prometheus_3_prints_them) {
  auto f = [](const Labels& labels, std::string_view want) {
    BOOST_TEST_CONTEXT(want) { BOOST_TEST(labels.ToString() == want); }
  };
  f({}, "{}");
  f({{"__name__", "up"}}, "up");
  f({{"__name__", "job:up:sum"}, {"job", "a"}}, R"(job:up:sum{job="a"})");
  f({{"job", "a"}, {"instance", "b"}}, R"({instance="b", job="a"})");
  f({{"__name__", "a.b"}, {"l", "v"}}, R"({"a.b", l="v"})");
  f({{"__name__", "a.b"}}, R"({"a.b"})");
  f({{"__name__", "up"}, {"k8s.pod", "x"}}, R"(up{"k8s.pod"="x"})");
  f({{"a", "say \"hi\"\n\\"}}, R"({a="say \"hi\"\n\\"})");
  f({{"a", "grün"}, {"b", "\xff"}}, R"({a="grün", b="\xff"})");
  f({{"a:b", "colons are for metrics"}}, R"({"a:b"="colons are for metrics"})");
}

BOOST_AUTO_TEST_CASE(of_equal_names_the_last_wins_and_empty_values_are_no_labels) {
  const Labels labels{{"b", "1"}, {"a", "2"}, {"b", "3"}, {"c", ""}, {"d", "x"}, {"d", ""}};
  BOOST_TEST(labels.ToString() == R"({a="2", b="3"})");
  BOOST_TEST(labels.size() == 2u);
  BOOST_TEST(labels.Get("b") == "3");
  BOOST_TEST(labels.Get("c") == "");
  BOOST_TEST(labels.Get("") == "");
  BOOST_TEST(!labels.Has("c"));
  BOOST_TEST(labels.Has("a"));
  BOOST_TEST(Labels().empty());
}

// Other modules keep these bytes as keys and compare them.
BOOST_AUTO_TEST_CASE(the_encoded_form_is_lengths_and_texts) {
  BOOST_TEST(Labels({{"b", "xyz"}, {"a", "1"}}).bytes() == "\1a\0011\1b\3xyz"s);
  const std::string long_value(300, 'v');
  BOOST_TEST(Labels({{"a", long_value}}).bytes() == "\1a\xac\2"s + long_value);
}

BOOST_AUTO_TEST_CASE(long_texts_come_back_whole) {
  for (const size_t n : {1u, 127u, 128u, 16383u, 16384u, 3000000u}) {
    const std::string text(n, 'x');
    const Labels labels{{text, "v"}, {"y", text}};
    BOOST_TEST_CONTEXT(n) {
      BOOST_CHECK(labels.Get(text) == "v");
      BOOST_CHECK(labels.Get("y") == text);
      BOOST_TEST(labels.size() == 2u);
    }
  }
}

BOOST_AUTO_TEST_CASE(labels_order_as_series_do) {
  // Each smaller than the next.
  const std::vector<Labels> sorted = {
      {},
      {{"A", "9"}},
      {{"a", "1"}},
      {{"a", "1"}, {"b", "1"}},
      {{"a", "1"}, {"b", "10"}},
      {{"a", "1"}, {"b", "2"}},
      {{"a", "10"}},
      {{"a", "2"}},
      {{"aa", "1"}},
      {{"b", "0"}},
      {{"\xc3\xbc", "0"}},
  };
  for (size_t i = 0; i < sorted.size(); ++i) {
    for (size_t j = 0; j < sorted.size(); ++j) {
      BOOST_TEST_CONTEXT(sorted[i].ToString() << " <=> " << sorted[j].ToString()) {
        BOOST_CHECK((sorted[i] <=> sorted[j]) == (i <=> j));
        BOOST_CHECK((sorted[i] == sorted[j]) == (i == j));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(equal_sets_hash_alike_however_they_were_made) {
  LabelsBuilder builder;
  builder.Set("b", "2");
  builder.Set("a", "1");
  const Labels a{{"a", "1"}, {"b", "2"}};
  BOOST_CHECK(builder.Build() == a);
  BOOST_TEST(builder.Build().Hash() == a.Hash());
  BOOST_TEST(a.Hash() != Labels({{"a", "12"}, {"b", "2"}}).Hash());
}

BOOST_AUTO_TEST_CASE(a_builder_keeps_an_explicit_empty_value_until_it_builds) {
  LabelsBuilder builder(Labels{{"a", "1"}, {"b", "2"}});
  builder.SetKeepEmpty("a", "");
  builder.Set("b", "");
  builder.Set("c", "3");
  builder.Del("nothing");
  BOOST_TEST(builder.Has("a"));
  BOOST_TEST(!builder.Has("b"));
  BOOST_TEST(builder.Get("c") == "3");
  BOOST_TEST(builder.Build().ToString() == R"({c="3"})");
  BOOST_TEST(builder.Has("a"));
  builder.DropIf([](std::string_view name) { return name == "a"; });
  BOOST_TEST(!builder.Has("a"));
  builder.Clear();
  BOOST_TEST(builder.empty());
}

// Against std::map, which has the same meaning but for empty values.
BOOST_AUTO_TEST_CASE(a_builder_is_a_map) {
  const unsigned seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 rng(seed);
  for (int round = 0; round < 300; ++round) {
    LabelsBuilder builder;
    std::map<std::string, std::string> model;
    for (int step = 0; step < 30; ++step) {
      const std::string name(1, static_cast<char>('a' + rng() % 8));
      const std::string value(rng() % 3, static_cast<char>('0' + rng() % 10));
      switch (rng() % 4) {
        case 0:
          builder.Del(name);
          model.erase(name);
          break;
        case 1:
          builder.SetKeepEmpty(name, value);
          model[name] = value;
          break;
        default:
          builder.Set(name, value);
          model[name] = value;
          if (value.empty()) model.erase(name);
      }
      BOOST_REQUIRE_EQUAL(builder.Has(name), model.contains(name));
    }
    std::erase_if(model, [](const auto& l) { return l.second.empty(); });
    const Labels built = builder.Build();
    BOOST_TEST_CONTEXT("seed " << seed << " round " << round) {
      BOOST_CHECK(Pairs(built) ==
                  (std::vector<std::pair<std::string, std::string>>(model.begin(), model.end())));
    }
    builder.Reset(built);
    BOOST_CHECK(builder.Build() == built);
  }
}

BOOST_AUTO_TEST_CASE(names_are_valid_by_scheme) {
  auto f = [](std::string_view name, bool legacy_label, bool legacy_metric, bool utf8) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(IsLegacyLabelName(name) == legacy_label);
      BOOST_TEST(IsLegacyMetricName(name) == legacy_metric);
      BOOST_TEST(IsValidLabelName(name, NameValidation::kLegacy) == legacy_label);
      BOOST_TEST(IsValidMetricName(name, NameValidation::kLegacy) == legacy_metric);
      BOOST_TEST(IsValidLabelName(name, NameValidation::kUtf8) == utf8);
      BOOST_TEST(IsValidMetricName(name, NameValidation::kUtf8) == utf8);
    }
  };
  f("", false, false, false);
  f("a", true, true, true);
  f("_A9", true, true, true);
  f("9a", false, false, true);
  f("a:b", false, true, true);
  f(":", false, true, true);
  f("a.b", false, false, true);
  f("grün", false, false, true);
  f("a b", false, false, true);
  f("a\xff", false, false, false);
}

BOOST_AUTO_TEST_CASE(utf8_is_told_from_other_bytes) {
  auto f = [](std::string_view text, bool want) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(IsValidUtf8(text) == want); }
  };
  f("", true);
  f("plain", true);
  f("a\0b"s, true);
  f("gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x8c\xb3", true);
  f("cut \xe2\x82", false);
  f("\x80", false);
  f("\xc0\xaf", false);      // overlong
  f("\xed\xa0\x80", false);  // a surrogate
  f("\xf4\x90\x80\x80", false);
}

}  // namespace
}  // namespace canopy::model
