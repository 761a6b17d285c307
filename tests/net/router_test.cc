#include <boost/test/unit_test.hpp>

#include "canopy/net/server.h"
#include "tests/support/http_fakes.h"

namespace canopy::net {
namespace {

using testing::FakeRequest;
using testing::FakeResponse;

// A handler that says its route and what the names in it stood for.
Handler Say(std::string text) {
  return [text = std::move(text)](Request& request, Response& response) {
    (void)response.Send(text + " " + request.route() + " " +
                        std::string(request.path_param("name")));
  };
}

Router MakeRouter() {
  Router router;
  router.Handle("GET", "/", Say("root"));
  router.Handle("GET", "/graph", Say("graph"));
  router.Handle("GET", "/api/v1/query", Say("get"));
  router.Handle("POST", "/api/v1/query", Say("post"));
  router.Handle("GET", "/api/v1/label/{name}/values", Say("values"));
  router.Handle("GET", "/api/v1/label/all/values", Say("all"));
  router.Handle("GET", "/static/{name...}", Say("file"));
  router.Handle("GET", "/dir/", Say("dir"));
  return router;
}

BOOST_AUTO_TEST_CASE(requests_find_their_handler) {
  const Router router = MakeRouter();
  auto f = [&](std::string method, std::string_view target, int code, std::string_view body) {
    BOOST_TEST_CONTEXT(method << " " << target) {
      FakeRequest request(method, target);
      FakeResponse response;
      router.Serve(request, response);
      BOOST_TEST(response.status() == code);
      BOOST_TEST(response.body() == body);
    }
  };
  f("GET", "/", 200, "root / ");
  f("GET", "/graph?x=y", 200, "graph /graph ");
  f("POST", "/api/v1/query", 200, "post /api/v1/query ");
  f("GET", "/api/v1/label/job/values", 200, "values /api/v1/label/{name}/values job");
  f("GET", "/api/v1/label/all/values", 200, "all /api/v1/label/all/values ");
  f("GET", "/static/a/b.js", 200, "file /static/{name...} a/b.js");
  f("GET", "/static/", 200, "file /static/{name...} ");
  f("GET", "/nowhere", 404, "404 page not found\n");
  f("GET", "/api/v1/label//values", 404, "404 page not found\n");
  f("GET", "/api", 404, "404 page not found\n");
  f("GET", "", 404, "404 page not found\n");
  f("GET", "*", 404, "404 page not found\n");
  f("POST", "/graph", 405, "Method Not Allowed\n");
  f("HEAD", "/graph", 405, "Method Not Allowed\n");
  f("GET", "/graph/", 301, "Moved Permanently\n");
  f("POST", "/graph/", 404, "404 page not found\n");
  f("POST", "/api/v1/query/", 308, "Permanent Redirect\n");
  f("GET", "/dir", 301, "Moved Permanently\n");
}

BOOST_AUTO_TEST_CASE(a_wrong_method_is_told_the_right_ones) {
  const Router router = MakeRouter();
  for (const char* method : {"DELETE", "OPTIONS"}) {
    FakeRequest request(method, "/api/v1/query");
    FakeResponse response;
    router.Serve(request, response);
    BOOST_TEST(response.header("Allow") == "GET, OPTIONS, POST");
    BOOST_TEST(response.status() == (request.method() == "OPTIONS" ? 200 : 405));
  }
}

BOOST_AUTO_TEST_CASE(a_redirect_keeps_the_query_and_stays_here) {
  const Router router = MakeRouter();
  auto f = [&](std::string_view target, std::string_view location) {
    FakeRequest request("GET", target);
    FakeResponse response;
    router.Serve(request, response);
    BOOST_TEST(response.header("Location") == location);
  };
  f("/graph/?a=b&c", "/graph?a=b&c");
  f("/api/v1/label/a b/values/", "/api/v1/label/a%20b/values");
  f("//graph/", "");
}

BOOST_AUTO_TEST_CASE(the_rest_may_have_a_handler) {
  Router router = MakeRouter();
  router.HandleRest(Say("rest"));
  FakeRequest request("GET", "/nowhere");
  FakeResponse response;
  router.Serve(request, response);
  BOOST_TEST(response.body() == "rest  ");
}

BOOST_AUTO_TEST_CASE(form_values_come_from_body_and_query) {
  auto f = [](std::string method, std::string type, std::string_view want) {
    FakeRequest request(method, "/x?q=url&u=1", "q=body&b=2");
    request.With("Content-Type", type);
    BOOST_TEST_CONTEXT(method << " " << type) {
      const auto form = request.FormValues();
      BOOST_REQUIRE(form.ok());
      std::string text;
      for (const auto& [name, value] : form->items()) text += name + "=" + value + " ";
      BOOST_TEST(text == want);
    }
  };
  f("POST", "application/x-www-form-urlencoded", "q=body b=2 q=url u=1 ");
  f("POST", "application/x-www-form-urlencoded; charset=utf-8", "q=body b=2 q=url u=1 ");
  f("PUT", "Application/X-WWW-Form-Urlencoded", "q=body b=2 q=url u=1 ");
  f("POST", "text/plain", "q=url u=1 ");
  f("GET", "application/x-www-form-urlencoded", "q=url u=1 ");

  FakeRequest long_body("POST", "/", std::string(100, 'x'));
  long_body.With("Content-Type", "application/x-www-form-urlencoded");
  BOOST_TEST((long_body.FormValues(99).status().code() == Code::kLimit));
  FakeRequest broken("GET", "/?a=%zz");
  BOOST_TEST(broken.FormValues().status().message() == "invalid URL escape \"%zz\"");
}

BOOST_AUTO_TEST_CASE(errors_are_plain_text) {
  FakeResponse response;
  BOOST_TEST(response.SendError(503, "Service Unavailable").ok());
  BOOST_TEST(response.status() == 503);
  BOOST_TEST(response.body() == "Service Unavailable\n");
  BOOST_TEST(response.header("Content-Type") == "text/plain; charset=utf-8");
  BOOST_TEST(response.header("X-Content-Type-Options") == "nosniff");
}

}  // namespace
}  // namespace canopy::net
