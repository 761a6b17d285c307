#include <boost/test/unit_test.hpp>

#include "canopy/net/compress.h"
#include "tests/api/node.h"

namespace canopy::testing {
namespace {

BOOST_AUTO_TEST_CASE(before_the_store_is_open_and_after_it_is_closed) {
  Node node(With([](api::Options& o) { o.wal_replay = [] {
                                         return api::WalReplay{1, 9, 4};
                                       }; }),
            false);
  const auto refused = [&](std::string_view target, std::string_view stopping) {
    BOOST_TEST_CONTEXT(target) {
      const FakeResponse r = node.Get(target);
      BOOST_TEST(r.status() == 503);
      BOOST_TEST(r.body() == "Service Unavailable");
      BOOST_TEST(r.header("X-Prometheus-Stopping") == stopping);
    }
  };
  refused("/-/ready", "false");
  refused("/api/v1/query?query=1", "false");
  refused("/api/v1/status/buildinfo", "false");
  BOOST_TEST(node.Answer("/-/healthy") == "200 Canopy is Healthy.\n");
  BOOST_TEST(node.Get("/metrics").status() == 200);
  BOOST_TEST(node.Get("/version").status() == 200);
  BOOST_TEST(node.Answer("/api/v1/status/walreplay") ==
             Success(R"({"min":1,"max":9,"current":4})"));
  BOOST_TEST(node.metrics.RenderText().find("\nprometheus_ready 0\n") != std::string::npos);

  node.SetReady();
  BOOST_TEST(node.Answer("/-/ready") == "200 Canopy is Ready.\n");
  BOOST_TEST(node.Serve(FakeRequest("HEAD", "/-/ready")).status() == 200);
  BOOST_TEST(node.Serve(FakeRequest("HEAD", "/-/ready")).body() == "");
  BOOST_TEST(node.Get("/api/v1/query?query=1").status() == 200);
  BOOST_TEST(node.metrics.RenderText().find("\nprometheus_ready 1\n") != std::string::npos);

  node.api.SetStopping();
  refused("/-/ready", "true");
  refused("/api/v1/query?query=1", "true");
  BOOST_TEST(node.Answer("/-/healthy") == "200 Canopy is Healthy.\n");
}

BOOST_AUTO_TEST_CASE(life_cycle_behind_its_flag) {
  Node locked;
  for (const char* path : {"/-/reload", "/-/quit"}) {
    for (const char* method : {"POST", "PUT"}) {
      const FakeResponse r = locked.Serve(FakeRequest(method, path));
      BOOST_TEST(r.status() == 403);
      BOOST_TEST(r.body() == "Lifecycle API is not enabled.");
    }
    const FakeResponse got = locked.Get(path);
    BOOST_TEST(got.status() == 405);
    BOOST_TEST(got.body() == "Only POST or PUT requests allowed");
  }

  Status outcome;
  int quits = 0;
  Node node(With([&](api::Options& o) {
    o.enable_lifecycle = true;
    o.reload = [&] { return outcome; };
    o.quit = [&] { ++quits; };
  }));
  BOOST_TEST(node.Post("/-/reload", "").status() == 200);
  outcome = Status::Invalid("a.yml:3: bad");
  const FakeResponse failed = node.Post("/-/reload", "");
  BOOST_TEST(failed.status() == 500);
  BOOST_TEST(failed.body() == "failed to reload config: a.yml:3: bad\n");
  BOOST_TEST(node.Post("/-/quit", "").body() == "Requesting termination... Goodbye!");
  BOOST_TEST(node.Post("/-/quit", "").body() == "Termination already in progress.");
  BOOST_TEST(quits == 1);
}

BOOST_AUTO_TEST_CASE(requests_are_counted_by_handler) {
  Node node;
  node.api.Observe({.method = "GET",
                    .route = "/api/v1/label/{name}/values",
                    .code = 200,
                    .response_bytes = 150,
                    .seconds = 0.3});
  node.api.Observe({.method = "GET", .route = "/api/v1/query", .code = 400});
  node.api.Observe({.method = "GET", .route = "", .code = 404});
  const std::string page = node.Get("/metrics").body();
  const auto has = [&](std::string_view line) {
    BOOST_TEST(page.find("\n" + std::string(line) + "\n") != std::string::npos, line);
  };
  has(R"(prometheus_http_requests_total{code="200",handler="/api/v1/label/:name/values"} 1)");
  has(R"(prometheus_http_requests_total{code="200",handler="/api/v1/query"} 0)");
  has(R"(prometheus_http_requests_total{code="400",handler="/api/v1/query"} 1)");
  has(R"(prometheus_http_request_duration_seconds_bucket{handler="/api/v1/label/:name/values",le="0.4"} 1)");
  has(R"(prometheus_http_response_size_bytes_bucket{handler="/api/v1/label/:name/values",le="100"} 0)");
  has(R"(prometheus_http_response_size_bytes_bucket{handler="/api/v1/label/:name/values",le="1000"} 1)");
  BOOST_TEST(page.find("code=\"404\"") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_route_prefix) {
  Node node(With([](api::Options& o) { o.route_prefix = "/tree"; }));
  BOOST_TEST(node.Get("/tree/api/v1/query?query=1").status() == 200);
  BOOST_TEST(node.Get("/tree/-/healthy").status() == 200);
  BOOST_TEST(node.Get("/api/v1/query?query=1").status() == 404);
  const FakeResponse home = node.Get("/");
  BOOST_TEST(home.status() == 302);
  BOOST_TEST(home.header("Location") == "/tree");
  BOOST_TEST(node.Get("/tree/").header("Content-Type") == "text/html; charset=utf-8");
  node.api.Observe({.method = "GET", .route = "/tree/api/v1/query", .code = 200});
  BOOST_TEST(node.metrics.RenderText().find(
                 "prometheus_http_requests_total{code=\"200\",handler=\"/api/v1/query\"} 1\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(unknown_paths_and_methods) {
  Node node;
  BOOST_TEST(node.Get("/nowhere").status() == 404);
  BOOST_TEST(node.Get("/api/v1/nowhere").status() == 404);
  BOOST_TEST(node.Post("/api/v1/rules", "").status() == 405);
  BOOST_TEST(node.Serve(FakeRequest("OPTIONS", "/api/v1/nowhere")).status() == 404);
}

BOOST_AUTO_TEST_CASE(remote_write_behind_its_flag) {
  Node off;
  BOOST_TEST(off.Post("/api/v1/write", "").status() == 404);
  BOOST_TEST(off.Post("/api/v1/write", "").body() ==
             "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n");

  Node on(With([](api::Options& o) { o.enable_remote_write_receiver = true; }));
  std::string empty;
  net::Compress(net::Encoding::kSnappy, "", empty);
  const FakeResponse written = on.Serve(FakeRequest("POST", "/api/v1/write", empty)
                                            .With("Content-Type", "application/x-protobuf")
                                            .With("Content-Encoding", "snappy"));
  BOOST_TEST(written.status() == 204);
  BOOST_TEST(written.body() == "");
  const FakeResponse refused =
      on.Serve(FakeRequest("POST", "/api/v1/write", "x").With("Content-Type", "text/plain"));
  BOOST_TEST(refused.status() == 415);
  BOOST_TEST(refused.body() ==
             "expected application/x-protobuf as the first (media) part, got text/plain "
             "content-type\n");
}

}  // namespace
}  // namespace canopy::testing
