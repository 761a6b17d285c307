#include "canopy/net/url.h"

#include <boost/test/unit_test.hpp>
#include <random>

namespace canopy::net {
namespace {

BOOST_AUTO_TEST_CASE(a_url_is_cut_into_its_parts) {
  auto f = [](std::string_view text, std::string_view scheme, std::string_view user,
              std::string_view host_name, std::string_view port, std::string_view path,
              std::string_view query, std::string_view fragment) {
    BOOST_TEST_CONTEXT(text) {
      const auto url = ParseUrl(text);
      BOOST_REQUIRE_MESSAGE(url.ok(), url.status().message());
      BOOST_TEST(url->scheme == scheme);
      BOOST_TEST(url->user_info == user);
      BOOST_TEST(url->host_name() == host_name);
      BOOST_TEST(url->port() == port);
      BOOST_TEST(url->path == path);
      BOOST_TEST(url->raw_query == query);
      BOOST_TEST(url->fragment == fragment);
      BOOST_TEST(url->Format() == text);
    }
  };
  f("http://localhost:9090/metrics", "http", "", "localhost", "9090", "/metrics", "", "");
  f("https://u:p%40w@h.example/a%20b?x=1&y=%2F#top", "https", "u:p%40w", "h.example", "", "/a%20b",
    "x=1&y=%2F", "top");
  f("http://[::1]:9090", "http", "", "::1", "9090", "", "", "");
  f("http://[fe80::1]/x", "http", "", "fe80::1", "", "/x", "", "");
  f("http://127.0.0.1", "http", "", "127.0.0.1", "", "", "", "");
  f("/federate?match[]=up", "", "", "", "", "/federate", "match[]=up", "");
  f("http://h?q=http://x/", "http", "", "h", "", "", "q=http://x/", "");
  f("http://h/p/a:b", "http", "", "h", "", "/p/a:b", "", "");
  f("", "", "", "", "", "", "", "");
}

BOOST_AUTO_TEST_CASE(a_broken_url_is_refused_as_go_does) {
  auto f = [](std::string_view text, std::string_view want) {
    const auto url = ParseUrl(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(!url.ok());
      BOOST_TEST(url.status().message() == want);
    }
  };
  f(":9090/metrics", R"(parse ":9090/metrics": missing protocol scheme)");
  f("http://[::1", R"(parse "http://[::1": missing ']' in host)");
  f("http://h:port/", R"(parse "http://h:port/": invalid port ":port" after host)");
  f("http://a b/", R"(parse "http://a b/": invalid character " " in host name)");
  f("http://h/%zz", R"(parse "http://h/%zz": invalid URL escape "%zz")");
  f("http://h/%a", R"(parse "http://h/%a": invalid URL escape "%a")");
  f("http://h/\n", R"(parse "http://h/\n": net/url: invalid control character in URL)");
  f("http://a\"b@h/", R"(parse "http://a\"b@h/": net/url: invalid userinfo)");
  f("127.0.0.1:9090", R"(parse "127.0.0.1:9090": first path segment in URL cannot contain colon)");
}

BOOST_AUTO_TEST_CASE(a_password_is_not_shown) {
  auto f = [](std::string_view text, std::string_view want) {
    BOOST_TEST(ParseUrl(text)->Redacted() == want);
  };
  f("http://u:secret@h/x?y", "http://u:xxxxx@h/x?y");
  f("http://u@h/", "http://u@h/");
  f("http://h/", "http://h/");
}

BOOST_AUTO_TEST_CASE(escaping) {
  BOOST_TEST(QueryEscape("up{job=\"a b\"}+1~") == "up%7Bjob%3D%22a+b%22%7D%2B1~");
  BOOST_TEST(QueryEscape("\xc3\xa4") == "%C3%A4");
  BOOST_TEST(PathEscape("a b/c+d?e") == "a%20b%2Fc+d%3Fe");
  BOOST_TEST(EscapePath("/a b/c+d?e;f\xc3\xa4") == "/a%20b/c+d%3Fe;f%C3%A4");
  BOOST_TEST(*QueryUnescape("a+b%20c%2b") == "a b c+");
  BOOST_TEST(*PathUnescape("a+b%20c") == "a+b c");
  BOOST_TEST(QueryUnescape("%").status().message() == "invalid URL escape \"%\"");
  BOOST_TEST(QueryUnescape("x%1").status().message() == "invalid URL escape \"%1\"");
  BOOST_TEST(QueryUnescape("%4g1").status().message() == "invalid URL escape \"%4g\"");
}

BOOST_AUTO_TEST_CASE(a_form_keeps_order_and_repetition) {
  const auto form = ParseForm("match[]=up&match%5B%5D=a%2Bb&x&&y=&x=2=3");
  BOOST_REQUIRE(form.ok());
  const Form::Items want{{"match[]", "up"}, {"match[]", "a+b"}, {"x", ""}, {"y", ""}, {"x", "2=3"}};
  BOOST_TEST((form->items() == want));
  BOOST_TEST(form->All("match[]").size() == 2u);
  BOOST_TEST(form->Value("match[]") == "up");
  BOOST_TEST(form->Has("y"));
  BOOST_TEST(!form->Get("z").has_value());
  BOOST_TEST(form->Value("z") == "");
  BOOST_TEST(form->Encode() == "match%5B%5D=up&match%5B%5D=a%2Bb&x=&x=2%3D3&y=");
}

BOOST_AUTO_TEST_CASE(a_broken_form_is_refused) {
  BOOST_TEST(ParseForm("a=1;b=2").status().message() == "invalid semicolon separator in query");
  BOOST_TEST(ParseForm("a=%zz").status().message() == "invalid URL escape \"%zz\"");
  BOOST_TEST(ParseForm("%=1").status().message() == "invalid URL escape \"%\"");
  const auto many = ParseForm("a&b&c", 2);
  BOOST_TEST((many.status().code() == Code::kLimit));
  BOOST_TEST(many.status().message() == "number of URL query parameters exceeded limit of 2");
}

BOOST_AUTO_TEST_CASE(any_form_reads_back_as_it_was) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (int round = 0; round < 500; ++round) {
      const auto text = [&] {
        std::string s(random() % 12, ' ');
        for (char& c : s) c = static_cast<char>(random());
        return s;
      };
      Form form;
      // Encode() sorts, so the names are given in order.
      for (char name = 'a'; name < static_cast<char>('a' + random() % 5); ++name)
        form.Add(name + text(), text());
      const auto back = ParseForm(form.Encode());
      BOOST_REQUIRE(back.ok());
      BOOST_TEST((back->items() == form.items()));
    }
  }
}

}  // namespace
}  // namespace canopy::net
