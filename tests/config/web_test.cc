#include "canopy/config/web.h"

#include <boost/test/unit_test.hpp>

namespace canopy::config {
namespace {

constexpr const char* kHash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

WebConfig Good(const std::string& text) {
  WebReport report = LoadWebText(text, "/etc/web.yml");
  BOOST_TEST(FormatErrors(report.errors) == "");
  return report.config.value_or(WebConfig());
}
std::string Errors(const std::string& text) {
  const WebReport report = LoadWebText(text, "/etc/web.yml");
  BOOST_TEST(report.config.has_value() == report.errors.empty());
  return FormatErrors(report.errors);
}

BOOST_AUTO_TEST_CASE(an_empty_web_config_asks_for_nothing) {
  for (const char* text : {"", "tls_server_config:\n", "tls_server_config: {}\n"}) {
    const WebConfig config = Good(text);
    BOOST_TEST(!config.tls.has_value());
    BOOST_TEST(config.basic_auth_users.empty());
    BOOST_TEST(config.response_headers.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_whole_web_config) {
  const WebConfig config = Good(R"(
tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS12
  max_version: TLS12
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]
http_server_config:
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: ''
basic_auth_users:
  alice: )" + std::string(kHash));
  BOOST_REQUIRE(config.tls.has_value());
  BOOST_TEST(config.tls->cert_file == "/etc/server.crt");
  BOOST_TEST(config.tls->key_file == "/keys/server.key");
  BOOST_TEST(config.tls->client_ca_file == "/etc/ca.crt");
  BOOST_TEST((config.tls->client_auth == net::ClientAuth::kRequireAndVerify));
  BOOST_TEST(config.tls->allow_tls12);
  BOOST_TEST(!config.tls->allow_tls13);
  BOOST_TEST(config.tls->cipher_suites ==
             "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305");
  BOOST_TEST((config.response_headers == net::Headers{{"X-Frame-Options", "deny"}}));
  BOOST_TEST((config.basic_auth_users == std::map<std::string, std::string>{{"alice", kHash}}));
}

BOOST_AUTO_TEST_CASE(every_error_of_a_web_config_at_once) {
  BOOST_TEST(Errors(R"(tls_server_config:
  key_file: k
  client_auth_type: Maybe
  client_ca_file: ca
  min_version: TLS11
  max_version: TLS14
  cipher_suites: [ROT13]
  curve_preferences: [X25519]
http_server_config:
  headers: {Server: x}
basic_auth_users: {bob: plain}
rate_limit: {burst: 5}
other: 1
)") == R"(/etc/web.yml:1: tls_server_config: missing cert_file
/etc/web.yml:3: tls_server_config.client_auth_type: invalid ClientAuth: Maybe
/etc/web.yml:4: tls_server_config.client_ca_file: client CA's have been configured without a Client Auth Policy
/etc/web.yml:5: tls_server_config.min_version: TLS11 is not supported yet
/etc/web.yml:6: tls_server_config.max_version: unknown TLS version: TLS14
/etc/web.yml:7: tls_server_config.cipher_suites[0]: unknown cipher: ROT13
/etc/web.yml:8: tls_server_config.curve_preferences: not supported yet
/etc/web.yml:10: http_server_config.headers.Server: HTTP header "Server" can not be configured
/etc/web.yml:11: basic_auth_users.bob: not a bcrypt hash
/etc/web.yml:12: rate_limit: not supported yet
/etc/web.yml:13: other: unknown key)");
  BOOST_TEST(Errors("tls_server_config: {cert_file: c, key_file: k, min_version: TLS13, "
                    "max_version: TLS12}") ==
             "/etc/web.yml:1: tls_server_config.max_version: must not be below min_version");
}

BOOST_AUTO_TEST_CASE(what_has_no_meaning_in_a_web_config_is_said) {
  const WebReport report = LoadWebText("http_server_config: {http2: true}", "/etc/web.yml");
  BOOST_TEST(report.config.has_value());
  BOOST_TEST(FormatErrors(report.notices) ==
             "/etc/web.yml:1: http_server_config.http2: has no meaning here: HTTP/1.1 is served");
  BOOST_TEST(LoadWebText("http_server_config: {http2: false}", "").notices.empty());
}

}  // namespace
}  // namespace canopy::config
