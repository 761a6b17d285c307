#include <boost/test/unit_test.hpp>

#include "tests/api/node.h"

namespace canopy::testing {
namespace {

// Notes what the store was told.
struct AdminNode : Node {
  explicit AdminNode(bool enabled = true)
      : Node(With([&](api::Options& o) { o.enable_admin_api = enabled; }), false) {
    admin = {.delete_series =
                 [this](std::span<const model::Matcher> matchers, Timestamp mint, Timestamp maxt) {
                   std::string text = "delete {";
                   for (const model::Matcher& m : matchers) text += m.ToString() + ",";
                   const auto time = [](Timestamp t) {
                     return t == Timestamp::Min()   ? std::string("min")
                            : t == Timestamp::Max() ? std::string("max")
                                                    : std::to_string(t.ms());
                   };
                   told.push_back(text + "} " + time(mint) + " " + time(maxt));
                   return fault;
                 },
             .clean_tombstones =
                 [this] {
                   told.emplace_back("clean");
                   return fault;
                 },
             .snapshot = [this](bool with_head) -> Result<std::string> {
               told.emplace_back(with_head ? "snapshot" : "snapshot of blocks");
               if (!fault.ok()) return fault;
               return std::string("20171210T211224Z-2be650b6d019eb54");
             }};
    SetReady();
  }

  // "POST path?query"; a form goes into the body.
  std::string Call(std::string_view method, std::string_view target, std::string form = "") {
    const std::string url = "/api/v1/admin/tsdb/" + std::string(target);
    FakeRequest request(std::string(method), url, std::move(form));
    const FakeResponse response =
        Serve(std::move(request).With("Content-Type", "application/x-www-form-urlencoded"));
    return std::to_string(response.status()) +
           (response.body().empty() ? "" : " " + response.body());
  }

  std::vector<std::string> told;
  Status fault;
};

}  // namespace

BOOST_AUTO_TEST_CASE(series_are_deleted_by_selectors_and_times) {
  AdminNode node;
  const auto f = [&](std::string_view method, std::string_view target, std::string form,
                     std::string_view want, const std::vector<std::string>& told) {
    BOOST_TEST_CONTEXT(method << " " << target << " " << form) {
      node.told.clear();
      BOOST_TEST(node.Call(method, target, std::move(form)) == want);
      BOOST_TEST(node.told == told, boost::test_tools::per_element());
    }
  };
  f("POST", "delete_series?match[]=up", "", "204", {R"(delete {__name__="up",} min max)"});
  f("PUT", "delete_series?match[]=up%7Ba!~%22b%22%7D&start=1.5&end=1970-01-01T00:00:02Z", "", "204",
    {R"(delete {a!~"b",__name__="up",} 1500 2000)"});
  f("PUT", "delete_series", "match[]=a&match[]=b&end=7", "204",
    {R"(delete {__name__="a",} min 7000)", R"(delete {__name__="b",} min 7000)"});
  f("POST", "delete_series?match[]=%7B%7D", "", "204", {"delete {} min max"});
  f("POST", "delete_series", "", BadData("no match[] parameter provided"), {});
  f("POST", "delete_series?match[]=up&start=x", "",
    BadData(R"(invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to )"
            R"(a valid timestamp)"),
    {});
  f("POST", "delete_series?match[]=up&end=x", "",
    BadData(R"(invalid parameter \"end\": invalid time value for 'end': cannot parse \"x\" to )"
            R"(a valid timestamp)"),
    {});
  // Nothing goes when one of them makes no sense.
  f("POST", "delete_series?match[]=up&match[]=up%5B5m%5D", "",
    BadData(R"(invalid parameter \"match[]\": 1:3: parse error: unexpected \"[\")"), {});
  f("GET", "delete_series?match[]=up", "", "405 Method Not Allowed\n", {});
  node.fault = Status::Io("write /data: No space left on device");
  f("POST", "delete_series?match[]=up", "",
    Error(500, "internal", "write /data: No space left on device"),
    {R"(delete {__name__="up",} min max)"});
}

BOOST_AUTO_TEST_CASE(blocks_are_cleaned_and_snapshots_made) {
  AdminNode node;
  const auto f = [&](std::string_view method, std::string_view target, std::string_view want,
                     const std::vector<std::string>& told) {
    BOOST_TEST_CONTEXT(method << " " << target) {
      node.told.clear();
      BOOST_TEST(node.Call(method, target) == want);
      BOOST_TEST(node.told == told, boost::test_tools::per_element());
    }
  };
  const std::string name = Success(R"({"name":"20171210T211224Z-2be650b6d019eb54"})");
  f("POST", "clean_tombstones", "204", {"clean"});
  f("PUT", "clean_tombstones", "204", {"clean"});
  f("GET", "clean_tombstones", "405 Method Not Allowed\n", {});
  f("POST", "snapshot", name, {"snapshot"});
  f("PUT", "snapshot?skip_head=", name, {"snapshot"});
  f("POST", "snapshot?skip_head=false", name, {"snapshot"});
  f("POST", "snapshot?skip_head=1", name, {"snapshot of blocks"});
  f("POST", "snapshot?skip_head=yes",
    BadData(R"(invalid parameter \"skip_head\": unable to parse boolean: strconv.ParseBool: )"
            R"(parsing \"yes\": invalid syntax)"),
    {});
  node.fault = Status::Io("no room");
  f("POST", "clean_tombstones", Error(500, "internal", "no room"), {"clean"});
  f("POST", "snapshot", Error(500, "internal", "create snapshot: no room"), {"snapshot"});
}

BOOST_AUTO_TEST_CASE(the_store_is_not_changed_unless_that_was_enabled) {
  AdminNode node(false);
  for (const std::string_view method : {"POST", "PUT"}) {
    for (const std::string_view what : {"delete_series?match[]=up", "clean_tombstones", "snapshot"})
      BOOST_TEST(node.Call(method, what) == Error(500, "unavailable", "admin APIs disabled"));
  }
  BOOST_TEST(node.told.empty());
}

}  // namespace canopy::testing
