#include "net/http_head.h"

#include <boost/test/unit_test.hpp>
#include <random>

namespace canopy::net {
namespace {

// The parts of a good request line and of what matters in the fields, in one line.
std::string Read(std::string_view text) {
  RequestHead head;
  if (const HeadError error = ParseHead(text, head)) return std::to_string(error.status);
  std::string out = head.method + " " + head.path;
  if (!head.raw_query.empty()) out += "?" + head.raw_query;
  out += head.keep_alive ? " keep" : " close";
  if (head.chunked) out += " chunked";
  if (head.content_length) out += " length=" + std::to_string(*head.content_length);
  if (head.expects_continue) out += " continue";
  return out;
}

BOOST_AUTO_TEST_CASE(request_lines) {
  auto f = [](std::string line, std::string_view want) {
    BOOST_TEST_CONTEXT(line) { BOOST_TEST(Read(line + "\r\nHost: h\r\n\r\n") == want); }
  };
  f("GET / HTTP/1.1", "GET / keep");
  f("GET /a%20b/%C3%A4?q=%20 HTTP/1.1", "GET /a b/\xc3\xa4?q=%20 keep");
  f("GET /x HTTP/1.0", "GET /x close");
  f("GET http://other:80/x?y HTTP/1.1", "GET /x?y keep");
  f("GET http://other HTTP/1.1", "GET / keep");
  f("GET http://other?y HTTP/1.1", "GET /?y keep");
  f("OPTIONS * HTTP/1.1", "OPTIONS * keep");
  f("GET /? HTTP/1.1", "GET / keep");
  f("PURGE //x HTTP/1.1", "PURGE //x keep");
  f("GET /x HTTP/2.0", "505");
  f("GET /x HTTP/1.2", "505");
  f("GET /x", "400");
  f("GET  HTTP/1.1", "400");
  f("GET /a b HTTP/1.1", "400");
  f("G\x01T / HTTP/1.1", "400");
  f("GET /%zz HTTP/1.1", "400");
  f("GET x HTTP/1.1", "400");
  f("GET /x FTP/1.1", "400");
  f(" GET / HTTP/1.1", "400");
  f("", "400");
  f("CONNECT host:80 HTTP/1.1", "400");
}

BOOST_AUTO_TEST_CASE(fields_of_a_head) {
  auto f = [](std::string fields, std::string_view want) {
    BOOST_TEST_CONTEXT(fields) {
      BOOST_TEST(Read("POST / HTTP/1.1\r\n" + fields + "\r\n") == want);
    }
  };
  f("Host: h\r\n", "POST / keep");
  f("host:h\r\nconnection: Close\r\n", "POST / close");
  f("Host: h\r\nConnection: keep-alive, close\r\n", "POST / close");
  f("Host: h\r\nContent-Length: 12\r\n", "POST / keep length=12");
  f("Host: h\r\nContent-Length: 12\r\nContent-Length: 12\r\n", "POST / keep length=12");
  f("Host: h\r\nTransfer-Encoding: chunked\r\n", "POST / keep chunked");
  f("Host: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n", "POST / keep length=1 continue");
  f("Host: h\nX: y\n", "POST / keep");
  f("", "400");
  f("Host: h\r\nHost: i\r\n", "400");
  f("Host: h\r\nX : y\r\n", "400");
  f("Host: h\r\nX: y\r\n folded\r\n", "400");
  f("Host: h\r\n: y\r\n", "400");
  f("Host: h\r\nno colon\r\n", "400");
  f("Host: h\r\nX: a\x01\r\n", "400");
  f("Host: h\r\nX: a\rb\r\n", "400");
  f("Host: h\r\nContent-Length: -1\r\n", "400");
  f("Host: h\r\nContent-Length: +1\r\n", "400");
  f("Host: h\r\nContent-Length: 1, 1\r\n", "400");
  f("Host: h\r\nContent-Length: 0x1\r\n", "400");
  f("Host: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "400");
  f("Host: h\r\nContent-Length: 99999999999999999999\r\n", "400");
  f("Host: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", "400");
  f("Host: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "400");
  f("Host: h\r\nTransfer-Encoding: gzip, chunked\r\n", "501");
  f("Host: h\r\nExpect: tea\r\n", "417");
  std::string many = "Host: h\r\n";
  for (int i = 0; i < 1000; ++i) many += "X: y\r\n";
  f(many, "431");
}

BOOST_AUTO_TEST_CASE(old_http_needs_no_host) {
  BOOST_TEST(Read("GET / HTTP/1.0\r\n\r\n") == "GET / close");
  BOOST_TEST(Read("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") == "GET / keep");
  BOOST_TEST(Read("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == "400");
}

BOOST_AUTO_TEST_CASE(the_end_is_found_wherever_the_bytes_are_cut) {
  for (const std::string_view head :
       {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\nHost: h\n\n",
        "GET / HTTP/1.1\nHost: h\r\n\n"}) {
    const std::string bytes = std::string(head) + "body\r\n\r\n";
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      const size_t first = FindHeadEnd(std::string_view(bytes).substr(0, cut), 0);
      BOOST_TEST(first == (cut >= head.size() ? head.size() : 0u));
      if (first == 0) BOOST_TEST(FindHeadEnd(bytes, cut) == head.size());
    }
  }
  BOOST_TEST(FindHeadEnd("GET / HTTP/1.1\r\nHost: h\r\n", 0) == 0u);
}

BOOST_AUTO_TEST_CASE(any_bytes_are_read_or_refused) {
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  const std::string good =
      "POST /api/v1/query?x=y%20z HTTP/1.1\r\nHost: h:1\r\nContent-Length: 5\r\nX-Y: z\r\n\r\n";
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (int round = 0; round < 20'000; ++round) {
      std::string bytes = good;
      for (size_t n = random() % 4; n > 0; --n) {
        const size_t at = random() % bytes.size();
        if (random() % 2 == 0)
          bytes[at] = static_cast<char>(random());
        else
          bytes.erase(at, random() % 5);
        if (bytes.empty()) break;
      }
      RequestHead head;
      if (const HeadError error = ParseHead(bytes, head)) {
        BOOST_REQUIRE(error.status >= 400 && error.status < 600);
      } else {
        BOOST_REQUIRE(!head.path.empty());
        for (const auto& [name, value] : head.headers) BOOST_REQUIRE(ValidHeader(name, value));
      }
    }
  }
}

}  // namespace
}  // namespace canopy::net
