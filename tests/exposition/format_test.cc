#include "canopy/exposition/format.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <sstream>

#include "canopy/model/sample.h"
#include "support.h"

namespace canopy::exposition {
namespace {

BOOST_AUTO_TEST_CASE(text_lines) {
  auto f = [](std::string_view name, std::vector<model::LabelView> labels, double value,
              std::optional<Timestamp> time, std::string_view want) {
    std::string out;
    SampleLine line(out, name);
    for (const auto& [n, v] : labels) line.Label(n, v);
    line.EndText(value, time);
    BOOST_TEST(out == want);
  };
  f("up", {}, 1, {}, "up 1\n");
  f("up", {{"instance", ""}}, 0, Timestamp::FromMs(6000000), "up{instance=\"\"} 0 6000000\n");
  f("a.b", {}, -1, Timestamp::FromMs(-5), "{\"a.b\"} -1 -5\n");
  f("a.b", {{"l", "v"}, {"x.y", "z"}}, NAN, {}, "{\"a.b\",l=\"v\",\"x.y\"=\"z\"} NaN\n");
  f("a", {{"l", "\\ \" \n"}}, INFINITY, {}, "a{l=\"\\\\ \\\" \\n\"} +Inf\n");
  f("a", {}, -INFINITY, {}, "a -Inf\n");
  f("a", {}, 1e21, {}, "a 1e+21\n");
  f("a", {}, 1234567, {}, "a 1.234567e+06\n");
  f("a", {}, 0.00001, {}, "a 1e-05\n");
  f("a", {}, -0.0, {}, "a 0\n");
}

BOOST_AUTO_TEST_CASE(openmetrics_lines) {
  auto f = [](double value, std::optional<Timestamp> time, std::string_view want) {
    std::string out;
    SampleLine(out, "a").EndOpenMetrics(value, time);
    BOOST_TEST(out == want);
  };
  f(1, {}, "a 1.0\n");
  f(0.25, Timestamp::FromMs(1500), "a 0.25 1.5\n");
  f(1e6, Timestamp::FromMs(1520430000123), "a 1e+06 1520430000.123\n");
  f(-3, Timestamp::FromMs(-1), "a -3.0 -0.001\n");
  f(NAN, Timestamp::FromMs(0), "a NaN 0.0\n");
  f(INFINITY, Timestamp::FromMs(12010), "a +Inf 12.01\n");
}

BOOST_AUTO_TEST_CASE(escapes_are_found_wherever_they_are) {
  // With neighbours that differ from what is escaped in a bit.
  constexpr std::string_view kBytes = "\\\"\na]#[!\x0b\xdc\xa2\x8a\x01\xff";
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 40, 'x');
    for (size_t change = random() % 4; change > 0 && !text.empty(); --change)
      text[random() % text.size()] = kBytes[random() % kBytes.size()];
    std::string want;
    for (const char c : text) {
      if (c == '\\' || c == '"' || c == '\n') want += '\\';
      want += c == '\n' ? 'n' : c;
    }
    std::string out;
    AppendEscaped(out, text);
    BOOST_REQUIRE_EQUAL(out, want);
  }
}

BOOST_AUTO_TEST_CASE(metadata_lines) {
  std::string out;
  AppendTextHelp(out, "a", "x \"y\" \\ \n z");
  AppendTextType(out, "a", model::MetricType::kCounter);
  AppendTextType(out, "a.b", model::MetricType::kInfo);
  BOOST_TEST(out == "# HELP a x \"y\" \\\\ \\n z\n# TYPE a counter\n# TYPE \"a.b\" untyped\n");
  out.clear();
  AppendOpenMetricsHelp(out, "a_s", "x \"y\"");
  AppendOpenMetricsType(out, "a_s", model::MetricType::kStateset);
  AppendOpenMetricsUnit(out, "a_s", "s");
  BOOST_TEST(out == "# HELP a_s x \\\"y\\\"\n# TYPE a_s stateset\n# UNIT a_s s\n");
}

// A page of random samples, and what a parser must read from it.
struct RandomPage {
  std::string page;
  std::vector<std::tuple<model::Labels, double, std::optional<Timestamp>>> samples;
};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  RandomPage Page(PageFormat format) {
    RandomPage out;
    for (int i = Below(20); i > 0; --i) {
      const std::string name = Name();
      if (Below(3) == 0) Metadata(format, name, out.page);
      Sample(format, name, out);
    }
    if (format == PageFormat::kOpenMetrics) out.page.append(kOpenMetricsEnd);
    return out;
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }

  std::string Text() {
    static constexpr std::string_view kPieces[] = {"a",  "Z",  "0",  "_", ":", ".", " ", "{",  "}",
                                                   "\"", "\\", "\n", ",", "=", "#", "ü", "\t", "n"};
    std::string out;
    for (int i = Below(6); i > 0; --i) out.append(kPieces[Below(std::size(kPieces))]);
    return out;
  }
  std::string Name() {
    const std::string text = Text();
    return text.empty() ? "x" : text;
  }
  double Value() {
    switch (Below(6)) {
      case 0:
        return Below(1000);
      case 1:
        return Below(1000000) / 1000.0;
      case 2:
        return std::bit_cast<double>((uint64_t{random_()} << 32) | random_());
      case 3:
        return INFINITY;
      case 4:
        return -Below(100) * 1e18;
      default:
        return NAN;
    }
  }
  static void Metadata(PageFormat format, const std::string& name, std::string& out) {
    if (format == PageFormat::kText) {
      AppendTextHelp(out, name, name);
      AppendTextType(out, name, model::MetricType::kUnknown);
    } else {
      AppendOpenMetricsHelp(out, name, name);
      AppendOpenMetricsType(out, name, model::MetricType::kGauge);
    }
  }
  void Sample(PageFormat format, const std::string& name, RandomPage& out) {
    SampleLine line(out.page, name);
    std::vector<std::pair<std::string, std::string>> labels{{"__name__", name}};
    for (int i = Below(4); i > 0; --i) {
      const std::string label = Name() + std::to_string(i);
      labels.emplace_back(label, Text());
      line.Label(label, labels.back().second);
    }
    std::optional<Timestamp> time;
    if (Below(2) == 0) time = Timestamp::FromMs(Below(2000000000));
    double value = Value();
    if (format == PageFormat::kText) {
      line.EndText(value, time);
    } else {
      line.EndOpenMetrics(value, time);
    }
    if (value == 0) value = 0;
    if (std::isnan(value)) value = model::NormalNan();
    std::vector<model::LabelView> views;
    for (const auto& [n, v] : labels) views.push_back({n, v});
    out.samples.emplace_back(model::Labels::FromUnsorted(views), value, time);
  }

  std::mt19937 random_;
};

BOOST_AUTO_TEST_CASE(what_is_written_is_what_is_read) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seed " << seed);
  Generator generator(seed);
  for (int round = 0; round < 2000; ++round) {
    const PageFormat format = round % 2 ? PageFormat::kText : PageFormat::kOpenMetrics;
    const RandomPage page = generator.Page(format);
    PageParser parser(page.page, format);
    size_t i = 0;
    BOOST_TEST_CONTEXT("seed " << seed << " round " << round << "\n" << page.page) {
      while (true) {
        const Entry entry = parser.Next();
        if (entry == Entry::kEnd) break;
        BOOST_TEST_REQUIRE((entry != Entry::kError), parser.error().message());
        if (entry != Entry::kSample) continue;
        model::LabelsBuilder labels;
        BOOST_TEST_REQUIRE(parser.AddLabels(labels).ok());
        BOOST_TEST_REQUIRE(i < page.samples.size());
        const auto& [want_labels, want_value, want_time] = page.samples[i++];
        BOOST_TEST((labels.Build() == want_labels));
        BOOST_TEST(model::SameBits(parser.value(), want_value));
        BOOST_TEST((parser.time() == want_time));
      }
      BOOST_TEST(i == page.samples.size());
    }
  }
}

}  // namespace
}  // namespace canopy::exposition
