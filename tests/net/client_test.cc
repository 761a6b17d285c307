#include "canopy/net/client.h"

#include <sys/un.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "canopy/net/compress.h"
#include "canopy/net/server.h"
#include "tests/net/raw_tcp.h"
#include "tests/net/serve.h"
#include "tests/support/mem_fs.h"
#include "tests/support/wait_for.h"

namespace canopy::net {
namespace {

using testing::MemFs;
using testing::WaitFor;

HttpOptions With(HttpClientConfig config) {
  HttpOptions options;
  options.config = std::make_shared<const HttpClientConfig>(std::move(config));
  return options;
}

// One response for every connection, byte for byte.
std::unique_ptr<RawServer> Reply(std::string bytes) {
  return std::make_unique<RawServer>([bytes = std::move(bytes)](RawConnection& c) {
    (void)c.ReadUntil("\r\n\r\n");
    (void)c.Send(bytes);
  });
}

BOOST_AUTO_TEST_CASE(requests_arrive_as_they_were_made) {
  const auto server = ServeEcho();
  CurlClientOptions client_options;
  client_options.user_agent = "Canopy/1";
  const auto client = NewCurlHttpClient(client_options);
  auto f = [&](HttpRequest request, HttpOptions options, std::string_view want) {
    request.url = UrlOf(*server, request.url);
    const HttpResponse response = client->Fetch(request, options);
    BOOST_TEST(response.status.ok(), response.status.message());
    BOOST_TEST(response.code == 200);
    BOOST_TEST(response.body == want);
    BOOST_TEST(response.url == request.url);
  };
  f({"GET", "/a%20b?x=y", {}, ""}, {}, "GET /a b?x=y\nAccept-Encoding: gzip\nUser-Agent: Canopy/1");
  HttpOptions plain;
  plain.accept_gzip = false;
  f({"GET", "/", {{"X-A", ""}, {"X-A", "2"}}, ""}, plain,
    "GET /\nAccept-Encoding: identity\nUser-Agent: Canopy/1\nX-A: \nX-A: 2");
  f({"POST", "/p", {{"Content-Type", "application/json"}}, "{}"}, {},
    "POST /p\nAccept-Encoding: gzip\nUser-Agent: Canopy/1\nContent-Type: application/json\n\n{}");
  f({"POST", "/p", {{"User-Agent", "me"}}, ""}, {},
    "POST /p\nAccept-Encoding: gzip\nUser-Agent: me");
  f({"PUT", "/p", {{"Accept-Encoding", "deflate"}}, "x"}, {},
    "PUT /p\nAccept-Encoding: deflate\nUser-Agent: Canopy/1\n\nx");
  f({"DELETE", "/p", {}, ""}, {}, "DELETE /p\nAccept-Encoding: gzip\nUser-Agent: Canopy/1");
  f({"HEAD", "/p", {}, ""}, {}, "");
  const std::string megabytes(3 << 20, 'm');
  f({"POST", "/p", {}, megabytes}, {},
    "POST /p\nAccept-Encoding: gzip\nUser-Agent: Canopy/1\n\n" + megabytes);
}

BOOST_AUTO_TEST_CASE(credentials_are_sent) {
  const auto server = ServeEcho();
  MemFs fs;
  BOOST_REQUIRE(fs.ReplaceFile("/token", " secret\n").ok());
  CurlClientOptions client_options;
  client_options.fs = &fs;
  const auto client = NewCurlHttpClient(client_options);
  auto f = [&](const HttpClientConfig& config, std::string_view want) {
    const HttpResponse r = client->Fetch({"GET", UrlOf(*server, "/"), {}, ""}, With(config));
    BOOST_TEST(r.status.ok(), r.status.message());
    const size_t at = r.body.find("Authorization");
    const std::string line = at == std::string::npos ? "" : r.body.substr(at);
    BOOST_TEST(line == want);
  };
  HttpClientConfig config;
  config.basic_auth = BasicAuth{"user", "", "pass", ""};
  f(config, "Authorization: Basic dXNlcjpwYXNz");
  config.basic_auth = BasicAuth{"user", "", "", "/token"};
  f(config, "Authorization: Basic dXNlcjpzZWNyZXQ=");
  config.basic_auth.reset();
  config.authorization = Authorization{"Bearer", "abc", ""};
  f(config, "Authorization: Bearer abc");
  config.authorization = Authorization{"Token", "", "/token"};
  f(config, "Authorization: Token secret");
  // The file is read again for each request.
  BOOST_REQUIRE(fs.ReplaceFile("/token", "rotated").ok());
  f(config, "Authorization: Token rotated");
  config.authorization.reset();
  config.http_headers = {{"X-A", {"1", "2"}, {"3"}, {"/token"}}};
  const HttpResponse r = client->Fetch({"GET", UrlOf(*server, "/"), {}, ""}, With(config));
  BOOST_TEST(r.body.ends_with("\nX-A: 1\nX-A: 2\nX-A: 3\nX-A: rotated"));

  config.http_headers = {{"X-A", {}, {}, {"/missing"}}};
  BOOST_TEST(client->Fetch({"GET", "http://h/", {}, ""}, With(config)).status.message() ==
             "Get \"http://h/\": unable to read http header X-A: open /missing: No such file or "
             "directory");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sent_is_refused) {
  const auto client = NewCurlHttpClient();
  auto f = [&](HttpRequest request, std::string_view want) {
    const HttpResponse r = client->Fetch(request);
    BOOST_TEST((r.status.code() == Code::kInvalid));
    BOOST_TEST(r.status.message() == want);
  };
  f({"GET", "ftp://h/", {}, ""}, R"(Get "ftp://h/": unsupported protocol scheme "ftp")");
  f({"GET", "/x", {}, ""}, R"(Get "/x": unsupported protocol scheme "")");
  f({"GET", "http:///x", {}, ""}, R"(Get "http:///x": http: no Host in request URL)");
  f({"GET", "http://[::1", {}, ""},
    R"(Get "http://[::1": parse "http://[::1": missing ']' in host)");
  f({"POST", "http://h/", {{"X", "a\r\nY: b"}}, ""},
    R"(Post "http://h/": net/http: invalid header field value for "X")");
  f({"GET", "http://h/", {{"X Y", "a"}}, ""},
    R"(Get "http://h/": net/http: invalid header field name "X Y")");
  f({"GET /", "http://h/", {}, ""}, R"(Get / "http://h/": net/http: invalid method "GET /")");
}

BOOST_AUTO_TEST_CASE(errors_say_what_happened) {
  const auto client = NewCurlHttpClient();
  const std::string closed = FreeAddress();
  auto f = [&](std::string url, std::string_view want) {
    const HttpResponse r = client->Fetch({"GET", url, {}, ""});
    BOOST_TEST_CONTEXT(want) {
      BOOST_TEST((r.status.code() == Code::kUnavailable));
      BOOST_TEST(r.status.message() == "Get \"" + url + "\": " + std::string(want));
    }
  };
  f("http://" + closed + "/metrics", "dial tcp " + closed + ": connect: connection refused");
  f("http://no-such-host.invalid/", "dial tcp: lookup no-such-host.invalid: no such host");
  const auto silent =
      std::make_unique<RawServer>([](RawConnection& c) { c.ReadUntil("\r\n\r\n"); });
  f(silent->url(), "EOF");
  const auto resets = std::make_unique<RawServer>([](RawConnection& c) {
    c.ReadUntil("\r\n\r\n");
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    c.Reset();
  });
  const HttpResponse reset = client->Fetch({"GET", resets->url(), {}, ""});
  BOOST_TEST((reset.status.code() == Code::kUnavailable), reset.status.message());
  const auto partial = Reply("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  f(partial->url("/p"), "unexpected EOF");
  const auto rubbish = Reply("this is no HTTP\r\n\r\n");
  BOOST_TEST(!client->Fetch({"GET", rubbish->url(), {}, ""}).status.ok());
  const HttpResponse secret = client->Fetch({"GET", "http://u:secret@" + closed + "/", {}, ""});
  BOOST_TEST(secret.status.message().find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_slow_answer_ends_at_the_deadline) {
  std::atomic<bool> end{false};
  Router router;
  router.Handle("GET", "/silent", [&](Request& r, Response&) {
    (void)WaitFor([&] { return end || r.disconnected(); });
  });
  router.Handle("GET", "/drip", [&](Request&, Response& response) {
    while (!end && response.Write("x").ok()) std::this_thread::sleep_for(Duration(5));
  });
  const auto server = Serve(std::move(router));
  const auto client = NewCurlHttpClient();
  HttpOptions options;
  options.timeout = Duration(100);
  options.accept_gzip = false;
  for (const char* path : {"/silent", "/drip"}) {
    const auto start = std::chrono::steady_clock::now();
    const HttpResponse r = client->Fetch({"GET", UrlOf(*server, path), {}, ""}, options);
    const auto took = std::chrono::steady_clock::now() - start;
    BOOST_TEST((r.status.code() == Code::kTimeout));
    BOOST_TEST(r.status.message() ==
               "Get \"" + UrlOf(*server, path) + "\": context deadline exceeded");
    BOOST_TEST((took >= Duration(95)));
    BOOST_TEST(r.body.empty());
  }
  end = true;
}

BOOST_AUTO_TEST_CASE(a_fast_target_does_not_wait_for_slow_ones) {
  std::atomic<bool> end{false};
  std::atomic<int> held{0};
  HttpServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  options.max_connections = 1000;
  Router router;
  router.Handle("GET", "/slow", [&](Request&, Response& response) {
    ++held;
    end.wait(false);  // and not in a loop: five hundred would take the time of the fast one
    (void)response.Send("slow");
  });
  router.Handle("GET", "/fast", [](Request&, Response& response) { (void)response.Send("fast"); });
  auto server = StartHttpServer(std::move(options), std::move(router));
  BOOST_REQUIRE(server.ok());
  struct Release {
    ~Release() {
      end = true;
      end.notify_all();
    }
    std::atomic<bool>& end;
  };
  std::optional<Release> release(std::in_place, end);
  const auto client = NewCurlHttpClient();
  constexpr int kSlow = 500;
  std::atomic<int> done{0};
  for (int i = 0; i < kSlow; ++i) {
    client->Send({"GET", UrlOf(**server, "/slow"), {}, ""}, {}, [&](HttpResponse r) {
      if (r.body == "slow") ++done;
    });
  }
  BOOST_REQUIRE(WaitFor([&] { return held == kSlow; }, std::chrono::seconds(60)));
  for (int i = 0; i < 20; ++i)
    BOOST_TEST(client->Fetch({"GET", UrlOf(**server, "/fast"), {}, ""}).body == "fast");
  BOOST_TEST(done == 0);
  release.reset();
  BOOST_TEST(WaitFor([&] { return done == kSlow; }, std::chrono::seconds(60)));
}

BOOST_AUTO_TEST_CASE(connections_are_used_again) {
  Router router;
  std::set<std::string> clients;
  std::mutex mu;
  router.Handle("GET", "/x", [&](Request& request, Response& response) {
    const std::lock_guard<std::mutex> lock(mu);
    clients.insert(request.client_address());
    (void)response.Send("x");
  });
  const auto one = Serve(std::move(router));
  const auto client = NewCurlHttpClient();
  for (int i = 0; i < 50; ++i) {
    HttpOptions options = With({});
    options.timeout = Duration(10'000);
    BOOST_TEST(client->Fetch({"GET", UrlOf(*one, "/x"), {}, ""}, options).code == 200);
  }
  BOOST_TEST(clients.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_standing_request_is_sent_again_and_again) {
  Router router;
  std::set<std::string> clients;
  std::mutex mu;
  int asked = 0;
  router.Handle("GET", "/x", [&](Request& request, Response& response) {
    const std::lock_guard<std::mutex> lock(mu);
    clients.insert(request.client_address());
    std::string body = std::to_string(++asked) + " " + std::string(request.header("Authorization"));
    (void)response.Send(asked == 3 ? std::string(2000, 'x') : body);
  });
  const auto server = Serve(std::move(router));
  MemFs fs;
  BOOST_REQUIRE(fs.ReplaceFile("/token", "one").ok());
  CurlClientOptions client_options;
  client_options.fs = &fs;
  const auto client = NewCurlHttpClient(client_options);
  HttpClientConfig config;
  config.authorization = Authorization{"T", "", "/token"};
  HttpOptions options = With(config);
  options.max_body_bytes = 1000;
  auto request = client->Prepare({"GET", UrlOf(*server, "/x"), {}, ""}, options);
  const auto send = [&] {
    std::promise<HttpResponse> answer;
    client->Send(*request, "buffer", [&](HttpResponse r) { answer.set_value(std::move(r)); });
    return answer.get_future().get();
  };
  BOOST_TEST(send().body == "1 T one");
  BOOST_REQUIRE(fs.ReplaceFile("/token", "two").ok());
  BOOST_TEST(send().body == "2 T two");
  BOOST_TEST((send().status.code() == Code::kLimit));
  // What went wrong once plays no part in the next time.
  const HttpResponse after = send();
  BOOST_TEST(after.status.ok(), after.status.message());
  BOOST_TEST(after.body == "4 T two");
  BOOST_REQUIRE(fs.Remove("/token").ok());
  BOOST_TEST((send().status.code() == Code::kInvalid));
  BOOST_REQUIRE(fs.ReplaceFile("/token", "three").ok());
  BOOST_TEST(send().body == "5 T three");
  // Connections are used again, but perhaps not after a body that was too long.
  BOOST_TEST(clients.size() <= 2u);
}

BOOST_AUTO_TEST_CASE(bodies_arrive_decompressed) {
  const std::string plain(50'000, 'p');
  std::string packed;
  Compress(Encoding::kGzip, plain, packed);
  auto f = [&](std::string encoding, const std::string& body, size_t limit, Code want) {
    const auto server =
        Reply("HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding +
              "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    const auto client = NewCurlHttpClient();
    HttpOptions options;
    options.max_body_bytes = limit;
    options.body_buffer = "what was here before";
    const HttpResponse r = client->Fetch({"GET", server->url(), {}, ""}, options);
    BOOST_TEST_CONTEXT(encoding << " " << limit) {
      BOOST_TEST((r.status.code() == want), r.status.message());
      BOOST_TEST((r.body == (want == Code::kOk ? plain : "")));
      if (want == Code::kLimit)
        BOOST_TEST(r.status.message() == "Get \"" + server->url() + "\": body size limit of " +
                                             std::to_string(limit) + " bytes exceeded");
      if (want == Code::kOk) BOOST_TEST(r.wire_body_bytes == body.size());
    }
  };
  f("gzip", packed, 0, Code::kOk);
  f("gzip", packed, plain.size(), Code::kOk);
  f("gzip", packed, plain.size() - 1, Code::kLimit);
  f("identity", plain, 0, Code::kOk);
  f("identity", plain, plain.size(), Code::kOk);
  f("identity", plain, plain.size() - 1, Code::kLimit);
  f("gzip", packed.substr(0, packed.size() - 1), 0, Code::kCorrupt);
  f("gzip", "not gzip at all", 0, Code::kCorrupt);
  f("br", plain, 0, Code::kUnsupported);
  Compress(Encoding::kDeflate, plain, packed);
  f("deflate", packed, 0, Code::kOk);
  Compress(Encoding::kZstd, plain, packed);
  f("zstd", packed, 0, Code::kOk);
  // A small body that claims to become a large one.
  Compress(Encoding::kGzip, std::string(100'000'000, 'x'), packed);
  f("gzip", packed, 1'000'000, Code::kLimit);
}

BOOST_AUTO_TEST_CASE(a_body_without_end_is_cut_at_its_limit) {
  Router router;
  router.Handle("GET", "/endless", [](Request&, Response& response) {
    const std::string piece(1 << 16, 'x');
    while (response.Write(piece).ok()) {
    }
  });
  const auto server = Serve(std::move(router));
  const auto client = NewCurlHttpClient();
  HttpOptions options;
  options.max_body_bytes = 10 << 20;
  for (const bool gzip : {false, true}) {
    options.accept_gzip = gzip;
    const HttpResponse r = client->Fetch({"GET", UrlOf(*server, "/endless"), {}, ""}, options);
    BOOST_TEST((r.status.code() == Code::kLimit), r.status.message());
  }
}

BOOST_AUTO_TEST_CASE(redirects_are_followed_or_not) {
  Router router;
  router.Handle("GET", "/a", [](Request&, Response& r) {
    r.SetStatus(302);
    r.SetHeader("Location", "/b?x=y");
    r.SetHeader("X-Old", "1");
    (void)r.Send("moved");
  });
  router.Handle("GET", "/b", [](Request&, Response& r) { (void)r.Send("here"); });
  router.Handle("POST", "/a", [](Request&, Response& r) {
    r.SetStatus(303);
    r.SetHeader("Location", "/b");
  });
  router.Handle("GET", "/loop", [](Request&, Response& r) {
    r.SetStatus(302);
    r.SetHeader("Location", "/loop");
  });
  router.Handle("GET", "/file", [](Request&, Response& r) {
    r.SetStatus(302);
    r.SetHeader("Location", "file:///etc/passwd");
  });
  const auto server = Serve(std::move(router));
  const auto client = NewCurlHttpClient();
  HttpResponse r = client->Fetch({"GET", UrlOf(*server, "/a"), {}, ""});
  BOOST_TEST(r.body == "here");
  BOOST_TEST(r.url == UrlOf(*server, "/b?x=y"));
  BOOST_TEST(r.header("X-Old") == "");
  BOOST_TEST(client->Fetch({"POST", UrlOf(*server, "/a"), {}, "body"}).body == "here");
  HttpClientConfig config;
  config.follow_redirects = false;
  r = client->Fetch({"GET", UrlOf(*server, "/a"), {}, ""}, With(config));
  BOOST_TEST(r.code == 302);
  BOOST_TEST(r.body == "moved");
  BOOST_TEST(r.header("Location") == "/b?x=y");
  r = client->Fetch({"GET", UrlOf(*server, "/loop"), {}, ""});
  BOOST_TEST(r.status.message() ==
             "Get \"" + UrlOf(*server, "/loop") + "\": stopped after 10 redirects");
  BOOST_TEST(!client->Fetch({"GET", UrlOf(*server, "/file"), {}, ""}).status.ok());
}

BOOST_AUTO_TEST_CASE(credentials_do_not_follow_to_another_host) {
  const auto other = ServeEcho();
  Router router;
  router.Handle("GET", "/a", [&](Request&, Response& r) {
    r.SetStatus(302);
    r.SetHeader("Location", UrlOf(*other, "/there"));
  });
  const auto server = Serve(std::move(router));
  const auto client = NewCurlHttpClient();
  HttpClientConfig config;
  config.authorization = Authorization{"Bearer", "secret", ""};
  const HttpResponse r = client->Fetch({"GET", UrlOf(*server, "/a"), {}, ""}, With(config));
  BOOST_TEST(r.body.find("secret") == std::string::npos);
  BOOST_TEST(r.body.starts_with("GET /there"));
}

BOOST_AUTO_TEST_CASE(a_request_can_be_canceled) {
  std::atomic<int> held{0};
  std::atomic<int> left{0};
  Router router;
  router.Handle("GET", "/x", [&](Request& request, Response&) {
    ++held;
    if (WaitFor([&] { return request.disconnected(); })) ++left;
  });
  const auto server = Serve(std::move(router));
  auto client = NewCurlHttpClient();
  std::atomic<int> canceled{0};
  // Boost's checks are for the test's own thread.
  auto done = [&](HttpResponse r) {
    if (r.status.code() == Code::kCanceled &&
        r.status.message() == "Get \"" + UrlOf(*server, "/x") + "\": context canceled")
      ++canceled;
  };
  const HttpRequestId first = client->Send({"GET", UrlOf(*server, "/x"), {}, ""}, {}, done);
  client->Send({"GET", UrlOf(*server, "/x"), {}, ""}, {}, done);
  BOOST_REQUIRE(WaitFor([&] { return held == 2; }));
  client->Cancel(first);
  client->Cancel(first);
  client->Cancel(HttpRequestId(12345));
  BOOST_REQUIRE(WaitFor([&] { return canceled == 1; }));
  BOOST_TEST(WaitFor([&] { return left == 1; }));
  // Destruction cancels the other one, and has called back when it returns.
  client.reset();
  BOOST_TEST(canceled == 2);
}

BOOST_AUTO_TEST_CASE(requests_go_through_a_proxy) {
  const auto proxy = Reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy");
  const auto direct = Reply("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect");
  const auto client = NewCurlHttpClient();
  HttpClientConfig config;
  config.proxy_url = proxy->url("");
  const HttpRequest request{"GET", direct->url("/x"), {}, ""};
  BOOST_TEST(client->Fetch(request, With(config)).body == "proxy");
  config.no_proxy = "example.com,127.0.0.0/8";
  BOOST_TEST(client->Fetch(request, With(config)).body == "direct");
  config = {};
  config.proxy_from_environment = true;
  ::setenv("HTTP_PROXY", proxy->url("").c_str(), 1);
  const auto with_environment = NewCurlHttpClient();
  ::unsetenv("HTTP_PROXY");
  // This machine is asked directly; other hosts are not.
  BOOST_TEST(with_environment->Fetch(request, With(config)).body == "direct");
  const HttpRequest far{"GET", "http://far.invalid/x", {}, ""};
  BOOST_TEST(with_environment->Fetch(far, With(config)).body == "proxy");
  BOOST_TEST(!with_environment->Fetch(far).status.ok());
}

BOOST_AUTO_TEST_CASE(requests_go_through_a_unix_socket) {
  const std::string path = "/tmp/canopy-client-test-" + std::to_string(::getpid()) + ".sock";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  BOOST_REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  BOOST_REQUIRE(::listen(fd, 1) == 0);
  std::thread server([&] {
    RawConnection c(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
    (void)c.ReadUntil("\r\n\r\n");
    (void)c.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix");
  });
  const auto client = NewCurlHttpClient();
  HttpOptions options;
  options.unix_socket = path;
  BOOST_TEST(client->Fetch({"GET", "http://h/", {}, ""}, options).body == "unix");
  server.join();
  ::close(fd);
  ::unlink(path.c_str());
  BOOST_TEST(client->Fetch({"GET", "http://other/", {}, ""}, options).status.message() ==
             "Get \"http://other/\": dial unix " + path + ": connect: no such file or directory");
}

BOOST_AUTO_TEST_CASE(odd_answers_are_understood) {
  const auto client = NewCurlHttpClient();
  auto f = [&](std::string reply, int code, std::string_view body) {
    const auto server = Reply(std::move(reply));
    const HttpResponse r = client->Fetch({"GET", server->url(), {}, ""});
    BOOST_TEST(r.status.ok(), r.status.message());
    BOOST_TEST(r.code == code);
    BOOST_TEST(r.body == body);
  };
  f("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end");
  f("HTTP/1.1 204 No Content\r\n\r\n", 204, "");
  f("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy", 503, "busy");
  f("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x");
  f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, "abc");
}

}  // namespace
}  // namespace canopy::net
