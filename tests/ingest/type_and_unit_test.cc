// --enable-feature=type-and-unit-labels: `__type__` and `__unit__` from what a page says of the
// family.

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "target.h"
#include "tests/support/proto_page.h"

namespace canopy::ingest {
namespace {

using namespace canopy::testing;  // the words of pages
using exposition::PageFormat;

PageRules Labelling() { return {.type_and_unit_labels = true}; }
PageRules Relabelling(const model::RelabelConfig& config) {
  PageRules rules = Labelling();
  rules.metric_relabel = *model::RelabelRules::Compile(std::vector{config});
  return rules;
}

// What the store has of one page.
std::string Stored(const std::string& page, PageFormat format, PageRules rules = Labelling()) {
  TestTarget t(std::move(rules), {});
  const ScrapeReport report = t.pages.Store(t.Now(), page, format, t.scratch);
  return report.error.ok() ? t.store.Text() : report.error.message();
}

BOOST_AUTO_TEST_SUITE(type_and_unit_labels)

BOOST_AUTO_TEST_CASE(text_pages_say_types) {
  auto f = [](const std::string& page, const std::string& want) {
    BOOST_TEST_CONTEXT(page) { BOOST_TEST(Stored(page, PageFormat::kText) == want); }
  };
  f("# TYPE a counter\na 1\na{x=\"1\"} 2\n",
    "a{__type__=\"counter\"} 1@1000\na{__type__=\"counter\", x=\"1\"} 2@1000\n");
  f("# TYPE a gauge\na 1\n", "a{__type__=\"gauge\"} 1@1000\n");
  f("# TYPE a untyped\na 1\n", "a 1@1000\n");
  f("a 1\n", "a 1@1000\n");
  f("# HELP a gauge\na 1\n", "a 1@1000\n");
  f("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 2\na_count 3\n",
    "a_bucket{__type__=\"histogram\", le=\"1.0\"} 1@1000\na_count{__type__=\"histogram\"} 3@1000\n"
    "a_sum{__type__=\"histogram\"} 2@1000\n");
  f("# TYPE a summary\na{quantile=\"0.5\"} 1\na_sum 2\na_count 3\n",
    "a{__type__=\"summary\", quantile=\"0.5\"} 1@1000\na_count{__type__=\"summary\"} 3@1000\n"
    "a_sum{__type__=\"summary\"} 2@1000\n");
  // The text format has no units: this is a comment.
  f("# TYPE a_s gauge\n# UNIT a_s s\na_s 1\n", "a_s{__type__=\"gauge\"} 1@1000\n");
}

BOOST_AUTO_TEST_CASE(a_type_is_of_its_family_alone) {
  auto f = [](const std::string& page, const std::string& want) {
    BOOST_TEST_CONTEXT(page) { BOOST_TEST(Stored(page, PageFormat::kText) == want); }
  };
  f("# TYPE a counter\na_total 1\nb 1\n", "a_total{__type__=\"counter\"} 1@1000\nb 1@1000\n");
  f("# TYPE a gauge\na_total 1\na_b 1\nab 1\n", "a_b 1@1000\na_total 1@1000\nab 1@1000\n");
  f("# TYPE a gauge\n# TYPE b counter\na 1\nb 1\n", "a 1@1000\nb{__type__=\"counter\"} 1@1000\n");
  f("# TYPE \"a.b\" counter\n{\"a.b_total\"} 1\n{\"a.c_total\"} 1\n",
    "{\"a.b_total\", __type__=\"counter\"} 1@1000\n{\"a.c_total\"} 1@1000\n");
}

BOOST_AUTO_TEST_CASE(open_metrics_says_types_and_units) {
  auto f = [](const std::string& page, const std::string& want) {
    BOOST_TEST_CONTEXT(page) {
      BOOST_TEST(Stored(page + "# EOF\n", PageFormat::kOpenMetrics) == want);
    }
  };
  const std::string both = R"(a_s_total{__type__="counter", __unit__="s"} 1@1000)"
                           "\n";
  f("# TYPE a_s counter\n# UNIT a_s s\na_s_total 1\n", both);
  f("# UNIT a_s s\n# HELP a_s Of a.\n# TYPE a_s counter\na_s_total 1\n", both);
  f("# TYPE a_s counter\n# UNIT a_s \na_s_total 1\n", "a_s_total{__type__=\"counter\"} 1@1000\n");
  f("# UNIT a_s s\na_s 1\na_s_total 1\n", "a_s{__unit__=\"s\"} 1@1000\na_s_total 1@1000\n");
  f("# TYPE a_s unknown\n# UNIT a_s s\na_s 1\n", "a_s{__unit__=\"s\"} 1@1000\n");
  f("# TYPE a info\na_info{v=\"1\"} 1\n", "a_info{__type__=\"info\", v=\"1\"} 1@1000\n");
  f("# TYPE a stateset\na{a=\"b\"} 1\n", "a{__type__=\"stateset\", a=\"b\"} 1@1000\n");
  f("# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gcount 1\na_gsum 2\n",
    "a_bucket{__type__=\"gaugehistogram\", le=\"+Inf\"} 1@1000\n"
    "a_gcount{__type__=\"gaugehistogram\"} 1@1000\na_gsum{__type__=\"gaugehistogram\"} 2@1000\n");
  f("# TYPE a_s counter\n# UNIT a_s s\na_s_total 1\na_s_created 2\n",
    "a_s_created{__type__=\"counter\", __unit__=\"s\"} 2@1000\n" + both);
}

BOOST_AUTO_TEST_CASE(a_unit_is_of_its_family_alone) {
  auto f = [](const std::string& page, const std::string& want) {
    BOOST_TEST_CONTEXT(page) {
      BOOST_TEST(Stored(page + "# EOF\n", PageFormat::kOpenMetrics) == want);
    }
  };
  const std::string a = "# TYPE a_s gauge\n# UNIT a_s s\na_s 1\n";
  const std::string stored = "a_s{__type__=\"gauge\", __unit__=\"s\"} 1@1000\n";
  f(a + "# TYPE b_s gauge\nb_s 1\n", stored + "b_s{__type__=\"gauge\"} 1@1000\n");
  f(a + "# HELP b_s Of b.\nb_s 1\n", stored + "b_s 1@1000\n");
  f(a + "# UNIT b_s s\nb_s 1\n", stored + "b_s{__unit__=\"s\"} 1@1000\n");
  // A family in two halves is no OpenMetrics, but taken.
  f("# TYPE a_s gauge\na_s 1\n# UNIT a_s s\na_s{x=\"1\"} 1\n",
    "a_s{__type__=\"gauge\"} 1@1000\na_s{__type__=\"gauge\", __unit__=\"s\", x=\"1\"} 1@1000\n");
  f("# UNIT a_s s\n# TYPE b gauge\na_s 1\n", "a_s 1@1000\n");
}

BOOST_AUTO_TEST_CASE(protobuf_says_types_and_units) {
  auto f = [](const std::string& page, const std::string& want) {
    BOOST_TEST(Stored(page, PageFormat::kProto) == want);
  };
  const auto value = [](ProtoType type, const std::map<std::string, std::string>& labels = {}) {
    return std::vector{ProtoMetric(type, labels, ProtoValue(1))};
  };
  f(ProtoFamilyOf("a", kProtoCounter, value(kProtoCounter), "", "s"),
    "a{__type__=\"counter\", __unit__=\"s\"} 1@1000\n");
  f(ProtoFamilyOf("a", kProtoCounter, value(kProtoCounter), "", "s") +
        ProtoFamilyOf("b", kProtoGauge, value(kProtoGauge)),
    "a{__type__=\"counter\", __unit__=\"s\"} 1@1000\nb{__type__=\"gauge\"} 1@1000\n");
  f(ProtoFamilyOf("a", kProtoUntyped, value(kProtoUntyped), "", "s"), "a{__unit__=\"s\"} 1@1000\n");
  f(ProtoFamilyOf("a", kProtoHistogram, {ProtoMetric(kProtoHistogram, {}, ProtoClassic(3, 2, {}))}),
    "a_bucket{__type__=\"histogram\", le=\"+Inf\"} 3@1000\n"
    "a_count{__type__=\"histogram\"} 3@1000\na_sum{__type__=\"histogram\"} 2@1000\n");
  f(ProtoFamilyOf("a", kProtoGauge, value(kProtoGauge, {{"__type__", "x"}, {"__unit__", "y"}}), "",
                  "s") +
        ProtoFamilyOf("b", kProtoUntyped,
                      value(kProtoUntyped, {{"__type__", "x"}, {"__unit__", "y"}})),
    "a{__type__=\"gauge\", __unit__=\"s\"} 1@1000\nb{__type__=\"x\", __unit__=\"y\"} 1@1000\n");
  f(ProtoFamilyOf("a", kProtoGauge, value(kProtoGauge), "", "\xff"),
    "invalid unit of metric \"a\": \"\\xff\"");
}

BOOST_AUTO_TEST_CASE(native_histograms_have_types_too) {
  model::Histogram native;
  native.count = 3;
  native.positive = {{{1, 1}}, {3}};
  const std::string page =
      ProtoFamilyOf("a", kProtoGaugeHistogram,
                    {ProtoMetric(kProtoGaugeHistogram, {}, ProtoNative(native))}, "", "s");
  PageRules rules = Labelling();
  rules.native_histograms = true;
  BOOST_TEST(Stored(page, PageFormat::kProto, rules) ==
             "a{__type__=\"gaugehistogram\", __unit__=\"s\"} i{count:3, sum:0, (1,2]:3}@1000\n");
}

BOOST_AUTO_TEST_CASE(converted_histograms_have_types_and_units) {
  PageRules rules = Labelling();
  rules.convert_classic_histograms = true;
  TestTarget t(rules, {});
  const std::string series = "a_s_bucket{le=\"+Inf\"} 1\na_s_count 1\na_s_sum 2\n";
  const auto page = [&](const std::string& unit) {
    return "# TYPE a_s histogram\n" + unit + series + "# TYPE b gauge\nb 1\n# EOF\n";
  };
  for (const std::string unit : {"# UNIT a_s s\n", "# UNIT a_s s\n", "", "# UNIT a_s s\n"})
    BOOST_TEST(t.OpenMetrics(page(unit)).error.ok());
  const std::string h = "i{count:1, sum:2, [-Inf,+Inf]:1}";
  BOOST_TEST(t.store.Text() == "a_s{__type__=\"histogram\"} " + h + "@3000 stale@4000\n" +
                                   "a_s{__type__=\"histogram\", __unit__=\"s\"} " + h + "@1000 " +
                                   h + "@2000 stale@3000 " + h + "@4000\n" +
                                   "b{__type__=\"gauge\"} 1@1000 1@2000 1@3000 1@4000\n");
  // What the page writes makes no histogram of its own.
  const std::string written =
      "# TYPE a histogram\na_bucket{__type__=\"x\",le=\"+Inf\"} 1\na_count{__type__=\"y\"} 1\n";
  BOOST_TEST(Stored(written, PageFormat::kText, rules) ==
             "a{__type__=\"histogram\"} i{count:1, sum:0, [-Inf,+Inf]:1}@1000\n");
}

BOOST_AUTO_TEST_CASE(what_a_page_writes_gives_way_to_what_it_says) {
  auto f = [](const std::string& page, const std::string& want) {
    BOOST_TEST_CONTEXT(page) {
      BOOST_TEST(Stored(page + "# EOF\n", PageFormat::kOpenMetrics) == want);
    }
  };
  const std::string line = "a_s{__type__=\"x\",__unit__=\"y\"} 1\n";
  f("# TYPE a_s gauge\n# UNIT a_s s\n" + line, "a_s{__type__=\"gauge\", __unit__=\"s\"} 1@1000\n");
  f("# TYPE a_s gauge\n" + line, "a_s{__type__=\"gauge\", __unit__=\"y\"} 1@1000\n");
  f("# UNIT a_s s\n" + line, "a_s{__type__=\"x\", __unit__=\"s\"} 1@1000\n");
  f("# TYPE a_s unknown\n" + line, "a_s{__type__=\"x\", __unit__=\"y\"} 1@1000\n");
  f("# TYPE b gauge\n" + line, "a_s{__type__=\"x\", __unit__=\"y\"} 1@1000\n");
  f("# TYPE a_s gauge\na_s{__type__=\"\"} 1\n", "a_s{__type__=\"gauge\"} 1@1000\n");
}

BOOST_AUTO_TEST_CASE(a_known_page_stays_known) {
  const std::string text =
      "# TYPE a counter\na 1\na{x=\"1\"} 2\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 2\nb "
      "1\n";
  const std::string open_metrics =
      "# TYPE a_s counter\n# UNIT a_s s\na_s_total 1\n# TYPE b gauge\nb 1\n# EOF\n";
  TestTarget t(Labelling(), {});
  BOOST_TEST(t.Text(text).added == 5u);
  BOOST_TEST(t.Text(text).added == 0u);
  TestTarget o(Labelling(), {});
  BOOST_TEST(o.OpenMetrics(open_metrics).added == 2u);
  BOOST_TEST(o.OpenMetrics(open_metrics).added == 0u);
  // A line that comes between makes the rest be looked up, not new.
  BOOST_TEST(o.OpenMetrics("c 1\n" + open_metrics).added == 1u);
  BOOST_TEST(o.OpenMetrics(open_metrics).added == 0u);
}

BOOST_AUTO_TEST_CASE(another_type_is_another_series) {
  TestTarget t(Labelling(), {});
  (void)t.Text("# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n");
  (void)t.Text("# TYPE a gauge\na 2\n# TYPE b gauge\nb 2\n");
  (void)t.Text("a 3\n# TYPE b gauge\nb 3\n");
  (void)t.Text("# TYPE a gauge\na 4\n# TYPE b gauge\nb 4\n");
  BOOST_TEST(t.store.Text() ==
             "a 3@3000 stale@4000\na{__type__=\"counter\"} 1@1000 stale@2000\n"
             "a{__type__=\"gauge\"} 2@2000 stale@3000 4@4000\n"
             "b{__type__=\"gauge\"} 1@1000 2@2000 3@3000 4@4000\n");
}

BOOST_AUTO_TEST_CASE(another_unit_is_another_series) {
  TestTarget t(Labelling(), {});
  const auto page = [](const std::string& unit, const std::string& value) {
    return "# TYPE a_m_s gauge\n" + unit + "a_m_s " + value + "\n# TYPE b gauge\nb " + value +
           "\n# EOF\n";
  };
  (void)t.OpenMetrics(page("# UNIT a_m_s s\n", "1"));
  (void)t.OpenMetrics(page("# UNIT a_m_s m_s\n", "2"));
  (void)t.OpenMetrics(page("", "3"));
  (void)t.OpenMetrics(page("# UNIT a_m_s s\n", "4"));
  BOOST_TEST(t.store.Text() ==
             "a_m_s{__type__=\"gauge\"} 3@3000 stale@4000\n"
             "a_m_s{__type__=\"gauge\", __unit__=\"m_s\"} 2@2000 stale@3000\n"
             "a_m_s{__type__=\"gauge\", __unit__=\"s\"} 1@1000 stale@2000 4@4000\n"
             "b{__type__=\"gauge\"} 1@1000 2@2000 3@3000 4@4000\n");
}

BOOST_AUTO_TEST_CASE(so_it_is_in_protobuf) {
  TestTarget t(Labelling(), {});
  const auto store = [&](ProtoType type, const std::string& unit, double value) {
    const std::string page =
        ProtoFamilyOf("a", type, {ProtoMetric(type, {}, ProtoValue(value))}, "", unit);
    return t.pages.Store(t.Now(), page, PageFormat::kProto, t.scratch).added;
  };
  BOOST_TEST(store(kProtoGauge, "s", 1) == 1u);
  BOOST_TEST(store(kProtoGauge, "s", 2) == 0u);
  BOOST_TEST(store(kProtoCounter, "s", 3) == 1u);
  BOOST_TEST(store(kProtoCounter, "m", 4) == 1u);
  BOOST_TEST(t.store.Text() ==
             "a{__type__=\"counter\", __unit__=\"m\"} 4@4000\n"
             "a{__type__=\"counter\", __unit__=\"s\"} 3@3000 stale@4000\n"
             "a{__type__=\"gauge\", __unit__=\"s\"} 1@1000 2@2000 stale@3000\n");
}

BOOST_AUTO_TEST_CASE(one_page_may_have_a_name_under_two_types) {
  TestTarget t(Labelling(), {});
  for (int i = 0; i < 2; ++i) {
    const ScrapeReport report = t.Text("# TYPE a counter\na 1\n# TYPE a gauge\na 2\n");
    BOOST_TEST(report.kept == 2u);
    BOOST_TEST(report.added == (i == 0 ? 2u : 0u));
  }
  BOOST_TEST(t.store.Text() ==
             "a{__type__=\"counter\"} 1@1000 1@2000\na{__type__=\"gauge\"} 2@1000 2@2000\n");
}

BOOST_AUTO_TEST_CASE(relabelling_sees_them) {
  const std::string page = "# TYPE a counter\na 1\n# TYPE b gauge\nb 1\nc 1\n";
  model::RelabelConfig keep;
  keep.source_labels = {"__type__"};
  keep.regex = "counter";
  keep.action = model::RelabelAction::kKeep;
  BOOST_TEST(Stored(page, PageFormat::kText, Relabelling(keep)) ==
             "a{__type__=\"counter\"} 1@1000\n");
  model::RelabelConfig drop;
  drop.regex = "__type__";
  drop.action = model::RelabelAction::kLabelDrop;
  BOOST_TEST(Stored(page, PageFormat::kText, Relabelling(drop)) ==
             "a 1@1000\nb 1@1000\nc 1@1000\n");
  // The type is that of the page's name.
  model::RelabelConfig rename;
  rename.source_labels = {"__name__"};
  rename.regex = "c";
  rename.target_label = "__name__";
  rename.replacement = "a";
  BOOST_TEST(Stored("# TYPE a counter\nc 1\n", PageFormat::kText, Relabelling(rename)) ==
             "a 1@1000\n");
}

BOOST_AUTO_TEST_CASE(they_count_as_labels) {
  PageRules rules = Labelling();
  rules.label_limit = 2;
  BOOST_TEST(Stored("# TYPE a counter\na 1\n", PageFormat::kText, rules) ==
             "a{__type__=\"counter\"} 1@1000\n");
  BOOST_TEST(Stored("# TYPE a counter\na{x=\"1\"} 1\n", PageFormat::kText, rules) ==
             "label_limit exceeded (metric: a, number of labels: 3, limit: 2)");
}

BOOST_AUTO_TEST_CASE(labels_of_the_target_come_as_ever) {
  for (const bool honor : {false, true}) {
    PageRules rules = Labelling();
    rules.honor_labels = honor;
    TestTarget t(rules, {{"job", "j"}});
    (void)t.Text("# TYPE a counter\na{job=\"own\",__type__=\"x\"} 1\n");
    BOOST_TEST(t.store.Text() ==
               (honor ? "a{__type__=\"counter\", job=\"own\"} 1@1000\n"
                      : "a{__type__=\"counter\", exported_job=\"own\", job=\"j\"} 1@1000\n"));
  }
}

// As in Prometheus, though it says gauge of them elsewhere.
BOOST_AUTO_TEST_CASE(series_about_the_scrape_have_none) {
  TestTarget t(Labelling(), {});
  (void)t.Text("# TYPE up counter\n");
  for (const auto& [labels, samples] : t.store.series) BOOST_TEST(labels.size() == 1u);
  BOOST_TEST(t.store.series.size() == 5u);
}

BOOST_AUTO_TEST_CASE(without_the_feature_nothing_is_added_or_taken) {
  const std::string page = "# TYPE a_s gauge\n# UNIT a_s s\na_s 1\na_s{__type__=\"x\"} 2\n# EOF\n";
  BOOST_TEST(Stored(page, PageFormat::kOpenMetrics, {}) ==
             "a_s 1@1000\na_s{__type__=\"x\"} 2@1000\n");
  BOOST_TEST(
      Stored(ProtoFamilyOf("a", kProtoGauge,
                           {ProtoMetric(kProtoGauge, {{"__type__", "x"}}, ProtoValue(1))}, "", "s"),
             PageFormat::kProto, {}) == "a{__type__=\"x\"} 1@1000\n");
}

BOOST_AUTO_TEST_CASE(with_start_times_counters_keep_both) {
  PageRules rules = Labelling();
  rules.start_times = true;
  TestTarget t(rules, {});
  for (int i = 0; i < 2; ++i) {
    (void)t.OpenMetrics(
        "# TYPE a_s counter\n# UNIT a_s s\na_s_total 1\na_s_created 1.5\n"
        "# TYPE b_s histogram\n# UNIT b_s s\nb_s_count 1\nb_s_created 2\n# EOF\n");
    BOOST_TEST(t.Starts() ==
               "a_s_total{__type__=\"counter\", __unit__=\"s\"} 1500\n"
               "b_s_count{__type__=\"histogram\", __unit__=\"s\"} 2000\n");
  }
}

// Lines of OpenMetrics in any order, page after page, with what changes between them.
class Pages {
 public:
  explicit Pages(uint32_t seed) : random_(seed) {}

  size_t Below(size_t n) { return random_() % n; }

  std::string Next() {
    for (size_t changes = Below(3) == 0 ? Below(5) : 0; changes > 0; --changes) Change();
    // All say the same: which of two lines of one series wins is not promised.
    const std::string value = " " + std::to_string(Below(9)) + "\n";
    std::string page;
    for (const std::string& line : lines_) page += line + (line.starts_with('#') ? "\n" : value);
    return page + "# EOF\n";
  }

 private:
  void Change() {
    static const std::vector<std::string> kLines = {"# TYPE a_s counter",
                                                    "# TYPE a_s gauge",
                                                    "# TYPE a_s histogram",
                                                    "# TYPE a_s unknown",
                                                    "# TYPE b_s gauge",
                                                    "# TYPE b_s histogram",
                                                    "# TYPE b_m_s gauge",
                                                    "# UNIT a_s s",
                                                    "# UNIT a_s ",
                                                    "# UNIT b_s s",
                                                    "# UNIT b_m_s s",
                                                    "# UNIT b_m_s m_s",
                                                    "# HELP a_s Of a.",
                                                    "a_s",
                                                    "a_s_total",
                                                    "a_s_created",
                                                    "a_s_count",
                                                    "a_s{__type__=\"x\"}",
                                                    "a_s_bucket{le=\"+Inf\"}",
                                                    "a_s{__unit__=\"y\"}",
                                                    "b_s",
                                                    "b_s_bucket{le=\"+Inf\"}",
                                                    "b_s_count",
                                                    "b_m_s"};
    const size_t at = lines_.empty() ? 0 : Below(lines_.size());
    const auto it = lines_.begin() + static_cast<std::ptrdiff_t>(at);
    if (lines_.size() < 15 && Below(3) != 0) {
      lines_.insert(it, kLines[Below(kLines.size())]);
    } else if (!lines_.empty()) {
      lines_.erase(it);
    }
  }

  std::mt19937 random_;
  std::vector<std::string> lines_;
};

bool IsOfPage(const model::Labels& labels) {
  return labels.metric_name() != "up" && !labels.metric_name().starts_with("scrape_");
}

// Of a page, as if it were the first.
std::map<model::Labels, model::Sample> Alone(const PageRules& rules, const Scrape& scrape,
                                             const std::string& page) {
  TestTarget fresh(rules, {});
  (void)fresh.pages.Store(scrape, page, PageFormat::kOpenMetrics, fresh.scratch);
  std::map<model::Labels, model::Sample> out;
  for (const auto& [labels, samples] : fresh.store.series)
    if (IsOfPage(labels)) out[labels] = samples.front();
  return out;
}

void Remember(uint32_t seed) {
  Pages pages(seed);
  PageRules rules = Labelling();
  rules.convert_classic_histograms = pages.Below(2) == 0;
  rules.classic_histograms_too = pages.Below(2) == 0;
  rules.start_times = pages.Below(3) == 0;
  const bool forget = pages.Below(2) == 0;
  TestTarget t(rules, {});
  std::map<model::Labels, model::Sample> before;
  for (int round = 0; round < 40; ++round) {
    const Scrape scrape = t.Now();
    if (forget && pages.Below(5) == 0) t.store.ForgetSome(pages.Below(3) + 1);
    const std::string page = pages.Next();
    BOOST_TEST_CONTEXT("seed " << seed << " round " << round << " page\n" << page) {
      (void)t.pages.Store(scrape, page, PageFormat::kOpenMetrics, t.scratch);
      const auto now = Alone(rules, scrape, page);
      for (const auto& [labels, sample] : now) {
        BOOST_TEST_CONTEXT(labels.ToString()) {
          BOOST_TEST_REQUIRE(!t.store.series[labels].empty());
          const model::Sample& stored = t.store.series[labels].back();
          BOOST_TEST_REQUIRE(stored.time.ms() == scrape.time.ms());
          // A float and a histogram of the same labels: either may be first.
          if (!rules.convert_classic_histograms)
            BOOST_TEST_REQUIRE(model::SameBits(stored.value, sample.value));
        }
      }
      for (const auto& [labels, samples] : t.store.series) {
        if (!IsOfPage(labels) || now.contains(labels)) continue;
        const bool ends = samples.back().time == scrape.time;
        BOOST_TEST_CONTEXT(labels.ToString()) {
          // One that the store has dropped does not end.
          BOOST_TEST_REQUIRE((ends == before.contains(labels) || (forget && !ends)));
          BOOST_TEST_REQUIRE((!ends || model::IsStale(samples.back().value)));
        }
      }
      before = now;
    }
  }
}

BOOST_AUTO_TEST_CASE(memory_of_the_last_page_changes_nothing) {
  const uint32_t seed = std::random_device()();
  BOOST_TEST_MESSAGE("seeds from " << seed);
  for (uint32_t i = 0; i < 300; ++i) Remember(seed + i);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace canopy::ingest
