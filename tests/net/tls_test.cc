#include <boost/test/unit_test.hpp>

#include "canopy/base/fs.h"
#include "canopy/net/client.h"
#include "canopy/net/server.h"
#include "tests/net/raw_tcp.h"
#include "tests/net/test_certificates.h"
#include "tests/support/temp_dir.h"

namespace canopy::net {
namespace {

using testing::TempDir;

class TlsServer {
 public:
  explicit TlsServer(const PemPair& pair, TlsServerOptions tls = {}) {
    tls.cert_file = files_.Write("cert.pem", pair.cert);
    tls.key_file = files_.Write("key.pem", pair.key);
    HttpServerOptions options;
    options.listen_addresses = {"127.0.0.1:0"};
    options.tls = tls;
    Router router;
    router.Handle("GET", "/x", [](Request& request, Response& response) {
      (void)response.Send(request.header("Host"));
    });
    router.Handle("GET", "/big", [](Request&, Response& response) {
      const std::string piece(100'000, 'x');
      for (int i = 0; i < 200; ++i)
        if (!response.Write(piece).ok()) return;
    });
    router.Handle("POST", "/size", [](Request& request, Response& response) {
      (void)response.Send(std::to_string(request.ReadBody(100 << 20)->size()));
    });
    auto server = StartHttpServer(std::move(options), std::move(router));
    BOOST_REQUIRE_MESSAGE(server.ok(), server.status().message());
    server_ = std::move(server).value();
  }
  std::string url(std::string_view path = "/x") const {
    return "https://" + server_->addresses()[0] + std::string(path);
  }
  const std::string& address() const { return address_ = server_->addresses()[0]; }
  TempDir& files() { return files_; }

 private:
  TempDir files_;
  std::unique_ptr<HttpServer> server_;
  mutable std::string address_;
};

HttpResponse Get(const std::string& url, TlsConfig tls, HttpClient* client = nullptr) {
  HttpClientConfig config;
  config.tls = std::move(tls);
  HttpOptions options;
  options.config = std::make_shared<const HttpClientConfig>(config);
  options.timeout = std::chrono::seconds(20);
  if (client != nullptr) return client->Fetch({"GET", url, {}, ""}, options);
  return NewCurlHttpClient()->Fetch({"GET", url, {}, ""}, options);
}

BOOST_AUTO_TEST_CASE(a_trusted_server_is_talked_to) {
  const PemPair pair = MakeCertificate("leaf.test");
  TlsServer server(pair);
  TlsConfig tls;
  tls.ca = pair.cert;
  HttpResponse r = Get(server.url(), tls);
  BOOST_TEST(r.status.ok(), r.status.message());
  BOOST_TEST(r.body == server.address());
  tls = {};
  tls.ca_file = server.files().Write("ca.pem", pair.cert);
  const auto client = NewCurlHttpClient();
  for (int i = 0; i < 3; ++i) BOOST_TEST(Get(server.url(), tls, client.get()).code == 200);
  r = Get(server.url("/big"), tls, client.get());
  BOOST_TEST(r.status.ok(), r.status.message());
  BOOST_TEST(r.body.size() == 20'000'000u);
  tls = {};
  tls.insecure_skip_verify = true;
  BOOST_TEST(Get(server.url(), tls).code == 200);

  HttpClientConfig config;
  config.tls = tls;
  HttpOptions options;
  options.config = std::make_shared<const HttpClientConfig>(config);
  r = client->Fetch({"POST", server.url("/size"), {}, std::string(5'000'000, 'y')}, options);
  BOOST_TEST(r.body == "5000000");
}

BOOST_AUTO_TEST_CASE(an_unknown_server_is_refused) {
  TlsServer server(MakeCertificate("leaf.test"));
  HttpResponse r = Get(server.url(), {});
  BOOST_TEST((r.status.code() == Code::kUnavailable));
  BOOST_TEST(r.status.message().starts_with("Get \"" + server.url() +
                                            "\": tls: failed to verify certificate: "),
             r.status.message());
  TlsConfig tls;
  tls.ca = MakeCertificate("leaf.test").cert;  // another one of that name
  BOOST_TEST(!Get(server.url(), tls).status.ok());
  tls = {};
  tls.ca_file = "/no/such/file.pem";
  r = Get(server.url(), tls);
  BOOST_TEST(r.status.message().find("/no/such/file.pem") != std::string::npos, r.status.message());
}

BOOST_AUTO_TEST_CASE(the_server_name_is_the_configured_one) {
  const PemPair pair = MakeCertificate("leaf.test");
  TlsServer server(pair);
  TlsConfig tls;
  tls.ca = pair.cert;
  tls.server_name = "leaf.test";
  const HttpResponse r = Get(server.url(), tls);
  BOOST_TEST(r.status.ok(), r.status.message());
  BOOST_TEST(r.body == server.address());  // Host is the URL's
  BOOST_TEST(r.url == server.url());
  tls.server_name = "other.test";
  BOOST_TEST(!Get(server.url(), tls).status.ok());
}

BOOST_AUTO_TEST_CASE(clients_show_their_certificate) {
  const PemPair pair = MakeCertificate("leaf.test");
  const PemPair known = MakeCertificate("parent.test");
  const PemPair unknown = MakeCertificate("stranger.test");
  TempDir files;
  TlsServerOptions options;
  options.client_ca_file = files.Write("clients.pem", known.cert);
  auto f = [&](ClientAuth auth, const PemPair* client, bool want) {
    options.client_auth = auth;
    TlsServer server(pair, options);
    TlsConfig tls;
    tls.ca = pair.cert;
    if (client != nullptr) {
      tls.cert = client->cert;
      tls.key = client->key;
    }
    const HttpResponse r = Get(server.url(), tls);
    BOOST_TEST_CONTEXT(static_cast<int>(auth)) {
      BOOST_TEST(r.status.ok() == want, r.status.message());
    }
    if (client != nullptr) {
      tls.cert.clear();
      tls.key.clear();
      tls.cert_file = files.Write("c.pem", client->cert);
      tls.key_file = files.Write("k.pem", client->key);
      BOOST_TEST(Get(server.url(), tls).status.ok() == want);
    }
  };
  f(ClientAuth::kNone, nullptr, true);
  f(ClientAuth::kRequest, nullptr, true);
  f(ClientAuth::kRequest, &unknown, true);
  f(ClientAuth::kRequireAny, nullptr, false);
  f(ClientAuth::kRequireAny, &unknown, true);
  f(ClientAuth::kVerifyIfGiven, nullptr, true);
  f(ClientAuth::kVerifyIfGiven, &unknown, false);
  f(ClientAuth::kVerifyIfGiven, &known, true);
  f(ClientAuth::kRequireAndVerify, nullptr, false);
  f(ClientAuth::kRequireAndVerify, &unknown, false);
  f(ClientAuth::kRequireAndVerify, &known, true);
}

BOOST_AUTO_TEST_CASE(versions_are_bounded_on_both_sides) {
  const PemPair pair = MakeCertificate("leaf.test");
  auto f = [&](bool server12, bool server13, TlsVersion min, TlsVersion max, bool want) {
    TlsServerOptions options;
    options.allow_tls12 = server12;
    options.allow_tls13 = server13;
    TlsServer server(pair, options);
    TlsConfig tls;
    tls.ca = pair.cert;
    tls.min_version = min;
    tls.max_version = max;
    BOOST_TEST(Get(server.url(), tls).status.ok() == want);
  };
  f(true, true, TlsVersion::kTls13, TlsVersion::kDefault, true);
  f(true, true, TlsVersion::kDefault, TlsVersion::kTls12, true);
  f(false, true, TlsVersion::kDefault, TlsVersion::kTls12, false);
  f(true, false, TlsVersion::kTls13, TlsVersion::kDefault, false);
  f(true, true, TlsVersion::kTls10, TlsVersion::kTls11, false);
}

BOOST_AUTO_TEST_CASE(a_rotated_certificate_is_used_without_a_restart) {
  const PemPair before = MakeCertificate("leaf.test");
  const PemPair after = MakeCertificate("leaf.test");
  TlsServer server(before);
  TlsConfig old_ca;
  old_ca.ca = before.cert;
  TlsConfig new_ca;
  new_ca.ca = after.cert;
  BOOST_TEST(Get(server.url(), old_ca).status.ok());
  BOOST_TEST(!Get(server.url(), new_ca).status.ok());
  (void)server.files().Write("cert.pem", after.cert);
  (void)server.files().Write("key.pem", after.key);
  BOOST_TEST(!Get(server.url(), old_ca).status.ok());
  BOOST_TEST(Get(server.url(), new_ca).status.ok());
}

BOOST_AUTO_TEST_CASE(plain_text_to_a_tls_port_does_no_harm) {
  const PemPair pair = MakeCertificate("leaf.test");
  TlsServer server(pair);
  RawConnection c(server.address());
  BOOST_REQUIRE(c.Send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"));
  BOOST_TEST(c.ReadAll().find("200 OK") == std::string::npos);
  TlsConfig tls;
  tls.ca = pair.cert;
  BOOST_TEST(Get(server.url(), tls).status.ok());
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_are_named) {
  const PemPair pair = MakeCertificate("a");
  const PemPair other = MakeCertificate("b");
  TempDir files;
  auto f = [&](TlsServerOptions tls, std::string_view want) {
    HttpServerOptions options;
    options.listen_addresses = {"127.0.0.1:0"};
    options.tls = std::move(tls);
    const auto server = StartHttpServer(std::move(options), Router());
    BOOST_REQUIRE(!server.ok());
    BOOST_TEST((server.status().code() == Code::kInvalid));
    BOOST_TEST(server.status().message().starts_with(want), server.status().message());
  };
  TlsServerOptions tls;
  tls.cert_file = "/no/cert.pem";
  f(tls, "tls: certificate /no/cert.pem: ");
  tls.cert_file = files.Write("cert.pem", pair.cert);
  tls.key_file = files.Write("empty.pem", "");
  f(tls, "tls: key " + tls.key_file + ": ");
  tls.key_file = files.Write("other.pem", other.key);
  f(tls, "tls: key " + tls.key_file);
  tls.key_file = files.Write("key.pem", pair.key);
  tls.client_ca_file = "/no/ca.pem";
  f(tls, "tls: client CA /no/ca.pem: ");
  tls.client_ca_file.clear();
  tls.allow_tls12 = tls.allow_tls13 = false;
  f(tls, "tls: no version is allowed");
  tls.allow_tls12 = true;
  tls.cipher_suites = "NO-SUCH-CIPHER";
  f(tls, "tls: cipher suites NO-SUCH-CIPHER: ");
}

}  // namespace
}  // namespace canopy::net
