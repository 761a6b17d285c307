#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "canopy/base/number.h"
#include "canopy/exposition/proto.h"
#include "canopy/federation/page.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/net/compress.h"
#include "canopy/storage/merge.h"
#include "tests/api/node.h"
#include "tests/net/raw_tcp.h"

// Bodies are those of prometheus/prometheus@d15adb9ad7 web/federate_test.go, and of the server run
// by hand.

namespace canopy::testing {
namespace {

constexpr std::string_view kText = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

// The data of Prometheus's own tests: a sample each minute until 100 min; now is 101 min.
void Fill(Node& node) {
  const Duration minute(60'000);
  node.store.Load(minute, R"(test_metric1{foo="bar",instance="i"} 0+100x100)");
  node.store.Load(minute, R"(test_metric1{foo="boo",instance="i"} 1+0x100)");
  node.store.Load(minute, R"(test_metric2{foo="boo",instance="i"} 1+0x100)");
  node.store.Load(minute, "test_metric_without_labels 1+10x100");
  node.store.Load(minute, "test_metric_stale 1+10x99 stale");
  node.store.Load(minute, "test_metric_old 1+10x98");
  node.store.Load(minute, R"({instance="nameless"} 1x100)");
  node.clock.Set(Timestamp::FromMs(101 * 60'000));
}

struct FederatingNode : Node {
  explicit FederatingNode(api::Options options = {}, bool ready = true)
      : Node(std::move(options), ready) {
    Fill(*this);
  }
  double errors() {
    return metrics.AddCounter("prometheus_web_federation_errors_total", "").value();
  }
};

std::string Target(std::vector<std::string> selectors) {
  std::string out = "/federate";
  for (const std::string& selector : selectors)
    out += (out.find('?') == std::string::npos ? "?match[]=" : "&match[]=") +
           net::QueryEscape(selector);
  return out;
}

// The page with the lines of each family sorted: their order there is nobody's promise.
std::string Sorted(std::string_view page) {
  std::vector<std::string> lines;
  size_t family = 0;
  while (!page.empty()) {
    const size_t end = page.find('\n');
    BOOST_REQUIRE(end != std::string_view::npos);
    const std::string line(page.substr(0, end + 1));
    if (line.starts_with("#")) {
      std::sort(lines.begin() + static_cast<ptrdiff_t>(family), lines.end());
      family = lines.size() + 1;
    }
    lines.push_back(line);
    page.remove_prefix(end + 1);
  }
  std::sort(lines.begin() + static_cast<ptrdiff_t>(std::min(family, lines.size())), lines.end());
  std::string out;
  for (const std::string& line : lines) out += line;
  return out;
}

// "200 <page>"
std::string Page(Node& node, std::vector<std::string> selectors) {
  const FakeResponse r = node.Get(Target(std::move(selectors)));
  return std::to_string(r.status()) + " " + (r.status() == 200 ? Sorted(r.body()) : r.body());
}

constexpr std::string_view kMetric1 = R"(# TYPE test_metric1 untyped
test_metric1{foo="bar",instance="i"} 10000 6000000
test_metric1{foo="boo",instance="i"} 1 6000000
)";
constexpr std::string_view kOld = R"(# TYPE test_metric_old untyped
test_metric_old{instance=""} 981 5880000
)";
constexpr std::string_view kEverything = R"(# TYPE test_metric1 untyped
test_metric1{foo="bar",instance="i"} 10000 6000000
test_metric1{foo="boo",instance="i"} 1 6000000
# TYPE test_metric2 untyped
test_metric2{foo="boo",instance="i"} 1 6000000
# TYPE test_metric_old untyped
test_metric_old{instance=""} 981 5880000
# TYPE test_metric_without_labels untyped
test_metric_without_labels{instance=""} 1001 6000000
)";

std::string Ok(std::string_view page) { return "200 " + std::string(page); }

BOOST_AUTO_TEST_CASE(selectors_choose_series) {
  FederatingNode node;
  BOOST_TEST(Page(node, {}) == "200 ");
  BOOST_TEST(Page(node, {"does_not_exist"}) == "200 ");
  BOOST_TEST(node.Answer("/federate?other=1&time=5") == "200 ");
  BOOST_TEST(Page(node, {"test_metric1"}) == Ok(kMetric1));
  BOOST_TEST(Page(node, {R"({foo="boo"})"}) == Ok(R"(# TYPE test_metric1 untyped
test_metric1{foo="boo",instance="i"} 1 6000000
# TYPE test_metric2 untyped
test_metric2{foo="boo",instance="i"} 1 6000000
)"));
  // Series without a label match its empty value.
  BOOST_TEST(Page(node, {R"({foo='',__name__=~"test.*d"})"}) == Ok(kOld));
  // Selectors that match everything are fine here; a series without a name cannot be shown.
  for (const char* all : {"{}", R"({job=~".*"})"}) BOOST_TEST(Page(node, {all}) == Ok(kEverything));
  // A union: what several selectors match comes once.
  BOOST_TEST(Page(node, {"test_metric1", R"({foo="bar"})", "test_metric1", "test_metric_old"}) ==
             Ok(std::string(kMetric1) + std::string(kOld)));
  BOOST_TEST(node.errors() == 0);
}

BOOST_AUTO_TEST_CASE(the_newest_sample_within_the_lookback) {
  FederatingNode node;
  BOOST_TEST(Page(node, {"test_metric_stale"}) == "200 ");
  BOOST_TEST(Page(node, {"test_metric_old"}) == Ok(kOld));
  // Five minutes, both ends included: the newest sample of test_metric_old is of 98 min.
  node.clock.Set(Timestamp::FromMs(103 * 60'000));
  BOOST_TEST(Page(node, {"test_metric_old"}) == Ok(kOld));
  node.clock.Set(Timestamp::FromMs(103 * 60'000 + 1));
  BOOST_TEST(Page(node, {"test_metric_old"}) == "200 ");
  // What lies ahead of the clock does not count.
  node.clock.Set(Timestamp::FromMs(90 * 60'000 + 1));
  BOOST_TEST(Page(node, {R"(test_metric1{foo="bar"})"}) ==
             Ok("# TYPE test_metric1 untyped\n"
                "test_metric1{foo=\"bar\",instance=\"i\"} 9000 5400000\n"));

  FederatingNode shortsighted(With([](api::Options& o) { o.lookback_delta = Duration(60'000); }));
  BOOST_TEST(Page(shortsighted, {R"(test_metric2)", "test_metric_old"}) ==
             Ok("# TYPE test_metric2 untyped\n"
                "test_metric2{foo=\"boo\",instance=\"i\"} 1 6000000\n"));
}

BOOST_AUTO_TEST_CASE(text_has_no_native_histograms) {
  FederatingNode node;
  const Duration minute(60'000);
  const std::string h = "{{schema:0 sum:5 count:4 buckets:[1 2 1]}}";
  node.store.Load(minute, "latency " + h + "x100");
  node.store.Load(minute, R"(mixed{instance="was_float"} 1x99 )" + h);
  node.store.Load(minute, R"(mixed{instance="is_float"} )" + h + "x99 2");
  BOOST_TEST(Page(node, {"latency"}) == "200 ");
  BOOST_TEST(
      Page(node, {"latency", "mixed", "test_metric_old"}) ==
      Ok("# TYPE mixed untyped\nmixed{instance=\"is_float\"} 2 6000000\n" + std::string(kOld)));
  BOOST_TEST(node.errors() == 0);
}

// Each sample of a protobuf page in a line, families as "# name type".
std::string ProtoLines(std::string_view page) {
  struct Lines final : exposition::ProtoSink {
    void Family(const exposition::ProtoFamily& family) override {
      text.append("# ").append(family.name).append(" ");
      text.append(model::MetricTypeText(family.type)).append("\n");
    }
    Status Sample(const exposition::ProtoSeries& series, double value) override {
      std::string shown;
      base::AppendFloatShortest(shown, value);
      return Line(series, shown);
    }
    Status Histogram(const exposition::ProtoSeries& series,
                     std::variant<model::Histogram, model::FloatHistogram> value) override {
      // Always of floats.
      return Line(series, model::ToString(std::get<model::FloatHistogram>(value)));
    }
    Status Line(const exposition::ProtoSeries& series, const std::string& value) {
      model::LabelsBuilder labels;
      CANOPY_RETURN_IF_ERROR(AddLabels(series, labels));
      text +=
          labels.Build().ToString() + " " + value + " " + std::to_string(series.time->ms()) + "\n";
      return {};
    }
    std::string text;
  } lines;
  const Status status = exposition::ParseProto(page, {.native_histograms = true}, lines);
  BOOST_TEST(status.ok(), status.message());
  return lines.text;
}

constexpr const char* kProtoAccept =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

// Floats, counters, gauges and custom buckets under one name: four families in protobuf, floats and
// classic histograms in text.
BOOST_AUTO_TEST_CASE(native_histograms_are_federated_in_protobuf) {
  FederatingNode node;
  const Duration minute(60'000);
  const auto load = [&](const char* kind, const std::string& value) {
    node.store.Load(minute,
                    "mixed{instance=\"i\",kind=\"" + std::string(kind) + "\"} " + value + "x100");
  };
  load("a_float", "7");
  load("b_counter", "{{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2]}}");
  load("c_gauge", "{{schema:0 sum:5 count:3 buckets:[1 2] counter_reset_hint:gauge}}");
  load("d_custom", "{{schema:-53 sum:5 count:6 custom_values:[0.5 1 2.5] buckets:[1 0 2 3]}}");
  FakeRequest request("GET", Target({"mixed"}));
  request.With("Accept", kProtoAccept);
  const FakeResponse r = node.Serve(request);
  BOOST_TEST(r.header("Content-Type") ==
             "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
             "encoding=delimited; escaping=underscores");
  const auto lines = ProtoLines(r.body());
  std::string want =
      "# mixed unknown\nmixed{instance=\"i\", kind=\"a_float\"} 7 6000000\n"
      "# mixed histogram\nmixed{instance=\"i\", kind=\"b_counter\"} "
      "{count:4, sum:5, [-0.5,0.5]:1, (0.5,1]:1, (2,4]:2} 6000000\n"
      "# mixed gaugehistogram\nmixed{instance=\"i\", kind=\"c_gauge\"} "
      "{count:3, sum:5, (0.5,1]:1, (1,2]:2} 6000000\n"
      "# mixed histogram\n";
  for (const char* part : {"_count| 6", "_sum| 5", "_bucket|0.5 1", "_bucket|1.0 1",
                           "_bucket|2.5 3", "_bucket|+Inf 6"}) {
    const std::string_view all(part);
    const size_t bar = all.find('|');
    const size_t blank = all.find(' ');
    const std::string le(all.substr(bar + 1, blank - bar - 1));
    want.append("mixed").append(all.substr(0, bar)).append("{instance=\"i\", kind=\"d_custom\"");
    if (!le.empty()) want.append(", le=\"" + le + "\"");
    want.append("}").append(all.substr(blank)).append(" 6000000\n");
  }
  // The order of series within a name is nobody's promise, and the store's is another.
  const auto sorted = [](const std::string& text) {
    std::vector<std::string> out;
    for (size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1)
      out.push_back(text.substr(begin, text.find('\n', begin) - begin));
    std::sort(out.begin(), out.end());
    return out;
  };
  BOOST_TEST(sorted(lines) == sorted(want), boost::test_tools::per_element());

  const std::string classic =
      "# TYPE mixed histogram\n"
      "mixed_bucket{instance=\"i\",kind=\"d_custom\",le=\"0.5\"} 1 6000000\n"
      "mixed_bucket{instance=\"i\",kind=\"d_custom\",le=\"1\"} 1 6000000\n"
      "mixed_bucket{instance=\"i\",kind=\"d_custom\",le=\"2.5\"} 3 6000000\n"
      "mixed_bucket{instance=\"i\",kind=\"d_custom\",le=\"+Inf\"} 6 6000000\n"
      "mixed_sum{instance=\"i\",kind=\"d_custom\"} 5 6000000\n"
      "mixed_count{instance=\"i\",kind=\"d_custom\"} 6 6000000\n";
  const std::string untyped =
      "# TYPE mixed untyped\nmixed{instance=\"i\",kind=\"a_float\"} 7 6000000\n";
  const std::string body = std::string(node.Get(Target({"mixed"})).body());
  BOOST_TEST((body == classic + untyped || body == untyped + classic), body);
  BOOST_TEST(node.errors() == 0);
}

// The whole selection in both formats: the same samples.
BOOST_AUTO_TEST_CASE(protobuf_and_text_show_the_same_floats) {
  FederatingNode node;
  FakeRequest request("GET", Target({"{__name__=~\"test_.*\"}"}));
  request.With("Accept", kProtoAccept);
  const std::string proto = ProtoLines(node.Serve(request).body());
  const std::string text(node.Get(Target({"{__name__=~\"test_.*\"}"})).body());
  BOOST_TEST(std::ranges::count(proto, '\n') == std::ranges::count(text, '\n'));
  BOOST_TEST(proto.find("test_metric1{foo=\"bar\", instance=\"i\"} 10000 6000000\n") !=
             std::string::npos);
  BOOST_TEST(proto.find("test_metric_without_labels 1001 6000000\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(federated_values_and_escapes) {
  Node node;
  const Timestamp now = node.clock.Now();
  const double values[] = {-0.0, -1, NAN, INFINITY, -INFINITY, 1e21, 123456789, 1e-7};
  for (size_t i = 0; i < std::size(values); ++i)
    node.store.Add({{"__name__", "v"}, {"i", std::to_string(i)}, {"instance", "x"}}, now,
                   values[i]);
  node.store.Add({{"__name__", "w"}, {"l", "a\"b\\c\nd"}, {"instance", "x"}}, now, 1);
  BOOST_TEST(Page(node, {"{}"}) == Ok(R"(# TYPE v untyped
v{i="0",instance="x"} 0 1000000000
v{i="1",instance="x"} -1 1000000000
v{i="2",instance="x"} NaN 1000000000
v{i="3",instance="x"} +Inf 1000000000
v{i="4",instance="x"} -Inf 1000000000
v{i="5",instance="x"} 1e+21 1000000000
v{i="6",instance="x"} 1.23456789e+08 1000000000
v{i="7",instance="x"} 1e-07 1000000000
# TYPE w untyped
w{instance="x",l="a\"b\\c\nd"} 1 1000000000
)"));
}

BOOST_AUTO_TEST_CASE(external_labels_are_appended_where_missing) {
  FederatingNode node;
  node.config.global.external_labels = {{"foo", "baz"}, {"zone", "ie"}};
  BOOST_TEST(Page(node, {"test_metric2", "test_metric_old"}) == Ok(R"(# TYPE test_metric2 untyped
test_metric2{foo="boo",instance="i",zone="ie"} 1 6000000
# TYPE test_metric_old untyped
test_metric_old{foo="baz",instance="",zone="ie"} 981 5880000
)"));
  // They are not what selectors see.
  BOOST_TEST(Page(node, {R"({zone="ie"})"}) == "200 ");

  node.config.global.external_labels = {{"instance", "baz"}};
  BOOST_TEST(Page(node, {"test_metric2", "test_metric_old"}) == Ok(R"(# TYPE test_metric2 untyped
test_metric2{foo="boo",instance="i"} 1 6000000
# TYPE test_metric_old untyped
test_metric_old{instance="baz"} 981 5880000
)"));
}

// As of a head with blocks behind it: the same number is another string in each.
BOOST_AUTO_TEST_CASE(a_page_may_come_from_several_stores) {
  struct Joined final : storage::Queryable {
    MemoryStore first;
    MemoryStore second;
    Result<std::unique_ptr<storage::Querier>> NewQuerier(Timestamp mint, Timestamp maxt) override {
      std::vector<std::unique_ptr<storage::Querier>> both;
      both.push_back(*first.NewQuerier(mint, maxt));
      both.push_back(*second.NewQuerier(mint, maxt));
      return storage::MergeQueriers(std::move(both));
    }
  } stores;
  const Duration minute(60'000);
  // Texts are numbered in their order: a{} and instance="i" of the first are b{} and k="d" of the
  // second.
  stores.first.Load(minute, R"(a{zone="y"} 2)");
  stores.first.Load(minute, R"(b{instance="i",zone="x"} 1)");
  stores.second.Load(minute, R"(b{k="d",m="c"} 3)");
  const model::Matchers all = {
      model::Matcher::Literal(model::MatchType::kNotEqual, "__name__", "")};
  const auto selection =
      federation::Selection::Resolve(stores, {&all, 1}, Timestamp::FromMs(0), 5 * minute);
  BOOST_REQUIRE(selection.ok());
  std::string page;
  const auto report = federation::WriteTextPage(
      *selection, {.external_labels = model::Labels{{"zone", "e"}}}, [&](std::string_view piece) {
        page += piece;
        return Status();
      });
  BOOST_REQUIRE(report.ok());
  BOOST_TEST(Sorted(page) ==
             "# TYPE a untyped\n"
             "a{zone=\"y\",instance=\"\"} 2 0\n"
             "# TYPE b untyped\n"
             "b{instance=\"i\",zone=\"x\"} 1 0\n"
             "b{k=\"d\",m=\"c\",instance=\"\",zone=\"e\"} 3 0\n");
}

BOOST_AUTO_TEST_CASE(bad_selectors_are_refused_even_before_the_store_is_open) {
  FederatingNode ready;
  FederatingNode starting({}, false);
  for (Node* node : {static_cast<Node*>(&ready), static_cast<Node*>(&starting)}) {
    const auto refused = [&](const std::string& selector, std::string_view text) {
      const FakeResponse r = node->Get(Target({"up", selector}));
      BOOST_TEST(r.status() == 400);
      BOOST_TEST(r.body() == text);
      BOOST_TEST(r.header("Content-Type") == "text/plain; charset=utf-8");
    };
    refused("-not-a-valid-metric-name", "1:1: parse error: unexpected <op:->\n");
    refused("not-a-valid-metric-name", "1:4: parse error: unexpected <op:->\n");
    refused("foo[5m]", "1:4: parse error: unexpected \"[\"\n");
    refused("sum(foo)", "1:4: parse error: unexpected \"(\"\n");
    refused("foo offset 5m", "1:5: parse error: unexpected <offset>\n");
    const FakeResponse broken = node->Get("/federate?match[]=%zz");
    BOOST_TEST(broken.status() == 400);
    BOOST_TEST(broken.body() == "error parsing form values: invalid URL escape \"%zz\"\n");
  }
  BOOST_TEST(ready.errors() == 0);
}

BOOST_AUTO_TEST_CASE(federation_waits_for_the_store_and_takes_only_get) {
  FederatingNode node({}, false);
  const auto refused = [&](std::string_view stopping) {
    const FakeResponse r = node.Get(Target({"test_metric1"}));
    BOOST_TEST(r.status() == 503);
    BOOST_TEST(r.body() == "Service Unavailable");
    BOOST_TEST(r.header("X-Prometheus-Stopping") == stopping);
  };
  refused("false");
  node.SetReady();
  BOOST_TEST(Page(node, {"test_metric1"}) == Ok(kMetric1));
  for (const char* method : {"POST", "PUT", "DELETE", "HEAD"}) {
    const FakeResponse r = node.Serve(FakeRequest(method, Target({"test_metric1"})));
    BOOST_TEST(r.status() == 405);
    BOOST_TEST(r.header("Allow").find("GET") != std::string_view::npos);
  }
  node.api.SetStopping();
  refused("true");
}

BOOST_AUTO_TEST_CASE(the_format_is_negotiated) {
  FederatingNode node;
  const auto type = [&](const char* accept, std::vector<std::string> selectors = {"test_metric1"}) {
    FakeRequest request("GET", Target(std::move(selectors)));
    if (accept != nullptr) request.With("Accept", accept);
    const FakeResponse r = node.Serve(request);
    BOOST_TEST(r.status() == 200);
    return std::string(r.header("Content-Type"));
  };
  for (const char* accept :
       {static_cast<const char*>(nullptr), "*/*", "text/plain", "text/plain;version=0.0.4",
        "application/openmetrics-text;version=1.0.0", "text/plain;version=1.0.0",
        "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"})
    BOOST_TEST(type(accept) == kText);
  BOOST_TEST(type(nullptr, {}) == kText);  // also of an empty page
  // What Prometheus 3.14 sends by itself.
  BOOST_TEST(type("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                  "application/openmetrics-text;version=0.0.1;q=0.5,"
                  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                  "text/plain;version=0.0.4;q=0.3,*/*;q=0.2") ==
             "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8");
}

BOOST_AUTO_TEST_CASE(names_outside_the_legacy_set_are_escaped_as_asked_for) {
  Node node;
  node.store.Add({{"__name__", "a.b"}, {"c.d", "v"}, {"instance", "i"}}, node.clock.Now(), 1);
  const auto page = [&](const std::string& escaping) {
    return node
        .Serve(FakeRequest("GET", Target({"{}"}))
                   .With("Accept", "text/plain;version=0.0.4;escaping=" + escaping))
        .body();
  };
  BOOST_TEST(page("allow-utf-8") ==
             "# TYPE \"a.b\" untyped\n{\"a.b\",\"c.d\"=\"v\",instance=\"i\"} 1 1000000000\n");
  BOOST_TEST(page("underscores") ==
             "# TYPE a_b untyped\na_b{c_d=\"v\",instance=\"i\"} 1 "
             "1000000000\n");
  BOOST_TEST(page("dots") ==
             "# TYPE a_dot_b untyped\na_dot_b{c_dot_d=\"v\",instance=\"i\"} 1 1000000000\n");
  BOOST_TEST(page("values") ==
             "# TYPE U__a_2e_b untyped\nU__a_2e_b{U__c_2e_d=\"v\","
             "instance=\"i\"} 1 1000000000\n");
  BOOST_TEST(page("no-such") == page("underscores"));
}

BOOST_AUTO_TEST_CASE(a_family_that_cannot_be_shown_spares_the_others) {
  FederatingNode node;
  node.store.Add({{"__name__", "test_\xff"}, {"instance", "i"}}, node.clock.Now(), 1);
  BOOST_TEST(Page(node, {"{}"}) == Ok(kEverything));
  BOOST_TEST(node.errors() == 1);
}

BOOST_AUTO_TEST_CASE(federation_of_a_store_that_fails) {
  FederatingNode node;
  node.store.FailWith(Status::Io("disk on fire"));
  BOOST_TEST(Page(node, {"test_metric1"}) == "500 disk on fire\n");
  node.store.FailWith(Status::Unavailable("TSDB not ready"));
  BOOST_TEST(Page(node, {"test_metric1"}) == "503 TSDB not ready\n");
  BOOST_TEST(node.errors() == 2);
}

// Some 2 MB: more than the buffers of a connection hold.
void FillLarge(Node& node) {
  for (int i = 0; i < 20'000; ++i)
    node.store.Add({{"__name__", "large"}, {"n", std::to_string(i)}, {"pad", std::string(80, 'x')}},
                   node.clock.Now(), i);
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_away_ends_the_page) {
  Node node;
  FillLarge(node);
  FakeRequest request("GET", Target({"large"}));
  FakeResponse response;
  response.FailAfter(2);
  node.router.Serve(request, response);
  BOOST_TEST(response.pieces() == 2);
  BOOST_TEST(response.aborted());
  BOOST_TEST(node.metrics.AddCounter("prometheus_web_federation_errors_total", "").value() == 1);
}

// A response whose client takes nothing until it is released.
class SlowResponse : public FakeResponse {
 public:
  Status Write(std::string_view piece) override {
    std::unique_lock lock(mu_);
    writing_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return released_; });
    return FakeResponse::Write(piece);
  }
  void AwaitWriting() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return writing_; });
  }
  void Release() {
    const std::lock_guard lock(mu_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool writing_ = false;
  bool released_ = false;
};

BOOST_AUTO_TEST_CASE(a_slow_client_holds_up_nobody) {
  FederatingNode node;
  SlowResponse slow;
  std::thread reader([&] {
    FakeRequest request("GET", Target({"test_metric_old"}));
    node.router.Serve(request, slow);
  });
  slow.AwaitWriting();
  // Appends, a new configuration and other readers go on; the slow page stays what it was.
  node.store.Add({{"__name__", "test_metric_old"}}, node.clock.Now(), 5);
  node.config.global.external_labels = {{"zone", "new"}};
  BOOST_TEST(Page(node, {"test_metric_old"}) ==
             Ok("# TYPE test_metric_old untyped\n"
                "test_metric_old{instance=\"\",zone=\"new\"} 5 6060000\n"));
  slow.Release();
  reader.join();
  BOOST_TEST(slow.body() == kOld);
}

// Splits an answer as it came over the wire.
struct WireAnswer {
  std::string head;
  std::string body;
};
WireAnswer Fetch(const std::string& address, const std::string& target,
                 const std::string& headers) {
  net::RawConnection connection(address);
  BOOST_REQUIRE(connection.Send("GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" +
                                headers + "\r\n"));
  WireAnswer answer;
  answer.head = connection.ReadUntil("\r\n\r\n");
  for (;;) {
    const std::string size = connection.ReadUntil("\r\n");
    const size_t bytes = std::stoul("0" + size, nullptr, 16);
    if (bytes == 0) return answer;
    answer.body += connection.ReadExactly(bytes);
    connection.ReadExactly(2);
  }
}

BOOST_AUTO_TEST_CASE(compression_over_the_wire) {
  Node node;
  FillLarge(node);
  net::HttpServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  auto server = net::StartHttpServer(std::move(options), std::move(node.router));
  BOOST_REQUIRE(server.ok());
  const std::string address = (*server)->addresses()[0];
  const std::string target = Target({"large"});
  const WireAnswer plain = Fetch(address, target, "");
  BOOST_TEST(std::count(plain.body.begin(), plain.body.end(), '\n') == 20'001);
  BOOST_TEST(plain.head.find("Content-Encoding") == std::string::npos);
  BOOST_TEST(plain.head.find("\r\nVary: Accept-Encoding\r\n") != std::string::npos);
  BOOST_TEST(plain.head.find("\r\nContent-Type: " + std::string(kText) + "\r\n") !=
             std::string::npos);
  for (const auto& [accept, encoding] :
       std::vector<std::pair<std::string, net::Encoding>>{{"gzip", net::Encoding::kGzip},
                                                          {"deflate", net::Encoding::kDeflate},
                                                          {"br, gzip", net::Encoding::kGzip}}) {
    const WireAnswer packed = Fetch(address, target, "Accept-Encoding: " + accept + "\r\n");
    BOOST_TEST(packed.head.find(
                   "\r\nContent-Encoding: " + std::string(net::EncodingName(encoding)) + "\r\n") !=
               std::string::npos);
    BOOST_TEST(packed.body.size() < plain.body.size() / 4);
    std::string body;
    BOOST_REQUIRE(net::Decompress(encoding, packed.body, plain.body.size() + 1, body).ok());
    BOOST_TEST((body == plain.body));
  }
  BOOST_TEST((Fetch(address, target, "Accept-Encoding: gzip;q=0\r\n").body == plain.body));
  (*server)->Stop(Duration(0));
}

}  // namespace
}  // namespace canopy::testing
