#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

// How to reach a peer over HTTP, as prometheus.yml writes it inline in scrape_configs and
// alertmanagers. Plain values: what is read from a file is read by the client at each use, so that
// rotated secrets are picked up. File paths are absolute or relative to the working directory: the
// configuration loader has already joined them to its own directory.

namespace canopy::net {

enum class TlsVersion : unsigned char { kDefault, kTls10, kTls11, kTls12, kTls13 };

// Of each pair (x, x_file) at most one is set. `ca`, `cert` and `key` are PEM text.
struct TlsConfig {
  std::string ca;
  std::string ca_file;
  std::string cert;
  std::string cert_file;
  std::string key;
  std::string key_file;
  std::string server_name;
  bool insecure_skip_verify = false;
  TlsVersion min_version = TlsVersion::kDefault;
  TlsVersion max_version = TlsVersion::kDefault;
  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

struct BasicAuth {
  std::string username;
  std::string username_file;
  std::string password;
  std::string password_file;
  friend bool operator==(const BasicAuth&, const BasicAuth&) = default;
};

// The header "Authorization: <type> <credentials>". bearer_token is read as one of these.
struct Authorization {
  std::string type = "Bearer";
  std::string credentials;
  std::string credentials_file;
  friend bool operator==(const Authorization&, const Authorization&) = default;
};

// One name of http_headers: the values of all three lists are sent, in this order.
struct HeaderValues {
  std::vector<std::string> values;
  std::vector<std::string> secrets;
  std::vector<std::string> files;
  friend bool operator==(const HeaderValues&, const HeaderValues&) = default;
};

struct HttpClientConfig {
  std::optional<BasicAuth> basic_auth;
  std::optional<Authorization> authorization;
  TlsConfig tls;
  bool follow_redirects = true;
  bool enable_http2 = true;
  std::string proxy_url;  // may carry a password in its user part
  std::string no_proxy;
  bool proxy_from_environment = false;
  std::map<std::string, std::vector<std::string>> proxy_connect_header;  // values are secrets
  std::map<std::string, HeaderValues> http_headers;
  friend bool operator==(const HttpClientConfig&, const HttpClientConfig&) = default;
};

}  // namespace canopy::net
