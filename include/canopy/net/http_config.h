#pragma once

#include <optional>
#include <string>
#include <vector>

#include "canopy/net/headers.h"

// How to reach a peer over HTTP, as prometheus.yml writes it inline in scrape_configs and
// alertmanagers: plain values, apart from the client, for who only carries them. File paths are
// as the working directory sees them: the configuration's loader has joined them already.

namespace canopy::net {

enum class TlsVersion : unsigned char { kDefault, kTls10, kTls11, kTls12, kTls13 };

// A file wins over the inline text of the same thing; both may be empty. PEM throughout.
struct TlsConfig {
  std::string ca, ca_file;  // empty: the system's authorities
  std::string cert, cert_file;
  std::string key, key_file;
  std::string server_name;  // instead of the URL's host, for SNI and for the certificate
  bool insecure_skip_verify = false;
  TlsVersion min_version = TlsVersion::kDefault;  // 1.2
  TlsVersion max_version = TlsVersion::kDefault;  // the newest there is

  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

// Files are read again for every request, so that rotated secrets are seen; white space at the end
// of a file is no part of the secret.
struct BasicAuth {
  std::string username, username_file;
  std::string password, password_file;

  friend bool operator==(const BasicAuth&, const BasicAuth&) = default;
};

struct Authorization {
  std::string type = "Bearer";
  std::string credentials, credentials_file;

  friend bool operator==(const Authorization&, const Authorization&) = default;
};

// One entry of http_headers: a field for every value, secret and file, in this order.
struct ExtraHeader {
  std::string name;
  std::vector<std::string> values, secrets, files;

  friend bool operator==(const ExtraHeader&, const ExtraHeader&) = default;
};

// What Prometheus configures of an HTTP client, inline in scrape and other configurations.
struct HttpClientConfig {
  std::optional<BasicAuth> basic_auth;
  std::optional<Authorization> authorization;
  TlsConfig tls;
  bool follow_redirects = true;
  bool enable_http2 = true;
  std::string proxy_url;  // http, https, socks5
  std::string no_proxy;   // comma-separated hosts, domains, networks
  bool proxy_from_environment = false;
  Headers proxy_connect_headers;
  std::vector<ExtraHeader> http_headers;

  friend bool operator==(const HttpClientConfig&, const HttpClientConfig&) = default;
};

}  // namespace canopy::net
