#include <algorithm>
#include <array>
#include <cctype>

#include "canopy/base/quote.h"
#include "config/sections.h"

namespace canopy::config {
namespace {

void ReadTlsVersion(const Value& from, net::TlsVersion& to) {
  std::string text;
  Read(from, text);
  constexpr std::array<std::string_view, 5> kVersions = {"", "TLS10", "TLS11", "TLS12", "TLS13"};
  const auto it = std::find(kVersions.begin(), kVersions.end(), text);
  if (it == kVersions.end()) {
    from.Error("unknown TLS version: " + text);
  } else {
    to = static_cast<net::TlsVersion>(it - kVersions.begin());
  }
}

// One of each at most, and a certificate with its key.
void CheckTls(const Value& map, const net::TlsConfig& tls) {
  const auto both = [&](const std::string& a, const std::string& b, std::string_view key,
                        std::string_view message) {
    if (!a.empty() && !b.empty()) map.At(key).Error(std::string(message));
  };
  both(tls.ca, tls.ca_file, "ca_file", "at most one of ca, ca_file & ca_ref must be configured");
  both(tls.cert, tls.cert_file, "cert_file",
       "at most one of cert, cert_file & cert_ref must be configured");
  both(tls.key, tls.key_file, "key_file", "at most one of key and key_file must be configured");
  const bool cert = !tls.cert.empty() || !tls.cert_file.empty();
  const bool key = !tls.key.empty() || !tls.key_file.empty();
  if (cert && !key) {
    map.Error(
        "exactly one of key or key_file must be configured when a client certificate is "
        "configured");
  } else if (key && !cert) {
    map.Error(
        "exactly one of cert or cert_file must be configured when a client key is configured");
  }
}

void ReadTls(const Value& from, net::TlsConfig& to) {
  static const Fields<net::TlsConfig> kFields = {
      {"ca", &net::TlsConfig::ca},
      {"ca_file", &net::TlsConfig::ca_file, ReadPath},
      Unsupported<net::TlsConfig>("ca_ref"),
      {"cert", &net::TlsConfig::cert},
      {"cert_file", &net::TlsConfig::cert_file, ReadPath},
      Unsupported<net::TlsConfig>("cert_ref"),
      {"key", &net::TlsConfig::key},
      {"key_file", &net::TlsConfig::key_file, ReadPath},
      Unsupported<net::TlsConfig>("key_ref"),
      {"server_name", &net::TlsConfig::server_name},
      {"insecure_skip_verify", &net::TlsConfig::insecure_skip_verify},
      {"min_version", &net::TlsConfig::min_version, ReadTlsVersion},
      {"max_version", &net::TlsConfig::max_version, ReadTlsVersion},
  };
  to = {};
  ReadMap(from, Bind(kFields, to));
  CheckTls(from, to);
}

void ReadBasicAuth(const Value& from, std::optional<net::BasicAuth>& to) {
  static const Fields<net::BasicAuth> kFields = {
      {"username", &net::BasicAuth::username},
      {"username_file", &net::BasicAuth::username_file, ReadPath},
      Unsupported<net::BasicAuth>("username_ref"),
      {"password", &net::BasicAuth::password},
      {"password_file", &net::BasicAuth::password_file, ReadPath},
      Unsupported<net::BasicAuth>("password_ref"),
  };
  if (from.is_null()) return;
  net::BasicAuth& auth = to.emplace();
  ReadMap(from, Bind(kFields, auth));
  if (!auth.username.empty() && !auth.username_file.empty()) {
    from.At("username_file")
        .Error(
            "at most one of basic_auth username, username_file & username_ref must be "
            "configured");
  }
  if (!auth.password.empty() && !auth.password_file.empty()) {
    from.At("password_file")
        .Error(
            "at most one of basic_auth password, password_file & password_ref must be "
            "configured");
  }
}

std::string Trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

void ReadAuthorization(const Value& from, std::optional<net::Authorization>& to) {
  static const Fields<net::Authorization> kFields = {
      {"type", &net::Authorization::type},
      {"credentials", &net::Authorization::credentials},
      {"credentials_file", &net::Authorization::credentials_file, ReadPath},
      Unsupported<net::Authorization>("credentials_ref"),
  };
  if (from.is_null()) return;
  net::Authorization& auth = to.emplace();
  ReadMap(from, Bind(kFields, auth));
  auth.type = Trimmed(auth.type);
  if (auth.type.empty()) auth.type = "Bearer";
  if (net::SameHeader(auth.type, "basic")) {
    from.At("type").Error(
        R"(authorization type cannot be set to "basic", use "basic_auth" instead)");
  }
  if (!auth.credentials.empty() && !auth.credentials_file.empty()) {
    from.At("credentials_file")
        .Error("at most one of authorization credentials & credentials_file must be configured");
  }
}

// Set by the client itself, or changed by other keys.
bool IsReservedHeader(std::string_view name) {
  constexpr std::array<std::string_view, 18> kReserved = {
      "Authorization",
      "Host",
      "Content-Encoding",
      "Content-Length",
      "Content-Type",
      "User-Agent",
      "Connection",
      "Keep-Alive",
      "Proxy-Authenticate",
      "Proxy-Authorization",
      "Www-Authenticate",
      "Accept-Encoding",
      "X-Prometheus-Remote-Write-Version",
      "X-Prometheus-Remote-Read-Version",
      "X-Prometheus-Scrape-Timeout-Seconds",
      "X-Amz-Date",
      "X-Amz-Security-Token",
      "X-Amz-Content-Sha256",
  };
  return std::any_of(kReserved.begin(), kReserved.end(),
                     [&](std::string_view reserved) { return net::SameHeader(name, reserved); });
}

void CheckHeader(const Value& at, const std::string& name, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    if (!net::ValidHeader(name, value)) {
      at.Error("not a valid header or value");
      return;
    }
  }
}

void ReadHeaders(const Value& from, std::vector<net::ExtraHeader>& to) {
  static const Fields<net::ExtraHeader> kFields = {
      {"values", &net::ExtraHeader::values},
      {"secrets", &net::ExtraHeader::secrets},
      {"files", &net::ExtraHeader::files, ReadPaths},
  };
  for (const auto& [name, value] : from.Entries()) {
    if (IsReservedHeader(name))
      value.Error("setting header " + base::Quoted(name) + " is not allowed");
    net::ExtraHeader& header = to.emplace_back();
    header.name = name;
    ReadMap(value, Bind(kFields, header));
    CheckHeader(value, name, header.values);
    CheckHeader(value, name, header.secrets);
    CheckHeader(value, name, {""});
  }
}

void ReadConnectHeaders(const Value& from, net::Headers& to) {
  std::map<std::string, std::vector<std::string>> headers;
  Read(from, headers);
  for (auto& [name, values] : headers) {
    CheckHeader(from.At(name), name, values);
    for (std::string& value : values) to.emplace_back(name, std::move(value));
  }
}

template <class M>
Field<HttpKeys> Http(std::string_view key, M net::HttpClientConfig::*member) {
  return {key, &HttpKeys::config, member};
}
template <class M>
Field<HttpKeys> Http(std::string_view key, M net::HttpClientConfig::*member,
                     void (*reader)(const Value&, M&)) {
  return {key, [=](const Value& from, HttpKeys& to) { reader(from, to.config.*member); }};
}

void CheckProxy(const Value& map, const net::HttpClientConfig& config) {
  if (!config.proxy_connect_headers.empty() && !config.proxy_from_environment &&
      config.proxy_url.empty()) {
    map.At("proxy_connect_header")
        .Error(
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must "
            "also be configured");
  }
  if (config.proxy_from_environment && !config.proxy_url.empty()) {
    map.At("proxy_url")
        .Error("if proxy_from_environment is configured, proxy_url must not be configured");
  }
  if (config.proxy_from_environment && !config.no_proxy.empty()) {
    map.At("no_proxy")
        .Error("if proxy_from_environment is configured, no_proxy must not be configured");
  }
  if (config.proxy_url.empty() && !config.proxy_from_environment && !config.no_proxy.empty()) {
    map.At("no_proxy").Error("if no_proxy is configured, proxy_url must also be configured");
  }
}

void CheckAuth(const Value& map, const HttpKeys& keys) {
  const bool bearer = !keys.bearer_token.empty() || !keys.bearer_token_file.empty();
  const Value at = map.At(keys.bearer_token.empty() ? "bearer_token_file" : "bearer_token");
  if (!keys.bearer_token.empty() && !keys.bearer_token_file.empty()) {
    at.Error("at most one of bearer_token & bearer_token_file must be configured");
  }
  if (keys.config.basic_auth && bearer) {
    at.Error(
        "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured");
  }
  if (keys.config.authorization && bearer) {
    at.Error("authorization is not compatible with bearer_token & bearer_token_file");
  }
  if (keys.config.authorization && keys.config.basic_auth) {
    map.At("authorization")
        .Error("at most one of basic_auth, oauth2 & authorization must be configured");
  }
}

}  // namespace

const Fields<HttpKeys>& HttpFields() {
  using C = net::HttpClientConfig;
  static const Fields<HttpKeys> kFields = {
      Http("basic_auth", &C::basic_auth, ReadBasicAuth),
      Http("authorization", &C::authorization, ReadAuthorization),
      Unsupported<HttpKeys>("oauth2"),
      {"bearer_token", &HttpKeys::bearer_token},
      {"bearer_token_file", &HttpKeys::bearer_token_file, ReadPath},
      Http("tls_config", &C::tls, ReadTls),
      Http("follow_redirects", &C::follow_redirects),
      Http("enable_http2", &C::enable_http2),
      Http("proxy_url", &C::proxy_url),
      Http("no_proxy", &C::no_proxy),
      Http("proxy_from_environment", &C::proxy_from_environment),
      Http("proxy_connect_header", &C::proxy_connect_headers, ReadConnectHeaders),
      Http("http_headers", &C::http_headers, ReadHeaders),
  };
  return kFields;
}

net::HttpClientConfig FinishHttp(const Value& map, HttpKeys keys) {
  CheckAuth(map, keys);
  CheckProxy(map, keys.config);
  if (!keys.config.authorization &&
      !(keys.bearer_token.empty() && keys.bearer_token_file.empty())) {
    keys.config.authorization =
        net::Authorization{"Bearer", keys.bearer_token, keys.bearer_token_file};
  }
  return std::move(keys.config);
}

}  // namespace canopy::config
