#include "canopy/net/server.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <limits>

#include "canopy/net/client.h"
#include "canopy/net/compress.h"
#include "tests/net/raw_tcp.h"
#include "tests/net/serve.h"
#include "tests/support/wait_for.h"

namespace canopy::net {
namespace {

using testing::WaitFor;

constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

Router One(std::string_view method, std::string_view pattern, Handler handler) {
  Router router;
  router.Handle(method, pattern, std::move(handler));
  return router;
}

void Hello(Request&, Response& response) { (void)response.Send("hello\n"); }

std::string Get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

// The response without its Date, which changes.
std::string WithoutDate(std::string response) {
  const size_t at = response.find("Date: ");
  BOOST_REQUIRE(at != std::string::npos);
  return response.erase(at, response.find("\r\n", at) + 2 - at);
}

BOOST_AUTO_TEST_CASE(a_response_byte_by_byte) {
  const auto server = Serve(One("GET", "/x", Hello));
  auto f = [&](std::string_view request, std::string_view want) {
    BOOST_TEST_CONTEXT(request) {
      RawConnection c(server->addresses()[0]);
      BOOST_REQUIRE(c.Send(request));
      BOOST_TEST(WithoutDate(c.ReadAll()) == want);
    }
  };
  f(Get("/x", "Connection: close\r\n"),
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nVary: Accept-Encoding\r\n"
    "Connection: close\r\nContent-Length: 6\r\n\r\nhello\n");
  f("GET /x HTTP/1.0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nVary: Accept-Encoding\r\n"
    "Connection: close\r\nContent-Length: 6\r\n\r\nhello\n");
  f("POST /x HTTP/1.0\r\n\r\n",
    "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, OPTIONS\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
    "Vary: Accept-Encoding\r\nConnection: close\r\nContent-Length: 19\r\n\r\n"
    "Method Not Allowed\n");
}

BOOST_AUTO_TEST_CASE(a_broken_request_is_refused) {
  const auto server = Serve(One("GET", "/x", Hello));
  auto f = [&](std::string_view request, std::string_view status) {
    BOOST_TEST_CONTEXT(request.substr(0, 60)) {
      RawConnection c(server->addresses()[0]);
      (void)c.Send(request);
      const std::string text(status);
      BOOST_TEST(c.ReadAll() == "HTTP/1.1 " + text +
                                    "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                    "Connection: close\r\n\r\n" +
                                    text);
    }
  };
  f("rubbish\r\n\r\n", "400 Bad Request");
  f("GET /x HTTP/3.0\r\n\r\n", "505 HTTP Version Not Supported");
  f("GET /" + std::string(2 << 20, 'x'), "431 Request Header Fields Too Large");
  f("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501 Not Implemented");
}

BOOST_AUTO_TEST_CASE(a_long_url_is_no_trouble) {
  // A parent's selection of thousands of series.
  const auto server = Serve(One("GET", "/federate", [](Request& request, Response& response) {
    (void)response.Send(std::to_string(request.Query()->All("match[]").size()));
  }));
  Form form;
  for (int i = 0; i < 5000; ++i)
    form.Add("match[]", "{__name__=\"some_metric_name_" + std::to_string(i) + "\"}");
  const auto client = NewCurlHttpClient();
  HttpRequest request;
  request.url = "http://" + server->addresses()[0] + "/federate?" + form.Encode();
  BOOST_TEST(request.url.size() > 200'000u);
  const HttpResponse response = client->Fetch(request);
  BOOST_TEST(response.status.ok(), response.status.message());
  BOOST_TEST(response.body == "5000");
}

BOOST_AUTO_TEST_CASE(a_connection_serves_many_requests) {
  const auto server = Serve(One("GET", "/x", [](Request& request, Response& response) {
    (void)response.Send(request.client_address());
  }));
  RawConnection c(server->addresses()[0]);
  std::string first;
  for (int i = 0; i < 50; ++i) {
    BOOST_REQUIRE(c.Send(Get("/x")));
    const std::string head = c.ReadUntil("\r\n\r\n");
    const size_t at = head.find("Content-Length: ");
    BOOST_REQUIRE(at != std::string::npos);
    const std::string body = c.ReadExactly(std::stoul(head.substr(at + 16)));
    if (i == 0) first = body;
    BOOST_TEST(body == first);
  }
  // Requests that come together are answered in order.
  BOOST_REQUIRE(c.Send(Get("/x") + Get("/x") + Get("/nowhere", "Connection: close\r\n")));
  const std::string all = c.ReadAll();
  BOOST_TEST(all.find("404 page not found") > all.rfind(first));
}

BOOST_AUTO_TEST_CASE(bodies_are_read) {
  const auto server = Serve(One("POST", "/echo", [](Request& request, Response& response) {
    const auto body = request.ReadBody(100'000);
    if (!body.ok())
      (void)response.SendError(body.status().code() == Code::kLimit ? 413 : 400,
                               body.status().message());
    else
      (void)response.Send(*body);
  }));
  auto f = [&](std::string_view request, std::string_view code, std::string_view body) {
    BOOST_TEST_CONTEXT(request.substr(0, 200)) {
      RawConnection c(server->addresses()[0]);
      BOOST_REQUIRE(c.Send(request));
      c.CloseWrite();
      const std::string all = c.ReadAll();
      BOOST_TEST(all.substr(9, 3) == code);
      BOOST_TEST(all.substr(all.find("\r\n\r\n") + 4) == body);
    }
  };
  const std::string start = "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  f(start + "Content-Length: 5\r\n\r\nhello", "200", "hello");
  f(start + "\r\n", "200", "");
  f(start + "Content-Length: 0\r\n\r\n", "200", "");
  f(chunked + "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n", "200", "hello world");
  f(chunked + "00a\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", "200", "0123456789");
  f(chunked + "0\r\n\r\n", "200", "");
  f(start + "Content-Length: 100001\r\n\r\n" + std::string(100'001, 'x'), "413",
    "http: request body too large\n");
  f(chunked + "186a1\r\n" + std::string(100'001, 'x') + "\r\n0\r\n\r\n", "413",
    "http: request body too large\n");
  f(chunked + "ffffffffffffffff\r\nx", "413", "http: request body too large\n");
  f(chunked + "10000000000000000\r\nx", "400", "malformed chunked encoding\n");
  f(chunked + "5\r\nhelloX\r\n0\r\n\r\n", "400", "malformed chunked encoding\n");
  f(chunked + "-5\r\nhello\r\n0\r\n\r\n", "400", "malformed chunked encoding\n");
  f(chunked + "\r\nhello\r\n0\r\n\r\n", "400", "malformed chunked encoding\n");
  f(chunked + "5\r\nhel", "400", "unexpected EOF\n");
  f(start + "Content-Length: 5\r\n\r\nhel", "400", "unexpected EOF\n");
}

BOOST_AUTO_TEST_CASE(a_client_that_waits_is_told_to_go_on) {
  const auto server = Serve(One("POST", "/{read}", [](Request& request, Response& response) {
    if (request.path_param("read") == "yes") (void)request.ReadBody(100);
    (void)response.Send("done");
  }));
  const std::string rest =
      " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  {
    RawConnection c(server->addresses()[0]);
    BOOST_REQUIRE(c.Send("POST /yes" + rest));
    BOOST_TEST(c.ReadUntil("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    BOOST_REQUIRE(c.Send("hello"));
    BOOST_TEST(c.ReadUntil("done").ends_with("done"));
    BOOST_REQUIRE(c.Send(Get("/x")));
    BOOST_TEST(c.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 405"));
  }
  RawConnection c(server->addresses()[0]);
  BOOST_REQUIRE(c.Send("POST /no" + rest));
  c.CloseWrite();
  BOOST_TEST(c.ReadAll().starts_with("HTTP/1.1 200"));
}

BOOST_AUTO_TEST_CASE(a_body_that_nobody_read_does_not_disturb) {
  const auto server = Serve(One("POST", "/x", Hello));
  RawConnection c(server->addresses()[0]);
  BOOST_REQUIRE(c.Send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" +
                       std::string(100'000, 'y')));
  BOOST_TEST(c.ReadUntil("hello\n").starts_with("HTTP/1.1 200"));
  BOOST_REQUIRE(c.Send(Get("/x")));
  BOOST_TEST(c.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 405"));

  RawConnection much(server->addresses()[0]);
  BOOST_REQUIRE(much.Send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n"));
  BOOST_TEST(much.ReadAll().ends_with("hello\n"));  // and the connection ends
}

BOOST_AUTO_TEST_CASE(long_answers_are_streamed_whole) {
  constexpr int kPieces = 800;
  const std::string piece(128 << 10, 'x');
  const auto server = Serve(One("GET", "/big", [&](Request&, Response& response) {
    for (int i = 0; i < kPieces; ++i)
      if (!response.Write(piece).ok()) return;
  }));
  const auto client = NewCurlHttpClient();
  HttpOptions options;
  for (const bool gzip : {false, true}) {
    options.accept_gzip = gzip;
    const HttpResponse response =
        client->Fetch({"GET", "http://" + server->addresses()[0] + "/big", {}, ""}, options);
    BOOST_TEST(response.status.ok(), response.status.message());
    BOOST_TEST(response.body.size() == kPieces * piece.size());
    BOOST_TEST(response.header("Transfer-Encoding") == "chunked");
    BOOST_TEST(response.header("Content-Encoding") == (gzip ? "gzip" : ""));
    BOOST_TEST((response.body.find_first_not_of('x') == std::string::npos));
  }
  // An old client gets the same, and the end of the connection as its end.
  RawConnection c(server->addresses()[0]);
  BOOST_REQUIRE(c.Send("GET /big HTTP/1.0\r\n\r\n"));
  const std::string all = c.ReadAll();
  BOOST_TEST(all.size() - all.find("\r\n\r\n") - 4 == kPieces * piece.size());
}

BOOST_AUTO_TEST_CASE(pieces_of_any_size_arrive_as_one_body) {
  const auto server = Serve(One("GET", "/x", [](Request& request, Response& response) {
    const bool close = request.Query()->Has("abort");
    for (const size_t size : {0u, 1u, 16384u, 16385u, 0u, 300'000u, 3u})
      (void)response.Write(std::string(size, 'z'));
    if (close) response.Abort();
  }));
  const auto client = NewCurlHttpClient();
  for (const bool gzip : {false, true}) {
    HttpOptions options;
    options.accept_gzip = gzip;
    const std::string url = "http://" + server->addresses()[0] + "/x";
    HttpResponse response = client->Fetch({"GET", url, {}, ""}, options);
    BOOST_TEST(response.status.ok(), response.status.message());
    BOOST_TEST(response.body.size() == 332'773u);
    response = client->Fetch({"GET", url + "?abort", {}, ""}, options);
    BOOST_TEST((response.status.code() == Code::kUnavailable));
    BOOST_TEST(response.body.empty());
  }
}

BOOST_AUTO_TEST_CASE(answers_are_compressed_as_asked) {
  const std::string body(10'000, 'a');
  Router router;
  router.Handle("GET", "/whole", [&](Request&, Response& r) { (void)r.Send(body); });
  router.Handle("GET", "/streamed", [&](Request&, Response& r) { (void)r.Write(body); });
  router.Handle("GET", "/own", [&](Request&, Response& r) {
    r.SetHeader("Content-Encoding", "br");
    (void)r.Send(body);
  });
  router.Handle("GET", "/empty", [](Request&, Response&) {});
  const auto server = Serve(std::move(router));
  const auto client = NewCurlHttpClient();
  auto f = [&](std::string path, std::string accept, std::string_view want) {
    BOOST_TEST_CONTEXT(path << " " << accept) {
      RawConnection c(server->addresses()[0]);
      BOOST_REQUIRE(c.Send(Get(path, "Accept-Encoding: " + accept + "\r\nConnection: close\r\n")));
      const std::string head = c.ReadUntil("\r\n\r\n");
      std::string bytes = c.ReadAll();
      BOOST_TEST(head.find("\r\nVary: Accept-Encoding\r\n") != std::string::npos);
      const size_t at = head.find("Content-Encoding: ");
      const std::string encoding =
          at == std::string::npos ? "" : head.substr(at + 18, head.find("\r\n", at) - at - 18);
      BOOST_TEST(encoding == want);
      if (head.find("chunked") != std::string::npos) {
        // One chunk and the last one.
        bytes = bytes.substr(bytes.find("\r\n") + 2);
        bytes.resize(bytes.size() - 7);
      }
      std::string plain = bytes;
      if (want == "gzip" || want == "deflate")
        BOOST_TEST(Decompress(*ParseEncoding(want), bytes, kNoLimit, plain).ok());
      BOOST_TEST(plain == (path == "/empty" ? "" : body));
    }
  };
  for (const char* path : {"/whole", "/streamed"}) {
    f(path, "gzip", "gzip");
    f(path, "deflate, gzip", "deflate");
    f(path, "br, gzip", "gzip");
    f(path, "gzip;q=0", "");
    f(path, "identity", "");
    f(path, "", "");
  }
  f("/own", "gzip", "br");
  f("/empty", "gzip", "");
}

BOOST_AUTO_TEST_CASE(a_head_request_gets_no_body) {
  Router router;
  router.Handle("HEAD", "/whole", Hello);
  router.Handle("HEAD", "/streamed", [](Request&, Response& r) { (void)r.Write("hello"); });
  router.Handle("GET", "/nothing", [](Request&, Response& r) { r.SetStatus(204); });
  const auto server = Serve(std::move(router));
  auto f = [&](std::string request, std::string_view has) {
    BOOST_TEST_CONTEXT(request) {
      RawConnection c(server->addresses()[0]);
      BOOST_REQUIRE(c.Send(request + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
      const std::string all = c.ReadAll();
      BOOST_TEST(all.find(has) != std::string::npos);
      BOOST_TEST(all.ends_with("\r\n\r\n"));
      BOOST_TEST(all.find("\r\n\r\n") == all.size() - 4);
    }
  };
  f("HEAD /whole", "Content-Length: 6\r\n");
  f("HEAD /streamed", "Transfer-Encoding: chunked\r\n");
  f("GET /nothing", "HTTP/1.1 204 No Content\r\n");
}

BOOST_AUTO_TEST_CASE(a_handler_learns_that_its_client_has_gone) {
  std::atomic<int> state{0};
  const auto server = Serve(One("GET", "/slow", [&](Request& request, Response&) {
    state = request.disconnected() ? -1 : 1;
    if (WaitFor([&] { return request.disconnected(); })) state = 2;
  }));
  RawConnection c(server->addresses()[0]);
  BOOST_REQUIRE(c.Send(Get("/slow")));
  BOOST_REQUIRE(WaitFor([&] { return state != 0; }));
  BOOST_TEST(state == 1);
  c.Close();
  BOOST_TEST(WaitFor([&] { return state == 2; }));
}

BOOST_AUTO_TEST_CASE(a_writer_learns_that_its_client_has_gone) {
  std::atomic<bool> ended{false};
  Status last;
  const auto server = Serve(One("GET", "/big", [&](Request&, Response& response) {
    const std::string piece(64 << 10, 'x');
    while (last.ok()) last = response.Write(piece);
    ended = true;
  }));
  RawConnection c(server->addresses()[0]);
  BOOST_REQUIRE(c.Send(Get("/big")));
  (void)c.ReadExactly(100'000);
  c.Reset();
  BOOST_REQUIRE(WaitFor([&] { return ended.load(); }));
  BOOST_TEST((last.code() == Code::kCanceled), last.message());
}

BOOST_AUTO_TEST_CASE(a_client_that_takes_nothing_is_dropped) {
  std::atomic<bool> ended{false};
  HttpServerOptions options;
  options.write_timeout = Duration(50);
  const auto server = Serve(One("GET", "/big",
                                [&](Request&, Response& response) {
                                  const std::string piece(1 << 20, 'x');
                                  while (response.Write(piece).ok()) {
                                  }
                                  ended = true;
                                }),
                            options);
  RawConnection c(server->addresses()[0]);
  BOOST_REQUIRE(c.Send(Get("/big")));
  BOOST_TEST(WaitFor([&] { return ended.load(); }));
}

BOOST_AUTO_TEST_CASE(a_client_that_says_nothing_is_dropped) {
  HttpServerOptions options;
  options.read_timeout = Duration(50);
  const auto server = Serve(One("GET", "/x", Hello), options);
  RawConnection silent(server->addresses()[0]);
  BOOST_TEST(silent.ReadAll() == "");
  RawConnection half(server->addresses()[0]);
  BOOST_REQUIRE(half.Send("GET /x HTTP/1.1\r\n"));
  BOOST_TEST(half.ReadAll() == "");
  RawConnection after(server->addresses()[0]);
  BOOST_REQUIRE(after.Send(Get("/x")));
  BOOST_TEST(after.ReadAll().ends_with("hello\n"));
}

BOOST_AUTO_TEST_CASE(a_handler_that_throws_answers_500) {
  Router router;
  router.Handle("GET", "/early", [](Request&, Response&) { throw std::bad_alloc(); });
  router.Handle("GET", "/late", [](Request&, Response& response) {
    (void)response.Write("part");
    throw std::bad_alloc();
  });
  const auto server = Serve(std::move(router));
  const auto client = NewCurlHttpClient();
  const std::string url = "http://" + server->addresses()[0];
  BOOST_TEST(client->Fetch({"GET", url + "/early", {}, ""}).code == 500);
  BOOST_TEST(!client->Fetch({"GET", url + "/late", {}, ""}).status.ok());
}

BOOST_AUTO_TEST_CASE(each_request_is_reported) {
  std::vector<std::string> done;
  bool negative = false;
  HttpServerOptions options;
  options.on_done = [&](const RequestDone& d) {
    done.push_back(std::string(d.method) + " " + std::string(d.route) + " " +
                   std::to_string(d.code) + " " + std::to_string(d.response_bytes));
    negative = negative || d.seconds < 0;
  };
  options.response_headers = {{"X-Frame-Options", "deny"}};
  Router router;
  router.Handle("GET", "/l/{name}", Hello);
  auto server = Serve(std::move(router), options);
  RawConnection c(server->addresses()[0]);
  BOOST_REQUIRE(c.Send(Get("/l/a") + Get("/nowhere", "Connection: close\r\n")));
  const std::string all = c.ReadAll();
  BOOST_TEST(all.find("X-Frame-Options: deny\r\n") != std::string::npos);
  server.reset();
  const std::vector<std::string> want{"GET /l/{name} 200 6", "GET  404 19"};
  BOOST_TEST(done == want, boost::test_tools::per_element());
  BOOST_TEST(!negative);
}

BOOST_AUTO_TEST_CASE(users_are_asked_for_their_password) {
  HttpServerOptions options;
  // bcrypt of "pass:word" at the lowest cost.
  options.basic_auth_users["admin"] =
      "$2y$04$KBCwKxOzLha2MUDgW0PjXe5HIbGWEvDkfa.9lcu3naIZqCqd0q2tG";
  options.basic_auth_users["other"] = "not a hash";
  const auto server = Serve(One("GET", "/x", Hello), options);
  const auto client = NewCurlHttpClient();
  auto f = [&](std::string user, std::string password, int code) {
    auto config = std::make_shared<HttpClientConfig>();
    if (!user.empty()) config->basic_auth = BasicAuth{user, "", password, ""};
    HttpOptions o;
    o.config = config;
    BOOST_TEST_CONTEXT(user << " " << password) {
      const HttpResponse r =
          client->Fetch({"GET", "http://" + server->addresses()[0] + "/x", {}, ""}, o);
      BOOST_TEST(r.code == code);
      BOOST_TEST(r.header("WWW-Authenticate") == (code == 401 ? "Basic" : ""));
      BOOST_TEST(r.body == (code == 401 ? "Unauthorized\n" : "hello\n"));
    }
  };
  f("", "", 401);
  f("admin", "pass:word", 200);
  f("admin", "pass:word", 200);
  f("admin", "wrong", 401);
  f("nobody", "pass:word", 401);
  f("other", "not a hash", 401);
}

BOOST_AUTO_TEST_CASE(addresses_in_use_and_addresses_that_cannot_be) {
  const auto server = Serve(One("GET", "/x", Hello));
  auto f = [](std::string address, Code code, std::string_view want) {
    HttpServerOptions options;
    options.listen_addresses = {"127.0.0.1:0", address};
    const auto second = StartHttpServer(options, Router());
    BOOST_TEST_CONTEXT(address) {
      BOOST_REQUIRE(!second.ok());
      BOOST_TEST((second.status().code() == code));
      BOOST_TEST(second.status().message() == want);
    }
  };
  const std::string taken = server->addresses()[0];
  f(taken, Code::kExists, "listen tcp " + taken + ": bind: address already in use");
  f("192.0.2.1:0", Code::kIo, "listen tcp 192.0.2.1:0: bind: cannot assign requested address");
  f("9090", Code::kInvalid, "listen address \"9090\": want host:port");
  f("h:70000", Code::kInvalid, "listen address \"h:70000\": want host:port");
  f("no-such-host.invalid:1", Code::kInvalid,
    "listen tcp: lookup no-such-host.invalid: no such host");
  HttpServerOptions none;
  BOOST_TEST((StartHttpServer(none, Router()).status().code() == Code::kInvalid));
}

BOOST_AUTO_TEST_CASE(several_addresses_and_both_families) {
  HttpServerOptions options;
  options.listen_addresses = {"127.0.0.1:0", ":0", "localhost:0"};
  const auto server = Serve(One("GET", "/x", Hello), options);
  const auto client = NewCurlHttpClient();
  BOOST_REQUIRE(server->addresses().size() == 3u);
  for (const std::string& address : server->addresses()) {
    const std::string port = address.substr(address.rfind(':'));
    BOOST_TEST(client->Fetch({"GET", "http://127.0.0.1" + port + "/x", {}, ""}).code == 200,
               address);
  }
}

BOOST_AUTO_TEST_CASE(more_clients_than_connections_wait_their_turn) {
  HttpServerOptions options;
  options.max_connections = 2;
  std::atomic<int> at_once{0};
  std::atomic<int> most{0};
  const auto server =
      Serve(One("GET", "/x",
                [&](Request&, Response& response) {
                  const int now = ++at_once;
                  for (int m = most; now > m && !most.compare_exchange_weak(m, now);) {
                  }
                  (void)response.Send("x");
                  --at_once;
                }),
            options);
  std::vector<std::unique_ptr<RawConnection>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<RawConnection>(server->addresses()[0]));
    BOOST_REQUIRE(clients.back()->Send(Get("/x", "Connection: close\r\n")));
  }
  for (auto& c : clients) BOOST_TEST(c->ReadAll().ends_with("x"));
  BOOST_TEST(most <= 2);
}

BOOST_AUTO_TEST_CASE(running_requests_end_before_the_server) {
  std::atomic<bool> go{false};
  std::atomic<bool> running{false};
  auto server = Serve(One("GET", "/x", [&](Request&, Response& response) {
    running = true;
    (void)WaitFor([&] { return go.load(); });
    (void)response.Send("done");
  }));
  RawConnection idle(server->addresses()[0]);
  RawConnection busy(server->addresses()[0]);
  BOOST_REQUIRE(busy.Send(Get("/x")));
  BOOST_REQUIRE(WaitFor([&] { return running.load(); }));
  std::thread stopper([&] { server->Stop(std::chrono::seconds(20)); });
  BOOST_TEST(idle.ReadAll() == "");  // closed at once
  go = true;
  BOOST_TEST(busy.ReadAll().ends_with("done"));
  stopper.join();
  server->Stop(Duration(0));
}

BOOST_AUTO_TEST_CASE(a_request_that_does_not_end_is_cut_off) {
  std::atomic<bool> running{false};
  std::atomic<bool> seen{false};
  auto server = Serve(One("GET", "/x", [&](Request& request, Response&) {
    running = true;
    seen = WaitFor([&] { return request.disconnected(); });
  }));
  RawConnection c(server->addresses()[0]);
  BOOST_REQUIRE(c.Send(Get("/x")));
  BOOST_REQUIRE(WaitFor([&] { return running.load(); }));
  server.reset();
  BOOST_TEST(seen);
  BOOST_TEST(c.ReadAll() == "");
}

}  // namespace
}  // namespace canopy::net
