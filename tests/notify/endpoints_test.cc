#include "notify/endpoints.h"

#include <boost/test/unit_test.hpp>

#include "canopy/base/log.h"
#include "tests/notify/node.h"

namespace canopy::notify {
namespace {

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out.append(out.empty() ? "" : " ").append(w);
  return out;
}

discovery::TargetGroup Group(std::vector<model::Labels> targets, model::Labels labels = {}) {
  return {.source = "0", .targets = std::move(targets), .labels = std::move(labels)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_path_is_put_together_as_prometheus_does) {
  auto f = [](std::string_view prefix, std::string_view want) {
    config::AlertmanagerConfig config;
    config.path_prefix = prefix;
    BOOST_TEST(Join(FindEndpoints(config, {Group({{{"__address__", "h:1"}}})}).active) == want);
  };
  f("", "http://h:1/api/v2/alerts");
  f("/", "http://h:1/api/v2/alerts");
  f("am", "http://h:1/am/api/v2/alerts");
  f("/am/", "http://h:1/am/api/v2/alerts");
  f("a b//c/../d", "http://h:1/a%20b/d/api/v2/alerts");  // so says Prometheus 2.42
  f("../..", "http://h:1/api/v2/alerts");
}

BOOST_AUTO_TEST_CASE(labels_of_target_and_group_say_where) {
  config::AlertmanagerConfig config;
  config.scheme = "https";
  const std::vector<discovery::TargetGroup> groups = {
      Group({{{"__address__", "a:1"}, {"__scheme__", "ftp"}}, {{"__address__", "b"}}}),
      Group({{{"__address__", "c:1"}}, {{"__address__", "d"}, {"__scheme__", "ftp"}}},
            {{"__scheme__", "http"}, {"__alerts_path__", "x/y z"}}),
      Group({{{"__address__", "b"}}}),
  };
  // The configuration's scheme wins over a target's, a group's over both unless the target has one.
  BOOST_TEST(Join(FindEndpoints(config, groups).active) ==
             "https://a:1/api/v2/alerts https://b/api/v2/alerts http://c:1/x/y%20z "
             "https://d/x/y%20z");
}

BOOST_AUTO_TEST_CASE(relabelling_drops_and_moves) {
  config::AlertmanagerConfig config;
  config.relabel_configs =
      Rules({{.source_labels = {"use"}, .regex = "no", .action = model::RelabelAction::kDrop},
             {.source_labels = {"to"}, .regex = "(.+)", .target_label = "__address__"}});
  const auto found =
      FindEndpoints(config, {Group({{{"__address__", "a"}, {"use", "no"}, {"to", "x"}},
                                    {{"__address__", "b"}, {"to", "y"}},
                                    {{"__address__", "c"}}})});
  BOOST_TEST(Join(found.active) == "http://y/api/v2/alerts http://c/api/v2/alerts");
  BOOST_TEST(Join(found.dropped) == "http://a/api/v2/alerts");
}

BOOST_AUTO_TEST_CASE(without_a_usable_address_there_is_none) {
  log::SetLevel(static_cast<log::Level>(static_cast<int>(log::Level::kError) + 1));
  config::AlertmanagerConfig config;
  config.relabel_configs = Rules({{.source_labels = {"to"}, .target_label = "__address__"}});
  const auto found = FindEndpoints(config, {Group({{{"__address__", "a"}, {"to", "http://x/y"}},
                                                   {{"__address__", "b"}},
                                                   {{"__address__", "c"}, {"to", "z"}}})});
  BOOST_TEST(Join(found.active) == "http://z/api/v2/alerts");
  BOOST_TEST(Join(found.dropped) == "");
  log::SetLevel(log::Level::kError);
}

}  // namespace canopy::notify
