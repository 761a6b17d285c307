#include "canopy/exposition/negotiate.h"

#include <array>
#include <boost/test/unit_test.hpp>

namespace canopy::exposition {
namespace {

constexpr std::array kEverything = {Wire::kText, Wire::kProtoDelimited, Wire::kProtoText,
                                    Wire::kProtoCompact};
// What Prometheus 3.14 sends without any configuration.
constexpr std::string_view kPrometheus =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
constexpr std::string_view kProto =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

BOOST_AUTO_TEST_CASE(scrapes_ask_for_their_protocols_by_preference) {
  auto f = [](std::vector<Protocol> protocols, Escaping escaping, std::string_view want) {
    BOOST_TEST(AcceptHeader(protocols, escaping) == want);
  };
  f({Protocol::kOpenMetrics100, Protocol::kOpenMetrics001, Protocol::kText100, Protocol::kText004},
    Escaping::kAllowUtf8, kPrometheus);
  f({Protocol::kText004}, Escaping::kUnderscores, "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
  f({Protocol::kProto, Protocol::kText100}, Escaping::kValues,
    std::string(kProto) + ";q=0.6,text/plain;version=1.0.0;escaping=values;q=0.5,*/*;q=0.4");
}

BOOST_AUTO_TEST_CASE(servers_answer_what_prometheus_answers) {
  auto f = [](std::string_view accept, std::string_view want) {
    BOOST_TEST_CONTEXT(accept) { BOOST_TEST(Negotiate(accept, kEverything).content_type == want); }
  };
  const std::string text = "text/plain; version=0.0.4; charset=utf-8; escaping=";
  const std::string proto =
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=";
  f("", text + "underscores");
  f("*/*", text + "underscores");
  f("text/html,*/*;q=0.8", text + "underscores");
  f("application/openmetrics-text;version=1.0.0", text + "underscores");
  f("text/plain;version=1.0.0", text + "underscores");
  f("text/plain", text + "underscores");
  f("text/plain; version=0.0.4; escaping=dots", text + "dots");
  f("text/plain;escaping=rot13", text + "underscores");
  f(kPrometheus, text + "allow-utf-8");
  // Only clauses up to the one that wins say how to escape.
  f("text/plain;version=0.0.4;q=0.9,text/plain;version=1.0.0;escaping=values;q=0.5",
    text + "underscores");
  f(std::string(kProto) + ";q=0.7," + std::string(kPrometheus),
    proto + "delimited; escaping=underscores");
  f(std::string(kPrometheus) + "," + std::string(kProto) + ";q=0.1", text + "allow-utf-8");
  f("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
    proto + "text; escaping=underscores");
  f("application/vnd.google.protobuf;proto=other;encoding=delimited", text + "underscores");
  f("text/plain;q=0.1," + std::string(kProto) + ";q=0.2;escaping=allow-utf-8",
    proto + "delimited; escaping=allow-utf-8");
}

BOOST_AUTO_TEST_CASE(only_what_is_offered_is_chosen) {
  constexpr std::array kTextOnly = {Wire::kText};
  const Negotiated got = Negotiate(std::string(kProto) + "," + std::string(kPrometheus), kTextOnly);
  BOOST_TEST((got.wire == Wire::kText));
  BOOST_TEST((got.escaping == Escaping::kAllowUtf8));
}

BOOST_AUTO_TEST_CASE(content_types_of_pages) {
  auto f = [](std::string_view type, std::optional<Protocol> fallback, PageFormat want) {
    const auto got = FormatOf(type, fallback);
    BOOST_TEST_CONTEXT(type) { BOOST_TEST((got.ok() && *got == want)); }
  };
  f("text/plain; version=0.0.4; charset=utf-8", {}, PageFormat::kText);
  f("Text/Plain", {}, PageFormat::kText);
  f(" text/plain;version=1.0.0", {}, PageFormat::kText);
  f("application/openmetrics-text; version=1.0.0", Protocol::kText004, PageFormat::kOpenMetrics);
  f(kProto, {}, PageFormat::kProto);
  f("", Protocol::kText004, PageFormat::kText);
  f("text/html", Protocol::kOpenMetrics100, PageFormat::kOpenMetrics);

  auto refused = [](std::string_view type, std::string_view want) {
    BOOST_TEST(FormatOf(type, {}).status().message() == want);
  };
  refused("",
          "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
          "specified for target");
  refused("text/html",
          "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol "
          "specified for target");
}

BOOST_AUTO_TEST_CASE(names_are_escaped_and_come_back) {
  auto f = [](std::string_view name, std::string_view underscores, std::string_view dots,
              std::string_view values) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(EscapeName(name, Escaping::kAllowUtf8) == name);
      BOOST_TEST(EscapeName(name, Escaping::kUnderscores) == underscores);
      BOOST_TEST(EscapeName(name, Escaping::kDots) == dots);
      BOOST_TEST(EscapeName(name, Escaping::kValues) == values);
      BOOST_TEST(UnescapeName(values, Escaping::kValues) == name);
    }
  };
  f("", "", "", "");
  f("up", "up", "up", "up");
  f("job:up:sum", "job:up:sum", "job:up:sum", "job:up:sum");
  f("a.b", "a_b", "a_dot_b", "U__a_2e_b");
  f("a.b_c", "a_b_c", "a_dot_b__c", "U__a_2e_b__c");
  f("9a", "_a", "__a", "U___39_a");
  f("http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum");
  f("a b", "a_b", "a__b", "U__a_20_b");
  f("größe", "gr__e", "gr____e", "U__gr_f6__df_e");
  f("\xf0\x9f\x98\x80", "_", "__", "U___1f600_");
}

BOOST_AUTO_TEST_CASE(what_was_not_escaped_stays_as_it_is) {
  auto f = [](std::string_view name, Escaping escaping, std::string_view want) {
    BOOST_TEST(UnescapeName(name, escaping) == want);
  };
  f("a_b", Escaping::kValues, "a_b");
  f("U__a_zz_b", Escaping::kValues, "U__a_zz_b");
  f("U__a_2e", Escaping::kValues, "U__a_2e");
  f("U__a_d800_", Escaping::kValues, "U__a_d800_");
  f("U__a_1234567_", Escaping::kValues, "U__a_1234567_");
  f("a_dot_b__c", Escaping::kDots, "a.b_c");
  f("a_b", Escaping::kUnderscores, "a_b");
}

}  // namespace
}  // namespace canopy::exposition
