#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/ids.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/base/workers.h"
#include "canopy/net/headers.h"

// HTTP requests to targets, children, Alertmanagers and storages: thousands at once on one thread.

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

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
};

struct HttpOptions {
  Duration timeout{0};          // the whole request with redirects and body; 0: none
  Duration connect_timeout{0};  // 0: as `timeout`
  // A longer body, counted as decompressed, ends the request with kLimit. 0: no limit.
  size_t max_body_bytes = 0;
  // Asks for gzip. A body comes decompressed whatever is asked for.
  bool accept_gzip = true;
  std::string unix_socket;                         // connects there instead of to the URL's host
  std::shared_ptr<const HttpClientConfig> config;  // none: the defaults
  // Where the body is decompressed and the callback runs; must outlive the client. None: on the
  // client's own thread, which then must not be held up: decide, enqueue, return.
  Workers* run_on = nullptr;
  // Given back as HttpResponse::body: a caller that passes its last one spares the allocation.
  std::string body_buffer;
};

struct HttpResponse {
  // Whether a whole response arrived; the code of the response plays no part. The message reads as
  // Go's: `Get "http://h:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused`, `Get
  // "...": context deadline exceeded`. kTimeout, kLimit, kCanceled, kInvalid (URL, headers, files),
  // kUnavailable for the rest.
  Status status;
  int code = 0;
  Headers headers;  // of the last response of a chain of redirects; none repeated are merged
  std::string body;
  std::string url;             // the last one of a chain of redirects
  size_t wire_body_bytes = 0;  // before decompression
  Duration duration{0};

  std::string_view header(std::string_view name) const { return FindHeader(headers, name); }
};

using HttpRequestId = Id<struct HttpRequestTag>;

// Thread-safe.
class HttpClient {
 public:
  using Callback = std::function<void(HttpResponse)>;

  virtual ~HttpClient() = default;

  // Returns at once. `done` runs exactly once, whatever happens: see HttpOptions::run_on for where.
  virtual HttpRequestId Send(HttpRequest request, HttpOptions options, Callback done) = 0;
  // `done` runs soon with kCanceled, unless the response came first. Unknown ids are fine.
  virtual void Cancel(HttpRequestId id) = 0;

  // Sends and waits. Not from a callback on the client's own thread. `options.run_on` is not used.
  HttpResponse Fetch(HttpRequest request, HttpOptions options = {});
};

struct CurlClientOptions {
  std::string user_agent = "canopy";
  // Connections kept open for the next request, to all hosts together.
  long max_idle_connections = 10'000;
  Duration idle_timeout = std::chrono::minutes(5);
  // For credential files. libcurl itself reads the files of TlsConfig.
  Fs* fs = nullptr;  // PosixFs()
};

// One libcurl multi handle on one thread. Destruction cancels what is under way and returns when
// every callback has run or has been handed to its workers.
std::unique_ptr<HttpClient> NewCurlHttpClient(CurlClientOptions options = {});

}  // namespace canopy::net
