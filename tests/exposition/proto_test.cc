#include "canopy/exposition/proto.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "canopy/base/number.h"
#include "canopy/model/histogram_buckets.h"
#include "tests/support/proto_page.h"
#include "tests/support/random_histograms.h"

namespace canopy::exposition {
namespace {

using namespace canopy::testing;  // the words of pages

// A page as lines: what a sink is told.
class Lines final : public ProtoSink {
 public:
  void Family(const ProtoFamily& family) override {
    text.append("# ").append(family.name).append(" ");
    text.append(model::MetricTypeText(family.type)).append(" ").append(family.help);
    text.append(" ").append(family.unit).append("\n");
  }
  Status Sample(const ProtoSeries& series, double value) override {
    std::string shown;
    base::AppendFloatShortest(shown, value);
    return Line(series, shown);
  }
  Status Histogram(const ProtoSeries& series,
                   std::variant<model::Histogram, model::FloatHistogram> value) override {
    model::FloatHistogram h;
    model::ToFloat(value, h);
    const bool integers = std::holds_alternative<model::Histogram>(value);
    const bool gauge = h.hint == model::CounterResetHint::kGauge;
    return Line(series, (integers ? "i" : "f") + model::ToString(h) + (gauge ? " gauge" : ""));
  }
  std::string text;

 private:
  Status Line(const ProtoSeries& series, const std::string& value) {
    model::LabelsBuilder labels;
    CANOPY_RETURN_IF_ERROR(AddLabels(series, labels));
    text += labels.Build().ToString() + " " + value;
    if (series.time) text += " @" + std::to_string(series.time->ms());
    if (series.start_time != 0) text += " from " + std::to_string(series.start_time);
    for (const model::Exemplar& e : series.exemplars) {
      text += " #" + e.labels.ToString() + " ";
      base::AppendFloatShortest(text, e.value);
      text += "@" + std::to_string(e.time.ms());
    }
    text += "\n";
    return {};
  }
};

std::string Read(std::string_view page, const ProtoOptions& options = {true, false, true}) {
  Lines lines;
  const Status status = ParseProto(page, options, lines);
  return lines.text + (status.ok() ? "" : "! " + status.message() + "\n");
}

BOOST_AUTO_TEST_SUITE(proto_page)

BOOST_AUTO_TEST_CASE(families_of_all_types_become_series) {
  std::string counter = ProtoValue(3);
  {
    protozero::pbf_writer more(counter);
    more.add_message(2, ProtoExemplar("a", 0.5, 7));
    more.add_message(3, ProtoTime(5, 6'000'000));
  }
  std::string summary;
  {
    protozero::pbf_writer message(summary);
    message.add_uint64(1, 10);
    message.add_double(2, 2.5);
    for (const double q : {0.5, 1.0}) {
      std::string quantile;
      protozero::pbf_writer part(quantile);
      part.add_double(1, q);
      part.add_double(2, q * 3);
      message.add_message(3, quantile);
    }
  }
  const std::string page =
      ProtoFamilyOf("c_total", kProtoCounter,
                    {ProtoMetric(kProtoCounter, {{"b", "2"}, {"a", "1"}}, counter, 9000)},
                    "what it counts", "things") +
      ProtoFamilyOf("empty", kProtoGauge, {}) +
      ProtoFamilyOf("g", kProtoGauge, {ProtoMetric(kProtoGauge, {}, ProtoValue(-1.5))}) +
      ProtoFamilyOf("u", kProtoUntyped, {ProtoMetric(kProtoUntyped, {}, ProtoValue(0))}) +
      ProtoFamilyOf("s", kProtoSummary, {ProtoMetric(kProtoSummary, {{"x", "y"}}, summary)}) +
      ProtoFamilyOf(
          "h", kProtoHistogram,
          {ProtoMetric(kProtoHistogram, {},
                       ProtoClassic(9, 1.25, {{0.5, 4}, {1, 8}}, ProtoExemplar("t", 1, 0)))});
  BOOST_TEST(Read(page) ==
             "# c_total counter what it counts things\n"
             "c_total{a=\"1\", b=\"2\"} 3 @9000 from 5006 #{trace_id=\"a\"} 0.5@7250\n"
             "# g gauge  \n"
             "g -1.5\n"
             "# u unknown  \n"
             "u 0\n"
             "# s summary  \n"
             "s_count{x=\"y\"} 10\n"
             "s_sum{x=\"y\"} 2.5\n"
             "s{quantile=\"0.5\", x=\"y\"} 1.5\n"
             "s{quantile=\"1.0\", x=\"y\"} 3\n"
             "# h histogram  \n"
             "h_count 9\n"
             "h_sum 1.25\n"
             "h_bucket{le=\"0.5\"} 4 #{trace_id=\"t\"} 1@0\n"
             "h_bucket{le=\"1.0\"} 8 #{trace_id=\"t\"} 1@0\n"
             "h_bucket{le=\"+Inf\"} 9\n");
}

BOOST_AUTO_TEST_CASE(native_histograms_come_with_and_without_classic_buckets) {
  model::Histogram h;
  h.count = 6;
  h.sum = 7.5;
  h.zero_threshold = 0.001;
  h.zero_count = 1;
  h.schema = 1;
  h.positive = {{{1, 3}}, {2, -2, 3}};  // the one in the middle is empty
  const std::string both =
      ProtoNative(h) + ProtoClassic(6, 7.5, {{1, 3}}, ProtoExemplar("t", 1, 4));
  const auto page = [&](ProtoType type) {
    return ProtoFamilyOf("h", type, {ProtoMetric(type, {}, both)});
  };
  const std::string native =
      "h i{count:6, sum:7.5, [-0.001,0.001]:1, (1,1.414213562373095]:2, (2,2.82842712474619]:3}";
  const std::string classic =
      "h_count 6\nh_sum 7.5\nh_bucket{le=\"1.0\"} 3\nh_bucket{le=\"+Inf\"} 6\n";
  BOOST_TEST(Read(page(kProtoHistogram)) ==
             "# h histogram  \n" + native + " #{trace_id=\"t\"} 1@4250\n");
  BOOST_TEST(Read(page(kProtoHistogram), {true, true, false}) ==
             "# h histogram  \n" + native + "\n" + classic);
  BOOST_TEST(Read(page(kProtoHistogram), {false, false, false}) == "# h histogram  \n" + classic);
  BOOST_TEST(Read(page(kProtoGaugeHistogram), {true, false, false}) ==
             "# h gaugehistogram  \n" + native + " gauge\n");

  model::FloatHistogram f;
  model::ToFloat(h, f);
  f.count = 6.5;
  BOOST_TEST(Read(ProtoFamilyOf("f", kProtoHistogram,
                                {ProtoMetric(kProtoHistogram, {}, ProtoNative(f))})) ==
             "# f histogram  \nf f{count:6.5, sum:7.5, [-0.001,0.001]:1, "
             "(1,1.414213562373095]:2, (2,2.82842712474619]:3}\n");
  // Finer buckets than we have are made coarser; a span without buckets says that it is native.
  h.schema = 9;
  h.positive = {{{1, 3}}, {2, -1, 1}};
  h.count = 6;
  BOOST_TEST(Read(ProtoFamilyOf("n", kProtoHistogram,
                                {ProtoMetric(kProtoHistogram, {}, ProtoNative(h))})) ==
             "# n histogram  \nn i{count:6, sum:7.5, [-0.001,0.001]:1, (1,1.0027112750502025]:3, "
             "(1.0027112750502025,1.0054299011128027]:2}\n");
  model::Histogram none;
  none.positive.spans = {{0, 0}};
  BOOST_TEST(Read(ProtoFamilyOf("z", kProtoHistogram,
                                {ProtoMetric(kProtoHistogram, {}, ProtoNative(none))})) ==
             "# z histogram  \nz i{count:0, sum:0}\n");
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    RandomHistograms random(seed, {.gauge = seed % 2 == 1, .markers = 0});
    for (int i = 0; i < 30; ++i) {
      struct Sink final : ProtoSink {
        void Family(const ProtoFamily&) override {}
        Status Sample(const ProtoSeries&, double) override { return Status::Invalid("a float"); }
        Status Histogram(const ProtoSeries&,
                         std::variant<model::Histogram, model::FloatHistogram> v) override {
          value = std::move(v);
          return {};
        }
        std::variant<model::Histogram, model::FloatHistogram> value;
      } sink;
      model::Histogram h = random.Next();
      h.positive.spans.push_back({1, 0});  // or it may be taken for a classic one
      const auto read = [&](const auto& histogram) {
        const std::string page = ProtoFamilyOf(
            "h", kProtoHistogram, {ProtoMetric(kProtoHistogram, {}, ProtoNative(histogram))});
        const Status status = ParseProto(page, {true, false, false}, sink);
        BOOST_REQUIRE_MESSAGE(status.ok(), status.message());
      };
      read(h);
      BOOST_TEST(SameStored(std::get<model::Histogram>(sink.value), h));
      model::FloatHistogram f;
      model::ToFloat(h, f);
      if (f.count == 0) continue;
      read(f);
      BOOST_TEST(SameStored(std::get<model::FloatHistogram>(sink.value), f));
    }
  }
}

BOOST_AUTO_TEST_CASE(pages_that_are_none) {
  const std::string good =
      ProtoFamilyOf("g", kProtoGauge, {ProtoMetric(kProtoGauge, {}, ProtoValue(1))});
  const std::string shown = "# g gauge  \ng 1\n";
  BOOST_TEST(Read("") == "");
  BOOST_TEST(Read(good + good.substr(0, good.size() - 1)) ==
             shown + "! proto: the page ends within a message\n");
  const auto f = [&](ProtoType type, const std::string& name, const std::string& metric,
                     const std::string& want) {
    BOOST_TEST(Read(good + ProtoFamilyOf(name, type, {metric})) == shown + want);
  };
  f(kProtoGauge, "", ProtoMetric(kProtoGauge, {}, ""), "! invalid metric name: \n");
  f(static_cast<ProtoType>(9), "g", "", "! unknown metric type for metric \"g\": 9\n");
  f(kProtoGauge, "l", ProtoMetric(kProtoGauge, {{"a", "\xff"}}, ""),
    "# l gauge  \n! invalid label value: \"\\xff\"\n");
  f(kProtoGauge, "l", ProtoMetric(kProtoGauge, {{"", "x"}}, ""),
    "# l gauge  \n! invalid label name: \"\"\n");
  f(kProtoGauge, "l", ProtoMetric(kProtoGauge, {{"__name__", "x"}}, ""),
    "# l gauge  \n! label name \"__name__\" twice\n");
  model::Histogram h;
  h.positive = {{{0, 2}}, {1}};
  h.count = 1;
  f(kProtoHistogram, "h", ProtoMetric(kProtoHistogram, {}, ProtoNative(h)),
    "# h histogram  \n! histogram \"h\": positive side: spans need 2 buckets, have 1 buckets: "
    "histogram spans specify different number of buckets than provided\n");
  // Every cut and many flips: an answer, whichever.
  model::Histogram native;
  native.count = 3;
  native.positive = {{{0, 2}}, {1, 1}};
  const std::string page = ProtoFamilyOf(
      "h", kProtoHistogram, {ProtoMetric(kProtoHistogram, {{"a", "b"}}, ProtoNative(native))});
  for (size_t i = 0; i < page.size(); ++i) {
    (void)Read(page.substr(0, i));
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = page;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      (void)Read(flipped);
    }
  }
}

BOOST_AUTO_TEST_CASE(classic_histograms_may_become_native_ones) {
  const auto f = [](ProtoType type, const std::string& histogram, const ProtoOptions& options,
                    const std::string& want) {
    const std::string page =
        ProtoFamilyOf("h", type, {ProtoMetric(type, {{"a", "b"}}, histogram, 5000)});
    const std::string got = Read(page, options);
    BOOST_TEST(got.substr(got.find('\n') + 1) == want);
  };
  const ProtoOptions convert = {
      .native_histograms = true, .exemplars = true, .convert_classic = true};
  const std::string classic = ProtoClassic(6, 2.5, {{0.5, 1}, {2, 4}}, ProtoExemplar("t", 0.25, 7));
  const std::string custom = "h{a=\"b\"} i{count:6, sum:2.5, [-Inf,0.5]:1, (0.5,2]:3, (2,+Inf]:2}";
  const std::string exemplar = " #{trace_id=\"t\"} 0.25@7250";
  const std::string exemplars = " @5000" + exemplar + exemplar + "\n";
  const std::string series =
      "h_count{a=\"b\"} 6 @5000\nh_sum{a=\"b\"} 2.5 @5000\n"
      "h_bucket{a=\"b\", le=\"0.5\"} 1 @5000" +
      exemplar + "\n" + "h_bucket{a=\"b\", le=\"2.0\"} 4 @5000" + exemplar + "\n" +
      "h_bucket{a=\"b\", le=\"+Inf\"} 6 @5000\n";
  f(kProtoHistogram, classic, convert, custom + exemplars);
  f(kProtoGaugeHistogram, classic, convert, custom + " gauge" + exemplars);
  ProtoOptions both = convert;
  both.classic_too = true;
  f(kProtoHistogram, classic, both, custom + exemplars + series);

  // What is native is not converted, unless it is not taken as such.
  model::Histogram h;
  h.count = 6;
  h.positive = {{{1, 1}}, {6}};
  const std::string native = ProtoNative(h) + classic;
  f(kProtoHistogram, native, convert, "h{a=\"b\"} i{count:6, sum:2.5, (1,2]:6}" + exemplars);
  ProtoOptions no_native = convert;
  no_native.native_histograms = false;
  f(kProtoHistogram, native, no_native, custom + exemplars);
  f(kProtoHistogram, ProtoNative(h), no_native,
    "h{a=\"b\"} i{count:6, sum:0, [-Inf,+Inf]:6} @5000\n");

  // As in Prometheus, one that makes no sense ends the page.
  f(kProtoHistogram, ProtoClassic(6, 2.5, {{0.5, 4}, {2, 1}}), convert,
    "! histogram \"h\": count is not cumulative\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::exposition
