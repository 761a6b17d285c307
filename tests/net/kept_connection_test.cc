// Requests that go again and again over a connection that is kept: through KeptConnection alone,
// and through the client, whose answers must be those of a request that is sent once.

#include "net/kept_connection.h"

#include <boost/test/unit_test.hpp>
#include <future>
#include <random>
#include <set>

#include "canopy/net/client.h"
#include "canopy/net/compress.h"
#include "net/chunk_decoder.h"
#include "tests/net/raw_tcp.h"
#include "tests/support/wait_for.h"

namespace canopy::net {
namespace {

using State = KeptConnection::State;

struct TestSink final : KeptConnection::Sink {
  bool TakeHead(ResponseHead h) override {
    head = std::move(h);
    return takes_head;
  }
  bool TakeBody(std::string_view bytes) override {
    body.append(bytes);
    return body.size() <= limit;
  }

  ResponseHead head;
  std::string body;
  bool takes_head = true;
  size_t limit = SIZE_MAX;
};

// Both ends of a connection.
struct Pair {
  Pair() {
    int fds[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    kept = std::make_unique<KeptConnection>(fds[0]);
    peer = std::make_unique<RawConnection>(fds[1]);
  }

  void Ask() {
    BOOST_REQUIRE(kept->Send("GET / HTTP/1.1\r\n\r\n"));
    BOOST_TEST(peer->ReadUntil("\r\n\r\n") == "GET / HTTP/1.1\r\n\r\n");
  }
  State Receive(TestSink& sink, size_t buffer_size = 64) {
    std::vector<char> buffer(buffer_size);
    return kept->Receive(buffer, sink);
  }

  std::unique_ptr<KeptConnection> kept;
  std::unique_ptr<RawConnection> peer;
};

std::string RandomText(std::mt19937& random, size_t size) {
  std::string out(size, ' ');
  for (char& c : out) c = static_cast<char>("ab\r\n0:"[random() % 6]);
  return out;
}

std::string Chunked(std::mt19937& random, std::string_view body) {
  std::string out;
  while (!body.empty()) {
    const size_t n = 1 + random() % body.size();
    char size[32];
    std::snprintf(size, sizeof size, random() % 2 == 0 ? "%zx" : "%zX;x=y", n);
    out.append(size).append("\r\n").append(body.substr(0, n)).append("\r\n");
    body.remove_prefix(n);
  }
  return out + (random() % 2 == 0 ? "0\r\n\r\n" : "0\r\nX-Trailer: 1\r\n\r\n");
}

}  // namespace

BOOST_AUTO_TEST_CASE(responses_arrive_whole_however_they_are_cut) {
  std::mt19937 random(7);
  Pair pair;
  for (int round = 0; round < 2000; ++round) {
    const std::string body = RandomText(random, random() % 300);
    const bool chunked = random() % 2 == 0;
    std::string text = "HTTP/1.1 200 OK\r\nX-Round: " + std::to_string(round) + "\r\n";
    text += chunked ? "Transfer-Encoding: chunked\r\n\r\n" + Chunked(random, body)
                    : "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    pair.Ask();
    TestSink sink;
    State state = State::kWaiting;
    for (std::string_view rest = text; !rest.empty();) {
      BOOST_REQUIRE((state == State::kWaiting));
      const size_t n = 1 + random() % rest.size();
      BOOST_REQUIRE(pair.peer->Send(rest.substr(0, n)));
      rest.remove_prefix(n);
      // A read that fills the buffer is followed by another one, any other one is not.
      const size_t buffer = 1 + random() % 400;
      do state = pair.Receive(sink, buffer);
      while (state == State::kWaiting && random() % 4 != 0);
    }
    while (state == State::kWaiting) state = pair.Receive(sink);
    BOOST_REQUIRE((state == State::kDone));
    BOOST_REQUIRE(pair.kept->reusable());
    BOOST_REQUIRE(sink.body == body);
    BOOST_REQUIRE(FindHeader(sink.head.headers, "X-Round") == std::to_string(round));
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_plain_is_left_to_others) {
  const auto f = [](std::string_view bytes, bool closes) {
    Pair pair;
    pair.Ask();
    BOOST_REQUIRE(pair.peer->Send(bytes));
    if (closes) pair.peer->Close();
    TestSink sink;
    const State state = pair.Receive(sink, 4096);
    BOOST_TEST(((state == State::kWaiting ? pair.Receive(sink) : state) == State::kUnusable),
               bytes);
  };
  f("", true);
  f("HTTP/1.1 200 OK\r\n", true);
  f("HTTP/2 200\r\n\r\n", false);
  f("ICY 200 OK\r\n\r\n", false);
  f("HTTP/1.1 2x0 OK\r\n\r\n", false);
  f("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", false);
  f("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false);
  f("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1", false);
  f("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1", false);
  f(std::string(70'000, 'x'), false);
}

BOOST_AUTO_TEST_CASE(a_body_that_breaks_off_says_why) {
  const auto f = [](std::string_view bytes, std::string_view want) {
    Pair pair;
    pair.Ask();
    BOOST_REQUIRE(pair.peer->Send(bytes));
    pair.peer->Close();
    TestSink sink;
    sink.limit = 5;
    State state = State::kWaiting;
    for (int i = 0; i < 3 && state == State::kWaiting; ++i) state = pair.Receive(sink, 4096);
    BOOST_TEST((state == State::kBroken), bytes);
    BOOST_TEST(pair.kept->error().message() == want);
  };
  f("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "unexpected EOF");
  f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "unexpected EOF");
  f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", "malformed chunked encoding");
  f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    "malformed chunked encoding");
  f("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef", "");  // the sink's limit
}

BOOST_AUTO_TEST_CASE(a_connection_is_not_used_again_where_its_end_is_in_doubt) {
  const auto f = [](std::string_view bytes, bool closes, std::string_view body, bool reusable) {
    Pair pair;
    pair.Ask();
    BOOST_REQUIRE(pair.peer->Send(bytes));
    if (closes) pair.peer->Close();
    TestSink sink;
    State state = State::kWaiting;
    for (int i = 0; i < 3 && state == State::kWaiting; ++i) state = pair.Receive(sink, 4096);
    BOOST_TEST((state == State::kDone), bytes);
    BOOST_TEST(sink.body == body);
    BOOST_TEST(pair.kept->reusable() == reusable);
  };
  f("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", false, "a", true);
  f("HTTP/1.1 204 No Content\r\n\r\n", false, "", true);
  f("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, "", true);
  f("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", false, "a", false);
  f("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\na", false, "a", false);
  f("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", false, "a", false);
  f("HTTP/1.1 200 OK\r\n\r\nuntil the end", true, "until the end", false);
}

namespace {

// Plays `answers` one after the other, whatever connections they are asked over, and notes what was
// asked. An answer that ends in "!" is the last one of its connection.
struct Script {
  explicit Script(std::vector<std::string> replies) : answers(std::move(replies)) {}

  void Serve(RawConnection& connection) {
    ++connections;
    while (at < answers.size()) {
      std::string request = connection.ReadUntil("\r\n\r\n");
      if (request.empty()) return;
      requests.push_back(std::move(request));
      std::string answer = answers[at++];
      const bool last = answer.ends_with('!');
      if (last) answer.pop_back();
      if (!connection.Send(answer) || last) return;
    }
    connection.ReadAll();
  }

  std::vector<std::string> answers;
  std::vector<std::string> requests;
  std::atomic<int> connections = 0;
  size_t at = 0;
  RawServer server{[this](RawConnection& connection) { Serve(connection); }};
};

std::string Ok(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

// One standing request to a server, sent as often as Next() is called.
class Asker {
 public:
  explicit Asker(const std::string& url, HttpOptions options = {}) {
    if (options.timeout == Duration(0)) options.timeout = Duration(20'000);
    request_ = client_->Prepare({"GET", url, {{"X-A", "b"}}, ""}, options);
  }
  std::future<HttpResponse> Send() {
    auto answer = std::make_shared<std::promise<HttpResponse>>();
    id =
        client_->Send(*request_, "", [answer](HttpResponse r) { answer->set_value(std::move(r)); });
    return answer->get_future();
  }
  HttpResponse Next() { return Send().get(); }
  void Cancel() { client_->Cancel(id); }

  HttpRequestId id;

 private:
  std::unique_ptr<HttpClient> client_ = NewCurlHttpClient();
  std::unique_ptr<HttpClient::StandingRequest> request_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_kept_connection_carries_the_same_request) {
  std::string packed;
  Compress(Encoding::kGzip, "packed page", packed);
  Script script({Ok("one"), Ok("two"), Ok(packed, "Content-Encoding: gzip\r\n"),
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                 "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"});
  HttpClientConfig config;
  config.basic_auth.emplace();
  config.basic_auth->username = "user";
  config.basic_auth->password = "pass word";
  HttpOptions options;
  options.config = std::make_shared<const HttpClientConfig>(config);
  Asker asker(script.server.url("/x%20y?a=b&c"), options);
  for (const char* want : {"one", "two", "packed page", "abc", "busy"}) {
    const HttpResponse r = asker.Next();
    BOOST_TEST(r.status.ok(), r.status.message());
    BOOST_TEST(r.body == want);
    BOOST_TEST(r.code == (r.body == "busy" ? 503 : 200));
    BOOST_TEST(r.url == script.server.url("/x%20y?a=b&c"));
  }
  BOOST_TEST(script.connections == 1);
  // What libcurl has sent first, line by line, in whatever order.
  const auto lines = [](std::string_view text) {
    std::multiset<std::string> out;
    for (size_t end = 0; (end = text.find("\r\n")) != std::string_view::npos;
         text.remove_prefix(end + 2))
      out.emplace(text.substr(0, end));
    return out;
  };
  BOOST_REQUIRE(script.requests.size() == 5u);
  BOOST_TEST(script.requests[1].starts_with("GET /x%20y?a=b&c HTTP/1.1\r\nHost: 127.0.0.1:"));
  BOOST_TEST(lines(script.requests[0]) == lines(script.requests[1]),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_kept_connection_that_fails_is_no_failure) {
  // Closed after the answer; closed as soon as it is asked; and a broken answer, once.
  Script script({Ok("1") + "!", Ok("2"), "!", Ok("3"), Ok("4"),
                 "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx!", Ok("6")});
  Asker asker(script.server.url());
  for (const char* want : {"1", "2", "3", "4"}) {
    const HttpResponse r = asker.Next();
    BOOST_TEST(r.status.ok(), r.status.message());
    BOOST_TEST(r.body == want);
  }
  const HttpResponse broken = asker.Next();
  BOOST_TEST(broken.status.message() == "Get \"" + script.server.url() + "\": unexpected EOF");
  BOOST_TEST(broken.body == "");
  BOOST_TEST(asker.Next().body == "6");
}

BOOST_AUTO_TEST_CASE(a_redirect_comes_to_a_kept_connection) {
  Script script({Ok("1"), "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n!",
                 "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n!",
                 Ok("there") + "!", "HTTP/1.1 100 Continue\r\n\r\n" + Ok("late")});
  Asker asker(script.server.url());
  BOOST_TEST(asker.Next().body == "1");
  const HttpResponse r = asker.Next();
  BOOST_TEST(r.body == "there");
  BOOST_TEST(r.url == script.server.url("/there"));
  BOOST_TEST(asker.Next().body == "late");
}

BOOST_AUTO_TEST_CASE(a_kept_connection_keeps_the_deadline_and_can_be_canceled) {
  Script script({Ok("1"), "", Ok("3"), "HTTP/1.1 200 OK\r\n", Ok("5")});
  HttpOptions options;
  options.timeout = Duration(300);
  Asker asker(script.server.url(), options);
  BOOST_TEST(asker.Next().body == "1");
  BOOST_TEST(asker.Next().status.message() ==
             "Get \"" + script.server.url() + "\": context deadline exceeded");
  BOOST_TEST(asker.Next().body == "3");
  auto canceled = asker.Send();
  asker.Cancel();
  BOOST_TEST((canceled.get().status.code() == Code::kCanceled));
}

BOOST_AUTO_TEST_CASE(a_body_over_a_kept_connection_has_its_limit) {
  Script script({Ok("1"), Ok(std::string(5000, 'x')), Ok("3")});
  HttpOptions options;
  options.max_body_bytes = 1000;
  Asker asker(script.server.url(), options);
  BOOST_TEST(asker.Next().body == "1");
  BOOST_TEST(asker.Next().status.message() ==
             "Get \"" + script.server.url() + "\": body size limit of 1000 bytes exceeded");
  BOOST_TEST(asker.Next().body == "3");
}

}  // namespace canopy::net
