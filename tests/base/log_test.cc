#include "canopy/base/log.h"

#include <boost/test/unit_test.hpp>

namespace canopy::log {
namespace {

const Timestamp kNow = Timestamp::FromMs(1'767'369'845'670);

std::string Value(std::string_view v) {
  const std::string line =
      FormatLine(Format::kLogfmt, kNow, Level::kInfo, "src/a/db.cc", 7, "m", {{"k", v}});
  const std::string start = "time=2026-01-02T16:04:05.670Z level=INFO source=db.cc:7 msg=m k=";
  BOOST_REQUIRE_MESSAGE(line.starts_with(start) && line.ends_with("\n"), line);
  return line.substr(start.size(), line.size() - start.size() - 1);
}

BOOST_AUTO_TEST_CASE(a_line_reads_as_prometheus_writes_it) {
  BOOST_TEST(FormatLine(Format::kLogfmt, kNow, Level::kWarn, "/x/y/head.cc", 42, "WAL replayed",
                        {{"segments", 3},
                         {"duration", "1.2s"},
                         {"torn", false},
                         {"size", uint64_t{18446744073709551615u}},
                         {"ratio", 0.5}}) ==
             "time=2026-01-02T16:04:05.670Z level=WARN source=head.cc:42 msg=\"WAL replayed\" "
             "segments=3 duration=1.2s torn=false size=18446744073709551615 ratio=0.5\n");
  BOOST_TEST(FormatLine(Format::kLogfmt, Timestamp::FromMs(0), Level::kError, "a.cc", 1, "x", {}) ==
             "time=1970-01-01T00:00:00.000Z level=ERROR source=a.cc:1 msg=x\n");
}

BOOST_AUTO_TEST_CASE(a_json_line_is_one_object) {
  BOOST_TEST(FormatLine(Format::kJson, kNow, Level::kDebug, "a.cc", 1, "say \"hi\"\n",
                        {{"n", -3}, {"ok", true}, {"s", "\x01\xff"}, {"inf", 1e308 * 10}}) ==
             "{\"time\":\"2026-01-02T16:04:05.670Z\",\"level\":\"DEBUG\",\"source\":\"a.cc:1\","
             "\"msg\":\"say \\\"hi\\\"\\n\",\"n\":-3,\"ok\":true,\"s\":\"\\u0001\\ufffd\","
             "\"inf\":\"+Inf\"}\n");
}

BOOST_AUTO_TEST_CASE(values_are_quoted_as_slog_quotes_them) {
  auto f = [](std::string_view v, std::string_view want) { BOOST_TEST(Value(v) == want); };
  f("plain", "plain");
  f("", "\"\"");
  f("two words", "\"two words\"");
  f("a=b", "\"a=b\"");
  f("quo\"te", "\"quo\\\"te\"");
  f("back\\slash", "back\\slash");
  f("back\\slash space", "\"back\\\\slash space\"");
  f("line\nbreak\ttab", "\"line\\nbreak\\ttab\"");
  f("{up,x}", "{up,x}");
  f("größe", "größe");
  f("nbsp\xc2\xa0", "\"nbsp\\u00a0\"");
  f("bad\xff", "\"bad\\xff\"");
  f("esc\x1b[1m", "\"esc\\x1b[1m\"");
}

BOOST_AUTO_TEST_CASE(levels_keep_their_order) {
  SetLevel(Level::kWarn);
  BOOST_TEST((GetLevel() == Level::kWarn));
  bool evaluated = false;
  const auto text = [&] {
    evaluated = true;
    return "x";
  };
  LOG_INFO(text());
  BOOST_TEST(!evaluated);
  SetLevel(Level::kInfo);
}

}  // namespace
}  // namespace canopy::log
